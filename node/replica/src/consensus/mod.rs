//! Raft, behind our own types: a core without threads, clock, files or chance.
//!
//! [`RaftCore`] wraps raft-rs 0.7.0 and is the only code that names it. Inputs are method calls;
//! everything it wants done comes out of [`RaftCore::drain`] as an [`Output`]. The driver (threads
//! in `akashi-node`, the simulator in `akashi-sim`) owns disk, network and ticks:
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
//! What raft-rs leaves to its driver, and the test for each, is docs/raft.md.
//!
//! # Membership
//!
//! The leader is told whom the group shall have ([`RaftCore::propose_conf`]); what differs becomes one
//! membership entry, and a joint one if more than one thing differs. A change counts from the moment
//! its entry is handed out: the core applies it then, and the entry that the driver gets carries the
//! resulting [`Conf`](crate::conf::Conf), which the state machine keeps. One change at a time: the next
//! waits until the state machine has applied the last.
//!
//! A restart may forget the newest change, because it starts from the group as of what was applied. No
//! second leader can come of that: the entry of the next change travels with a commit index that covers
//! the one before, both in one synced frame, so whoever holds the next knows the one before; and the
//! voters of two groups that follow one another overlap, or are joint. A replica that has not applied
//! a change that it knows to be decided does not stand for election.
//!
//! Snapshots do not travel.

mod change;
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

pub use self::change::Wanted;
pub use self::config::{CoreConfig, MAX_VOTERS, Recovered, StartError};
pub use self::core::RaftCore;
pub use self::gate::FrameRejected;
pub use self::output::{
    ConfError, Fetch, HandoverError, Outbound, Output, Persist, ProposeError, Proposed, ReadError,
    ReadReady, Role,
};
