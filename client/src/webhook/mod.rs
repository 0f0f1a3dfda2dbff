//! Webhooks: the audit log, delivered to the systems around a contact centre.
//!
//! A process beside the cluster reads the log as an auditor does, verifies every leaf against sealed
//! heads, and posts those that an endpoint asked for as `CloudEvents` 1.0, signed by Standard Webhooks
//! 1.0.0. Delivery is at least once, in no promised order; `docs/webhooks.md` is the receiver's page.
//!
//! The cluster knows nothing of it: the log is the queue's source, so a process that was away goes on
//! where it stopped, and a message can be made again as long as its leaf is there.

pub mod address;
pub mod cloud_event;
pub mod endpoint;
pub mod home;
mod journal;
pub mod run;
pub mod schedule;
pub mod send;
pub mod sign;
pub mod state;
mod worker;

pub use endpoint::{Endpoint, Filter};
pub use home::{Ask, Home};
pub use run::{Report, Runner};
pub use schedule::Schedule;
