//! Decisions that two sites must have.

use super::group::{Group, wanted};

/// Replicas 1 and 2 at one site, 3 at another; 4 and 5 join.
const SITES: [(u64, u64); 5] = [(1, 1), (2, 1), (3, 2), (4, 2), (5, 2)];

/// Proposes on the leader, lets time pass, and says whether it is decided.
fn is_decided(group: &mut Group, data: &[u8]) -> bool {
    let leader = group.elect();
    let proposed = group.core(leader).propose(data.to_vec()).unwrap();
    group.pump(leader);
    group.run(8);
    group.core(leader).commit_index() >= proposed.index
}

/// A group in which replica 1 or 2 leads.
fn led_by_the_large_site() -> (Group, u64) {
    let mut group = Group::over_sites(&[1, 2, 3], &SITES);
    group.elect();
    assert!(is_decided(&mut group, b"with everybody"));
    let leader = group.leader().unwrap();
    if leader == 3 {
        group.core(3).transfer_leader(1).unwrap();
        group.pump(3);
        group.run(6);
    }
    let leader = group.elect();
    (group, leader)
}

#[test]
fn nothing_is_decided_that_only_one_site_has() {
    let (mut group, leader) = led_by_the_large_site();
    assert_ne!(leader, 3);
    group.cut.insert(3);
    assert!(!is_decided(&mut group, b"without the other site"));
    assert!(group.core(leader).waits_for_site());
    assert_eq!(group.leader(), Some(leader), "it still leads");
    group.cut.clear();
    group.run(10);
    assert!(!group.core(leader).waits_for_site());
    assert!(is_decided(&mut group, b"with it"));
}

#[test]
fn without_the_setting_a_majority_decides() {
    let mut group = Group::of(&[1, 2, 3]);
    group.elect();
    group.cut.insert(3);
    assert!(is_decided(&mut group, b"without the other site"));
}

#[test]
fn sites_are_known_of_members_that_come_later_and_by_a_leader_that_was_elected_since() {
    let (mut group, _) = led_by_the_large_site();
    group.join(4);
    group.join(5);
    group.become_group(&[1, 2, 3], &[4, 5]);
    group.become_group(&[1, 2, 3, 4, 5], &[]);
    // One of the small site is enough, whichever.
    for away in [[3, 4], [4, 5], [3, 5]] {
        group.cut.extend(away);
        group.decide(b"with one of them");
        group.cut.clear();
        group.run(40);
    }
    // And a leader that restarts, too.
    let leader = group.elect();
    let applied = group.members[&leader].applied;
    group.crash(leader, applied);
    group.run(60);
    group.start(leader);
    group.decide(b"after it");
    let proposed = {
        let leader = group.elect();
        group
            .core(leader)
            .propose_conf(&wanted(&[1, 2, 3, 4, 5], &[]))
    };
    assert_eq!(proposed, Ok(None));
}
