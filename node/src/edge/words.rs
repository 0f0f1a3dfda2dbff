//! The same words in two languages: the rule's and the log's.

use akashi_domain::command::PresenceCause;
use akashi_domain::records::PresenceState;
use akashi_presence::{Cause, State};

/// The log's word for a state of the rule.
pub(super) const fn known(state: State) -> PresenceState {
    match state {
        State::Present => PresenceState::Present,
        State::Absent => PresenceState::Absent,
        State::Occluded => PresenceState::Occluded,
        State::Multiple => PresenceState::Multiple,
        State::Other => PresenceState::Other,
        State::CameraLost => PresenceState::CameraLost,
        State::Unseen => PresenceState::Unseen,
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
        PresenceState::Unseen => State::Unseen,
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
    }
}
