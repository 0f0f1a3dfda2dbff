//! Same: attributes of two credentials have one value, which nobody learns (proof kind 4).

use akashi_proof::{AnyStatement, Commitment, Same};

/// The statement that both hide one value.
pub(super) fn statement(first: Commitment, second: Commitment) -> AnyStatement {
    Same { first, second }.into()
}
