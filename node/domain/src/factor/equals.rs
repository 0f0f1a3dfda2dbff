//! Equals: an attribute has a public value (proof kind 3).

use akashi_proof::{AnyStatement, Commitment, Equals};

/// The statement that `commitment` hides `value`.
pub(super) fn statement(commitment: Commitment, value: u64) -> AnyStatement {
    Equals { commitment, value }.into()
}
