//! The one place where this crate reads the machine's clock.
//!
//! Nothing here may decide whether a challenge has expired: the cluster's stamps do that. The clock
//! serves deadlines, request ids and what is printed for people.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Microseconds since 1970-01-01 UTC by this machine's clock; zero if it is set before that day.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this file owns the client's wall clock"
)]
pub fn unix_us() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| u64::try_from(age.as_micros()).unwrap_or(u64::MAX))
}

/// The monotone clock, for deadlines and measured times.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this file owns the client's monotone clock"
)]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// The clock that never goes back and goes on while the machine sleeps: what leases run on. Only
/// differences mean anything.
#[must_use]
pub fn boottime() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or_default(),
        u32::try_from(now.tv_nsec).unwrap_or_default(),
    )
}

/// The moment by which a caller wants an answer. No attempt runs past it.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline `budget` from now.
    #[must_use]
    pub fn after(budget: Duration) -> Self {
        Self(monotonic() + budget)
    }

    /// What is left of it; zero once it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(monotonic())
    }
}

/// A day of the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// Year, for example 2026.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
}

/// The Gregorian day that lies `days` after 1970-01-01.
///
/// # Sources
///
/// Howard Hinnant, *chrono-Compatible Low-Level Date Algorithms*, `civil_from_days`.
#[must_use]
pub fn day_of(days: u64) -> Day {
    let days = days.min(1_000_000) + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    Day {
        year: i32::try_from(year).unwrap_or(i32::MAX),
        month: u8::try_from(month).unwrap_or(12),
        day: u8::try_from(day).unwrap_or(1),
    }
}

/// Writes microseconds since 1970-01-01 as `2026-11-22T15:04:05.678Z` (RFC 3339, UTC).
#[must_use]
pub fn rfc3339(unix_us: u64) -> String {
    let seconds = unix_us / 1_000_000;
    let Day { year, month, day } = day_of(seconds / 86_400);
    let of_day = seconds % 86_400;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        of_day / 3_600,
        of_day / 60 % 60,
        of_day % 60,
        unix_us / 1_000 % 1_000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_written_as_rfc_3339() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(951_782_400_000_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(rfc3339(1_795_360_245_678_901), "2026-11-22T15:10:45.678Z");
    }

    #[test]
    fn a_passed_deadline_leaves_nothing() {
        assert_eq!(Deadline::after(Duration::ZERO).remaining(), Duration::ZERO);
    }
}
