//! The words: what a sensor says, what it comes to, and what a screen does then.

use crate::SECOND_US;

/// What a sensor says of one sample. Numbers are on the wire and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// One face, and it is the agent's.
    Match = 1,
    /// One face, and it is not the agent's.
    NoMatch = 2,
    /// Nobody.
    NoFace = 3,
    /// More than one face, or a camera pointed at the screen.
    Several = 4,
    /// The picture is covered or too dark to say.
    Occluded = 5,
    /// The sensor has no picture at all.
    Lost = 6,
}

impl Class {
    /// Every class, by number.
    pub const ALL: [Self; 6] = [
        Self::Match,
        Self::NoMatch,
        Self::NoFace,
        Self::Several,
        Self::Occluded,
        Self::Lost,
    ];

    /// Its number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Match => 1,
            Self::NoMatch => 2,
            Self::NoFace => 3,
            Self::Several => 4,
            Self::Occluded => 5,
            Self::Lost => 6,
        }
    }

    /// The class with this number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Match),
            2 => Some(Self::NoMatch),
            3 => Some(Self::NoFace),
            4 => Some(Self::Several),
            5 => Some(Self::Occluded),
            6 => Some(Self::Lost),
            _ => None,
        }
    }
}

/// Who sits there, as far as the rule dares to say. Numbers are in the log and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum State {
    /// The agent.
    Present = 1,
    /// Nobody, for longer than the grace.
    Absent = 2,
    /// The camera is covered, or it is too dark.
    Occluded = 3,
    /// The agent is not alone.
    Multiple = 4,
    /// Somebody else.
    Other = 5,
    /// No picture, or no word from the sensor, for longer than the grace.
    CameraLost = 6,
    /// No sensor has said yet who sits there.
    Unseen = 7,
}

impl State {
    /// Every state, by number.
    pub const ALL: [Self; 7] = [
        Self::Present,
        Self::Absent,
        Self::Occluded,
        Self::Multiple,
        Self::Other,
        Self::CameraLost,
        Self::Unseen,
    ];

    /// Its number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Present => 1,
            Self::Absent => 2,
            Self::Occluded => 3,
            Self::Multiple => 4,
            Self::Other => 5,
            Self::CameraLost => 6,
            Self::Unseen => 7,
        }
    }

    /// The state with this number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Present),
            2 => Some(Self::Absent),
            3 => Some(Self::Occluded),
            4 => Some(Self::Multiple),
            5 => Some(Self::Other),
            6 => Some(Self::CameraLost),
            7 => Some(Self::Unseen),
            _ => None,
        }
    }

    /// What a screen does in this state. `clear_screen` is the tenant's rule for an empty chair.
    #[must_use]
    pub const fn action(self, clear_screen: bool) -> Action {
        match self {
            Self::Present => Action::Show,
            Self::Absent => {
                if clear_screen {
                    Action::Clear
                } else {
                    Action::Mask
                }
            }
            Self::Occluded | Self::Multiple => Action::Mask,
            Self::Other => Action::Blackout,
            Self::CameraLost | Self::Unseen => Action::Clear,
        }
    }
}

/// What a screen does, from the mildest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Action {
    /// Shows what policy allows.
    Show = 1,
    /// Hides everything about a customer.
    Mask = 2,
    /// Shows nothing of the work; the agent's return brings it back.
    Clear = 3,
    /// Black, and stays black until the agent logs in anew.
    Blackout = 4,
}

impl Action {
    /// Its number.
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

/// Why a state changed. Numbers are in the log and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Cause {
    /// The samples say so.
    Samples = 1,
    /// A grace ran out without a better sample.
    Grace = 2,
    /// No sample came at all.
    Silence = 3,
    /// The state lasted as long as the policy bears: the session is suspended.
    Lasting = 4,
}

impl Cause {
    /// Its number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Samples => 1,
            Self::Grace => 2,
            Self::Silence => 3,
            Self::Lasting => 4,
        }
    }
}

/// How long a policy bears what, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Graces {
    /// Nobody there: until the state is Absent.
    pub absent_us: u64,
    /// No picture, a covered one or no word: until the state is `CameraLost`.
    pub lost_us: u64,
    /// `CameraLost` until the session is suspended; zero: never.
    pub suspend_us: u64,
    /// An empty chair clears the screen; otherwise it is only masked.
    pub clear_screen: bool,
}

impl Default for Graces {
    fn default() -> Self {
        Self {
            absent_us: SECOND_US.saturating_mul(10),
            lost_us: SECOND_US.saturating_mul(10),
            suspend_us: SECOND_US.saturating_mul(300),
            clear_screen: true,
        }
    }
}
