//! A digest over the whole logical state, to compare replicas by what they hold and not only by what
//! they said.
//!
//! Roots of the audit log agree as long as the facts do. A record that rotted in one replica's store, or
//! a rule that wrote something else there, shows in no root until it leads to another fact. So now and
//! then an entry of the log is a mark ([`crate::marks`]): every replica digests its state as of that entry,
//! in the background, and tells the others; [`crate::agreement`] says what follows if they differ. A
//! snapshot is believed for the same digest ([`crate::snapshot`]).
//!
//! Only what every replica holds alike may enter ([`is_logical`]).

use akashi_domain::ids::Stamp;

use crate::store::{Frozen, StoreError, Table};

/// Cluster time between two marks: ten minutes. The same on every replica, or their marks differ and
/// nothing is compared.
pub const MARK_EVERY_US: u64 = 600_000_000;

/// Pairs read at once: a few hundred kilobytes at most.
const PAGE: usize = 1_024;
/// Longer than any key there is, so that a scan ends behind all of them.
const END: [u8; 256] = [u8::MAX; 256];

/// Whether a table is the same on every replica that has applied the same entries.
#[must_use]
pub const fn is_logical(table: Table) -> bool {
    match table {
        Table::Meta
        | Table::Dedupe
        | Table::Timer
        | Table::Call
        | Table::Subject
        | Table::Agent
        | Table::Policy
        | Table::Outbox
        | Table::Evidence => true,
        // Leaves and tree nodes are compared by their root, with every seal; which heads a replica
        // has, and by whose signatures, is its own affair.
        Table::Audit | Table::Tiles | Table::Heads => false,
    }
}

/// Whether the entry that moves cluster time from `before` to `after` is a mark: the first of a
/// stretch of `every_us` microseconds.
#[must_use]
pub fn is_mark(before: Stamp, after: Stamp, every_us: u64) -> bool {
    after.0.checked_div(every_us) > before.0.checked_div(every_us)
}

/// The digest in the making: pairs in order, table by table.
#[derive(Clone, Debug)]
pub struct StateHasher(blake3::Hasher);

impl Default for StateHasher {
    fn default() -> Self {
        let mut hash = blake3::Hasher::new();
        hash.update(b"akashi state 1");
        Self(hash)
    }
}

impl StateHasher {
    /// Takes the next pair in: the table's number, and key and value, each behind its length as u64
    /// little-endian.
    pub fn pair(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.0.update(&[table.number()]);
        absorb(&mut self.0, key);
        absorb(&mut self.0, value);
    }

    /// The digest of the pairs so far.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }
}

/// BLAKE3 over the logical tables in order, as [`StateHasher`] has it.
///
/// `go_on` is asked after every page, with its bytes; none if it says no.
///
/// # Errors
///
/// [`StoreError`] when the store refuses.
pub fn state_digest(
    store: &dyn Frozen,
    go_on: &mut dyn FnMut(usize) -> bool,
) -> Result<Option<[u8; 32]>, StoreError> {
    let mut hash = StateHasher::default();
    for table in Table::ALL.into_iter().filter(|table| is_logical(*table)) {
        let mut from = Vec::new();
        loop {
            let page = store.page(table, &from, &END, PAGE)?;
            let mut bytes = 0_usize;
            for (key, value) in &page {
                hash.pair(table, key, value);
                bytes = bytes.saturating_add(key.len()).saturating_add(value.len());
            }
            if !go_on(bytes) {
                return Ok(None);
            }
            let Some((last, _)) = page.last().filter(|_| page.len() == PAGE) else {
                break;
            };
            // The first key behind the last one.
            from.clone_from(last);
            from.push(0);
        }
    }
    Ok(Some(hash.digest()))
}

fn absorb(hash: &mut blake3::Hasher, bytes: &[u8]) {
    hash.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Batch, MemStore, StateStore as _};

    fn digest(store: &MemStore) -> [u8; 32] {
        state_digest(store, &mut |_bytes| true).unwrap().unwrap()
    }

    fn store(count: u64) -> MemStore {
        let store = MemStore::default();
        let mut batch = Batch::default();
        for number in 0..count {
            batch.put(Table::Call, number.to_be_bytes().to_vec(), vec![1; 20]);
        }
        store.write(batch).unwrap();
        store
    }

    fn put(store: &MemStore, table: Table, key: &[u8], value: &[u8]) {
        let mut batch = Batch::default();
        batch.put(table, key.to_vec(), value.to_vec());
        store.write(batch).unwrap();
    }

    #[test]
    fn every_logical_pair_counts_and_nothing_else_does() {
        for table in Table::ALL {
            let one = store(10);
            let before = digest(&one);
            put(&one, table, b"key", b"");
            assert_eq!(digest(&one) != before, is_logical(table), "{table:?}");
        }
        let two = store(10);
        put(&two, Table::Call, &3_u64.to_be_bytes(), b"x");
        assert_ne!(digest(&store(10)), digest(&two));
    }

    #[test]
    fn what_belongs_to_the_key_and_what_to_the_value_is_told_apart() {
        let with = |table, key: &[u8], value: &[u8]| {
            let store = MemStore::default();
            put(&store, table, key, value);
            digest(&store)
        };
        assert_ne!(
            with(Table::Call, b"ab", b"c"),
            with(Table::Call, b"a", b"bc")
        );
        assert_ne!(
            with(Table::Call, b"a", b"b"),
            with(Table::Subject, b"a", b"b")
        );
    }

    #[test]
    fn states_of_any_size_around_a_page_are_walked_to_the_end() {
        let page = u64::try_from(PAGE).unwrap();
        for count in [0, 1, page - 1, page, page + 1, 3 * page, 3 * page + 1] {
            let (same, more) = (store(count), store(count + 1));
            assert_eq!(digest(&store(count)), digest(&same));
            assert_ne!(digest(&same), digest(&more), "{count}");
        }
    }

    #[test]
    fn a_walk_ends_when_it_is_told_to() {
        let store = store(5_000);
        let mut pages = 0;
        let ended = state_digest(&store, &mut |_bytes| {
            pages += 1;
            pages < 7
        });
        assert_eq!((ended.unwrap(), pages), (None, 7));
    }
}
