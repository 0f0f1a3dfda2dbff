//! The first and the last block: what a statement is about, and its figures.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

use super::totals::{CAMPAIGNS_MAX, CampaignTotals, Exceptions, Totals};
use super::{HEADER, StatementError, StatementScope};
use crate::note::SignedHead;
use crate::text::parse_decimal;

/// Longest name of a tenant in bytes.
const NAME_BYTES_MAX: usize = 64;

impl StatementScope {
    /// Writes the blocks before the leaves: this one, and the head that they are proved under.
    #[must_use]
    pub fn to_text(&self, head: &SignedHead) -> String {
        let Self {
            tenant,
            name,
            from_us,
            until_us,
            first,
            last,
            service_s,
        } = self;
        format!(
            "{HEADER}\ntenant {tenant} {name}\nperiod {from_us} {until_us}\n\
             numbers {first} {last}\nservice {service_s}\n\n{}",
            head.to_text()
        )
    }

    /// Reads the first block.
    pub(super) fn parse(block: &str) -> Result<Self, StatementError> {
        let mut lines = Lines {
            rest: block,
            next: 1,
        };
        if !lines.need(HEADER)?.is_empty() {
            return Err(lines.malformed());
        }
        let (tenant, name) = lines
            .need("tenant ")?
            .split_once(' ')
            .ok_or(lines.malformed())?;
        let tenant = lines.narrow(tenant)?;
        let visible = name.bytes().all(|byte| byte.is_ascii_graphic());
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !visible {
            return Err(lines.malformed());
        }
        let (from_us, until_us) = lines.pair("period ")?;
        if from_us >= until_us {
            return Err(lines.malformed());
        }
        let (first, last) = lines.pair("numbers ")?;
        if first == 0 || last.checked_add(1).is_none_or(|behind| behind < first) {
            return Err(lines.malformed());
        }
        let service = lines.need("service ")?;
        let service_s = lines.narrow(service)?;
        lines.end()?;
        Ok(Self {
            tenant,
            name: name.to_owned(),
            from_us,
            until_us,
            first,
            last,
            service_s,
        })
    }
}

impl Totals {
    /// Writes the last block.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::from("claims\n");
        self.write(&mut text);
        text
    }

    /// Reads the last block, whose first line is number `line`.
    pub(super) fn parse(block: &str, line: usize) -> Result<Self, StatementError> {
        let mut lines = Lines {
            rest: block,
            next: line,
        };
        if !lines.need("claims")?.is_empty() {
            return Err(lines.malformed());
        }
        let mut totals = Self {
            contacts: lines.figure("contacts ")?,
            ..Self::default()
        };
        while let Some(rest) = lines.take("outcome ") {
            let (outcome, contacts) = rest.split_once(' ').ok_or(lines.malformed())?;
            let (outcome, contacts) = (lines.narrow::<u8>(outcome)?, lines.decimal(contacts)?);
            let last = totals
                .outcomes
                .last_key_value()
                .map_or(0, |(last, _)| *last);
            if outcome <= last {
                return Err(lines.malformed());
            }
            totals.outcomes.insert(outcome, contacts);
        }
        totals.decided = lines.figure("decided ")?;
        totals.within = lines.figure("within ")?;
        totals.exceptions = Exceptions::from_named(|name| lines.figure(&format!("{name} ")))?;
        while let Some(rest) = lines.take("campaign ") {
            let (campaign, rest) = rest.split_once(' ').ok_or(lines.malformed())?;
            let (contacts, verified) = rest.split_once(' ').ok_or(lines.malformed())?;
            let campaign = lines.narrow::<u32>(campaign)?;
            let figures = CampaignTotals {
                contacts: lines.decimal(contacts)?,
                verified: lines.decimal(verified)?,
            };
            let last = totals.campaigns.last_key_value();
            let ascends = last.is_none_or(|(last, _)| *last < campaign);
            if !ascends || totals.campaigns.len() >= CAMPAIGNS_MAX {
                return Err(lines.malformed());
            }
            totals.campaigns.insert(campaign, figures);
        }
        totals.open = lines.figure("open ")?;
        lines.end()?;
        Ok(totals)
    }
}

/// The lines of a block not read yet.
struct Lines<'a> {
    rest: &'a str,
    /// Number of the first of them.
    next: usize,
}

impl<'a> Lines<'a> {
    /// What stands behind `keyword` in the next line; nothing is taken if it begins otherwise.
    fn take(&mut self, keyword: &str) -> Option<&'a str> {
        let (line, behind) = self.rest.split_once('\n')?;
        let value = line.strip_prefix(keyword)?;
        self.rest = behind;
        self.next += 1;
        Some(value)
    }

    fn need(&mut self, keyword: &str) -> Result<&'a str, StatementError> {
        let line = self.next;
        self.take(keyword).ok_or(StatementError::Malformed { line })
    }

    fn figure(&mut self, keyword: &str) -> Result<u64, StatementError> {
        let value = self.need(keyword)?;
        self.decimal(value)
    }

    fn pair(&mut self, keyword: &str) -> Result<(u64, u64), StatementError> {
        let value = self.need(keyword)?;
        let (first, second) = value.split_once(' ').ok_or(self.malformed())?;
        Ok((self.decimal(first)?, self.decimal(second)?))
    }

    fn decimal(&self, text: &str) -> Result<u64, StatementError> {
        parse_decimal(text).ok_or(self.malformed())
    }

    fn narrow<N: TryFrom<u64>>(&self, text: &str) -> Result<N, StatementError> {
        self.decimal(text)?
            .try_into()
            .map_err(|_above| self.malformed())
    }

    /// The line taken last is at fault.
    const fn malformed(&self) -> StatementError {
        StatementError::Malformed {
            line: self.next.saturating_sub(1),
        }
    }

    const fn end(&self) -> Result<(), StatementError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(StatementError::Malformed { line: self.next })
        }
    }
}
