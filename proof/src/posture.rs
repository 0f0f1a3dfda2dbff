//! Posture: what an issuer says about the state of an agent's machine.
//!
//! Not a proof but a signed checklist: disk encryption, screen lock, wire lock and the like, one bit each,
//! with an end. What a bit means is the tenant's to say.
//!
//! The issuer signs "akashi/v1/posture" ‖ lv(origin) ‖ lv(tenant) ‖ agent \[32\] ‖ bits u32 ‖ attested u64
//! ‖ until u64; numbers are little endian. The label differs from that of credentials in its twelfth byte,
//! so no signature counts as both.

use alloc::vec::Vec;

use crate::{IssuerKey, Reason, SIGNATURE_BYTES, encode};

/// First bytes of what an issuer signs.
const LABEL: &[u8] = b"akashi/v1/posture";

/// The checklist of one agent's machine, as of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posture<'a> {
    /// The origin of the log that it is meant for.
    pub origin: &'a [u8],
    /// The tenant.
    pub tenant: &'a [u8],
    /// The agent's pseudonymous id within the tenant.
    pub agent: [u8; 32],
    /// What holds, one bit each.
    pub bits: u32,
    /// When it was looked at, microseconds since the Unix epoch: a later one replaces an earlier one,
    /// never the other way round.
    pub attested_us: u64,
    /// Last moment at which it counts, microseconds since the Unix epoch.
    pub until_us: u64,
}

impl Posture<'_> {
    /// What the issuer signs.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let mut message = LABEL.to_vec();
        encode::put_lv(&mut message, self.origin);
        encode::put_lv(&mut message, self.tenant);
        message.extend_from_slice(&self.agent);
        message.extend_from_slice(&self.bits.to_le_bytes());
        message.extend_from_slice(&self.attested_us.to_le_bytes());
        message.extend_from_slice(&self.until_us.to_le_bytes());
        message
    }

    /// Checks the issuer's signature, strictly (RFC 8032 as in `verify_strict`).
    ///
    /// # Errors
    /// [`Reason::SignatureInvalid`].
    pub fn verify(&self, key: &IssuerKey, signature: &[u8; SIGNATURE_BYTES]) -> Result<(), Reason> {
        key.verify(&self.message(), signature)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use ed25519_dalek::{Signer as _, SigningKey};

    use super::Posture;
    use crate::{IssuerKey, Reason};

    const POSTURE: Posture<'static> = Posture {
        origin: b"bank/e1/g0",
        tenant: b"retail",
        agent: [7; 32],
        bits: 0b101,
        attested_us: 1,
        until_us: 2,
    };

    #[test]
    fn what_is_signed_is_the_label_and_every_field_in_order() {
        let message = POSTURE.message();
        assert!(message.starts_with(b"akashi/v1/posture\x0a\x00bank/e1/g0\x06\x00retail"));
        let tail = &message[message.len() - 20..];
        assert_eq!(
            tail,
            [5, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(message.len(), 17 + 2 + 10 + 2 + 6 + 32 + 20);
    }

    #[test]
    fn a_signature_counts_for_exactly_what_was_signed() {
        let signing = SigningKey::from_bytes(&[9; 32]);
        let key = IssuerKey::from_bytes(&signing.verifying_key().to_bytes()).unwrap();
        let signature = signing.sign(&POSTURE.message()).to_bytes();
        assert_eq!(POSTURE.verify(&key, &signature), Ok(()));
        let changed = [
            Posture {
                origin: b"bank/e1/g1",
                ..POSTURE
            },
            Posture {
                tenant: b"retai1",
                ..POSTURE
            },
            Posture {
                agent: [8; 32],
                ..POSTURE
            },
            Posture {
                bits: 0b111,
                ..POSTURE
            },
            Posture {
                attested_us: 2,
                ..POSTURE
            },
            Posture {
                until_us: 3,
                ..POSTURE
            },
        ];
        for other in changed {
            assert_eq!(
                other.verify(&key, &signature),
                Err(Reason::SignatureInvalid)
            );
        }
    }
}
