//! Presence: what the edges of the nodes saw.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::ids::{Digest, SessionId, Stamp};
use crate::records::PresenceState;

/// Why a state of presence is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum PresenceCause {
    /// The samples say so.
    Samples = 1,
    /// A grace ran out without a better sample.
    Grace = 2,
    /// No sample came at all.
    Silence = 3,
    /// The state lasted as long as the policy bears.
    Lasting = 4,
    /// The desktop attached to a node; the state is as it was.
    Attached = 5,
}

impl PresenceCause {
    /// The number in leaves and on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Samples => 1,
            Self::Grace => 2,
            Self::Silence => 3,
            Self::Lasting => 4,
            Self::Attached => 5,
        }
    }
}

/// One session, as a node sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SessionPresence {
    /// The tenant's number.
    pub tenant: u32,
    /// Which.
    pub session: SessionId,
    /// Who is seen.
    pub state: PresenceState,
    /// Why.
    pub cause: PresenceCause,
}

/// See [`Command::ReportPresence`](super::Command::ReportPresence). What a report says of a session that
/// is over, suspended, unknown or attached to another node is passed over: by then it is old.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ReportPresence {
    /// The replica whose edge saw it.
    pub node: u64,
    /// What it saw, in order.
    pub sessions: Vec<SessionPresence>,
}

/// See [`Command::PresenceSummary`](super::Command::PresenceSummary).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PresenceSummary {
    /// The replica whose edge heard it.
    pub node: u64,
    /// From when, by that node's clock.
    pub from: Stamp,
    /// Until when, by that node's clock.
    pub until: Stamp,
    /// Sessions that were heard.
    pub sessions: u32,
    /// Heartbeats in all.
    pub heartbeats: u64,
    /// Root over one leaf per session (docs/presence.md).
    pub root: Digest,
}
