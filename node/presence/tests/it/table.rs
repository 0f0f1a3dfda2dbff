//! Everybody who is attached to one node: who is heard, who falls silent, what is summed up.

use akashi_merkle::{leaf_hash, node_hash};
use akashi_presence::{
    Action, Cause, Class, Graces, Heard, Key, Refused, Rule, SECOND_US, State, Table, Transition,
};

const S: u64 = SECOND_US;

fn key(number: u8) -> Key {
    Key {
        tenant: 1,
        session: [number; 16],
    }
}

fn lost(cause: Cause) -> Transition {
    Transition {
        from: State::Present,
        to: State::CameraLost,
        cause,
    }
}

#[test]
fn whoever_falls_silent_is_lost_after_the_grace_and_suspended_later() {
    let mut table = Table::new(Rule::STANDARD);
    let heard = table.attach(key(1), State::Present, Graces::default(), 0);
    table.attach(key(2), State::Present, Graces::default(), 0);
    for second in 1..=30 {
        let said = table
            .sample(key(1), heard, second, Class::Match, second * S)
            .unwrap();
        assert_eq!(said.state, State::Present);
        let expected = if second == 10 {
            vec![(key(2), lost(Cause::Silence))]
        } else {
            vec![]
        };
        assert_eq!(table.tick(second * S), expected, "second {second}");
    }
    assert_eq!(table.tick(39 * S), vec![]);
    assert_eq!(table.tick(40 * S), vec![(key(1), lost(Cause::Silence))]);
    let lasting = Transition {
        from: State::CameraLost,
        to: State::CameraLost,
        cause: Cause::Lasting,
    };
    assert_eq!(table.tick(309 * S), vec![]);
    assert_eq!(table.tick(310 * S), vec![(key(2), lasting)]);
    assert_eq!(table.tick(340 * S), vec![(key(1), lasting)]);
    assert_eq!(table.tick(100_000 * S), vec![], "said once");
}

#[test]
fn a_sample_counts_once_and_only_for_whoever_attached_last() {
    let mut table = Table::new(Rule::STANDARD);
    let first = table.attach(key(1), State::Present, Graces::default(), 0);
    table.sample(key(1), first, 5, Class::Match, S).unwrap();
    assert_eq!(
        table.sample(key(1), first, 5, Class::Match, S),
        Err(Refused::Sequence)
    );
    let second = table.attach(key(1), State::Present, Graces::default(), 2 * S);
    assert_eq!(
        table.sample(key(1), first, 6, Class::Match, 3 * S),
        Err(Refused::NotAttached)
    );
    assert_eq!(
        table.sample(key(1), second, 5, Class::Match, 3 * S),
        Err(Refused::Sequence),
        "an old sample is old on a new stream too"
    );
    assert_eq!(
        table.look(key(1), second).unwrap().action,
        Action::Mask,
        "who attaches again shows nothing before two matches"
    );
    table
        .sample(key(1), second, 6, Class::Match, 3 * S)
        .unwrap();
    let said = table
        .sample(key(1), second, 7, Class::Match, 4 * S)
        .unwrap();
    assert_eq!((said.action, said.next_ms), (Action::Show, 5_000));
    assert_eq!(table.len(), 1);
    table.end(key(1));
    assert!(table.is_empty());
    assert_eq!(
        table.sample(key(1), second, 8, Class::Match, 5 * S),
        Err(Refused::NotAttached)
    );
    assert_eq!(table.tick(1_000 * S), vec![], "who left is not missed");
}

#[test]
fn a_summary_is_a_root_over_what_was_heard_of_each_session() {
    let mut table = Table::new(Rule::STANDARD);
    let empty = table.take_summary();
    assert_eq!(
        (empty.sessions, empty.heartbeats, empty.root),
        (0, 0, akashi_merkle::empty_root())
    );
    let classes = [Class::Match, Class::Match, Class::NoFace];
    let mut heard = [Heard::default(); 2];
    for number in [2, 1] {
        let attached = table.attach(key(number), State::Present, Graces::default(), 0);
        for (sequence, class) in (1..).zip(classes).take(usize::from(number) + 1) {
            table
                .sample(key(number), attached, sequence, class, sequence * S)
                .unwrap();
            heard[usize::from(number) - 1].count(class, sequence);
        }
    }
    let summary = table.take_summary();
    assert_eq!((summary.sessions, summary.heartbeats), (2, 5));
    let root = node_hash(
        &leaf_hash(&heard[0].leaf(key(1))),
        &leaf_hash(&heard[1].leaf(key(2))),
    );
    assert_eq!(summary.root, root);
    assert_eq!(table.take_summary(), empty, "a window is summed up once");
    assert_eq!(heard[1].leaf(key(2)).len(), 24 + 4 + 16 + 8 + 24);
}
