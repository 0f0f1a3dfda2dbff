//! Whether the agent who logged in still sits there: what samples of a camera come to, and how long a
//! screen may show what it shows.
//!
//! A sensor beside the agent compares what it sees with the agent's own template and says one of six
//! words ([`Class`]). No picture, no template and no score ever arrives here. From the words a
//! sequential rule ([`Watch`]) makes one of seven states ([`State`]), and a state says what a screen does
//! ([`Action`]). A node keeps one [`Table`] of the agents that are attached to it; only changes of state
//! leave it, and a summary with a Merkle root over everything that was heard ([`Summary`]).
//!
//! [`QuorumLease`] and [`Applied`] are the other half: until when a node may believe what it knows, and
//! from when nobody believes anything else any more.
//!
//! Time is an argument everywhere, in microseconds of a clock that never goes back and does not stop
//! while a machine sleeps. The same calls with the same times give the same answers.
//!
//! Where to start: [`Watch::sample`]. The figures behind [`Rule::STANDARD`] are in `docs/presence.md`,
//! and `tests/it/figures.rs` makes them again.

mod batch;
mod lease;
mod rule;
mod state;
mod table;

pub use batch::{Heard, Summary, WINDOW_US};
pub use lease::{Applied, ENFORCED_US, LEASE_US, QuorumLease};
pub use rule::{Rule, Step, Transition, Watch};
pub use state::{Action, Cause, Class, Graces, State};
pub use table::{Attached, Key, Refused, Said, Table};

/// Microseconds of one second.
pub const SECOND_US: u64 = 1_000_000;
/// Nominal time between two samples of a sensor that sees what it expects, in milliseconds.
pub const HEARTBEAT_MS: u32 = 5_000;
