//! Storms, seed by seed, and what all of them together went through.

use std::sync::Mutex;

use akashi_sim::effort;
use akashi_sim::plan::Plan;
use akashi_sim::seen::{Seen, Tally};
use akashi_sim::world::World;

/// Threads that share the seeds: the cores of the smallest machine that runs them.
const THREADS: u64 = 2;

/// Seeds that run with real proofs and real signatures.
const REAL_SEEDS: std::ops::Range<u64> = 1_000..1_020;

/// Seeds in which members come and go.
const CHURN_SEEDS: [u64; 20] = [
    2, 10, 18, 26, 34, 42, 50, 58, 66, 74, 90, 106, 114, 122, 130, 138, 146, 154, 162, 170,
];

/// Seeds from which on every scenario must have happened.
const SEEDS_FOR_ALL: u64 = 200;

fn run(seed: u64, plan: Plan) -> Result<(u64, Tally), String> {
    let mut world = World::new(seed, plan);
    let trace = world
        .run()
        .map_err(|breach| format!("seed {seed}: {breach}"))?;
    Ok((trace, world.tally().clone()))
}

fn run_stormy(seed: u64) {
    run(seed, Plan::stormy(seed)).unwrap();
}

/// Every seed, on a few threads; the breaches of all of them, and everything that happened.
fn run_all(seeds: impl IntoIterator<Item = u64>, plan: fn(u64) -> Plan) -> (Vec<String>, Tally) {
    let seeds: Vec<u64> = seeds.into_iter().collect();
    println!("seeds {:?} to {:?}", seeds.first(), seeds.last());
    let sum = Mutex::new((Vec::new(), Tally::default()));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (seeds, sum) = (&seeds, &sum);
            scope.spawn(move || {
                let of_thread = (0..).zip(seeds).filter(|(at, _)| at % THREADS == thread);
                for (_, seed) in of_thread {
                    let ran = run(*seed, plan(*seed));
                    let mut sum = sum.lock().unwrap();
                    match ran {
                        Ok((_, tally)) => sum.1.add(&tally),
                        Err(breach) => sum.0.push(breach),
                    }
                }
            });
        }
    });
    sum.into_inner().unwrap()
}

#[test]
fn no_seed_breaks_a_promise_and_together_they_go_through_every_scenario() {
    if let Some(seed) = effort::sim_seed() {
        println!("seed {seed}");
        let (_, tally) = run(seed, Plan::stormy(seed)).unwrap();
        println!("{tally}");
        return;
    }
    let seeds = effort::sim_seeds();
    let (breaches, tally) = run_all(0..seeds, Plan::stormy);
    println!("{tally}");
    assert!(breaches.is_empty(), "{breaches:#?}");
    if seeds >= SEEDS_FOR_ALL {
        let mut unseen = tally.unseen();
        unseen.retain(|what| what.group() != "members");
        assert!(unseen.is_empty(), "never happened: {unseen:?}");
    }
}

#[test]
fn real_proofs_and_real_signatures_hold_under_the_same_faults() {
    let (breaches, tally) = run_all(REAL_SEEDS, Plan::stormy_and_real);
    assert!(breaches.is_empty(), "{breaches:#?}");
    assert!(tally.of(Seen::Verdict) > 1_000 && tally.of(Seen::Sealed) > 1_000);
}

#[test]
fn members_come_and_go_and_every_key_set_signs_for_the_next() {
    if let Some(seed) = effort::churn_seed() {
        let (_, tally) = run(seed, Plan::churning(seed)).unwrap();
        println!("{tally}");
        return;
    }
    let (breaches, tally) = run_all(CHURN_SEEDS, Plan::churning);
    assert!(breaches.is_empty(), "{breaches:#?}");
    let mut unseen = tally.unseen();
    unseen.retain(|what| what.group() == "members");
    assert!(unseen.is_empty(), "never happened: {unseen:?}");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in [3, 4] {
        let [one, other] = [(); 2].map(|()| run(seed, Plan::stormy(seed)).unwrap());
        assert_eq!(one, other);
    }
    let trace = |seed| run(seed, Plan::stormy(seed)).unwrap().0;
    assert_ne!(trace(3), trace(6));
}

#[test]
fn logs_are_dropped_while_replicas_are_slow_or_down_and_nobody_misses_an_entry() {
    let (breaches, tally) = run_all(2_000..2_008, Plan::stormy);
    assert!(breaches.is_empty(), "{breaches:#?}");
    assert!(tally.of(Seen::LogDropped) > 100, "{tally}");
    assert!(tally.of(Seen::FetchedFromDisk) > 100, "{tally}");
}

#[test]
fn the_simulation_finds_promises_made_before_they_are_on_disk() {
    let found = (0..100).find(|seed| {
        let plan = Plan {
            speaks_before_sync: true,
            ..Plan::stormy(*seed)
        };
        run(*seed, plan).is_err()
    });
    assert!(found.is_some(), "100 seeds did not notice");
}

#[test]
fn a_leader_whose_clock_is_set_back_goes_on_sealing() {
    for seed in [1, 2, 8, 14] {
        run_stormy(seed);
    }
}
