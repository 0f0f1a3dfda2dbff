//! Held receipts: the word of one node that it has received certain bytes, and nothing more.
//!
//! When no quorum answers, a node cannot give a verdict and must not invent one. It can say that a
//! submission arrived, so that a phone's owner has something in hand and the phone knows to send
//! the same request again. The statement is: *this node received a submission with this digest at
//! this time of its own clock; what becomes of it is not known.* It is no verdict, no promise to
//! keep the bytes, and no leaf of any log.
//!
//! The form is a signed note, so that foreign tools can check it:
//!
//! ```text
//! akashi/v1/held
//! kagami.example/e1/g0
//! challenge 000102030405060708090a0b0c0d0e0f
//! request 0192f3a4b5c67000800000000000abcd
//! submission 5d41…
//! received 1790000000000000
//!
//! — n1 q1b2…
//! ```
//!
//! The key is the node's cosigning key. Its two kinds of signature cannot be taken for one another:
//! what a cosignature signs begins with `cosignature/v1`, this with `akashi/v1/held`; and the key
//! ids in the signature lines differ, because they bind the type of signature.
//!
//! # Sources
//!
//! <https://c2sp.org/signed-note> (Ed25519, type 0x01).

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;

use thiserror::Error;

use crate::cosign::{CosignerKey, CosignerSecret};
use crate::head::Origin;
use crate::keys::KeySet;
use crate::note::NoteSignature;

/// The first line of the statement.
const HEADER: &str = "akashi/v1/held";

/// Why a held receipt is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HeldError {
    /// No cosigner of the key set has this name.
    #[error("held by a node that is not in the key set")]
    UnknownNode,
    /// The signature does not hold for this statement.
    #[error("signature of the held receipt does not hold")]
    DoesNotHold,
}

/// What a node received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The log that would have decided it.
    pub origin: Origin,
    /// The challenge that it answers.
    pub challenge_id: [u8; 16],
    /// The sender's request id: sent again under it, the submission is the same act.
    pub request_id: [u8; 16],
    /// SHA-256 over the request as it was received.
    pub submission: [u8; 32],
    /// The node's own clock, in microseconds since 1970-01-01 UTC.
    pub received_us: u64,
}

impl Held {
    /// Writes the statement: what is signed, byte for byte.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "{HEADER}\n{}\nchallenge {}\nrequest {}\nsubmission {}\nreceived {}\n",
            self.origin,
            hexadecimal(&self.challenge_id),
            hexadecimal(&self.request_id),
            hexadecimal(&self.submission),
            self.received_us,
        )
    }
}

/// A statement with the name and the signature of the node that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldReceipt {
    /// What was received.
    pub held: Held,
    /// Name of the node's key.
    pub node: String,
    /// The Ed25519 signature over [`Held::to_text`].
    pub signature: [u8; 64],
}

impl HeldReceipt {
    /// Checks the signature under the key that the key set has for this node, and gives that key.
    ///
    /// # Errors
    ///
    /// [`HeldError`].
    pub fn verify<'a>(&self, keys: &'a KeySet) -> Result<&'a CosignerKey, HeldError> {
        let known = keys
            .cosigners()
            .iter()
            .find(|cosigner| cosigner.key.name() == self.node);
        let key = &known.ok_or(HeldError::UnknownNode)?.key;
        if key.verify_bytes(self.held.to_text().as_bytes(), &self.signature) {
            Ok(key)
        } else {
            Err(HeldError::DoesNotHold)
        }
    }

    /// Writes the signed note; `key` is the signing node's.
    #[must_use]
    pub fn to_note(&self, key: &CosignerKey) -> String {
        let line = NoteSignature {
            name: self.node.clone(),
            key_id: key.note_key_id(),
            body: self.signature.to_vec(),
        };
        format!("{}\n{}\n", self.held.to_text(), line.to_line())
    }
}

impl CosignerSecret {
    /// Signs that this node received something.
    #[must_use]
    pub fn hold(&self, held: Held) -> HeldReceipt {
        let signature = self.sign_bytes(held.to_text().as_bytes());
        HeldReceipt {
            held,
            node: self.public().name().to_owned(),
            signature,
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let (Ok(()) | Err(_)) = write!(text, "{byte:02x}");
        text
    })
}
