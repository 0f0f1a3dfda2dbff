//! Offering: the manifest of a state that this replica keeps frozen.

use akashi_domain::keys;
use akashi_domain::kv::Fault;
use akashi_domain::records::{Progress, StateMark};
use akashi_merkle::{
    Frontier, ProofError, SignedHead, consistency_proof, inclusion_proof, root_at,
};

use super::manifest::Manifest;
use crate::agreement::StateDigest;
use crate::machine::StoreView;
use crate::store::{Frozen, StateStore, StoreError, Table};
use crate::succession::history;

/// A state as of a mark, of which this replica keeps a frozen view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// How far the state had come: the mark was the last entry it had applied.
    pub progress: Progress,
    /// What it digests to.
    pub digest: [u8; 32],
}

impl Offer {
    /// Index and digest, as replicas say them.
    #[must_use]
    pub const fn state_digest(&self) -> StateDigest {
        StateDigest {
            index: self.progress.log_index,
            digest: self.digest,
        }
    }

    /// The manifest, from what this replica has applied and seen sealed since. `None` as long as the
    /// digest is not recorded under `head`, and where this replica's own audit log has gaps.
    ///
    /// # Errors
    ///
    /// [`Fault::Storage`] when the store refuses.
    pub fn manifest<S: StateStore + ?Sized>(
        &self,
        view: &StoreView<S>,
        mark: StateMark,
        head: &SignedHead,
    ) -> Result<Option<Manifest>, Fault> {
        let recorded = mark.recorded == self.progress.log_index
            && mark.digest.0 == self.digest
            && mark.leaf < head.head.size;
        if !recorded {
            return Ok(None);
        }
        match self.assemble(view, mark.leaf, head) {
            Ok(manifest) => Ok(manifest),
            Err(ProofError::Read(Fault::Storage)) => Err(Fault::Storage),
            Err(ProofError::OutOfRange | ProofError::Read(Fault::Corrupt)) => Ok(None),
        }
    }

    fn assemble<S: StateStore + ?Sized>(
        &self,
        view: &StoreView<S>,
        leaf_index: u64,
        head: &SignedHead,
    ) -> Result<Option<Manifest>, ProofError<Fault>> {
        let (size, leaves) = (head.head.size, self.progress.leaves);
        let Some(leaf) = view.leaf(leaf_index).map_err(ProofError::Read)? else {
            return Ok(None);
        };
        let edge = Frontier::from_reader(view, self.progress.sealed.size);
        let keys = history(view, 0, usize::MAX).map_err(ProofError::Read)?;
        let Some(keys) = keys.filter(|page| !page.lacking) else {
            return Ok(None);
        };
        Ok(Some(Manifest {
            index: self.progress.log_index,
            term: self.progress.term,
            leaf,
            leaf_index,
            head: head.to_text(),
            inclusion: inclusion_proof(view, leaf_index, size)?,
            leaves,
            root: root_at(view, leaves).map_err(ProofError::Read)?,
            consistency: consistency_proof(view, leaves, size)?,
            edge: edge.map_err(ProofError::Read)?.encode(),
            keys: keys.history.to_text(),
        }))
    }
}

/// How far a frozen state has come.
///
/// # Errors
///
/// [`StoreError`] when the store refuses, or the record does not decode.
pub fn frozen_progress(view: &dyn Frozen) -> Result<Progress, StoreError> {
    let mut end = keys::PROGRESS.to_vec();
    end.push(0);
    let found = view.page(Table::Meta, keys::PROGRESS, &end, 1)?;
    match found.first() {
        Some((_, bytes)) => borsh::from_slice(bytes).map_err(|_undecodable| StoreError::Corrupt),
        None => Ok(Progress::default()),
    }
}
