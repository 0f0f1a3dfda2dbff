//! Fiat–Shamir: the SHAKE128 duplex sponge, session identifiers and challenges.
//!
//! Source: draft-irtf-cfrg-fiat-shamir-03 (§4 duplex sponge interface, §5.1 session identifiers,
//! SHAKE128 instantiation). The published vectors are run at the end of this file. Nothing here is
//! public outside the crate: a caller who could absorb or squeeze could build a proof system of its
//! own by accident.
//!
//! | symbol | meaning |
//! |---|---|
//! | sid | 32-byte session identifier: kind and context |
//! | c | challenge: 48 squeezed bytes, little endian, modulo ℓ |

use alloc::boxed::Box;

use curve25519_dalek::scalar::Scalar;
use once_cell::race::OnceBox;
use shake::{ExtendableOutput, Shake128, Shake128Reader, Update, XofReader};

use crate::group;

/// Bytes of a session identifier.
pub(crate) const SESSION_ID_BYTES: usize = 32;

/// SHAKE128's rate in bytes (FIPS 202 §6.2): the identifier fills the first block alone.
const RATE_BYTES: usize = 168;

/// The fixed identifier under which session identifiers themselves are derived.
const SESSION_ID_DOMAIN: &[u8; SESSION_ID_BYTES] = b"irtf-cfrg-fiat-shamir/session-id";

/// The duplex sponge: absorbing continues one input stream, squeezing one output stream.
///
/// A squeeze reads from a finalised copy of the absorbing state, so that a later non-empty absorb
/// goes on where the last absorb stopped; an empty absorb changes nothing.
pub(crate) struct Sponge {
    absorbed: Shake128,
    output: Option<Shake128Reader>,
}

impl Sponge {
    /// `Init(session_id)`: the identifier, zero-filled to one whole block.
    pub(crate) fn init(sid: &[u8; SESSION_ID_BYTES]) -> Self {
        let mut absorbed = Shake128::default();
        absorbed.update(sid);
        absorbed.update(&[0; RATE_BYTES - SESSION_ID_BYTES]);
        Self {
            absorbed,
            output: None,
        }
    }

    /// `Absorb(bytes)`.
    pub(crate) fn absorb(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.output = None;
        self.absorbed.update(bytes);
    }

    /// `Squeeze(N)`.
    pub(crate) fn squeeze<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        let absorbed = &self.absorbed;
        self.output
            .get_or_insert_with(|| absorbed.clone().finalize_xof())
            .read(&mut bytes);
        bytes
    }
}

/// `DeriveSessionID` over the parts of a tag, taken as one string.
///
/// The state after the domain's block is the same each time and kept; it is no secret.
pub(crate) fn session_id(tag: &[&[u8]]) -> [u8; SESSION_ID_BYTES] {
    static DOMAIN: OnceBox<Shake128> = OnceBox::new();
    let absorbed = DOMAIN.get_or_init(|| Box::new(Sponge::init(SESSION_ID_DOMAIN).absorbed));
    let mut sponge = Sponge {
        absorbed: absorbed.clone(),
        output: None,
    };
    for part in tag {
        sponge.absorb(part);
    }
    sponge.squeeze()
}

/// The conversation of one proof: instance first, then the prover's moves, each followed by
/// challenges.
pub struct Transcript {
    sponge: Sponge,
}

impl Transcript {
    /// Opens the transcript of one statement under one session.
    pub(crate) fn new(sid: &[u8; SESSION_ID_BYTES], instance: &[u8]) -> Self {
        let mut sponge = Sponge::init(sid);
        sponge.absorb(instance);
        Self { sponge }
    }

    /// Absorbs the bytes of a prover's move, exactly as they stand in the proof.
    pub(crate) fn absorb(&mut self, message: &[u8]) {
        self.sponge.absorb(message);
    }

    /// The verifier's next challenge; its distance from uniform is below 2⁻¹²⁸ (384 bits reduced to
    /// 253).
    pub(crate) fn challenge(&mut self) -> Scalar {
        group::scalar_from_challenge(&self.sponge.squeeze())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{Sponge, session_id};
    use serde_json::Value;
    use std::vec::Vec;

    const PUBLISHED: &str = include_str!("../tests/vectors/published/fiat-shamir-shake128.json");

    #[test]
    fn the_published_shake128_vectors_hold() {
        let vectors: Vec<Value> = serde_json::from_str(PUBLISHED).expect("vector file");
        let mut sponges = 0;
        let mut session_ids = 0;
        for vector in &vectors {
            let name = text(vector, "Name");
            match text(vector, "Function") {
                "DuplexSponge" | "DecodeUint" => {
                    let sid = bytes(vector, "SessionId").try_into().expect("32 bytes");
                    assert_eq!(
                        replay(&sid, &vector["Operations"]),
                        bytes(vector, "Output"),
                        "{name}"
                    );
                    sponges += 1;
                }
                "DeriveSessionID" => {
                    assert_eq!(
                        session_id(&[&bytes(vector, "Tag")]).to_vec(),
                        bytes(vector, "Output"),
                        "{name}"
                    );
                    session_ids += 1;
                }
                // Needs arithmetic modulo 2^31 - 1, which no statement of ours uses.
                "Sumcheck" => {}
                other => panic!("vector function {other} is not known"),
            }
        }
        assert_eq!((vectors.len(), sponges, session_ids), (13, 10, 1));
    }

    #[test]
    fn a_tag_in_parts_is_the_tag_in_one_piece() {
        assert_eq!(
            session_id(&[b"akashi", b"", b"/v1/"]),
            session_id(&[b"akashi/v1/"])
        );
    }

    fn replay(sid: &[u8; 32], operations: &Value) -> Vec<u8> {
        let mut sponge = Sponge::init(sid);
        let mut output = Vec::new();
        for operation in operations.as_array().expect("operations") {
            match text(operation, "type") {
                "absorb" => sponge.absorb(&bytes(operation, "data")),
                "squeeze" => {
                    // Squeezing is associative, so byte by byte gives the same stream.
                    for _ in 0..operation["length"].as_u64().expect("length") {
                        output.extend(sponge.squeeze::<1>());
                    }
                }
                other => panic!("operation {other} is not known"),
            }
        }
        output
    }

    fn text<'a>(value: &'a Value, field: &str) -> &'a str {
        value[field]
            .as_str()
            .unwrap_or_else(|| panic!("{field} is missing"))
    }

    fn bytes(value: &Value, field: &str) -> Vec<u8> {
        hex::decode(text(value, field)).expect("hex")
    }
}
