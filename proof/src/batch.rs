//! Verification of many proofs at once: one multiscalar multiplication for all that are good.
//!
//! A batch changes the cost, never a verdict: when a batch fails, [`Batch::finish`] verifies each of
//! its proofs alone, without a search for the bad one. Who has few bad proofs to expect searches:
//! [`Batch::finish_together`] gives a failing batch back, and [`Batch::split_off`] cuts it.

use alloc::vec::Vec;

use crate::{
    AnyStatement, Context, Proof, Reason, Statement,
    check::{self, Claim},
};

/// Most proofs in one multiscalar multiplication.
///
/// Beyond this size the cost per proof hardly falls, while one bad proof costs all of its chunk
/// twice.
const CHUNK_PROOFS_MAX: usize = 1_024;

/// A collection of proofs to be verified together, of any kinds, contexts and keys.
///
/// Grows with what is pushed; the caller bounds it. [`finish`](Self::finish) works in chunks of
/// 1,024.
#[derive(Default)]
pub struct Batch {
    entries: Vec<Entry>,
    claims: Vec<Claim>,
}

/// What a batch knows of one proof before it is finished.
enum Entry {
    /// The proof did not parse.
    Refused(Reason),
    /// The proof is the next one in `claims`.
    Claimed,
}

/// The place of one proof in a [`Batch`]; good for that batch's [`Verdicts`] only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(usize);

impl Batch {
    /// An empty batch.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
            claims: Vec::new(),
        }
    }

    /// Adds a parsed proof.
    pub fn push<S: Statement>(
        &mut self,
        context: &Context,
        statement: &S,
        proof: &Proof<S>,
    ) -> Ticket {
        self.enter(proof.claim(context, statement))
    }

    /// Parses and adds a proof of a statement of any kind; a proof that does not parse has its
    /// verdict already.
    pub fn push_any(
        &mut self,
        context: &Context,
        statement: &AnyStatement,
        proof: &[u8],
    ) -> Ticket {
        self.enter(statement.claim(context, proof))
    }

    /// The number of proofs pushed.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing was pushed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Verifies everything.
    ///
    /// # Determinism
    /// Each verdict is the one that [`check`](crate::check()) gives, whatever else is in the batch
    /// and in whatever order (but for a false acceptance with probability at most 2⁻¹²⁸).
    pub fn finish(self) -> Verdicts {
        let mut verdicts = self
            .claims
            .chunks(CHUNK_PROOFS_MAX)
            .flat_map(check::verdicts);
        let verdicts = self.entries.into_iter().map(|entry| match entry {
            Entry::Refused(reason) => Err(reason),
            Entry::Claimed => verdicts.next().unwrap_or(Err(Reason::EquationFailed)),
        });
        Verdicts {
            verdicts: verdicts.collect(),
        }
    }

    /// Verifies everything together, or gives the batch back if a proof in it does not hold. A batch
    /// with one proof to verify is never given back.
    ///
    /// # Errors
    /// The batch as it was.
    ///
    /// # Determinism
    /// As [`finish`](Self::finish).
    pub fn finish_together(self) -> Result<Verdicts, Self> {
        let together = match self.claims.as_slice() {
            [] => Ok(()),
            [alone] => check::verdict(alone),
            many if many.chunks(CHUNK_PROOFS_MAX).all(check::all_hold) => Ok(()),
            _ => return Err(self),
        };
        let verdicts = self.entries.into_iter().map(|entry| match entry {
            Entry::Refused(reason) => Err(reason),
            Entry::Claimed => together,
        });
        Ok(Verdicts {
            verdicts: verdicts.collect(),
        })
    }

    /// Verifies each proof alone: for batches of which it is known that they do not hold together.
    ///
    /// # Determinism
    /// As [`finish`](Self::finish).
    pub fn finish_singly(self) -> Verdicts {
        let mut claims = self.claims.iter();
        let verdicts = self.entries.into_iter().map(|entry| match entry {
            Entry::Refused(reason) => Err(reason),
            Entry::Claimed => claims
                .next()
                .map_or(Err(Reason::EquationFailed), check::verdict),
        });
        Verdicts {
            verdicts: verdicts.collect(),
        }
    }

    /// Moves the proofs from the place `at` on into a batch of their own; the tickets of the others
    /// stay good. Nothing is parsed or hashed again.
    #[must_use]
    pub fn split_off(&mut self, at: usize) -> Self {
        let entries = self.entries.split_off(at.min(self.entries.len()));
        let kept = self
            .entries
            .iter()
            .filter(|entry| matches!(entry, Entry::Claimed));
        let claims = self.claims.split_off(kept.count().min(self.claims.len()));
        Self { entries, claims }
    }

    fn enter(&mut self, claim: Result<Claim, Reason>) -> Ticket {
        let ticket = Ticket(self.entries.len());
        self.entries.push(match claim {
            Ok(claim) => {
                self.claims.push(claim);
                Entry::Claimed
            }
            Err(reason) => Entry::Refused(reason),
        });
        ticket
    }
}

/// The verdicts of a finished [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Verdicts {
    verdicts: Vec<Result<(), Reason>>,
}

impl Verdicts {
    /// The verdict on the proof with this ticket.
    ///
    /// # Errors
    /// The reason of the first check that failed. A ticket beyond this batch is answered with
    /// [`Reason::EquationFailed`], so that a mix-up never accepts what was not pushed.
    pub fn of(&self, ticket: Ticket) -> Result<(), Reason> {
        self.verdicts
            .get(ticket.0)
            .copied()
            .unwrap_or(Err(Reason::EquationFailed))
    }

    /// The verdicts in the order of pushing.
    pub fn as_slice(&self) -> &[Result<(), Reason>] {
        &self.verdicts
    }
}
