//! How much work the expensive tests do. `make test` takes the defaults, `make test-deep` asks for
//! more. It is the one place of the tests that reads the environment.

/// Seeds of the simulated cluster, a minute each, when nothing else is asked for.
const SIM_SEEDS: u64 = 500;

/// Frames of hostile peers when nothing else is asked for; some seconds.
const GATE_FRAMES: u64 = 1_000_000;

/// Seconds for which real processes are killed under load when nothing else is asked for.
const KILL_SECONDS: u64 = 60;

/// Nodes that are killed one after the other when nothing else is asked for.
const KILLS: u64 = 6;

/// Changed proofs that both verifiers answer when nothing else is asked for; about ten seconds.
const MUTATIONS: u64 = 2_400;

/// Submissions that five real nodes get through a storm when nothing else is asked for.
const SOAK_SUBMISSIONS: u64 = 2_000;

/// How many submissions the storm over five real nodes has at least: `AKASHI_SOAK_SUBMISSIONS`, or the
/// default.
///
/// # Panics
///
/// When the variable is set and no number.
#[must_use]
pub fn soak_submissions() -> u64 {
    number("AKASHI_SOAK_SUBMISSIONS", SOAK_SUBMISSIONS)
}

/// How many seeds the simulation runs: `AKASHI_SIM_SEEDS`, or the default.
///
/// # Panics
///
/// When the variable is set and no number.
#[must_use]
pub fn sim_seeds() -> u64 {
    number("AKASHI_SIM_SEEDS", SIM_SEEDS)
}

/// How many frames of hostile peers the gate has to stand: `AKASHI_GATE_FRAMES`, or the default.
///
/// # Panics
///
/// When the variable is set and no number.
#[must_use]
pub fn gate_frames() -> u64 {
    number("AKASHI_GATE_FRAMES", GATE_FRAMES)
}

/// The one seed to run instead of many, to look at a failure again: `AKASHI_SIM_SEED`.
///
/// # Panics
///
/// When the variable is set and no number.
#[must_use]
pub fn sim_seed() -> Option<u64> {
    asked("AKASHI_SIM_SEED")
}

/// The one seed with a change of members to look at again: `AKASHI_CHURN_SEED`.
///
/// # Panics
///
/// When the variable is set and no number.
#[must_use]
pub fn churn_seed() -> Option<u64> {
    asked("AKASHI_CHURN_SEED")
}

/// How long leaders are killed under load, in seconds: `AKASHI_KILL_SECONDS`, or the default.
///
/// # Panics
///
/// When the variable is set and no number.
#[must_use]
pub fn kill_seconds() -> u64 {
    number("AKASHI_KILL_SECONDS", KILL_SECONDS)
}

/// How many changed proofs both verifiers answer: `AKASHI_MUTATIONS`, or the default.
///
/// # Panics
///
/// When the variable is set and no number.
#[must_use]
pub fn mutations() -> u64 {
    number("AKASHI_MUTATIONS", MUTATIONS)
}

/// How many times a node is killed while calls go on: `AKASHI_KILLS`, or the default.
///
/// # Panics
///
/// When the variable is set and no number.
#[must_use]
pub fn kills() -> u64 {
    number("AKASHI_KILLS", KILLS)
}

fn number(name: &str, default: u64) -> u64 {
    asked(name).unwrap_or(default)
}

fn asked(name: &str) -> Option<u64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of the tests that reads it"
    )]
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is set and is no whole number")),
    )
}
