//! Submissions: the one place where a challenge is used up.
//!
//! Order of checks: the door (tenant, challenge, token, suite, form), repeats, time,
//! device, possession, PIN lock, the other factors. Nothing after possession is evaluated unless
//! possession holds, and a PIN is answered only if it was evaluated and counted.

use akashi_proof::{Reason, Suite};

use super::contact::{binding, known_challenge};
use super::{Checker, Decision, Step, Stop, founded, tenant};
use crate::answer::{Rejection, Reply};
use crate::command::{Command, SubmitProof};
use crate::event::Event;
use crate::factor::{Factor, Job, SubjectKeys, fingerprint, jobs};
use crate::ids::{Digest, Stamp};
use crate::kv::{Fault, View};
use crate::limits::{POSSESSION_REFUSALS_RECORDED_MAX, SECOND_US};
use crate::outcome::{Outcome, reason};
use crate::records::{
    Challenge, Device, Evidence, EvidenceFactor, Judged, PinCounter, Settings, Tenant,
};
use crate::state::Records as _;

/// The answer to a submission without valid possession: refused, and no word more.
const SAY_NOTHING: Reply = Reply::Refused {
    reason: reason::NONE,
    attempts_left: 0,
    locked_until: Stamp(0),
};

/// What judging a submission found.
pub(super) struct Judgement {
    /// The first factor that failed, and why.
    pub(super) failed: Option<(Factor, Reason)>,
    /// Factor types that held, as bits.
    pub(super) held: u32,
    /// For the evidence store.
    pub(super) evidence: Evidence,
}

/// Judges jobs in order and stops at the first that fails: possession comes first.
pub(super) fn judge<C: Checker>(
    step: &Step,
    id: [u8; 16],
    jobs: &[Job],
    checker: &mut C,
) -> Judgement {
    let mut failed = None;
    let mut held = 0;
    let mut factors = Vec::with_capacity(jobs.len());
    for job in jobs {
        let result = if failed.is_none() {
            Some(checker.check(job))
        } else {
            None
        };
        match result {
            Some(Ok(())) => held |= job.factor.bit(),
            Some(Err(why)) => failed = Some((job.factor, why)),
            None => {}
        }
        factors.push(EvidenceFactor {
            kind: job.factor.kind(),
            instance: job.instance.clone(),
            proof: job.proof.clone(),
            held: result.map(|result| result.is_ok()),
            salt: step.salt(id, job.factor.kind()),
        });
    }
    let context = jobs
        .first()
        .map(|job| job.context.bytes().to_vec())
        .unwrap_or_default();
    Judgement {
        failed,
        held,
        evidence: Evidence { context, factors },
    }
}

/// What a command's proofs have to be judged by, as far as `state` knows it by now.
///
/// For worker threads that judge ahead of apply. A command they cannot place yet (its challenge is in
/// an entry that is not applied) gives no jobs, and apply judges it on the spot.
///
/// # Errors
///
/// [`Fault`] if the storage fails.
pub fn submission_jobs<V: View>(state: &V, command: &Command) -> Result<Vec<Job>, Fault> {
    let found = match command {
        Command::SubmitProof(command) => submission_jobs_of(state, command),
        Command::CompleteEnrolment(command) => enrolment_jobs_of(state, command),
        Command::Found(_)
        | Command::CreateTenant(_)
        | Command::PutPolicy(_)
        | Command::PutSettings(_)
        | Command::RegisterAgent(_)
        | Command::OpenEnrolment(_)
        | Command::RevokeDevice(_)
        | Command::AnnounceContact(_)
        | Command::BindAgent(_)
        | Command::CloseContact(_)
        | Command::AnswerNotice(_) => return Ok(Vec::new()),
    };
    match found {
        Ok(jobs) => Ok(jobs),
        Err(Stop::Rejected(_)) => Ok(Vec::new()),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

fn submission_jobs_of<V: View>(state: &V, command: &SubmitProof) -> Result<Vec<Job>, Stop> {
    let cluster = founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let challenge = known_challenge(state, &tenant, command.challenge, &command.token)?;
    let device = device(state, &tenant, &challenge)?;
    let context = binding(&cluster, &tenant, command.challenge, &challenge).context()?;
    Ok(jobs(&context, &keys(&device), &command.proofs)?)
}

fn enrolment_jobs_of<V: View>(
    state: &V,
    command: &crate::command::CompleteEnrolment,
) -> Result<Vec<Job>, Stop> {
    let cluster = founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let enrolment = state
        .enrolment(tenant.number, command.enrolment)?
        .ok_or(Rejection::UnknownEnrolment)?;
    let context = super::enrolment::binding(&cluster, &tenant, &enrolment).context()?;
    let keys = SubjectKeys {
        device_key: command.device_key,
        pin_key: command.pin_key,
    };
    Ok(jobs(&context, &keys, &command.proofs)?)
}

fn device<V: View>(state: &V, tenant: &Tenant, challenge: &Challenge) -> Result<Device, Stop> {
    Ok(state
        .subject(tenant.number, challenge.subject)?
        .device
        .filter(|device| !device.revoked)
        .ok_or(Rejection::DeviceRevoked)?)
}

const fn keys(device: &Device) -> SubjectKeys {
    SubjectKeys {
        device_key: device.device_key,
        pin_key: device.pin_key,
    }
}

pub(super) fn submit<V: View, C: Checker>(
    state: &V,
    step: &Step,
    command: &SubmitProof,
    checker: &mut C,
) -> Result<Decision, Stop> {
    let cluster = founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let challenge = known_challenge(state, &tenant, command.challenge, &command.token)?;
    let suite = Suite::from_code(command.suite)
        .filter(|suite| *suite == Suite::V1)
        .ok_or(Rejection::SuiteNotActive)?;
    let print = fingerprint(suite, &command.proofs);
    let case = Case {
        state,
        step,
        command,
        tenant: &tenant,
        challenge: &challenge,
        print,
    };
    if let Some(answered) = case.repeat()? {
        return Ok(answered);
    }
    if challenge.expires <= step.stamp {
        return Err(Rejection::ChallengeExpired.into());
    }
    let device = device(state, &tenant, &challenge)?;
    let context = binding(&cluster, &tenant, command.challenge, &challenge).context()?;
    let jobs = jobs(&context, &keys(&device), &command.proofs)?;
    case.evaluate(&jobs, checker)
}

/// One submission with what it is about.
struct Case<'a, V> {
    state: &'a V,
    step: &'a Step,
    command: &'a SubmitProof,
    tenant: &'a Tenant,
    challenge: &'a Challenge,
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
            (Some(_), Some(verdict)) => {
                let reply = Reply::Verdict {
                    outcome: verdict.outcome,
                    reason: verdict.reason,
                };
                Ok(Some(Decision {
                    events: Vec::new(),
                    reply,
                }))
            }
            (Some(judged), None) => {
                let pin = self.pin()?;
                let reply = Reply::Refused {
                    reason: judged.reason,
                    attempts_left: self.attempts_left(self.challenge.refusals)?,
                    locked_until: locked_until(&pin),
                };
                Ok(Some(Decision {
                    events: Vec::new(),
                    reply,
                }))
            }
            (None, Some(verdict)) if verdict.outcome == Outcome::Expired => {
                Err(Rejection::ChallengeExpired.into())
            }
            (None, Some(_)) if self.challenge.duplicate_recorded => {
                Err(Rejection::ChallengeAnswered.into())
            }
            (None, Some(_)) => {
                let event = Event::DuplicateSubmission {
                    tenant: self.tenant.number,
                    challenge: self.command.challenge,
                    contact: self.challenge.contact,
                    fingerprint: self.print,
                    tag: self.challenge.tag,
                };
                Ok(Some(Decision {
                    events: vec![event],
                    reply: Reply::AlreadyAnswered,
                }))
            }
            (None, None) if self.challenge.strangers.contains(&self.print) => Ok(Some(Decision {
                events: Vec::new(),
                reply: SAY_NOTHING,
            })),
            (None, None) => Ok(None),
        }
    }

    fn evaluate<C: Checker>(&self, jobs: &[Job], checker: &mut C) -> Result<Decision, Stop> {
        let (possession, others) = jobs.split_at(1.min(jobs.len()));
        let first = judge(self.step, self.command.challenge.0, possession, checker);
        if let Some((factor, why)) = first.failed {
            return Ok(self.without_possession(jobs, factor, why));
        }
        let asks_pin = self.challenge.body.require_knowledge;
        let has_pin = others.iter().any(|job| job.factor == Factor::Knowledge);
        if asks_pin && !has_pin {
            let evidence = first.evidence;
            return self.refuse(None, Reason::FactorMissing, evidence);
        }
        let pin = self.pin()?;
        if has_pin && is_locked(&pin, self.step.stamp) {
            return Err(Rejection::PinLocked(locked_until(&pin)).into());
        }
        let rest = judge(self.step, self.command.challenge.0, others, checker);
        let mut evidence = first.evidence;
        evidence.factors.extend(rest.evidence.factors);
        match rest.failed {
            Some((factor, why)) => self.refuse(Some(factor), why, evidence),
            None => Ok(self.accept(first.held | rest.held, evidence)),
        }
    }

    /// Possession does not hold: anyone could have sent this, so it counts for nothing.
    fn without_possession(&self, jobs: &[Job], factor: Factor, why: Reason) -> Decision {
        let recorded = self.challenge.strangers.len() < POSSESSION_REFUSALS_RECORDED_MAX;
        let factors = jobs
            .iter()
            .map(|job| EvidenceFactor {
                kind: job.factor.kind(),
                instance: job.instance.clone(),
                proof: job.proof.clone(),
                held: (job.factor == factor).then_some(false),
                salt: self.step.salt(self.command.challenge.0, job.factor.kind()),
            })
            .collect();
        let context = jobs
            .first()
            .map(|job| job.context.bytes().to_vec())
            .unwrap_or_default();
        let event = self.refused(
            Some(factor),
            why,
            false,
            false,
            Evidence { context, factors },
        );
        Decision {
            events: if recorded { vec![event] } else { Vec::new() },
            reply: SAY_NOTHING,
        }
    }

    /// Possession holds, something else does not: recorded, counted, and the fifth ends it.
    fn refuse(
        &self,
        failed: Option<Factor>,
        why: Reason,
        evidence: Evidence,
    ) -> Result<Decision, Stop> {
        let wrong_pin = failed == Some(Factor::Knowledge);
        let mut pin = self.pin()?;
        let mut events = vec![self.refused(failed, why, true, wrong_pin, evidence)];
        if wrong_pin {
            let settings = self.state.settings()?;
            pin = count_wrong_pin(pin, &settings, self.step.stamp);
            if is_locked(&pin, self.step.stamp) {
                events.push(Event::PinLocked {
                    tenant: self.tenant.number,
                    subject: self.challenge.subject,
                    until: locked_until(&pin),
                    tag: self.challenge.tag,
                });
            }
        }
        let attempts_left = self.attempts_left(self.challenge.refusals.saturating_add(1))?;
        if attempts_left == 0 {
            let (outcome, why) = (Outcome::NotVerified, reason::ATTEMPTS_USED_UP);
            events.push(self.verdict(outcome, why, 0, Stamp::default()));
            return Ok(Decision {
                events,
                reply: Reply::Verdict {
                    outcome,
                    reason: why,
                },
            });
        }
        let locked_until = locked_until(&pin);
        let reply = Reply::Refused {
            reason: why.code(),
            attempts_left,
            locked_until,
        };
        Ok(Decision { events, reply })
    }

    fn accept(&self, held: u32, evidence: Evidence) -> Decision {
        let ttl_us = u64::from(self.challenge.body.verdict_ttl_s).saturating_mul(SECOND_US);
        let not_after = self.step.stamp.after_us(ttl_us);
        Decision {
            events: vec![
                Event::ProofHeld {
                    tenant: self.tenant.number,
                    challenge: self.command.challenge,
                    contact: self.challenge.contact,
                    subject: self.challenge.subject,
                    judged: Judged {
                        fingerprint: self.print,
                        reason: reason::NONE,
                    },
                    factors: held,
                    evidence,
                    tag: self.challenge.tag,
                },
                Event::ChallengeConsumed {
                    tenant: self.tenant.number,
                    challenge: self.command.challenge,
                    contact: self.challenge.contact,
                    tag: self.challenge.tag,
                },
                self.verdict(Outcome::Verified, reason::NONE, held, not_after),
            ],
            reply: Reply::Verdict {
                outcome: Outcome::Verified,
                reason: reason::NONE,
            },
        }
    }

    fn refused(
        &self,
        failed: Option<Factor>,
        why: Reason,
        possession_held: bool,
        pin_counted: bool,
        evidence: Evidence,
    ) -> Event {
        Event::ProofRefused {
            tenant: self.tenant.number,
            challenge: self.command.challenge,
            contact: self.challenge.contact,
            subject: self.challenge.subject,
            judged: Judged {
                fingerprint: self.print,
                reason: why.code(),
            },
            failed_kind: failed.map_or(0, Factor::kind),
            possession_held,
            pin_counted,
            evidence,
            tag: self.challenge.tag,
        }
    }

    fn verdict(&self, outcome: Outcome, why: u16, held: u32, not_after: Stamp) -> Event {
        Event::VerdictReached {
            tenant: self.tenant.number,
            challenge: self.command.challenge,
            contact: self.challenge.contact,
            subject: self.challenge.subject,
            outcome,
            reason: why,
            factors: held,
            policy_version: self.challenge.policy_version,
            not_after,
            tag: self.challenge.tag,
        }
    }

    fn pin(&self) -> Result<PinCounter, Fault> {
        Ok(self
            .state
            .subject(self.tenant.number, self.challenge.subject)?
            .pin)
    }

    fn attempts_left(&self, refusals: u8) -> Result<u8, Fault> {
        let allowed = self.state.settings()?.refusals_per_challenge;
        let left = allowed.saturating_sub(u32::from(refusals));
        Ok(u8::try_from(left).unwrap_or(u8::MAX))
    }
}

/// Until when the PIN is locked: zero if it is not, all ones until re-proofing.
const fn locked_until(pin: &PinCounter) -> Stamp {
    if pin.locked_for_good {
        Stamp(u64::MAX)
    } else {
        pin.locked_until
    }
}

fn is_locked(pin: &PinCounter, now: Stamp) -> bool {
    pin.locked_for_good || pin.locked_until > now
}

/// One more wrong PIN in a row: from the soft limit on each one locks, twice as long as the one
/// before; at the hard limit only re-proofing helps.
#[must_use]
pub(crate) fn count_wrong_pin(pin: PinCounter, settings: &Settings, now: Stamp) -> PinCounter {
    let failures = pin.failures.saturating_add(1);
    let over = failures.checked_sub(settings.pin_failures_soft);
    let first_us = u64::from(settings.pin_lock_first_s).saturating_mul(SECOND_US);
    let locked_until = over.map_or(Stamp::default(), |over| {
        now.after_us(first_us.saturating_mul(1_u64.checked_shl(over).unwrap_or(u64::MAX)))
    });
    PinCounter {
        failures,
        locked_until,
        locked_for_good: failures >= settings.pin_failures_hard,
    }
}
