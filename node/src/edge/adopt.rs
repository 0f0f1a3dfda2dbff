//! Orphans: sessions whose node is gone, and whose desktops have not come back anywhere.
//!
//! Nobody would say that they are silent. The leader takes them over as if they had attached to it: those
//! that attach elsewhere leave again, and the others are lost after the grace like anybody else.

use std::collections::BTreeSet;
use std::time::Duration;

use akashi_domain::command::{Command, PresenceCause, ReportPresence, SessionPresence};
use akashi_domain::keys;
use akashi_domain::kv::{Fault, Table, View as _};
use akashi_domain::limits::PRESENCE_REPORTS_MAX;
use akashi_domain::records::{Session, SessionState};
use akashi_domain::state::Records as _;
use akashi_presence::Key;

use super::Edge;
use crate::api::Replica;
use crate::{clock, fresh};

/// How often the leader looks who is missing; a node that is missing twice in a row is gone. Desktops of a
/// node that only restarts are elsewhere or back by then.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Time to have a batch decided.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Takes up what this node had before it started, and looks for orphans while it leads.
pub(super) async fn run<R: Replica>(edge: Edge<R>) {
    while !edge.0.lease.held(clock::runtime() + LOOK_EVERY).await {}
    if take_up(&edge).is_err() {
        tracing::warn!("sessions from before the start could not be read");
    }
    let mut missing = BTreeSet::new();
    let mut adopted = BTreeSet::new();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = missing_nodes(&edge).unwrap_or_default();
        adopted.retain(|node| now.contains(node));
        let gone: BTreeSet<u64> = now
            .iter()
            .copied()
            .filter(|node| missing.contains(node) && !adopted.contains(node))
            .collect();
        missing = now;
        if !gone.is_empty() && adopt(&edge, &gone).await {
            adopted.extend(gone);
        }
    }
}

/// Seats every session that the log has here: whose desktop does not come back is lost like any other.
fn take_up<R: Replica>(edge: &Edge<R>) -> Result<(), Fault> {
    let me = BTreeSet::from([edge.0.node]);
    let mut from = keys::sessions_from(0);
    loop {
        let (own, next) = page(edge, &me, &from)?;
        for session in own {
            let key = Key {
                tenant: session.tenant,
                session: session.session.0,
            };
            if let Some(session) = edge.session(key)?
                && !edge.is_seated(key)
            {
                edge.sit(key, &session, 0);
            }
        }
        match next {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}

/// The nodes that this one, if it leads, has no stream to, and those that belong to the cluster no more.
fn missing_nodes<R: Replica>(edge: &Edge<R>) -> Result<BTreeSet<u64>, Fault> {
    let status = edge.0.replica.status();
    if !status.is_leader {
        return Ok(BTreeSet::new());
    }
    let Some(known) = edge.0.replica.view().members()? else {
        return Ok(BTreeSet::new());
    };
    let members = known.members.iter().map(|member| member.id);
    Ok(members
        .filter(|id| !status.connected.contains(id))
        .chain(known.removed.iter().copied())
        .filter(|id| *id != edge.0.node)
        .collect())
}

/// Takes over every open session of `gone`. Returns whether all of them were.
async fn adopt<R: Replica>(edge: &Edge<R>, gone: &BTreeSet<u64>) -> bool {
    let mut from = keys::sessions_from(0);
    loop {
        let Ok((orphans, next)) = page(edge, gone, &from) else {
            return false;
        };
        if !orphans.is_empty() {
            let command = Command::ReportPresence(ReportPresence {
                node: edge.0.node,
                sessions: orphans.clone(),
            });
            let Ok(id) = fresh::request_id() else {
                return false;
            };
            let deadline = clock::runtime() + ATTEMPT;
            let Ok(answer) = edge.propose(id, command, deadline).await else {
                return false;
            };
            tracing::info!(
                count = orphans.len(),
                "sessions of a lost node are watched here"
            );
            for orphan in orphans {
                let key = Key {
                    tenant: orphan.tenant,
                    session: orphan.session.0,
                };
                if let Ok(Some(session)) = edge.session(key)
                    && session.edge == edge.0.node
                {
                    edge.sit(key, &session, answer.placement.log_index);
                }
            }
        }
        match next {
            Some(next) => from = next,
            None => return true,
        }
    }
}

type Page = (Vec<SessionPresence>, Option<Vec<u8>>);

/// The orphans among the next sessions, and where to read on.
fn page<R: Replica>(edge: &Edge<R>, gone: &BTreeSet<u64>, from: &[u8]) -> Result<Page, Fault> {
    let view = edge.0.replica.view();
    let until = keys::sessions_to(u32::MAX);
    let found = view.scan(Table::Agent, from, &until, PRESENCE_REPORTS_MAX)?;
    let mut orphans = Vec::new();
    for (key, bytes) in &found {
        let session: Session = borsh::from_slice(bytes).map_err(|_foreign| Fault::Corrupt)?;
        if let Some((tenant, id)) = keys::session_of(key)
            && session.state != SessionState::Ended
            && gone.contains(&session.edge)
        {
            orphans.push(SessionPresence {
                tenant,
                session: id,
                state: session.presence,
                cause: PresenceCause::Attached,
            });
        }
    }
    let next = found
        .last()
        .filter(|_| found.len() == PRESENCE_REPORTS_MAX)
        .map(|(key, _)| {
            let mut next = key.clone();
            next.push(0);
            next
        });
    Ok((orphans, next))
}
