//! Marks: at which entries the state is digested, and what it digested to.

use akashi_domain::answer::Rejection;
use akashi_domain::command::{Command, RecordStateDigest};
use akashi_domain::ids::Digest;
use akashi_domain::state::Records as _;

use crate::laws::{assert_rebuilds, assert_replays};
use crate::world::World;

fn record(index: u64, digest: u8) -> Command {
    Command::RecordStateDigest(RecordStateDigest {
        index,
        digest: Digest([digest; 32]),
    })
}

/// Marks, and says at which entry.
fn mark(world: &mut World) -> u64 {
    world.done(Command::MarkState);
    assert_eq!(world.last_kinds(), [44]);
    let marked = world.state.state_mark().unwrap().marked;
    assert_eq!(marked, world.log.len() as u64);
    marked
}

#[test]
fn nobody_marks_or_records_before_the_first_entry() {
    let mut world = World::empty();
    for command in [Command::MarkState, record(1, 1)] {
        assert_eq!(world.run(command), Err(Rejection::NotFounded));
    }
}

#[test]
fn the_digest_of_a_mark_is_recorded_once() {
    let mut world = World::founded();
    let index = mark(&mut world);
    world.done(record(index, 7));
    assert_eq!(world.last_kinds(), [45]);
    let kept = world.state.state_mark().unwrap();
    let leaf = world.applied.last().unwrap().events[0].leaf_index;
    assert_eq!((kept.marked, kept.recorded), (index, index));
    assert_eq!((kept.digest, kept.leaf), (Digest([7; 32]), leaf));
    for again in [record(index, 7), record(index, 8)] {
        assert_eq!(world.run(again), Err(Rejection::UnknownMark));
    }
    assert_eq!(world.state.state_mark().unwrap(), kept);
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn only_the_newest_mark_can_be_recorded() {
    let mut world = World::founded();
    let first = mark(&mut world);
    let second = mark(&mut world);
    let unknown = Err(Rejection::UnknownMark);
    for index in [0, 1, first, second + 1] {
        assert_eq!(world.run(record(index, 1)), unknown, "{index}");
    }
    world.done(record(second, 1));
    // A later mark leaves what was recorded of the one before.
    let third = mark(&mut world);
    let kept = world.state.state_mark().unwrap();
    assert_eq!((kept.marked, kept.recorded), (third, second));
    assert_eq!(world.run(record(second, 1)), unknown);
}

#[test]
fn two_marks_in_one_entry_are_one() {
    let mut world = World::founded();
    let twice = vec![
        world.request(Command::MarkState),
        world.request(Command::MarkState),
    ];
    world.entry(twice);
    assert_eq!(world.last_kinds(), [44]);
}
