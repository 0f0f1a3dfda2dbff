//! What became of a contact, in one leaf.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Fact;
use crate::command::Initiator;
use crate::ids::{ContactId, Stamp, Tag};
use crate::outcome::Outcome;
use crate::records::Care;

/// A contact is over: what is said of it to whoever has to account for it. Recorded once, beside
/// [`super::ContactClosed`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ContactProcessed {
    /// Whose.
    pub tenant: u32,
    /// Which.
    pub contact: ContactId,
    /// Its number among the tenant's closed contacts, from 1: none is left out.
    pub number: u64,
    /// Contacts that the tenant has announced so far.
    pub announced_count: u64,
    /// How its verification ended, if it did.
    pub outcome: Option<Outcome>,
    /// Why.
    pub reason: u16,
    /// Version of the policy that it was announced under.
    pub policy_version: u32,
    /// The tenant's queue; zero for none.
    pub queue: u32,
    /// The tenant's campaign; zero for none.
    pub campaign: u32,
    /// The last agent's pseudonym.
    pub agent_tag: Tag,
    /// When it was announced.
    pub announced: Stamp,
    /// Milliseconds from there to the verdict. None without one, or if closing was what ended it.
    pub verdict_ms: Option<u32>,
    /// Assurance of the verdict; zero without one.
    pub aal: u8,
    /// Factor types that held.
    pub factors: u32,
    /// Why it was good for less, as bits of [`crate::outcome::limit`]; never duress.
    pub limits: u8,
    /// What it was good for in the end, as it was shown.
    pub scope: u32,
    /// Why the contact was made, as shown to the customer.
    pub call_reason: u16,
    /// Who called whom.
    pub initiator: Initiator,
    /// The tenant's own code.
    pub disposition: u16,
    /// Under which care it was.
    pub care: Care,
    /// Reported by the customer: nobody could go on.
    pub blocked: bool,
}

impl Fact for ContactProcessed {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}
