//! The core seen from outside: its laws, its answers, its bytes.
//!
//! Everything runs on a state in memory with real proofs (and a cheap PIN derivation); nothing here
//! may know how the core is built inside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::integer_division,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at the first surprise, and its numbers and lists are its own"
)]

mod any_life;
mod attempts;
mod consents;
mod contacts;
mod desks;
mod executions;
mod faces;
mod golden;
mod holdings;
mod hostile;
mod laws;
mod life;
mod logins;
mod marks;
mod members;
mod notifiers;
mod one_verdict;
mod phone;
mod pins;
mod policies;
mod predicates;
mod presence;
mod processed;
mod rejections;
mod repeats;
mod reports;
mod screens;
mod sessions;
mod shifts;
mod timing;
mod trainings;
mod wallet;
mod world;
