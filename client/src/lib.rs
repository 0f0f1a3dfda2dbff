//! The SDK of akashi: what a platform, a phone, an agent's desktop, an auditor and an operator need.
//!
//! Requests are safe to repeat by construction: each act carries one request id through all its
//! attempts, over several nodes, until the caller's deadline and never past it. Nothing is believed
//! that can be checked: notices and receipts are verified against pinned keys, the log by consistency
//! proofs.

pub mod agent;
pub mod answer;
pub mod auditor;
pub mod cli;
pub mod clock;
pub mod code;
pub mod connection;
pub mod context;
pub mod dev;
pub mod enrolment;
pub mod entropy;
pub mod error;
pub mod event;
pub mod files;
pub mod identity;
pub mod layout;
pub mod operator;
pub mod phone;
pub mod pki;
pub mod platform;
pub mod request_id;
pub mod retry;
pub mod tag;

pub use agent::Agent;
pub use answer::{AgentView, Initiator, Outcome, Stage, Verdict};
pub use auditor::Auditor;
pub use clock::Deadline;
pub use connection::Connection;
pub use error::Error;
pub use identity::Identity;
pub use operator::Operator;
pub use phone::Phone;
pub use platform::{Announced, Call, Invitation, Platform};
pub use request_id::RequestId;
