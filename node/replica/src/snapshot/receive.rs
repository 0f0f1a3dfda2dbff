//! Receiving: what to ask for next, and whether what came may be kept.
//!
//! The receiver writes into a store of its own, beside the replica's. What is in it may be a part; the
//! log is switched to it only once [`Receiver::wants`] says [`Want::Nothing`] and it is flushed.

use akashi_domain::keys;
use akashi_domain::records::Progress;
use akashi_merkle::Frontier;

use super::chunk::{Chunk, ChunkError, Cursor};
use super::history::{History, HistoryError, HistoryPart};
use super::manifest::Verified;
use crate::digest::{StateHasher, is_logical};
use crate::machine::{HISTORY, head_key};
use crate::nodes::node_key;
use crate::store::{Batch, StateStore, StoreError, Table};

/// Pairs read back at once when an unfinished snapshot is taken up again.
const PAGE: usize = 1_024;
/// Longer than any key there is.
const END: [u8; 256] = [u8::MAX; 256];

/// What to ask for next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// The chunk behind this place; none: the first.
    Chunk(Option<Cursor>),
    /// Leaves between these indexes, with their proof in the tree of [`Verified::leaves`].
    Leaves {
        /// The first.
        from: u64,
        /// One past the last.
        to: u64,
    },
    /// Nothing: the snapshot is whole.
    Nothing,
}

/// Why what came is not kept.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The chunk is damaged or another: ask again, or somebody else.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// The leaves are damaged or others: ask again, or somebody else.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// It was not asked for.
    #[error("this was not asked for")]
    NotAsked,
    /// What came does not digest to what a quorum has recorded: begin anew with somebody else.
    #[error("the state does not digest to what was recorded")]
    Digest,
    /// The digested state and the manifest contradict each other: begin anew with somebody else.
    #[error("the manifest does not belong to the state")]
    OtherManifest,
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReceiveError {
    /// Whether what was received so far is worthless.
    #[must_use]
    pub const fn begins_anew(&self) -> bool {
        matches!(self, Self::Digest | Self::OtherManifest)
    }
}

/// One snapshot on its way in.
#[derive(Debug)]
pub struct Receiver {
    verified: Verified,
    hash: StateHasher,
    after: Option<Cursor>,
    /// Once the state is whole: the tree as far as its leaves are here.
    tree: Option<Frontier>,
}

impl Receiver {
    /// Begins with nothing.
    #[must_use]
    pub fn new(verified: Verified) -> Self {
        Self {
            verified,
            hash: StateHasher::default(),
            after: None,
            tree: None,
        }
    }

    /// Takes up what an earlier attempt at the same snapshot has left in `store`: all of it is read and
    /// digested again. `store` holds what was written so far in order, up to some chunk.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store refuses.
    pub fn resume<S: StateStore>(verified: Verified, store: &S) -> Result<Self, StoreError> {
        let mut receiver = Self::new(verified);
        for table in Table::ALL.into_iter().filter(|table| is_logical(*table)) {
            let mut from = Vec::new();
            loop {
                let page = store.scan(table, &from, &END, PAGE)?;
                let whole = page.len() == PAGE;
                for (key, value) in page {
                    receiver.hash.pair(table, &key, &value);
                    from.clone_from(&key);
                    receiver.after = Some(Cursor { table, key });
                }
                if !whole {
                    break;
                }
                from.push(0);
            }
        }
        Ok(receiver)
    }

    /// What the snapshot is believed for.
    #[must_use]
    pub const fn verified(&self) -> &Verified {
        &self.verified
    }

    /// What to ask for next.
    #[must_use]
    pub fn wants(&self) -> Want {
        match &self.tree {
            None => Want::Chunk(self.after.clone()),
            Some(tree) if tree.size() < self.verified.leaves => Want::Leaves {
                from: tree.size(),
                to: self.verified.leaves,
            },
            Some(_) => Want::Nothing,
        }
    }

    /// Takes the chunk that was wanted, and writes it.
    ///
    /// # Errors
    ///
    /// [`ReceiveError`]; nothing was written unless it is [`ReceiveError::Digest`] or
    /// [`ReceiveError::OtherManifest`].
    pub fn chunk<S: StateStore>(&mut self, store: &S, bytes: &[u8]) -> Result<(), ReceiveError> {
        if self.tree.is_some() {
            return Err(ReceiveError::NotAsked);
        }
        let digest = &self.verified.recorded.digest;
        let chunk = Chunk::decode(bytes, digest, self.after.as_ref())?;
        let mut batch = Batch::default();
        for (table, key, value) in chunk.pairs {
            self.hash.pair(table, &key, &value);
            self.after = Some(Cursor {
                table,
                key: key.clone(),
            });
            batch.put(table, key, value);
        }
        store.write(batch)?;
        if chunk.last {
            self.state_is_whole(store)?;
        }
        Ok(())
    }

    /// Takes leaves that were wanted, and writes them.
    ///
    /// # Errors
    ///
    /// [`ReceiveError`]; nothing was written.
    pub fn leaves<S: StateStore>(&mut self, store: &S, bytes: &[u8]) -> Result<(), ReceiveError> {
        let (size, root) = (self.verified.leaves, self.verified.root);
        let Some(tree) = self.tree.as_mut().filter(|tree| tree.size() < size) else {
            return Err(ReceiveError::NotAsked);
        };
        let proved = HistoryPart::decode(bytes)?.verify(tree.size(), size, &root)?;
        let mut grown = tree.clone();
        store.write(proved.append(&mut grown))?;
        *tree = grown;
        Ok(())
    }

    /// The digest decides; then the edge of the tree is laid down, and what is still missing noted.
    fn state_is_whole<S: StateStore>(&mut self, store: &S) -> Result<(), ReceiveError> {
        if self.hash.digest() != self.verified.recorded.digest {
            return Err(ReceiveError::Digest);
        }
        let progress = progress_in(store)?;
        let edge = &self.verified.edge;
        let fits = (progress.log_index, progress.term) == self.verified.base
            && progress.leaves == self.verified.leaves
            && progress.sealed.size == edge.size()
            && (edge.size() == 0 || progress.sealed.root.0 == edge.root());
        if !fits {
            return Err(ReceiveError::OtherManifest);
        }
        let mut batch = Batch::default();
        for (node, hash) in Frontier::peak_ids(edge.size()).iter().zip(edge.peaks()) {
            batch.put(Table::Tiles, node_key(*node), hash.to_vec());
        }
        let history = History {
            base: edge.size(),
            next: 0,
            head: (self.verified.head_size, self.verified.head_root),
        };
        batch.put(Table::Heads, HISTORY.to_vec(), history.encode());
        // Nothing behind the end of a key set is signed without them.
        for (size, note) in &self.verified.ends {
            let note = note.clone().into_bytes();
            batch.put(Table::Heads, head_key(*size), note);
        }
        store.write(batch)?;
        self.tree = Some(edge.clone());
        Ok(())
    }
}

fn progress_in<S: StateStore>(store: &S) -> Result<Progress, ReceiveError> {
    let bytes = store.get(Table::Meta, keys::PROGRESS)?;
    bytes
        .and_then(|bytes| borsh::from_slice(&bytes).ok())
        .ok_or(ReceiveError::OtherManifest)
}
