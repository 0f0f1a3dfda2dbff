//! What needs a second person.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Fact;
use crate::ids::{AgentHash, ContactId, SessionId, Stamp, SubjectHash, Tag, UnmaskId};

/// A supervisor listens in.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SupervisorJoined {
    /// Whose.
    pub tenant: u32,
    /// Which contact.
    pub contact: ContactId,
    /// The supervisor.
    pub agent: AgentHash,
    /// The supervisor's session.
    pub session: SessionId,
    /// The supervisor's pseudonym.
    pub agent_tag: Tag,
}

impl Fact for SupervisorJoined {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }

    fn session(&self) -> Option<SessionId> {
        Some(self.session)
    }
}

/// An agent asks to see masked fields.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct UnmaskRequested {
    /// Whose.
    pub tenant: u32,
    /// Of which contact.
    pub contact: ContactId,
    /// Which request.
    pub unmask: UnmaskId,
    /// Who asks.
    pub agent: AgentHash,
    /// In which session.
    pub session: SessionId,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
    /// Which fields, one bit each.
    pub fields: u32,
    /// The tenant's own code: why.
    pub reason: u16,
    /// Whether no second person is asked.
    pub break_glass: bool,
}

impl Fact for UnmaskRequested {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }

    fn session(&self) -> Option<SessionId> {
        Some(self.session)
    }
}

/// A request to see masked fields is decided.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct UnmaskDecided {
    /// Whose.
    pub tenant: u32,
    /// Of which contact.
    pub contact: ContactId,
    /// The customer, who is told if it was granted.
    pub subject: SubjectHash,
    /// The customer's pseudonym.
    pub tag: Tag,
    /// Which request.
    pub unmask: UnmaskId,
    /// Who decided; none if policy or broken glass did.
    pub decided_by: Option<AgentHash>,
    /// Pseudonym of who decided, else of who asked.
    pub agent_tag: Tag,
    /// Which fields.
    pub fields: u32,
    /// Until when they may be shown; zero: denied.
    pub until: Stamp,
    /// Why it was denied ([`crate::outcome::reason`]); zero if granted.
    pub reason: u16,
    /// Whether nobody else was asked.
    pub break_glass: bool,
}

impl UnmaskDecided {
    /// Whether the fields may be shown.
    #[must_use]
    pub fn granted(&self) -> bool {
        self.until != Stamp::default()
    }
}

impl Fact for UnmaskDecided {
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
