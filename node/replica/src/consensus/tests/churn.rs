//! Groups that change while messages are lost, leaders are cut off and replicas crash and forget what
//! they had not flushed.
//!
//! Every run is named by its seed. [`Group`] checks after every step that no term has two leaders, no
//! index two entries, and every replica goes through the same groups.

use super::group::{Group, wanted};
use super::rng::Rng;
use crate::entry::NodeId;

const SEEDS: u64 = 150;
const STEPS: u64 = 1_500;

#[test]
fn no_term_has_two_leaders_and_no_index_two_entries_while_the_group_changes() {
    let mut changes = 0;
    let mut terms = 0;
    for seed in 0..SEEDS {
        let (done, led) = storm(seed);
        changes += done;
        terms += led;
    }
    println!("{changes} groups, {terms} leaders");
    assert!(changes > 10 * usize::try_from(SEEDS).unwrap(), "{changes}");
    assert!(terms > 3 * usize::try_from(SEEDS).unwrap(), "{terms}");
}

/// Groups that were applied somewhere, and terms that had a leader.
fn storm(seed: u64) -> (usize, usize) {
    let mut rng = Rng::new(seed);
    let mut group = Group::of(&[1, 2, 3]);
    for id in 4..=7 {
        group.join(id);
    }
    let all: Vec<NodeId> = (1..=7).collect();
    let mut goal = wanted(&[1, 2, 3], &[]);
    for _ in 0..STEPS {
        let id = rng.pick(&all);
        match rng.below(40) {
            0..=11 => group.tick(),
            12..=29 => {
                for _ in 0..rng.below(12) {
                    group.deliver();
                }
            }
            30 => group.lose(),
            31 | 32 => act(&mut group, id, |core| {
                let _refused_unless_leader = core.propose(vec![7; 20]);
            }),
            33..=35 => act(&mut group, id, |core| {
                let _refused_unless_leader = core.propose_conf(&goal);
            }),
            36 => goal = other_goal(&mut rng),
            37 if rng.one_in(4) => {
                if group.members[&id].core.is_some() {
                    let flushed = rng.between(0, group.members[&id].applied);
                    group.crash(id, flushed);
                }
                if rng.one_in(2) {
                    group.start(id);
                }
            }
            38 if rng.one_in(3) => {
                if !group.cut.remove(&id) {
                    group.cut.insert(id);
                }
            }
            _ => {
                if group.members[&id].core.is_none() {
                    group.start(id);
                }
                group.cut.pop_first();
            }
        }
    }
    calm(&mut group, &all);
    let groups = group.members.values().map(|member| member.confs.len());
    (groups.max().unwrap_or_default(), group.leaders.len())
}

/// Everybody is back: the group becomes what is wanted, and decides.
fn calm(group: &mut Group, all: &[NodeId]) {
    group.cut.clear();
    for id in all {
        if group.members[id].core.is_none() {
            group.start(*id);
        }
    }
    group.run(150);
    group.become_group(&[2, 3, 4], &[5]);
    group.decide(b"after the storm");
    group.run(20);
    assert!(group.agrees(&[2, 3, 4, 5]));
}

fn act(group: &mut Group, id: NodeId, input: impl FnOnce(&mut super::super::RaftCore)) {
    if group.members[&id].core.is_some() {
        input(group.core(id));
        group.pump(id);
    }
}

/// One to four voters and up to two learners of seven.
fn other_goal(rng: &mut Rng) -> super::super::Wanted {
    let mut ids: Vec<NodeId> = (1..=7).collect();
    let mut take = |count: u64| -> Vec<NodeId> {
        (0..count)
            .map(|_| {
                let at = rng.below(u64::try_from(ids.len()).unwrap());
                ids.remove(usize::try_from(at).unwrap())
            })
            .collect()
    };
    let voters = take(4);
    let learners = take(2);
    let few = 1 + usize::try_from(voters[0] % 4).unwrap();
    wanted(&voters[..few], &learners)
}
