//! Checking a statement, block by block.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::{BLOCK_BYTES_MAX, Figure, Mark, Marks, Part, StatementError, StatementScope, Totals};
use crate::check::CheckedHead;
use crate::keys::KeySet;
use crate::leaf::Leaf;
use crate::note::SignedHead;
use crate::processed::{
    CONTACT_PROCESSED, Processed, ProcessedError, ProvedTotal, TENANT_CREATED, TOTAL_PROVED, column,
};
use crate::tree::leaf_hash;

/// A statement that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedStatement {
    /// What it is about.
    pub scope: StatementScope,
    /// The head under which every leaf was proved.
    pub head: CheckedHead,
    /// The figures, counted from the leaves.
    pub totals: Totals,
    /// Whether the next contact is shown to have closed behind the period. Without it, contacts may
    /// follow that closed within the period and show only in the next statement.
    pub end_shown: bool,
    /// Totals of orders that stand beside the contacts, in the order of the log.
    pub proved: Vec<ProvedTotal>,
    /// What ties it to the statements before and behind it.
    pub marks: Marks,
}

/// Takes a statement block by block and believes none of it before it is proved.
#[derive(Debug)]
pub struct Verifier<'a> {
    keys: &'a KeySet,
    /// The tenant that the checker asks for.
    tenant: Option<String>,
    /// Number of the next block's first line.
    line: usize,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Scope,
    Head(StatementScope),
    Signatures(StatementScope, String),
    Frame(StatementScope, CheckedHead),
    Parts(Progress),
    Done(CheckedStatement),
    /// A block was refused.
    Refused,
}

#[derive(Debug)]
struct Progress {
    scope: StatementScope,
    head: CheckedHead,
    totals: Totals,
    frame: Frame,
    /// Number that the next contact must have.
    next: u64,
    /// Leaf index of the last contact.
    last_index: Option<u64>,
}

impl<'a> Verifier<'a> {
    /// Begins with the pinned keys of the log and, if it matters whose statement it is, the tenant's
    /// name.
    #[must_use]
    pub fn new(keys: &'a KeySet, tenant: Option<&str>) -> Self {
        Self {
            keys,
            tenant: tenant.map(ToOwned::to_owned),
            line: 1,
            stage: Stage::Scope,
        }
    }

    /// Takes the next block: its lines, each with its newline, without the empty line behind it. Gives
    /// the contacts that the block proves.
    ///
    /// # Errors
    ///
    /// [`StatementError`]; nothing more is accepted then.
    pub fn block(&mut self, block: &str) -> Result<Vec<Processed>, StatementError> {
        if block.len() > BLOCK_BYTES_MAX {
            return Err(StatementError::Bytes);
        }
        let line = self.line;
        if block.is_empty() || !block.ends_with('\n') {
            return Err(StatementError::Malformed { line });
        }
        self.line = line
            .saturating_add(block.matches('\n').count())
            .saturating_add(1);
        match mem::replace(&mut self.stage, Stage::Refused) {
            Stage::Scope => self.scope(block)?,
            Stage::Head(scope) => self.stage = Stage::Signatures(scope, block.to_owned()),
            Stage::Signatures(scope, head) => {
                let note = format!("{head}\n{block}");
                let signed = SignedHead::parse(&note).map_err(StatementError::Note)?;
                let head = signed.check(self.keys).map_err(StatementError::Head)?;
                self.stage = Stage::Frame(scope, head);
            }
            Stage::Frame(scope, head) => {
                let frame = Part::parse(block, "frame", line)?;
                let said = check_frame(&frame, &scope)?;
                frame.check(head.head(), self.line)?;
                self.stage = Stage::Parts(Progress {
                    next: scope.first,
                    scope,
                    head,
                    totals: Totals::default(),
                    frame: said,
                    last_index: None,
                });
            }
            Stage::Parts(progress) if block.starts_with("claims\n") => {
                let claimed = Totals::parse(block, line)?;
                self.stage = Stage::Done(progress.finish(&claimed)?);
            }
            Stage::Parts(mut progress) => {
                let part = Part::parse(block, "part", line)?;
                let contacts = progress.take(&part)?;
                part.check(progress.head.head(), self.line)?;
                self.stage = Stage::Parts(progress);
                return Ok(contacts);
            }
            Stage::Done(_) | Stage::Refused => return Err(StatementError::Ending),
        }
        Ok(Vec::new())
    }

    /// Ends, and gives what was proved.
    ///
    /// # Errors
    ///
    /// [`StatementError::Ending`] if blocks are missing.
    pub fn finish(self) -> Result<CheckedStatement, StatementError> {
        match self.stage {
            Stage::Done(checked) => Ok(checked),
            Stage::Scope
            | Stage::Head(_)
            | Stage::Signatures(..)
            | Stage::Frame(..)
            | Stage::Parts(_)
            | Stage::Refused => Err(StatementError::Ending),
        }
    }

    fn scope(&mut self, block: &str) -> Result<(), StatementError> {
        let scope = StatementScope::parse(block)?;
        if self.tenant.as_ref().is_some_and(|name| *name != scope.name) {
            return Err(StatementError::OtherTenantAsked);
        }
        self.stage = Stage::Head(scope);
        Ok(())
    }
}

impl Progress {
    /// Counts the contacts of a part, which is not proved yet.
    fn take(&mut self, part: &Part) -> Result<Vec<Processed>, StatementError> {
        let contacts = part
            .leaves
            .iter()
            .map(|(_, bytes)| contact(bytes, &self.scope))
            .collect::<Result<Vec<_>, _>>()?;
        for ((index, bytes), contact) in part.leaves.iter().zip(&contacts) {
            let number = contact.number;
            let ascends = self.last_index.is_none_or(|last| last < *index);
            if number > self.next && contacts.iter().all(|other| other.number != self.next) {
                return Err(StatementError::Gap { number: self.next });
            }
            if number != self.next || !ascends || number > self.scope.last {
                return Err(StatementError::Swapped { number });
            }
            if contact.closed_us < self.scope.from_us || contact.closed_us >= self.scope.until_us {
                return Err(StatementError::OutsidePeriod { number });
            }
            self.totals.add(contact, self.scope.service_s);
            self.next = number.saturating_add(1);
            self.last_index = Some(*index);
            let here = mark(*index, bytes);
            self.frame.marks.first.get_or_insert(here);
            self.frame.marks.last = Some(here);
        }
        Ok(contacts)
    }

    /// Compares the figures.
    fn finish(self, claimed: &Totals) -> Result<CheckedStatement, StatementError> {
        if self.next <= self.scope.last {
            return Err(StatementError::Gap { number: self.next });
        }
        let counted = &self.totals;
        let figures = [
            (Figure::Contacts, claimed.contacts == counted.contacts),
            (Figure::Outcome, claimed.outcomes == counted.outcomes),
            (Figure::Decided, claimed.decided == counted.decided),
            (Figure::Within, claimed.within == counted.within),
            (Figure::Exceptions, claimed.exceptions == counted.exceptions),
            (Figure::Campaign, claimed.campaigns == counted.campaigns),
            (Figure::Open, claimed.open == counted.open),
        ];
        if let Some((figure, _)) = figures.into_iter().find(|(_, equal)| !equal) {
            return Err(StatementError::Figure(figure));
        }
        Ok(CheckedStatement {
            scope: self.scope,
            head: self.head,
            totals: self.totals,
            end_shown: self.frame.marks.behind.is_some(),
            proved: self.frame.proved,
            marks: self.frame.marks,
        })
    }
}

/// Reads the leaf of a contact of the statement's tenant.
fn contact(bytes: &[u8], scope: &StatementScope) -> Result<Processed, StatementError> {
    let leaf = Leaf::decode(bytes).map_err(StatementError::Leaf)?;
    if leaf.tenant != scope.tenant {
        return Err(StatementError::OtherTenant);
    }
    Processed::read(&leaf).map_err(StatementError::Foreign)
}

/// What the frame says.
#[derive(Debug)]
struct Frame {
    marks: Marks,
    proved: Vec<ProvedTotal>,
}

fn mark(index: u64, bytes: &[u8]) -> Mark {
    Mark {
        index,
        hash: leaf_hash(bytes),
    }
}

/// Looks at what ties the statement down: the tenant's name, and the contacts before and behind the
/// period; and at the totals of orders.
fn check_frame(frame: &Part, scope: &StatementScope) -> Result<Frame, StatementError> {
    let (mut named, mut before, mut behind) = (None, None, None);
    let mut proved = Vec::new();
    for (index, bytes) in &frame.leaves {
        let here = mark(*index, bytes);
        let leaf = Leaf::decode(bytes).map_err(StatementError::Leaf)?;
        if leaf.tenant != scope.tenant {
            return Err(StatementError::OtherTenant);
        }
        match leaf.kind {
            TENANT_CREATED => {
                let name = leaf.extensions.value(column::NAME);
                if named.is_some() || name != Some(scope.name.as_bytes()) {
                    return Err(StatementError::TenantName);
                }
                named = Some(here);
            }
            CONTACT_PROCESSED => {
                let contact = Processed::read(&leaf).map_err(StatementError::Foreign)?;
                let number = contact.number;
                if before.is_none() && number.checked_add(1) == Some(scope.first) {
                    if contact.closed_us >= scope.from_us {
                        return Err(StatementError::Beginning);
                    }
                    before = Some(here);
                } else if behind.is_none() && scope.last.checked_add(1) == Some(number) {
                    if contact.closed_us < scope.until_us {
                        return Err(StatementError::End);
                    }
                    behind = Some(here);
                } else {
                    return Err(StatementError::Swapped { number });
                }
            }
            TOTAL_PROVED => {
                proved.push(ProvedTotal::read(&leaf).map_err(StatementError::Foreign)?);
            }
            _ => return Err(StatementError::Foreign(ProcessedError::Kind)),
        }
    }
    let tenant = named.ok_or(StatementError::TenantName)?;
    // Numbers begin with 1: only then is there nothing before.
    if scope.first > 1 && before.is_none() {
        return Err(StatementError::Beginning);
    }
    let marks = Marks {
        tenant,
        before,
        first: None,
        last: None,
        behind,
    };
    Ok(Frame { marks, proved })
}

/// Checks a whole statement against pinned keys and, if given, the tenant's name.
///
/// # Errors
///
/// [`StatementError`].
///
/// # Cost
///
/// A few hundred nanoseconds of SHA-256 per leaf and hash, and the signatures of one head.
pub fn verify_statement(
    text: &str,
    keys: &KeySet,
    tenant: Option<&str>,
) -> Result<CheckedStatement, StatementError> {
    let mut verifier = Verifier::new(keys, tenant);
    let mut rest = text;
    while !rest.is_empty() {
        let (block, behind) = match rest.find("\n\n") {
            // Both indices are at newlines, so at the borders of characters.
            Some(at) => rest.split_at(at.saturating_add(1)),
            None => (rest, ""),
        };
        verifier.block(block)?;
        rest = behind.strip_prefix('\n').unwrap_or(behind);
        if rest.is_empty() && !behind.is_empty() {
            return Err(StatementError::Ending);
        }
    }
    verifier.finish()
}
