//! A tripwire: signatures that ed25519-dalek's batch verification accepts and its strict one refuses.
//!
//! This is why no batch of signatures is verified anywhere here: a replica that met a signature alone
//! and one that met it in a batch would disagree. If a release makes the two agree, this test fails
//! and the rule may be looked at again. Nothing but this file may name the batch.

use curve25519_dalek::{
    EdwardsPoint, Scalar,
    constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION},
    edwards::CompressedEdwardsY,
    traits::IsIdentity,
};
use ed25519_dalek::{Signature, VerifyingKey, verify_batch};
use sha2::{Digest, Sha512};

use crate::{IssuerKey, Reason};

const MESSAGE: &[u8] = b"what an issuer says";

struct Signed {
    key: [u8; 32],
    signature: [u8; 64],
}

/// A signature by `a` with nonce `k`, with parts of small order added to key and commitment.
fn signed(a: Scalar, k: Scalar, in_key: EdwardsPoint, in_nonce: EdwardsPoint) -> Signed {
    let key = (a * ED25519_BASEPOINT_POINT + in_key).compress();
    let nonce = (k * ED25519_BASEPOINT_POINT + in_nonce).compress();
    let s = k + challenge(&nonce, &key) * a;
    Signed {
        key: key.0,
        signature: [nonce.0, s.to_bytes()].concat().try_into().unwrap(),
    }
}

fn challenge(nonce: &CompressedEdwardsY, key: &CompressedEdwardsY) -> Scalar {
    let hash = Sha512::new()
        .chain_update(nonce.0)
        .chain_update(key.0)
        .chain_update(MESSAGE);
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

impl Signed {
    fn in_batch(&self) -> bool {
        let key = VerifyingKey::from_bytes(&self.key).unwrap();
        verify_batch(
            &[MESSAGE],
            &[Signature::from_bytes(&self.signature)],
            &[key],
        )
        .is_ok()
    }

    fn strictly(&self) -> bool {
        let key = VerifyingKey::from_bytes(&self.key).unwrap();
        key.verify_strict(MESSAGE, &Signature::from_bytes(&self.signature))
            .is_ok()
    }

    fn by_us(&self) -> Result<(), Reason> {
        IssuerKey::from_bytes(&self.key)?.verify(MESSAGE, &self.signature)
    }
}

fn none() -> EdwardsPoint {
    EIGHT_TORSION[0]
}

#[test]
fn an_honest_signature_is_accepted_by_all() {
    let signed = signed(Scalar::from(77_u8), Scalar::from(78_u8), none(), none());
    assert!(signed.in_batch() && signed.strictly());
    assert_eq!(signed.by_us(), Ok(()));
}

#[test]
fn the_batch_accepts_a_key_that_signs_everything_and_strict_verification_does_not() {
    let signed = signed(Scalar::ZERO, Scalar::from(78_u8), none(), none());
    assert!(
        signed.in_batch(),
        "the batch has become strict: look at the rule again"
    );
    assert!(!signed.strictly());
    assert_eq!(signed.by_us(), Err(Reason::IdentityPoint));
}

#[test]
fn the_batch_accepts_a_commitment_of_small_order_and_strict_verification_does_not() {
    let signed = signed(Scalar::from(77_u8), Scalar::ZERO, none(), none());
    assert!(
        signed.in_batch(),
        "the batch has become strict: look at the rule again"
    );
    assert!(!signed.strictly());
    assert_eq!(signed.by_us(), Err(Reason::SignatureInvalid));
}

#[test]
fn whether_the_batch_accepts_a_part_of_small_order_is_a_matter_of_luck() {
    let torsion = EIGHT_TORSION[4];
    assert!((torsion + torsion).is_identity() && !torsion.is_identity());
    let accepted = (1..=64_u8)
        .map(|k| signed(Scalar::from(77_u8), Scalar::from(k), none(), torsion))
        .inspect(|signed| assert_eq!(signed.by_us(), Err(Reason::SignatureInvalid)))
        .filter(Signed::in_batch)
        .count();
    assert!((1..64).contains(&accepted), "{accepted} of 64");
}
