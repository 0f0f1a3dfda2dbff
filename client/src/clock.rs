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

/// Days from 1970-01-01 to a day of the Gregorian calendar; none if there is no such day from then on.
///
/// # Sources
///
/// Howard Hinnant, *chrono-Compatible Low-Level Date Algorithms*, `days_from_civil`.
#[must_use]
fn days_to(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shifted_year = year - u64::from(month <= 2);
    let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (era * 146_097 + day_of_era).checked_sub(719_468)?;
    // 30 February and its like are days of the next month.
    let exists = day_of(days).month == u8::try_from(month).ok()?;
    exists.then_some(days)
}

/// Reads `2026-11-22` or `2026-11-22T15:04:05Z` (UTC, whole seconds) as microseconds since 1970-01-01.
#[must_use]
pub fn parse_utc(text: &str) -> Option<u64> {
    let number = |digits: &str, width: usize| {
        let well_formed = digits.len() == width && digits.bytes().all(|b| b.is_ascii_digit());
        well_formed.then(|| digits.parse::<u64>().ok()).flatten()
    };
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let (year, rest) = date.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let days = days_to(number(year, 4)?, number(month, 2)?, number(day, 2)?)?;
    let (hours, rest) = time.strip_suffix('Z')?.split_once(':')?;
    let (minutes, seconds) = rest.split_once(':')?;
    let within = |value: u64, end: u64| (value < end).then_some(value);
    let hours = within(number(hours, 2)?, 24)?;
    let minutes = within(number(minutes, 2)?, 60)?;
    let seconds = within(number(seconds, 2)?, 60)?;
    Some((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_written() {
        assert_eq!(parse_utc("1970-01-01"), Some(0));
        assert_eq!(parse_utc("2000-02-29"), Some(951_782_400_000_000));
        let known = parse_utc("2026-11-22T15:10:45Z");
        assert_eq!(known, Some(1_795_360_245_000_000));
        for days in (0..40_000).step_by(13) {
            let us = days * 86_400_000_000;
            let written = rfc3339(us).replace(".000", "");
            assert_eq!(parse_utc(&written), Some(us), "{written}");
        }
        for bad in [
            "",
            "2026",
            "2026-02-30",
            "2026-13-01",
            "1969-12-31",
            "2026-1-1",
            "2026-11-22T24:00:00Z",
            "2026-11-22T15:10:45",
            "2026-11-22T15:10Z",
            "+026-11-22",
        ] {
            assert_eq!(parse_utc(bad), None, "{bad:?}");
        }
    }

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
