//! Presence: what the edges of the nodes saw, and what follows from it for sessions.

use std::collections::BTreeMap;

use super::session::suspended;
use super::{Decision, Stop};
use crate::answer::{Field, Rejection, Reply};
use crate::command::{PresenceCause, PresenceSummary, ReportPresence, SessionPresence};
use crate::event::{Event, PresenceChanged, PresenceSummarised};
use crate::ids::SessionId;
use crate::kv::View;
use crate::limits::PRESENCE_REPORTS_MAX;
use crate::outcome::reason;
use crate::records::{PresenceState, Session, SessionState};
use crate::state::Records as _;

pub(super) fn report<V: View>(state: &V, command: &ReportPresence) -> Result<Decision, Stop> {
    check_node(state, command.node)?;
    if command.sessions.is_empty() || command.sessions.len() > PRESENCE_REPORTS_MAX {
        return Err(Rejection::Invalid(Field::Presence).into());
    }
    // A later line about the same session sees what an earlier one led to.
    let mut seen: BTreeMap<(u32, SessionId), Session> = BTreeMap::new();
    let mut events = Vec::new();
    for said in &command.sessions {
        let key = (said.tenant, said.session);
        let known = match seen.remove(&key) {
            Some(session) => Some(session),
            None => state.session(said.tenant, said.session)?,
        };
        let Some(mut session) = known else {
            continue;
        };
        line(&mut events, command.node, said, &mut session);
        seen.insert(key, session);
    }
    Ok(Decision {
        events,
        reply: Reply::Done,
    })
}

/// One line of a report.
fn line(events: &mut Vec<Event>, node: u64, said: &SessionPresence, session: &mut Session) {
    let changed = |from: PresenceState, to: PresenceState| {
        Event::from(PresenceChanged {
            tenant: said.tenant,
            session: said.session,
            agent_tag: session.agent_tag,
            node,
            from,
            to,
            cause: said.cause,
        })
    };
    match said.cause {
        // A desktop attaches in any state but the last: a suspended one waits to be restored.
        PresenceCause::Attached => {
            if session.state != SessionState::Ended && session.edge != node {
                events.push(changed(session.presence, session.presence));
                session.edge = node;
            }
        }
        PresenceCause::Samples
        | PresenceCause::Grace
        | PresenceCause::Silence
        | PresenceCause::Lasting => {
            if session.state != SessionState::Active || session.edge != node {
                return;
            }
            if session.presence != said.state {
                events.push(changed(session.presence, said.state));
                session.presence = said.state;
            }
            let why = match said.state {
                PresenceState::Other => Some(reason::ANOTHER_PERSON),
                PresenceState::CameraLost if said.cause == PresenceCause::Lasting => {
                    Some(reason::PRESENCE_UNKNOWN)
                }
                PresenceState::Present
                | PresenceState::Absent
                | PresenceState::Occluded
                | PresenceState::Multiple
                | PresenceState::CameraLost
                | PresenceState::Unseen => None,
            };
            if let Some(why) = why {
                let suspended = suspended(said.tenant, said.session, session, why);
                events.extend(suspended);
                session.state = SessionState::Suspended;
            }
        }
    }
}

pub(super) fn summary<V: View>(state: &V, command: &PresenceSummary) -> Result<Decision, Stop> {
    check_node(state, command.node)?;
    if command.until < command.from || command.heartbeats == 0 || command.sessions == 0 {
        return Err(Rejection::Invalid(Field::Presence).into());
    }
    Ok(Decision::fact(PresenceSummarised {
        node: command.node,
        from: command.from,
        until: command.until,
        sessions: command.sessions,
        heartbeats: command.heartbeats,
        root: command.root,
    }))
}

fn check_node<V: View>(state: &V, node: u64) -> Result<(), Stop> {
    let members = state.members()?.ok_or(Rejection::NotFounded)?;
    if members.get(node).is_some() {
        Ok(())
    } else {
        Err(Rejection::Invalid(Field::Presence).into())
    }
}
