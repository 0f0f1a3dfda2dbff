//! Whether this replica may stamp: what its peers' clocks show, and whether a quorum agrees.
//!
//! Peers tell one another what their clocks show. An answer is known to lie between the question and
//! its arrival, so each peer's clock is an interval against our own monotonic time, and the clocks of
//! a quorum agree when their intervals, each widened by half of what may lie between two clocks, have
//! a point in common (Marzullo, "Maintaining the Time in a Distributed System", 1984). Because
//! intervals are kept against monotonic time, a jump of the own clock is seen at the next look,
//! before anything is stamped with it.
//!
//! No clock is read in here: every call gets its [`Moment`]. Nothing in here enters the state.

use std::collections::BTreeMap;

use crate::entry::NodeId;

/// Two clocks agree when they are at most this far apart, in microseconds.
pub const AGREE_US: i64 = 500_000;
/// A stamp may lie this far ahead of a follower's clock, in microseconds, and is taken at once.
pub const AHEAD_US: u64 = 1_000_000;
/// Beyond this, in microseconds, a peer's clock is worth an alarm.
pub const ALARM_US: u64 = 250_000;
/// How long a follower waits, in microseconds, for its clock to come near a stamp too far ahead.
///
/// A leader with a wrong clock has handed over by then; and entries that were stamped while all clocks
/// were wrong must be taken one day.
pub const PATIENCE_US: u64 = 10_000_000;
/// Readings older than this, in microseconds, say nothing any more.
const FRESH_US: u64 = 10_000_000;
/// After this, in microseconds, a reading gives way to a newer one that is less exact.
const KEEP_EXACT_US: u64 = 3_000_000;
/// An answer that took longer, in microseconds, says too little.
const ROUND_TRIP_US_MAX: u64 = 400_000;

/// What this machine's clocks show, read at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds on the clock that never goes back; only differences mean anything.
    pub monotonic_us: u64,
    /// Microseconds since 1970-01-01 UTC, as this machine believes.
    pub unix_us: u64,
}

impl Moment {
    /// How far UTC, as this machine believes, is ahead of its monotonic clock.
    fn base(self) -> i64 {
        difference(self.unix_us, self.monotonic_us)
    }
}

/// What the clocks of the voters allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// A quorum agrees, this replica's clock among them: it may stamp.
    Agreed,
    /// A quorum agrees, and not with this replica's clock: it must hand over.
    Alone,
    /// Too few peers have said lately what their clocks show.
    Unheard,
    /// No quorum of clocks agrees: nobody may stamp.
    Torn,
}

/// Where a clock lies against our monotonic time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    low: i64,
    high: i64,
    taken_us: u64,
}

impl Reading {
    const fn width(self) -> i64 {
        self.high.saturating_sub(self.low)
    }

    const fn middle(self) -> i64 {
        self.low.saturating_add(self.width() >> 1)
    }
}

/// One replica's view of the clocks of its cluster.
#[derive(Clone, Debug)]
pub struct Clocks {
    me: NodeId,
    voters: Vec<NodeId>,
    readings: BTreeMap<NodeId, Reading>,
}

impl Clocks {
    /// Starts without any reading. `voters` are those whose clocks count, this replica included.
    #[must_use]
    pub const fn new(me: NodeId, voters: Vec<NodeId>) -> Self {
        Self {
            me,
            voters,
            readings: BTreeMap::new(),
        }
    }

    /// Those whose clocks count.
    #[must_use]
    pub fn voters(&self) -> &[NodeId] {
        &self.voters
    }

    /// Other voters than before.
    pub fn set_voters(&mut self, voters: Vec<NodeId>) {
        self.readings.retain(|peer, _| voters.contains(peer));
        self.voters = voters;
    }

    /// The peers whose clock is not known freshly: worth asking soon.
    #[must_use]
    pub fn unknown(&self, now: Moment) -> Vec<NodeId> {
        let fresh = |peer: &NodeId| self.readings.get(peer).is_some_and(|r| is_fresh(r, now));
        let others = self.voters.iter().filter(|peer| **peer != self.me);
        others.filter(|peer| !fresh(peer)).copied().collect()
    }

    /// A peer has answered a question asked at `asked_us` of our monotonic time with what its clock
    /// shows. Returns whether the answer says anything.
    pub fn heard(&mut self, peer: NodeId, asked_us: u64, their_unix_us: u64, now: Moment) -> bool {
        let known = self.voters.contains(&peer) && peer != self.me;
        let round_trip = now.monotonic_us.checked_sub(asked_us);
        if !known || round_trip.is_none_or(|took| took > ROUND_TRIP_US_MAX) {
            return false;
        }
        let new = Reading {
            low: difference(their_unix_us, now.monotonic_us),
            high: difference(their_unix_us, asked_us),
            taken_us: now.monotonic_us,
        };
        let better = self.readings.get(&peer).is_none_or(|old| {
            let jumped = new.low > old.high || new.high < old.low;
            let stale = now.monotonic_us.saturating_sub(old.taken_us) > KEEP_EXACT_US;
            jumped || stale || new.width() <= old.width()
        });
        if better {
            self.readings.insert(peer, new);
        }
        true
    }

    /// What the clocks allow now.
    #[must_use]
    pub fn judge(&self, now: Moment) -> Judgement {
        let quorum = self.quorum();
        let mut clocks = self.widened(now);
        let heard = clocks.len().saturating_add(1);
        let own = widen(now.base(), now.base());
        let with_us: Vec<_> = clocks
            .iter()
            .filter(|(low, high)| *low <= own.1 && *high >= own.0)
            .map(|(low, high)| ((*low).max(own.0), (*high).min(own.1)))
            .collect();
        if most_common(&with_us).map_or(0, |found| found.0) >= quorum.saturating_sub(1) {
            return Judgement::Agreed;
        }
        if heard < quorum {
            return Judgement::Unheard;
        }
        clocks.push(own);
        match most_common(&clocks) {
            Some((count, ..)) if count >= quorum => Judgement::Alone,
            Some(_) | None => Judgement::Torn,
        }
    }

    /// What time it is, in microseconds since 1970-01-01 UTC: as the own clock shows, unless a quorum
    /// agrees that it is wrong.
    #[must_use]
    pub fn believed_us(&self, now: Moment) -> u64 {
        if self.judge(now) != Judgement::Alone {
            return now.unix_us;
        }
        let agreed = most_common(&self.widened(now));
        let base = agreed.map(|(_, low, high)| low.saturating_add(high.saturating_sub(low) >> 1));
        base.and_then(|base| now.monotonic_us.checked_add_signed(base))
            .unwrap_or(now.unix_us)
    }

    /// Whether the clock of `peer` is one that a quorum agrees with, as far as is known here: such a
    /// replica may lead.
    #[must_use]
    pub fn is_sound(&self, peer: NodeId, now: Moment) -> bool {
        let mut clocks = self.widened(now);
        clocks.push(widen(now.base(), now.base()));
        let Some((count, low, high)) = most_common(&clocks) else {
            return false;
        };
        let Some(reading) = self.readings.get(&peer).filter(|r| is_fresh(r, now)) else {
            return false;
        };
        let (from, to) = widen(reading.low, reading.high);
        count >= self.quorum() && from <= high && to >= low
    }

    /// How far each peer's clock is ahead of ours, in microseconds, as far as is known.
    #[must_use]
    pub fn skews(&self, now: Moment) -> Vec<(NodeId, i64)> {
        self.readings
            .iter()
            .filter(|(_, reading)| is_fresh(reading, now))
            .map(|(peer, reading)| (*peer, reading.middle().saturating_sub(now.base())))
            .collect()
    }

    fn quorum(&self) -> usize {
        (self.voters.len() >> 1).saturating_add(1)
    }

    /// The fresh intervals of the peers, widened.
    fn widened(&self, now: Moment) -> Vec<(i64, i64)> {
        self.readings
            .values()
            .filter(|reading| is_fresh(reading, now))
            .map(|reading| widen(reading.low, reading.high))
            .collect()
    }
}

/// How long a follower goes on withholding entries that are stamped too far ahead.
#[derive(Clone, Copy, Debug, Default)]
pub struct Patience {
    /// The stamp that waits, and since when on the monotonic clock.
    waiting: Option<(u64, u64)>,
}

impl Patience {
    /// The latest stamp to take, when it is `believed_us` now and the entry that waits, if any, is
    /// stamped `waiting`. It is taken after [`PATIENCE_US`] whatever it says.
    pub fn limit(&mut self, believed_us: u64, waiting: Option<u64>, monotonic_us: u64) -> u64 {
        let limit = believed_us.saturating_add(AHEAD_US);
        let Some(stamp) = waiting.filter(|stamp| *stamp > limit) else {
            self.waiting = None;
            return limit;
        };
        let since = match self.waiting {
            Some((same, since)) if same == stamp => since,
            Some(_) | None => monotonic_us,
        };
        self.waiting = Some((stamp, since));
        if monotonic_us.saturating_sub(since) < PATIENCE_US {
            limit
        } else {
            stamp
        }
    }
}

fn is_fresh(reading: &Reading, now: Moment) -> bool {
    now.monotonic_us.saturating_sub(reading.taken_us) <= FRESH_US
}

const fn widen(low: i64, high: i64) -> (i64, i64) {
    (
        low.saturating_sub(AGREE_US >> 1),
        high.saturating_add(AGREE_US >> 1),
    )
}

/// The most intervals that have a point in common, and where: Marzullo's sweep.
fn most_common(intervals: &[(i64, i64)]) -> Option<(usize, i64, i64)> {
    let mut best: Option<(usize, i64, i64)> = None;
    // The best point can be moved left until it meets a beginning.
    for (from, _) in intervals {
        let over = || {
            intervals
                .iter()
                .filter(|(low, high)| low <= from && from <= high)
        };
        let count = over().count();
        let to = over().map(|(_, high)| *high).min().unwrap_or(*from);
        if best.is_none_or(|(most, ..)| count > most) {
            best = Some((count, *from, to));
        }
    }
    best
}

/// `left - right` of two clocks' microseconds.
fn difference(left: u64, right: u64) -> i64 {
    let wide = i128::from(left).saturating_sub(i128::from(right));
    i64::try_from(wide).unwrap_or(if wide > 0 { i64::MAX } else { i64::MIN })
}
