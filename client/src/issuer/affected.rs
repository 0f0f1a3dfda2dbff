//! Whose verdicts rested on an issuer's key, or on one credential: what to look at after a revocation.
//!
//! The answer comes from the log, verified from the first leaf on: no node is asked to remember it.

use std::collections::BTreeMap;

use akashi_merkle::Leaf;

use crate::answer::Outcome;
use crate::auditor::{Auditor, Flow};
use crate::clock::Deadline;
use crate::error::Error;
use crate::event;

/// Bytes of a digest by which leaves name issuers' keys and credentials.
const NAMED_BY: usize = 8;

/// What verdicts may have rested on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// A key of an issuer, by its id.
    Issuer([u8; 32]),
    /// A credential, by the digest of what its issuer signed.
    Credential([u8; 32]),
}

impl Basis {
    fn is_in(self, leaf: &Leaf) -> bool {
        let (column, digest) = match self {
            Self::Issuer(id) => (event::ISSUERS_COLUMN, id),
            Self::Credential(digest) => (event::CREDENTIALS_COLUMN, digest),
        };
        let Some(named) = leaf.extensions.value(column) else {
            return false;
        };
        named
            .chunks(NAMED_BY)
            .any(|name| digest.starts_with(name) && name.len() == NAMED_BY)
    }
}

/// A verdict that rested on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affected {
    /// The contact; zeros for an agent's login.
    pub contact_id: [u8; 16],
    /// The challenge.
    pub challenge_id: [u8; 16],
    /// Cluster time of the proof, in microseconds since 1970-01-01 UTC.
    pub stamp_us: u64,
    /// The leaf of the proof, whose receipt shows it.
    pub leaf_index: u64,
    /// How the challenge ended.
    pub outcome: Option<Outcome>,
}

/// Reads the whole log and finds every challenge that was answered with something of `basis`, in the
/// order of the log.
///
/// # Errors
///
/// [`Error`], by what can be done about it; [`Error::Integrity`] if the log does not verify.
pub async fn affected(
    auditor: &Auditor,
    basis: Basis,
    deadline: Deadline,
) -> Result<Vec<Affected>, Error> {
    let mut found: Vec<Affected> = Vec::new();
    let mut places: BTreeMap<(u32, [u8; 16]), usize> = BTreeMap::new();
    let mut follower = auditor.follower();
    auditor
        .tail(&mut follower, false, deadline, |index, bytes, _head| {
            let leaf = Leaf::decode(bytes).map_err(|_version| Error::Answer { what: "leaf" })?;
            let key = (leaf.tenant, leaf.challenge_id);
            if leaf.kind == event::PROOF_HELD && basis.is_in(&leaf) {
                places.insert(key, found.len());
                found.push(Affected {
                    contact_id: leaf.contact_id,
                    challenge_id: leaf.challenge_id,
                    stamp_us: leaf.stamp_us,
                    leaf_index: index,
                    outcome: None,
                });
            } else if leaf.kind == event::VERDICT_REACHED
                && let Some(one) = places.get(&key).and_then(|place| found.get_mut(*place))
            {
                one.outcome = Outcome::from_number(i32::from(leaf.outcome))?;
            }
            Ok(Flow::Continue)
        })
        .await?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_names_a_key_by_its_first_bytes_and_no_other_part_of_it() {
        let (mut first, mut second) = ([1; 32], [2; 32]);
        first[8..].fill(9);
        second[8..].fill(9);
        let mut leaf = Leaf::default();
        let named = [[2; 8], [3; 8]].concat();
        leaf.extensions
            .insert(event::ISSUERS_COLUMN, &named)
            .unwrap();
        assert!(!Basis::Issuer(first).is_in(&leaf));
        assert!(Basis::Issuer(second).is_in(&leaf));
        assert!(!Basis::Credential(second).is_in(&leaf));
        // Two names side by side are not a third one.
        let mut across = [0; 32];
        across[..8].copy_from_slice(&[2, 2, 2, 2, 3, 3, 3, 3]);
        assert!(!Basis::Issuer(across).is_in(&leaf));
    }
}
