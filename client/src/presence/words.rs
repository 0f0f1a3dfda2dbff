//! The words of presence that only this side of the SDK says.

use akashi_proto::v1;

use super::Screen;
use crate::agent::{Presence, ScreenAction};
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
    let action = ScreenAction::from_number(answer.action);
    Ok(Screen {
        presence: Some(Presence::from_number(answer.presence)?),
        // Without a lease nothing is shown, whatever else is said.
        action: if answer.lease_ms == 0 {
            hidden(action)
        } else {
            action
        },
        suspended: answer.suspended,
        lease_ms: answer.lease_ms,
    })
}

/// The action, or a cleared screen if it shows anything.
const fn hidden(action: ScreenAction) -> ScreenAction {
    match action {
        ScreenAction::Show | ScreenAction::Mask | ScreenAction::Clear => ScreenAction::Clear,
        ScreenAction::Blackout => ScreenAction::Blackout,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_lease_is_clear_and_what_is_not_known_is_no_state() {
        let mut answer = v1::KeepPresenceResponse {
            presence: v1::PresenceState::Present.into(),
            action: v1::ScreenAction::Show.into(),
            lease_ms: 9_000,
            ..Default::default()
        };
        assert_eq!(screen(&answer).unwrap().action, ScreenAction::Show);
        answer.lease_ms = 0;
        assert_eq!(screen(&answer).unwrap().action, ScreenAction::Clear);
        answer.presence = 8;
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
