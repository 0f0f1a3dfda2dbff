//! Names that leave the tenant: keyed tags for the audit log, and the hash that stands for a subject
//! inside proofs.
//!
//! The tag key stays with the platform. The cluster gets tags, never the key, so that nobody who
//! reads the log can try out handles.

use std::fmt;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroize as _;

/// The tenant's key for pseudonyms in the audit log: 32 bytes, kept by the platform.
pub struct TagKey([u8; 32]);

impl Drop for TagKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagKey([redacted])")
    }
}

impl TagKey {
    /// Takes the 32 bytes of a key.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the text form: 64 hexadecimal digits, white space around them ignored.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = hex::decode(text.trim()).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// The pseudonym of a subject or an agent: the first 16 bytes of HMAC-SHA256 over its handle.
    #[must_use]
    pub fn tag(&self, handle: &str) -> Vec<u8> {
        let mac = hmac_sha256(&self.0, handle.as_bytes());
        mac.get(..16).unwrap_or_default().to_vec()
    }
}

/// The 32 bytes that stand for a subject in proof contexts.
///
/// SHA-256 of `akashi/v1/subject`, a zero byte, the tenant's name, a zero byte and the handle. A
/// phone computes it itself: a context with another value is not about its owner.
#[must_use]
pub fn subject_hash(tenant: &str, subject: &str) -> [u8; 32] {
    party_hash(b"akashi/v1/subject", tenant, subject)
}

/// The 32 bytes that stand for an agent in proof contexts: as [`subject_hash`], under a label of its
/// own.
#[must_use]
pub fn agent_hash(tenant: &str, agent: &str) -> [u8; 32] {
    party_hash(b"akashi/v1/agent", tenant, agent)
}

fn party_hash(label: &[u8], tenant: &str, handle: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(label);
    for part in [tenant, handle] {
        hash.update([0]);
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

/// HMAC-SHA256 with a 32-byte key (RFC 2104; the key is shorter than a block, so it is padded).
pub(crate) fn hmac_sha256(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mut inner_pad = [0x36_u8; 64];
    let mut outer_pad = [0x5c_u8; 64];
    for ((inner, outer), byte) in inner_pad.iter_mut().zip(outer_pad.iter_mut()).zip(key) {
        *inner ^= byte;
        *outer ^= byte;
    }
    let inner: [u8; 32] = Sha256::new()
        .chain_update(inner_pad)
        .chain_update(message)
        .finalize()
        .into();
    inner_pad.zeroize();
    let outer = Sha256::new()
        .chain_update(outer_pad)
        .chain_update(inner)
        .finalize()
        .into();
    outer_pad.zeroize();
    outer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_agrees_with_openssl() {
        // printf 'what do ya want for nothing?' | openssl dgst -sha256 -mac HMAC -macopt hexkey:4a65…00
        // A key padded with zeros to 32 bytes is the same HMAC key: RFC 4231 test case 2.
        let mut key = [0_u8; 32];
        key[..4].copy_from_slice(b"Jefe");
        assert_eq!(
            hex::encode(hmac_sha256(&key, b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_tag_depends_on_key_and_handle() {
        let key = TagKey::from_bytes([1; 32]);
        assert_eq!(key.tag("cust-0001").len(), 16);
        assert_ne!(key.tag("cust-0001"), key.tag("cust-0002"));
        assert_ne!(
            key.tag("cust-0001"),
            TagKey::from_bytes([2; 32]).tag("cust-0001")
        );
    }

    #[test]
    fn a_tag_key_needs_64_hexadecimal_digits() {
        assert!(TagKey::from_text(&format!(" {}\n", "ab".repeat(32))).is_some());
        assert!(TagKey::from_text(&"ab".repeat(31)).is_none());
        assert!(TagKey::from_text("zz").is_none());
    }

    #[test]
    fn the_parts_of_a_subject_hash_cannot_slide() {
        assert_ne!(
            subject_hash("ab", "cdefghij"),
            subject_hash("abc", "defghij")
        );
        assert_ne!(agent_hash("ab", "cdefghij"), subject_hash("ab", "cdefghij"));
    }

    #[test]
    fn debug_output_of_a_key_hides_it() {
        assert_eq!(
            format!("{:?}", TagKey::from_bytes([7; 32])),
            "TagKey([redacted])"
        );
    }
}
