//! Key sets that followed one another, and what proves each step.
//!
//! The replicas of a log change over the years, and their keys with them. A key set is in force up to the head
//! whose *last* leaf says that another follows (`MemberPromoted` or `MemberRemoved`, with the digest of the
//! successor's text); the successor signs everything larger. So each step is a receipt, signed by the old set,
//! and the text of the new one: whoever pinned any set of the chain can walk to the newest without trusting
//! anybody else.
//!
//! ```text
//! akashi/v1/key-history
//! keys 6
//! # akashi-origin kagami.example/e1/g0
//! …
//! receipt 14
//! c2sp.org/tlog-proof@v1
//! …
//! keys 7
//! # akashi-origin kagami.example/e1/g0
//! …
//! ```
//!
//! First the set with which the history begins, then a receipt and a set for each step; before each the number of
//! its lines. Every text has one spelling.
//!
//! What it does not say: that no set follows the newest. A reader who is kept from the later steps goes on
//! believing a set that was replaced; its heads end at the step, so such a log stands still.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::keys::{KeySet, KeySetError};
use crate::leaf::Leaf;
use crate::receipt::{Receipt, ReceiptError};
use crate::text::parse_decimal;

/// Event number of a member that votes and cosigns from then on.
pub const MEMBER_PROMOTED: u16 = 84;
/// Event number of a member that belongs to the cluster no more.
pub const MEMBER_REMOVED: u16 = 85;
/// Extension column with SHA-256 of the text of the key set in force behind the leaf.
pub const KEY_SET_COLUMN: u16 = 101;

/// Steps of one history: more than the life of any cluster has.
pub const KEY_CHANGES_MAX: usize = 4_096;

/// First line of the text form.
const HEADER: &str = "akashi/v1/key-history";

/// Longest history in bytes: every step with a receipt and a set of seven.
const HISTORY_BYTES_MAX: usize = 32 * 1_024 * 1_024;

/// What is wrong with one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyChangeFault {
    /// The set is of another log than the one before.
    #[error("key set is of another log")]
    Origin,
    /// The receipt is not under the set before.
    #[error("receipt is not to be believed")]
    Receipt(#[source] ReceiptError),
    /// The leaf is not the last under its head, or lies before an earlier step.
    #[error("head does not end with the change")]
    Boundary,
    /// The leaf is not that of a change of the key set.
    #[error("leaf is not a change of the key set")]
    Leaf,
    /// The leaf names another successor.
    #[error("key set is not the one that the leaf names")]
    OtherKeys,
}

/// Why a history is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyHistoryError {
    /// The text breaks the format.
    #[error("key history line {line} is malformed")]
    Malformed {
        /// Number of the line, from 1.
        line: usize,
    },
    /// A key set in it is malformed.
    #[error("key history, in the key set behind line {line}")]
    Keys {
        /// Number of the line before the set, from 1.
        line: usize,
        /// What is wrong in the set.
        source: KeySetError,
    },
    /// A receipt in it is malformed.
    #[error("key history, in the receipt behind line {line}")]
    Receipt {
        /// Number of the line before the receipt, from 1.
        line: usize,
        /// What is wrong in the receipt.
        source: ReceiptError,
    },
    /// The history is no text, larger than 32 MiB, or has more than [`KEY_CHANGES_MAX`] steps.
    #[error("key history is too large or no text")]
    Bytes,
    /// The set that is believed so far is not in the history.
    #[error("key history does not contain the key set that is believed")]
    Unconnected,
    /// A step does not hold.
    #[error("step {step} of the key history does not hold: {fault}")]
    Step {
        /// Number of the step in the history, from 1.
        step: usize,
        /// What is wrong with it.
        fault: KeyChangeFault,
    },
}

/// One step: what the old set signed about its successor, and the successor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The receipt of the leaf that names the successor, under the head that ends with it.
    pub receipt: Receipt,
    /// The successor.
    pub keys: KeySet,
}

impl KeyChange {
    /// Size of the last head that the old set signs, as the receipt claims it.
    #[must_use]
    pub const fn boundary(&self) -> u64 {
        self.receipt.signed_head.head.size
    }

    /// Checks the step under the set before it, which seals nothing up to `after`.
    fn check(&self, before: &KeySet, after: u64) -> Result<(), KeyChangeFault> {
        if self.keys.origin() != before.origin() {
            return Err(KeyChangeFault::Origin);
        }
        let checked = self
            .receipt
            .verify(before)
            .map_err(KeyChangeFault::Receipt)?;
        let size = checked.head().size();
        if checked.index().checked_add(1) != Some(size) || size <= after {
            return Err(KeyChangeFault::Boundary);
        }
        let leaf = checked.leaf().map_err(|_unreadable| KeyChangeFault::Leaf)?;
        let named = named_successor(&leaf).ok_or(KeyChangeFault::Leaf)?;
        if named == key_set_digest(&self.keys) {
            Ok(())
        } else {
            Err(KeyChangeFault::OtherKeys)
        }
    }
}

/// SHA-256 over the text of a key set: how a leaf names it.
#[must_use]
pub fn key_set_digest(keys: &KeySet) -> [u8; 32] {
    Sha256::digest(keys.to_text().as_bytes()).into()
}

/// The digest of the key set that follows, if the leaf is a change of the key set.
#[must_use]
pub fn named_successor(leaf: &Leaf) -> Option<[u8; 32]> {
    if !matches!(leaf.kind, MEMBER_PROMOTED | MEMBER_REMOVED) {
        return None;
    }
    leaf.extensions.value(KEY_SET_COLUMN)?.try_into().ok()
}

/// A key set and the steps that led on from it; nothing is believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHistory {
    first: KeySet,
    changes: Vec<KeyChange>,
}

impl KeyHistory {
    /// Puts a history together; nothing is checked.
    #[must_use]
    pub const fn new(first: KeySet, changes: Vec<KeyChange>) -> Self {
        Self { first, changes }
    }

    /// Gives the set with which it begins.
    #[must_use]
    pub const fn first(&self) -> &KeySet {
        &self.first
    }

    /// Gives the steps, in order.
    #[must_use]
    pub fn changes(&self) -> &[KeyChange] {
        &self.changes
    }

    /// Gives the set with which it ends.
    #[must_use]
    pub fn newest(&self) -> &KeySet {
        self.changes
            .last()
            .map_or(&self.first, |change| &change.keys)
    }

    /// Takes in the next page of the same history. Says whether it continues this one.
    pub fn append(&mut self, page: Self) -> bool {
        let continues = page.first == *self.newest();
        if continues {
            self.changes.extend(page.changes);
        }
        continues
    }

    /// Writes the text form.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        push_part(&mut text, "keys", &self.first.to_text());
        for change in &self.changes {
            push_part(&mut text, "receipt", &change.receipt.to_text());
            push_part(&mut text, "keys", &change.keys.to_text());
        }
        text
    }

    /// Reads exactly what [`KeyHistory::to_text`] writes; nothing is checked but the form.
    ///
    /// # Errors
    ///
    /// [`KeyHistoryError`], but for `Unconnected` and `Step`.
    pub fn parse(text: &str) -> Result<Self, KeyHistoryError> {
        if text.len() > HISTORY_BYTES_MAX {
            return Err(KeyHistoryError::Bytes);
        }
        let mut reader = Reader {
            rest: text,
            line: 0,
        };
        if reader.line() != Some(HEADER) {
            return Err(KeyHistoryError::Malformed { line: 1 });
        }
        let first = reader.keys()?;
        let mut changes = Vec::new();
        while !reader.rest.is_empty() {
            if changes.len() == KEY_CHANGES_MAX {
                return Err(KeyHistoryError::Bytes);
            }
            let receipt = reader.receipt()?;
            let keys = reader.keys()?;
            changes.push(KeyChange { receipt, keys });
        }
        Ok(Self { first, changes })
    }

    /// Reads the text form from bytes.
    ///
    /// # Errors
    ///
    /// As [`KeyHistory::parse`].
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, KeyHistoryError> {
        Self::parse(core::str::from_utf8(bytes).map_err(|_not_utf8| KeyHistoryError::Bytes)?)
    }
}

fn push_part(text: &mut String, word: &str, part: &str) {
    text.push_str(&format!("{word} {}\n{part}", part.matches('\n').count()));
}

/// A history, read up to some line.
struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    fn line(&mut self) -> Option<&'a str> {
        let (line, behind) = self.rest.split_once('\n')?;
        self.rest = behind;
        self.line += 1;
        Some(line)
    }

    /// The lines behind `<word> <count>`, and the number of that line.
    fn part(&mut self, word: &str) -> Result<(&'a str, usize), KeyHistoryError> {
        let malformed = KeyHistoryError::Malformed {
            line: self.line + 1,
        };
        let count = self
            .line()
            .and_then(|line| line.strip_prefix(word))
            .and_then(|line| line.strip_prefix(' '))
            .and_then(parse_decimal)
            .ok_or(malformed)?;
        let (at, from) = (self.line, self.rest);
        for _ in 0..count {
            let cut_short = KeyHistoryError::Malformed {
                line: self.line + 1,
            };
            self.line().ok_or(cut_short)?;
        }
        let part = from
            .len()
            .checked_sub(self.rest.len())
            .and_then(|end| from.get(..end))
            .ok_or(KeyHistoryError::Malformed { line: at })?;
        Ok((part, at))
    }

    fn keys(&mut self) -> Result<KeySet, KeyHistoryError> {
        let (part, line) = self.part("keys")?;
        let keys = KeySet::parse(part).map_err(|source| KeyHistoryError::Keys { line, source })?;
        // Comments and other spellings of the same set have another digest.
        if keys.to_text() == part {
            Ok(keys)
        } else {
            Err(KeyHistoryError::Malformed { line })
        }
    }

    fn receipt(&mut self) -> Result<Receipt, KeyHistoryError> {
        let (part, line) = self.part("receipt")?;
        let receipt =
            Receipt::parse(part).map_err(|source| KeyHistoryError::Receipt { line, source })?;
        if receipt.to_text() == part {
            Ok(receipt)
        } else {
            Err(KeyHistoryError::Malformed { line })
        }
    }
}

/// The key sets that somebody believes: one that was pinned, and those that it led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChain {
    pinned: KeySet,
    /// Each successor, behind the size of the last head that the set before signs.
    later: Vec<(u64, KeySet)>,
}

impl KeyChain {
    /// Believes a set that was got by a way one trusts.
    #[must_use]
    pub const fn pinned(keys: KeySet) -> Self {
        Self {
            pinned: keys,
            later: Vec::new(),
        }
    }

    /// Gives the set that was pinned.
    #[must_use]
    pub const fn first(&self) -> &KeySet {
        &self.pinned
    }

    /// Gives the newest set.
    #[must_use]
    pub fn newest(&self) -> &KeySet {
        self.later.last().map_or(&self.pinned, |(_, keys)| keys)
    }

    /// Gives the size of the largest head that the newest set does *not* sign; zero as long as there was no
    /// step.
    #[must_use]
    pub fn newest_after(&self) -> u64 {
        self.later.last().map_or(0, |(after, _)| *after)
    }

    /// Gives the set by which a head of `size` is checked.
    ///
    /// Sizes from before the pinned set are checked by the pinned set, and fail.
    #[must_use]
    pub fn at(&self, size: u64) -> &KeySet {
        self.later
            .iter()
            .rev()
            .find(|(after, _)| size > *after)
            .map_or(&self.pinned, |(_, keys)| keys)
    }

    /// Gives every set, oldest first, each with the size behind which it is in force.
    pub fn sets(&self) -> impl Iterator<Item = (u64, &KeySet)> {
        let later = self.later.iter().map(|(after, keys)| (*after, keys));
        core::iter::once((0, &self.pinned)).chain(later)
    }

    /// Walks along a history from the newest set that is believed, and checks every step. Gives the number
    /// of new steps.
    ///
    /// # Errors
    ///
    /// [`KeyHistoryError::Unconnected`] and [`KeyHistoryError::Step`]; nothing is believed then that was not
    /// before.
    ///
    /// # Cost
    ///
    /// One receipt per new step: well below 1 ms each.
    pub fn follow(&mut self, history: &KeyHistory) -> Result<usize, KeyHistoryError> {
        let from = self.place(history).ok_or(KeyHistoryError::Unconnected)?;
        let mut walked = Self {
            pinned: self.newest().to_owned(),
            later: Vec::new(),
        };
        let mut after = self.newest_after();
        for (at, change) in history.changes.iter().enumerate().skip(from) {
            change
                .check(walked.newest(), after)
                .map_err(|fault| KeyHistoryError::Step {
                    step: at + 1,
                    fault,
                })?;
            after = change.boundary();
            walked.later.push((after, change.keys.clone()));
        }
        let steps = walked.later.len();
        self.later.extend(walked.later);
        Ok(steps)
    }

    /// How many steps of the history lie before the newest set that is believed.
    ///
    /// The same replicas may sign twice, with others in between, so a set that was reached by steps is
    /// found by where it began; one that was pinned, at its first time.
    fn place(&self, history: &KeyHistory) -> Option<usize> {
        let newest = self.newest();
        if !self.later.is_empty() {
            let known = history
                .changes
                .iter()
                .position(|c| c.boundary() == self.newest_after() && c.keys == *newest);
            if let Some(at) = known {
                return Some(at + 1);
            }
            return (history.first == *newest).then_some(0);
        }
        if history.first == *newest {
            return Some(0);
        }
        let at = history.changes.iter().position(|c| c.keys == *newest);
        at.map(|at| at + 1)
    }
}
