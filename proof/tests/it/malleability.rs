//! A proof has one encoding, and whatever differs from it by anything is refused for a fixed
//! reason.

use akashi_proof::{DeviceKey, PinKey, Reason, check};

use crate::scene::{SUBMISSION, context};

/// ℓ, little endian.
const ORDER: [u8; 32] = *b"\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10";

#[test]
fn any_flipped_bit_of_any_proof_is_refused() {
    for (statement, proof) in SUBMISSION.both() {
        assert_eq!(check(&context(), statement, proof), Ok(()));
        for bit in 0..proof.len() * 8 {
            let mut flipped = proof.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let reason = check(&context(), statement, &flipped).expect_err("a flipped bit");
            let expected: &[Reason] = if bit < 256 {
                &[Reason::NonCanonicalPoint, Reason::EquationFailed]
            } else {
                &[Reason::NonCanonicalScalar, Reason::EquationFailed]
            };
            assert!(expected.contains(&reason), "bit {bit}: {reason}");
        }
    }
}

#[test]
fn any_other_length_is_malformed() {
    for (statement, proof) in SUBMISSION.both() {
        for length in (0..64).chain(65..200) {
            let mut bytes = proof.to_vec();
            bytes.resize(length, 0);
            assert_eq!(
                check(&context(), statement, &bytes),
                Err(Reason::Malformed),
                "{length} bytes"
            );
        }
        let twice = [proof, proof].concat();
        assert_eq!(check(&context(), statement, &twice), Err(Reason::Malformed));
    }
}

#[test]
fn the_response_plus_the_group_order_is_refused_as_not_canonical() {
    for (statement, proof) in SUBMISSION.both() {
        let mut bytes = proof.to_vec();
        let mut carry = 0u16;
        for (byte, order) in bytes[32..].iter_mut().zip(ORDER) {
            carry += u16::from(*byte) + u16::from(order);
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        assert_eq!(carry, 0);
        assert_eq!(
            check(&context(), statement, &bytes),
            Err(Reason::NonCanonicalScalar)
        );
    }
}

#[test]
fn the_first_bad_element_from_the_left_gives_the_reason() {
    let bad_point = [0xff; 32];
    let bad_scalar = [0xff; 32];
    let identity = [0; 32];
    for (statement, proof) in SUBMISSION.both() {
        let (point, scalar) = (&proof[..32], &proof[32..]);
        for (bytes, reason) in [
            ([&bad_point, scalar].concat(), Reason::NonCanonicalPoint),
            (
                [&bad_point, &bad_scalar[..]].concat(),
                Reason::NonCanonicalPoint,
            ),
            ([&identity, scalar].concat(), Reason::IdentityPoint),
            ([&identity, &bad_scalar[..]].concat(), Reason::IdentityPoint),
            ([point, &bad_scalar].concat(), Reason::NonCanonicalScalar),
            ([point, &[0; 32]].concat(), Reason::EquationFailed),
        ] {
            assert_eq!(check(&context(), statement, &bytes), Err(reason));
            let form = if reason == Reason::EquationFailed {
                Ok(())
            } else {
                Err(reason)
            };
            assert_eq!(statement.well_formed(&bytes), form);
        }
    }
}

#[test]
fn keys_are_canonical_and_not_the_identity() {
    assert_eq!(DeviceKey::from_bytes(&[0; 32]), Err(Reason::IdentityPoint));
    assert_eq!(PinKey::from_bytes(&[0; 32]), Err(Reason::IdentityPoint));
    assert_eq!(
        DeviceKey::from_bytes(&[0xff; 32]),
        Err(Reason::NonCanonicalPoint)
    );
    assert_eq!(
        PinKey::from_bytes(&[0xff; 32]),
        Err(Reason::NonCanonicalPoint)
    );
}
