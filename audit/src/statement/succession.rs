//! Whether one statement goes on where another ended: nothing between them, nothing twice, one log.
//!
//! Each statement is checked by itself first. What ties them together are leaves that stand in both, at the
//! same place of the log: the tenant's creation, and the contacts at the border. Two heads of one size
//! must have one root; heads of different sizes are compared by those leaves only, since a statement
//! carries no proof that one tree is a prefix of the other.

use thiserror::Error;

use super::CheckedStatement;
use crate::tree::Hash;

/// A leaf at its place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its index.
    pub index: u64,
    /// Its leaf hash (RFC 9162).
    pub hash: Hash,
}

/// The leaves by which a statement is tied to its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// The tenant's creation.
    pub tenant: Mark,
    /// The contact before the first.
    pub before: Option<Mark>,
    /// The first contact.
    pub first: Option<Mark>,
    /// The last contact.
    pub last: Option<Mark>,
    /// The contact behind the last, if it is shown.
    pub behind: Option<Mark>,
}

/// Why a statement does not go on where another ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SuccessionError {
    /// They are of two logs, or of two histories of one.
    #[error("the statements are not of one log")]
    OtherLog,
    /// They are of two tenants.
    #[error("the statements are of different tenants")]
    OtherTenant,
    /// Contacts are in neither.
    #[error("contact number {number} stands in neither statement")]
    Gap {
        /// The first of them.
        number: u64,
    },
    /// Contacts are in both.
    #[error("contact number {number} stands in both statements")]
    Overlap {
        /// The first of them.
        number: u64,
    },
    /// The later period begins before the earlier one ends.
    #[error("the periods overlap")]
    Period,
}

impl CheckedStatement {
    /// Whether this statement goes on where `previous` ended. Both must have been checked with the same
    /// keys.
    ///
    /// # Errors
    ///
    /// [`SuccessionError`].
    pub fn continues(&self, previous: &Self) -> Result<(), SuccessionError> {
        let (one, next) = (&previous.scope, &self.scope);
        let (old, new) = (previous.head.head(), self.head.head());
        let forked = old.size == new.size && old.root != new.root;
        if old.origin != new.origin || forked {
            return Err(SuccessionError::OtherLog);
        }
        if one.tenant != next.tenant || one.name != next.name {
            return Err(SuccessionError::OtherTenant);
        }
        let expected = one.last.saturating_add(1);
        if next.first > expected {
            return Err(SuccessionError::Gap { number: expected });
        }
        if next.first < expected {
            return Err(SuccessionError::Overlap { number: next.first });
        }
        if next.from_us < one.until_us {
            return Err(SuccessionError::Period);
        }
        if one_history(&previous.marks, &self.marks) {
            Ok(())
        } else {
            Err(SuccessionError::OtherLog)
        }
    }
}

/// Whether the leaves that both statements show are the same ones.
fn one_history(old: &Marks, new: &Marks) -> bool {
    let end = old.last.or(old.before);
    let beginning = new.first.or(new.behind);
    let same = |known: Option<Mark>, again: Option<Mark>| match (known, again) {
        (Some(known), Some(again)) => known == again,
        (None, _) | (_, None) => true,
    };
    // The contact before the first is always shown, unless there is none.
    old.tenant == new.tenant && end == new.before && same(old.behind, beginning)
}
