//! The digest that is bound into every proof: SHA-256("akashi/v1/policy" ‖ 0 ‖ the policy's encoding).
//!
//! The encoding is borsh (<https://borsh.io>): numbers little endian, texts and lists with four bytes of
//! length, choices with one byte. It is written out here because this crate does not know the state
//! machine; a test of the workspace compares the two.

use sha2::{Digest as _, Sha256};

use super::{Predicate, Rules, Source, Test};

impl Rules {
    /// The digest of these rules as version `version` of `policy`.
    #[must_use]
    pub fn digest(&self, tenant: &str, policy: &str, version: u32) -> [u8; 32] {
        let mut bytes = Vec::new();
        put_text(&mut bytes, tenant);
        put_text(&mut bytes, policy);
        bytes.extend_from_slice(&version.to_le_bytes());
        self.put(&mut bytes);
        let mut hash = Sha256::new();
        hash.update(b"akashi/v1/policy");
        hash.update([0]);
        hash.update(&bytes);
        hash.finalize().into()
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.push(self.purpose.of_context().code());
        bytes.push(u8::from(self.require_possession));
        bytes.push(u8::from(self.require_knowledge));
        put_length(bytes, self.predicates.len());
        for predicate in &self.predicates {
            put_predicate(bytes, predicate);
        }
        bytes.push(u8::from(self.face.is_some()));
        if let Some(face) = &self.face {
            put_text(bytes, &face.model_id);
            bytes.extend_from_slice(&face.dimensions.to_le_bytes());
            bytes.extend_from_slice(&face.tau.to_le_bytes());
            bytes.push(face.min_level);
            bytes.extend_from_slice(&face.max_age_s.to_le_bytes());
        }
        bytes.push(u8::from(self.consent.is_some()));
        if let Some(consent) = &self.consent {
            bytes.extend_from_slice(&consent.recipient);
            bytes.extend_from_slice(&consent.max_payload_bytes.to_le_bytes());
        }
        bytes.extend_from_slice(&self.challenge_ttl_s.to_le_bytes());
        bytes.extend_from_slice(&self.verdict_ttl_s.to_le_bytes());
        self.grants.put(bytes);
        self.agents.put(bytes);
    }
}

fn put_predicate(bytes: &mut Vec<u8>, predicate: &Predicate) {
    put_source(bytes, &predicate.source);
    match &predicate.test {
        Test::AtLeast { bits, bound } => {
            bytes.extend_from_slice(&[1, *bits]);
            bytes.extend_from_slice(&bound.to_le_bytes());
        }
        Test::AtMost { bits, bound } => {
            bytes.extend_from_slice(&[2, *bits]);
            bytes.extend_from_slice(&bound.to_le_bytes());
        }
        Test::Within { bits, low, high } => {
            bytes.extend_from_slice(&[3, *bits]);
            bytes.extend_from_slice(&low.to_le_bytes());
            bytes.extend_from_slice(&high.to_le_bytes());
        }
        Test::OneOf { values } => {
            bytes.push(4);
            put_length(bytes, values.len());
            for value in values {
                bytes.extend_from_slice(&value.to_le_bytes());
            }
        }
        Test::Equals { value } => {
            bytes.push(5);
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        Test::CoversAmount { bits, amount } => bytes.extend_from_slice(&[6, *bits, *amount]),
        Test::SameAs(source) => {
            bytes.push(7);
            put_source(bytes, source);
        }
    }
}

fn put_source(bytes: &mut Vec<u8>, source: &Source) {
    put_length(bytes, source.issuers.len());
    for issuer in &source.issuers {
        put_text(bytes, issuer);
    }
    put_text(bytes, &source.schema);
    bytes.extend_from_slice(&source.schema_version.to_le_bytes());
    bytes.extend_from_slice(&source.attribute.to_le_bytes());
}

pub(super) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_length(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

pub(super) fn put_length(bytes: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
}
