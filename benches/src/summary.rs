//! Medians over rounds with their extremes, and how they are written. Whole numbers throughout.

use std::fmt;

/// A figure over several rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// The middle one; of two middle ones the larger.
    pub median: u64,
    /// The smallest.
    pub min: u64,
    /// The largest.
    pub max: u64,
}

impl Spread {
    /// The spread of `figures`; zeros if there are none.
    #[must_use]
    pub fn of(figures: impl IntoIterator<Item = u64>) -> Self {
        let mut figures: Vec<u64> = figures.into_iter().collect();
        figures.sort_unstable();
        Self {
            median: figures.get(figures.len() / 2).copied().unwrap_or(0),
            min: figures.first().copied().unwrap_or(0),
            max: figures.last().copied().unwrap_or(0),
        }
    }

    /// Microseconds written as milliseconds: `1.23 (1.10–1.31)`.
    #[must_use]
    pub fn as_ms(self) -> String {
        format!(
            "**{}** ({}–{})",
            ms(self.median),
            ms(self.min),
            ms(self.max)
        )
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "**{}** ({}–{})",
            thousands(self.median),
            thousands(self.min),
            thousands(self.max)
        )
    }
}

/// Microseconds as milliseconds with two places.
#[must_use]
pub fn ms(us: u64) -> String {
    format!("{}.{:02}", thousands(us / 1_000), us % 1_000 / 10)
}

/// A whole number with commas.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `one : other` in hundredths; zero if there is nothing to divide by.
#[must_use]
pub const fn ratio_hundredths(one: u64, other: u64) -> u64 {
    match one.saturating_mul(100).checked_div(other) {
        Some(ratio) => ratio,
        None => 0,
    }
}

/// Hundredths as a decimal number.
#[must_use]
pub fn hundredths(number: u64) -> String {
    format!("{}.{:02}", number / 100, number % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one_and_the_extremes_are_shown() {
        let spread = Spread::of([5, 1, 12_345]);
        assert_eq!(spread.to_string(), "**5** (1–12,345)");
        assert_eq!(Spread::of([1_234, 1_234]).as_ms(), "**1.23** (1.23–1.23)");
        assert_eq!(Spread::of([]), Spread::default());
    }

    #[test]
    fn numbers_are_grouped_and_ratios_have_two_places() {
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(999), "999");
        assert_eq!(hundredths(ratio_hundredths(205, 100)), "2.05");
        assert_eq!(ratio_hundredths(1, 0), 0);
    }
}
