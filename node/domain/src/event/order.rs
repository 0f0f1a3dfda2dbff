//! Approved orders on their way to an end, and what they cost together.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Fact;
use crate::ids::{ChallengeId, ContactId, Digest, OrderId, Tag};

/// The processor fetched an order's sealed payload for the first time.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OrderOpened {
    /// Whose.
    pub tenant: u32,
    /// By which challenge it was approved.
    pub challenge: ChallengeId,
    /// Of which contact.
    pub contact: ContactId,
    /// Which.
    pub order: OrderId,
    /// SHA-256 of the processor's public key.
    pub processor: Digest,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for OrderOpened {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// An order is carried out, once and as approved.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OrderExecuted {
    /// Whose.
    pub tenant: u32,
    /// By which challenge it was approved.
    pub challenge: ChallengeId,
    /// Of which contact.
    pub contact: ContactId,
    /// Which.
    pub order: OrderId,
    /// Its salted hash.
    pub order_hash: [u8; 32],
    /// SHA-256 of the processor's public key.
    pub processor: Digest,
    /// What it adds to its campaign's sum; none if it has no amount.
    pub share: Option<Share>,
    /// The subject's pseudonym.
    pub tag: Tag,
}

/// One order's part of its campaign's sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Share {
    /// The campaign of the contact.
    pub campaign: u32,
    /// The order's number among the campaign's executed orders, from 1.
    pub number: u64,
    /// The commitment to its amount.
    pub amount: [u8; 32],
    /// The sum of the commitments 1 to `number`.
    pub sum: [u8; 32],
}

impl Fact for OrderExecuted {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// An order is not carried out: what was asked is not what was approved, or no longer.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OrderRefused {
    /// Whose.
    pub tenant: u32,
    /// By which challenge it was asked about.
    pub challenge: ChallengeId,
    /// Of which contact.
    pub contact: ContactId,
    /// Which.
    pub order: OrderId,
    /// The hash that the processor named.
    pub order_hash: [u8; 32],
    /// SHA-256 of the processor's public key.
    pub processor: Digest,
    /// Why.
    pub reason: u16,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for OrderRefused {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// The sum of a campaign's period was opened to a total that is not repeated here.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TotalProved {
    /// Whose.
    pub tenant: u32,
    /// Which campaign.
    pub campaign: u32,
    /// Number of the period's first executed order.
    pub first: u64,
    /// Number of its last.
    pub through: u64,
    /// The sum of the commitments `first` to `through`.
    pub sum: [u8; 32],
    /// The sum of the commitments 1 to `through`.
    pub running: [u8; 32],
}

impl Fact for TotalProved {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}
