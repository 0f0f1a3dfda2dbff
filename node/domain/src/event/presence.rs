//! Presence.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Fact;
use crate::command::PresenceCause;
use crate::ids::{Digest, SessionId, Stamp, Tag};
use crate::records::PresenceState;

/// Somebody else, nobody, or again the agent is seen at a desktop; or the desktop attached to a node.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PresenceChanged {
    /// Whose.
    pub tenant: u32,
    /// Which session.
    pub session: SessionId,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
    /// The replica whose edge saw it.
    pub node: u64,
    /// Before.
    pub from: PresenceState,
    /// Now.
    pub to: PresenceState,
    /// Why.
    pub cause: PresenceCause,
}

impl Fact for PresenceChanged {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn session(&self) -> Option<SessionId> {
        Some(self.session)
    }
}

/// What one node heard of desktops in a window of time.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PresenceSummarised {
    /// The replica whose edge heard it.
    pub node: u64,
    /// From when, as that node says.
    pub from: Stamp,
    /// Until when, as that node says.
    pub until: Stamp,
    /// Sessions that were heard.
    pub sessions: u32,
    /// Heartbeats in all.
    pub heartbeats: u64,
    /// Root over one leaf per session.
    pub root: Digest,
}

impl Fact for PresenceSummarised {
    fn tenant(&self) -> u32 {
        0
    }
}
