//! How well this replica and its peers are: clocks, slowness, room on the disk; and what follows from it
//! for who may stamp, who should lead and what is taken.
//!
//! Peers ask one another over the peer streams. The rules are in `akashi_replica::clocks` and
//! `akashi_replica::slow`; this file feeds them, and says aloud what they find.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use akashi_replica::clocks::{AHEAD_US, ALARM_US, Clocks, Judgement, Moment, Patience};
use akashi_replica::entry::NodeId;
use akashi_replica::slow::{HAND_OVER_ABOVE, SUCCESSOR_MAX, SlowScore};
use tokio::sync::watch;

use super::apply_thread::Position;
use super::waiters::Retry;
use crate::clock;
use crate::peers::{Outbox, PeerVitals};
use crate::storage::Room;
use crate::telemetry::Metrics;

/// How often every peer is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How often a peer is asked of whom nothing is known.
const ASK_UNKNOWN_EVERY: Duration = Duration::from_millis(100);
/// Entries that a successor of a slow leader may lack.
const SUCCESSOR_LACKS_MAX: u64 = 4_096;

/// Why a replica should not lead, or not go on leading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Its state or its tree is not a quorum's.
    Fenced,
    /// Its clock is not what a quorum's clocks show.
    Clock,
    /// Its disk is nearly full.
    Disk,
    /// Its disk or its apply step is slow.
    Slow,
}

impl Unfit {
    /// In words, for the log.
    pub(super) const fn why(self) -> &'static str {
        match self {
            Self::Fenced => "fenced",
            Self::Clock => "a quorum of clocks shows another time",
            Self::Disk => "the disk is nearly full",
            Self::Slow => "the disk or the apply step is slow",
        }
    }

    /// Whether it must not lead at all, rather than not if somebody else can.
    pub(super) const fn never(self) -> bool {
        matches!(self, Self::Fenced | Self::Clock)
    }
}

/// What is known, shared by the threads of a replica.
#[derive(Debug)]
pub(super) struct Vitals {
    known: Mutex<Known>,
    room: watch::Sender<Room>,
    /// Bytes free when they were last looked at.
    free: AtomicU64,
    /// Since when a sync has been under way, on the clock of leases; zero while there is none.
    syncing_since_us: AtomicU64,
    fenced: AtomicBool,
    metrics: Metrics,
}

#[derive(Debug)]
struct Known {
    clocks: Clocks,
    patience: Patience,
    slow: SlowScore,
    peers: BTreeMap<NodeId, PeerVitals>,
    alarmed: BTreeSet<NodeId>,
    judged: Judgement,
}

impl Vitals {
    /// Of the replica `me` among `voters`.
    pub(super) fn new(me: NodeId, voters: Vec<NodeId>, metrics: Metrics) -> Self {
        Self {
            known: Mutex::new(Known {
                clocks: Clocks::new(me, voters),
                patience: Patience::default(),
                slow: SlowScore::default(),
                peers: BTreeMap::new(),
                alarmed: BTreeSet::new(),
                judged: Judgement::Agreed,
            }),
            room: watch::Sender::new(Room::Ample),
            free: AtomicU64::new(u64::MAX),
            syncing_since_us: AtomicU64::new(0),
            fenced: AtomicBool::new(false),
            metrics,
        }
    }

    /// Whose clocks count, as the group is now.
    pub(super) fn voters(&self, voters: &[NodeId]) {
        let mut known = self.lock();
        if known.clocks.voters() != voters {
            known.clocks.set_voters(voters.to_vec());
        }
    }

    /// This replica is fenced from here on.
    pub(super) fn fence(&self) {
        self.fenced.store(true, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Poisoned means that a thread panicked, and a panic in these threads ends the process.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much room the disk has; what changes it is [`super::space`].
    pub(super) const fn room(&self) -> &watch::Sender<Room> {
        &self.room
    }

    /// How many bytes are free on the disk; what changes it is [`super::space`].
    pub(super) const fn free(&self) -> &AtomicU64 {
        &self.free
    }

    /// What a peer is answered who asks at this moment.
    pub(super) fn told(&self) -> PeerVitals {
        PeerVitals {
            unix_us: clock::unix_us(),
            slow_score: self.lock().slow.score(),
            disk_low: *self.room.borrow() != Room::Ample,
            fenced: self.fenced.load(Ordering::Acquire),
        }
    }

    /// A peer has answered a question asked at `asked_us`.
    pub(super) fn heard(&self, from: NodeId, asked_us: u64, told: PeerVitals) {
        let mut known = self.lock();
        if known.clocks.heard(from, asked_us, told.unix_us, moment()) {
            known.peers.insert(from, told);
        }
    }

    /// Whether an entry may be stamped with the time of `now`.
    ///
    /// # Errors
    ///
    /// Why not; the caller may ask again.
    pub(super) fn may_stamp(&self, now: Moment) -> Result<(), Retry> {
        if *self.room.borrow() != Room::Ample {
            return Err(Retry::DiskFull);
        }
        match self.lock().clocks.judge(now) {
            Judgement::Agreed => Ok(()),
            Judgement::Alone | Judgement::Unheard | Judgement::Torn => Err(Retry::ClocksDisagree),
        }
    }

    /// Up to which stamp entries are taken, while one stamped `waiting` waits; and whether there is room
    /// for any.
    pub(super) fn intake(&self, waiting: Option<u64>) -> (u64, bool) {
        let now = moment();
        let mut known = self.lock();
        let believed_us = known.clocks.believed_us(now);
        let limit = known.patience.limit(believed_us, waiting, now.monotonic_us);
        if limit > believed_us.saturating_add(AHEAD_US) {
            tracing::error!("an entry is stamped too far ahead, and is taken after all");
        }
        (limit, *self.room.borrow() != Room::Out)
    }

    /// Why this replica should not lead.
    pub(super) fn unfit(&self) -> Option<Unfit> {
        if self.fenced.load(Ordering::Acquire) {
            return Some(Unfit::Fenced);
        }
        let known = self.lock();
        if known.clocks.judge(moment()) == Judgement::Alone {
            return Some(Unfit::Clock);
        }
        if *self.room.borrow() != Room::Ample {
            return Some(Unfit::Disk);
        }
        (known.slow.score() > HAND_OVER_ABOVE).then_some(Unfit::Slow)
    }

    /// Who of these followers, each with the last entry it has, may lead instead; the fittest first has
    /// the most entries.
    pub(super) fn successor(&self, followers: &[(NodeId, u64)]) -> Option<NodeId> {
        let now = moment();
        let known = self.lock();
        let most = followers.iter().map(|(_, has)| *has).max().unwrap_or(0);
        let fit = |peer: NodeId, has: u64| {
            let told = known.peers.get(&peer);
            most.saturating_sub(has) <= SUCCESSOR_LACKS_MAX
                && known.clocks.is_sound(peer, now)
                && told.is_some_and(|told| {
                    !told.fenced && !told.disk_low && told.slow_score <= SUCCESSOR_MAX
                })
        };
        followers
            .iter()
            .filter(|(peer, has)| fit(*peer, *has))
            .max_by_key(|(_, has)| *has)
            .map(|(peer, _)| *peer)
    }

    /// A sync begins.
    pub(super) fn sync_begins(&self) {
        let now = clock::boottime_us().max(1);
        self.syncing_since_us.store(now, Ordering::Release);
    }

    /// It has returned.
    pub(super) fn synced(&self, took: Duration) {
        self.syncing_since_us.store(0, Ordering::Release);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.lock().slow.synced(took_us);
    }

    /// A second is over: the score, and what is to be said about clocks.
    fn second(&self, committed: u64, applied: u64) {
        let now = moment();
        let since = self.syncing_since_us.load(Ordering::Acquire);
        let syncing_us = if since == 0 {
            0
        } else {
            now.monotonic_us.saturating_sub(since)
        };
        let mut known = self.lock();
        let before = known.slow.score();
        let score = known.slow.second(syncing_us, committed, applied);
        if before <= HAND_OVER_ABOVE && score > HAND_OVER_ABOVE {
            tracing::warn!(score, "this replica is slow");
        }
        self.metrics.slow_score(score);
        for (peer, skew_us) in known.clocks.skews(now) {
            self.metrics.clock_skew(peer, skew_us);
            if skew_us.unsigned_abs() <= ALARM_US {
                known.alarmed.remove(&peer);
            } else if known.alarmed.insert(peer) {
                tracing::error!(peer, skew_us, "the clock of a peer is not ours");
            }
        }
        let judged = known.clocks.judge(now);
        if known.judged != judged {
            known.judged = judged;
            match judged {
                Judgement::Agreed => tracing::info!("a quorum of clocks agrees"),
                Judgement::Unheard => tracing::warn!("too few clocks are heard"),
                Judgement::Alone => {
                    tracing::error!("a quorum of clocks agrees, and not with this node's");
                }
                Judgement::Torn => tracing::error!("no quorum of clocks agrees"),
            }
        }
        self.metrics.clocks_agree(judged == Judgement::Agreed);
    }

    /// Asks the peers, and counts the seconds, until the node stops.
    pub(super) async fn watch(
        self: Arc<Self>,
        peers: Outbox,
        committed: Arc<AtomicU64>,
        position: watch::Receiver<Position>,
        mut stop: watch::Receiver<bool>,
    ) {
        let watching = async {
            let mut all_asked: Option<tokio::time::Instant> = None;
            loop {
                let now = clock::runtime();
                if all_asked.is_none_or(|at| now.saturating_duration_since(at) >= ASK_EVERY) {
                    all_asked = Some(now);
                    peers.vitals_ask(None, clock::boottime_us());
                    let applied = position.borrow().progress.log_index;
                    self.second(committed.load(Ordering::Acquire), applied);
                } else {
                    let unknown = self.lock().clocks.unknown(moment());
                    for peer in unknown {
                        peers.vitals_ask(Some(peer), clock::boottime_us());
                    }
                }
                tokio::time::sleep(ASK_UNKNOWN_EVERY).await;
            }
        };
        tokio::select! {
            () = watching => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

/// What the machine's clocks show. The one that never goes back goes on while the machine sleeps, so
/// that a nap is no jump.
pub(super) fn moment() -> Moment {
    Moment {
        monotonic_us: clock::boottime_us(),
        unix_us: clock::unix_us(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: PeerVitals = PeerVitals {
        unix_us: 0,
        slow_score: 1,
        disk_low: false,
        fenced: false,
    };

    fn vitals() -> Vitals {
        Vitals::new(1, vec![1, 2, 3], Metrics::unread())
    }

    fn hear(vitals: &Vitals, from: NodeId, off_us: i64, told: PeerVitals) {
        let unix_us = clock::unix_us().checked_add_signed(off_us).unwrap();
        vitals.heard(from, clock::boottime_us(), PeerVitals { unix_us, ..told });
    }

    #[test]
    fn a_leader_stamps_only_with_clocks_that_agree_and_room_on_its_disk() {
        let vitals = vitals();
        assert_eq!(vitals.may_stamp(moment()), Err(Retry::ClocksDisagree));
        hear(&vitals, 2, 0, WELL);
        assert_eq!(vitals.may_stamp(moment()), Ok(()));
        let mut jumped = moment();
        jumped.unix_us += 3_600_000_000;
        assert_eq!(vitals.may_stamp(jumped), Err(Retry::ClocksDisagree));
        for room in [Room::Low, Room::Out] {
            vitals.room().send_replace(room);
            assert_eq!(vitals.may_stamp(moment()), Err(Retry::DiskFull));
            assert_eq!(vitals.unfit(), Some(Unfit::Disk));
            assert_eq!(vitals.intake(None).1, room == Room::Low);
        }
    }

    #[test]
    fn a_replica_knows_why_it_should_not_lead() {
        let vitals = vitals();
        assert_eq!(vitals.unfit(), None);
        for _ in 0..10 {
            vitals.synced(Duration::from_secs(1));
            vitals.second(5, 5);
        }
        assert_eq!(vitals.unfit(), Some(Unfit::Slow));
        hear(&vitals, 2, 60_000_000, WELL);
        assert_eq!(vitals.unfit(), Some(Unfit::Slow), "one peer against one");
        hear(&vitals, 3, 60_000_000, WELL);
        assert_eq!(vitals.unfit(), Some(Unfit::Clock));
        vitals.fence();
        assert_eq!(vitals.unfit(), Some(Unfit::Fenced));
        assert!(vitals.told().fenced);
    }

    #[test]
    fn a_sync_that_does_not_return_makes_a_replica_slow() {
        let vitals = vitals();
        let began = clock::boottime_us() - 1_000_000;
        vitals.syncing_since_us.store(began, Ordering::Release);
        for _ in 0..10 {
            vitals.second(5, 5);
        }
        assert_eq!(vitals.unfit(), Some(Unfit::Slow));
    }

    #[test]
    fn leadership_goes_to_the_fittest_and_to_nobody_who_is_not_fit() {
        let vitals = vitals();
        let followers = [(2, 100), (3, 90)];
        assert_eq!(vitals.successor(&followers), None, "nobody has said a word");
        hear(&vitals, 2, 0, WELL);
        hear(&vitals, 3, 0, WELL);
        assert_eq!(vitals.successor(&followers), Some(2));
        let slow = PeerVitals {
            slow_score: SUCCESSOR_MAX + 1,
            ..WELL
        };
        hear(&vitals, 2, 0, slow);
        assert_eq!(vitals.successor(&followers), Some(3));
        assert_eq!(
            vitals.successor(&[(2, 9_000), (3, 90)]),
            None,
            "too far behind"
        );
        for ill in [
            PeerVitals {
                disk_low: true,
                ..WELL
            },
            PeerVitals {
                fenced: true,
                ..WELL
            },
        ] {
            hear(&vitals, 3, 0, ill);
            assert_eq!(vitals.successor(&followers), None);
        }
    }
}
