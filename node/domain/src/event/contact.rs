//! Contacts, and the challenges that phones are asked with.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Fact;
use crate::command::Initiator;
use crate::ids::{AgentHash, ChallengeId, ContactId, Digest, LoginId, Stamp, SubjectHash, Tag};
use crate::policy::PolicyBody;
use crate::records::OrderTerms;

/// A call is about to happen, or connects.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ContactAnnounced {
    /// Whose.
    pub tenant: u32,
    /// Which.
    pub contact: ContactId,
    /// Who is asked.
    pub subject: SubjectHash,
    /// Who called whom.
    pub initiator: Initiator,
    /// Why, as shown to the customer.
    pub call_reason: u16,
    /// The subject's pseudonym.
    pub tag: Tag,
    /// By which policy it is to be verified.
    pub policy: String,
    /// That policy's version.
    pub policy_version: u32,
    /// The tenant's number of the campaign; zero if it has none.
    pub campaign: u32,
    /// The tenant's number of the queue; zero if it has none.
    pub queue: u32,
    /// The contact that it continues; zeros if it continues none.
    pub previous: ContactId,
    /// Who is asked in the customer's place.
    pub delegate: Option<SubjectHash>,
}

impl Fact for ContactAnnounced {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// An agent has the contact.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AgentBound {
    /// Whose.
    pub tenant: u32,
    /// Which.
    pub contact: ContactId,
    /// Who.
    pub agent: AgentHash,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
}

impl Fact for AgentBound {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// A phone is asked.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ChallengeIssued {
    /// Whose.
    pub tenant: u32,
    /// Which.
    pub challenge: ChallengeId,
    /// For which contact; zeros for a login.
    pub contact: ContactId,
    /// The order that it asks to approve, if it does.
    pub order: Option<OrderTerms>,
    /// The login that it is for, if it is for one.
    pub login: Option<LoginId>,
    /// Who is asked.
    pub subject: SubjectHash,
    /// How often the subject's PIN key was replaced: which one the PIN part must be made for.
    pub pin_epoch: u32,
    /// Who called whom: the phone checks it against the leaf, so that no node can tell it otherwise. None
    /// for a login.
    pub initiator: Option<Initiator>,
    /// Why, as shown to the customer; in the leaf for the same reason.
    pub call_reason: u16,
    /// By which policy.
    pub policy: String,
    /// Its version.
    pub policy_version: u32,
    /// Its digest.
    pub policy_digest: Digest,
    /// What it asks.
    pub body: PolicyBody,
    /// What the proofs must be bound to.
    pub nonce: [u8; 32],
    /// The submit token for the notice.
    pub token: [u8; 32],
    /// Until when.
    pub expires: Stamp,
    /// SHA-256 of the context that proofs must be bound to: what the phone checks.
    pub context_digest: Digest,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for ChallengeIssued {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }

    fn phone(&self) -> Option<SubjectHash> {
        Some(self.subject)
    }
}

/// The phone showed the notice.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct NoticeOpened {
    /// Whose.
    pub tenant: u32,
    /// Which.
    pub challenge: ChallengeId,
    /// For which contact; zeros for a login.
    pub contact: ContactId,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for NoticeOpened {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// The platform ended the contact.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ContactClosed {
    /// Whose.
    pub tenant: u32,
    /// Which.
    pub contact: ContactId,
    /// The tenant's own code.
    pub disposition: u16,
}

impl Fact for ContactClosed {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}
