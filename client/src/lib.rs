//! The SDK of akashi: what a platform, a phone, an agent's desktop, an auditor and an operator need.
//!
//! Requests are safe to repeat by construction: each act carries one request id through all its
//! attempts, over several nodes, until the caller's deadline and never past it. Nothing is believed
//! that can be checked: notices and receipts are verified against pinned keys, the log by consistency
//! proofs.
//!
//! Where to start: [`Platform`] for a contact centre, [`Phone`] for a customer's app, [`Agent`] for a
//! desktop, [`Processor`] for whoever carries orders out, [`Auditor`] for readers of the log, [`Operator`] for the cluster itself. The `akashi`
//! command ([`cli`]) is a thin layer over these.
//!
//! ```no_run
//! use std::path::Path;
//! use std::time::Duration;
//!
//! use akashi_client::{Call, Deadline, Initiator, Stage, context::Context};
//!
//! # async fn example() -> Result<(), akashi_client::Error> {
//! let context = Context::read(Path::new("./dev"))?;
//! let platform = context.platform()?;
//! let deadline = Deadline::after(Duration::from_secs(60));
//! let call = Call {
//!     subject: "cust-demo-1",
//!     initiator: Initiator::Customer,
//!     policy: "basic",
//!     call_reason: 1,
//!     agent: None,
//!     ..Call::default()
//! };
//! let contact = platform.announce(&call, deadline).await?;
//! let verdict =
//!     platform.wait_verdict(&contact.contact_id, Stage::Sealed, deadline, |_step| {}).await?;
//! let proved = akashi_client::auditor::verify_receipt(&verdict.receipt, &context.key_set()?)?;
//! assert_eq!(proved.index(), verdict.leaf_index);
//! # Ok(())
//! # }
//! ```

pub mod agent;
pub mod answer;
pub mod auditor;
pub mod cli;
pub mod clock;
pub mod code;
pub mod connection;
pub mod connector;
pub mod context;
pub mod dev;
pub mod enrolment;
pub mod entropy;
pub mod error;
pub mod event;
pub mod files;
pub mod handle;
pub mod hexadecimal;
pub mod identity;
pub mod issuer;
pub mod layout;
pub mod number;
pub mod operator;
pub mod order;
pub mod phone;
pub mod pki;
pub mod platform;
pub mod policy;
pub mod presence;
pub mod processor;
pub mod request_id;
pub mod retry;
pub mod sensor;
pub mod statement;
pub mod tag;
pub mod trust;
pub mod webhook;

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
pub use processor::Processor;
pub use request_id::RequestId;
pub use trust::Trust;
