//! The reference processor: a directory in which approved orders are opened, checked, recorded, and only
//! then left for whoever ships or charges.
//!
//! | path | content |
//! |---|---|
//! | `ledger.jsonl` | openings of amounts, and under which number each order was carried out |
//! | `inbox/<contact>-<order>/` | opened orders that are not carried out yet |
//! | `done/<contact>-<order>/` | orders to act on: `order.json`, `data`, `receipt.tlog-proof` |
//!
//! The order of the steps is the point. Opened and checked; written down, so that no crash loses what only
//! this processor can open; carried out in the log, which happens once; sealed; then moved to `done`. What is
//! in `done` was approved by the customer, and a quorum of replicas has signed that it was given out once.

use std::path::{Path, PathBuf};

use super::ledger::{Ledger, Which};
use super::{ApprovedOrder, Execution, OpenedOrder, OrderProgress, Processor};
use crate::clock::Deadline;
use crate::error::Error;
use crate::files::{self, Mode};
use crate::order::Order;

/// A processor's directory.
#[derive(Debug)]
pub struct Desk {
    directory: PathBuf,
    ledger: Ledger,
}

/// What became of one order.
#[derive(Debug)]
pub enum Step {
    /// It is in `done`.
    Executed {
        /// The order.
        order: ApprovedOrder,
        /// Where it stands.
        progress: OrderProgress,
        /// What it costs, in minor units.
        total: u64,
    },
    /// The cluster refuses it.
    Refused {
        /// The order.
        order: ApprovedOrder,
        /// Number of the reason: docs/reasons.md.
        reason: u32,
    },
    /// It does not open, or what is inside is not what was approved: nothing was carried out.
    Unsound {
        /// The order.
        order: ApprovedOrder,
        /// What does not hold.
        error: Error,
    },
}

impl Desk {
    /// Opens a processor's directory, or makes it.
    ///
    /// # Errors
    ///
    /// [`Error::File`], [`Error::Malformed`].
    pub fn open(directory: &Path) -> Result<Self, Error> {
        files::private_directory(directory)?;
        files::private_directory(&directory.join("inbox"))?;
        files::private_directory(&directory.join("done"))?;
        Ok(Self {
            ledger: Ledger::open(&directory.join("ledger.jsonl"))?,
            directory: directory.to_owned(),
        })
    }

    /// The openings of the orders so far.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Finishes what an earlier run left between two steps.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn resume(&mut self, processor: &Processor, deadline: Deadline) -> Result<(), Error> {
        for which in self.ledger.unfinished() {
            let progress = processor.progress(&which.0, &which.1, deadline).await;
            let progress = match progress {
                Ok(progress) => progress,
                Err(Error::Rejected { .. }) => continue,
                Err(error) => return Err(error),
            };
            if progress.executed_us == 0 {
                continue;
            }
            let mut place = self.place("inbox", &which);
            if !place.is_dir() {
                // Stopped between the move and the ledger.
                place = self.place("done", &which);
            }
            let order = Order::read(&place.join("order.json"))?;
            let approved = ApprovedOrder {
                contact_id: which.0,
                order_id: which.1,
                order_hash: order.hash(),
                sealed_digest: [0; 32],
                until_us: 0,
            };
            let sealed = processor.wait_executed(&approved, deadline).await?;
            self.finish(&which, &sealed)?;
        }
        Ok(())
    }

    /// Takes one approved order through every step; none if it was done before.
    ///
    /// # Errors
    ///
    /// [`Error`] of the cluster or the disk; the order can be taken again.
    pub async fn take(
        &mut self,
        processor: &Processor,
        order: ApprovedOrder,
        deadline: Deadline,
    ) -> Result<Option<Step>, Error> {
        let which = (order.contact_id, order.order_id);
        if self.ledger.is_executed(&which) {
            return Ok(None);
        }
        let opened = processor.open(&which.0, &which.1, deadline).await;
        let opened = match opened {
            Ok(opened) => opened,
            Err(error @ Error::Integrity { .. }) => {
                return Ok(Some(Step::Unsound { order, error }));
            }
            // Carried out, expired or stopped since it was told of.
            Err(Error::Rejected { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        self.note(&which, &opened)?;
        match processor.execute(&opened, deadline).await? {
            Execution::Refused { reason } => {
                let inbox = self.place("inbox", &which);
                std::fs::remove_dir_all(&inbox).map_err(Error::file(&inbox))?;
                Ok(Some(Step::Refused { order, reason }))
            }
            Execution::Executed { .. } => {
                let progress = processor.wait_executed(&opened.approved, deadline).await?;
                self.finish(&which, &progress)?;
                Ok(Some(Step::Executed {
                    order,
                    progress,
                    total: opened.opened.order.sheet().total(),
                }))
            }
        }
    }

    /// Writes down what only this processor can open, before the order is carried out.
    fn note(&mut self, which: &Which, order: &OpenedOrder) -> Result<(), Error> {
        let inbox = self.place("inbox", which);
        if inbox.is_dir() {
            // Of a run that stopped here; the payload is the same, its digest is sealed.
            std::fs::remove_dir_all(&inbox).map_err(Error::file(&inbox))?;
        }
        files::private_directory(&inbox)?;
        order.opened.order.write(&inbox.join("order.json"))?;
        files::write_new(&inbox.join("data"), &order.opened.data, Mode::Private)?;
        if let Some(opening) = order.opened.order.opening(0) {
            self.ledger.note_opened(&which.0, &which.1, opening)?;
        }
        Ok(())
    }

    /// Leaves a sealed order for whoever acts on it.
    fn finish(&mut self, which: &Which, progress: &OrderProgress) -> Result<(), Error> {
        let inbox = self.place("inbox", which);
        if inbox.is_dir() {
            let receipt = inbox.join("receipt.tlog-proof");
            if !receipt.exists() {
                files::write_new(&receipt, progress.receipt.as_bytes(), Mode::Public)?;
            }
            files::rename(&inbox, &self.place("done", which))?;
        }
        let number = (progress.campaign, progress.number);
        self.ledger.note_executed(&which.0, &which.1, number)
    }

    fn place(&self, state: &str, (contact, order): &Which) -> PathBuf {
        let name = format!("{}-{}", hex::encode(contact), hex::encode(order));
        self.directory.join(state).join(name)
    }
}
