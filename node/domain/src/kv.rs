//! Where the core keeps its records: named, ordered tables of bytes.
//!
//! The core reads through [`View`] and never writes: changes are returned to the caller.

/// A table of the state machine. The number is the storage prefix and never changes.
///
/// Keys are big-endian and start with the tenant where there is one, so that a scan walks one
/// tenant in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Table {
    /// How far this replica has come, and the few records there is one of.
    Meta = 0,
    /// Request ids with the answers they were given.
    Dedupe = 1,
    /// What falls due when, in cluster time.
    Timer = 2,
    /// Contacts, orders, logins, challenges and verdicts.
    Call = 3,
    /// Subjects, their devices and keys, credentials and templates, attempt counters and locks.
    Subject = 4,
    /// Agents and their sessions.
    Agent = 5,
    /// Tenants, policies and settings by version, issuers and sensors.
    Policy = 6,
    /// Side effects to perform, until they are acknowledged.
    Outbox = 7,
    /// Canonical leaves of the audit log, by index.
    Audit = 8,
    /// Nodes of the Merkle tree over those leaves.
    Tiles = 9,
    /// Heads of the tree with the cosignatures collected for them.
    Heads = 10,
    /// Evidence to check proofs again later: erasable, bound to leaves by salted digests.
    Evidence = 11,
}

impl Table {
    /// Every table, in storage order.
    pub const ALL: [Self; 12] = [
        Self::Meta,
        Self::Dedupe,
        Self::Timer,
        Self::Call,
        Self::Subject,
        Self::Agent,
        Self::Policy,
        Self::Outbox,
        Self::Audit,
        Self::Tiles,
        Self::Heads,
        Self::Evidence,
    ];

    /// The number that stands for the table in hashes and keys.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Meta => 0,
            Self::Dedupe => 1,
            Self::Timer => 2,
            Self::Call => 3,
            Self::Subject => 4,
            Self::Agent => 5,
            Self::Policy => 6,
            Self::Outbox => 7,
            Self::Audit => 8,
            Self::Tiles => 9,
            Self::Heads => 10,
            Self::Evidence => 11,
        }
    }

    /// The table's name on disk: a RocksDB column family.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Dedupe => "dedupe",
            Self::Timer => "timer",
            Self::Call => "call",
            Self::Subject => "subject",
            Self::Agent => "agent",
            Self::Policy => "policy",
            Self::Outbox => "outbox",
            Self::Audit => "audit",
            Self::Tiles => "tiles",
            Self::Heads => "heads",
            Self::Evidence => "evidence",
        }
    }
}

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Bound;

/// The storage beneath cannot answer, or holds bytes this version did not write. The replica stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The engine refused.
    #[error("the state store refused")]
    Storage,
    /// A record does not decode.
    #[error("a stored record does not decode")]
    Corrupt,
}

/// One key with its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Changes to write, in key order: a value, or `None` to remove the key.
pub type Changes = BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>;

/// What the core can read. Must not change while one entry is applied.
pub trait View {
    /// The value under `key`, if any.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the storage cannot answer.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;

    /// Shows `look` the value under `key`, if any, where it lies: for a reader that needs no copy.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the storage cannot answer; `look` was not called then.
    fn with(
        &self,
        table: Table,
        key: &[u8],
        look: &mut dyn FnMut(Option<&[u8]>),
    ) -> Result<(), Fault> {
        look(self.get(table, key)?.as_deref());
        Ok(())
    }

    /// At most `limit` pairs with `from <= key < to`, ascending.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the storage cannot answer.
    fn scan(&self, table: Table, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, Fault>;
}

type Tables = BTreeMap<Table, BTreeMap<Vec<u8>, Option<Vec<u8>>>>;

/// A view with changes laid over it: what one entry has written so far, over what was there before.
///
/// Asks the base once for a key, however often it is read: the commands of an entry have much in
/// common.
#[derive(Debug)]
pub struct Overlay<'a, V: ?Sized> {
    base: &'a V,
    changes: Tables,
    /// What the base answered. As large as the commands of one entry make it.
    read: RefCell<Tables>,
}

impl<'a, V: View + ?Sized> Overlay<'a, V> {
    /// Starts with no changes.
    pub const fn new(base: &'a V) -> Self {
        Self {
            base,
            changes: BTreeMap::new(),
            read: RefCell::new(BTreeMap::new()),
        }
    }

    /// Sets `key`.
    pub fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.changes
            .entry(table)
            .or_default()
            .insert(key, Some(value));
    }

    /// Removes `key`; one that is not there is no error.
    pub fn delete(&mut self, table: Table, key: Vec<u8>) {
        self.changes.entry(table).or_default().insert(key, None);
    }

    /// Ends with the changes.
    #[must_use]
    pub fn into_changes(self) -> Changes {
        let of = |(table, changes): (Table, BTreeMap<Vec<u8>, Option<Vec<u8>>>)| {
            changes
                .into_iter()
                .map(move |(key, value)| ((table, key), value))
        };
        self.changes.into_iter().flat_map(of).collect()
    }
}

impl<V: View + ?Sized> View for Overlay<'_, V> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let mut found = None;
        self.with(table, key, &mut |value| {
            found = value.map(<[u8]>::to_vec);
        })?;
        Ok(found)
    }

    fn with(
        &self,
        table: Table,
        key: &[u8],
        look: &mut dyn FnMut(Option<&[u8]>),
    ) -> Result<(), Fault> {
        let changed = self.changes.get(&table).and_then(|keys| keys.get(key));
        if let Some(change) = changed {
            look(change.as_deref());
            return Ok(());
        }
        {
            let read = self.read.borrow();
            if let Some(known) = read.get(&table).and_then(|keys| keys.get(key)) {
                look(known.as_deref());
                return Ok(());
            }
        }
        // Not while what was read is borrowed: whoever looks may read on.
        let answer = self.base.get(table, key)?;
        look(answer.as_deref());
        let mut read = self.read.borrow_mut();
        read.entry(table).or_default().insert(key.to_vec(), answer);
        Ok(())
    }

    fn scan(&self, table: Table, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, Fault> {
        if from >= to {
            return Ok(Vec::new());
        }
        let changed = || {
            let keys = self.changes.get(&table).into_iter();
            keys.flat_map(|keys| {
                keys.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)))
            })
        };
        // Every removed key may hide one pair of the base, so ask for that many more.
        let hidden = changed().filter(|(_, value)| value.is_none()).count();
        let base = self
            .base
            .scan(table, from, to, limit.saturating_add(hidden))?;
        let mut merged: BTreeMap<Vec<u8>, Vec<u8>> = base.into_iter().collect();
        for (key, value) in changed() {
            match value {
                Some(value) => merged.insert(key.clone(), value.clone()),
                None => merged.remove(key),
            };
        }
        Ok(merged.into_iter().take(limit).collect())
    }
}

/// A whole state as its writes: what tests and replays look at.
impl View for Changes {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(Self::get(self, &(table, key.to_vec())).cloned().flatten())
    }

    fn scan(&self, table: Table, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, Fault> {
        if from >= to {
            return Ok(Vec::new());
        }
        Ok(self
            .range((table, from.to_vec())..(table, to.to_vec()))
            .filter_map(|((_, key), value)| Some((key.clone(), value.clone()?)))
            .take(limit)
            .collect())
    }
}
