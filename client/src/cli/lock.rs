//! `akashi lock` and `akashi unlock`: one word when a desktop is lost.

use std::path::PathBuf;

use clap::Args;

use super::Global;
use super::agent::checked;
use super::output::Output;
use crate::error::Error;
use crate::identity;
use crate::presence::InForce;

/// Lock an agent: the session is suspended, every call goes back to the queue, at once and everywhere
#[derive(Debug, Args)]
#[command(after_help = "\
The verdicts of the calls are kept; only the agent is out. Nothing that the agent holds brings the
session back: unlock the agent, then a fresh login.

With --wait the command ends when no node can honour the session any more: at once if all nodes are up,
after 10.1 seconds if one is cut off.

Example:
  akashi lock agent-01 --reason 7 --wait")]
pub(super) struct Lock {
    /// Handle of the agent
    agent: String,
    /// The tenant's own code, kept in the log
    #[arg(long, default_value_t = 0, value_name = "CODE")]
    reason: u32,
    /// Wait until the lock is in force on every node
    #[arg(long)]
    wait: bool,
}

impl Lock {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let platform = global.context()?.platform()?;
        let agent = checked(&self.agent)?;
        let index = platform
            .lock_agent(agent, self.reason, global.deadline())
            .await?;
        output.note("The agent is locked.");
        if self.wait {
            let how = platform.await_enforced(index, global.deadline()).await?;
            output.note(match how {
                InForce::AllApplied => "In force: every node has applied it.",
                InForce::LeaseBound => {
                    "In force: a node did not say so, but it can show nothing any more."
                }
            });
        }
        Ok(())
    }
}

/// Let a locked agent work again, after a fresh login
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  akashi unlock agent-01 --certificate DIR/clients/agents/agent-01.pem")]
pub(super) struct Unlock {
    /// Handle of the agent
    agent: String,
    /// The certificate that serves from now on, as PEM; default: as before
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
}

impl Unlock {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let platform = global.context()?.platform()?;
        let agent = checked(&self.agent)?;
        let certificate = self.certificate.as_deref();
        let digest = certificate.map(identity::certificate_sha256).transpose()?;
        platform
            .unlock_agent(agent, digest, global.deadline())
            .await?;
        output.note("The agent may log in again.");
        Ok(())
    }
}
