//! `akashi policy`: policies from files.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Global;
use super::output::Output;
use crate::error::Error;
use crate::policy::{self, asked};

/// Say what must be proved
#[derive(Debug, Args)]
pub(super) struct Policy {
    #[command(subcommand)]
    verb: PolicyVerb,
}

#[derive(Debug, Subcommand)]
enum PolicyVerb {
    /// Activate a new version of a policy from a file (operator)
    #[command(after_help = "\
Predicates, a face and a consent are described in ops/samples/README.md.

Example:
  akashi policy put ops/samples/policy-credit.toml --context ./dev")]
    Put(File),
    /// End a version of a policy: nothing is announced under it any more (operator)
    #[command(after_help = "\
What is open under it ends as superseded when its phone answers.

Example:
  akashi policy retire credit --version 3 --context ./dev")]
    Retire(Retire),
    /// Check a policy file and show what a phone would be asked
    #[command(after_help = "Example:\n  akashi policy show ops/samples/policy-credit.toml")]
    Show(File),
}

#[derive(Debug, Args)]
struct File {
    /// Policy file, TOML
    file: PathBuf,
}

#[derive(Debug, Args)]
struct Retire {
    /// Name of the policy
    name: String,
    /// The version; default: the newest
    #[arg(
        long,
        default_value_t = 0,
        hide_default_value = true,
        value_name = "NUMBER"
    )]
    version: u32,
}

impl Policy {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        match self.verb {
            PolicyVerb::Put(File { file }) => {
                let (name, rules) = policy::read(&file)?;
                let context = global.context()?;
                let put = context
                    .operator()?
                    .put_policy(context.tenant(), rules.to_wire(&name), global.deadline())
                    .await?;
                // Phones compute the digest from what they show: both sides must mean the same.
                if rules.digest(context.tenant(), &name, put.version) != *put.digest {
                    return Err(Error::integrity(
                        "the cluster's digest of the policy is another one",
                    ));
                }
                let digest = hex::encode(&put.digest);
                output.record(
                    &[
                        ("policy", name.clone()),
                        ("version", put.version.to_string()),
                        ("digest", digest.clone()),
                    ],
                    &json!({ "name": name, "version": put.version, "digest": digest }),
                );
                Ok(())
            }
            PolicyVerb::Retire(Retire { name, version }) => {
                let context = global.context()?;
                let version = context
                    .operator()?
                    .retire_policy(context.tenant(), &name, version, global.deadline())
                    .await?;
                output.record(
                    &[("policy", name.clone()), ("retired", version.to_string())],
                    &json!({ "name": name, "retired": version }),
                );
                Ok(())
            }
            PolicyVerb::Show(File { file }) => {
                let (name, rules) = policy::read(&file)?;
                output.note(&format!("policy {name} asks {}:", rules.purpose.words()));
                let lines = asked(&rules);
                let json: Vec<serde_json::Value> =
                    lines.iter().map(|line| json!({ "asked": line })).collect();
                let rows: Vec<Vec<String>> = lines.into_iter().map(|line| vec![line]).collect();
                output.records(&["ASKED"], &rows, &json);
                Ok(())
            }
        }
    }
}
