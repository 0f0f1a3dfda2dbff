//! The state store of a simulated replica: in memory, with a flushed boundary to fall back to.
//!
//! A crash leaves what was flushed last. [`akashi_replica::store::MemStore`] would have to be copied at
//! every flush for that; this one remembers what each write replaced and takes it back. It can also be
//! told to have no room, and to let a record rot.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use akashi_replica::store::{Batch, Frozen, Pair, StateStore, StoreError, Table};

use crate::rng::Rng;

/// What a refused write says.
#[derive(Debug)]
struct NoRoom;

impl std::fmt::Display for NoRoom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the simulated store has no room")
    }
}

impl std::error::Error for NoRoom {}

type Records = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Debug, Default)]
struct Inner {
    tables: BTreeMap<Table, Records>,
    /// What was there before, newest last, since the last flush.
    undo: Vec<(Table, Vec<u8>, Option<Vec<u8>>)>,
    full: bool,
}

/// Ordered tables in memory.
#[derive(Debug, Default)]
pub struct SimStore {
    inner: RwLock<Inner>,
}

impl SimStore {
    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap()
    }

    fn edit(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap()
    }

    /// The process or the machine is gone: what was not flushed is lost.
    pub fn lose(&self) {
        let mut inner = self.edit();
        inner.full = false;
        for (table, key, before) in std::mem::take(&mut inner.undo).into_iter().rev() {
            let records = inner.tables.entry(table).or_default();
            match before {
                Some(value) => records.insert(key, value),
                None => records.remove(&key),
            };
        }
    }

    /// The next write finds no room.
    pub fn fill(&self) {
        self.edit().full = true;
    }

    /// Turns one bit of a record that `may` rot, for good. Returns whether there was one.
    pub fn rot(&self, rng: &mut Rng, may: impl Fn(Table) -> bool) -> bool {
        let mut inner = self.edit();
        let count = |records: &Records| u64::try_from(records.len()).unwrap();
        let all: u64 = inner
            .tables
            .iter()
            .filter(|(table, _)| may(**table))
            .map(|(_, records)| count(records))
            .sum();
        let mut nth = rng.below(all);
        for (table, records) in &mut inner.tables {
            if !may(*table) {
                continue;
            }
            if nth >= count(records) {
                nth -= count(records);
                continue;
            }
            let Some(value) = records.values_mut().nth(usize::try_from(nth).unwrap()) else {
                return false;
            };
            let bits = u64::try_from(value.len()).unwrap() * 8;
            if bits == 0 {
                return false;
            }
            let bit = rng.below(bits);
            value[usize::try_from(bit / 8).unwrap()] ^= 1 << (bit % 8);
            return true;
        }
        false
    }
}

impl StateStore for SimStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let inner = self.read();
        Ok(inner
            .tables
            .get(&table)
            .and_then(|records| records.get(key))
            .cloned())
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        let inner = self.read();
        let Some(records) = inner.tables.get(&table).filter(|_| from < to) else {
            return Ok(Vec::new());
        };
        let range = (Bound::Included(from), Bound::Excluded(to));
        let pairs = records.range::<[u8], _>(range).take(limit);
        Ok(pairs
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    fn last(&self, table: Table, from: &[u8], to: &[u8]) -> Result<Option<Pair>, StoreError> {
        let inner = self.read();
        let Some(records) = inner.tables.get(&table).filter(|_| from < to) else {
            return Ok(None);
        };
        let range = (Bound::Included(from), Bound::Excluded(to));
        let last = records.range::<[u8], _>(range).next_back();
        Ok(last.map(|(key, value)| (key.clone(), value.clone())))
    }

    fn write(&self, batch: Batch) -> Result<(), StoreError> {
        let mut inner = self.edit();
        if inner.full {
            return Err(StoreError::Engine(Box::new(NoRoom)));
        }
        for ((table, key), value) in batch.changes {
            let records = inner.tables.entry(table).or_default();
            let before = match value {
                Some(value) => records.insert(key.clone(), value),
                None => records.remove(&key),
            };
            inner.undo.push((table, key, before));
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.edit().undo.clear();
        Ok(())
    }

    fn frozen(
        &self,
        look: &mut dyn FnMut(&dyn Frozen) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        // There is one thread: nothing is written while it looks.
        look(self)
    }
}

impl Frozen for SimStore {
    fn page(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        self.scan(table, from, to, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(store: &SimStore, key: u8, value: u8) {
        let mut batch = Batch::default();
        batch.put(Table::Call, vec![key], vec![value]);
        store.write(batch).unwrap();
    }

    #[test]
    fn what_was_not_flushed_is_taken_back_and_nothing_else() {
        let store = SimStore::default();
        put(&store, 1, 1);
        store.flush().unwrap();
        put(&store, 1, 2);
        put(&store, 2, 2);
        put(&store, 1, 3);
        let mut batch = Batch::default();
        batch.delete(Table::Call, vec![2]);
        store.write(batch).unwrap();
        store.lose();
        assert_eq!(store.get(Table::Call, &[1]).unwrap(), Some(vec![1]));
        assert_eq!(store.get(Table::Call, &[2]).unwrap(), None);
        store.fill();
        assert!(store.write(Batch::default()).is_err());
    }

    #[test]
    fn rot_is_one_bit_of_one_record_and_stays() {
        let store = SimStore::default();
        let mut rng = Rng::new(1);
        assert!(!store.rot(&mut rng, |_| true), "there is nothing");
        put(&store, 1, 0);
        store.flush().unwrap();
        assert!(!store.rot(&mut rng, |table| table == Table::Meta));
        assert!(store.rot(&mut rng, |table| table == Table::Call));
        store.lose();
        let rotten = store.get(Table::Call, &[1]).unwrap().unwrap();
        assert_eq!(rotten[0].count_ones(), 1);
    }
}
