//! Signed heads as text: a head, an empty line, signature lines.
//!
//! This file reads and writes; it checks no signature. [`SignedHead::check`] does, in `check.rs`.
//!
//! # Sources
//!
//! <https://c2sp.org/signed-note>, "Format".

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use thiserror::Error;

use crate::cosign::Cosignature;
use crate::head::{Head, HeadError};
use crate::text::{base64, parse_base64, take};

/// Most signature lines accepted in one note. The specification asks for at least 16; the bound
/// keeps checking a hostile note cheap.
pub const SIGNATURES_MAX: usize = 64;

/// Longest note accepted, in bytes: 64 post-quantum signatures of 5 kB would still fit.
const NOTE_BYTES_MAX: usize = 512 * 1024;

/// What every signature line starts with: an em dash and a space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// One signature line of a note, of any type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub key_id: [u8; 4],
    /// What follows the key id; its meaning depends on the key.
    pub body: Vec<u8>,
}

impl NoteSignature {
    /// Writes the line `— <name> <base64 of key id and body>`, without a newline.
    #[must_use]
    pub fn to_line(&self) -> String {
        let mut bytes = self.key_id.to_vec();
        bytes.extend_from_slice(&self.body);
        format!("{SIGNATURE_PREFIX}{} {}", self.name, base64(&bytes))
    }

    /// Reads what [`NoteSignature::to_line`] writes; `None` for anything else.
    ///
    /// Names follow the note rules, not ours, since keys may be foreign.
    #[must_use]
    pub fn parse_line(line: &str) -> Option<Self> {
        let (name, blob) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
        let allowed = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
        if name.is_empty() || !name.chars().all(allowed) {
            return None;
        }
        let blob = parse_base64(blob)?;
        let mut rest = blob.as_slice();
        let key_id = take(&mut rest)?;
        if rest.is_empty() {
            return None;
        }
        Some(Self {
            name: name.to_owned(),
            key_id,
            body: rest.to_vec(),
        })
    }
}

/// Why a text is no signed head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoteError {
    /// There is no empty line between head and signatures.
    #[error("empty line before the signatures is missing")]
    Separator,
    /// One of the first three lines is wrong.
    #[error("head is malformed")]
    Head(#[source] HeadError),
    /// A signature line is wrong.
    #[error("signature on line {line} is malformed")]
    Signature {
        /// Its number in the note, from 1.
        line: usize,
    },
    /// There are no signatures, or more than [`SIGNATURES_MAX`].
    #[error("number of signatures is out of range")]
    SignatureCount,
    /// The note is not UTF-8, or larger than 512 KiB.
    #[error("note is too large or no text")]
    Bytes,
}

impl NoteError {
    /// Gives the number of the faulty line, from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        match self {
            Self::Separator => 4,
            Self::Head(head) => head.line(),
            Self::Signature { line } => *line,
            Self::SignatureCount => 5,
            Self::Bytes => 1,
        }
    }
}

/// A head with signature lines that nobody has checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// What the signatures are about.
    pub head: Head,
    /// The signature lines in their order, foreign ones included.
    pub signatures: Vec<NoteSignature>,
}

impl SignedHead {
    /// Puts cosignatures under a head.
    #[must_use]
    pub fn new<'a>(head: Head, cosignatures: impl IntoIterator<Item = &'a Cosignature>) -> Self {
        let signatures = cosignatures
            .into_iter()
            .map(Cosignature::to_note_signature)
            .collect();
        Self { head, signatures }
    }

    /// Walks over the signature lines that have the form of a cosignature, unchecked.
    pub fn cosignatures(&self) -> impl Iterator<Item = Cosignature> {
        self.signatures
            .iter()
            .filter_map(|line| Cosignature::from_note_signature(line).ok())
    }

    /// Writes the signed note.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = self.head.to_text();
        text.push('\n');
        for signature in &self.signatures {
            text.push_str(&signature.to_line());
            text.push('\n');
        }
        text
    }

    /// Reads a signed note.
    ///
    /// # Errors
    ///
    /// [`NoteError`], with the line where it went wrong.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        if text.len() > NOTE_BYTES_MAX {
            return Err(NoteError::Bytes);
        }
        let (head, signatures) = text.split_once("\n\n").ok_or(NoteError::Separator)?;
        let head = Head::parse(&format!("{head}\n")).map_err(NoteError::Head)?;
        // The last signature line has its newline too, so the last piece is empty.
        let last = signatures.matches('\n').count();
        if last == 0 || last > SIGNATURES_MAX {
            return Err(NoteError::SignatureCount);
        }
        let mut lines = Vec::with_capacity(last);
        for (at, line) in signatures.split('\n').enumerate() {
            if at == last && line.is_empty() {
                break;
            }
            // A piece behind the last newline is a line cut short.
            let signature = if at < last {
                NoteSignature::parse_line(line)
            } else {
                None
            };
            lines.push(signature.ok_or(NoteError::Signature { line: at + 5 })?);
        }
        Ok(Self {
            head,
            signatures: lines,
        })
    }

    /// Reads a signed note from bytes.
    ///
    /// # Errors
    ///
    /// [`NoteError`].
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, NoteError> {
        Self::parse(core::str::from_utf8(bytes).map_err(|_not_utf8| NoteError::Bytes)?)
    }
}
