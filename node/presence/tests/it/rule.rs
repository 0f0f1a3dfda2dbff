//! The rule, sample by sample: no state and no screen hangs on one of them.

use akashi_presence::{Action, Cause, Class, Graces, Rule, SECOND_US, State, Transition, Watch};
use proptest::prelude::*;

const RULE: Rule = Rule::STANDARD;

/// One agent, sampled as often as is asked for.
struct Desk {
    watch: Watch,
    graces: Graces,
    now_us: u64,
    seen: Vec<Transition>,
}

impl Desk {
    fn new() -> Self {
        let mut desk = Self {
            watch: Watch::new(State::Present, 0),
            graces: Graces::default(),
            now_us: 0,
            seen: Vec::new(),
        };
        desk.sees(Class::Match, 2);
        desk
    }

    fn sees(&mut self, class: Class, times: u32) {
        for _ in 0..times {
            self.now_us += u64::from(self.watch.next_ms(&self.graces)) * 1_000;
            self.seen.extend(self.watch.tick(&self.graces, self.now_us));
            self.seen
                .extend(self.watch.sample(&RULE, &self.graces, class, self.now_us));
        }
    }

    fn waits(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now_us += SECOND_US;
            self.seen.extend(self.watch.tick(&self.graces, self.now_us));
        }
    }

    fn shows(&self) -> (State, Action) {
        (self.watch.state(), self.watch.action(&self.graces))
    }
}

#[test]
fn nothing_is_shown_before_two_matches() {
    let mut watch = Watch::new(State::Present, 0);
    let graces = Graces::default();
    assert_eq!(watch.action(&graces), Action::Mask);
    assert_eq!(watch.next_ms(&graces), 1_000);
    watch.sample(&RULE, &graces, Class::Match, SECOND_US);
    assert_eq!(watch.action(&graces), Action::Mask);
    watch.sample(&RULE, &graces, Class::Match, 2 * SECOND_US);
    assert_eq!(watch.action(&graces), Action::Show);
    assert_eq!(watch.next_ms(&graces), 5_000);
}

#[test]
fn one_mismatch_masks_and_two_matches_show_again() {
    let mut desk = Desk::new();
    desk.sees(Class::NoMatch, 1);
    assert_eq!(desk.shows(), (State::Present, Action::Mask));
    desk.sees(Class::Match, 1);
    assert_eq!(desk.shows(), (State::Present, Action::Mask));
    desk.sees(Class::Match, 1);
    assert_eq!(desk.shows(), (State::Present, Action::Show));
    assert_eq!(desk.seen, [], "nothing of it is a change of state");
}

#[test]
fn another_face_that_stays_is_another_person_and_stays_one() {
    let mut desk = Desk::new();
    let before_us = desk.now_us;
    let mut samples = 0;
    while desk.watch.state() != State::Other {
        desk.sees(Class::NoMatch, 1);
        samples += 1;
        assert!(samples < 60, "somebody else must be noticed");
    }
    let took_s = (desk.now_us - before_us) / SECOND_US;
    assert_eq!(
        (samples, took_s),
        (22, 26),
        "5 s to the first, then every second"
    );
    let other = Transition {
        from: State::Present,
        to: State::Other,
        cause: Cause::Samples,
    };
    assert_eq!(desk.seen, [other]);
    desk.sees(Class::Match, 50);
    desk.waits(1_000);
    assert_eq!(desk.shows(), (State::Other, Action::Blackout));
    desk.watch.restore(State::Unseen, desk.now_us);
    assert_eq!(desk.shows(), (State::Unseen, Action::Clear));
    desk.sees(Class::Match, 2);
    assert_eq!(desk.shows(), (State::Present, Action::Show));
}

#[test]
fn a_sensor_that_never_hurries_needs_longer_and_still_notices() {
    let (mut watch, graces) = (Watch::new(State::Present, 0), Graces::default());
    let mut seconds = 0;
    while watch.state() != State::Other {
        seconds += 5;
        watch.sample(&RULE, &graces, Class::NoMatch, seconds * SECOND_US);
        assert!(seconds < 120);
    }
    assert_eq!(seconds, 40);
}

#[test]
fn an_empty_chair_clears_after_the_grace() {
    let mut desk = Desk::new();
    desk.sees(Class::NoFace, 1);
    assert_eq!(desk.shows(), (State::Present, Action::Show));
    desk.sees(Class::NoFace, 5);
    assert_eq!(desk.shows(), (State::Absent, Action::Clear));
    desk.graces.clear_screen = false;
    assert_eq!(desk.shows().1, Action::Mask);
    desk.waits(0);
    desk.sees(Class::NoFace, 600);
    assert_eq!(
        desk.watch.state(),
        State::Absent,
        "an empty chair ends nothing"
    );
    desk.sees(Class::Match, 1);
    assert_eq!(desk.watch.state(), State::Absent);
    desk.sees(Class::Match, 1);
    assert_eq!(desk.shows(), (State::Present, Action::Show));
}

#[test]
fn a_stranger_in_an_empty_chair_sees_nothing() {
    let mut desk = Desk::new();
    desk.sees(Class::NoFace, 10);
    for _ in 0..10 {
        desk.sees(Class::NoMatch, 1);
        assert_eq!(desk.shows(), (State::Absent, Action::Clear));
    }
    desk.sees(Class::NoMatch, 20);
    assert_eq!(desk.shows(), (State::Other, Action::Blackout));
}

#[test]
fn two_faces_mask_at_once_and_are_a_state_when_they_stay() {
    let mut desk = Desk::new();
    desk.sees(Class::Several, 1);
    assert_eq!(desk.shows(), (State::Present, Action::Mask));
    desk.sees(Class::Several, 1);
    assert_eq!(desk.shows(), (State::Multiple, Action::Mask));
    desk.sees(Class::Match, 2);
    assert_eq!(desk.shows(), (State::Present, Action::Show));
}

#[test]
fn a_covered_camera_is_masked_then_cleared_then_suspended() {
    let mut desk = Desk::new();
    desk.sees(Class::Occluded, 2);
    assert_eq!(desk.shows(), (State::Occluded, Action::Mask));
    desk.sees(Class::Occluded, 11);
    assert_eq!(desk.shows(), (State::CameraLost, Action::Clear));
    desk.sees(Class::Occluded, 310);
    let causes: Vec<(State, Cause)> = desk.seen.iter().map(|t| (t.to, t.cause)).collect();
    assert_eq!(
        causes,
        [
            (State::Occluded, Cause::Samples),
            (State::CameraLost, Cause::Grace),
            (State::CameraLost, Cause::Lasting),
        ]
    );
}

#[test]
fn a_sensor_without_a_picture_is_lost_after_the_grace_and_comes_back() {
    let mut desk = Desk::new();
    desk.sees(Class::Lost, 3);
    assert_eq!(desk.watch.state(), State::Present);
    desk.sees(Class::Lost, 10);
    assert_eq!(desk.shows(), (State::CameraLost, Action::Clear));
    desk.sees(Class::Match, 2);
    assert_eq!(desk.shows(), (State::Present, Action::Show));
    assert_eq!(desk.seen[0].cause, Cause::Grace);
}

#[test]
fn short_graces_ask_for_samples_more_often() {
    let graces = Graces {
        lost_us: 2 * SECOND_US,
        ..Graces::default()
    };
    let mut watch = Watch::new(State::Present, 0);
    watch.sample(&RULE, &graces, Class::Match, 1);
    watch.sample(&RULE, &graces, Class::Match, 2);
    assert_eq!(watch.next_ms(&graces), 1_000);
}

fn class() -> impl Strategy<Value = Class> {
    prop::sample::select(Class::ALL.to_vec())
}

proptest! {
    /// Whatever came before: no single sample blacks a screen out that shows, and none brings anything
    /// back from a blackout.
    #[test]
    fn one_sample_decides_nothing(past in prop::collection::vec(class(), 0..60), last in class()) {
        let mut desk = Desk::new();
        for class in past {
            desk.sees(class, 1);
        }
        let (state, action) = desk.shows();
        desk.sees(last, 1);
        let (then, shows) = desk.shows();
        if action == Action::Show {
            prop_assert!(shows < Action::Blackout);
        } else {
            prop_assert!(shows > Action::Show || last == Class::Match);
        }
        if state == State::Other {
            prop_assert_eq!(then, State::Other);
        }
    }

    /// Whoever is not recognised for the longest grace is shown nothing, whatever mixture of other
    /// samples comes.
    #[test]
    fn without_a_match_the_screen_is_hidden_within_the_grace(
        mixture in prop::collection::vec(prop::sample::select(vec![
            Class::NoMatch, Class::NoFace, Class::Several, Class::Occluded, Class::Lost,
        ]), 30..60),
    ) {
        let mut desk = Desk::new();
        let calm_us = desk.now_us;
        for class in mixture {
            desk.sees(class, 1);
            if desk.now_us - calm_us > 16 * SECOND_US {
                prop_assert!(desk.shows().1 > Action::Show, "{:?}", desk.watch);
            }
        }
    }

    /// Time and samples in any order: nothing panics, and the due time is never missed.
    #[test]
    fn nothing_falls_due_unseen(steps in prop::collection::vec((class(), 0_u64..20_000), 0..200)) {
        let graces = Graces::default();
        let mut watch = Watch::new(State::Present, 0);
        let mut now_us = 0;
        for (class, ms) in steps {
            let due_us = watch.due_us(&graces);
            now_us += ms * 1_000;
            if now_us < due_us {
                prop_assert_eq!(watch.tick(&graces, now_us), None);
            } else {
                prop_assert!(watch.tick(&graces, now_us).is_some(), "{:?}", watch);
                let due_us = watch.due_us(&graces);
                prop_assert!(due_us > now_us || watch.tick(&graces, now_us).is_some());
            }
            watch.sample(&RULE, &graces, class, now_us);
        }
    }
}
