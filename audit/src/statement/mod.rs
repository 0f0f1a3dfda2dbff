//! Statements: that all contacts which a tenant closed in a period were processed as it says, checked
//! offline.
//!
//! A statement holds the leaf of every contact closed in the period, proofs that these are leaves of
//! a head which a quorum signed, and the figures drawn from them. The numbers that contacts get when
//! they close have no gaps, so leaving one out shows; the figures are counted again, so a wrong one
//! shows. Nothing of other tenants is in it but hashes. `docs/statement.md` has the format and what a
//! statement does not say.
//!
//! The text consists of blocks with one empty line between them. [`Verifier`] takes them one at a
//! time, so a statement of any length is checked in the memory of one block.

mod check;
mod part;
mod succession;
mod text;
mod totals;

use alloc::string::String;

use thiserror::Error;

pub use check::{CheckedStatement, Verifier, verify_statement};
pub use part::Part;
pub use succession::{Mark, Marks, SuccessionError};
pub use totals::{CampaignTotals, Exceptions, Totals};

use crate::check::CheckError;
use crate::leaf::LeafError;
use crate::multi::MultiInclusionError;
use crate::note::NoteError;
use crate::processed::ProcessedError;

/// First line of a statement.
const HEADER: &str = "akashi/statement/v1";

/// Longest block accepted, in bytes: a part at its limits, with leaves of the usual length.
pub const BLOCK_BYTES_MAX: usize = 8 << 20;

/// Which figure of a statement is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Figure {
    /// The number of contacts.
    #[error("contacts")]
    Contacts,
    /// A count of one outcome.
    #[error("outcome")]
    Outcome,
    /// Contacts with a verdict.
    #[error("decided")]
    Decided,
    /// Contacts with a verdict in time.
    #[error("within")]
    Within,
    /// A count of exceptions.
    #[error("exceptions")]
    Exceptions,
    /// A campaign's counts.
    #[error("campaign")]
    Campaign,
    /// Contacts still open.
    #[error("open")]
    Open,
}

/// Why a statement is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StatementError {
    /// The text breaks the format.
    #[error("statement line {line} is malformed")]
    Malformed {
        /// Number of the line, from 1.
        line: usize,
    },
    /// A block is longer than [`BLOCK_BYTES_MAX`], or no text.
    #[error("statement block is too large or no text")]
    Bytes,
    /// The text ends before its figures, or goes on behind them.
    #[error("statement is cut short or has something behind its end")]
    Ending,
    /// The signed head is malformed.
    #[error("signed head of the statement is malformed")]
    Note(#[source] NoteError),
    /// The head is of another log, carries a bad signature, or lacks a quorum of the pinned keys.
    #[error("signed head of the statement is not to be believed")]
    Head(#[source] CheckError),
    /// The tenant is not the one that the checker asked for.
    #[error("statement is of another tenant than the one asked for")]
    OtherTenantAsked,
    /// The leaf that ties the tenant's number to its name is missing, or says otherwise.
    #[error("tenant's name does not belong to its number")]
    TenantName,
    /// A leaf's bytes are no leaf.
    #[error("a leaf of the statement is malformed")]
    Leaf(#[source] LeafError),
    /// A leaf is not that of a processed contact.
    #[error("a leaf of the statement is about something else")]
    Foreign(#[source] ProcessedError),
    /// A leaf belongs to another tenant.
    #[error("a leaf of the statement belongs to another tenant")]
    OtherTenant,
    /// A number is missing: a contact was left out.
    #[error("contact number {number} is missing")]
    Gap {
        /// The first number that should be there and is not.
        number: u64,
    },
    /// A number comes again, or before a smaller one.
    #[error("contact number {number} stands in the wrong place")]
    Swapped {
        /// The number.
        number: u64,
    },
    /// A contact closed outside the period.
    #[error("contact number {number} closed outside the period")]
    OutsidePeriod {
        /// Its number.
        number: u64,
    },
    /// The neighbour before the first contact is missing, or closed inside the period.
    #[error("the contact before the first one does not show where the period begins")]
    Beginning,
    /// The neighbour behind the last contact closed inside the period.
    #[error("the contact behind the last one closed inside the period")]
    End,
    /// A leaf is not in the tree of the head: it was changed, or is of another log.
    #[error("inclusion of the leaves in lines before {line} does not hold")]
    Inclusion {
        /// Number of the first line behind the part, from 1.
        line: usize,
        /// What does not hold.
        source: MultiInclusionError,
    },
    /// A figure is not what the leaves give.
    #[error("figure is not what the leaves give: {0}")]
    Figure(Figure),
}

/// What a statement is about: its first block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementScope {
    /// The tenant's number in leaves.
    pub tenant: u32,
    /// Its name.
    pub name: String,
    /// Begin of the period in microseconds since 1970-01-01 UTC; inside it.
    pub from_us: u64,
    /// End of the period; outside it.
    pub until_us: u64,
    /// Number of the first contact.
    pub first: u64,
    /// Number of the last contact; one less than `first` if there is none.
    pub last: u64,
    /// The agreed time from announcement to verdict, in seconds.
    pub service_s: u32,
}
