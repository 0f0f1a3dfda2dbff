//! `akashi cluster`: the state of the whole cluster, its first entry, its members.

mod keys;
mod members;
mod status;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Global;
use super::output::Output;
use crate::dev::basic_policy;
use crate::error::Error;
use crate::operator::Policy;
use crate::policy::AgentRule;

pub(super) use status::disagreement;

/// Look at the cluster, write its first entry, change its members
#[derive(Debug, Args)]
pub(super) struct Cluster {
    #[command(subcommand)]
    verb: ClusterVerb,
}

#[derive(Debug, Subcommand)]
enum ClusterVerb {
    /// Show every member: role, standing, progress, tree, seals
    #[command(after_help = "\
Asks the nodes of the context, and members that only they know of. SEEN says how many of the others that
answer have a connection to a node. With -o json every node's view of the others is in `peers`.
Exit status 6 if the voters that answer are no quorum or know no leader, 7 if a node is fenced or two
nodes differ at the same index.

Example:
  akashi cluster status -o json")]
    Status,
    /// Write the first entry of an empty cluster: the context's tenant and the policy `basic`
    #[command(after_help = "Example:\n  akashi cluster bootstrap --context ./prod")]
    Bootstrap,
    /// Activate a new version of a policy
    #[command(after_help = "Example:\n  akashi cluster policy quick --challenge-ttl 30 --no-pin")]
    Policy(PolicyArgs),
    Add(members::Add),
    Promote(members::Promote),
    Remove(members::Remove),
    Replace(members::Replace),
    Transfer(members::Transfer),
    Drain(members::Drain),
    Keys(keys::Keys),
}

#[derive(Debug, Args)]
struct PolicyArgs {
    /// Name of the policy
    name: String,
    /// Seconds that a challenge is open
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    challenge_ttl: u32,
    /// Seconds that a verdict may be relied on
    #[arg(long, default_value_t = 3_600, value_name = "SECONDS")]
    verdict_ttl: u32,
    /// Ask for possession of the phone only
    #[arg(long)]
    no_pin: bool,
    /// Let any registered agent take a contact; otherwise only one with a session who is present
    #[arg(long)]
    any_agent: bool,
}

impl Cluster {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        match self.verb {
            ClusterVerb::Add(verb) => verb.run(global, output).await,
            ClusterVerb::Promote(verb) => verb.run(global, output).await,
            ClusterVerb::Remove(verb) => verb.run(global, output).await,
            ClusterVerb::Replace(verb) => verb.run(global, output).await,
            ClusterVerb::Transfer(verb) => verb.run(global, output).await,
            ClusterVerb::Drain(verb) => verb.run(global, output).await,
            ClusterVerb::Keys(verb) => verb.run(global, output).await,
            ClusterVerb::Status => {
                let answers = status::ask(&global.context()?, global.seconds()).await?;
                status::show(&answers, output);
                status::judge(&answers)
            }
            ClusterVerb::Bootstrap => {
                let context = global.context()?;
                let operator = context.operator()?;
                operator
                    .bootstrap(context.tenant(), basic_policy(), global.deadline())
                    .await?;
                output.note(&format!(
                    "The cluster has its first entry; tenant {}.",
                    context.tenant()
                ));
                Ok(())
            }
            ClusterVerb::Policy(args) => {
                let policy = Policy {
                    name: args.name,
                    require_possession: true,
                    require_knowledge: !args.no_pin,
                    challenge_ttl_s: args.challenge_ttl,
                    verdict_ttl_s: args.verdict_ttl,
                    agents: args.any_agent.then(|| AgentRule::registered().to_wire()),
                    ..Policy::default()
                };
                let context = global.context()?;
                let policy = context
                    .operator()?
                    .put_policy(context.tenant(), policy, global.deadline())
                    .await?;
                output.record(
                    &[
                        ("policy", policy.name.clone()),
                        ("version", policy.version.to_string()),
                        ("digest", hex::encode(&policy.digest)),
                    ],
                    &json!({ "name": policy.name, "version": policy.version,
                             "digest": hex::encode(&policy.digest) }),
                );
                Ok(())
            }
        }
    }
}
