//! What became of a driven trace.

use std::collections::BTreeMap;
use std::time::Duration;

/// What became of a driven trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Calls driven.
    pub calls: u64,
    /// Steps done, by the word in the trace.
    pub done: BTreeMap<&'static str, u64>,
    /// Steps that were refused as expected.
    pub refused_as_expected: u64,
    /// What the trace did not expect.
    pub surprises: Vec<Surprise>,
    /// Verdicts at the end of the calls, by outcome; "pending" where there was none.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// From a call's announcement to its verdict, in cluster time; ascending.
    pub verdict_us: Vec<u64>,
    /// How much later than in the trace each step began; ascending.
    pub late: Vec<Duration>,
}

/// A step that ended otherwise than the trace says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surprise {
    /// Its line in the file.
    pub line: usize,
    /// The word in the trace.
    pub step: &'static str,
    /// What happened: a reason of the cluster, or what went wrong.
    pub what: String,
}

impl Summary {
    /// Adds what became of some calls to what became of others.
    pub(super) fn add(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        for (step, count) in other.done {
            *self.done.entry(step).or_default() += count;
        }
        self.refused_as_expected = self
            .refused_as_expected
            .saturating_add(other.refused_as_expected);
        self.surprises.extend(other.surprises);
        for (outcome, count) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += count;
        }
        self.verdict_us.extend(other.verdict_us);
        self.late.extend(other.late);
    }

    /// Brings the lists into order.
    pub(super) fn sort(&mut self) {
        self.surprises.sort_by_key(|surprise| surprise.line);
        self.verdict_us.sort_unstable();
        self.late.sort_unstable();
    }

    /// Steps done.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.done.values().sum()
    }
}

/// The value below which `per_cent` of the ascending `values` lie, by the nearest rank; none of none.
#[must_use]
pub(crate) fn percentile<T: Copy>(values: &[T], per_cent: usize) -> Option<T> {
    let rank = (values.len() * per_cent).div_ceil(100).max(1);
    values.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_rank_is_a_value_that_occurred() {
        let values: Vec<u32> = (1..=20).collect();
        assert_eq!(percentile(&values, 50), Some(10));
        assert_eq!(percentile(&values, 95), Some(19));
        assert_eq!(percentile(&values, 100), Some(20));
        assert_eq!(percentile(&values[..1], 1), Some(1));
        assert_eq!(percentile::<u32>(&[], 50), None);
    }
}
