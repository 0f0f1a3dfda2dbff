//! Following a log: a reader that takes leaves in order and believes none before it is proved.
//!
//! The resume token of a reader is its last verified head, not an offset. A log that was
//! rewritten, forked, restored from an old backup or created anew cannot produce the signed roots
//! that continue the reader's own tree, and the reader says so instead of reading on.
//!
//! Nothing here changes when a batch is refused.

use alloc::vec::Vec;

use thiserror::Error;

use crate::check::{CheckError, CheckedHead};
use crate::consistency::{ConsistencyError, verify_consistency};
use crate::head::{Head, Origin};
use crate::keys::KeySet;
use crate::leaf::ENTRY_BYTES_MAX;
use crate::note::SignedHead;
use crate::tree::{Frontier, FrontierError, Hash, leaf_hash};

/// Why a batch is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FollowError {
    /// The signed head is of another log, carries a bad signature, or lacks a quorum.
    #[error("signed head is not to be believed")]
    Head(#[source] CheckError),
    /// The first leaf is not the next one.
    #[error("batch does not start at the next leaf")]
    Gap,
    /// The signed head covers fewer leaves than the reader would have after the batch.
    #[error("signed head does not cover the batch")]
    HeadBehind,
    /// A leaf is longer than the log allows.
    #[error("leaf is too long")]
    LeafTooLong,
    /// The tree of the reader and the batch is no start of the signed head: leaves were changed,
    /// or the log was rewritten.
    #[error("log is not a continuation of what was read")]
    NotAContinuation(#[source] ConsistencyError),
    /// A head accepted earlier and the log contradict each other: the log was forked.
    #[error("log contradicts a head accepted earlier")]
    Forked,
    /// The subtree roots given for a resume token do not lead to its root.
    #[error("subtree roots do not belong to the resume token")]
    ForeignPeaks,
    /// The subtree roots given for a resume token do not fit its size.
    #[error("subtree roots do not fit the resume token")]
    Peaks(#[source] FrontierError),
}

/// A reader's verified position in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follower {
    origin: Origin,
    frontier: Frontier,
    /// The first accepted head that the leaves read have not reached yet.
    ahead: Option<Head>,
}

impl Follower {
    /// Starts before the first leaf: everything will be hashed by the reader itself.
    #[must_use]
    pub const fn new(origin: Origin) -> Self {
        Self {
            origin,
            frontier: Frontier::new(),
            ahead: None,
        }
    }

    /// Goes on from a verified head, with the subtree roots of its tree, largest first.
    ///
    /// The subtree roots may come from anywhere, also from the log server: they must lead to the
    /// root of `token`.
    ///
    /// # Errors
    ///
    /// [`FollowError::Peaks`] and [`FollowError::ForeignPeaks`].
    pub fn resume(token: Head, peaks: Vec<Hash>) -> Result<Self, FollowError> {
        let frontier = Frontier::from_peaks(token.size, peaks).map_err(FollowError::Peaks)?;
        if frontier.root() != token.root {
            return Err(FollowError::ForeignPeaks);
        }
        Ok(Self {
            origin: token.origin,
            frontier,
            ahead: None,
        })
    }

    /// Gives the number of leaves verified so far, which is the index of the next one.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Gives the tree over the leaves verified so far.
    #[must_use]
    pub const fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Gives the resume token: origin, size and root of what was verified.
    #[must_use]
    pub fn token(&self) -> Head {
        Head {
            origin: self.origin.clone(),
            size: self.frontier.size(),
            root: self.frontier.root(),
        }
    }

    /// Verifies a batch of leaves and moves behind it.
    ///
    /// `consistency` is the path from the tree with the batch, `first_index + leaves.len()`
    /// leaves, to the signed head; it is empty when the batch reaches the head. A path from the
    /// last head is not needed: the reader's own tree is that proof. `leaves` may be empty to
    /// learn a newer head only.
    ///
    /// # Errors
    ///
    /// [`FollowError`]; the follower is unchanged then.
    ///
    /// # Cost
    ///
    /// About two hashes per leaf, and the signature checks of one head.
    pub fn advance(
        &mut self,
        first_index: u64,
        leaves: &[Vec<u8>],
        consistency: &[Hash],
        signed_head: &SignedHead,
        keys: &KeySet,
    ) -> Result<CheckedHead, FollowError> {
        if signed_head.head.origin != self.origin {
            return Err(FollowError::Head(CheckError::WrongOrigin));
        }
        let checked = signed_head.check(keys).map_err(FollowError::Head)?;
        if first_index != self.size() {
            return Err(FollowError::Gap);
        }
        let room = checked
            .size()
            .checked_sub(first_index)
            .ok_or(FollowError::HeadBehind)?;
        if u64::try_from(leaves.len()).is_ok_and(|count| count > room) {
            return Err(FollowError::HeadBehind);
        }
        let mut frontier = self.frontier.clone();
        for leaf in leaves {
            if leaf.len() > ENTRY_BYTES_MAX {
                return Err(FollowError::LeafTooLong);
            }
            frontier.append(leaf_hash(leaf), &mut |_id, _hash| {});
            if self.contradicts(&frontier) {
                return Err(FollowError::Forked);
            }
        }
        let (size, root) = (frontier.size(), frontier.root());
        verify_consistency(size, checked.size(), &root, checked.root(), consistency)
            .map_err(FollowError::NotAContinuation)?;
        self.ahead = self.next_ahead(size, checked.head())?;
        self.frontier = frontier;
        Ok(checked)
    }

    /// Says whether the tree has just reached the head accepted earlier, with another root.
    fn contradicts(&self, frontier: &Frontier) -> bool {
        self.ahead
            .as_ref()
            .is_some_and(|head| head.size == frontier.size() && head.root != frontier.root())
    }

    /// Chooses the head to meet next, now that `size` leaves are read and `head` is accepted.
    fn next_ahead(&self, size: u64, head: &Head) -> Result<Option<Head>, FollowError> {
        match &self.ahead {
            Some(old) if old.size == head.size && old.root != head.root => Err(FollowError::Forked),
            // Not met yet: it stays, or a fork between it and a newer head would go unseen.
            Some(old) if old.size > size => Ok(Some(old.clone())),
            Some(_) | None => Ok((head.size > size).then(|| head.clone())),
        }
    }
}
