//! A replica's machine and its sealing, seen from outside. Raft and the log have their tests beside
//! their code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod clocks;
mod histories;
mod hosting;
mod sealing;
mod snapshots;
mod succession;
mod switches;
