//! What happens to a contact between its announcement and its end: the call's own events, a call that
//! comes back, a question asked again; and what ends a policy or what is kept of a subject.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::ids::{AgentHash, ContactId, SubjectHash, Tag};

/// What a telephone system says of a call, in the words of CSTA (ECMA-269), and one of the queue's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum CallEvent {
    /// It rings.
    Delivered = 1,
    /// It is answered.
    Established = 2,
    /// It waits on hold.
    Held = 3,
    /// It is taken off hold.
    Retrieved = 4,
    /// It goes on with somebody else.
    Transferred = 5,
    /// Somebody joined it.
    Conferenced = 6,
    /// It goes to another queue before it is answered.
    Diverted = 7,
    /// It is over, or dropped.
    ConnectionCleared = 8,
    /// The caller hung up while nobody had answered yet.
    Abandoned = 9,
}

impl CallEvent {
    /// The number in leaves and on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Delivered => 1,
            Self::Established => 2,
            Self::Held => 3,
            Self::Retrieved => 4,
            Self::Transferred => 5,
            Self::Conferenced => 6,
            Self::Diverted => 7,
            Self::ConnectionCleared => 8,
            Self::Abandoned => 9,
        }
    }
}

/// See [`Command::RecordLeg`](super::Command::RecordLeg).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RecordLeg {
    /// The tenant's name.
    pub tenant: String,
    /// The contact.
    pub contact: ContactId,
    /// What happened.
    pub event: CallEvent,
    /// The queue that the call is in from now on; zero: the one it was in.
    pub queue: u32,
    /// The agent whose telephone it is, if it is one's. Who *has* the contact is said by binding.
    pub agent: Option<AgentHash>,
    /// The agent's pseudonym in the audit log.
    pub agent_tag: Tag,
}

/// See [`Command::ResumeContact`](super::Command::ResumeContact).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ResumeContact {
    /// The tenant's name.
    pub tenant: String,
    /// The contact whose call came back.
    pub contact: ContactId,
    /// The queue that it came back to; zero: the one it was in.
    pub queue: u32,
}

/// See [`Command::StepUp`](super::Command::StepUp).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StepUp {
    /// The tenant's name.
    pub tenant: String,
    /// The contact.
    pub contact: ContactId,
    /// Name of the policy; its newest version is pinned.
    pub policy: String,
    /// The subject's pseudonym in the audit log.
    pub subject_tag: Tag,
}

/// See [`Command::RetirePolicy`](super::Command::RetirePolicy).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RetirePolicy {
    /// The tenant's name.
    pub tenant: String,
    /// The policy's name.
    pub policy: String,
    /// The version; zero means the newest.
    pub version: u32,
}

/// See [`Command::EraseSubject`](super::Command::EraseSubject).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EraseSubject {
    /// The tenant's name.
    pub tenant: String,
    /// Whose keys, credentials, template and evidence go; for an agent [`AgentHash::as_subject`].
    pub subject: SubjectHash,
    /// The tenant's own code.
    pub reason: u16,
}
