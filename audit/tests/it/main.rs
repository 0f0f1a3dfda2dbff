//! Tests of the audit log from outside, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop, and the lint's exemption misses its helpers"
)]

mod cluster;
mod following;
mod formats;
mod golden;
mod held;
mod history;
mod multi;
mod oracle;
mod statement;
mod succession;
mod tampering;
mod tree;
mod vectors;
