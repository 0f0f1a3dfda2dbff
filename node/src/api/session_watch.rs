//! The sessions of one tenant's agents, for gates and supervisors: as they stand, then every change.
//!
//! What is said is read from applied state, under this node's lease, and repeated often enough that
//! whoever hears nothing knows that nothing is known.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use akashi_domain::answer::Rejection;
use akashi_domain::command::PresenceCause;
use akashi_domain::event::Event;
use akashi_domain::ids::SessionId;
use akashi_domain::keys;
use akashi_domain::kv::{Table, View as _};
use akashi_domain::records::{Session, SessionState};
use akashi_domain::state::Records as _;
use akashi_proto::v1;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tonic::Status;

use super::front::{Call, Front};
use super::replica::Replica;
use super::status::Refusal;
use crate::clock;
use crate::engine::AppliedEntry;
use crate::wire;

/// Sessions read at a time while the first picture is given.
const PAGE: usize = 128;
/// Longest silence of the stream.
const RENEW_EVERY: Duration = Duration::from_secs(2);
/// How long the stream waits for a lease before it sends its caller elsewhere.
const LEASELESS_MAX: Duration = Duration::from_secs(3);

/// Starts to watch.
pub(super) async fn open<R: Replica>(
    front: &Front<R>,
    call: &Call,
    request: &v1::WatchSessionsRequest,
) -> Result<BoxStream<'static, Result<v1::WatchSessionsResponse, Status>>, Refusal> {
    call.of_tenant(&request.tenant)?;
    let only = if request.session_id.is_empty() {
        None
    } else {
        Some(wire::session_id(&request.session_id)?)
    };
    // Subscribed before the first look: whatever happens after it is heard.
    let events = front.replica.subscribe();
    front.replica.read_index(call.deadline).await?;
    let tenant = front
        .replica
        .view()
        .tenant(&request.tenant)?
        .ok_or(Rejection::UnknownTenant)?
        .number;
    let watch = Watch {
        front: front.clone(),
        tenant,
        only,
        events,
        first: Some(keys::sessions_from(tenant)),
        say: VecDeque::new(),
    };
    let steps = stream::unfold(Some(watch), |watch| async move {
        let mut watch = watch?;
        match watch.next().await {
            Ok(say) => Some((Ok(say), Some(watch))),
            Err(refusal) => Some((Err(watch.front.refuse(refusal)), None)),
        }
    });
    Ok(steps.boxed())
}

/// One thing to say.
enum Say {
    /// A session changed; what is said of it is read when it is said.
    Session {
        id: SessionId,
        cause: Option<PresenceCause>,
        reason: u16,
        log_index: u64,
    },
    /// Everything that stood was said.
    Complete,
}

struct Watch<R> {
    front: Front<R>,
    tenant: u32,
    only: Option<SessionId>,
    events: broadcast::Receiver<Arc<AppliedEntry>>,
    /// Where the first picture goes on; none once it is given.
    first: Option<Vec<u8>>,
    say: VecDeque<Say>,
}

impl<R: Replica> Watch<R> {
    async fn next(&mut self) -> Result<v1::WatchSessionsResponse, Refusal> {
        loop {
            if self.say.is_empty() {
                self.page()?;
            }
            let Some(say) = self.say.pop_front() else {
                match tokio::time::timeout(RENEW_EVERY, self.events.recv()).await {
                    Ok(Ok(entry)) => self.hear(&entry),
                    Ok(Err(RecvError::Lagged(_))) => {
                        self.first = Some(keys::sessions_from(self.tenant));
                    }
                    Ok(Err(RecvError::Closed)) => return Err(Refusal::Stopping),
                    Err(_quiet) => return self.leased(None, false).await,
                }
                continue;
            };
            match say {
                Say::Complete => return self.leased(None, true).await,
                Say::Session { .. } => {
                    if let Some(said) = self.session(say).await? {
                        return Ok(said);
                    }
                }
            }
        }
    }

    /// The lease comes first, what is said under it is read afterwards.
    async fn session(&mut self, say: Say) -> Result<Option<v1::WatchSessionsResponse>, Refusal> {
        let Say::Session {
            id,
            cause,
            reason,
            log_index,
        } = say
        else {
            return Ok(None);
        };
        let mut said = self.leased(None, false).await?;
        let session = self.front.replica.view().session(self.tenant, id)?;
        let Some(session) = session else {
            return Ok(None);
        };
        said.change = Some(change(id, &session, cause, reason, log_index));
        Ok(Some(said))
    }

    async fn leased(
        &self,
        change: Option<v1::SessionChange>,
        complete: bool,
    ) -> Result<v1::WatchSessionsResponse, Refusal> {
        let lease = self.front.edge.lease();
        if !lease.held(clock::runtime() + LEASELESS_MAX).await {
            return Err(Refusal::NoLeader);
        }
        Ok(v1::WatchSessionsResponse {
            change,
            lease_ms: lease.left_ms(),
            complete,
        })
    }

    /// Reads on in the first picture.
    fn page(&mut self) -> Result<(), Refusal> {
        let Some(from) = self.first.take() else {
            return Ok(());
        };
        let stands = |id| Say::Session {
            id,
            cause: None,
            reason: 0,
            log_index: 0,
        };
        if let Some(only) = self.only {
            self.say.extend([stands(only), Say::Complete]);
            return Ok(());
        }
        let until = keys::sessions_to(self.tenant);
        let view = self.front.replica.view();
        let found = view.scan(Table::Agent, &from, &until, PAGE)?;
        let last = found.last().map(|(key, _)| key.clone());
        for (key, bytes) in &found {
            let session: Session =
                borsh::from_slice(bytes).map_err(|_foreign| Refusal::Stopping)?;
            if let Some((_, id)) = keys::session_of(key)
                && session.state != SessionState::Ended
            {
                self.say.push_back(stands(id));
            }
        }
        match last {
            Some(mut next) if found.len() == PAGE => {
                next.push(0);
                self.first = Some(next);
            }
            Some(_) | None => self.say.push_back(Say::Complete),
        }
        // A page of sessions that are over says nothing; the next one may.
        if self.say.is_empty() {
            return self.page();
        }
        Ok(())
    }

    fn hear(&mut self, entry: &AppliedEntry) {
        for recorded in &entry.events {
            let Some(id) = recorded.event.session() else {
                continue;
            };
            let mine =
                recorded.event.tenant() == self.tenant && self.only.is_none_or(|only| only == id);
            if mine {
                let (cause, reason) = news(&recorded.event);
                self.say.push_back(Say::Session {
                    id,
                    cause,
                    reason,
                    log_index: entry.log_index,
                });
            }
        }
    }
}

/// What an event adds to the state that it led to.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "events that say nothing about a session are not asked; those that say no more than the state need no arm"
)]
fn news(event: &Event) -> (Option<PresenceCause>, u16) {
    match event {
        Event::PresenceChanged(fact) => (Some(fact.cause), 0),
        Event::SessionSuspended(fact) => (None, fact.reason),
        Event::SessionEnded(fact) => (None, fact.reason),
        _ => (None, 0),
    }
}

fn change(
    id: SessionId,
    session: &Session,
    cause: Option<PresenceCause>,
    reason: u16,
    log_index: u64,
) -> v1::SessionChange {
    v1::SessionChange {
        session_id: id.0.to_vec().into(),
        agent: session.agent.0.to_vec().into(),
        agent_tag: session.agent_tag.0.to_vec().into(),
        open: session.state != SessionState::Ended,
        suspended: session.state == SessionState::Suspended,
        presence: wire::presence_state(session.presence).into(),
        action: wire::screen_action(session.screen()).into(),
        cause: cause.map_or(0, |cause| i32::from(cause.code())),
        reason: u32::from(reason),
        log_index,
    }
}
