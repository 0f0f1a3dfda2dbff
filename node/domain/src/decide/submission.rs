//! Submissions: the one place where a challenge is used up.
//!
//! Order of checks: the door (tenant, challenge, token, suite), repeats, time, device, form, possession,
//! parts that are missing, PIN lock, the other parts in their order. Nothing after possession is
//! evaluated unless possession holds, and a PIN is answered only if it was evaluated and counted.

use std::collections::BTreeMap;

use akashi_proof::{Reason, Suite, match_code};

use super::challenge::{context, end_retired, known};
use super::exhibit::{Basis, Exhibits, Flaw, Found};
use super::pin::{count_wrong_pin, is_locked, locked_until};
use super::trial::{Failed, Judged as Part, Trial};
use super::{Checker, Decision, Step, Stop, founded, tenant, worth};
use crate::answer::{Rejection, Reply};
use crate::command::SubmitProof;
use crate::event::{
    ChallengeConsumed, DuplicateSubmission, DuressSignalled, Event, OrderApproved, PinKeyReplaced,
    PinLocked, ProofHeld, ProofRefused, VerdictReached,
};
use crate::factor::{Factor, NEXT_PIN_SLOT, Sent, SubjectKeys, fingerprint, sent, travelling};
use crate::ids::{Digest, Stamp};
use crate::kv::{Fault, View};
use crate::limits::{POSSESSION_REFUSALS_RECORDED_MAX, SECOND_US};
use crate::outcome::{Good, Held, Outcome, reason};
use crate::policy::PolicyBody;
use crate::records::{About, Challenge, Device, Evidence, Judged, Subject, Tenant};
use crate::state::Records as _;

/// The answer to a submission without valid possession: refused, and no word more.
const SAY_NOTHING: Reply = Reply::Refused {
    reason: reason::NONE,
    attempts_left: 0,
    locked_until: Stamp(0),
};

pub(super) fn submit<V: View, C: Checker>(
    state: &V,
    step: &Step,
    command: &SubmitProof,
    checker: &mut C,
) -> Result<Decision, Stop> {
    let cluster = founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let challenge = known(state, &tenant, command.challenge, &command.token)?;
    let suite = Suite::from_code(command.suite)
        .filter(|suite| *suite == Suite::V1)
        .ok_or(Rejection::SuiteNotActive)?;
    let subject = state.subject(tenant.number, challenge.subject)?;
    let case = Case {
        state,
        step,
        command,
        tenant: &tenant,
        challenge: &challenge,
        subject: &subject,
        print: fingerprint(suite, &command.proofs),
    };
    if let Some(answered) = case.repeat()? {
        return Ok(answered);
    }
    if challenge.expires <= step.stamp {
        return Err(Rejection::ChallengeExpired.into());
    }
    let ended = end_retired(state, tenant.number, command.challenge, &challenge)?;
    if let Some(ended) = ended {
        return Ok(ended);
    }
    let device = subject
        .device
        .filter(|device| !device.revoked)
        .ok_or(Rejection::DeviceRevoked)?;
    let exhibits = Exhibits {
        state,
        tenant: tenant.number,
        challenge: &challenge,
        context: context(&cluster, &tenant, command.challenge, &challenge)?,
        keys: SubjectKeys::parse(&device.device_key, &device.pin_key)?,
        stamp: step.stamp,
        sent: sent(&challenge.body, &command.proofs)?,
        parsed: BTreeMap::new(),
    };
    case.evaluate(exhibits, device, checker)
}

/// Whether every part that the policy asks for was sent.
fn is_complete(asked: &PolicyBody, sent: &[Sent<'_>]) -> bool {
    let has = |factor, slot| sent.iter().any(|one| one.place() == (factor, slot));
    let predicates = asked
        .predicates
        .iter()
        .zip(0_u8..)
        .all(|(rule, slot)| has(Factor::of_test(&rule.test), slot));
    predicates
        && (!asked.require_knowledge || has(Factor::Knowledge, 0))
        && (asked.face.is_none() || has(Factor::Face, 0))
        && (asked.consent.is_none() || has(Factor::Consent, 0))
}

/// One submission with what it is about.
struct Case<'a, V> {
    state: &'a V,
    step: &'a Step,
    command: &'a SubmitProof,
    tenant: &'a Tenant,
    challenge: &'a Challenge,
    subject: &'a Subject,
    print: Digest,
}

impl<V: View> Case<'_, V> {
    /// The answer to a submission that was judged before, or that comes after the verdict.
    fn repeat(&self) -> Result<Option<Decision>, Stop> {
        let judged = self
            .challenge
            .judged
            .iter()
            .find(|judged| judged.fingerprint == self.print);
        match (judged, self.challenge.verdict) {
            (Some(_), Some(verdict)) => Ok(Some(Decision {
                events: self.distress()?.into_iter().collect(),
                reply: Reply::Verdict {
                    outcome: verdict.outcome,
                    reason: verdict.reason,
                },
            })),
            (Some(judged), None) => Ok(Some(Decision {
                events: self.distress()?.into_iter().collect(),
                reply: Reply::Refused {
                    reason: judged.reason,
                    attempts_left: self.attempts_left(self.challenge.refusals)?,
                    locked_until: locked_until(&self.subject.pin),
                },
            })),
            (None, Some(verdict)) if verdict.outcome == Outcome::Expired => {
                Err(Rejection::ChallengeExpired.into())
            }
            (None, Some(_)) if self.challenge.duplicate_recorded => {
                Err(Rejection::ChallengeAnswered.into())
            }
            (None, Some(_)) => {
                let event = DuplicateSubmission {
                    tenant: self.tenant.number,
                    challenge: self.command.challenge,
                    contact: self.challenge.contact,
                    fingerprint: self.print,
                    tag: self.challenge.tag,
                };
                Ok(Some(Decision {
                    events: vec![event.into()],
                    reply: Reply::AlreadyAnswered,
                }))
            }
            (None, None) if self.challenge.strangers.contains(&self.print) => {
                Ok(Some(Decision::nothing(SAY_NOTHING)))
            }
            (None, None) => Ok(None),
        }
    }

    fn evaluate<C: Checker>(
        &self,
        mut exhibits: Exhibits<'_, V>,
        device: Device,
        checker: &mut C,
    ) -> Result<Decision, Stop> {
        let id = self.command.challenge.0;
        let mut trial = Trial::new(self.step, id, exhibits.context.bytes());
        let sent = exhibits.sent.clone();
        let (first, others) = sent.split_first().ok_or(Fault::Corrupt)?;
        self.judge(*first, &mut exhibits, &mut trial, checker)?;
        if let Some(failed) = trial.failed {
            others.iter().for_each(|one| trial.pass_over(*one));
            return Ok(self.without_possession(failed, trial.evidence));
        }
        if !is_complete(&self.challenge.body, &sent) {
            others.iter().for_each(|one| trial.pass_over(*one));
            return self.refuse(None, Reason::FactorMissing, trial.evidence);
        }
        let pin = &self.subject.pin;
        let has_pin = others.iter().any(|one| one.factor == Factor::Knowledge);
        if has_pin && is_locked(pin, self.step.stamp) {
            return Err(Rejection::PinLocked(locked_until(pin)).into());
        }
        for one in others {
            if trial.failed.is_none() {
                self.judge(*one, &mut exhibits, &mut trial, checker)?;
            } else {
                trial.pass_over(*one);
            }
        }
        match trial.failed {
            Some(failed) => self.refuse(Some(failed), failed.why, trial.evidence),
            None => {
                let code = match_code(&exhibits.context, &first.part.proof);
                let basis = exhibits.basis();
                self.accept(&sent, device, (trial.held, code), (basis, trial.evidence))
            }
        }
    }

    /// Puts one part together from state and judges it.
    fn judge<C: Checker>(
        &self,
        one: Sent<'_>,
        exhibits: &mut Exhibits<'_, V>,
        trial: &mut Trial<'_>,
        checker: &mut C,
    ) -> Result<(), Fault> {
        let mut found = Found::default();
        let job = match exhibits.job(one, &mut found) {
            Ok(job) => Ok(job),
            Err(Flaw::Reason(why)) => Err(why),
            Err(Flaw::Fault(fault)) => return Err(fault),
        };
        let job = job.as_ref().map_err(|why| *why);
        trial.judge(Part { one, job, found }, checker);
        Ok(())
    }

    /// Possession does not hold: anyone could have sent this, so it counts for nothing.
    fn without_possession(&self, failed: Failed, evidence: Evidence) -> Decision {
        if self.challenge.strangers.len() >= POSSESSION_REFUSALS_RECORDED_MAX {
            return Decision::nothing(SAY_NOTHING);
        }
        let refused = ProofRefused {
            possession_held: false,
            ..self.refused(Some(failed), failed.why, evidence)
        };
        Decision {
            events: vec![refused.into()],
            reply: SAY_NOTHING,
        }
    }

    /// Possession holds, something else does not: recorded, counted, and the fifth ends it.
    fn refuse(
        &self,
        failed: Option<Failed>,
        why: Reason,
        evidence: Evidence,
    ) -> Result<Decision, Stop> {
        // Only a PIN that was tried counts; a next key that fails says nothing about the PIN.
        let wrong_pin =
            failed.is_some_and(|part| (part.factor, part.slot) == (Factor::Knowledge, 0));
        let mut pin = self.subject.pin;
        let refused = ProofRefused {
            pin_counted: wrong_pin,
            ..self.refused(failed, why, evidence)
        };
        let mut events: Vec<Event> = vec![refused.into()];
        events.extend(self.distress()?);
        if wrong_pin {
            let settings = self.state.settings()?;
            pin = count_wrong_pin(pin, &settings, self.step.stamp);
            if is_locked(&pin, self.step.stamp) {
                events.push(Event::PinLocked(PinLocked {
                    tenant: self.tenant.number,
                    subject: self.challenge.subject,
                    until: locked_until(&pin),
                    tag: self.challenge.tag,
                }));
            }
        }
        let attempts_left = self.attempts_left(self.challenge.refusals.saturating_add(1))?;
        if attempts_left == 0 {
            let (outcome, why) = (Outcome::NotVerified, reason::ATTEMPTS_USED_UP);
            events.push(self.not_verified(outcome, why));
            return Ok(Decision {
                events,
                reply: Reply::Verdict {
                    outcome,
                    reason: why,
                },
            });
        }
        let reply = Reply::Refused {
            reason: why.code(),
            attempts_left,
            locked_until: locked_until(&pin),
        };
        Ok(Decision { events, reply })
    }

    /// Everything holds: the challenge is used up, and what hangs on it follows.
    fn accept(
        &self,
        sent: &[Sent<'_>],
        device: Device,
        (held, code): (Held, u32),
        ((issuers, credentials), evidence): (Basis, Evidence),
    ) -> Result<Decision, Stop> {
        let about = (self.tenant.number, self.challenge);
        let now = self.step.stamp;
        let good = worth::of_proof(self.state, now, about, device, (held.factors, code))?;
        let mut events: Vec<Event> = vec![Event::ProofHeld(ProofHeld {
            tenant: self.tenant.number,
            challenge: self.command.challenge,
            contact: self.challenge.contact,
            subject: self.challenge.subject,
            judged: Judged {
                fingerprint: self.print,
                reason: reason::NONE,
            },
            held,
            issuers,
            credentials,
            evidence,
            tag: self.challenge.tag,
        })];
        if good.is_some() {
            events.extend(self.next_pin(sent, device)?);
        }
        events.push(Event::ChallengeConsumed(ChallengeConsumed {
            tenant: self.tenant.number,
            challenge: self.command.challenge,
            contact: self.challenge.contact,
            tag: self.challenge.tag,
        }));
        let (outcome, why) = match good {
            Some(good) => {
                let ttl_us = u64::from(self.challenge.body.verdict_ttl_s).saturating_mul(SECOND_US);
                let verified = (Outcome::Verified, reason::NONE);
                events.push(self.verdict(verified, held, now.after_us(ttl_us), good));
                events.extend(self.approval(sent)?);
                verified
            }
            None => {
                let over = (Outcome::NotVerified, reason::DELEGATION_OVER);
                events.push(self.not_verified(over.0, over.1));
                over
            }
        };
        events.extend(self.distress()?);
        Ok(Decision {
            events,
            reply: Reply::Verdict {
                outcome,
                reason: why,
            },
        })
    }

    /// The silent sign of distress, once per challenge, from whoever has the phone: it counts only where
    /// possession held.
    fn distress(&self) -> Result<Option<Event>, Fault> {
        if !self.command.duress || self.challenge.duress {
            return Ok(None);
        }
        let scope = match self.challenge.about() {
            About::Call | About::StepUp(_) | About::Login(_) => self.challenge.body.grants.limited,
            About::Order(_) => {
                let id = self.challenge.contact;
                let contact = self.state.contact(self.tenant.number, id)?;
                worth::pinned(
                    self.state,
                    self.tenant.number,
                    &contact.ok_or(Fault::Corrupt)?,
                )?
                .body
                .grants
                .limited
            }
        };
        Ok(Some(Event::DuressSignalled(DuressSignalled {
            tenant: self.tenant.number,
            challenge: self.command.challenge,
            contact: self.challenge.contact,
            scope,
            tag: self.challenge.tag,
        })))
    }

    /// The PIN key's replacement, if its next key was proved.
    fn next_pin(&self, sent: &[Sent<'_>], device: Device) -> Result<Option<Event>, Fault> {
        let next = sent
            .iter()
            .find(|one| one.place() == (Factor::Knowledge, NEXT_PIN_SLOT));
        let Some(next) = next else {
            return Ok(None);
        };
        let key = next.part.attachment.as_slice().try_into();
        Ok(Some(Event::PinKeyReplaced(PinKeyReplaced {
            tenant: self.tenant.number,
            challenge: self.command.challenge,
            contact: self.challenge.contact,
            subject: self.challenge.subject,
            pin_key: key.map_err(|_misfit| Fault::Corrupt)?,
            pin_epoch: device.pin_epoch.saturating_add(1),
            tag: self.challenge.tag,
        })))
    }

    /// What approving an order leaves for the processor.
    fn approval(&self, sent: &[Sent<'_>]) -> Result<Option<Event>, Fault> {
        let Some(terms) = &self.challenge.order else {
            return Ok(None);
        };
        let consent = sent.iter().find(|one| one.factor == Factor::Consent);
        let consent = consent.ok_or(Fault::Corrupt)?;
        let ttl_us = u64::from(self.state.settings()?.order_ttl_s).saturating_mul(SECOND_US);
        Ok(Some(Event::OrderApproved(OrderApproved {
            tenant: self.tenant.number,
            challenge: self.command.challenge,
            contact: self.challenge.contact,
            order: terms.order,
            order_hash: terms.order_hash,
            sealed_digest: Digest(travelling(consent)),
            payload: consent.part.attachment.clone(),
            payload_until: self.step.stamp.after_us(ttl_us),
            tag: self.challenge.tag,
        })))
    }

    fn refused(&self, failed: Option<Failed>, why: Reason, evidence: Evidence) -> ProofRefused {
        ProofRefused {
            tenant: self.tenant.number,
            challenge: self.command.challenge,
            contact: self.challenge.contact,
            subject: self.challenge.subject,
            judged: Judged {
                fingerprint: self.print,
                reason: why.code(),
            },
            failed_kind: failed.map_or(0, |part| part.factor.kind()),
            failed_slot: failed.map_or(0, |part| part.slot),
            possession_held: true,
            pin_counted: false,
            evidence,
            tag: self.challenge.tag,
        }
    }

    fn not_verified(&self, outcome: Outcome, why: u16) -> Event {
        let never = Stamp::default();
        self.verdict((outcome, why), Held::NOTHING, never, Good::NOTHING)
    }

    fn verdict(
        &self,
        (outcome, why): (Outcome, u16),
        held: Held,
        not_after: Stamp,
        good: Good,
    ) -> Event {
        VerdictReached {
            tenant: self.tenant.number,
            challenge: self.command.challenge,
            contact: self.challenge.contact,
            about: self.challenge.about(),
            subject: self.challenge.subject,
            outcome,
            reason: why,
            held,
            policy_version: self.challenge.policy_version,
            not_after,
            good,
            tag: self.challenge.tag,
        }
        .into()
    }

    fn attempts_left(&self, refusals: u8) -> Result<u8, Fault> {
        let allowed = self.state.settings()?.refusals_per_challenge;
        let left = allowed.saturating_sub(u32::from(refusals));
        Ok(u8::try_from(left).unwrap_or(u8::MAX))
    }
}
