//! When a message is tried again: the schedule of Standard Webhooks 1.0.0.

/// Seconds from one attempt to the next; the first attempt is at once. Together a little over three
/// days.
pub const STANDARD_DELAYS_S: [u64; 10] = [
    0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
];

/// A delay grows by up to one part in this many, so that messages that failed together do not come
/// back together. It never shrinks.
const JITTER_PARTS: u64 = 10;

/// A list of delays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    delays_ms: Vec<u64>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self::of_ms(STANDARD_DELAYS_S.map(|seconds| seconds * 1_000).to_vec())
    }
}

impl Schedule {
    /// A schedule of one's own, in milliseconds: for a site that wants other delays, and for tests.
    #[must_use]
    pub const fn of_ms(delays_ms: Vec<u64>) -> Self {
        Self { delays_ms }
    }

    /// Milliseconds to wait before attempt number `attempt` (from zero); nothing if there is none
    /// more. `chance` is uniform.
    #[must_use]
    pub fn delay_ms(&self, attempt: u32, chance: u32) -> Option<u64> {
        let base = *self.delays_ms.get(usize::try_from(attempt).ok()?)?;
        let most = base / JITTER_PARTS;
        // Within `most`, however large: the product of two numbers of 32 bits.
        let jitter = (most.min(u64::from(u32::MAX)) * u64::from(chance)) >> 32;
        Some(base.saturating_add(jitter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_the_documented_one_and_jitter_only_adds() {
        let schedule = Schedule::default();
        for (attempt, seconds) in (0_u32..).zip(STANDARD_DELAYS_S) {
            assert_eq!(schedule.delay_ms(attempt, 0), Some(seconds * 1_000));
            let most = schedule.delay_ms(attempt, u32::MAX).unwrap();
            assert!(most >= seconds * 1_000 && most <= seconds * 1_100, "{most}");
        }
        assert_eq!(schedule.delay_ms(10, 0), None);
    }
}
