//! Agents' sessions, and what is needed for one.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Fact;
use crate::ids::{AgentHash, ContactId, Digest, LoginId, SessionId, Stamp, Tag};
use crate::policy::PresenceRule;
use crate::records::{LoginLevel, Posture, SessionSettings};

/// An agent no longer has a contact; its verdict is kept.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AgentReleased {
    /// Whose.
    pub tenant: u32,
    /// Which.
    pub contact: ContactId,
    /// Of which session; zeros if the agent had it without one.
    pub session: SessionId,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
    /// Why ([`crate::outcome::reason`]).
    pub reason: u16,
}

impl Fact for AgentReleased {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }

    fn session(&self) -> Option<SessionId> {
        (self.session != SessionId::ZERO).then_some(self.session)
    }
}

/// An agent was not let at a contact. Nothing else changed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BindingRefused {
    /// Whose.
    pub tenant: u32,
    /// Which; not known to the cluster if it was only being announced.
    pub contact: ContactId,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
    /// Why ([`crate::outcome::reason`]).
    pub reason: u16,
}

impl Fact for BindingRefused {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// An agent is at work.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SessionOpened {
    /// Whose.
    pub tenant: u32,
    /// Which.
    pub session: SessionId,
    /// Who.
    pub agent: AgentHash,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
    /// What the login gave.
    pub admission: Admission,
    /// The version of the tenant's rules that was acknowledged; zero if none.
    pub rules_version: u32,
}

/// What a login gives to a session.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Admission {
    /// SHA-256 of the certificate.
    pub certificate: Digest,
    /// The login, which is used up.
    pub login: LoginId,
    /// How it was proved.
    pub level: LoginLevel,
    /// Its policy.
    pub policy: String,
    /// That policy's version.
    pub policy_version: u32,
    /// What it asks of presence.
    pub presence_rule: PresenceRule,
    /// Until when the login is good, and with it the session.
    pub expires: Stamp,
    /// Whether it proved predicates.
    pub training: bool,
    /// Checklist bits that the policy asks for.
    pub posture: u32,
    /// Until when they are attested; the end of time if none is asked for.
    pub posture_until: Stamp,
}

impl Fact for SessionOpened {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn session(&self) -> Option<SessionId> {
        Some(self.session)
    }
}

/// An agent was not let to work.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SessionRefused {
    /// Whose.
    pub tenant: u32,
    /// Which was asked for.
    pub session: SessionId,
    /// The login that was named.
    pub login: LoginId,
    /// SHA-256 of the certificate that was shown.
    pub certificate: Digest,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
    /// Why ([`crate::outcome::reason`]).
    pub reason: u16,
}

impl Fact for SessionRefused {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn session(&self) -> Option<SessionId> {
        Some(self.session)
    }
}

/// A session is over.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SessionEnded {
    /// Whose.
    pub tenant: u32,
    /// Which.
    pub session: SessionId,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
    /// Why ([`crate::outcome::reason`]); zero if the agent ended it.
    pub reason: u16,
}

impl Fact for SessionEnded {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn session(&self) -> Option<SessionId> {
        Some(self.session)
    }
}

/// A session shows nothing until a fresh login restores it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SessionSuspended {
    /// Whose.
    pub tenant: u32,
    /// Which.
    pub session: SessionId,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
    /// Why ([`crate::outcome::reason`]).
    pub reason: u16,
}

impl Fact for SessionSuspended {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn session(&self) -> Option<SessionId> {
        Some(self.session)
    }
}

/// A session goes on after a fresh login.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SessionRestored {
    /// Whose.
    pub tenant: u32,
    /// Which.
    pub session: SessionId,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
    /// What the login gave.
    pub admission: Admission,
}

impl Fact for SessionRestored {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn session(&self) -> Option<SessionId> {
        Some(self.session)
    }
}

/// An agent may not work.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AgentLocked {
    /// Whose.
    pub tenant: u32,
    /// Who.
    pub agent: AgentHash,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
    /// The tenant's own code.
    pub reason: u16,
}

impl Fact for AgentLocked {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// An agent may work again.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AgentUnlocked {
    /// Whose.
    pub tenant: u32,
    /// Who.
    pub agent: AgentHash,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
    /// SHA-256 of the certificate that serves from now on; zeros: any with the agent's identity.
    pub certificate: Digest,
}

impl Fact for AgentUnlocked {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// A certificate of an agent is no longer believed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AgentCertificateRevoked {
    /// Whose.
    pub tenant: u32,
    /// Who.
    pub agent: AgentHash,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
    /// SHA-256 of the certificate.
    pub certificate: Digest,
    /// The tenant's own code.
    pub reason: u16,
}

impl Fact for AgentCertificateRevoked {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// An issuer says how an agent's machine is.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PostureAttested {
    /// Whose.
    pub tenant: u32,
    /// Which agent.
    pub agent: AgentHash,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
    /// What was attested.
    pub posture: Posture,
    /// SHA-256 of the issuer's key.
    pub key_id: Digest,
}

impl Fact for PostureAttested {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// A version of the tenant's written rules is in force.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RulesPublished {
    /// Whose.
    pub tenant: u32,
    /// The version.
    pub version: u32,
    /// SHA-256 of the text.
    pub text: Digest,
}

impl Fact for RulesPublished {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// Limits of sessions are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SessionSettingsChanged {
    /// All of them.
    pub settings: SessionSettings,
}

impl Fact for SessionSettingsChanged {
    fn tenant(&self) -> u32 {
        0
    }
}
