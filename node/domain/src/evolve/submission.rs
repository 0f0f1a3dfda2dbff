//! What submissions and verdicts change.

use super::contact::reminder_due;
use super::{Evolve, Place, keep_evidence, with_challenge, with_contact, with_subject};
use crate::event::{
    ChallengeConsumed, DuplicateSubmission, ProofHeld, ProofRefused, VerdictReached,
};
use crate::ids::{ChallengeId, Stamp};
use crate::keys::{self, TimerKind};
use crate::kv::{Fault, Overlay, Table, View};
use crate::outcome::{Outcome, factors, limit};
use crate::records::{About, Past, PinCounter, Verdict};
use crate::state::{Records as _, store};

impl Evolve for ProofRefused {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        with_challenge(state, self.tenant, self.challenge, |record| {
            if self.possession_held {
                record.refusals = record.refusals.saturating_add(1);
                record.judged.push(self.judged);
            } else {
                record.strangers.push(self.judged.fingerprint);
            }
        })?;
        if self.pin_counted {
            with_subject(state, self.tenant, self.subject, |record| {
                record.pin.failures = record.pin.failures.saturating_add(1);
                record.pin.locked_until = Stamp::default();
            })?;
        }
        let id = self.challenge.0;
        let whose = (self.tenant, self.subject);
        keep_evidence(state, whose, id, place, &self.evidence);
        Ok(())
    }
}

impl Evolve for ProofHeld {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        with_challenge(state, self.tenant, self.challenge, |record| {
            record.judged.push(self.judged);
        })?;
        if self.held.factors & factors::KNOW != 0 {
            with_subject(state, self.tenant, self.subject, |record| {
                record.pin = PinCounter::default();
            })?;
        }
        let id = self.challenge.0;
        let whose = (self.tenant, self.subject);
        keep_evidence(state, whose, id, place, &self.evidence);
        Ok(())
    }
}

/// The verdict that follows carries the change.
impl Evolve for ChallengeConsumed {
    fn evolve<V: View + ?Sized>(
        &self,
        _state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        Ok(())
    }
}

impl Evolve for VerdictReached {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let verdict = Verdict {
            outcome: self.outcome,
            reason: self.reason,
            factors: self.held.factors,
            predicates: self.held.predicates,
            level: self.held.level,
            policy_version: self.policy_version,
            decided: place.stamp,
            not_after: self.not_after,
            leaf: place.leaf,
            scope: self.good.scope,
            limits: self.good.limits,
            aal: self.good.aal,
            match_code: self.good.match_code,
        };
        self.settle(state, verdict)?;
        if self.challenge == ChallengeId::ZERO {
            return Ok(());
        }
        let (mut issued, mut expires, mut purpose) = (Stamp::default(), Stamp::default(), 0);
        with_challenge(state, self.tenant, self.challenge, |record| {
            record.verdict = Some(verdict);
            (issued, expires) = (record.issued, record.expires);
            purpose = record.body.purpose.code();
        })?;
        with_subject(state, self.tenant, self.subject, |record| {
            if record.open == Some(self.challenge) {
                record.open = None;
            }
        })?;
        let notice = keys::notice(self.tenant, self.subject, self.challenge);
        state.delete(Table::Outbox, notice);
        let id = self.challenge.0;
        let timer = keys::timer(expires, TimerKind::Challenge, self.tenant, id);
        state.delete(Table::Timer, timer);
        let half = reminder_due(issued, expires);
        let timer = keys::timer(half, TimerKind::Reminder, self.tenant, id);
        state.delete(Table::Timer, timer);
        let mut history = state.history(self.tenant, self.subject)?;
        history.add(Past {
            leaf: place.leaf,
            decided: place.stamp,
            outcome: self.outcome,
            purpose,
        });
        let key = keys::history(self.tenant, self.subject);
        store(state, Table::Subject, key, &history);
        Ok(())
    }
}

impl VerdictReached {
    /// Gives the verdict to what it is about.
    fn settle<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        verdict: Verdict,
    ) -> Result<(), Fault> {
        match self.about {
            About::Call => with_contact(state, self.tenant, self.contact, |record| {
                record.verdict = Some(verdict);
                record.scope = verdict.scope;
                record.scope_shown = verdict.scope;
                record.limits = verdict.limits;
                // What a binding took away before there was a verdict.
                let less = verdict.scope & !record.reach != 0;
                record.shrink(record.reach, if less { limit::TRANSFER } else { 0 });
            })?,
            About::StepUp(number) => with_contact(state, self.tenant, self.contact, |record| {
                if record.steps.asked == number {
                    record.steps.verdict = Some(verdict);
                }
                if verdict.outcome == Outcome::Verified {
                    let forced = record.limits & limit::DURESS != 0;
                    let before = record.scope;
                    record.verdict = Some(verdict);
                    record.scope = verdict.scope;
                    record.scope_shown = verdict.scope;
                    record.limits = verdict.limits;
                    record.reach = u32::MAX;
                    // Distress does not end because more was proved.
                    if forced {
                        record.shrink_unseen(before);
                    }
                }
            })?,
            About::Order(order) => {
                let mut record = state
                    .order(self.tenant, self.contact, order)?
                    .ok_or(Fault::Corrupt)?;
                record.verdict = Some(verdict);
                let key = keys::order(self.tenant, self.contact, order);
                store(state, Table::Call, key, &record);
            }
            About::Login(login) => {
                let mut record = state
                    .agent_login(self.tenant, login)?
                    .ok_or(Fault::Corrupt)?;
                record.verdict = Some(verdict);
                let key = keys::agent_login(self.tenant, login);
                store(state, Table::Call, key, &record);
            }
        }
        Ok(())
    }
}

impl Evolve for DuplicateSubmission {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_challenge(state, self.tenant, self.challenge, |record| {
            record.duplicate_recorded = true;
        })
    }
}
