//! Whole clusters under faults. Every run is named by its seed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::inhabitants::{Plan, Tally};
use super::world::World;

const SEEDS: u64 = 200;

#[test]
fn clusters_stay_safe_under_faults_and_agree_after_them() {
    let mut sum = Tally::default();
    for seed in 0..SEEDS {
        let mut world = World::new(seed, Plan::stormy(seed));
        if let Err(breach) = world.run() {
            panic!("seed {seed}: {breach}");
        }
        sum.events += world.tally.events;
        sum.crashes += world.tally.crashes;
        sum.leaders += world.tally.leaders;
        sum.decided += world.tally.decided;
        sum.acknowledged += world.tally.acknowledged;
        sum.reads += world.tally.reads;
        sum.reads_lost += world.tally.reads_lost;
        sum.fetches += world.tally.fetches;
    }
    println!("{sum:?}");
    // The storm must have reached what it is there to test.
    assert!(sum.crashes > SEEDS * 3, "{sum:?}");
    assert!(sum.leaders > SEEDS * 3, "{sum:?}");
    assert!(sum.acknowledged > SEEDS * 300, "{sum:?}");
    assert!(sum.reads > SEEDS * 100 && sum.reads_lost > 0, "{sum:?}");
    assert!(sum.fetches > 0, "{sum:?}");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in [1, 2, 3, 6] {
        let first = World::new(seed, Plan::stormy(seed)).run();
        let second = World::new(seed, Plan::stormy(seed)).run();
        assert_eq!(first, second, "seed {seed}");
    }
    let other = World::new(1, Plan::stormy(1)).run();
    assert_ne!(other, World::new(4, Plan::stormy(1)).run());
}

#[test]
fn speaking_before_the_sync_is_found() {
    let found = (0..40).find(|seed| {
        let plan = Plan {
            speaks_before_sync: true,
            ..Plan::stormy(*seed)
        };
        let run = catch_unwind(AssertUnwindSafe(|| World::new(*seed, plan).run()));
        !matches!(run, Ok(Ok(_)))
    });
    println!("first found by seed {found:?}");
    assert!(
        found.is_some(),
        "forty storms do not notice that votes are sent before they are kept"
    );
}

#[test]
fn one_replica_alone_decides_and_answers_reads() {
    let mut world = World::new(7, Plan::calm(1, 3_000));
    world.run().expect("a calm run");
    assert!(
        world.tally.acknowledged > 50 && world.tally.reads > 10,
        "{:?}",
        world.tally
    );
}
