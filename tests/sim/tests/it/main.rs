//! The simulated cluster under every fault, seed by seed. A failure names its seed: run it alone with
//! `AKASHI_SIM_SEED=<seed>`; seeds that found something stay here as tests with names.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a seed is printed before it runs, and a breach stops it"
)]

use akashi_replica::seal::FenceReason;
use akashi_sim::effort;
use akashi_sim::plan::Plan;
use akashi_sim::world::World;

/// Threads that share the seeds: the cores of the smallest machine that runs them.
const THREADS: u64 = 2;

fn run(seed: u64, plan: Plan) -> Result<u64, String> {
    World::new(seed, plan)
        .run()
        .map_err(|breach| format!("seed {seed}: {breach}"))
}

fn run_stormy(seed: u64) {
    run(seed, Plan::stormy(seed)).unwrap();
}

fn with_real_proofs(seed: u64) -> Plan {
    Plan {
        real_proofs: true,
        ..Plan::stormy(seed)
    }
}

/// Every seed, on a few threads; the breaches of all of them.
fn run_all(seeds: std::ops::Range<u64>) -> Vec<String> {
    println!("seeds {} to {}", seeds.start, seeds.end);
    let breaches = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (seeds, breaches) = (seeds.clone(), &breaches);
            scope.spawn(move || {
                for seed in seeds.filter(|seed| seed % THREADS == thread) {
                    if let Err(breach) = run(seed, Plan::stormy(seed)) {
                        breaches.lock().unwrap().push(breach);
                    }
                }
            });
        }
    });
    breaches.into_inner().unwrap()
}

#[test]
fn no_seed_of_crashes_cuts_and_lost_disks_breaks_a_promise() {
    if let Some(seed) = effort::sim_seed() {
        println!("seed {seed}");
        return run_stormy(seed);
    }
    let breaches = run_all(0..effort::sim_seeds());
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn real_proofs_and_the_real_verifier_hold_under_the_same_faults() {
    for seed in 1_000..1_006 {
        println!("seed {seed}");
        run(seed, with_real_proofs(seed)).unwrap();
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in [3, 4] {
        let traces = [run(seed, Plan::stormy(seed)), run(seed, Plan::stormy(seed))];
        assert_eq!(traces[0], traces[1]);
    }
    assert_ne!(run(3, Plan::stormy(3)), run(5, Plan::stormy(5)));
}

#[test]
fn without_faults_one_leader_leads_and_everything_is_sealed() {
    for nodes in [1, 3, 5] {
        let mut world = World::new(nodes, Plan::calm(nodes));
        world.run().unwrap();
        let tally = world.tally();
        assert_eq!((tally.crashes, tally.terms), (0, 1));
        assert!(tally.verdicts > 20 && tally.seals > 20, "{tally:?}");
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
fn logs_are_dropped_while_replicas_are_slow_or_down_and_nobody_misses_an_entry() {
    let (mut dropped, mut crashes) = (0, 0);
    for seed in 2_000..2_008 {
        let mut world = World::new(seed, Plan::stormy(seed));
        world.run().unwrap();
        dropped += world.tally().dropped;
        crashes += world.tally().crashes;
    }
    assert!(dropped > 100 && crashes > 50, "{dropped} and {crashes}");
}

#[test]
fn a_record_that_no_entry_wrote_shows_in_no_root_and_fences_its_replica_at_the_next_mark() {
    for seed in 0..6 {
        let rots = 1 + seed % 3;
        for mark_every_us in [0, 2_000_000] {
            let plan = Plan {
                rots: Some(rots),
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
            assert_eq!(world.tally().digests > 0, mark_every_us > 0);
        }
    }
}

#[test]
fn the_simulation_finds_promises_made_before_they_are_on_disk() {
    let found = (0..200).find(|seed| {
        let plan = Plan {
            speaks_before_sync: true,
            ..Plan::stormy(*seed)
        };
        run(*seed, plan).is_err()
    });
    assert!(found.is_some(), "200 seeds did not notice");
}

#[test]
fn a_leader_whose_clock_is_set_back_goes_on_sealing() {
    for seed in [1, 2, 8, 14] {
        run_stormy(seed);
    }
}
