//! `akashi cluster add`, `promote`, `remove`, `replace`, `transfer`, `drain`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::status::{STATUS_S_MAX, known_members};
use crate::cli::Global;
use crate::cli::output::Output;
use crate::clock::Deadline;
use crate::context::Context;
use crate::error::Error;
use crate::layout::join;
use crate::operator::{NewMember, NodeStatus, Operator, is_changing};

/// Entries that a learner may lack when it is promoted: what a cluster under load writes while its vote is
/// being counted.
const LAG_MAX: u64 = 1_000;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// Let a new replica learn, and with --wait vote
#[derive(Debug, Args)]
#[command(after_help = "\
The node's directory is made with `akashi ops join`; start the node, then add it. It gets the log and
neither votes nor cosigns. With --wait the command returns when the node lacks fewer than 1,000 entries and
has the whole history, and promotes it then. A learner that is to stay one (for readers, or as a second
site) is added with --wait --learner.

Example:
  akashi cluster add ./prod/nodes/n4 --wait --timeout 3600")]
pub(super) struct Add {
    /// The node's configuration, or the directory that holds it
    node: PathBuf,
    /// Wait until it has caught up, then promote it
    #[arg(long)]
    wait: bool,
    /// With --wait: leave it a learner
    #[arg(long, requires = "wait")]
    learner: bool,
}

/// Let a learner vote and cosign
#[derive(Debug, Args)]
#[command(after_help = "\
The key set changes: the old one seals the head that says so, the new one what follows.

Example:
  akashi cluster promote n4")]
pub(super) struct Promote {
    /// Name or id of the learner
    node: String,
}

/// Take a replica out; its id is never used again
#[derive(Debug, Args)]
#[command(after_help = "\
Stop the node afterwards. A machine that comes back joins under another id, as a new one.

Example:
  akashi cluster remove n2")]
pub(super) struct Remove {
    /// Name or id of the member
    node: String,
}

/// Put a new replica in the place of another: add, wait, promote, remove
#[derive(Debug, Args)]
#[command(after_help = "\
Whatever was done before it stopped is done: run it again to go on.

Example:
  akashi cluster replace n2 ./prod/nodes/n4 --timeout 3600")]
pub(super) struct Replace {
    /// Name or id of the member that goes
    old: String,
    /// Configuration of the one that comes, or the directory that holds it
    new: PathBuf,
}

/// Hand leadership to another replica
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  akashi cluster transfer n3")]
pub(super) struct Transfer {
    /// Name or id of the voter that is to lead; default: the best follower
    node: Option<String>,
}

/// Hand leadership away from a node that is about to be stopped
#[derive(Debug, Args)]
#[command(after_help = "\
Returns when the node does not lead. Streams that callers have open on it go on until it stops; callers
then go on at another node. It may be elected again later: stop it soon.

Example:
  akashi cluster drain n1")]
pub(super) struct Drain {
    /// Name or id of the node
    node: String,
}

impl Add {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let context = global.context()?;
        let member = join::read(&self.node)?;
        let deadline = global.long_deadline();
        add(&context, &member, deadline, output).await?;
        if !self.wait {
            output.note("next: akashi cluster status, and promote it when it has caught up");
            return Ok(());
        }
        wait(&context, &member, deadline, output).await?;
        if self.learner {
            return Ok(());
        }
        promote(&context, member.id, &member.name, deadline, output).await
    }
}

impl Promote {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let context = global.context()?;
        let (id, name) = find(&context, &self.node).await?;
        promote(&context, id, &name, global.deadline(), output).await
    }
}

impl Remove {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let context = global.context()?;
        let (id, name) = find(&context, &self.node).await?;
        remove(&context, id, &name, global.deadline(), output).await
    }
}

impl Replace {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let context = global.context()?;
        let member = join::read(&self.new)?;
        let (old, name) = find(&context, &self.old).await?;
        if old == member.id {
            return Err(Error::usage("the one that comes is the one that goes"));
        }
        let deadline = global.long_deadline();
        add(&context, &member, deadline, output).await?;
        wait(&context, &member, deadline, output).await?;
        promote(&context, member.id, &member.name, deadline, output).await?;
        remove(&context, old, &name, deadline, output).await
    }
}

impl Transfer {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let context = global.context()?;
        let to = match &self.node {
            Some(node) => Some(find(&context, node).await?.0),
            None => None,
        };
        let leader = context
            .operator()?
            .transfer_leader(to, global.deadline())
            .await?;
        match leader {
            Some(id) => output.note(&format!("{} {id} leads", output.mark(true))),
            None => output.note("handed over; who leads is not known yet"),
        }
        Ok(())
    }
}

impl Drain {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let context = global.context()?;
        let deadline = global.deadline();
        let (id, name) = find(&context, &self.node).await?;
        let operator = context.operator()?;
        loop {
            let status = operator.node_status(deadline).await?;
            if status.leader_id != 0 && status.leader_id != id {
                output.note(&format!(
                    "{} {name} does not lead; callers' streams on it end when it stops",
                    output.mark(true)
                ));
                return Ok(());
            }
            if status.leader_id == id {
                operator.transfer_leader(None, deadline).await?;
            }
            pause(deadline).await?;
        }
    }
}

/// Adds a member. One that is there as it should be was added before.
async fn add(
    context: &Context,
    member: &NewMember,
    deadline: Deadline,
    output: Output,
) -> Result<(), Error> {
    let known = known_members(context, STATUS_S_MAX).await;
    let there = known
        .iter()
        .any(|(id, name, _)| (*id, name) == (member.id, &member.name));
    if there {
        output.note(&format!("{} is a member", member.name));
        return Ok(());
    }
    context.operator()?.add_member(member, deadline).await?;
    output.note(&format!(
        "{} {} learns; add \"{}\" to `nodes` of the context file",
        output.mark(true),
        member.name,
        member.client_address
    ));
    Ok(())
}

/// Waits until a member has caught up.
async fn wait(
    context: &Context,
    member: &NewMember,
    deadline: Deadline,
    output: Output,
) -> Result<(), Error> {
    let (all, own) = (
        context.operator()?,
        context.operator_at(std::slice::from_ref(&member.client_address))?,
    );
    let mut said = None;
    loop {
        let newest = newest(&all, deadline).await;
        let status = own.node_status(brief(deadline)).await;
        match (&status, newest) {
            (Ok(status), Some(newest)) => {
                if status.fenced {
                    return Err(Error::integrity(format!("{} is fenced", member.name)));
                }
                if status.node_id != member.id {
                    return Err(Error::integrity(format!(
                        "{}: another node answers there",
                        member.client_address
                    )));
                }
                let lag = newest.saturating_sub(status.applied_index);
                if has_caught_up(status, newest) {
                    output.note(&format!(
                        "{} {} has caught up, {lag} entries behind",
                        output.mark(true),
                        member.name
                    ));
                    return Ok(());
                }
                if said != Some(lag) {
                    let history = if status.history_complete {
                        ""
                    } else {
                        ", history incomplete"
                    };
                    output.note(&format!("{}: {lag} entries behind{history}", member.name));
                    said = Some(lag);
                }
            }
            (Ok(_) | Err(_), _) => say_absent(said, &member.name, output),
        }
        pause(deadline).await?;
    }
}

/// Says once that a node does not answer yet.
fn say_absent(said: Option<u64>, name: &str, output: Output) {
    if said.is_none() {
        output.note(&format!("{name} does not answer yet"));
    }
}

/// Whether a learner may be promoted.
fn has_caught_up(status: &NodeStatus, newest: u64) -> bool {
    let lag = newest.saturating_sub(status.applied_index);
    status.history_complete && status.applied_index > 0 && lag < LAG_MAX
}

async fn promote(
    context: &Context,
    id: u64,
    name: &str,
    deadline: Deadline,
    output: Output,
) -> Result<(), Error> {
    let operator = context.operator()?;
    loop {
        match operator.promote_member(id, deadline).await {
            Err(error) if is_changing(&error) => pause(deadline).await?,
            Err(error) => return Err(error),
            Ok(()) => break,
        }
    }
    output.note(&format!("{} {name} votes and cosigns", output.mark(true)));
    Ok(())
}

async fn remove(
    context: &Context,
    id: u64,
    name: &str,
    deadline: Deadline,
    output: Output,
) -> Result<(), Error> {
    let operator = context.operator()?;
    loop {
        match operator.remove_member(id, deadline).await {
            Err(error) if is_changing(&error) => pause(deadline).await?,
            Err(error) => return Err(error),
            Ok(()) => break,
        }
    }
    output.note(&format!(
        "{} {name} does not belong to the cluster any more; stop it",
        output.mark(true)
    ));
    Ok(())
}

/// Finds a member by name or id.
async fn find(context: &Context, node: &str) -> Result<(u64, String), Error> {
    let known = known_members(context, STATUS_S_MAX).await;
    let found = known
        .into_iter()
        .find(|(id, name, _)| name == node || id.to_string() == node);
    found
        .map(|(id, name, _)| (id, name))
        .ok_or_else(|| Error::usage(format!("no member {node} among those that can be asked")))
}

/// The newest index that any node knows to be decided.
async fn newest(operator: &Operator, deadline: Deadline) -> Option<u64> {
    let answers = operator.status_of_all(brief(deadline)).await;
    let known = answers.into_iter().filter_map(|(_, answer)| answer.ok());
    known.map(|status| status.committed_index).max()
}

/// For one look: a node that says nothing is not waited for long.
fn brief(deadline: Deadline) -> Deadline {
    let most = Duration::from_secs(STATUS_S_MAX);
    Deadline::after(deadline.remaining().min(most))
}

async fn pause(deadline: Deadline) -> Result<(), Error> {
    if deadline.remaining() <= LOOK {
        return Err(Error::DeadlineExceeded);
    }
    tokio::time::sleep(LOOK).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_learner_is_promoted_with_its_history_and_almost_the_whole_log() {
        let status = |applied_index, history_complete| NodeStatus {
            applied_index,
            history_complete,
            ..NodeStatus::default()
        };
        assert!(has_caught_up(&status(9_500, true), 10_000));
        assert!(has_caught_up(&status(10_001, true), 10_000));
        assert!(!has_caught_up(&status(9_000, true), 10_000));
        assert!(!has_caught_up(&status(10_000, false), 10_000));
        assert!(!has_caught_up(&status(0, true), 10), "it has not begun");
    }
}
