//! Sessions of agents: whether somebody is there, and what that does to the screen.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::policy::PresenceRule;

/// Who sits in front of an agent's screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum PresenceState {
    /// The agent.
    #[default]
    Present = 1,
    /// Nobody.
    Absent = 2,
    /// Nobody can tell: something is in the way.
    Occluded = 3,
    /// The agent and somebody else.
    Multiple = 4,
    /// Somebody else.
    Other = 5,
    /// The camera says nothing.
    CameraLost = 6,
}

impl PresenceState {
    /// Every state, in numeric order.
    pub const ALL: [Self; 6] = [
        Self::Present,
        Self::Absent,
        Self::Occluded,
        Self::Multiple,
        Self::Other,
        Self::CameraLost,
    ];

    /// The number in leaves and on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Present => 1,
            Self::Absent => 2,
            Self::Occluded => 3,
            Self::Multiple => 4,
            Self::Other => 5,
            Self::CameraLost => 6,
        }
    }

    /// What the screen does once the state counts.
    #[must_use]
    pub const fn action(self, rule: &PresenceRule) -> ScreenAction {
        match self {
            Self::Present => ScreenAction::Show,
            Self::Absent if rule.clear_screen => ScreenAction::Clear,
            Self::Absent | Self::Multiple => ScreenAction::Mask,
            Self::Occluded | Self::CameraLost => ScreenAction::Clear,
            Self::Other => ScreenAction::Blackout,
        }
    }
}

/// What an agent's screen does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum ScreenAction {
    /// Everything is shown.
    Show = 1,
    /// Fields of persons are covered.
    Mask = 2,
    /// Nothing of the contact is shown.
    Clear = 3,
    /// Nothing at all is shown.
    Blackout = 4,
}

impl ScreenAction {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Show => 1,
            Self::Mask => 2,
            Self::Clear => 3,
            Self::Blackout => 4,
        }
    }
}
