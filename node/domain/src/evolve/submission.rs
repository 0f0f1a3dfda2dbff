//! What submissions and verdicts change.

use super::{Evolve, Place, keep_evidence, with_challenge, with_contact, with_subject};
use crate::event::{
    ChallengeConsumed, DuplicateSubmission, ProofHeld, ProofRefused, VerdictReached,
};
use crate::ids::{ChallengeId, Stamp};
use crate::keys::{self, TimerKind};
use crate::kv::{Fault, Overlay, Table, View};
use crate::outcome::factors;
use crate::records::{About, PinCounter, Verdict};
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
        keep_evidence(state, self.tenant, id, place, &self.evidence);
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
        keep_evidence(state, self.tenant, id, place, &self.evidence);
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
        let mut expires = Stamp::default();
        with_challenge(state, self.tenant, self.challenge, |record| {
            record.verdict = Some(verdict);
            expires = record.expires;
        })?;
        with_subject(state, self.tenant, self.subject, |record| {
            if record.open == Some(self.challenge) {
                record.open = None;
            }
        })?;
        let notice = keys::notice(self.tenant, self.subject, self.challenge);
        state.delete(Table::Outbox, notice);
        let timer = keys::timer(expires, TimerKind::Challenge, self.tenant, self.challenge.0);
        state.delete(Table::Timer, timer);
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
