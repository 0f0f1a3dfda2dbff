//! The node from outside: real TLS on loopback, the real services, and a replica on paper behind
//! them, so that nothing here needs threads, disks or time to pass.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::map_err_ignore,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at the first surprise, and its numbers and lists are its own"
)]

mod agents;
mod audit;
mod batches;
mod calls;
mod customers;
mod door;
mod edges;
mod holder;
mod holdings;
mod invitation;
mod life;
mod logins;
mod misfits;
mod notices;
mod notifiers;
mod onslaught;
mod orders;
mod paper;
mod phone;
mod pki;
mod policies;
mod port;
mod presence;
mod processors;
mod refusals;
mod registry;
mod roles;
mod sessions;
mod statements;
mod surface;
mod telemetry;
mod tls;
