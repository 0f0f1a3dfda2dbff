//! How slow this replica is: a score from 1 to 100 that rises while its disk or its apply step is slow.
//!
//! Additive increase, multiplicative decrease, one step a second: a single slow sync is forgotten, six
//! slow seconds in a row are not. No clock is read in here, and no decision is made but the score.

/// The score of a replica that is not slow.
pub const SCORE_MIN: u32 = 1;
/// The highest score.
pub const SCORE_MAX: u32 = 100;
/// A leader above this hands over, if somebody better follows.
pub const HAND_OVER_ABOVE: u32 = 80;
/// Somebody better: a follower at most this slow.
pub const SUCCESSOR_MAX: u32 = 40;
/// A sync that takes longer, in microseconds, makes its second a slow one. A thousand times what a good
/// disk takes, and a fifth of the shortest time in which a silent leader is replaced.
pub const SLOW_SYNC_US: u64 = 100_000;
/// Decided entries that wait to be applied, above which a second is a slow one.
pub const SLOW_APPLY_ENTRIES: u64 = 10_000;
/// What a slow second adds.
const STEP: u32 = 15;

/// The score and what was seen since the last step.
#[derive(Clone, Copy, Debug)]
pub struct SlowScore {
    score: u32,
    slowest_us: u64,
    applied: u64,
}

impl Default for SlowScore {
    fn default() -> Self {
        Self {
            score: SCORE_MIN,
            slowest_us: 0,
            applied: 0,
        }
    }
}

impl SlowScore {
    /// A sync took this long.
    pub fn synced(&mut self, took_us: u64) {
        self.slowest_us = self.slowest_us.max(took_us);
    }

    /// A second is over. `syncing_us` is how long a sync that has not returned has been under way (0 if
    /// there is none); `committed` and `applied` are the newest decided and the newest applied index.
    /// Gives the new score.
    pub fn second(&mut self, syncing_us: u64, committed: u64, applied: u64) -> u32 {
        let waiting = committed.saturating_sub(applied);
        let stands = waiting > 0 && applied == self.applied;
        let slow_disk = self.slowest_us.max(syncing_us) > SLOW_SYNC_US;
        let slow_apply = waiting > SLOW_APPLY_ENTRIES || stands;
        self.slowest_us = 0;
        self.applied = applied;
        self.score = if slow_disk || slow_apply {
            self.score.saturating_add(STEP).min(SCORE_MAX)
        } else {
            self.score.saturating_mul(9).div_euclid(10).max(SCORE_MIN)
        };
        self.score
    }

    /// The score now.
    #[must_use]
    pub const fn score(&self) -> u32 {
        self.score
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_disk_is_worth_a_handover_within_ten_seconds_and_is_forgiven_in_less_than_half_a_minute()
     {
        let mut score = SlowScore::default();
        let mut seconds = 0;
        while score.score() <= HAND_OVER_ABOVE {
            score.synced(SLOW_SYNC_US + 1);
            score.synced(10);
            score.second(0, 5, 5);
            seconds += 1;
        }
        assert!(seconds < 10, "{seconds}");
        for _ in 0..100 {
            score.synced(u64::MAX);
            score.second(0, 5, 5);
        }
        assert_eq!(score.score(), SCORE_MAX);
        let mut seconds = 0;
        while score.score() > SUCCESSOR_MAX {
            score.second(0, 5, 5);
            seconds += 1;
        }
        assert!((5..30).contains(&seconds), "{seconds}");
        for _ in 0..100 {
            score.second(0, 5, 5);
        }
        assert_eq!(score.score(), SCORE_MIN);
    }

    #[test]
    fn one_slow_sync_is_no_reason_to_hand_over() {
        let mut score = SlowScore::default();
        for second in 0..200 {
            if second % 20 == 0 {
                score.synced(SLOW_SYNC_US * 5);
            }
            assert!(score.second(0, 5, 5) < SUCCESSOR_MAX);
        }
    }

    #[test]
    fn a_sync_that_never_returns_and_an_apply_step_that_stands_are_slow() {
        let mut stuck = SlowScore::default();
        let mut stands = SlowScore::default();
        let mut behind = SlowScore::default();
        for second in 1..=10 {
            stuck.second(second * 1_000_000, 5, 5);
            stands.second(0, 6, 5);
            behind.second(0, SLOW_APPLY_ENTRIES * 2 + second, second);
        }
        for score in [stuck, stands, behind] {
            assert!(score.score() > HAND_OVER_ABOVE, "{score:?}");
        }
        let mut busy = SlowScore::default();
        for second in 1..=10 {
            busy.second(0, second * 1_000 + 900, second * 1_000);
        }
        assert_eq!(busy.score(), SCORE_MIN);
    }
}
