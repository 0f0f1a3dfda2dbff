//! ristretto255 (RFC 9496): strict decoding, and the reductions that turn bytes into scalars.
//!
//! This is the only file of the verifier that decodes group elements or scalars. It must never
//! accept a second encoding of anything: a proof that can be rewritten is a proof with two entries
//! in the log.
//!
//! | symbol | meaning |
//! |---|---|
//! | B | the generator of RFC 9496 §4 |
//! | ℓ | the group's prime order, 2²⁵² + 27742317777372353535851937790883648493 |

use curve25519_dalek::{
    ristretto::{CompressedRistretto, RistrettoPoint},
    scalar::Scalar,
};

use crate::Reason;

/// Bytes of an encoded group element and of an encoded scalar.
pub(crate) const ELEMENT_BYTES: usize = 32;

/// The generator B.
pub(crate) use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT as B;

/// Decodes a group element that must be canonical and not the identity.
///
/// # Errors
/// [`Reason::NonCanonicalPoint`], then [`Reason::IdentityPoint`].
pub(crate) fn decode_point(bytes: &[u8; ELEMENT_BYTES]) -> Result<RistrettoPoint, Reason> {
    // The one encoding of the identity.
    if *bytes == [0; ELEMENT_BYTES] {
        return Err(Reason::IdentityPoint);
    }
    CompressedRistretto(*bytes)
        .decompress()
        .ok_or(Reason::NonCanonicalPoint)
}

/// Decodes the sum of commitments: canonical, and the identity only where nothing was added.
///
/// # Errors
/// [`Reason::NonCanonicalPoint`].
pub(crate) fn decode_sum(bytes: &[u8; ELEMENT_BYTES]) -> Result<RistrettoPoint, Reason> {
    CompressedRistretto(*bytes)
        .decompress()
        .ok_or(Reason::NonCanonicalPoint)
}

/// Decodes a scalar, little endian, that must be below ℓ. Zero is allowed.
///
/// # Errors
/// [`Reason::NonCanonicalScalar`].
pub(crate) fn decode_scalar(bytes: &[u8; ELEMENT_BYTES]) -> Result<Scalar, Reason> {
    Option::from(Scalar::from_canonical_bytes(*bytes)).ok_or(Reason::NonCanonicalScalar)
}

/// 48 squeezed bytes as a little-endian integer modulo ℓ.
pub(crate) fn scalar_from_challenge(bytes: &[u8; 48]) -> Scalar {
    let mut wide = [0; 64];
    for (to, from) in wide.iter_mut().zip(bytes) {
        *to = *from;
    }
    Scalar::from_bytes_mod_order_wide(&wide)
}

/// 16 squeezed bytes as a little-endian integer; always below ℓ.
pub(crate) fn scalar_from_weight(bytes: [u8; 16]) -> Scalar {
    Scalar::from(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{B, decode_point, decode_scalar};
    use crate::Reason;
    use curve25519_dalek::{RistrettoPoint, Scalar, traits::Identity};
    use serde_json::Value;
    use std::vec::Vec;

    const PUBLISHED: &str = include_str!("../tests/vectors/published/rfc9496.json");

    #[test]
    fn small_multiples_of_the_generator_encode_as_in_rfc_9496_a_1() {
        let vectors = published();
        let encodings = vectors["small_multiples_of_the_generator"]
            .as_array()
            .expect("list");
        assert_eq!(encodings.len(), 16);
        let mut multiple = RistrettoPoint::identity();
        for (i, encoding) in encodings.iter().enumerate() {
            let encoding: [u8; 32] = unhex(encoding);
            assert_eq!(multiple.compress().to_bytes(), encoding, "{i} B");
            assert_eq!(
                decode_point(&encoding),
                if i == 0 {
                    Err(Reason::IdentityPoint)
                } else {
                    Ok(multiple)
                }
            );
            multiple += B;
        }
    }

    #[test]
    fn every_invalid_encoding_of_rfc_9496_a_2_is_refused() {
        let vectors = published();
        let mut seen = 0;
        for (cause, encodings) in vectors["invalid_encodings"].as_object().expect("map") {
            for encoding in encodings.as_array().expect("list") {
                assert_eq!(
                    decode_point(&unhex(encoding)),
                    Err(Reason::NonCanonicalPoint),
                    "{cause}: {encoding}"
                );
                seen += 1;
            }
        }
        assert_eq!(seen, 29);
    }

    #[test]
    fn the_one_way_map_gives_the_elements_of_rfc_9496_a_3() {
        let vectors = published();
        let pairs = vectors["one_way_map"].as_array().expect("list");
        assert_eq!(pairs.len(), 7);
        for pair in pairs {
            assert_eq!(one_way(&pair["input"]), unhex::<32>(&pair["output"]));
        }
        let same = &vectors["one_way_map_same_output"];
        let inputs = same["inputs"].as_array().expect("list");
        assert_eq!(inputs.len(), 4);
        for input in inputs {
            assert_eq!(one_way(input), unhex::<32>(&same["output"]));
        }
    }

    #[test]
    fn the_group_order_is_no_scalar_and_one_less_is() {
        let order = *b"\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10";
        assert_eq!(decode_scalar(&order), Err(Reason::NonCanonicalScalar));
        let mut below = order;
        below[0] -= 1;
        assert_eq!(decode_scalar(&below), Ok(-Scalar::ONE));
        assert_eq!(decode_scalar(&[0xff; 32]), Err(Reason::NonCanonicalScalar));
    }

    fn one_way(input: &Value) -> [u8; 32] {
        RistrettoPoint::from_uniform_bytes(&unhex(input))
            .compress()
            .to_bytes()
    }

    fn published() -> Value {
        serde_json::from_str(PUBLISHED).expect("vector file")
    }

    fn unhex<const N: usize>(value: &Value) -> [u8; N] {
        let bytes: Vec<u8> = hex::decode(value.as_str().expect("text")).expect("hex");
        bytes.try_into().expect("length")
    }
}
