//! Judging parts in their order, up to the first that fails, and writing down what was looked at.

use akashi_proof::Reason;

use super::exhibit::Found;
use super::{Checker, Step};
use crate::factor::{Factor, Job, NEXT_PIN_SLOT, Sent, travelling};
use crate::ids::Digest;
use crate::outcome::Held;
use crate::records::{Evidence, EvidenceFactor};

/// The first part that failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed {
    pub(super) factor: Factor,
    pub(super) slot: u8,
    pub(super) why: Reason,
}

/// A part with what it is judged by, or why it cannot be.
pub(super) struct Judged<'a> {
    pub(super) one: Sent<'a>,
    pub(super) job: Result<&'a Job, Reason>,
    pub(super) found: Found,
}

/// A part that has everything it is judged by.
pub(super) fn judged<'a>(one: Sent<'a>, job: &'a Job, rests_on: Vec<u8>) -> Judged<'a> {
    let found = Found {
        rests_on,
        ..Found::default()
    };
    Judged {
        one,
        job: Ok(job),
        found,
    }
}

/// One submission before its judge.
pub(super) struct Trial<'a> {
    step: &'a Step,
    id: [u8; 16],
    pub(super) failed: Option<Failed>,
    pub(super) held: Held,
    pub(super) evidence: Evidence,
}

impl<'a> Trial<'a> {
    /// Nothing was looked at yet. `id` names the challenge or the invitation.
    pub(super) fn new(step: &'a Step, id: [u8; 16], context: &[u8]) -> Self {
        Self {
            step,
            id,
            failed: None,
            held: Held::NOTHING,
            evidence: Evidence {
                context: context.to_vec(),
                factors: Vec::new(),
            },
        }
    }

    /// Judges the next part.
    pub(super) fn judge<C: Checker>(&mut self, part: Judged<'_>, checker: &mut C) {
        let Judged { one, job, found } = part;
        let result = job.and_then(|job| checker.check(job));
        match result {
            Ok(()) => self.count(one, &found),
            Err(why) => {
                self.failed = Some(Failed {
                    factor: one.factor,
                    slot: one.part.slot,
                    why,
                });
            }
        }
        let instance = job.map_or_else(|_| Vec::new(), |job| job.instance.clone());
        self.write(one, instance, found.rests_on, Some(result.is_ok()));
    }

    /// Writes down a part that is not judged.
    pub(super) fn pass_over(&mut self, one: Sent<'_>) {
        self.write(one, Vec::new(), Vec::new(), None);
    }

    fn count(&mut self, one: Sent<'_>, found: &Found) {
        self.held.factors |= one.factor.bit();
        if one.factor.is_predicate() {
            let slot = 1_u8.checked_shl(u32::from(one.part.slot));
            self.held.predicates |= slot.unwrap_or_default();
        }
        self.held.level = self.held.level.min(found.level);
    }

    /// What tests PINs, K′ and its proof, is kept as digests.
    fn write(&mut self, one: Sent<'_>, instance: Vec<u8>, rests_on: Vec<u8>, held: Option<bool>) {
        let part = one.part;
        let secret = one.place() == (Factor::Knowledge, NEXT_PIN_SLOT);
        let (instance, proof) = if secret {
            (Vec::new(), Vec::new())
        } else {
            (instance, part.proof.clone())
        };
        let attachment = match one.factor {
            Factor::Knowledge if secret => [Digest::of(&part.proof).0, travelling(&one)].concat(),
            Factor::Consent => travelling(&one).to_vec(),
            Factor::Face if rests_on.is_empty() => part.attachment.clone(),
            Factor::Possession
            | Factor::Knowledge
            | Factor::Equals
            | Factor::Same
            | Factor::Range
            | Factor::InSet
            | Factor::Face => rests_on,
        };
        self.evidence.factors.push(EvidenceFactor {
            kind: one.factor.kind(),
            slot: part.slot,
            serial: part.serial,
            second_serial: part.second_serial,
            attribute: part.attribute,
            instance,
            proof,
            attachment,
            held,
            salt: self.step.salt(self.id, one.factor.kind(), part.slot),
        });
    }
}
