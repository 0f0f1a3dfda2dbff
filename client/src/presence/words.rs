//! The words of presence, as this SDK says them. A number that this version does not know is an error for
//! a state, and a blackout for an action.

use akashi_proto::v1;

use super::Screen;
use crate::error::Error;

/// What a sensor sees in one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// One face, and it is the agent's.
    Match,
    /// One face, and it is not.
    NoMatch,
    /// Nobody.
    NoFace,
    /// More than one face, or a camera pointed at the screen.
    Several,
    /// Covered, or too dark to say.
    Occluded,
    /// No picture at all.
    Lost,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 6] = [
        Self::Match,
        Self::NoMatch,
        Self::NoFace,
        Self::Several,
        Self::Occluded,
        Self::Lost,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Match => 1,
            Self::NoMatch => 2,
            Self::NoFace => 3,
            Self::Several => 4,
            Self::Occluded => 5,
            Self::Lost => 6,
        }
    }

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::NoMatch => "no-match",
            Self::NoFace => "no-face",
            Self::Several => "several",
            Self::Occluded => "occluded",
            Self::Lost => "lost",
        }
    }

    /// The class of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// Who sits there, as far as the rule dares to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The agent.
    Present,
    /// Nobody.
    Absent,
    /// The camera is covered, or it is too dark.
    Occluded,
    /// The agent is not alone.
    Multiple,
    /// Somebody else.
    Other,
    /// No picture, or no word from the sensor.
    CameraLost,
}

impl Presence {
    /// The state of a number.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] for a number that this version does not know.
    pub fn from_number(number: i32) -> Result<Self, Error> {
        match v1::PresenceState::try_from(number) {
            Ok(v1::PresenceState::Present) => Ok(Self::Present),
            Ok(v1::PresenceState::Absent) => Ok(Self::Absent),
            Ok(v1::PresenceState::Occluded) => Ok(Self::Occluded),
            Ok(v1::PresenceState::Multiple) => Ok(Self::Multiple),
            Ok(v1::PresenceState::Other) => Ok(Self::Other),
            Ok(v1::PresenceState::CameraLost) => Ok(Self::CameraLost),
            Ok(v1::PresenceState::Unspecified) | Err(_) => Err(Error::Answer { what: "presence" }),
        }
    }

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Absent => "absent",
            Self::Occluded => "occluded",
            Self::Multiple => "multiple",
            Self::Other => "other",
            Self::CameraLost => "camera_lost",
        }
    }
}

/// What a screen does, from the mildest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Shows what policy allows.
    Show,
    /// Hides everything about a customer.
    Mask,
    /// Shows nothing of the work.
    Clear,
    /// Black until a fresh login.
    Blackout,
}

impl Action {
    /// The action of a number; one that this version does not know is the strictest.
    #[must_use]
    pub fn from_number(number: i32) -> Self {
        match v1::ScreenAction::try_from(number) {
            Ok(v1::ScreenAction::Show) => Self::Show,
            Ok(v1::ScreenAction::Mask) => Self::Mask,
            Ok(v1::ScreenAction::Clear) => Self::Clear,
            Ok(v1::ScreenAction::Blackout | v1::ScreenAction::Unspecified) | Err(_) => {
                Self::Blackout
            }
        }
    }

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Show => "show",
            Self::Mask => "mask",
            Self::Clear => "clear",
            Self::Blackout => "blackout",
        }
    }
}

/// Why a state changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The samples say so.
    Samples,
    /// A grace ran out without a better sample.
    Grace,
    /// No sample came.
    Silence,
    /// The state lasted too long.
    Lasting,
    /// The desktop attached to a node.
    Attached,
}

impl Cause {
    /// The cause of a number; none if a change of presence is not the news.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] for a number that this version does not know.
    pub fn from_number(number: i32) -> Result<Option<Self>, Error> {
        match v1::PresenceCause::try_from(number) {
            Ok(v1::PresenceCause::Unspecified) => Ok(None),
            Ok(v1::PresenceCause::Samples) => Ok(Some(Self::Samples)),
            Ok(v1::PresenceCause::Grace) => Ok(Some(Self::Grace)),
            Ok(v1::PresenceCause::Silence) => Ok(Some(Self::Silence)),
            Ok(v1::PresenceCause::Lasting) => Ok(Some(Self::Lasting)),
            Ok(v1::PresenceCause::Attached) => Ok(Some(Self::Attached)),
            Err(_) => Err(Error::Answer { what: "cause" }),
        }
    }

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Samples => "samples",
            Self::Grace => "grace",
            Self::Silence => "silence",
            Self::Lasting => "lasting",
            Self::Attached => "attached",
        }
    }
}

/// A node's word.
pub(super) fn screen(answer: &v1::KeepPresenceResponse) -> Result<Screen, Error> {
    let action = Action::from_number(answer.action);
    Ok(Screen {
        presence: Some(Presence::from_number(answer.presence)?),
        // Without a lease nothing is shown, whatever else is said.
        action: if answer.lease_ms == 0 {
            action.max(Action::Clear)
        } else {
            action
        },
        suspended: answer.suspended,
        lease_ms: answer.lease_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_black_and_what_has_no_lease_is_clear() {
        assert_eq!(Action::from_number(0), Action::Blackout);
        assert_eq!(Action::from_number(99), Action::Blackout);
        let mut answer = v1::KeepPresenceResponse {
            presence: v1::PresenceState::Present.into(),
            action: v1::ScreenAction::Show.into(),
            lease_ms: 9_000,
            ..Default::default()
        };
        assert_eq!(screen(&answer).unwrap().action, Action::Show);
        answer.lease_ms = 0;
        assert_eq!(screen(&answer).unwrap().action, Action::Clear);
        answer.presence = 7;
        assert!(screen(&answer).is_err());
    }

    #[test]
    fn names_of_classes_read_back() {
        for class in Class::ALL {
            assert_eq!(Class::from_name(class.name()), Some(class));
            assert!(v1::SampleClass::try_from(i32::from(class.number())).is_ok());
        }
        assert_eq!(Class::from_name("Match"), None);
    }
}
