//! A whole cluster in one thread: three or five replicas made of the parts a node runs (Raft core,
//! log, state machine, sealer) on a virtual clock, network and disks, with clients that retry.
//!
//! Everything that happens follows from the seed and the plan: the same two give the same trace. It
//! must never read a clock, draw chance from anywhere but the seed, or use a thread.
//!
//! * [`world`] moves time and carries messages; [`node`] composes one replica, `wiring` connects its
//!   parts; [`faults`] does harm.
//! * [`clients`] are platform and phones; [`phone`] makes proofs, real or for the stand-in judge.
//! * [`oracle`] knows what must hold after every step, and [`verdict`] what must hold in the end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_in_result,
    clippy::missing_panics_doc,
    reason = "a breach is an error; a broken simulation stops at once"
)]

pub mod clients;
pub mod effort;
pub mod faults;
pub mod node;
pub mod oracle;
pub mod phone;
pub mod plan;
pub mod rng;
pub mod verdict;
mod wiring;
pub mod world;
