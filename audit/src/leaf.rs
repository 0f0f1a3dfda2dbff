//! The leaf: the canonical bytes of one event, the thing every receipt is about.
//!
//! A fixed big-endian layout, then extensions. There is exactly one byte string per leaf value:
//! [`Leaf::decode`] accepts what [`Leaf::encode`] writes and nothing else. Kinds, outcomes and
//! reasons are opaque codes here; the event catalogue gives them their names.
//!
//! Nothing a node measures itself (its id, its clock, a latency) may ever enter a leaf: replicas
//! would hash different bytes and their roots would part. No personal data may enter either.
//!
//! | offset | bytes | field | meaning |
//! |---:|---:|---|---|
//! | 0 | 1 | version | 1 |
//! | 1 | 2 | `kind` | event number |
//! | 3 | 8 | `stamp_us` | cluster time, µs since 1970-01-01 UTC |
//! | 11 | 8 | `term` | Raft term of the entry |
//! | 19 | 8 | `log_index` | Raft index of the entry |
//! | 27 | 4 | `ordinal` | position of the event inside its entry, from 0 |
//! | 31 | 4 | `tenant` | interned tenant number; 0 = no tenant |
//! | 35 | 2 | `site` | site number carried by the command; 0 = none |
//! | 37 | 4 | `queue` | interned queue number; 0 = none |
//! | 41 | 16 | `contact_id` | zeros = none, as for the four below |
//! | 57 | 16 | `challenge_id` | |
//! | 73 | 16 | `subject_tag` | keyed pseudonym of the customer |
//! | 89 | 16 | `actor_tag` | keyed pseudonym of the agent or operator |
//! | 105 | 16 | `device_tag` | keyed pseudonym of the device |
//! | 121 | 1 | `outcome` | outcome code; 0 = none |
//! | 122 | 2 | `reason` | reason code; 0 = none |
//! | 124 | 4 | `flags` | bits, per kind |
//! | 128 | 1 | `suite` | proof suite; 0 = none |
//! | 129 | 2 | `rule_version` | version of the verification rule; 0 = none |
//! | 131 | 4 | `policy_version` | policy in force; 0 = none |
//! | 135 | 32 | `statement_hash` | zeros = none |
//! | 167 | 32 | `evidence_commitment` | salted hash of the evidence; zeros = none |
//! | 199 | 2 | extension bytes | total length of what follows |
//! | 201 | … | extensions | type `u16`, length `u16` ≤ 100, value; types strictly ascending |

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use thiserror::Error;

use crate::text::take;
use crate::tree::{Hash, leaf_hash};

/// The layout version this code writes and reads.
pub const LEAF_VERSION: u8 = 1;

/// Bytes before the first extension.
pub const LEAF_FIXED_BYTES: usize = 201;

/// Largest leaf in bytes: entry bundles of C2SP tlog-tiles store the length in a `u16`.
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// Largest extension value in bytes: a column of the audit lake, not a place for documents.
pub const EXTENSION_BYTES_MAX: usize = 100;

/// Most bytes all extensions may take, headers included.
const EXTENSIONS_BYTES_MAX: usize = ENTRY_BYTES_MAX - LEAF_FIXED_BYTES;

/// Bytes of an extension's type and length.
const EXTENSION_HEADER_BYTES: usize = 4;

/// Why bytes are no leaf, or a leaf cannot take an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LeafError {
    /// The first byte names another layout.
    #[error("leaf has an unknown version")]
    Version,
    /// The bytes end early or go on behind the extensions.
    #[error("leaf length does not fit its content")]
    Length,
    /// An extension value is longer than [`EXTENSION_BYTES_MAX`].
    #[error("extension value is too long")]
    ExtensionTooLong,
    /// The extensions together would make the leaf longer than [`ENTRY_BYTES_MAX`].
    #[error("extensions are too long together")]
    ExtensionsTooLong,
    /// An extension type is not above the one before it, or is set twice.
    #[error("extension types are not strictly ascending")]
    ExtensionOrder,
}

/// One event, as it is hashed into the tree. The module page has the byte layout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaf {
    /// Event number of the catalogue.
    pub kind: u16,
    /// Cluster time in microseconds since 1970-01-01 UTC.
    pub stamp_us: u64,
    /// Raft term of the entry that caused the event.
    pub term: u64,
    /// Raft index of that entry.
    pub log_index: u64,
    /// Position of the event among those of its entry, from zero.
    pub ordinal: u32,
    /// Interned tenant number; zero for none.
    pub tenant: u32,
    /// Site number carried by the command; zero for none.
    pub site: u16,
    /// Interned queue number; zero for none.
    pub queue: u32,
    /// The contact; zeros for none.
    pub contact_id: [u8; 16],
    /// The challenge; zeros for none.
    pub challenge_id: [u8; 16],
    /// Keyed pseudonym of the customer; zeros for none.
    pub subject_tag: [u8; 16],
    /// Keyed pseudonym of the agent or operator; zeros for none.
    pub actor_tag: [u8; 16],
    /// Keyed pseudonym of the device; zeros for none.
    pub device_tag: [u8; 16],
    /// Outcome code; zero for none.
    pub outcome: u8,
    /// Reason code; zero for none.
    pub reason: u16,
    /// Bits whose meaning depends on the kind.
    pub flags: u32,
    /// Proof suite; zero for none.
    pub suite: u8,
    /// Version of the verification rule; zero for none.
    pub rule_version: u16,
    /// Version of the policy in force; zero for none.
    pub policy_version: u32,
    /// Hash of the proved statement; zeros for none.
    pub statement_hash: Hash,
    /// Salted hash of the evidence kept elsewhere; zeros for none.
    pub evidence_commitment: Hash,
    /// Further columns, by type.
    pub extensions: Extensions,
}

impl Leaf {
    /// Writes the canonical bytes: between [`LEAF_FIXED_BYTES`] and [`ENTRY_BYTES_MAX`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LEAF_FIXED_BYTES + usize::from(self.extensions.bytes));
        bytes.push(LEAF_VERSION);
        bytes.extend_from_slice(&self.kind.to_be_bytes());
        bytes.extend_from_slice(&self.stamp_us.to_be_bytes());
        bytes.extend_from_slice(&self.term.to_be_bytes());
        bytes.extend_from_slice(&self.log_index.to_be_bytes());
        bytes.extend_from_slice(&self.ordinal.to_be_bytes());
        bytes.extend_from_slice(&self.tenant.to_be_bytes());
        bytes.extend_from_slice(&self.site.to_be_bytes());
        bytes.extend_from_slice(&self.queue.to_be_bytes());
        bytes.extend_from_slice(&self.contact_id);
        bytes.extend_from_slice(&self.challenge_id);
        bytes.extend_from_slice(&self.subject_tag);
        bytes.extend_from_slice(&self.actor_tag);
        bytes.extend_from_slice(&self.device_tag);
        bytes.push(self.outcome);
        bytes.extend_from_slice(&self.reason.to_be_bytes());
        bytes.extend_from_slice(&self.flags.to_be_bytes());
        bytes.push(self.suite);
        bytes.extend_from_slice(&self.rule_version.to_be_bytes());
        bytes.extend_from_slice(&self.policy_version.to_be_bytes());
        bytes.extend_from_slice(&self.statement_hash);
        bytes.extend_from_slice(&self.evidence_commitment);
        self.extensions.encode_into(&mut bytes);
        bytes
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    ///
    /// [`LeafError`]; anything [`Leaf::encode`] would not write is refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, LeafError> {
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(LeafError::Length);
        }
        let mut rest = bytes;
        match take::<1>(&mut rest) {
            Some([LEAF_VERSION]) => {}
            Some(_) => return Err(LeafError::Version),
            None => return Err(LeafError::Length),
        }
        Self::decode_fields(&mut rest)
            .ok_or(LeafError::Length)
            .and_then(|leaf| {
                Ok(Self {
                    extensions: Extensions::decode(rest)?,
                    ..leaf
                })
            })
    }

    /// Reads the fields between the version and the extensions; the order is the layout.
    fn decode_fields(rest: &mut &[u8]) -> Option<Self> {
        Some(Self {
            kind: u16::from_be_bytes(take(rest)?),
            stamp_us: u64::from_be_bytes(take(rest)?),
            term: u64::from_be_bytes(take(rest)?),
            log_index: u64::from_be_bytes(take(rest)?),
            ordinal: u32::from_be_bytes(take(rest)?),
            tenant: u32::from_be_bytes(take(rest)?),
            site: u16::from_be_bytes(take(rest)?),
            queue: u32::from_be_bytes(take(rest)?),
            contact_id: take(rest)?,
            challenge_id: take(rest)?,
            subject_tag: take(rest)?,
            actor_tag: take(rest)?,
            device_tag: take(rest)?,
            outcome: u8::from_be_bytes(take(rest)?),
            reason: u16::from_be_bytes(take(rest)?),
            flags: u32::from_be_bytes(take(rest)?),
            suite: u8::from_be_bytes(take(rest)?),
            rule_version: u16::from_be_bytes(take(rest)?),
            policy_version: u32::from_be_bytes(take(rest)?),
            statement_hash: take(rest)?,
            evidence_commitment: take(rest)?,
            extensions: Extensions::default(),
        })
    }

    /// Hashes the canonical bytes as a leaf of the tree.
    #[must_use]
    pub fn hash(&self) -> Hash {
        leaf_hash(&self.encode())
    }
}

/// The extensions of a leaf: short values by type, kept verbatim also when the type is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    values: BTreeMap<u16, Vec<u8>>,
    /// What the values take when encoded, headers included.
    bytes: u16,
}

impl Extensions {
    /// Adds a value under a type that has none yet.
    ///
    /// # Errors
    ///
    /// [`LeafError::ExtensionTooLong`], [`LeafError::ExtensionsTooLong`], and
    /// [`LeafError::ExtensionOrder`] when the type is set already.
    pub fn insert(&mut self, kind: u16, value: &[u8]) -> Result<(), LeafError> {
        if value.len() > EXTENSION_BYTES_MAX {
            return Err(LeafError::ExtensionTooLong);
        }
        if self.values.contains_key(&kind) {
            return Err(LeafError::ExtensionOrder);
        }
        let bytes = usize::from(self.bytes) + EXTENSION_HEADER_BYTES + value.len();
        if bytes > EXTENSIONS_BYTES_MAX {
            return Err(LeafError::ExtensionsTooLong);
        }
        self.bytes = u16::try_from(bytes).map_err(|_above| LeafError::ExtensionsTooLong)?;
        self.values.insert(kind, value.to_vec());
        Ok(())
    }

    /// Gives the value of a type.
    #[must_use]
    pub fn value(&self, kind: u16) -> Option<&[u8]> {
        self.values.get(&kind).map(Vec::as_slice)
    }

    /// Walks over types and values, in the order of the types.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &[u8])> {
        self.values
            .iter()
            .map(|(kind, value)| (*kind, value.as_slice()))
    }

    /// Says whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn encode_into(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.bytes.to_be_bytes());
        for (kind, value) in &self.values {
            bytes.extend_from_slice(&kind.to_be_bytes());
            // `insert` keeps values at or below 100 bytes, so the length always fits.
            bytes.extend_from_slice(&u16::try_from(value.len()).unwrap_or(0).to_be_bytes());
            bytes.extend_from_slice(value);
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, LeafError> {
        let mut rest = bytes;
        let length = u16::from_be_bytes(take(&mut rest).ok_or(LeafError::Length)?);
        if rest.len() != usize::from(length) {
            return Err(LeafError::Length);
        }
        let mut extensions = Self::default();
        while !rest.is_empty() {
            let kind = u16::from_be_bytes(take(&mut rest).ok_or(LeafError::Length)?);
            let length = u16::from_be_bytes(take(&mut rest).ok_or(LeafError::Length)?);
            if usize::from(length) > EXTENSION_BYTES_MAX {
                return Err(LeafError::ExtensionTooLong);
            }
            let (value, behind) = rest
                .split_at_checked(usize::from(length))
                .ok_or(LeafError::Length)?;
            if extensions
                .values
                .last_key_value()
                .is_some_and(|(last, _)| *last >= kind)
            {
                return Err(LeafError::ExtensionOrder);
            }
            extensions.insert(kind, value)?;
            rest = behind;
        }
        Ok(extensions)
    }
}
