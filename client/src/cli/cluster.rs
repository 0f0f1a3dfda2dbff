//! `akashi cluster`: the state of the whole cluster, and its first entry.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Global;
use super::output::Output;
use crate::clock::{self, Deadline};
use crate::dev::basic_policy;
use crate::error::Error;
use crate::operator::{NodeStatus, Policy};
use crate::policy::AgentRule;

/// Seconds after which a node that says nothing is shown as such: the others are there to be read.
const STATUS_S_MAX: u64 = 3;

/// Look at the cluster, or write its first entry
#[derive(Debug, Args)]
pub(super) struct Cluster {
    #[command(subcommand)]
    verb: ClusterVerb,
}

#[derive(Debug, Subcommand)]
enum ClusterVerb {
    /// Show every node: role, progress, tree, seals
    #[command(after_help = "\
Exit status 6 if the nodes that answer are no quorum or know no leader, 7 if a node is fenced or two
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
        let context = global.context()?;
        let operator = context.operator()?;
        match self.verb {
            ClusterVerb::Status => {
                let budget = Duration::from_secs(global.seconds().min(STATUS_S_MAX));
                let answers = operator.status_of_all(Deadline::after(budget)).await;
                show(&answers, output);
                judge(&answers)
            }
            ClusterVerb::Bootstrap => {
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
                let policy = operator
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

/// What the nodes answered, by address.
type Answers = [(String, Result<NodeStatus, Error>)];

/// Writes one row per node.
pub(super) fn show(answers: &Answers, output: Output) {
    let newest = answers
        .iter()
        .filter_map(|(_, answer)| answer.as_ref().ok())
        .map(|status| status.committed_index)
        .max()
        .unwrap_or(0);
    let mut rows = Vec::new();
    let mut json = Vec::new();
    for (address, answer) in answers {
        match answer {
            Ok(status) => {
                rows.push(row(status, newest, output));
                json.push(node_json(address, status));
            }
            Err(error) => {
                let mut row = vec!["?".to_owned(), String::new(), "no answer".to_owned()];
                row.extend(std::iter::repeat_n(String::new(), 6));
                row.push(format!("{} {address}: {error}", output.mark(false)));
                rows.push(row);
                json.push(json!({ "address": address, "error": error.to_string() }));
            }
        }
    }
    let header = [
        "NODE", "SITE", "ROLE", "TERM", "APPLIED", "LAG", "LEAVES", "SEALED", "ROOT", "STATE",
    ];
    output.records(&header, &rows, &json);
}

fn row(status: &NodeStatus, newest: u64, output: Output) -> Vec<String> {
    let lag = newest.saturating_sub(status.applied_index);
    let state = if status.fenced {
        format!("{} fenced: {}", output.mark(false), status.fence_reason)
    } else if lag > 0 {
        format!("{} serving (behind)", output.mark(true))
    } else {
        format!("{} serving", output.mark(true))
    };
    vec![
        status.name.clone(),
        status.site.clone(),
        status.role.clone(),
        status.term.to_string(),
        status.applied_index.to_string(),
        lag.to_string(),
        status.tree_size.to_string(),
        format!("{} by {}", status.sealed_size, status.sealed_signatures),
        short(&status.tree_root),
        state,
    ]
}

fn node_json(address: &str, status: &NodeStatus) -> Value {
    json!({
        "address": address,
        "nodeId": status.node_id,
        "name": status.name,
        "site": status.site,
        "role": status.role,
        "leaderId": status.leader_id,
        "term": status.term,
        "committedIndex": status.committed_index,
        "appliedIndex": status.applied_index,
        "durableIndex": status.durable_index,
        "treeSize": status.tree_size,
        "treeRoot": hex::encode(&status.tree_root),
        "sealedSize": status.sealed_size,
        "sealedRoot": hex::encode(&status.sealed_root),
        "sealedSignatures": status.sealed_signatures,
        "stamp": clock::rfc3339(status.stamp_us),
        "stateHash": hex::encode(&status.state_hash),
        "fenced": status.fenced,
        "fenceReason": status.fence_reason,
        "version": status.version,
    })
}

/// Whether the cluster can work, and whether its replicas agree.
fn judge(answers: &Answers) -> Result<(), Error> {
    let statuses: Vec<&NodeStatus> = answers
        .iter()
        .filter_map(|(_, answer)| answer.as_ref().ok())
        .collect();
    if statuses.iter().any(|status| status.fenced) {
        return Err(Error::integrity(
            "a node is fenced: its root differs from a quorum's",
        ));
    }
    disagreement(&statuses)?;
    let leads = statuses.iter().any(|status| status.leader_id != 0);
    if statuses.len() * 2 <= answers.len() || !leads {
        let status = tonic::Status::unavailable("no quorum answers, or there is no leader");
        return Err(Error::Unavailable {
            status: Box::new(status),
        });
    }
    Ok(())
}

/// Compares replicas at the same applied index: state and tree must be the same.
pub(super) fn disagreement(statuses: &[&NodeStatus]) -> Result<(), Error> {
    let mut seen: BTreeMap<u64, &NodeStatus> = BTreeMap::new();
    for status in statuses {
        let other = seen.entry(status.applied_index).or_insert(status);
        if other.tree_root != status.tree_root || other.state_hash != status.state_hash {
            return Err(Error::integrity(format!(
                "{} and {} differ at index {}",
                other.name, status.name, status.applied_index
            )));
        }
    }
    Ok(())
}

/// The first four bytes of a hash, for people.
pub(super) fn short(hash: &[u8]) -> String {
    let start = hash.get(..4).unwrap_or(hash);
    format!("{}…", hex::encode(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, applied_index: u64, root: u8) -> NodeStatus {
        NodeStatus {
            name: name.to_owned(),
            leader_id: 1,
            applied_index,
            tree_root: vec![root; 32].into(),
            ..NodeStatus::default()
        }
    }

    fn exit(answers: &Answers) -> u8 {
        judge(answers).map_or_else(|error| error.code().exit().number(), |()| 0)
    }

    #[test]
    fn a_healthy_cluster_may_have_replicas_that_are_behind() {
        let answers = [
            ("a".to_owned(), Ok(node("n1", 9, 1))),
            ("b".to_owned(), Ok(node("n2", 9, 1))),
            ("c".to_owned(), Ok(node("n3", 7, 2))),
        ];
        assert_eq!(exit(&answers), 0);
    }

    #[test]
    fn different_roots_at_one_index_are_an_integrity_failure() {
        let answers = [
            ("a".to_owned(), Ok(node("n1", 9, 1))),
            ("b".to_owned(), Ok(node("n2", 9, 2))),
        ];
        assert_eq!(exit(&answers), 7);
    }

    #[test]
    fn a_minority_is_unavailable() {
        let gone = || Err(Error::DeadlineExceeded);
        let answers = [
            ("a".to_owned(), Ok(node("n1", 9, 1))),
            ("b".to_owned(), gone()),
            ("c".to_owned(), gone()),
        ];
        assert_eq!(exit(&answers), 6);
    }
}
