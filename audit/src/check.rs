//! Checking signed heads against a key set, and finding cosigners that contradict themselves.
//!
//! A [`CheckedHead`] can only be made here: holding one means that a quorum of distinct, pinned
//! replicas has signed that it executed every entry up to its size and got its root.
//!
//! # Sources
//!
//! <https://c2sp.org/signed-note>, "Signatures": unknown keys are ignored, a bad signature of a
//! known key makes the whole note bad.

use alloc::string::String;
use alloc::vec::Vec;

use thiserror::Error;

use crate::cosign::Cosignature;
use crate::head::Head;
use crate::keys::{Cosigner, KeySet};
use crate::note::{NoteSignature, SIGNATURES_MAX, SignedHead};
use crate::tree::Hash;

/// Why a signed head is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CheckError {
    /// The head belongs to another log, group or epoch than the key set.
    #[error("head has another origin than the key set")]
    WrongOrigin,
    /// A line carries the name and id of a pinned key, and its signature does not hold.
    #[error("signature of a known cosigner does not hold")]
    BadSignature,
    /// Fewer distinct pinned cosigners signed than the key set demands.
    #[error("{held} of {needed} needed cosigners signed")]
    NoQuorum {
        /// Distinct cosigners whose signature holds.
        held: usize,
        /// What the key set demands.
        needed: usize,
    },
    /// There are more than [`SIGNATURES_MAX`] signature lines.
    #[error("too many signatures")]
    TooManySignatures,
}

/// One cosigner's checked word about a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouch {
    /// Name of the replica inside its site.
    pub name: String,
    /// Where it stands.
    pub site: String,
    /// Its own clock when it signed, in seconds since 1970-01-01 UTC.
    pub time_s: u64,
}

/// A head that a quorum of the key set has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedHead {
    head: Head,
    vouches: Vec<Vouch>,
}

impl CheckedHead {
    /// Gives the head.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// Gives the number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.head.size
    }

    /// Gives the root.
    #[must_use]
    pub const fn root(&self) -> &Hash {
        &self.head.root
    }

    /// Gives who signed and when, in the order of the signature lines, each cosigner once.
    #[must_use]
    pub fn vouches(&self) -> &[Vouch] {
        &self.vouches
    }
}

impl SignedHead {
    /// Checks the signatures against a key set.
    ///
    /// A cosigner that signed twice counts once; lines of unknown keys are ignored.
    ///
    /// # Errors
    ///
    /// [`CheckError`].
    ///
    /// # Cost
    ///
    /// One Ed25519 check per line of a known key, about 35 µs each.
    pub fn check(&self, keys: &KeySet) -> Result<CheckedHead, CheckError> {
        let held = self.held_signatures(keys)?;
        let vouches = held
            .into_iter()
            .map(|(cosigner, _, time_s)| Vouch {
                name: cosigner.name.clone(),
                site: cosigner.site.clone(),
                time_s,
            })
            .collect();
        Ok(CheckedHead {
            head: self.head.clone(),
            vouches,
        })
    }

    /// Checks, and keeps only as many signature lines as the quorum needs.
    ///
    /// Receipts are made from such heads: they are as short as can be, and no byte of them can
    /// change without the check failing.
    ///
    /// # Errors
    ///
    /// [`CheckError`].
    pub fn to_quorum(&self, keys: &KeySet) -> Result<Self, CheckError> {
        let held = self.held_signatures(keys)?;
        let signatures = held
            .into_iter()
            .take(keys.quorum())
            .map(|(_, line, _)| line.clone())
            .collect();
        Ok(Self {
            head: self.head.clone(),
            signatures,
        })
    }

    /// Finds the first line of each distinct known cosigner, all checked, with its time.
    fn held_signatures<'a>(
        &'a self,
        keys: &'a KeySet,
    ) -> Result<Vec<(&'a Cosigner, &'a NoteSignature, u64)>, CheckError> {
        if self.head.origin != *keys.origin() {
            return Err(CheckError::WrongOrigin);
        }
        if self.signatures.len() > SIGNATURES_MAX {
            return Err(CheckError::TooManySignatures);
        }
        let text = self.head.to_text();
        let mut held: Vec<(&Cosigner, &NoteSignature, u64)> = Vec::new();
        for line in &self.signatures {
            let Some(cosigner) = keys.cosigner(&line.name, line.key_id) else {
                continue;
            };
            let cosignature = Cosignature::from_note_signature(line)
                .map_err(|_malformed| CheckError::BadSignature)?;
            cosigner
                .key
                .verify_note_text(&text, &cosignature)
                .map_err(|_does_not_hold| CheckError::BadSignature)?;
            if held.iter().all(|(other, _, _)| other.key != cosigner.key) {
                held.push((cosigner, line, cosignature.time_s));
            }
        }
        if held.len() < keys.quorum() {
            return Err(CheckError::NoQuorum {
                held: held.len(),
                needed: keys.quorum(),
            });
        }
        Ok(held)
    }
}

/// Evidence that one cosigner signed two different roots for one size of one log.
///
/// It convicts by itself: both heads carry the culprit's signature and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivocation {
    /// Who contradicted itself.
    pub cosigner: Cosigner,
    /// One head, with the cosigner's signature alone.
    pub first: SignedHead,
    /// The other head, with the cosigner's signature alone.
    pub second: SignedHead,
}

/// Finds the cosigners of a key set that signed both of two heads which cannot both be true:
/// same log and size, different roots.
///
/// Signatures that do not hold prove nothing and are passed over. No quorum is needed: the
/// evidence is about each signer alone.
#[must_use]
pub fn find_equivocation(
    first: &SignedHead,
    second: &SignedHead,
    keys: &KeySet,
) -> Vec<Equivocation> {
    let (a, b) = (&first.head, &second.head);
    let contradict = a.origin == b.origin && a.size == b.size && a.root != b.root;
    if !contradict || a.origin != *keys.origin() {
        return Vec::new();
    }
    keys.cosigners()
        .iter()
        .filter_map(|cosigner| {
            Some(Equivocation {
                cosigner: cosigner.clone(),
                first: signed_by(first, cosigner)?,
                second: signed_by(second, cosigner)?,
            })
        })
        .collect()
}

/// Reduces a head to one valid signature of the cosigner.
fn signed_by(signed: &SignedHead, cosigner: &Cosigner) -> Option<SignedHead> {
    let cosignature = signed
        .cosignatures()
        .take(SIGNATURES_MAX)
        .find(|cosignature| cosigner.key.verify(&signed.head, cosignature).is_ok())?;
    Some(SignedHead::new(signed.head.clone(), [&cosignature]))
}
