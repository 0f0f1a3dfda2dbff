//! Sightings: what a sensor beside a working agent says of one sample.
//!
//! Not a proof: one word ("the same face", "another one", "nobody"), signed by a registered sensor, so that
//! a desktop cannot invent it. No picture and no template is in it.
//!
//! The sensor signs "akashi/v1/sighting" ‖ lv(origin) ‖ lv(tenant) ‖ session \[16\] ‖ certificate digest \[32\]
//! ‖ sequence u64 ‖ class u8 ‖ captured u64; numbers are little endian. The label differs from those of
//! captures in its eleventh byte, so no signature counts as both.

use alloc::vec::Vec;

use crate::{Reason, SIGNATURE_BYTES, SensorKey, encode};

/// First bytes of what a sensor signs.
const LABEL: &[u8] = b"akashi/v1/sighting";

/// One sample of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting<'a> {
    /// The origin of the log that it is meant for.
    pub origin: &'a [u8],
    /// The tenant.
    pub tenant: &'a [u8],
    /// The agent's session.
    pub session: [u8; 16],
    /// The digest of the sensor's certificate.
    pub certificate: [u8; 32],
    /// Ascending within the session.
    pub sequence: u64,
    /// What was seen (docs/presence.md).
    pub class: u8,
    /// When, microseconds since the Unix epoch.
    pub captured_us: u64,
}

impl Sighting<'_> {
    /// What the sensor signs.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let mut message = LABEL.to_vec();
        encode::put_lv(&mut message, self.origin);
        encode::put_lv(&mut message, self.tenant);
        message.extend_from_slice(&self.session);
        message.extend_from_slice(&self.certificate);
        message.extend_from_slice(&self.sequence.to_le_bytes());
        message.push(self.class);
        message.extend_from_slice(&self.captured_us.to_le_bytes());
        message
    }

    /// Checks the sensor's signature, strictly (RFC 8032 as in `verify_strict`).
    ///
    /// # Errors
    /// [`Reason::SignatureInvalid`].
    pub fn verify(&self, key: &SensorKey, signature: &[u8; SIGNATURE_BYTES]) -> Result<(), Reason> {
        key.verify(&self.message(), signature)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use ed25519_dalek::{Signer as _, SigningKey};

    use super::Sighting;
    use crate::{Reason, SensorKey};

    const SIGHTING: Sighting<'static> = Sighting {
        origin: b"bank/e1/g0",
        tenant: b"retail",
        session: [7; 16],
        certificate: [8; 32],
        sequence: 3,
        class: 1,
        captured_us: 9,
    };

    #[test]
    fn what_is_signed_is_the_label_and_every_field_in_order() {
        let message = SIGHTING.message();
        assert!(message.starts_with(b"akashi/v1/sighting\x0a\x00bank/e1/g0\x06\x00retail"));
        let tail = &message[message.len() - 17..];
        assert_eq!(tail, [3, 0, 0, 0, 0, 0, 0, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(message.len(), 18 + 2 + 10 + 2 + 6 + 16 + 32 + 17);
    }

    #[test]
    fn a_signature_counts_for_exactly_what_was_signed() {
        let signing = SigningKey::from_bytes(&[9; 32]);
        let key = SensorKey::from_bytes(&signing.verifying_key().to_bytes()).unwrap();
        let signature = signing.sign(&SIGHTING.message()).to_bytes();
        assert_eq!(SIGHTING.verify(&key, &signature), Ok(()));
        let changed = [
            Sighting {
                origin: b"bank/e1/g1",
                ..SIGHTING
            },
            Sighting {
                tenant: b"retai1",
                ..SIGHTING
            },
            Sighting {
                session: [8; 16],
                ..SIGHTING
            },
            Sighting {
                certificate: [7; 32],
                ..SIGHTING
            },
            Sighting {
                sequence: 4,
                ..SIGHTING
            },
            Sighting {
                class: 2,
                ..SIGHTING
            },
            Sighting {
                captured_us: 8,
                ..SIGHTING
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
