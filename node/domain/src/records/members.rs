//! Who belongs to the cluster, and who signs for it.

use akashi_merkle::{Cosigner, CosignerKey, KeySet, Origin};
use borsh::{BorshDeserialize, BorshSerialize};

use super::{Cluster, ReplicaInfo};
use crate::limits::ADDRESS_BYTES_MAX;

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Standing {
    /// It gets the log and answers readers; it neither votes nor cosigns.
    Learner = 0,
    /// It votes and cosigns.
    Voter = 1,
}

/// One replica that belongs to the cluster.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Member {
    /// Raft id: one disk, never another one later.
    pub id: u64,
    /// Name of the node, also of its cosigning key.
    pub name: String,
    /// Where it stands.
    pub site: String,
    /// `host:port` for other replicas; empty where the configuration files say it.
    pub peer_address: String,
    /// `host:port` for callers; empty where the configuration files say it.
    pub client_address: String,
    /// Its Ed25519 cosigning key.
    pub cosigner: [u8; 32],
    /// What it may do.
    pub standing: Standing,
    /// What its data directory calls itself; zeros until the leader met it.
    pub life: [u8; 16],
}

impl Member {
    /// Whether it votes and cosigns.
    #[must_use]
    pub fn is_voter(&self) -> bool {
        self.standing == Standing::Voter
    }

    /// What the key set says of it.
    #[must_use]
    pub fn info(&self) -> ReplicaInfo {
        ReplicaInfo {
            id: self.id,
            name: self.name.clone(),
            site: self.site.clone(),
            cosigner: self.cosigner,
        }
    }
}

/// The members of the cluster; stored from the first change on.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Members {
    /// How often anything about them changed; zero as founded.
    pub version: u32,
    /// They, ascending by id.
    pub members: Vec<Member>,
    /// Cosignatures that seal a head.
    pub quorum: u8,
    /// Ids that are used up, ascending.
    pub removed: Vec<u64>,
    /// How often the key set changed: the number of the [`KeySetChange`] in force; zero as founded.
    pub key_set: u32,
}

impl Members {
    /// The members as the cluster was founded: all vote, and where they listen is in the configuration files.
    #[must_use]
    pub fn founding(cluster: &Cluster) -> Self {
        let member = |replica: &ReplicaInfo| Member {
            id: replica.id,
            name: replica.name.clone(),
            site: replica.site.clone(),
            peer_address: String::new(),
            client_address: String::new(),
            cosigner: replica.cosigner,
            standing: Standing::Voter,
            life: [0; 16],
        };
        let mut members: Vec<Member> = cluster.replicas.iter().map(member).collect();
        members.sort_unstable_by_key(|member| member.id);
        Self {
            version: 0,
            members,
            quorum: cluster.quorum,
            removed: Vec::new(),
            key_set: 0,
        }
    }

    /// The member with this id.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }

    /// Those who vote and cosign, ascending by id.
    pub fn voters(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.is_voter())
    }

    /// Those who vote, as a key set names them.
    #[must_use]
    pub fn cosigners(&self) -> Vec<ReplicaInfo> {
        self.voters().map(Member::info).collect()
    }

    /// Puts `member` in its place by id; whoever had the id is replaced.
    pub(crate) fn put(&mut self, member: Member) {
        self.take(member.id);
        let place = self.members.partition_point(|other| other.id < member.id);
        self.members.insert(place, member);
    }

    /// Takes the member with this id away; the id is not used up by that.
    pub(crate) fn take(&mut self, id: u64) {
        self.members.retain(|member| member.id != id);
    }

    /// Uses an id up.
    pub(crate) fn use_up(&mut self, id: u64) {
        let place = self.removed.partition_point(|other| *other < id);
        if self.removed.get(place) != Some(&id) {
            self.removed.insert(place, id);
        }
    }
}

/// Cosignatures that seal a head among `voters`: a majority, or as many as the founders chose.
#[must_use]
pub fn quorum_of(voters: usize, founded: u8) -> u8 {
    let voters = u8::try_from(voters).unwrap_or(u8::MAX);
    let majority = voters.checked_div(2).unwrap_or_default().saturating_add(1);
    majority.max(founded.min(voters))
}

/// A key set that took the place of another.
///
/// The head over the leaf that says so, and nothing behind it, is the last that the set before seals.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct KeySetChange {
    /// Its number, from 1.
    pub number: u32,
    /// Index of the leaf that says so.
    pub leaf: u64,
    /// Who signs larger heads, ascending by id.
    pub replicas: Vec<ReplicaInfo>,
    /// How many of them seal one.
    pub quorum: u8,
}

impl KeySetChange {
    /// Size of the last tree that the set before seals: that whose last leaf is the change itself.
    #[must_use]
    pub const fn boundary(&self) -> u64 {
        self.leaf.saturating_add(1)
    }

    /// What auditors pin for heads larger than [`KeySetChange::boundary`]; `None` if a key cannot be used.
    #[must_use]
    pub fn key_set(&self, origin: &str) -> Option<KeySet> {
        key_set(origin, &self.replicas, self.quorum)
    }
}

impl Cluster {
    /// What auditors pin for the heads of the founding members; `None` if a key cannot be used.
    #[must_use]
    pub fn key_set(&self) -> Option<KeySet> {
        key_set(&self.origin, &self.replicas, self.quorum)
    }
}

/// The key set of these replicas, in this order; `None` if a key cannot be used or two are the same.
#[must_use]
pub fn key_set(origin: &str, replicas: &[ReplicaInfo], quorum: u8) -> Option<KeySet> {
    let cosigner = |replica: &ReplicaInfo| {
        let key = CosignerKey::new(&replica.name, &replica.cosigner).ok()?;
        Some(Cosigner {
            name: replica.name.clone(),
            site: replica.site.clone(),
            key,
        })
    };
    let cosigners: Option<Vec<Cosigner>> = replicas.iter().map(cosigner).collect();
    let origin = Origin::parse(origin).ok()?;
    KeySet::new(origin, cosigners?, usize::from(quorum)).ok()
}

/// Whether this is `host:port` in printable ASCII; an IPv6 address stands in brackets.
#[must_use]
pub fn is_address(address: &str) -> bool {
    let printable = address.bytes().all(|byte| byte.is_ascii_graphic());
    let Some((host, port)) = address.rsplit_once(':') else {
        return false;
    };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    printable
        && address.len() <= ADDRESS_BYTES_MAX
        && !host.is_empty()
        && (bracketed || !host.contains(':'))
        && digits
        && port.parse::<u16>().is_ok_and(|port| port > 0)
}
