//! The one binary of integration tests; each module is a tier, cheapest first.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise, says where, and may look at the machine's clock"
)]

mod canary;
mod cluster;
mod connector;
mod fuzz_corpus;
mod hardship;
mod key_sets;
mod membership;
mod orders;
mod policies;
mod raft_log;
mod second_verifier;
mod snapshots;
mod soak;
mod statements;
mod tidy;
mod unhappy;
mod webhooks;
