//! What happened to a call, to a policy that is no longer asked, and to what was kept of a subject.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Fact;
use crate::command::CallEvent;
use crate::ids::{AgentHash, ChallengeId, ContactId, SubjectHash, Tag};
use crate::records::LegState;

/// The telephone system said something about the call.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LegChanged {
    /// Whose.
    pub tenant: u32,
    /// Of which contact.
    pub contact: ContactId,
    /// What.
    pub event: CallEvent,
    /// How the call stands from now on.
    pub state: LegState,
    /// The queue that it is in.
    pub queue: u32,
    /// Pseudonym of the agent whose telephone it is; zeros if it is nobody's.
    pub agent_tag: Tag,
}

impl Fact for LegChanged {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// A call that was cut off came back in time. Whoever had it has it no more.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ContactResumed {
    /// Whose.
    pub tenant: u32,
    /// Which contact.
    pub contact: ContactId,
    /// The queue that it is in.
    pub queue: u32,
    /// The agent who had it before.
    pub released: Option<AgentHash>,
    /// That agent's pseudonym.
    pub agent_tag: Tag,
}

impl Fact for ContactResumed {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// The customer of a contact is to prove more, or again. The challenge follows.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StepUpAsked {
    /// Whose.
    pub tenant: u32,
    /// Of which contact.
    pub contact: ContactId,
    /// The how-manieth of the contact, from 1.
    pub step: u8,
    /// By which policy.
    pub policy: String,
    /// Its version.
    pub policy_version: u32,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for StepUpAsked {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// A notice was not opened for half of its challenge's time: the phone is reminded, once.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct NoticeReminded {
    /// Whose.
    pub tenant: u32,
    /// Which challenge.
    pub challenge: ChallengeId,
    /// Of which contact; zeros for a login.
    pub contact: ContactId,
    /// Who is asked.
    pub subject: SubjectHash,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for NoticeReminded {
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

/// A version of a policy is not asked any more.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PolicyRetired {
    /// Whose.
    pub tenant: u32,
    /// The policy's name.
    pub policy: String,
    /// The version.
    pub version: u32,
}

impl Fact for PolicyRetired {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// What was kept of a subject is deleted; the log stays.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SubjectErased {
    /// Whose.
    pub tenant: u32,
    /// Who.
    pub subject: SubjectHash,
    /// The tenant's own code.
    pub reason: u16,
    /// Evidence records that go with it.
    pub evidence: u32,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for SubjectErased {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn phone(&self) -> Option<SubjectHash> {
        Some(self.subject)
    }
}
