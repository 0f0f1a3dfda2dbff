//! One replica without its machine: Raft, the log format, the state machine's host, cosigning.
//!
//! Nothing here owns a thread, a socket, a file or a clock. `akashi-node` runs these parts on
//! threads with real disks and peers; the simulator in `akashi-sim` runs the same parts in one
//! thread on virtual ones. That is why the disk ([`log::Disk`]), the store
//! ([`store::StateStore`]) and the signer ([`cosigner::Cosigner`]) are traits, and why every input arrives as an argument.

pub mod agreement;
pub mod clocks;
pub mod conf;
pub mod consensus;
pub mod cosigner;
pub mod digest;
pub mod entry;
pub mod log;
pub mod machine;
pub mod marks;
pub mod nodes;
mod recent;
pub mod seal;
pub mod slow;
pub mod snapshot;
pub mod store;
pub mod succession;
