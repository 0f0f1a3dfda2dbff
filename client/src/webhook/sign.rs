//! Signatures of Standard Webhooks 1.0.0: `v1` (HMAC-SHA-256) and `v1a` (Ed25519), always both.
//!
//! What is signed is `<id>.<timestamp>.<body>`: the id of the message, the moment of this attempt in
//! seconds since 1970, the bytes of the body. A receiver that shares a secret checks `v1`; one that
//! should not be able to sign by itself checks `v1a` with a public key. During a rotation every
//! message carries the signatures of all generations that are still in force, the newest first.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::entropy;
use crate::error::Error;

/// Marks a shared secret in text.
const SECRET_PREFIX: &str = "whsec_";
/// Marks a private signing key in text.
const SIGNING_PREFIX: &str = "whsk_";
/// Marks a public key in text.
const PUBLIC_PREFIX: &str = "whpk_";

/// 32 secret bytes that are written in base64 behind a prefix, and never printed by accident.
#[derive(Clone, PartialEq, Eq)]
struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    fn fresh() -> Result<Self, Error> {
        Ok(Self(Zeroizing::new(entropy::random()?)))
    }

    fn to_text(&self, prefix: &str) -> Zeroizing<String> {
        let bytes = Zeroizing::new(STANDARD.encode(self.0.as_slice()));
        Zeroizing::new(format!("{prefix}{}", *bytes))
    }

    fn from_text(text: &str, prefix: &str) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(text.strip_prefix(prefix)?).ok()?);
        let bytes: [u8; 32] = bytes.as_slice().try_into().ok()?;
        Some(Self(Zeroizing::new(bytes)))
    }
}

/// One generation of an endpoint's keys.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Generation {
    /// When it was made, in seconds since 1970.
    pub made_s: u64,
    /// When it stops being used, in seconds since 1970; none while nothing has followed it.
    pub until_s: Option<u64>,
    secret: Secret,
    signing: Secret,
}

/// A generation as its file has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    made_s: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until_s: Option<u64>,
    secret: String,
    signing_key: String,
}

impl TryFrom<Written> for Generation {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let (secret, signing) = (
            Zeroizing::new(written.secret),
            Zeroizing::new(written.signing_key),
        );
        Ok(Self {
            made_s: written.made_s,
            until_s: written.until_s,
            secret: Secret::from_text(&secret, SECRET_PREFIX).ok_or("secret is not whsec_…")?,
            signing: Secret::from_text(&signing, SIGNING_PREFIX)
                .ok_or("signing_key is not whsk_…")?,
        })
    }
}

impl From<Generation> for Written {
    fn from(generation: Generation) -> Self {
        Self {
            made_s: generation.made_s,
            until_s: generation.until_s,
            secret: generation.secret.to_text(SECRET_PREFIX).to_string(),
            signing_key: generation.signing.to_text(SIGNING_PREFIX).to_string(),
        }
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation")
            .field("made_s", &self.made_s)
            .field("until_s", &self.until_s)
            .finish_non_exhaustive()
    }
}

impl Generation {
    /// A new generation, in force from `now_s` on.
    ///
    /// # Errors
    ///
    /// [`Error::Entropy`].
    pub fn fresh(now_s: u64) -> Result<Self, Error> {
        Ok(Self {
            made_s: now_s,
            until_s: None,
            secret: Secret::fresh()?,
            signing: Secret::fresh()?,
        })
    }

    /// Whether messages are signed with it at `now_s`.
    #[must_use]
    pub fn in_force(&self, now_s: u64) -> bool {
        self.until_s.is_none_or(|until| now_s < until)
    }

    /// The shared secret as a receiver's library wants it: `whsec_…`.
    #[must_use]
    pub fn secret_text(&self) -> Zeroizing<String> {
        self.secret.to_text(SECRET_PREFIX)
    }

    /// The public key as a receiver's library wants it: `whpk_…`.
    #[must_use]
    pub fn public_text(&self) -> String {
        let public = self.signing_key().verifying_key().to_bytes();
        format!("{PUBLIC_PREFIX}{}", STANDARD.encode(public))
    }

    fn signing_key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.signing.0)
    }

    fn signatures(&self, signed: &[&[u8]]) -> Result<[String; 2], Error> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.secret.0.as_slice()).map_err(|_length| {
                Error::Process {
                    what: "a key of HMAC has any length".to_owned(),
                }
            })?;
        for part in signed {
            mac.update(part);
        }
        let mac = STANDARD.encode(mac.finalize().into_bytes());
        let signature = self.signing_key().sign(&signed.concat()).to_bytes();
        Ok([
            format!("v1,{mac}"),
            format!("v1a,{}", STANDARD.encode(signature)),
        ])
    }
}

/// The value of the header `webhook-signature`: both kinds of signature of every generation that is in
/// force, the newest first, with spaces between them.
///
/// # Errors
///
/// [`Error::Usage`] if no generation is in force.
pub fn signature_header(
    generations: &[Generation],
    id: &str,
    now_s: u64,
    body: &[u8],
) -> Result<String, Error> {
    let moment = now_s.to_string();
    let signed: [&[u8]; 5] = [id.as_bytes(), b".", moment.as_bytes(), b".", body];
    let mut signatures = Vec::new();
    for generation in generations.iter().rev().filter(|g| g.in_force(now_s)) {
        signatures.extend(generation.signatures(&signed)?);
    }
    if signatures.is_empty() {
        return Err(Error::usage("the endpoint has no key in force"));
    }
    Ok(signatures.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(secret: u8, until_s: Option<u64>) -> Generation {
        Generation {
            made_s: 0,
            until_s,
            secret: Secret(Zeroizing::new([secret; 32])),
            signing: Secret(Zeroizing::new([secret; 32])),
        }
    }

    #[test]
    fn a_signature_is_the_one_that_the_reference_library_makes() {
        // Python, standardwebhooks 1.1.0: Webhook(bytes([7]) * 32).sign("msg_1", 1795360245, "{}").
        let header = signature_header(&[generation(7, None)], "msg_1", 1_795_360_245, b"{}");
        let header = header.unwrap();
        let (v1, v1a) = header.split_once(' ').unwrap();
        assert_eq!(v1, "v1,uncclsk6L+oaiqAORm2Xj2rrvkvjV1Ih0HDBMXHRhlU=");
        let signature: [u8; 64] = STANDARD
            .decode(v1a.strip_prefix("v1a,").unwrap())
            .unwrap()
            .try_into()
            .unwrap();
        let key = SigningKey::from_bytes(&[7; 32]).verifying_key();
        let signature = ed25519_dalek::Signature::from_bytes(&signature);
        key.verify_strict(b"msg_1.1795360245.{}", &signature)
            .unwrap();
        assert!(
            key.verify_strict(b"msg_1.1795360246.{}", &signature)
                .is_err()
        );
    }

    #[test]
    fn every_generation_in_force_signs_and_an_old_one_stops_at_its_hour() {
        let keys = [generation(1, Some(100)), generation(2, None)];
        let alone = |one: &Generation, now| {
            signature_header(std::slice::from_ref(one), "m", now, b"x").unwrap()
        };
        let both = signature_header(&keys, "m", 99, b"x").unwrap();
        assert_eq!(
            both,
            format!("{} {}", alone(&keys[1], 99), alone(&keys[0], 99))
        );
        let later = signature_header(&keys, "m", 100, b"x").unwrap();
        assert_eq!(later, alone(&keys[1], 100));
        assert!(signature_header(&keys[..1], "m", 100, b"x").is_err());
    }

    #[test]
    fn a_generation_survives_its_file_and_is_not_printed() {
        let made = Generation::fresh(5).unwrap();
        let text = serde_json::to_string(&made).unwrap();
        assert!(text.contains("whsec_") && text.contains("whsk_"));
        assert_eq!(serde_json::from_str::<Generation>(&text).unwrap(), made);
        let shown = format!("{made:?}");
        let secret = made.secret_text();
        assert!(!shown.contains(&secret[6..]), "{shown}");
        assert!(made.public_text().starts_with("whpk_"));
        let cut = text.replace("whsec_", "whsec_A");
        assert!(serde_json::from_str::<Generation>(&cut).is_err());
    }
}
