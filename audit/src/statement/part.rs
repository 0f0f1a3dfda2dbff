//! Leaves of a statement with the hashes that prove them: one block.

use alloc::string::String;
use alloc::vec::Vec;

use super::StatementError;
use crate::head::Head;
use crate::leaf::ENTRY_BYTES_MAX;
use crate::multi::{MULTI_LEAVES_MAX, verify_multi_inclusion};
use crate::text::{base64, parse_base64, parse_decimal, parse_hash};
use crate::tree::{Hash, leaf_hash};

/// Most hashes of a part: what so many leaves can need in the largest tree.
const PATH_HASHES_MAX: usize = MULTI_LEAVES_MAX * 62;

/// Leaves of one tree with the proof that they are: indices strictly ascend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Index and canonical bytes of each leaf.
    pub leaves: Vec<(u64, Vec<u8>)>,
    /// The multi-inclusion proof.
    pub path: Vec<Hash>,
}

impl Part {
    /// Writes the block that tells the tenant's name and the neighbours of the period.
    #[must_use]
    pub fn to_frame_text(&self) -> String {
        self.to_text("frame")
    }

    /// Writes a block of contacts.
    #[must_use]
    pub fn to_part_text(&self) -> String {
        self.to_text("part")
    }

    fn to_text(&self, keyword: &str) -> String {
        let mut text = String::from(keyword);
        text.push('\n');
        for (index, leaf) in &self.leaves {
            text.push_str(&alloc::format!("{index} {}\n", base64(leaf)));
        }
        for hash in &self.path {
            text.push_str(&base64(hash));
            text.push('\n');
        }
        text
    }

    /// Reads a block whose first line is number `line`.
    pub(super) fn parse(block: &str, keyword: &str, line: usize) -> Result<Self, StatementError> {
        let mut part = Self::default();
        // Not `lines`: that would let a carriage return pass.
        let content = block.strip_suffix('\n').unwrap_or(block);
        for (content, line) in content.split('\n').zip(line..) {
            part.line(content, keyword)
                .ok_or(StatementError::Malformed { line })?;
        }
        Ok(part)
    }

    fn line(&mut self, content: &str, keyword: &str) -> Option<()> {
        if content == keyword {
            return (self.leaves.is_empty() && self.path.is_empty()).then_some(());
        }
        if let Some((index, leaf)) = content.split_once(' ') {
            let index = parse_decimal(index)?;
            let leaf = parse_base64(leaf).filter(|leaf| leaf.len() <= ENTRY_BYTES_MAX)?;
            self.leaves.push((index, leaf));
            (self.path.is_empty() && self.leaves.len() <= MULTI_LEAVES_MAX).then_some(())
        } else {
            self.path.push(parse_hash(content)?);
            (self.path.len() <= PATH_HASHES_MAX).then_some(())
        }
    }

    /// Checks that the leaves are leaves of the tree of `head`; `line` is the first behind the block.
    pub(super) fn check(&self, head: &Head, line: usize) -> Result<(), StatementError> {
        let leaves: Vec<(u64, Hash)> = self
            .leaves
            .iter()
            .map(|(index, leaf)| (*index, leaf_hash(leaf)))
            .collect();
        verify_multi_inclusion(&leaves, head.size, &self.path, &head.root)
            .map_err(|source| StatementError::Inclusion { line, source })
    }
}
