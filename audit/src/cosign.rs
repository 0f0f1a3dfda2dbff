//! Cosignatures: the word of one replica about one head.
//!
//! The statement of a cosigner key of akashi, and of such a key only, is: *I have executed every
//! entry up to this size and got this root; among all heads of this log I know, it is the
//! largest, and all are consistent.* (Held receipts, `held.rs`, are notes of another signature
//! type under a prefix of their own.) It includes the base statement of `cosignature/v1` and adds
//! the execution, as the specification allows. A process that only stores or watches the log must
//! use another key, since one key stands for one set of statements.
//!
//! Before a signature leaves, its head must be durable: that duty lies with the caller. Secrets
//! have no `Debug` form and are wiped when dropped.
//!
//! # Sources
//!
//! <https://c2sp.org/tlog-cosignature> (Ed25519, type 0x04), <https://c2sp.org/signed-note>
//! (key ids, verifier keys), RFC 8032. Checking is `verify_strict`: cofactorless, small-order
//! keys and commitments refused, so that all verifiers agree on odd signatures.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::head::Head;
use crate::note::NoteSignature;
use crate::text::{base64, parse_base64, parse_hex_id, take};

/// Signature type byte of timestamped Ed25519 cosignatures (C2SP signed-note, "Signature types").
const COSIGNATURE_TYPE: u8 = 0x04;

/// Signature type byte of plain Ed25519 notes (same place), as held receipts are.
const NOTE_TYPE: u8 = 0x01;

/// Longest key name in bytes: a host name and a path.
const KEY_NAME_BYTES_MAX: usize = 192;

/// Largest timestamp in seconds the specification allows.
const TIME_S_MAX: u64 = (1 << 63) - 1;

/// Why a cosigner key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The name is empty, longer than 192 bytes, or not visible ASCII without `+`.
    #[error("key name is malformed")]
    Name,
    /// The text is not `<name>+<8 hex digits>+<base64>`.
    #[error("verifier key is malformed")]
    Syntax,
    /// The key is of another type than Ed25519 cosignatures.
    #[error("verifier key has another signature type")]
    Type,
    /// The key id does not belong to name and key.
    #[error("key id does not belong to the key")]
    KeyId,
    /// The 32 bytes are no point, not its canonical encoding, or a point of small order.
    #[error("public key is not usable")]
    Point,
}

/// Why a cosignature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CosignError {
    /// The signature was made by another key: name or key id differ.
    #[error("signature belongs to another key")]
    OtherKey,
    /// The signature is not 8 bytes of time and 64 bytes of Ed25519, or the time is out of range.
    #[error("cosignature is malformed")]
    Malformed,
    /// The signature does not hold for this head and time.
    #[error("cosignature does not hold")]
    DoesNotHold,
    /// The time to sign is above `2^63 - 1` seconds.
    #[error("time is out of range")]
    Time,
}

/// The public half of a cosigner: a name and an Ed25519 key.
#[derive(Clone, PartialEq, Eq)]
pub struct CosignerKey {
    name: String,
    key_id: [u8; 4],
    key: VerifyingKey,
}

impl fmt::Debug for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CosignerKey").field(&self.to_vkey()).finish()
    }
}

impl CosignerKey {
    /// Takes a key name and the 32 bytes of an Ed25519 public key.
    ///
    /// # Errors
    ///
    /// [`KeyError::Name`] and [`KeyError::Point`].
    pub fn new(name: &str, public_key: &[u8; 32]) -> Result<Self, KeyError> {
        let visible = |byte: u8| byte.is_ascii_graphic() && byte != b'+';
        if name.is_empty() || name.len() > KEY_NAME_BYTES_MAX || !name.bytes().all(visible) {
            return Err(KeyError::Name);
        }
        let key = VerifyingKey::from_bytes(public_key).map_err(|_opaque| KeyError::Point)?;
        // One point, one spelling: RFC 8032 decoding is laxer than that.
        let canonical = key.to_edwards().compress().to_bytes() == *public_key;
        if key.is_weak() || !canonical {
            return Err(KeyError::Point);
        }
        Ok(Self {
            name: name.to_owned(),
            key_id: key_id(name, COSIGNATURE_TYPE, public_key),
            key,
        })
    }

    /// Reads a verifier key, `<name>+<hex key id>+<base64 of type and key>`.
    ///
    /// # Errors
    ///
    /// [`KeyError`].
    pub fn from_vkey(text: &str) -> Result<Self, KeyError> {
        let (name, rest) = text.split_once('+').ok_or(KeyError::Syntax)?;
        let (id, material) = rest.split_once('+').ok_or(KeyError::Syntax)?;
        let id = parse_hex_id(id).ok_or(KeyError::Syntax)?;
        let material = parse_base64(material).ok_or(KeyError::Syntax)?;
        let public_key = match material.split_first() {
            Some((&COSIGNATURE_TYPE, key)) => key.try_into().map_err(|_other| KeyError::Syntax)?,
            Some(_) => return Err(KeyError::Type),
            None => return Err(KeyError::Syntax),
        };
        let key = Self::new(name, public_key)?;
        if key.key_id == id {
            Ok(key)
        } else {
            Err(KeyError::KeyId)
        }
    }

    /// Writes the verifier key that [`CosignerKey::from_vkey`] reads.
    #[must_use]
    pub fn to_vkey(&self) -> String {
        let mut material = Vec::with_capacity(33);
        material.push(COSIGNATURE_TYPE);
        material.extend_from_slice(self.key.as_bytes());
        format!(
            "{}+{:08x}+{}",
            self.name,
            u32::from_be_bytes(self.key_id),
            base64(&material)
        )
    }

    /// Gives the name that stands in signature lines.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives the first four bytes of SHA-256 over name, newline, type and key.
    #[must_use]
    pub const fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    /// Gives the id under which this key signs plain notes, such as held receipts.
    #[must_use]
    pub(crate) fn note_key_id(&self) -> [u8; 4] {
        key_id(&self.name, NOTE_TYPE, self.key.as_bytes())
    }

    /// Whether `signature` is this key's over `message`; the caller has put a prefix of its own
    /// before it.
    pub(crate) fn verify_bytes(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.key
            .verify_strict(message, &Signature::from_bytes(signature))
            .is_ok()
    }

    /// Gives the 32 bytes of the public key.
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Checks a cosignature over a head.
    ///
    /// # Errors
    ///
    /// [`CosignError::OtherKey`] and [`CosignError::DoesNotHold`].
    pub fn verify(&self, head: &Head, cosignature: &Cosignature) -> Result<(), CosignError> {
        self.verify_note_text(&head.to_text(), cosignature)
    }

    /// Checks a cosignature over any note text, also of foreign logs.
    ///
    /// # Errors
    ///
    /// [`CosignError::OtherKey`] and [`CosignError::DoesNotHold`].
    pub fn verify_note_text(
        &self,
        note_text: &str,
        cosignature: &Cosignature,
    ) -> Result<(), CosignError> {
        if cosignature.name != self.name || cosignature.key_id != self.key_id {
            return Err(CosignError::OtherKey);
        }
        let message = signed_message(cosignature.time_s, note_text);
        let signature = Signature::from_bytes(&cosignature.signature);
        self.key
            .verify_strict(message.as_bytes(), &signature)
            .map_err(|_opaque| CosignError::DoesNotHold)
    }
}

/// The secret half of a cosigner. Wiped when dropped, and without a form that could be printed:
///
/// ```compile_fail
/// fn printable<T: core::fmt::Debug>() {}
/// printable::<akashi_merkle::CosignerSecret>();
/// ```
pub struct CosignerSecret {
    public: CosignerKey,
    signing: SigningKey,
}

impl CosignerSecret {
    /// Takes a key name and the 32-byte Ed25519 seed (RFC 8032 private key).
    ///
    /// # Errors
    ///
    /// [`KeyError::Name`]; every seed gives a usable key.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let signing = SigningKey::from_bytes(seed);
        let public = CosignerKey::new(name, signing.verifying_key().as_bytes())?;
        Ok(Self { public, signing })
    }

    /// Gives the public half.
    #[must_use]
    pub const fn public(&self) -> &CosignerKey {
        &self.public
    }

    /// Signs bytes that begin with a prefix which no other statement of this key begins with.
    pub(crate) fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }

    /// Signs that this replica executed every entry up to the head's size and got its root.
    ///
    /// `time_s` is the signer's own clock in seconds since 1970-01-01 UTC.
    ///
    /// # Errors
    ///
    /// [`CosignError::Time`].
    ///
    /// # Durability
    ///
    /// The caller has written and synced the head before it lets the signature out.
    pub fn cosign(&self, head: &Head, time_s: u64) -> Result<Cosignature, CosignError> {
        if time_s > TIME_S_MAX {
            return Err(CosignError::Time);
        }
        let message = signed_message(time_s, &head.to_text());
        Ok(Cosignature {
            name: self.public.name.clone(),
            key_id: self.public.key_id,
            time_s,
            signature: self.signing.sign(message.as_bytes()).to_bytes(),
        })
    }
}

/// One timestamped signature over a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub key_id: [u8; 4],
    /// The signer's clock, in seconds since 1970-01-01 UTC.
    pub time_s: u64,
    /// The Ed25519 signature.
    pub signature: [u8; 64],
}

impl Cosignature {
    /// Reads a signature line of a note as a cosignature.
    ///
    /// # Errors
    ///
    /// [`CosignError::Malformed`].
    pub fn from_note_signature(line: &NoteSignature) -> Result<Self, CosignError> {
        let mut rest = line.body.as_slice();
        let time_s = take(&mut rest)
            .map(u64::from_be_bytes)
            .ok_or(CosignError::Malformed)?;
        let signature = rest.try_into().map_err(|_length| CosignError::Malformed)?;
        if time_s > TIME_S_MAX {
            return Err(CosignError::Malformed);
        }
        Ok(Self {
            name: line.name.clone(),
            key_id: line.key_id,
            time_s,
            signature,
        })
    }

    /// Turns it into a signature line of a note.
    #[must_use]
    pub fn to_note_signature(&self) -> NoteSignature {
        let mut body = Vec::with_capacity(72);
        body.extend_from_slice(&self.time_s.to_be_bytes());
        body.extend_from_slice(&self.signature);
        NoteSignature {
            name: self.name.clone(),
            key_id: self.key_id,
            body,
        }
    }
}

/// Builds the bytes an Ed25519 cosignature signs: two header lines, then the note text.
fn signed_message(time_s: u64, note_text: &str) -> String {
    format!("cosignature/v1\ntime {time_s}\n{note_text}")
}

/// Computes `SHA-256(<name> || "\n" || type || key)[:4]`.
fn key_id(name: &str, signature_type: u8, public_key: &[u8; 32]) -> [u8; 4] {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', signature_type])
        .chain_update(public_key)
        .finalize()
        .into();
    let [a, b, c, d, ..] = digest;
    [a, b, c, d]
}
