//! The edge: the presence of the agents who are attached to this node, and this node's leave to speak.
//!
//! ```text
//!   desktop ──sample──▶ api ──▶ Table (rule, states) ──▶ what the screen does, at once
//!                                  │ changes of state            ▲
//!                                  ▼                             │ events wake it
//!                               report ──ReportPresence──▶ log ──┘
//!                               every 30 s ──PresenceSummary──▶ log
//! ```
//!
//! Heartbeats end here. What a screen is told is what its samples come to and what applied state says of
//! the session, looked up again for each word, under a lease that a quorum confirmed ([`Lease`]).

mod adopt;
mod lease;
mod report;
mod words;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use akashi_domain::answer::Answer;
use akashi_domain::command::{Command, PresenceCause, ReportPresence, Request, SessionPresence};
use akashi_domain::ids::{ClientId, LoginId, RequestId, SessionId, Stamp};
use akashi_domain::kv::Fault;
use akashi_domain::records::{Session, SessionState};
use akashi_domain::state::Records as _;
use akashi_presence::{
    Action, Attached, Class, Graces, Key, Refused, Rule, SECOND_US, Said, State, Table, Transition,
};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, mpsc, watch};

use crate::api::Replica;
use crate::engine::{AppliedEntry, ProposeError};
use crate::entropy::NoEntropy;
use crate::telemetry::Metrics;
use crate::{clock, fresh, net};

pub(crate) use lease::Lease;
use words::{cause_of, known, state_of};

/// How often silence is looked for.
const TICK: Duration = Duration::from_millis(100);
/// Shortest grace, whatever a policy says: two samples fit into it, and a network's hiccup.
const GRACE_US_MIN: u64 = 2 * SECOND_US;
/// How often the log is told again what it should know already.
const TELL_AGAIN_US: u64 = 2 * SECOND_US;
/// Added to a command's last moment: clocks of the cluster agree within half a second.
const NOT_AFTER_SLACK: Duration = Duration::from_secs(1);

/// Why a session cannot be seated here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSeated {
    /// The cluster did not take it.
    Proposal(ProposeError),
    /// The system refuses randomness.
    Entropy,
    /// The session is over, or belongs to somebody else.
    Unknown,
}

impl From<NoEntropy> for NotSeated {
    fn from(_: NoEntropy) -> Self {
        Self::Entropy
    }
}

/// The edge of this node. Cheap to clone.
#[derive(Debug)]
pub(crate) struct Edge<R>(Arc<Shared<R>>);

impl<R> Clone for Edge<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Shared<R> {
    replica: R,
    node: u64,
    client: ClientId,
    lease: Lease,
    metrics: Metrics,
    seats: Mutex<Seats>,
    reports: mpsc::UnboundedSender<SessionPresence>,
}

#[derive(Debug)]
struct Seats {
    table: Table,
    by_key: BTreeMap<Key, Occupant>,
}

impl Seats {
    /// What the table says of a seat, and whether that was seen since the session's newest login: what was
    /// seen before it says nothing any more.
    fn look(&self, seat: &Seat, session: &Session) -> Option<(Said, bool)> {
        let said = self.table.look(seat.key, seat.attached)?;
        let occupant = self.by_key.get(&seat.key)?;
        Some((said, occupant.login == session.login))
    }
}

/// Who sits where.
#[derive(Debug)]
struct Occupant {
    /// The entry that says so: earlier ones that say otherwise are older news.
    attached_index: u64,
    /// The login that the session rests on; another one restores it.
    login: LoginId,
    wake: Arc<Notify>,
    /// When the log was last told what it should know already.
    told_us: u64,
}

/// A place at this edge, for one stream.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    key: Key,
    attached: Attached,
    wake: Arc<Notify>,
}

impl Seat {
    /// Waits until there may be something new to say.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }
}

/// What a screen is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// The state.
    pub(crate) state: State,
    /// What the screen does.
    pub(crate) action: Action,
    /// Until when it may, in milliseconds; zero: not at all.
    pub(crate) lease_ms: u32,
    /// When the next sample is wanted, in milliseconds.
    pub(crate) next_ms: u32,
    /// Whether a fresh login is needed.
    pub(crate) suspended: bool,
}

impl<R: Replica> Edge<R> {
    /// Starts the edge of node `node`; it ends with `stop`.
    pub(crate) fn start(
        replica: R,
        node: u64,
        metrics: &Metrics,
        stop: &watch::Receiver<bool>,
    ) -> Self {
        let (reports, reported) = mpsc::unbounded_channel();
        let edge = Self(Arc::new(Shared {
            node,
            client: ClientId::of(&net::Identity::Node { id: node }.path()),
            lease: Lease::new(metrics.clone()),
            metrics: metrics.clone(),
            seats: Mutex::new(Seats {
                table: Table::new(Rule::STANDARD),
                by_key: BTreeMap::new(),
            }),
            reports,
            replica,
        }));
        let tasks = {
            let edge = edge.clone();
            async move {
                tokio::join!(
                    edge.0.lease.clone().keep(edge.0.replica.clone()),
                    edge.clone().tick(),
                    edge.clone().listen(),
                    report::run(edge.clone(), reported),
                    report::sum_up(edge.clone()),
                    adopt::run(edge.clone()),
                );
            }
        };
        let mut stop = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = tasks => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
        edge
    }

    /// This node's leave to speak.
    pub(crate) fn lease(&self) -> &Lease {
        &self.0.lease
    }

    /// Seats a session that the caller looked up: the log learns where it is, unless it knows.
    pub(crate) async fn attach(
        &self,
        key: Key,
        session: &Session,
        deadline: tokio::time::Instant,
    ) -> Result<Seat, NotSeated> {
        let attached_index = if session.edge == self.0.node {
            0
        } else {
            let attach = SessionPresence {
                tenant: key.tenant,
                session: SessionId(key.session),
                state: session.presence,
                cause: PresenceCause::Attached,
            };
            let command = Command::ReportPresence(ReportPresence {
                node: self.0.node,
                sessions: vec![attach],
            });
            let answer = self
                .propose(fresh::request_id()?, command, deadline)
                .await
                .map_err(NotSeated::Proposal)?;
            answer.placement.log_index
        };
        // What was decided meanwhile counts: the state is read again.
        let session = self
            .session(key)
            .map_err(|_fault| NotSeated::Unknown)?
            .filter(|session| session.state != SessionState::Ended)
            .ok_or(NotSeated::Unknown)?;
        Ok(self.sit(key, &session, attached_index))
    }

    /// Gives a session a seat, and takes away the one that it had here.
    fn sit(&self, key: Key, session: &Session, attached_index: u64) -> Seat {
        let wake = Arc::new(Notify::new());
        let mut seats = self.0.seats();
        let attached = seats.table.attach(
            key,
            state_of(session.presence),
            graces(session),
            clock::boottime_us(),
        );
        let occupant = Occupant {
            attached_index,
            login: session.login,
            wake: Arc::clone(&wake),
            told_us: 0,
        };
        if let Some(earlier) = seats.by_key.insert(key, occupant) {
            earlier.wake.notify_one();
        }
        drop(seats);
        Seat {
            key,
            attached,
            wake,
        }
    }

    /// Takes a sample; changes of state are on their way to the log before this returns.
    pub(crate) fn sample(&self, seat: &Seat, sequence: u64, class: Class) -> Result<(), Refused> {
        let now_us = clock::boottime_us();
        let said = self
            .0
            .seats()
            .table
            .sample(seat.key, seat.attached, sequence, class, now_us)?;
        if let Some(changed) = said.changed {
            self.0.changed(seat.key, changed);
        }
        Ok(())
    }

    /// What the screen of a seat is told now; none if the session is over, or seated elsewhere.
    ///
    /// # Errors
    ///
    /// [`Fault`] if the storage fails.
    pub(crate) fn word(&self, seat: &Seat) -> Result<Option<Word>, Fault> {
        // The lease first: what is read after it is at least as fresh as it says.
        let lease_ms = self.0.lease.left_ms();
        let Some(session) = self.session(seat.key)? else {
            return Ok(None);
        };
        let Some((said, settled)) = self.0.seats().look(seat, &session) else {
            return Ok(None);
        };
        if session.state == SessionState::Ended {
            return Ok(None);
        }
        if settled {
            self.agree(seat.key, &session, &said);
        }
        let over = session.expires <= Stamp(clock::unix_us());
        let suspended = session.state == SessionState::Suspended;
        let action = if suspended || over {
            Action::Blackout
        } else if lease_ms == 0 || !settled {
            said.action.max(Action::Clear)
        } else {
            said.action
        };
        Ok(Some(Word {
            state: said.state,
            action,
            lease_ms,
            next_ms: said.next_ms,
            suspended,
        }))
    }

    fn is_seated(&self, key: Key) -> bool {
        self.0.seats().by_key.contains_key(&key)
    }

    /// A report may have been overtaken or lost: what the log has is made to be what is seen here.
    fn agree(&self, key: Key, session: &Session, said: &Said) {
        let seen = known(said.state);
        if session.state == SessionState::Active
            && session.edge == self.0.node
            && session.presence != seen
        {
            let now_us = clock::boottime_us();
            let mut seats = self.0.seats();
            let Some(occupant) = seats.by_key.get_mut(&key) else {
                return;
            };
            if now_us.saturating_sub(occupant.told_us) >= TELL_AGAIN_US {
                occupant.told_us = now_us;
                drop(seats);
                self.0.report(key, said.state, PresenceCause::Samples);
            }
        }
    }

    fn session(&self, key: Key) -> Result<Option<Session>, Fault> {
        let view = self.0.replica.view();
        view.session(key.tenant, SessionId(key.session))
    }

    /// Looks for silence, ten times a second.
    async fn tick(self) {
        loop {
            tokio::time::sleep(TICK).await;
            let (changed, attached) = {
                let mut seats = self.0.seats();
                (seats.table.tick(clock::boottime_us()), seats.table.len())
            };
            self.0.metrics.desktops(attached);
            for (key, transition) in changed {
                self.0.changed(key, transition);
                let seats = self.0.seats();
                if let Some(occupant) = seats.by_key.get(&key) {
                    occupant.wake.notify_one();
                }
            }
        }
    }

    /// Follows what is decided about whoever is seated here.
    async fn listen(self) {
        let mut events = self.0.replica.subscribe();
        loop {
            match events.recv().await {
                Ok(entry) => self.heard(&entry),
                Err(RecvError::Lagged(_)) => {
                    let everybody: Vec<Key> = self.0.seats().by_key.keys().copied().collect();
                    for key in everybody {
                        self.settle(key, u64::MAX);
                    }
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn heard(&self, entry: &AppliedEntry) {
        for recorded in &entry.events {
            if let Some(session) = recorded.event.session() {
                let key = Key {
                    tenant: recorded.event.tenant(),
                    session: session.0,
                };
                self.settle(key, entry.log_index);
            }
        }
    }

    /// Brings a seat into line with applied state, as of the entry `log_index` or later.
    fn settle(&self, key: Key, log_index: u64) {
        if !self.is_seated(key) {
            return;
        }
        let Ok(session) = self.session(key) else {
            return;
        };
        let mut seats = self.0.seats();
        let Seats { table, by_key } = &mut *seats;
        let Some(occupant) = by_key.get_mut(&key) else {
            return;
        };
        let gone = session.as_ref().is_none_or(|session| {
            session.state == SessionState::Ended
                || (session.edge != self.0.node && log_index > occupant.attached_index)
        });
        if let Some(session) = session
            && !gone
            && session.login != occupant.login
        {
            occupant.login = session.login;
            table.restore(key, state_of(session.presence), clock::boottime_us());
        }
        occupant.wake.notify_one();
        if gone {
            table.end(key);
            by_key.remove(&key);
        }
    }

    /// Has a command decided under a request id of this node.
    async fn propose(
        &self,
        id: RequestId,
        command: Command,
        deadline: tokio::time::Instant,
    ) -> Result<Answer, ProposeError> {
        let left = clock::left_until(deadline).saturating_add(NOT_AFTER_SLACK);
        let left_us = u64::try_from(left.as_micros()).unwrap_or(u64::MAX);
        let now = self.0.replica.progress().stamp.max(Stamp(clock::unix_us()));
        let request = Request {
            id,
            client: self.0.client,
            not_after: now.after_us(left_us),
            command,
        };
        self.0.replica.propose(request, deadline).await
    }
}

impl<R: Replica> Shared<R> {
    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody is seen otherwise than before, or for too long as before.
    fn changed(&self, key: Key, transition: Transition) {
        if transition.from != transition.to {
            self.metrics.presence_changed(known(transition.to));
        }
        self.report(key, transition.to, cause_of(transition.cause));
    }

    fn report(&self, key: Key, state: State, cause: PresenceCause) {
        let report = SessionPresence {
            tenant: key.tenant,
            session: SessionId(key.session),
            state: known(state),
            cause,
        };
        // The receiver ends with the node.
        let (Ok(()) | Err(_)) = self.reports.send(report);
    }
}

/// What the session's policy bears.
fn graces(session: &Session) -> Graces {
    let rule = session.presence_rule;
    let us = |seconds: u16| u64::from(seconds).saturating_mul(SECOND_US);
    Graces {
        absent_us: us(rule.absent_grace_s).max(GRACE_US_MIN),
        lost_us: us(rule.lost_grace_s).max(GRACE_US_MIN),
        suspend_us: us(rule.suspend_after_s),
        clear_screen: rule.clear_screen,
    }
}
