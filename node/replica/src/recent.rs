//! Records that were written or read lately, kept in front of the store for apply alone.
//!
//! A contact's commands follow one another within minutes and read the same few records; settings,
//! tenants and policies are read by every command. What is kept here is what the store holds: every
//! write goes through ([`Recent::wrote`]), and nobody else writes. Readers on other threads ask the store
//! itself.
//!
//! It must never answer for a table that is not kept ([`is_kept`]), and never grow without bound.

use std::cell::RefCell;
use std::collections::BTreeMap;

use akashi_domain::kv::{Changes, Fault, Pair, Table, View};

/// Bytes of one generation; two are kept. Some ten thousand customers' records.
const GENERATION_BYTES: usize = 16 << 20;
/// Bytes that a kept record takes besides its value.
const OVERHEAD_BYTES: usize = 96;

/// Whether a table's records are read again soon after they were written.
const fn is_kept(table: Table) -> bool {
    match table {
        Table::Meta | Table::Call | Table::Subject | Table::Agent | Table::Policy => true,
        // Read once, walked, or not read by commands at all.
        Table::Dedupe
        | Table::Timer
        | Table::Outbox
        | Table::Audit
        | Table::Tiles
        | Table::Heads
        | Table::Evidence => false,
    }
}

/// What a key is found under: its digest lies in the map itself, so that a search follows no pointer to
/// every key that it passes.
type Name = [u8; 32];

type Records = BTreeMap<Name, Option<Vec<u8>>>;

fn name(table: Table, key: &[u8]) -> Name {
    let mut hash = blake3::Hasher::new();
    hash.update(&[table.number()]);
    hash.update(key);
    *hash.finalize().as_bytes()
}

/// The records, in two generations: what was not asked for during a whole one is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    kept: RefCell<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: Records,
    old: Records,
    young_bytes: usize,
}

impl Generations {
    fn keep(&mut self, name: Name, value: Option<Vec<u8>>) {
        let bytes = value.as_ref().map_or(0, Vec::len);
        let bytes = bytes.saturating_add(OVERHEAD_BYTES);
        // A record that is replaced counts twice: the generation ends a little sooner.
        self.young_bytes = self.young_bytes.saturating_add(bytes);
        self.young.insert(name, value);
        if self.young_bytes >= GENERATION_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
    }
}

impl Recent {
    /// These changes are in the store.
    pub(crate) fn wrote(&self, changes: &Changes) {
        let mut kept = self.kept.borrow_mut();
        for ((table, key), value) in changes {
            if is_kept(*table) {
                // What an earlier generation says of it is shadowed, and goes with it.
                kept.keep(name(*table, key), value.clone());
            }
        }
    }
}

/// A view of a store with what is kept in front of it.
#[derive(Debug)]
pub(crate) struct Fronted<'a, V> {
    pub(crate) recent: &'a Recent,
    pub(crate) store: &'a V,
}

impl<V: View> View for Fronted<'_, V> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        if !is_kept(table) {
            return self.store.get(table, key);
        }
        let name = name(table, key);
        let mut kept = self.recent.kept.borrow_mut();
        if let Some(known) = kept.young.get(&name) {
            return Ok(known.clone());
        }
        let answer = match kept.old.get(&name) {
            Some(known) => known.clone(),
            None => self.store.get(table, key)?,
        };
        kept.keep(name, answer.clone());
        Ok(answer)
    }

    fn scan(&self, table: Table, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, Fault> {
        self.store.scan(table, from, to, limit)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::machine::StoreView;
    use crate::store::{Batch, MemStore, StateStore as _};

    #[test]
    fn a_store_that_is_read_again_is_asked_once() {
        let store = StoreView(Arc::new(MemStore::default()));
        let recent = Recent::default();
        let fronted = Fronted {
            recent: &recent,
            store: &store,
        };
        assert_eq!(fronted.get(Table::Call, b"a").unwrap(), None);
        // Behind its back: nobody does that, and so it shows what is remembered.
        let mut batch = Batch::default();
        batch.put(Table::Call, b"a".to_vec(), vec![1]);
        batch.put(Table::Dedupe, b"a".to_vec(), vec![2]);
        store.0.write(batch.clone()).unwrap();
        assert_eq!(fronted.get(Table::Call, b"a").unwrap(), None);
        assert_eq!(fronted.get(Table::Dedupe, b"a").unwrap(), Some(vec![2]));
        recent.wrote(&batch.changes);
        assert_eq!(fronted.get(Table::Call, b"a").unwrap(), Some(vec![1]));
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_is_asked_for_stays() {
        let store = StoreView(Arc::new(MemStore::default()));
        let recent = Recent::default();
        let fronted = Fronted {
            recent: &recent,
            store: &store,
        };
        for number in 0_u64..200 {
            let mut batch = Batch::default();
            batch.put(Table::Call, number.to_be_bytes().to_vec(), vec![1; 1 << 20]);
            recent.wrote(&batch.changes);
            assert!(
                fronted
                    .get(Table::Call, &0_u64.to_be_bytes())
                    .unwrap()
                    .is_some()
            );
        }
        let kept = recent.kept.borrow();
        assert!(kept.young.len() + kept.old.len() <= 34);
    }

    proptest! {
        // Large values, so that generations end: few cases.
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn what_goes_through_it_is_what_the_store_holds(
            steps in prop::collection::vec(
                (0_usize..12, 0_u8..6, prop::option::of(0_usize..(9 << 20)), any::<bool>()),
                1..40,
            ),
        ) {
            let store = StoreView(Arc::new(MemStore::default()));
            let recent = Recent::default();
            let fronted = Fronted { recent: &recent, store: &store };
            for (table, key, value, write) in steps {
                let table = Table::ALL[table];
                if write {
                    let mut batch = Batch::default();
                    match value {
                        Some(bytes) => batch.put(table, vec![key], vec![key; bytes]),
                        None => batch.delete(table, vec![key]),
                    }
                    recent.wrote(&batch.changes);
                    store.0.write(batch).unwrap();
                }
                let (one, two) = (fronted.get(table, &[key]).unwrap(), store.get(table, &[key]).unwrap());
                prop_assert!(one == two, "{table:?}");
            }
        }
    }
}
