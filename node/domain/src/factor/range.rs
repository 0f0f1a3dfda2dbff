//! Range: an attribute lies within public bounds, or covers a hidden amount (proof kind 5).

use akashi_proof::{AnyStatement, Commitment};

use crate::policy::PredicateTest;

/// The statement of a range test; `None` for a test that is none.
pub(super) fn statement(
    test: &PredicateTest,
    value: Commitment,
    amount: Commitment,
) -> Option<AnyStatement> {
    test.range(value, Some(amount)).map(Into::into)
}
