//! What leaves the edge: changes of state, gathered for a moment, and a summary now and then.

use std::collections::BTreeMap;
use std::time::Duration;

use akashi_domain::answer::Rejection;
use akashi_domain::command::{Command, PresenceSummary, ReportPresence, SessionPresence};
use akashi_domain::ids::{Digest, RequestId, SessionId, Stamp};
use akashi_domain::limits::PRESENCE_REPORTS_MAX;
use akashi_domain::records::PresenceState;
use akashi_presence::WINDOW_US;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

use super::Edge;
use crate::api::Replica;
use crate::telemetry::{PresenceReport, ReportResult};
use crate::{clock, fresh};

/// How long a change waits for others to travel with.
const GATHER: Duration = Duration::from_millis(50);
/// Time for one attempt to have a report decided.
const ATTEMPT: Duration = Duration::from_secs(2);
/// Pause between attempts.
const AGAIN: Duration = Duration::from_millis(100);

type Pending = BTreeMap<(u32, SessionId), SessionPresence>;

/// Proposes changes as they come: the newest of each session, many at a time, and somebody else at a
/// desk at once and by itself. One batch is on its way at a time; what comes meanwhile replaces what
/// waits, so that a cluster that does not answer costs memory for one change per session at most.
pub(super) async fn run<R: Replica>(
    edge: Edge<R>,
    mut reports: UnboundedReceiver<SessionPresence>,
) {
    let mut pending = Pending::new();
    let mut on_its_way: Option<JoinHandle<()>> = None;
    let mut gathered = clock::runtime();
    loop {
        let may_go = !pending.is_empty() && on_its_way.is_none();
        tokio::select! {
            report = reports.recv() => match report {
                Some(report) => {
                    if pending.is_empty() {
                        gathered = clock::runtime() + GATHER;
                    }
                    take(&edge, &mut pending, report);
                }
                None => return,
            },
            () = arrived(&mut on_its_way), if on_its_way.is_some() => on_its_way = None,
            () = tokio::time::sleep_until(gathered), if may_go => {
                let mut batch = Vec::new();
                while batch.len() < PRESENCE_REPORTS_MAX {
                    let Some((_, report)) = pending.pop_first() else {
                        break;
                    };
                    batch.push(report);
                }
                on_its_way = Some(tokio::spawn(propose(edge.clone(), batch)));
            }
        }
    }
}

async fn arrived(on_its_way: &mut Option<JoinHandle<()>>) {
    if let Some(task) = on_its_way {
        // However it ended, there is room for the next one.
        drop(task.await);
    }
}

/// A blackout waits for nobody. It is final for its session, so that order does not matter to it.
fn take<R: Replica>(edge: &Edge<R>, pending: &mut Pending, report: SessionPresence) {
    if report.state == PresenceState::Other {
        pending.remove(&(report.tenant, report.session));
        tokio::spawn(propose(edge.clone(), vec![report]));
    } else {
        pending.insert((report.tenant, report.session), report);
    }
}

async fn propose<R: Replica>(edge: Edge<R>, sessions: Vec<SessionPresence>) {
    let node = edge.0.node;
    let command = Command::ReportPresence(ReportPresence { node, sessions });
    until_answered(&edge, PresenceReport::Changes, command).await;
}

/// Proposes until there is an answer, under one request id as long as that can be answered.
async fn until_answered<R: Replica>(edge: &Edge<R>, kind: PresenceReport, command: Command) {
    let ended = |result| edge.0.metrics.presence_reported(kind, result);
    let mut id: Option<RequestId> = None;
    loop {
        let same = match id {
            Some(id) => Ok(id),
            None => fresh::request_id(),
        };
        if let Ok(same) = same {
            id = Some(same);
            let deadline = clock::runtime() + ATTEMPT;
            match edge.propose(same, command.clone(), deadline).await {
                Ok(answer) => match answer.result {
                    Ok(_) => {
                        ended(ReportResult::Recorded);
                        return;
                    }
                    Err(Rejection::TooLate | Rejection::RequestIdTooOld) => {
                        ended(ReportResult::Unanswered);
                        id = None;
                    }
                    Err(rejection) => {
                        ended(ReportResult::Refused);
                        tracing::warn!(%rejection, "a report of presence was turned away");
                        return;
                    }
                },
                Err(error) => {
                    ended(ReportResult::Unanswered);
                    tracing::debug!(%error, "a report of presence waits");
                }
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Sums up what was heard, window by window. A window without heartbeats says nothing.
pub(super) async fn sum_up<R: Replica>(edge: Edge<R>) {
    let mut from = Stamp(clock::unix_us());
    loop {
        tokio::time::sleep(Duration::from_micros(WINDOW_US)).await;
        let summary = edge.0.seats().table.take_summary();
        let until = Stamp(clock::unix_us());
        if summary.heartbeats > 0 {
            let command = Command::PresenceSummary(PresenceSummary {
                node: edge.0.node,
                from,
                until,
                sessions: summary.sessions,
                heartbeats: summary.heartbeats,
                root: Digest(summary.root),
            });
            tokio::spawn({
                let edge = edge.clone();
                async move { until_answered(&edge, PresenceReport::Summary, command).await }
            });
        }
        from = until;
    }
}
