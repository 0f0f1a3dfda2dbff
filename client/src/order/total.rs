//! Totals: what many orders cost together, checked by whoever pays for them, without any one amount.
//!
//! A proved total is two numbers and a receipt: the receipt's leaf has the sum of the commitments of a
//! period, and the numbers open it. Nobody can open one sum to two totals, so nothing else is needed; who
//! wants to add up the commitments as well takes the leaves of the executed orders ([`PeriodSum`]).

use std::path::Path;

use akashi_merkle::{KeySet, Leaf};
use akashi_proof::{Commitment, CommitmentSum, SumOpening};
use serde::{Deserialize, Serialize};

use crate::auditor::verify_receipt;
use crate::error::Error;
use crate::event;
use crate::files::{self, Mode};
use crate::hexadecimal::{Secret, read_json, to_json};
use crate::processor::column;

/// What a call centre hands to the firm that it bills: a total with what opens its sum.
///
/// The blinding tells no more than the total; both are the firm's business and nobody else's.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ProvedTotal {
    total: u64,
    blinding: Secret,
    receipt: String,
}

/// A total whose receipt and sum hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedTotal {
    /// The tenant's number in the log.
    pub tenant: u32,
    /// The tenant's own number of the campaign.
    pub campaign: u32,
    /// Number of the first order.
    pub first: u64,
    /// Number of the last one.
    pub through: u64,
    /// What the orders cost together, in minor units.
    pub total: u64,
    /// The sum of their commitments.
    pub sum: CommitmentSum,
    /// When it was proved: cluster time, microseconds since 1970-01-01 UTC.
    pub stamp_us: u64,
}

impl std::fmt::Debug for ProvedTotal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProvedTotal").finish_non_exhaustive()
    }
}

impl ProvedTotal {
    pub(crate) fn new(opening: &SumOpening, receipt: String) -> Self {
        Self {
            total: opening.total(),
            blinding: Secret::new(*opening.blinding()),
            receipt,
        }
    }

    /// Checks the receipt with nothing but the cluster's public keys, and that its sum opens to the total.
    ///
    /// # Errors
    ///
    /// [`Error::Integrity`] says what does not hold.
    pub fn check(&self, keys: &KeySet) -> Result<CheckedTotal, Error> {
        let leaf = verify_receipt(&self.receipt, keys)?
            .leaf()
            .map_err(|_version| Error::Answer { what: "leaf" })?;
        if leaf.kind != event::TOTAL_PROVED {
            return Err(Error::integrity("the receipt is not about a total"));
        }
        let sum = sum_column(&leaf, event::PERIOD_SUM_COLUMN)?;
        if !sum.opens_to(self.total, self.blinding.expose()) {
            return Err(Error::integrity(
                "the sum of the period does not open to this total",
            ));
        }
        Ok(CheckedTotal {
            tenant: leaf.tenant,
            campaign: u32::from_be_bytes(column(&leaf, event::CAMPAIGN_COLUMN)?),
            first: u64::from_be_bytes(column(&leaf, event::PERIOD_FIRST_COLUMN)?),
            through: u64::from_be_bytes(column(&leaf, event::ORDER_NUMBER_COLUMN)?),
            total: self.total,
            sum,
            stamp_us: leaf.stamp_us,
        })
    }

    /// Writes it to a new file of mode 0600.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`], [`Error::File`].
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        files::write_new(path, &to_json(self, path)?, Mode::Private)
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// [`Error::File`], [`Error::Malformed`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        read_json(path)
    }
}

/// Adds up the commitments of a period's executed orders from their leaves, believing no sum in them.
#[derive(Clone, Copy, Debug)]
pub struct PeriodSum {
    tenant: u32,
    campaign: u32,
    next: u64,
    through: u64,
    sum: CommitmentSum,
    running: Option<CommitmentSum>,
}

impl PeriodSum {
    /// The period of a checked total.
    #[must_use]
    pub fn of(total: &CheckedTotal) -> Self {
        Self {
            tenant: total.tenant,
            campaign: total.campaign,
            next: total.first,
            through: total.through,
            sum: CommitmentSum::empty(),
            running: None,
        }
    }

    /// Takes one leaf; leaves of other events, tenants, campaigns and periods are passed over. The
    /// caller has verified it, and gives leaves in the order of the log.
    ///
    /// # Errors
    ///
    /// [`Error::Integrity`] if an order is missing, comes twice, or a running sum is not that of the
    /// commitments.
    pub fn add(&mut self, leaf: &Leaf) -> Result<(), Error> {
        if leaf.kind != event::ORDER_EXECUTED
            || leaf.tenant != self.tenant
            || leaf.extensions.value(event::AMOUNT_COLUMN).is_none()
            || u32::from_be_bytes(column(leaf, event::CAMPAIGN_COLUMN)?) != self.campaign
        {
            return Ok(());
        }
        let number = u64::from_be_bytes(column(leaf, event::ORDER_NUMBER_COLUMN)?);
        if number > self.through || (self.running.is_none() && number < self.next) {
            return Ok(());
        }
        if number != self.next {
            return Err(Error::integrity(format!(
                "order number {} of the campaign is missing",
                self.next
            )));
        }
        let amount = Commitment::from_bytes(&column(leaf, event::AMOUNT_COLUMN)?)
            .map_err(|_not_a_point| Error::integrity("an amount is no commitment"))?;
        let said = sum_column(leaf, event::AMOUNT_SUM_COLUMN)?;
        let before = match self.running {
            Some(running) => running,
            None if number == 1 => CommitmentSum::empty(),
            None => said.since(&CommitmentSum::empty().plus(&amount)),
        };
        let after = before.plus(&amount);
        if after != said {
            return Err(Error::integrity(format!(
                "the running sum of order number {number} is not that of the commitments"
            )));
        }
        self.running = Some(after);
        self.sum = self.sum.plus(&amount);
        self.next = number.saturating_add(1);
        Ok(())
    }

    /// Compares what was added up with the total's sum; how many orders it was.
    ///
    /// # Errors
    ///
    /// [`Error::Integrity`] if orders are missing or the sums differ.
    pub fn finish(&self, total: &CheckedTotal) -> Result<u64, Error> {
        if self.next <= self.through {
            return Err(Error::integrity(format!(
                "order number {} of the campaign is missing",
                self.next
            )));
        }
        if self.sum != total.sum {
            return Err(Error::integrity(
                "the commitments of the orders do not add up to the proved sum",
            ));
        }
        Ok(total.through.saturating_sub(total.first).saturating_add(1))
    }
}

fn sum_column(leaf: &Leaf, number: u16) -> Result<CommitmentSum, Error> {
    CommitmentSum::from_bytes(&column(leaf, number)?)
        .map_err(|_not_a_point| Error::integrity("a sum is no group element"))
}

#[cfg(test)]
mod tests {
    use akashi_proof::Opening;

    use super::*;
    use crate::entropy::ProofRandom;

    fn leaf(number: u64, amount: &Commitment, sum: &CommitmentSum) -> Leaf {
        let mut leaf = Leaf {
            kind: event::ORDER_EXECUTED,
            tenant: 1,
            ..Leaf::default()
        };
        let columns: [(u16, &[u8]); 4] = [
            (event::CAMPAIGN_COLUMN, &7_u32.to_be_bytes()),
            (event::ORDER_NUMBER_COLUMN, &number.to_be_bytes()),
            (event::AMOUNT_COLUMN, &amount.to_bytes()),
            (event::AMOUNT_SUM_COLUMN, &sum.to_bytes()),
        ];
        for (column, value) in columns {
            leaf.extensions.insert(column, value).unwrap();
        }
        leaf
    }

    /// Six executed orders of a campaign, and the total of the last four.
    fn log() -> (Vec<Leaf>, CheckedTotal) {
        let (mut leaves, mut sum) = (Vec::new(), CommitmentSum::empty());
        let mut period = CommitmentSum::empty();
        for number in 1..=6 {
            let random = &mut ProofRandom::draw().unwrap();
            let amount = Opening::commit(number * 100, random).unwrap().commitment();
            sum = sum.plus(&amount);
            if number > 2 {
                period = period.plus(&amount);
            }
            leaves.push(leaf(number, &amount, &sum));
        }
        let total = CheckedTotal {
            tenant: 1,
            campaign: 7,
            first: 3,
            through: 6,
            total: 1_800,
            sum: period,
            stamp_us: 1,
        };
        (leaves, total)
    }

    fn sum(leaves: &[Leaf], total: &CheckedTotal) -> Result<u64, Error> {
        let mut period = PeriodSum::of(total);
        for leaf in leaves {
            period.add(leaf)?;
        }
        period.finish(total)
    }

    #[test]
    fn the_commitments_of_a_period_add_up_to_its_sum() {
        let (leaves, total) = log();
        assert_eq!(sum(&leaves, &total).unwrap(), 4);
        // Only those of the period are needed.
        assert_eq!(sum(&leaves[2..], &total).unwrap(), 4);
        let whole = CheckedTotal {
            first: 1,
            sum: sum_column(&leaves[5], event::AMOUNT_SUM_COLUMN).unwrap(),
            ..total
        };
        assert_eq!(sum(&leaves, &whole).unwrap(), 6);
    }

    #[test]
    fn a_missing_order_a_foreign_sum_and_another_total_are_noticed() {
        let (leaves, total) = log();
        for missing in 2..6 {
            let mut some = leaves.clone();
            some.remove(missing);
            let error = sum(&some, &total).unwrap_err();
            assert!(matches!(error, Error::Integrity { .. }), "{missing}");
        }
        let twice = [&leaves[..4], &leaves[3..]].concat();
        assert!(sum(&twice, &total).is_err());
        let mut swapped = leaves.clone();
        swapped[4].extensions = leaves[3].extensions.clone();
        assert!(sum(&swapped, &total).is_err());
        let other = CheckedTotal {
            sum: CommitmentSum::empty(),
            ..total
        };
        assert!(sum(&leaves, &other).is_err());
    }

    #[test]
    fn leaves_of_others_are_passed_over() {
        let (leaves, total) = log();
        let mut mixed = Vec::new();
        for own in leaves {
            let mut tenant = own.clone();
            tenant.tenant = 2;
            let mut kind = own.clone();
            kind.kind = event::ORDER_APPROVED;
            mixed.extend([tenant, kind, own]);
        }
        assert_eq!(sum(&mixed, &total).unwrap(), 4);
    }
}
