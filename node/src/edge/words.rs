//! The same words in three languages: the rule's, the log's and the wire's.

use akashi_domain::command::PresenceCause;
use akashi_domain::records::PresenceState;
use akashi_presence::{Action, Cause, Class, State};
use akashi_proto::v1;

/// The log's word for a state of the rule.
pub(super) const fn known(state: State) -> PresenceState {
    match state {
        State::Present => PresenceState::Present,
        State::Absent => PresenceState::Absent,
        State::Occluded => PresenceState::Occluded,
        State::Multiple => PresenceState::Multiple,
        State::Other => PresenceState::Other,
        State::CameraLost => PresenceState::CameraLost,
    }
}

/// The rule's word for a state of the log.
pub(super) const fn state_of(state: PresenceState) -> State {
    match state {
        PresenceState::Present => State::Present,
        PresenceState::Absent => State::Absent,
        PresenceState::Occluded => State::Occluded,
        PresenceState::Multiple => State::Multiple,
        PresenceState::Other => State::Other,
        PresenceState::CameraLost => State::CameraLost,
    }
}

/// The log's word for a cause of the rule.
pub(super) const fn cause_of(cause: Cause) -> PresenceCause {
    match cause {
        Cause::Samples => PresenceCause::Samples,
        Cause::Grace => PresenceCause::Grace,
        Cause::Silence => PresenceCause::Silence,
        Cause::Lasting => PresenceCause::Lasting,
    }
}

/// The rule's word for what a sensor says.
pub(crate) const fn class_of(class: v1::SampleClass) -> Option<Class> {
    match class {
        v1::SampleClass::Unspecified => None,
        v1::SampleClass::Match => Some(Class::Match),
        v1::SampleClass::NoMatch => Some(Class::NoMatch),
        v1::SampleClass::NoFace => Some(Class::NoFace),
        v1::SampleClass::Several => Some(Class::Several),
        v1::SampleClass::Occluded => Some(Class::Occluded),
        v1::SampleClass::Lost => Some(Class::Lost),
    }
}

/// The wire's word for what the rule has a screen do.
pub(crate) const fn action(action: Action) -> v1::ScreenAction {
    match action {
        Action::Show => v1::ScreenAction::Show,
        Action::Mask => v1::ScreenAction::Mask,
        Action::Clear => v1::ScreenAction::Clear,
        Action::Blackout => v1::ScreenAction::Blackout,
    }
}

#[cfg(test)]
mod tests {
    use akashi_domain::policy::PresenceRule;

    use super::*;

    #[test]
    fn the_rule_and_the_log_mean_the_same_by_every_word() {
        for state in State::ALL {
            assert_eq!(known(state).code(), state.code());
            assert_eq!(state_of(known(state)), state);
            for clear_screen in [false, true] {
                let rule = PresenceRule {
                    clear_screen,
                    ..PresenceRule::default()
                };
                assert_eq!(
                    known(state).action(rule).code(),
                    state.action(clear_screen).code(),
                    "{state:?}"
                );
            }
        }
        for class in Class::ALL {
            let wire = v1::SampleClass::try_from(i32::from(class.code())).unwrap();
            assert_eq!(class_of(wire), Some(class));
        }
    }
}
