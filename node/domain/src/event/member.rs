//! Members of the cluster, and what their state digests to.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Fact;
use crate::ids::Digest;

/// A replica belongs to the cluster and learns; it neither votes nor cosigns.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MemberAdded {
    /// Raft id.
    pub id: u64,
    /// Name of the node, also of its cosigning key.
    pub name: String,
    /// Where it stands.
    pub site: String,
    /// `host:port` for other replicas.
    pub peer_address: String,
    /// `host:port` for callers.
    pub client_address: String,
    /// Its Ed25519 cosigning key.
    pub cosigner: [u8; 32],
}

impl Fact for MemberAdded {
    fn tenant(&self) -> u32 {
        0
    }
}

/// A member votes and cosigns: another key set is in force behind this leaf.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MemberPromoted {
    /// Which.
    pub id: u64,
    /// Cosignatures that seal a head from now on.
    pub quorum: u8,
    /// SHA-256 of the text of the key set in force behind this leaf.
    pub key_set: Digest,
}

impl Fact for MemberPromoted {
    fn tenant(&self) -> u32 {
        0
    }
}

/// A replica does not belong to the cluster any more, and its id is used up.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MemberRemoved {
    /// Which.
    pub id: u64,
    /// Cosignatures that seal a head from now on.
    pub quorum: u8,
    /// SHA-256 of the text of the key set in force behind this leaf; none if it was a learner, and nobody
    /// signs who did not sign before.
    pub key_set: Option<Digest>,
}

impl Fact for MemberRemoved {
    fn tenant(&self) -> u32 {
        0
    }
}

/// The disk of a member was seen for the first time.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MemberMet {
    /// Which.
    pub id: u64,
    /// What its data directory calls itself.
    pub life: [u8; 16],
}

impl Fact for MemberMet {
    fn tenant(&self) -> u32 {
        0
    }
}

/// Every replica digests its state as of this entry.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StateMarked {
    /// Raft index of the entry.
    pub index: u64,
}

impl Fact for StateMarked {
    fn tenant(&self) -> u32 {
        0
    }
}

/// What the state digested to at a mark.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StateDigestRecorded {
    /// Raft index of the mark.
    pub index: u64,
    /// The digest.
    pub digest: Digest,
}

impl Fact for StateDigestRecorded {
    fn tenant(&self) -> u32 {
        0
    }
}
