//! The machine's clock: the only file of the node that reads it.
//!
//! What comes from here never enters the state of a replica by itself. The leader stamps entries with
//! it; everything else uses it for deadlines, figures and signatures' times only.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Microseconds since 1970-01-01 UTC, as this machine believes; zero before that.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this file owns the machine's clock"
)]
pub fn unix_us() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Seconds since 1970-01-01 UTC, as this machine believes.
#[must_use]
pub fn unix_s() -> u64 {
    unix_us().checked_div(1_000_000).unwrap_or_default()
}

/// A moment on the clock that never goes back; only differences mean anything.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this file owns the machine's clock"
)]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// Microseconds on the clock that never goes back and goes on while the machine sleeps: what leases run
/// on. Only differences mean anything.
#[must_use]
pub fn boottime_us() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let (s, ns) = (
        u64::try_from(now.tv_sec).unwrap_or_default(),
        u64::try_from(now.tv_nsec).unwrap_or_default(),
    );
    s.saturating_mul(1_000_000)
        .saturating_add(ns.checked_div(1_000).unwrap_or_default())
}

/// The same moment as the runtime's timers see it.
#[must_use]
pub fn runtime() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// What is left until `deadline`; zero if it has passed.
#[must_use]
pub fn left_until(deadline: tokio::time::Instant) -> Duration {
    deadline.saturating_duration_since(runtime())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_past_the_year_this_was_written() {
        assert!(unix_us() > 1_750_000_000_000_000);
        assert!(unix_s() > 1_750_000_000);
    }

    #[test]
    fn the_clock_of_leases_goes_on() {
        let (before, began) = (boottime_us(), monotonic());
        assert!(before > 0);
        while began.elapsed() < Duration::from_millis(3) {}
        let passed_us = boottime_us() - before;
        assert!((2_000..10_000_000).contains(&passed_us), "{passed_us}");
    }

    #[test]
    fn a_deadline_in_the_past_leaves_nothing() {
        assert_eq!(left_until(runtime()), Duration::ZERO);
    }
}
