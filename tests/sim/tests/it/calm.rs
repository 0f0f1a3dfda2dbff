//! One thing at a time: runs without faults, and runs with a single planted one.

use akashi_replica::seal::FenceReason;
use akashi_sim::plan::{Plan, Rot};
use akashi_sim::seen::Seen;
use akashi_sim::world::World;

#[test]
fn without_faults_one_leader_leads_and_everything_is_sealed() {
    for nodes in [1, 3, 5] {
        let mut world = World::new(nodes, Plan::calm(nodes));
        world.run().unwrap();
        assert_eq!(world.terms_led(), 1);
        let tally = world.tally();
        assert_eq!(tally.of(Seen::ProcessEnded) + tally.of(Seen::MailLost), 0);
        for often in [Seen::Verdict, Seen::Sealed] {
            assert!(tally.of(often) > 20, "{tally}");
        }
    }
}

#[test]
fn a_replica_that_judges_one_proof_otherwise_is_fenced_and_the_others_go_on() {
    for seed in 0..9 {
        let liar = 1 + seed % 3;
        let plan = Plan {
            liar: Some(liar),
            // Found by its roots, before any digest.
            mark_every_us: 0,
            ..Plan::calm(3)
        };
        let mut world = World::new(seed, plan);
        world.run().unwrap();
        for id in 1..=3 {
            let expected = (id == liar).then_some(FenceReason::OtherRoot);
            assert_eq!(world.fenced(id), expected, "seed {seed}: replica {id}");
        }
    }
}

#[test]
fn a_record_that_no_entry_wrote_shows_in_no_root_and_fences_its_replica_at_the_next_mark() {
    for seed in 0..6 {
        let rots = 1 + seed % 3;
        for mark_every_us in [0, 2_000_000] {
            let plan = Plan {
                rots: Some((rots, Rot::Added)),
                mark_every_us,
                ..Plan::calm(3)
            };
            let mut world = World::new(seed, plan);
            world.run().unwrap();
            for id in 1..=3 {
                let found = id == rots && mark_every_us > 0;
                let expected = found.then_some(FenceReason::OtherState);
                assert_eq!(world.fenced(id), expected, "seed {seed}: replica {id}");
            }
            assert_eq!(world.tally().of(Seen::Digested) > 0, mark_every_us > 0);
        }
    }
}

#[test]
fn under_a_rule_that_no_replica_knows_every_replica_stops_and_none_guesses() {
    for seed in 0..4 {
        let plan = Plan {
            newer_rule_us: Some(3_000_000),
            ..Plan::calm(3)
        };
        let mut world = World::new(seed, plan);
        world.run().unwrap();
        for id in 1..=3 {
            assert!(world.is_gone(id), "seed {seed}: replica {id}");
            assert_eq!(world.fenced(id), None);
        }
    }
}
