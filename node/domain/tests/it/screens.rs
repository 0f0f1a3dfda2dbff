//! What a desktop does about each state of presence.

use akashi_domain::policy::PresenceRule;
use akashi_domain::records::{PresenceState, ScreenAction};

#[test]
fn every_state_of_presence_has_its_screen() {
    let rule = PresenceRule::default();
    let actions = PresenceState::ALL.map(|state| state.action(rule));
    assert_eq!(
        actions,
        [
            ScreenAction::Show,
            ScreenAction::Clear,
            ScreenAction::Mask,
            ScreenAction::Mask,
            ScreenAction::Blackout,
            ScreenAction::Clear,
            ScreenAction::Clear,
        ]
    );
    let lax = PresenceRule {
        clear_screen: false,
        ..rule
    };
    assert_eq!(PresenceState::Absent.action(lax), ScreenAction::Mask);
    for state in PresenceState::ALL {
        assert_eq!(PresenceState::from_code(state.code()), Some(state));
        assert_eq!(state.bit(), 1 << (state.code() - 1));
    }
}
