//! At which entry the replicas digest their state, and what it digested to.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::ids::Digest;

/// The newest mark and the newest recorded digest; there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StateMark {
    /// Raft index of the newest entry that is a mark; zero before the first.
    pub marked: u64,
    /// Raft index of the mark whose digest was recorded last; zero before the first.
    pub recorded: u64,
    /// That digest.
    pub digest: Digest,
    /// The leaf that says so.
    pub leaf: u64,
}
