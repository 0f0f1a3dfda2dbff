//! The reference connector: drives a cluster from a telephone system's events, here from a trace file.
//!
//! A real connector reads the events of its own telephone system and does with each what [`run`] does:
//! the format is [`trace`]'s, the acts are those of [`crate::Platform`].

mod run;
mod summary;
mod trace;

pub use run::run;
pub(crate) use summary::percentile;
pub use summary::{Summary, Surprise};
pub use trace::{Act, Call, Speed, Step, Trace, read};
