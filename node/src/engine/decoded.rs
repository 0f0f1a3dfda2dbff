//! Entries that were decoded when they were appended, for apply, which needs them a moment later.
//!
//! A cache and nothing more: what is not here apply decodes itself. An index and a term name one entry
//! for good (Raft's log matching), so what is found under them is what the log holds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use akashi_domain::entry::Entry;

/// Bytes of the encoded entries whose decoded form is kept: several times what a healthy replica is
/// behind with applying.
const BYTES_MAX: usize = 16 << 20;

/// Decoded entries between append and apply. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Decoded {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: BTreeMap<u64, One>,
    bytes: usize,
}

#[derive(Debug)]
struct One {
    term: u64,
    bytes: usize,
    entry: Entry,
}

impl Decoded {
    /// Keeps the entry at an index and term, which has `bytes` bytes, unless too many are kept.
    pub(super) fn keep(&self, (index, term): (u64, u64), bytes: usize, entry: Entry) {
        let mut kept = self.lock();
        kept.drop_at(index);
        let sum = kept.bytes.saturating_add(bytes);
        if sum <= BYTES_MAX {
            kept.bytes = sum;
            kept.entries.insert(index, One { term, bytes, entry });
        }
    }

    /// Gives the entry at an index and term away, and forgets every earlier one: they are applied.
    pub(super) fn take(&self, (index, term): (u64, u64)) -> Option<Entry> {
        let mut kept = self.lock();
        while let Some((first, _)) = kept.entries.first_key_value()
            && *first < index
        {
            let first = *first;
            kept.drop_at(first);
        }
        kept.drop_at(index)
            .filter(|one| one.term == term)
            .map(|one| one.entry)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Poisoned means that a thread panicked, and a panic in these threads ends the process.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn drop_at(&mut self, index: u64) -> Option<One> {
        let one = self.entries.remove(&index)?;
        self.bytes = self.bytes.saturating_sub(one.bytes);
        Some(one)
    }
}

#[cfg(test)]
mod tests {
    use akashi_domain::entry::RULE_VERSION;
    use akashi_domain::ids::Stamp;

    use super::*;

    fn entry(stamp: u64) -> Entry {
        Entry {
            rule_version: RULE_VERSION,
            stamp: Stamp(stamp),
            random: [0; 32],
            sealed: None,
            requests: Vec::new(),
        }
    }

    #[test]
    fn an_entry_is_given_once_and_only_under_its_own_term() {
        let decoded = Decoded::default();
        decoded.keep((1, 1), 10, entry(1));
        decoded.keep((2, 1), 10, entry(2));
        decoded.keep((2, 3), 10, entry(3));
        assert_eq!(decoded.take((1, 1)), Some(entry(1)));
        assert_eq!(decoded.take((1, 1)), None);
        assert_eq!(decoded.take((2, 1)), None, "replaced by another term's");
        decoded.keep((2, 3), 10, entry(3));
        assert_eq!(decoded.take((2, 3)), Some(entry(3)));
        assert_eq!(decoded.lock().bytes, 0);
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_was_passed_over_is_forgotten() {
        let decoded = Decoded::default();
        for index in 1..=20 {
            decoded.keep((index, 1), BYTES_MAX / 4, entry(index));
        }
        assert_eq!(decoded.lock().entries.len(), 4);
        assert_eq!(decoded.take((4, 1)), Some(entry(4)));
        assert_eq!(decoded.lock().bytes, 0);
    }
}
