//! The harness of the integration tests: what more than one of them needs to build a cluster, feed
//! it and look into it. Nothing in the product may depend on it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a harness stops at the first surprise, and says where"
)]

pub use akashi_sim::effort;

pub mod asked;
pub mod hardship;
pub mod network;
pub mod real;
