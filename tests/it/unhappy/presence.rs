//! What a camera sees at an agent's desk: an empty chair, another face, a covered lens. Rows 23 to 25, the
//! rule and the core together; on three real nodes in `desks`.

use akashi_domain::answer::Reply;
use akashi_domain::command::{Command, PresenceCause, ReportPresence, SessionPresence};
use akashi_domain::event::Event;
use akashi_domain::ids::SessionId;
use akashi_domain::outcome::{Outcome, reason};
use akashi_domain::records::{PresenceState, ScreenAction, SessionState};
use akashi_presence::{Action, Attached, Class, Graces, Key, Rule, Said, State, Table, Transition};

use super::sessions::{Worker, at_work, centre, denied};
use super::world::{SECOND, World};

/// The edge of one node, and one desktop at it.
struct Edge {
    table: Table,
    key: Key,
    seat: Attached,
    sequence: u64,
    now_us: u64,
}

impl Edge {
    /// The edge of the node that the worker's desktop is attached to already.
    fn at(world: &mut World, worker: &Worker) -> Self {
        let key = Key {
            tenant: 1,
            session: worker.session().0,
        };
        let attached = (State::Present, PresenceCause::Attached);
        assert_eq!(report(world, key, attached), [0_u16; 0]);
        let mut table = Table::new(Rule::STANDARD);
        let seat = table.attach(key, State::Present, Graces::default(), 0);
        let mut edge = Self {
            table,
            key,
            seat,
            sequence: 0,
            now_us: 0,
        };
        assert_eq!(edge.sees(world, Class::Match, 2).0, Action::Show);
        edge
    }

    /// The camera sees the same for so many seconds, a sample a second; what the screen does then, and
    /// the kinds of events that followed.
    fn sees(&mut self, world: &mut World, class: Class, seconds: u64) -> (Action, Vec<u16>) {
        let mut kinds = Vec::new();
        let mut said: Option<Said> = None;
        for _ in 0..seconds {
            self.now_us += 1_000_000;
            world.after(SECOND);
            self.sequence += 1;
            let silent = self.table.tick(self.now_us);
            for (_, transition) in silent {
                kinds.extend(self.tell(world, transition));
            }
            let sample = self
                .table
                .sample(self.key, self.seat, self.sequence, class, self.now_us)
                .unwrap();
            if let Some(transition) = sample.changed {
                kinds.extend(self.tell(world, transition));
            }
            said = Some(sample);
        }
        (said.unwrap().action, kinds)
    }

    fn tell(&self, world: &mut World, transition: Transition) -> Vec<u16> {
        let cause = match transition.cause {
            akashi_presence::Cause::Samples => PresenceCause::Samples,
            akashi_presence::Cause::Grace => PresenceCause::Grace,
            akashi_presence::Cause::Silence => PresenceCause::Silence,
            akashi_presence::Cause::Lasting => PresenceCause::Lasting,
        };
        report(world, self.key, (transition.to, cause))
    }
}

fn report(world: &mut World, key: Key, (state, cause): (State, PresenceCause)) -> Vec<u16> {
    let line = SessionPresence {
        tenant: key.tenant,
        session: SessionId(key.session),
        state: PresenceState::from_code(state.code()).unwrap(),
        cause,
    };
    let reply = world.done(Command::ReportPresence(ReportPresence {
        node: 1,
        sessions: vec![line],
    }));
    assert_eq!(reply, Reply::Done);
    // Challenges may run out in the same entry; that is another story.
    let of_sessions = |kind: &u16| (71..=82).contains(kind);
    world.last_kinds().into_iter().filter(of_sessions).collect()
}

/// An agent who is seen, with a verified call.
fn mid_call() -> (World, Worker, Edge) {
    let mut world = centre();
    let worker = at_work(&mut world, 1, false);
    let mut customer = world.customer(1);
    world.verified(&mut customer, 1);
    assert_eq!(worker.bind(&mut world, 1), Reply::Done);
    let edge = Edge::at(&mut world, &worker);
    let other = world.customer(2);
    world.call(other.subject, 2);
    (world, worker, edge)
}

#[test]
fn u23_an_empty_chair_clears_the_screen_and_ends_nothing() {
    let (mut world, worker, mut edge) = mid_call();
    let (action, kinds) = edge.sees(&mut world, Class::NoFace, 12);
    assert_eq!((action, kinds), (Action::Clear, vec![76]));
    let session = worker.record(&world);
    assert_eq!(session.screen(), ScreenAction::Clear);
    assert_eq!(session.state, SessionState::Active);
    // The call waits where it is, with its verdict; nobody gives this desk another one.
    assert_eq!(world.contact(1).agent, Some(worker.agent));
    assert_eq!(
        world.contact(1).care.presence & PresenceState::Absent.bit(),
        PresenceState::Absent.bit()
    );
    assert_eq!(worker.bind(&mut world, 2), denied(reason::NOT_PRESENT));
    // However long: a chair is not a lost camera.
    let (action, kinds) = edge.sees(&mut world, Class::NoFace, 60);
    assert_eq!((action, kinds), (Action::Clear, vec![]));
    let (action, kinds) = edge.sees(&mut world, Class::Match, 2);
    assert_eq!((action, kinds), (Action::Show, vec![76]));
    assert_eq!(worker.bind(&mut world, 2), Reply::Done);
    let verdict = world.contact(1).verdict.unwrap();
    assert_eq!(verdict.outcome, Outcome::Verified);
}

#[test]
fn u24_several_faces_mask_and_another_one_ends_the_session_for_good() {
    let (mut world, worker, mut edge) = mid_call();
    let (action, kinds) = edge.sees(&mut world, Class::Several, 3);
    assert_eq!((action, kinds), (Action::Mask, vec![76]));
    assert_eq!(worker.record(&world).state, SessionState::Active);
    edge.sees(&mut world, Class::Match, 2);
    // One look at somebody else hides everything and decides nothing.
    let (action, kinds) = edge.sees(&mut world, Class::NoMatch, 1);
    assert_eq!((action, kinds), (Action::Mask, vec![]));
    let (action, kinds) = edge.sees(&mut world, Class::NoMatch, 21);
    assert_eq!((action, kinds), (Action::Blackout, vec![76, 74]));
    let suspended = world
        .events()
        .into_iter()
        .rev()
        .find_map(|event| match event {
            Event::SessionSuspended(fact) => Some(fact.reason),
            _ => None,
        });
    assert_eq!(suspended, Some(reason::ANOTHER_PERSON));
    let session = worker.record(&world);
    assert_eq!(session.state, SessionState::Suspended);
    assert_eq!(session.screen(), ScreenAction::Blackout);
    assert_eq!(
        worker.bind(&mut world, 2),
        denied(reason::SESSION_SUSPENDED)
    );
    assert_eq!(
        world.contact(1).agent,
        Some(worker.agent),
        "nothing is lost"
    );
    // The right face alone brings nothing back.
    let (action, kinds) = edge.sees(&mut world, Class::Match, 30);
    assert_eq!((action, kinds), (Action::Blackout, vec![]));
}

#[test]
fn u25_a_covered_camera_is_masked_then_cleared_then_the_end_until_a_fresh_login() {
    let (mut world, mut worker, mut edge) = mid_call();
    let (action, kinds) = edge.sees(&mut world, Class::Occluded, 3);
    assert_eq!((action, kinds), (Action::Mask, vec![76]));
    let (action, kinds) = edge.sees(&mut world, Class::Occluded, 12);
    assert_eq!((action, kinds), (Action::Clear, vec![76]));
    assert_eq!(worker.record(&world).presence, PresenceState::CameraLost);
    assert_eq!(worker.record(&world).state, SessionState::Active);
    let (_, kinds) = edge.sees(&mut world, Class::Lost, 301);
    assert_eq!(kinds, [74]);
    let session = worker.record(&world);
    assert_eq!(session.screen(), ScreenAction::Blackout);
    // Without a camera there is the other way to log in; the call is still there.
    let reply = worker.restore(&mut world);
    assert!(matches!(reply, Reply::SessionOpen { .. }), "{reply:?}");
    assert_eq!(worker.record(&world).state, SessionState::Active);
    assert_eq!(world.contact(1).agent, Some(worker.agent));
}
