//! Who may act for whom.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::ids::{Stamp, Tag};

/// Somebody may act for a customer: a guardian, a carer, a partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Delegation {
    /// In what, as bits of the tenant.
    pub scope: u32,
    /// Until when.
    pub until: Stamp,
    /// Since when.
    pub granted: Stamp,
    /// The leaf that says so.
    pub leaf: u64,
    /// The pseudonym of the customer.
    pub tag: Tag,
    /// The pseudonym of who may act.
    pub delegate_tag: Tag,
}
