//! What became known of a customer besides calls: signals, weaker ways, wishes, reports, delegations.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Fact;
use crate::ids::{ChallengeId, ContactId, Stamp, SubjectHash, Tag};
use crate::records::{FallbackKind, Risk};

/// Somebody may act for a customer.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DelegationGranted {
    /// Whose.
    pub tenant: u32,
    /// For whom.
    pub principal: SubjectHash,
    /// Who.
    pub delegate: SubjectHash,
    /// In what.
    pub scope: u32,
    /// Until when.
    pub until: Stamp,
    /// The principal's pseudonym.
    pub tag: Tag,
    /// The delegate's pseudonym.
    pub delegate_tag: Tag,
}

impl Fact for DelegationGranted {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// Somebody may no longer act for a customer.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DelegationRevoked {
    /// Whose.
    pub tenant: u32,
    /// For whom.
    pub principal: SubjectHash,
    /// Who.
    pub delegate: SubjectHash,
    /// The principal's pseudonym.
    pub tag: Tag,
    /// The delegate's pseudonym.
    pub delegate_tag: Tag,
}

impl Fact for DelegationRevoked {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// A customer does not wish to be asked, or may be asked again.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OptOutChanged {
    /// Whose.
    pub tenant: u32,
    /// In answer to the notice of this contact; zeros if the platform said it.
    pub contact: ContactId,
    /// Who.
    pub subject: SubjectHash,
    /// Until when; zero: they may be asked again.
    pub until: Stamp,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for OptOutChanged {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// The customer said that they are not on a call: nobody may go on with this contact.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ContactBlocked {
    /// Whose.
    pub tenant: u32,
    /// Which.
    pub contact: ContactId,
    /// The customer.
    pub subject: SubjectHash,
    /// Contacts that the centre begins with this customer end at once until then.
    pub frozen_until: Stamp,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for ContactBlocked {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// Signals about the caller's number are known.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RiskAttached {
    /// Whose.
    pub tenant: u32,
    /// Of which contact.
    pub contact: ContactId,
    /// The customer.
    pub subject: SubjectHash,
    /// The signals, in buckets.
    pub risk: Risk,
    /// What a verdict that is already there stays good for: all ones if the signals change nothing.
    pub scope: u32,
    /// What they say against full trust ([`crate::outcome::limit`]).
    pub limits: u8,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for RiskAttached {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// A weaker way than a proof was tried.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FallbackUsed {
    /// Whose.
    pub tenant: u32,
    /// In which contact.
    pub contact: ContactId,
    /// Which.
    pub kind: FallbackKind,
    /// Whether it held.
    pub passed: bool,
    /// The pseudonym of the agent who has the contact.
    pub agent_tag: Tag,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for FallbackUsed {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// A submission carried the silent sign of distress.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DuressSignalled {
    /// Whose.
    pub tenant: u32,
    /// With which challenge.
    pub challenge: ChallengeId,
    /// Of which contact; zeros for a login.
    pub contact: ContactId,
    /// What the contact stays good for, unseen.
    pub scope: u32,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for DuressSignalled {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// Whoever has the phone is not the customer: the handle is to be checked.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct WrongParty {
    /// Whose.
    pub tenant: u32,
    /// In answer to which challenge.
    pub challenge: ChallengeId,
    /// Of which contact.
    pub contact: ContactId,
    /// Whose phone it is said to be.
    pub subject: SubjectHash,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for WrongParty {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}
