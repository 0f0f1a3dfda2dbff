//! The unhappy paths u01 to u40: one test each, named after its row, one file per subject.
//!
//! Where the decision is the subject, the deterministic core is driven (`world`); where nodes matter,
//! real processes are.

#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::arithmetic_side_effects,
    clippy::too_many_lines,
    reason = "a test takes what it needs of a list, its numbers are its own, and a path is told in one piece"
)]

mod access;
mod complete;
mod desks;
mod faults;
mod keeping;
mod life;
mod presence;
mod reach;
mod relay;
mod replays;
mod said;
mod sessions;
mod thief;
mod trust;
mod waiting;
mod world;
