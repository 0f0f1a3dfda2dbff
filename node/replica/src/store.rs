//! The state machine's storage, as a trait: ordered tables of bytes, written in atomic batches.
//!
//! `akashi-node` implements it on RocksDB; [`MemStore`] is the in-memory twin that tests and the
//! simulator use. Both must give the same answers to the same calls (differential test in
//! `akashi-tests`).
//!
//! # Durability
//!
//! [`StateStore::write`] is atomic and *not* synced: after a crash the store may fall back to any
//! earlier batch boundary, and the Raft log replays the rest. [`StateStore::flush`] moves that
//! boundary forward for good.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::RwLock;

pub use akashi_domain::kv::Table;

/// Why the store could not answer. Every variant stops the node: state is never guessed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The storage engine refused; the cause is in its own words.
    #[error("the state store refused")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A record does not decode: the store holds bytes this version did not write.
    #[error("a stored record does not decode")]
    Corrupt,
}

/// One atomic set of changes; the last change of a key wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// New values, or `None` for keys to remove, in key order.
    pub changes: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
}

impl Batch {
    /// Sets `key` in `table`.
    pub fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.changes.insert((table, key), Some(value));
    }

    /// Removes `key` from `table`; a key that is not there is no error.
    pub fn delete(&mut self, table: Table, key: Vec<u8>) {
        self.changes.insert((table, key), None);
    }
}

/// One key with its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// What was written up to one batch and nothing of what came after.
pub trait Frozen {
    /// As [`StateStore::scan`].
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the engine refuses; the caller must stop.
    fn page(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError>;
}

/// Ordered tables with atomic batches; see the module for what is durable when.
///
/// Reads may come from any thread; writes come from one (the apply thread).
pub trait StateStore: Send + Sync + 'static {
    /// The value under `key`, if any.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the engine refuses; the caller must stop.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// At most `limit` pairs with `from <= key < to`, ascending.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the engine refuses; the caller must stop.
    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError>;

    /// The greatest key of `table` with `from <= key < to`, with its value.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the engine refuses; the caller must stop.
    fn last(&self, table: Table, from: &[u8], to: &[u8]) -> Result<Option<Pair>, StoreError>;

    /// Makes every change of `batch` visible, or none.
    ///
    /// # Durability
    ///
    /// Not synced; see the module.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the engine refuses; the caller must stop.
    fn write(&self, batch: Batch) -> Result<(), StoreError>;

    /// Makes everything written so far survive a crash.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the engine refuses; the caller must stop.
    fn flush(&self) -> Result<(), StoreError>;

    /// Shows `look` what is written now, however long it takes and whatever is written meanwhile.
    /// Writers do not wait for it.
    ///
    /// # Errors
    ///
    /// What `look` returns.
    fn frozen(
        &self,
        look: &mut dyn FnMut(&dyn Frozen) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;
}

type Tables = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// The in-memory twin: same answers, nothing durable.
#[derive(Debug, Default)]
pub struct MemStore {
    tables: RwLock<Tables>,
}

impl MemStore {
    /// A copy of everything, as a crash at this moment would leave it if all of it had been flushed.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            tables: RwLock::new(self.read().clone()),
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Tables> {
        // A poisoned lock means that a writer panicked half-way through a batch in memory; the
        // process is already going down, and readers may still look at what is there.
        self.tables
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl StateStore for MemStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read().get(&(table, key.to_vec())).cloned())
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let range = (
            Bound::Included((table, from.to_vec())),
            Bound::Excluded((table, to.to_vec())),
        );
        Ok(self
            .read()
            .range(range)
            .take(limit)
            .map(|((_, k), v)| (k.clone(), v.clone()))
            .collect())
    }

    fn last(&self, table: Table, from: &[u8], to: &[u8]) -> Result<Option<Pair>, StoreError> {
        if from >= to {
            return Ok(None);
        }
        let range = (
            Bound::Included((table, from.to_vec())),
            Bound::Excluded((table, to.to_vec())),
        );
        Ok(self
            .read()
            .range(range)
            .next_back()
            .map(|((_, k), v)| (k.clone(), v.clone())))
    }

    fn write(&self, batch: Batch) -> Result<(), StoreError> {
        let mut tables = self
            .tables
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for (slot, value) in batch.changes {
            match value {
                Some(value) => tables.insert(slot, value),
                None => tables.remove(&slot),
            };
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn frozen(
        &self,
        look: &mut dyn FnMut(&dyn Frozen) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        look(&self.fork())
    }
}

impl Frozen for MemStore {
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
