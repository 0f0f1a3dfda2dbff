//! The simulated cluster under every fault, seed by seed. A failure names its seed: run it alone with
//! `AKASHI_SIM_SEED=<seed>`; seeds that found something stay here as tests with names.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a seed is printed before it runs, and a breach stops it"
)]

mod calm;
mod gate;
mod mutants;
mod papers;
mod seeds;
