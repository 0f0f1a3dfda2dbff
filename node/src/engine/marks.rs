//! Proposes what the seal thread of a leader says about marks: a mark, or the record of a digest.

use std::time::Duration;

use akashi_domain::command::{Command, RecordStateDigest, Request};
use akashi_domain::ids::{ClientId, Digest, Stamp};
use akashi_replica::marks::MarkProposal;
use tokio::sync::{mpsc, watch};

use super::{Handle, Proposal};
use crate::{clock, fresh, net};

/// How long one proposal may take; the seal thread says it again later.
const PROPOSE_MAX: Duration = Duration::from_secs(4);

/// Runs until told to stop.
pub(super) async fn run(
    handle: Handle,
    mut proposals: mpsc::UnboundedReceiver<MarkProposal>,
    mut stop: watch::Receiver<bool>,
) {
    let proposing = async {
        while let Some(proposal) = proposals.recv().await {
            propose(&handle, proposal).await;
        }
    };
    tokio::select! {
        () = proposing => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// A founded cluster only: before that there is nothing to compare, and nothing to record it in.
async fn propose(handle: &Handle, proposal: MarkProposal) {
    if handle.progress().leaves == 0 {
        return;
    }
    let Ok(id) = fresh::request_id() else {
        return;
    };
    let command = match proposal {
        MarkProposal::Mark => Command::MarkState,
        MarkProposal::Record(said) => Command::RecordStateDigest(RecordStateDigest {
            index: said.index,
            digest: Digest(said.digest),
        }),
    };
    let now = handle.progress().stamp.max(Stamp(clock::unix_us()));
    let left_us = u64::try_from(PROPOSE_MAX.as_micros()).unwrap_or(u64::MAX);
    let me = net::Identity::Node {
        id: handle.shared.me,
    };
    let request = Request {
        id,
        client: ClientId::of(&me.path()),
        not_after: now.after_us(left_us),
        command,
    };
    match tokio::time::timeout(PROPOSE_MAX, handle.propose_here(Proposal::of(request))).await {
        Ok(Ok(answer)) => {
            if let Err(refused) = answer.result {
                tracing::warn!(reason = %refused, "a mark, or its digest, is not recorded");
            }
        }
        Ok(Err(_)) | Err(_) => tracing::debug!("no answer about a mark; it is tried again"),
    }
}
