//! Has the leader record the data directory of every member that it has met and the record does not know.

use std::sync::Arc;
use std::time::Duration;

use akashi_domain::command::{Command, MeetMember, Request};
use akashi_domain::ids::{ClientId, Stamp};
use akashi_replica::entry::NodeId;
use tokio::sync::watch;

use super::roster::Roster;
use super::{Handle, Proposal};
use crate::{clock, fresh, net};

/// Pause between two looks: somebody who was just added is met within a second.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long one proposal may take.
const PROPOSE_MAX: Duration = Duration::from_secs(5);

/// Runs until told to stop. `own` is this node and the number of its data directory.
pub(super) async fn run(
    handle: Handle,
    roster: Arc<Roster>,
    own: (NodeId, [u8; 16]),
    mut stop: watch::Receiver<bool>,
) {
    let meeting = async {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if handle.shared.role.borrow().leader_ready {
                look(&handle, &roster, own).await;
            }
        }
    };
    tokio::select! {
        () = meeting => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// A founded cluster only: before that there is nothing to record it in.
async fn look(handle: &Handle, roster: &Roster, own: (NodeId, [u8; 16])) {
    if handle.progress().leaves == 0 {
        return;
    }
    let table = roster.table();
    for id in table.staying() {
        let unmet = table.get(id).is_some_and(|member| member.life.is_none());
        let life = if id == own.0 {
            Some(own.1)
        } else {
            roster.greeting(id).map(|said| said.life)
        };
        if let (true, Some(life)) = (unmet, life) {
            meet(handle, id, life).await;
        }
    }
}

async fn meet(handle: &Handle, id: NodeId, life: [u8; 16]) {
    let Ok(request_id) = fresh::request_id() else {
        return;
    };
    let now = handle.progress().stamp.max(Stamp(clock::unix_us()));
    let left_us = u64::try_from(PROPOSE_MAX.as_micros()).unwrap_or(u64::MAX);
    let request = Request {
        id: request_id,
        client: ClientId::of(
            &net::Identity::Node {
                id: handle.shared.me,
            }
            .path(),
        ),
        not_after: now.after_us(left_us),
        command: Command::MeetMember(MeetMember { id, life }),
    };
    let answer =
        tokio::time::timeout(PROPOSE_MAX, handle.propose_here(Proposal::of(request))).await;
    match answer {
        Ok(Ok(answer)) => match answer.result {
            Ok(_) => tracing::info!(member = id, "the disk of a member is recorded"),
            Err(refused) => {
                tracing::warn!(member = id, reason = %refused, "the disk of a member is not recorded");
            }
        },
        Ok(Err(_)) | Err(_) => {
            tracing::debug!(member = id, "no answer; it is tried again");
        }
    }
}
