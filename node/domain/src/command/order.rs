//! What a processor of orders asks, and the proof of a campaign's total.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::ids::{ContactId, OrderId};

/// See [`Command::OpenOrder`](super::Command::OpenOrder).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OpenOrder {
    /// The tenant's name.
    pub tenant: String,
    /// The contact.
    pub contact: ContactId,
    /// The order.
    pub order: OrderId,
    /// X25519 public key of the processor, from its certificate.
    pub recipient: [u8; 32],
}

/// See [`Command::ExecuteOrder`](super::Command::ExecuteOrder).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ExecuteOrder {
    /// The tenant's name.
    pub tenant: String,
    /// The contact.
    pub contact: ContactId,
    /// The order.
    pub order: OrderId,
    /// X25519 public key of the processor, from its certificate.
    pub recipient: [u8; 32],
    /// Salted hash of what is about to be carried out, computed from the opened payload.
    pub order_hash: [u8; 32],
    /// Commitments to its amounts, likewise.
    pub amounts: Vec<[u8; 32]>,
}

/// See [`Command::ProveTotal`](super::Command::ProveTotal). The period begins behind the last one proved.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ProveTotal {
    /// The tenant's name.
    pub tenant: String,
    /// The tenant's own number of the campaign; zero is one too.
    pub campaign: u32,
    /// Number of the period's last executed order.
    pub through: u64,
    /// The sum of the period's amounts.
    pub total: u64,
    /// The sum of their blindings modulo the group order, little endian.
    pub blinding: [u8; 32],
}
