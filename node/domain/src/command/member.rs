//! Members come and go, and the replicas compare what they hold.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::ids::Digest;

/// See [`Command::AddMember`](super::Command::AddMember): a learner.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AddMember {
    /// Raft id: one that no member has or had.
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

/// See [`Command::PromoteMember`](super::Command::PromoteMember).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PromoteMember {
    /// Which learner.
    pub id: u64,
}

/// See [`Command::RemoveMember`](super::Command::RemoveMember).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RemoveMember {
    /// Which member.
    pub id: u64,
}

/// See [`Command::MeetMember`](super::Command::MeetMember).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MeetMember {
    /// Which member.
    pub id: u64,
    /// What its data directory calls itself.
    pub life: [u8; 16],
}

/// See [`Command::RecordStateDigest`](super::Command::RecordStateDigest).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RecordStateDigest {
    /// Raft index of the mark.
    pub index: u64,
    /// What the leader's state digested to there.
    pub digest: Digest,
}
