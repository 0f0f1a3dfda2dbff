//! How many contacts a tenant has had: what their numbers come from.

use borsh::{BorshDeserialize, BorshSerialize};

/// A tenant's counts; there is one record per tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Tally {
    /// The leaf of the tenant's creation: it ties the number to the name.
    pub tenant_leaf: u64,
    /// Contacts announced so far.
    pub announced: u64,
    /// Contacts closed so far: the last one has this number.
    pub processed: u64,
}
