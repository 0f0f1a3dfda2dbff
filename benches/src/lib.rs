//! Figures of akashi: a three-node cluster of real processes, and beside it etcd on the same disk.
//!
//! Everything here measures from outside, through the same SDK and ports that callers use. It must
//! never change what it measures: no switch of a node exists for its sake. How the figures are made
//! and what they do not say: `README.md` beside this crate.

pub mod akashi;
pub mod cpu;
pub mod domain;
pub mod etcd;
pub mod failover;
pub mod hostile;
pub mod limits;
pub mod load;
pub mod machine;
pub mod options;
pub mod presence;
pub mod proofs;
pub mod replayed;
pub mod report;
pub mod rounds;
pub mod sealing;
pub mod summary;
pub mod trials;

/// What goes wrong in a measurement: a figure is not made up, the run ends and says why.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
