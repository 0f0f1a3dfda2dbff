//! The rule against streams of samples, the table, leases, and the figures that the pages print.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test stops at the first surprise, and its numbers and lists are its own"
)]

mod figures;
mod leases;
mod model;
mod rule;
mod table;
