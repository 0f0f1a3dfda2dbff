//! What one slot of the Raft log says: commands, and what the leader stamped on them.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::command::Request;
use crate::ids::{Digest, Stamp};
use crate::limits::REQUESTS_PER_ENTRY_MAX;

/// The meaning of an entry; a change of meaning gets a new number, old entries keep theirs.
pub const RULE_VERSION: u16 = 1;

/// Commands packed by the leader from one drain of its queue.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Entry {
    /// [`RULE_VERSION`] of the leader; a replica that lacks the rule stops, it never skips.
    pub rule_version: u16,
    /// The leader's clock; apply clamps it so that cluster time never runs backwards.
    pub stamp: Stamp,
    /// The leader's randomness, from which nonces, tokens and salts are derived.
    pub random: [u8; 32],
    /// The newest sealed head the leader knew: size and root. Believed only if this replica computed
    /// the same root.
    pub sealed: Option<Sealed>,
    /// The commands, in order. Empty: only timers fire.
    pub requests: Vec<Request>,
}

/// What the leader stamps on an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryHead {
    /// The leader's clock.
    pub stamp: Stamp,
    /// The leader's randomness.
    pub random: [u8; 32],
    /// The newest sealed head the leader knows.
    pub sealed: Option<Sealed>,
}

/// A sealed head's size and root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Sealed {
    /// Leaves under the head.
    pub size: u64,
    /// The head's root.
    pub root: Digest,
}

/// Why bytes are not an entry this version understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Not the encoding of an entry.
    #[error("the entry does not decode")]
    Malformed,
    /// Made under a rule that this version lacks: the replica must stop and be upgraded.
    #[error("the entry follows a rule that this version does not have")]
    UnknownRule,
    /// More commands than one entry may hold.
    #[error("the entry holds too many commands")]
    TooMany,
}

impl Entry {
    /// Canonical bytes (Borsh).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Canonical bytes of an entry without requests and of requests that are encoded already
    /// ([`Request::encode`]): what a leader packs without looking into them.
    #[must_use]
    pub fn pack<B: AsRef<[u8]>>(head: &EntryHead, requests: &[B]) -> Vec<u8> {
        let count = u32::try_from(requests.len()).unwrap_or(u32::MAX);
        let bytes = requests
            .iter()
            .map(|request| request.as_ref().len())
            .sum::<usize>();
        let mut packed = encode(&(RULE_VERSION, head.stamp, head.random, head.sealed, count));
        packed.reserve_exact(bytes);
        for request in requests {
            packed.extend_from_slice(request.as_ref());
        }
        packed
    }

    /// Parses canonical bytes.
    ///
    /// # Errors
    ///
    /// [`EntryError`]; the same bytes give the same error on every replica.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let rule = bytes.first_chunk().map(|rule| u16::from_le_bytes(*rule));
        if rule != Some(RULE_VERSION) {
            return Err(rule.map_or(EntryError::Malformed, |_| EntryError::UnknownRule));
        }
        let entry: Self = borsh::from_slice(bytes).map_err(|_malformed| EntryError::Malformed)?;
        if entry.requests.len() > REQUESTS_PER_ENTRY_MAX {
            return Err(EntryError::TooMany);
        }
        Ok(entry)
    }

    /// The stamp of canonical bytes, without reading the rest of them; none for bytes of another rule.
    #[must_use]
    pub fn stamp_of(bytes: &[u8]) -> Option<Stamp> {
        let (rule, rest) = bytes.split_first_chunk()?;
        let (stamp, _) = rest.split_first_chunk()?;
        (u16::from_le_bytes(*rule) == RULE_VERSION).then_some(Stamp(u64::from_le_bytes(*stamp)))
    }
}

/// Canonical bytes of anything the core stores or sends.
///
/// Writing to memory cannot fail, so an error here would be a fault of the encoder; it is answered
/// with empty bytes, which decode as nothing.
#[must_use]
pub fn encode<T: BorshSerialize>(value: &T) -> Vec<u8> {
    borsh::to_vec(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, CreateTenant};
    use crate::ids::{ClientId, RequestId};

    #[test]
    fn the_stamp_of_an_entry_is_read_without_the_rest_of_it() {
        let entry = Entry {
            rule_version: RULE_VERSION,
            stamp: Stamp(1_763_000_000_123_456),
            random: [7; 32],
            sealed: None,
            requests: Vec::new(),
        };
        let bytes = entry.encode();
        assert_eq!(Entry::stamp_of(&bytes), Some(entry.stamp));
        assert_eq!(Entry::stamp_of(&bytes[..10]), Some(entry.stamp));
        assert_eq!(Entry::stamp_of(&bytes[..9]), None);
        assert_eq!(Entry::stamp_of(&[]), None);
        let mut other = bytes;
        other[0] ^= 0x80;
        assert_eq!(Entry::stamp_of(&other), None);
    }

    #[test]
    fn requests_that_were_encoded_one_by_one_are_packed_to_the_same_bytes() {
        let request = |number: u8| Request {
            id: RequestId([number; 16]),
            client: ClientId([2; 16]),
            not_after: Stamp(u64::MAX),
            command: Command::CreateTenant(CreateTenant {
                tenant: "t".repeat(usize::from(number)),
            }),
        };
        let sealed = Sealed {
            size: 7,
            root: Digest([4; 32]),
        };
        for (count, sealed) in [(0, None), (1, Some(sealed)), (9, None), (40, Some(sealed))] {
            let entry = Entry {
                rule_version: RULE_VERSION,
                stamp: Stamp(1_800_000_000_000_000),
                random: [3; 32],
                sealed,
                requests: (0..count).map(request).collect(),
            };
            let head = EntryHead {
                stamp: entry.stamp,
                random: entry.random,
                sealed,
            };
            let encoded: Vec<Vec<u8>> = entry.requests.iter().map(Request::encode).collect();
            let packed = Entry::pack(&head, &encoded);
            assert_eq!(packed, entry.encode());
            assert_eq!(Entry::decode(&packed), Ok(entry));
        }
    }
}
