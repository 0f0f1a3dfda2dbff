//! A whole cluster in one thread: three or five replicas made of the parts a node runs (Raft core,
//! log, state machine, sealer) on a virtual clock, network and disks, with clients that retry.
//!
//! Everything that happens follows from the seed and the plan: the same two give the same trace. It
//! must never read a clock, draw chance from anywhere but the seed, or use a thread.
//!
//! * [`world`] moves time and carries messages; [`node`] composes one replica, `wiring` and `hosting`
//!   connect its parts; `faults` does harm, and [`seen`] counts what happened.
//! * [`clients`] are platforms, phones and a desk; [`phone`] makes proofs, real or for the stand-in
//!   judge, and [`cosign`] signatures likewise; `reads` are linearizable ones.
//! * [`oracle`] knows what must hold after every step, and [`verdict`] what must hold in the end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_in_result,
    clippy::missing_panics_doc,
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants,
    reason = "a breach is an error, a broken simulation stops at once, and most acts and replies are no business of a place"
)]

mod acts;
pub mod clients;
pub mod clock;
pub mod cosign;
pub mod effort;
mod event;
mod faults;
mod founding;
mod hosting;
mod members;
pub mod node;
pub mod oracle;
pub mod phone;
pub mod plan;
mod reads;
pub mod rng;
pub mod seen;
pub mod store;
pub mod verdict;
mod wiring;
pub mod world;
