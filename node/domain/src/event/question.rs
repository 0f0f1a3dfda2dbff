//! Orders and logins.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Fact;
use crate::ids::{
    AgentHash, ChallengeId, ContactId, Digest, LoginId, OrderId, Stamp, SubjectHash, Tag,
};
use crate::records::OrderTerms;

/// The customer of a verified contact is to approve an order.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OrderOffered {
    /// Whose.
    pub tenant: u32,
    /// Of which contact.
    pub contact: ContactId,
    /// Who is asked.
    pub subject: SubjectHash,
    /// What a consent is bound to.
    pub terms: OrderTerms,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for OrderOffered {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// The customer approved an order.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OrderApproved {
    /// Whose.
    pub tenant: u32,
    /// By which challenge.
    pub challenge: ChallengeId,
    /// Of which contact.
    pub contact: ContactId,
    /// Which.
    pub order: OrderId,
    /// Its salted hash.
    pub order_hash: [u8; 32],
    /// Digest of the sealed payload.
    pub sealed_digest: Digest,
    /// The payload, sealed for the processor.
    pub payload: Vec<u8>,
    /// Until when it waits for the processor.
    pub payload_until: Stamp,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for OrderApproved {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// An approved order's payload waited for the processor in vain, and is gone.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OrderPayloadExpired {
    /// Whose.
    pub tenant: u32,
    /// By which challenge it was approved.
    pub challenge: ChallengeId,
    /// Of which contact.
    pub contact: ContactId,
    /// Which.
    pub order: OrderId,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for OrderPayloadExpired {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// An agent is to log in.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AgentLoginOpened {
    /// Whose.
    pub tenant: u32,
    /// Which login.
    pub login: LoginId,
    /// Who.
    pub agent: AgentHash,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
}

impl Fact for AgentLoginOpened {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}
