//! What a phone is asked besides who calls: an order to approve, an agent's login.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::ids::{AgentHash, ContactId, LoginId, OrderId, Tag};

/// See [`Command::OfferOrder`](super::Command::OfferOrder). The order itself never passes through the
/// cluster: the tenant's own app brings it to the phone.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OfferOrder {
    /// The tenant's name.
    pub tenant: String,
    /// The verified contact.
    pub contact: ContactId,
    /// The platform's id for the order.
    pub order: OrderId,
    /// Name of the policy; its newest version is pinned.
    pub policy: String,
    /// Salted hash of the order.
    pub order_hash: [u8; 32],
    /// Commitments to the order's hidden amounts.
    pub amounts: Vec<[u8; 32]>,
    /// The subject's pseudonym in the audit log.
    pub subject_tag: Tag,
}

/// See [`Command::OpenAgentLogin`](super::Command::OpenAgentLogin).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OpenAgentLogin {
    /// The tenant's name.
    pub tenant: String,
    /// The platform's id for the login.
    pub login: LoginId,
    /// Who logs in.
    pub agent: AgentHash,
    /// Name of the policy; its newest version is pinned.
    pub policy: String,
    /// The agent's pseudonym in the audit log.
    pub agent_tag: Tag,
}
