//! Raft, behind our own types: a core without threads, clock, files or chance.
//!
//! [`RaftCore`] wraps raft-rs 0.7.0 and is the only code that names it. Inputs are method calls;
//! everything it wants done comes out of [`RaftCore::drain`] as an [`Output`]. The driver (threads
//! in `akashi-node`, the simulator in `akashi-tests`) owns disk, network and ticks:
//!
//! ```text
//!  ticks, peers' frames, proposals, reads ─▶ RaftCore ─ drain() ─▶ send ──────────▶ network
//!        persisted(n) ▲          applied(i) ▲              ├─▶ persist ─▶ log ─▶ messages_after
//!                     └────── log ◀─────────┼──────────────┘     (sync)
//!                                           └── state machine ◀─ committed
//! ```
//!
//! # Rules for the driver
//!
//! - After every batch of inputs, call `drain` until it returns `None`.
//! - [`Persist`]s are written in order; only after a sync do their messages leave and is
//!   [`RaftCore::persisted`] called. That order is what "committed" rests on (Raft §3.8, thesis
//!   10.2.1: the leader alone may send before its own sync).
//! - [`Output::committed`] is applied in order and reported with [`RaftCore::applied`].
//! - The same inputs in the same order give the same outputs, bit for bit. raft-rs draws election
//!   timeouts from the machine's randomness; the core overwrites the draw before every tick.
//! - A panic in here stops the process. None is reachable through [`RaftCore::peer`] (see `gate`).
//!
//! Membership is fixed at start; snapshots do not travel. Votes by site (group commit) would be
//! assigned in [`RaftCore::new`] and after every change of leader, because raft-rs forgets them.

mod config;
mod core;
mod gate;
mod logging;
mod outbound;
mod output;
mod reads;
mod start;
mod tail;
#[cfg(test)]
mod tests;

pub use self::config::{CoreConfig, MAX_VOTERS, Recovered, StartError};
pub use self::core::RaftCore;
pub use self::gate::FrameRejected;
pub use self::output::{
    Fetch, HandoverError, Outbound, Output, Persist, ProposeError, Proposed, ReadError, ReadReady,
    Role,
};
