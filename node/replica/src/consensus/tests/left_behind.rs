//! A replica that lacks what every log has dropped gets the state by another way, and goes on by the log.

use super::group::Group;
use crate::entry::NodeId;

/// Decides a few entries and has all but `away` drop them.
fn drop_without(group: &mut Group, away: NodeId) {
    for number in 0..5_u8 {
        group.decide(&[b'd', number]);
    }
    group.run(10);
    let others: Vec<NodeId> = group.members.keys().copied().collect();
    for id in others.into_iter().filter(|id| *id != away) {
        group.compact(id);
    }
}

/// Puts the state of `of` in the place of what `id` has, as a snapshot does before a start.
fn install(group: &mut Group, id: NodeId, of: NodeId) {
    group.crash(id, 0);
    let from = &group.members[&of];
    let (index, confs) = (from.applied, from.confs.clone());
    let term = from.entries.last().map_or(from.base.1, |last| last.term);
    let member = group.members.get_mut(&id).unwrap();
    member.entries.clear();
    member.base = (index, term);
    member.applied = index;
    member.confs = confs;
    if member.hard_state.term < term {
        (member.hard_state.term, member.hard_state.vote) = (term, 0);
    }
    member.hard_state.commit = index;
    group.start(id);
}

#[test]
fn a_replica_that_was_given_the_state_goes_on_by_the_log_of_the_same_leader() {
    let mut group = Group::of(&[1, 2, 3]);
    group.decide(b"before");
    let leader = group.elect();
    let away = leader % 3 + 1;
    group.crash(away, 0);
    drop_without(&mut group, away);
    let index = group.decide(b"after");
    group.start(away);
    group.run(60);
    assert!(group.members[&away].applied < index, "no log reaches it");
    let starts_after = group.core(leader).log_starts_after();
    assert!(starts_after > group.members[&away].applied);
    assert_eq!(Vec::from_iter(group.core(leader).take_behind()), [away]);
    assert_eq!(group.elect(), leader, "it disturbs nobody");

    install(&mut group, away, leader);
    let last = group.decide(b"and on");
    group.run(20);
    assert_eq!(group.members[&away].applied, last);
    assert_eq!(group.leader(), Some(leader));
    // What was noted before it came back is forgotten here.
    drop(group.core(leader).take_behind());
    group.run(20);
    assert!(group.core(leader).take_behind().is_empty());
    // It is as good as the others: with the third one gone, it makes the quorum.
    let third = 6 - leader - away;
    group.crash(third, 0);
    let alone = group.decide(b"with two");
    group.run(20);
    assert_eq!(group.members[&away].applied, alone);
}

#[test]
fn one_that_joins_after_the_first_entries_are_dropped_starts_from_the_state() {
    let mut group = Group::of(&[1, 2, 3]);
    group.decide(b"before");
    let leader = group.elect();
    drop_without(&mut group, 0);
    group.join(4);
    group.become_group(&[1, 2, 3], &[4]);
    group.run(60);
    assert_eq!(group.members[&4].applied, 0);
    assert_eq!(Vec::from_iter(group.core(leader).take_behind()), [4]);
    install(&mut group, 4, leader);
    let last = group.decide(b"after");
    group.run(20);
    assert_eq!(group.members[&4].applied, last);
    group.become_group(&[1, 2, 3, 4], &[]);
}

#[test]
fn a_state_that_is_older_than_the_log_of_the_leader_leaves_the_replica_behind() {
    let mut group = Group::of(&[1, 2, 3]);
    group.decide(b"before");
    let leader = group.elect();
    let away = leader % 3 + 1;
    group.crash(away, 0);
    drop_without(&mut group, away);
    group.start(away);
    install(&mut group, away, leader);
    group.crash(away, u64::MAX);
    drop_without(&mut group, away);
    group.start(away);
    group.run(60);
    assert_eq!(Vec::from_iter(group.core(leader).take_behind()), [away]);
    install(&mut group, away, leader);
    group.run(40);
    assert!(group.agrees(&[1, 2, 3]));
}
