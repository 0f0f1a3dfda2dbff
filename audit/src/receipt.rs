//! Receipts: one leaf, its path to a head, and the quorum that signed the head.
//!
//! A receipt is checked offline with nothing but a key set. The text form is C2SP
//! tlog-proof@v1, whose `extra` line carries the leaf bytes; they become authentic through the
//! inclusion proof. File extension: `.tlog-proof`.
//!
//! # Sources
//!
//! <https://c2sp.org/tlog-proof>, "Format" and "Verifying a tlog proof".

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use thiserror::Error;

use crate::check::{CheckError, CheckedHead};
use crate::inclusion::{InclusionError, verify_inclusion};
use crate::keys::KeySet;
use crate::leaf::{ENTRY_BYTES_MAX, Leaf, LeafError};
use crate::note::{NoteError, SignedHead};
use crate::text::{base64, parse_base64, parse_decimal, parse_hash};
use crate::tree::{Hash, leaf_hash};

/// First line of the text form.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Longest path in hashes: the depth of the largest tree.
const PATH_HASHES_MAX: usize = 62;

/// Longest receipt accepted, in bytes: leaf, path and note at their limits together.
const RECEIPT_BYTES_MAX: usize = 1024 * 1024;

/// Why a receipt does not prove its leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReceiptError {
    /// The text breaks the format before the head.
    #[error("receipt line {line} is malformed")]
    Malformed {
        /// Number of the line, from 1.
        line: usize,
    },
    /// The signed head inside is malformed.
    #[error("receipt line {line}, in the signed head, is malformed")]
    Note {
        /// Number of the line in the receipt, from 1.
        line: usize,
        /// What is wrong there.
        source: NoteError,
    },
    /// The receipt is not UTF-8, or larger than 1 MiB.
    #[error("receipt is too large or no text")]
    Bytes,
    /// The head is of another log, carries a bad signature, or lacks a quorum.
    #[error("signed head of the receipt is not to be believed")]
    Head(#[source] CheckError),
    /// The leaf is not in the tree of the head.
    #[error("inclusion does not hold")]
    Inclusion(#[source] InclusionError),
}

/// A leaf with everything needed to believe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Canonical bytes of the leaf.
    pub leaf: Vec<u8>,
    /// Its index in the log.
    pub index: u64,
    /// Inclusion path, from the leaf's sibling up.
    pub path: Vec<Hash>,
    /// The head it leads to.
    pub signed_head: SignedHead,
}

/// A leaf that a quorum vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedLeaf {
    bytes: Vec<u8>,
    index: u64,
    head: CheckedHead,
}

impl CheckedLeaf {
    /// Gives the canonical bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Gives the index in the log.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Gives the head under which it was proved.
    #[must_use]
    pub const fn head(&self) -> &CheckedHead {
        &self.head
    }

    /// Reads the bytes as a leaf of the version this code knows.
    ///
    /// # Errors
    ///
    /// [`LeafError`]; the bytes are proved all the same.
    pub fn leaf(&self) -> Result<Leaf, LeafError> {
        Leaf::decode(&self.bytes)
    }
}

impl Receipt {
    /// Checks the receipt against a key set: origin, signatures, quorum, inclusion.
    ///
    /// # Errors
    ///
    /// [`ReceiptError::Head`] and [`ReceiptError::Inclusion`].
    ///
    /// # Cost
    ///
    /// One Ed25519 check per known signature and `log2(size) + 1` hashes; well below 1 ms.
    pub fn verify(&self, keys: &KeySet) -> Result<CheckedLeaf, ReceiptError> {
        let head = self.signed_head.check(keys).map_err(ReceiptError::Head)?;
        let hash = leaf_hash(&self.leaf);
        verify_inclusion(&hash, self.index, head.size(), &self.path, head.root())
            .map_err(ReceiptError::Inclusion)?;
        Ok(CheckedLeaf {
            bytes: self.leaf.clone(),
            index: self.index,
            head,
        })
    }

    /// Writes the text form.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "{HEADER}\nextra {}\nindex {}\n",
            base64(&self.leaf),
            self.index
        );
        for hash in &self.path {
            text.push_str(&base64(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.signed_head.to_text());
        text
    }

    /// Reads exactly what [`Receipt::to_text`] writes; nothing is checked but the form.
    ///
    /// # Errors
    ///
    /// [`ReceiptError::Malformed`], [`ReceiptError::Note`] and [`ReceiptError::Bytes`].
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        if text.len() > RECEIPT_BYTES_MAX {
            return Err(ReceiptError::Bytes);
        }
        let malformed = |line| ReceiptError::Malformed { line };
        let mut rest = text;
        if next_line(&mut rest) != Some(HEADER) {
            return Err(malformed(1));
        }
        let leaf = next_line(&mut rest)
            .and_then(|line| line.strip_prefix("extra "))
            .and_then(parse_base64)
            .filter(|leaf| leaf.len() <= ENTRY_BYTES_MAX)
            .ok_or(malformed(2))?;
        let index = next_line(&mut rest)
            .and_then(|line| line.strip_prefix("index "))
            .and_then(parse_decimal)
            .ok_or(malformed(3))?;
        let mut path = Vec::new();
        let mut line = 4;
        loop {
            let content = next_line(&mut rest).ok_or(malformed(line))?;
            if content.is_empty() {
                break;
            }
            if path.len() == PATH_HASHES_MAX {
                return Err(malformed(line));
            }
            path.push(parse_hash(content).ok_or(malformed(line))?);
            line += 1;
        }
        let signed_head = SignedHead::parse(rest).map_err(|source| ReceiptError::Note {
            line: line + source.line(),
            source,
        })?;
        Ok(Self {
            leaf,
            index,
            path,
            signed_head,
        })
    }

    /// Reads the text form from bytes.
    ///
    /// # Errors
    ///
    /// As [`Receipt::parse`].
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, ReceiptError> {
        Self::parse(core::str::from_utf8(bytes).map_err(|_not_utf8| ReceiptError::Bytes)?)
    }
}

/// Takes one line and its newline off the text.
fn next_line<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let (line, behind) = rest.split_once('\n')?;
    *rest = behind;
    Some(line)
}
