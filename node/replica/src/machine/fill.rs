//! Filling in what a snapshot did not bring: old leaves, until a sealed head is matched.

use akashi_domain::kv::Table;
use akashi_merkle::{Frontier, Hash};

use super::{HISTORY, Machine, MachineError};
use crate::nodes::{is_stored, node_key};
use crate::snapshot::{History, Proved};
use crate::store::{Batch, StateStore};

/// Whether this replica may sign again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Leaves are missing, or the head to match is not reached yet.
    NotYet,
    /// It has every leaf, and computed the root that a quorum had sealed without it: it signs from
    /// now on.
    Matched,
    /// It computed another root than a quorum, or than it vowed itself.
    Differs,
}

impl<S: StateStore> Machine<S> {
    /// What this replica lacks; none if it lacks nothing and has matched a sealed head.
    #[must_use]
    pub const fn history(&self) -> Option<History> {
        self.history
    }

    /// Takes the piece of the audit log that is wanted next, and writes it, unsynced; whether it did.
    /// A piece that is not wanted (any more) changes nothing.
    ///
    /// # Errors
    ///
    /// [`MachineError`] if the store refuses.
    pub fn fill(&mut self, piece: Proved) -> Result<bool, MachineError> {
        let wanted = self
            .history
            .filter(|history| (history.next, history.base) == (piece.from(), piece.size()));
        let Some(history) = wanted else {
            return Ok(false);
        };
        let mut tree = Frontier::from_reader(&self.view, history.next)?;
        let mut batch = piece.append(&mut tree);
        let filled = History {
            next: tree.size(),
            ..history
        };
        batch.put(Table::Heads, HISTORY.to_vec(), filled.encode());
        self.view.0.write(batch)?;
        self.history = Some(filled);
        Ok(true)
    }

    /// Looks whether a sealed head can be matched, and forgets that anything was missing if it is.
    /// `vow` is the newest head that this replica vowed, perhaps before the snapshot.
    ///
    /// # Errors
    ///
    /// [`MachineError`] if the store refuses.
    pub fn settle(&mut self, vow: Option<(u64, Hash)>) -> Result<Settled, MachineError> {
        let Some(history) = self.history.filter(History::is_whole) else {
            return Ok(Settled::NotYet);
        };
        let Some(computed) = self.root_of(history.head.0)? else {
            return Ok(Settled::NotYet);
        };
        let kept = match vow {
            Some((size, promised)) => self.root_of(size)?.is_none_or(|root| root == promised),
            None => true,
        };
        if computed != history.head.1 || !kept {
            return Ok(Settled::Differs);
        }
        let mut batch = Batch::default();
        batch.delete(Table::Heads, HISTORY.to_vec());
        // The leaves say it from now on.
        let edge = Frontier::peak_ids(history.base).into_iter();
        for node in edge.filter(|node| !is_stored(*node)) {
            batch.delete(Table::Tiles, node_key(node));
        }
        self.view.0.write(batch)?;
        self.history = None;
        Ok(Settled::Matched)
    }
}
