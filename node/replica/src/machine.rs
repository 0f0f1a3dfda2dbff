//! The state machine's host: gives decided entries to the core and writes what comes of them.
//!
//! One entry, one batch: state, leaves, tree nodes and progress together or not at all. It must never
//! apply an entry twice, out of order, or partly.

mod fill;

use std::collections::BTreeMap;
use std::sync::Arc;

use akashi_domain::apply::{Applied, apply};
use akashi_domain::decide::Checker;
use akashi_domain::entry::{Entry, EntryError, Sealed};
use akashi_domain::kv::{Changes, Fault, Table, View};
use akashi_domain::records::Progress;
use akashi_domain::state::Records as _;
use akashi_merkle::{Frontier, Hash, NodeId as TreeNodeId, NodeReader, leaf_hash, root_at};

use crate::conf::{CONF, Conf};
use crate::entry::{EntryKind, LogEntry};
use crate::nodes::{self, is_stored, leaf_key, node_key};
use crate::recent::{Fronted, Recent};
use crate::snapshot::History;
use crate::store::{Batch, StateStore, StoreError};
use crate::succession::change_at;

pub use fill::Settled;

/// `Heads`, outside of the numbers of trees: [`History`], while it is not settled.
pub(crate) const HISTORY: &[u8] = b"\xff\xffhistory";
/// `Meta`: the chained hash of every change so far.
const STATE_HASH: &[u8] = b"state-hash";
/// Of the sealed heads besides the newest one stays per this many leaves, the first that was kept
/// among them: marks for a person who looks back. Receipts and proofs need the newest only. At 600
/// bytes each they cost a hundredth of a byte per leaf.
const LEAVES_PER_OLD_HEAD: u64 = 65_536;
/// Roots at entry boundaries kept at hand; older ones are computed from stored nodes.
const RECENT_ROOTS_MAX: usize = 4_096;
/// Bytes of changes that are gathered before they are hashed: enough to hash many blocks at once, and
/// still in the processor's own memory.
const CHAIN_BYTES: usize = 32_768;

/// Why the host cannot go on. The node stops: state is never guessed.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// The state store refused.
    #[error("the state store refused")]
    Store(#[from] StoreError),
    /// The core found records it did not write.
    #[error("the state does not make sense")]
    Fault(#[from] Fault),
    /// An entry follows a rule that this version lacks: upgrade the node.
    #[error("an entry follows a rule that this version does not have")]
    UnknownRule,
    /// Entries came out of order.
    #[error("an entry came out of order")]
    OutOfOrder,
    /// The store holds a tree that does not fit its leaves.
    #[error("the stored tree does not fit its leaves")]
    TreeLost,
}

/// What one applied entry led to, as the rest of the node needs it.
#[derive(Debug)]
pub struct Outcome {
    /// Facts, answers and progress; its changes are written and gone.
    pub applied: Applied,
    /// Root of the tree with all its leaves.
    pub root: Hash,
}

/// Reads records and tree nodes from a store.
#[derive(Debug)]
pub struct StoreView<S: ?Sized>(pub Arc<S>);

impl<S: ?Sized> Clone for StoreView<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: StateStore + ?Sized> View for StoreView<S> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.0.get(table, key).map_err(|_refused| Fault::Storage)
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Fault> {
        self.0
            .scan(table, from, to, limit)
            .map_err(|_refused| Fault::Storage)
    }
}

impl<S: StateStore + ?Sized> NodeReader for StoreView<S> {
    type Error = Fault;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Fault> {
        nodes::read(self, TreeNodeId { level, index })
    }
}

impl<S: StateStore + ?Sized> StoreView<S> {
    /// The canonical bytes of a leaf.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the storage cannot answer.
    pub fn leaf(&self, index: u64) -> Result<Option<Vec<u8>>, Fault> {
        self.get(Table::Audit, &leaf_key(index))
    }

    /// The newest stored head, as signed note text.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the storage cannot answer.
    pub fn newest_head(&self) -> Result<Option<String>, Fault> {
        let (from, to) = (head_key(0), head_key(u64::MAX));
        let last = self
            .0
            .last(Table::Heads, &from, &to)
            .map_err(|_refused| Fault::Storage)?;
        last.map(|(_, text)| String::from_utf8(text).map_err(|_not_text| Fault::Corrupt))
            .transpose()
    }

    /// The Raft group as of the last applied entry; none if it was never changed.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the storage cannot answer, or holds no group under that key.
    pub fn conf(&self) -> Result<Option<Conf>, Fault> {
        self.get(Table::Meta, CONF)?
            .map(|bytes| Conf::decode(&bytes).ok_or(Fault::Corrupt))
            .transpose()
    }

    /// The stored head of this size, as signed note text; heads with which a key set ended are kept for good.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the storage cannot answer.
    pub fn head_at(&self, size: u64) -> Result<Option<String>, Fault> {
        let text = self.get(Table::Heads, &head_key(size))?;
        text.map(|text| String::from_utf8(text).map_err(|_not_text| Fault::Corrupt))
            .transpose()
    }

    /// What this replica lacks of the audit log since a snapshot was installed.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the storage cannot answer.
    pub fn history(&self) -> Result<Option<History>, Fault> {
        let stored = self.get(Table::Heads, HISTORY)?;
        stored
            .map(|bytes| History::decode(&bytes).ok_or(Fault::Corrupt))
            .transpose()
    }

    /// The chained hash of every change so far; zeros before the first.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the storage cannot answer.
    pub fn state_hash(&self) -> Result<[u8; 32], Fault> {
        match self.get(Table::Meta, STATE_HASH)? {
            None => Ok([0; 32]),
            Some(hash) => hash.try_into().map_err(|_wrong_width| Fault::Corrupt),
        }
    }
}

/// The host of one replica's state machine.
#[derive(Debug)]
pub struct Machine<S> {
    view: StoreView<S>,
    progress: Progress,
    frontier: Frontier,
    state_hash: [u8; 32],
    recent_roots: BTreeMap<u64, Hash>,
    newest_head: Option<KeptHead>,
    /// What is missing since a snapshot was installed; none once a sealed head was matched.
    history: Option<History>,
    recent: Recent,
}

/// The newest head in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct KeptHead {
    size: u64,
    /// Whether it stays when a newer one comes.
    stays: bool,
}

impl<S: StateStore> Machine<S> {
    /// Takes up where the store left off.
    ///
    /// # Errors
    ///
    /// [`MachineError`] if the store refuses, or its tree does not fit its leaves.
    pub fn open(store: Arc<S>) -> Result<Self, MachineError> {
        let view = StoreView(store);
        let progress = view.progress()?;
        let frontier = Frontier::from_reader(&view, progress.leaves)
            .map_err(|_missing| MachineError::TreeLost)?;
        let state_hash = view.state_hash()?;
        let recent_roots = BTreeMap::from([(progress.leaves, frontier.root())]);
        let newest_head = kept_head(&*view.0)?;
        let history = view.history()?;
        Ok(Self {
            view,
            progress,
            frontier,
            state_hash,
            recent_roots,
            newest_head,
            history,
            recent: Recent::default(),
        })
    }

    /// How far the host has come.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        self.progress
    }

    /// Root of the tree of all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The chained hash of every change so far.
    #[must_use]
    pub const fn state_hash(&self) -> [u8; 32] {
        self.state_hash
    }

    /// Where records and leaves are read.
    #[must_use]
    pub const fn view(&self) -> &StoreView<S> {
        &self.view
    }

    /// Root of the tree when it had `size` leaves; `None` if it is not that large yet, or the leaves are not
    /// here yet since a snapshot was installed.
    ///
    /// # Errors
    ///
    /// [`MachineError`] if the store refuses.
    pub fn root_of(&self, size: u64) -> Result<Option<Hash>, MachineError> {
        if size > self.progress.leaves {
            return Ok(None);
        }
        if let Some(root) = self.recent_roots.get(&size) {
            return Ok(Some(*root));
        }
        let missing = |history: History| size < history.base && !history.is_whole();
        if self.history.is_some_and(missing) {
            return Ok(None);
        }
        Ok(Some(root_at(&self.view, size)?))
    }

    /// Applies the next decided entry and writes what comes of it, unsynced.
    ///
    /// # Errors
    ///
    /// [`MachineError`]: nothing was written, and the node must stop.
    pub fn apply<C: Checker>(
        &mut self,
        entry: &LogEntry,
        checker: &mut C,
    ) -> Result<Outcome, MachineError> {
        let decoded = decode(entry)?;
        self.apply_decoded(entry, decoded.as_ref(), checker)
    }

    /// As [`Self::apply`], of an entry that somebody has already decoded.
    ///
    /// # Errors
    ///
    /// [`MachineError`]: nothing was written, and the node must stop.
    pub fn apply_decoded<C: Checker>(
        &mut self,
        entry: &LogEntry,
        decoded: Option<&Entry>,
        checker: &mut C,
    ) -> Result<Outcome, MachineError> {
        if Some(entry.index) != self.progress.log_index.checked_add(1) {
            return Err(MachineError::OutOfOrder);
        }
        let holds = match decoded.and_then(|decoded| decoded.sealed) {
            Some(sealed) => self.computed(sealed)?,
            None => false,
        };
        let fronted = Fronted {
            recent: &self.recent,
            store: &self.view,
        };
        let mut applied = apply(&fronted, entry.index, entry.term, decoded, holds, checker)?;
        if let Some(conf) = group(entry) {
            let key = (Table::Meta, CONF.to_vec());
            applied.changes.insert(key, Some(conf.encode()));
        }
        let state_hash = chain(self.state_hash, entry.index, &applied.changes);
        let mut batch = Batch {
            changes: std::mem::take(&mut applied.changes),
        };
        let mut frontier = self.frontier.clone();
        for recorded in &applied.events {
            let bytes = recorded.leaf.encode();
            frontier.append(leaf_hash(&bytes), &mut |node, hash| {
                if is_stored(node) {
                    batch.put(Table::Tiles, node_key(node), hash.to_vec());
                }
            });
            batch.put(Table::Audit, leaf_key(recorded.leaf_index), bytes);
        }
        batch.put(Table::Meta, STATE_HASH.to_vec(), state_hash.to_vec());
        // Before the write, which takes the batch; if that fails, the node stops.
        self.recent.wrote(&batch.changes);
        self.view.0.write(batch)?;
        // Memory moves after the write.
        self.progress = applied.progress;
        self.frontier = frontier;
        self.state_hash = state_hash;
        let root = self.frontier.root();
        self.remember(self.progress.leaves, root);
        Ok(Outcome { applied, root })
    }

    /// Keeps a sealed head, so that receipts can be given after a restart, and drops the one before
    /// unless it is the first among its [`LEAVES_PER_OLD_HEAD`] leaves, or a key set ended with it. One that
    /// is older than the newest is not kept.
    ///
    /// Heads are this replica's own (it may have seen other signatures than its peers), so they are
    /// in no hash that replicas compare.
    ///
    /// # Errors
    ///
    /// [`MachineError`] if the store refuses.
    pub fn keep_head(&mut self, size: u64, note: String) -> Result<(), MachineError> {
        let before = self.newest_head;
        if before.is_some_and(|head| head.size > size) {
            return Ok(());
        }
        let mut batch = Batch::default();
        batch.put(Table::Heads, head_key(size), note.into_bytes());
        let stays = match before {
            Some(head) if head.size == size => head.stays,
            Some(head) => {
                if !head.stays && change_at(&self.view, head.size)?.is_none() {
                    batch.delete(Table::Heads, head_key(head.size));
                }
                stretch(head.size) != stretch(size)
            }
            None => true,
        };
        self.view.0.write(batch)?;
        self.newest_head = Some(KeptHead { size, stays });
        Ok(())
    }

    fn computed(&self, sealed: Sealed) -> Result<bool, MachineError> {
        if sealed.size <= self.progress.sealed.size {
            return Ok(false);
        }
        Ok(self.root_of(sealed.size)? == Some(sealed.root.0))
    }

    fn remember(&mut self, size: u64, root: Hash) {
        self.recent_roots.insert(size, root);
        while self.recent_roots.len() > RECENT_ROOTS_MAX {
            self.recent_roots.pop_first();
        }
    }
}

/// Which run of [`LEAVES_PER_OLD_HEAD`] leaves a head of this size belongs to.
fn stretch(size: u64) -> u64 {
    size.checked_div(LEAVES_PER_OLD_HEAD).unwrap_or_default()
}

/// The newest head of a store, and whether it is the first of its stretch.
fn kept_head<S: StateStore + ?Sized>(store: &S) -> Result<Option<KeptHead>, MachineError> {
    let Some((key, _)) = store.last(Table::Heads, &head_key(0), &head_key(u64::MAX))? else {
        return Ok(None);
    };
    let size = key
        .last_chunk()
        .map(|size| u64::from_be_bytes(*size))
        .ok_or(StoreError::Corrupt)?;
    let first = stretch(size).saturating_mul(LEAVES_PER_OLD_HEAD);
    let earlier = store.last(Table::Heads, &head_key(first), &key)?;
    Ok(Some(KeptHead {
        size,
        stays: earlier.is_none(),
    }))
}

/// The commands of an entry; none for a leader's no-op, for a membership change, and for bytes that no
/// version ever wrote (the same nothing on every replica).
///
/// # Errors
///
/// [`MachineError::UnknownRule`]: the node must stop and be upgraded.
pub fn decode(entry: &LogEntry) -> Result<Option<Entry>, MachineError> {
    if entry.kind == EntryKind::Membership || entry.data.is_empty() {
        return Ok(None);
    }
    match Entry::decode(&entry.data) {
        Ok(decoded) => Ok(Some(decoded)),
        Err(EntryError::UnknownRule) => Err(MachineError::UnknownRule),
        Err(EntryError::Malformed | EntryError::TooMany) => Ok(None),
    }
}

/// The group that a membership entry led to, as consensus hands it out.
fn group(entry: &LogEntry) -> Option<Conf> {
    (entry.kind == EntryKind::Membership)
        .then(|| Conf::decode(&entry.data))
        .flatten()
}

/// BLAKE3(previous ‖ index ‖ every change in key order: table u8, key, and the value or nothing, each
/// with its length as u64 little-endian, the value behind a byte that says whether there is one).
///
/// The bytes are gathered before they are hashed: the hash works on several blocks at a time if it is
/// given them together.
fn chain(previous: [u8; 32], index: u64, changes: &Changes) -> [u8; 32] {
    let mut hash = blake3::Hasher::new();
    hash.update(&previous);
    hash.update(&index.to_le_bytes());
    let mut gathered = Vec::with_capacity(CHAIN_BYTES);
    for ((table, key), value) in changes {
        gathered.push(table.number());
        absorb(&mut gathered, key);
        match value {
            Some(value) => {
                gathered.push(1);
                absorb(&mut gathered, value);
            }
            None => gathered.push(0),
        }
        if gathered.len() >= CHAIN_BYTES {
            hash.update(&gathered);
            gathered.clear();
        }
    }
    hash.update(&gathered);
    *hash.finalize().as_bytes()
}

fn absorb(gathered: &mut Vec<u8>, bytes: &[u8]) {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    gathered.extend_from_slice(&length.to_le_bytes());
    gathered.extend_from_slice(bytes);
}

pub(crate) fn head_key(size: u64) -> Vec<u8> {
    leaf_key(size)
}
