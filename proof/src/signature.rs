//! Ed25519 signatures of issuers and sensors, verified one by one and strictly.
//!
//! Source: RFC 8032, in the reading of `verify_strict`: A and R canonical and not of small order, S
//! below ℓ, the equation without cofactor. Libraries disagree on everything laxer, and so do batch
//! and single verification; a replicated verdict can afford neither. This file must never call
//! another verification than `verify_strict`.

use core::fmt;

use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::Reason;

/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

macro_rules! signer {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub struct $name(VerifyingKey);

        impl $name {
            /// Reads a key from its 32 bytes.
            ///
            /// # Errors
            /// [`Reason::NonCanonicalPoint`] if the bytes are not the canonical encoding of a curve
            /// point; [`Reason::IdentityPoint`] if the point has small order.
            pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Reason> {
                read_key(bytes).map(Self)
            }

            /// The canonical encoding.
            #[must_use]
            pub fn to_bytes(self) -> [u8; 32] {
                self.0.to_bytes()
            }

            /// The key's id: SHA-256 of its encoding.
            #[must_use]
            pub fn id(self) -> [u8; 32] {
                Sha256::digest(self.0.as_bytes()).into()
            }

            /// Verifies a signature strictly.
            ///
            /// # Errors
            /// [`Reason::SignatureInvalid`].
            pub(crate) fn verify(
                &self,
                message: &[u8],
                signature: &[u8; SIGNATURE_BYTES],
            ) -> Result<(), Reason> {
                self.0
                    .verify_strict(message, &Signature::from_bytes(signature))
                    .ok()
                    .ok_or(Reason::SignatureInvalid)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

signer! {
    /// The public key of an issuer of credentials.
    IssuerKey
}

signer! {
    /// The public key of a sensor.
    SensorKey
}

fn read_key(bytes: &[u8; 32]) -> Result<VerifyingKey, Reason> {
    let point = CompressedEdwardsY(*bytes)
        .decompress()
        .ok_or(Reason::NonCanonicalPoint)?;
    if point.compress().as_bytes() != bytes {
        return Err(Reason::NonCanonicalPoint);
    }
    if point.is_small_order() {
        return Err(Reason::IdentityPoint);
    }
    VerifyingKey::from_bytes(bytes)
        .ok()
        .ok_or(Reason::NonCanonicalPoint)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::IssuerKey;
    use crate::Reason;
    use curve25519_dalek::{
        EdwardsPoint, Scalar,
        constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION},
        traits::IsIdentity,
    };
    use ed25519_dalek::{Signer, SigningKey};
    use serde_json::Value;
    use sha2::{Digest, Sha512};
    use std::{borrow::ToOwned, format, vec::Vec};

    const MESSAGE: &[u8] = b"what an issuer says";

    /// RFC 8032 §7.1; the twelve cases of "Taming the Many `EdDSAs`"; every combination of edge cases of
    /// `A` and `R` that the project CCTV found. Sources: `tests/vectors/published/README.md`.
    const RFC_8032: &str = include_str!("../tests/vectors/published/rfc8032.json");
    const SPECCHECK: &str = include_str!("../tests/vectors/published/ed25519-speccheck.json");
    const CCTV: &str = include_str!("../tests/vectors/published/ed25519-cctv.json");

    #[test]
    fn the_tests_of_rfc_8032_hold_and_with_another_message_or_s_they_do_not() {
        let vectors = list(RFC_8032);
        assert_eq!(vectors.len(), 5);
        for vector in vectors {
            let key = key(vector["public_key"].as_str().unwrap());
            let (message, signature) = (unhex(&vector["message"]), unhex(&vector["signature"]));
            let signature: [u8; 64] = signature.try_into().unwrap();
            assert_eq!(key.verify(&message, &signature), Ok(()));
            let longer = [&message[..], b"x"].concat();
            let refused = Err(Reason::SignatureInvalid);
            assert_eq!(key.verify(&longer, &signature), refused);
            for place in [0, 31, 32, 63] {
                let mut changed = signature;
                changed[place] ^= 1;
                assert_eq!(key.verify(&message, &changed), refused, "byte {place}");
            }
        }
    }

    #[test]
    fn of_the_twelve_edge_cases_of_ssr_2020_only_mixed_order_with_an_exact_equation_holds() {
        let vectors = list(SPECCHECK);
        assert_eq!(vectors.len(), 12);
        for vector in vectors {
            let field = |name: &str| unhex(&vector[name]);
            let holds = strictly(&field("public_key"), &field("message"), &field("signature"));
            assert_eq!(
                Some(holds),
                vector["strict"].as_bool(),
                "{}",
                vector["number"]
            );
        }
    }

    #[test]
    fn every_published_combination_of_odd_points_is_judged_by_its_flags() {
        let file: Value = serde_json::from_str(CCTV).unwrap();
        let text = |name: &str, place: &Value| {
            let place = usize::try_from(place.as_u64().unwrap()).unwrap();
            unhex(&file[name][place])
        };
        // A part of small order in an otherwise large point: the exact equation decides.
        let allowed = ["low_order_component_A", "low_order_component_R"];
        let names = file["flags"].as_array().unwrap();
        let vectors = file["vectors"].as_array().unwrap();
        assert_eq!(vectors.len(), 914);
        let mut held = 0;
        for (number, vector) in vectors.iter().enumerate() {
            let mut message = file["message"].as_str().unwrap().to_owned();
            if let Some(more) = vector[3].as_u64() {
                message += &format!(" {more}");
            }
            let flags = vector[4].as_u64().unwrap();
            let mut raised = names
                .iter()
                .enumerate()
                .filter(|(bit, _)| flags >> bit & 1 == 1);
            let fine = raised.all(|(_, name)| allowed.contains(&name.as_str().unwrap()));
            let signature = [text("R", &vector[1]), unhex(&vector[2])].concat();
            let holds = strictly(&text("keys", &vector[0]), message.as_bytes(), &signature);
            assert_eq!(holds, fine, "vector {number}");
            held += usize::from(holds);
        }
        assert_eq!(held, 43);
    }

    /// Whether a key is one and the signature is one of it.
    fn strictly(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        IssuerKey::from_bytes(key.try_into().unwrap())
            .and_then(|key| key.verify(message, signature.try_into().unwrap()))
            .is_ok()
    }

    fn list(text: &str) -> Vec<Value> {
        serde_json::from_str(text).unwrap()
    }

    fn unhex(value: &Value) -> Vec<u8> {
        hex::decode(value.as_str().unwrap()).unwrap()
    }

    #[test]
    fn a_response_plus_the_order_is_refused() {
        let signing = SigningKey::from_bytes(&[7; 32]);
        let key = IssuerKey::from_bytes(signing.verifying_key().as_bytes()).unwrap();
        let mut signature = signing.sign(MESSAGE).to_bytes();
        assert_eq!(key.verify(MESSAGE, &signature), Ok(()));
        let order = *b"\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10";
        let mut carry = 0_u16;
        for (byte, order) in signature[32..].iter_mut().zip(order) {
            carry += u16::from(*byte) + u16::from(order);
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        assert_eq!(
            key.verify(MESSAGE, &signature),
            Err(Reason::SignatureInvalid)
        );
    }

    #[test]
    #[expect(non_snake_case, reason = "A and R are the RFC's symbols")]
    fn what_only_the_equation_with_cofactor_accepts_is_refused() {
        // R and A may carry a part of small order that a factor of eight would hide.
        let (a, k) = (Scalar::from(77_u8), Scalar::from(78_u8));
        for torsion in EIGHT_TORSION.iter().skip(1) {
            for (in_a, in_r) in [(false, true), (true, false)] {
                let add = |point: EdwardsPoint, add| if add { point + torsion } else { point };
                let A = add(a * ED25519_BASEPOINT_POINT, in_a).compress();
                let R = add(k * ED25519_BASEPOINT_POINT, in_r).compress();
                let hash = Sha512::new()
                    .chain_update(R.0)
                    .chain_update(A.0)
                    .chain_update(MESSAGE);
                let h = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
                let s = k + h * a;
                let signature = [R.0, s.to_bytes()].concat().try_into().unwrap();
                let key = IssuerKey::from_bytes(&A.0).unwrap();
                // h times the torsion in A may be the identity; then the signature is honest.
                let honest = in_a && (h * torsion).is_identity();
                assert_eq!(key.verify(MESSAGE, &signature).is_ok(), honest);
            }
        }
    }

    #[test]
    fn keys_of_small_order_and_keys_with_a_second_encoding_are_refused() {
        for torsion in EIGHT_TORSION {
            assert_eq!(
                IssuerKey::from_bytes(torsion.compress().as_bytes()),
                Err(Reason::IdentityPoint)
            );
        }
        // y = p + 3 encodes the same point as y = 3.
        let mut high = [0xff; 32];
        (high[0], high[31]) = (0xed + 3, 0x7f);
        let mut low = [0; 32];
        low[0] = 3;
        assert!(IssuerKey::from_bytes(&low).is_ok());
        assert_eq!(IssuerKey::from_bytes(&high), Err(Reason::NonCanonicalPoint));
    }

    fn key(text: &str) -> IssuerKey {
        let bytes = hex::decode(text).unwrap().try_into().unwrap();
        IssuerKey::from_bytes(&bytes).unwrap()
    }
}
