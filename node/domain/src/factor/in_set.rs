//! In-set: an attribute has one of a few public values, and nobody learns which (proof kind 6).

use akashi_proof::{AnyStatement, Commitment, InSet};

/// The statement that `value` hides one of `values`; `None` for a set that is none.
pub(super) fn statement(value: Commitment, values: &[u64]) -> Option<AnyStatement> {
    InSet::new(value, values).ok().map(Into::into)
}
