//! What a phone says without proving.

use super::challenge::{end, end_retired, known};
use super::report::Reporting;
use super::{Decision, Step, Stop, founded, tenant};
use crate::answer::{Rejection, Reply};
use crate::command::{AnswerNotice, NoticeAnswer};
use crate::event::{Event, NoticeOpened, OptOutChanged, WrongParty};
use crate::ids::{ChallengeId, Stamp};
use crate::kv::{Fault, View};
use crate::limits::{OPT_OUT_BY_PHONE_US, SECOND_US};
use crate::outcome::{Outcome, reason};
use crate::records::{About, Challenge};
use crate::state::Records as _;

pub(super) fn answer<V: View>(
    state: &V,
    step: &Step,
    command: &AnswerNotice,
) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let challenge = known(state, &tenant, command.challenge, &command.token)?;
    let said = Said {
        state,
        step,
        tenant: tenant.number,
        id: command.challenge,
        challenge: &challenge,
    };
    match command.answer {
        NoticeAnswer::Opened => said.opened(),
        NoticeAnswer::Decline => said.ends(Outcome::DeclinedByCustomer, reason::CUSTOMER_DECLINED),
        NoticeAnswer::Later => said.ends(Outcome::DeclinedByCustomer, reason::CALL_LATER),
        NoticeAnswer::Unsupported => said.ends(Outcome::Inconclusive, reason::UNSUPPORTED_VERSION),
        NoticeAnswer::Report => said.report(),
        NoticeAnswer::NotMe => said.not_me(),
        NoticeAnswer::OptOut => said.opt_out(),
    }
}

/// What was said, and about what.
struct Said<'a, V> {
    state: &'a V,
    step: &'a Step,
    tenant: u32,
    id: ChallengeId,
    challenge: &'a Challenge,
}

impl<V: View> Said<'_, V> {
    /// The challenge still waits for an answer.
    fn is_open(&self) -> Result<(), Rejection> {
        match self.challenge.verdict.map(|verdict| verdict.outcome) {
            None if self.challenge.expires <= self.step.stamp => Err(Rejection::ChallengeExpired),
            None => Ok(()),
            Some(Outcome::Expired) => Err(Rejection::ChallengeExpired),
            Some(
                Outcome::Verified
                | Outcome::NotVerified
                | Outcome::Inconclusive
                | Outcome::NotEnrolled
                | Outcome::OptedOut
                | Outcome::DeclinedByCustomer
                | Outcome::ReportedByCustomer
                | Outcome::Cancelled
                | Outcome::Superseded
                | Outcome::RateLimited
                | Outcome::Error,
            ) => Err(Rejection::ChallengeAnswered),
        }
    }

    /// Whether an agent is asked for a login: there is no caller then, and nothing to opt out of.
    fn is_login(&self) -> bool {
        matches!(self.challenge.about(), About::Login(_))
    }

    fn opened(&self) -> Result<Decision, Stop> {
        self.is_open()?;
        if self.challenge.opened {
            return Ok(Decision::nothing(Reply::Done));
        }
        if let Some(ended) = end_retired(self.state, self.tenant, self.id, self.challenge)? {
            return Ok(ended);
        }
        Ok(Decision::fact(NoticeOpened {
            tenant: self.tenant,
            challenge: self.id,
            contact: self.challenge.contact,
            tag: self.challenge.tag,
        }))
    }

    fn ends(&self, outcome: Outcome, why: u16) -> Result<Decision, Stop> {
        self.is_open()?;
        let ended = end(self.state, self.tenant, self.id, outcome, why)?;
        Ok(Decision {
            events: ended.into_iter().collect(),
            reply: Reply::Verdict {
                outcome,
                reason: why,
            },
        })
    }

    /// Somebody else has the phone: this contact is over, and the handle is to be checked.
    fn not_me(&self) -> Result<Decision, Stop> {
        if self.is_login() {
            return self.ends(Outcome::DeclinedByCustomer, reason::CUSTOMER_DECLINED);
        }
        let mut decision = self.ends(Outcome::DeclinedByCustomer, reason::WRONG_PARTY)?;
        decision.events.push(Event::WrongParty(WrongParty {
            tenant: self.tenant,
            challenge: self.id,
            contact: self.challenge.contact,
            subject: self.challenge.subject,
            tag: self.challenge.tag,
        }));
        Ok(decision)
    }

    /// No more notices, for a while.
    fn opt_out(&self) -> Result<Decision, Stop> {
        if self.is_login() {
            return self.ends(Outcome::DeclinedByCustomer, reason::CUSTOMER_DECLINED);
        }
        let mut decision = self.ends(Outcome::OptedOut, reason::CUSTOMER_OPTED_OUT)?;
        decision.events.push(Event::OptOutChanged(OptOutChanged {
            tenant: self.tenant,
            contact: self.challenge.contact,
            subject: self.challenge.subject,
            until: self.step.stamp.after_us(OPT_OUT_BY_PHONE_US),
            tag: self.challenge.tag,
        }));
        Ok(decision)
    }

    /// "I am not on a call": every open contact of the customer stops, also one that is verified.
    fn report(&self) -> Result<Decision, Stop> {
        let (outcome, why) = (Outcome::ReportedByCustomer, reason::CUSTOMER_REPORTED);
        if self.is_login() {
            return self.ends(outcome, why);
        }
        let here = self
            .state
            .contact(self.tenant, self.challenge.contact)?
            .ok_or(Fault::Corrupt)?;
        if here.closed {
            self.is_open()?;
            return Err(Rejection::ContactClosed.into());
        }
        let reply = Reply::Verdict {
            outcome,
            reason: why,
        };
        let ended = end(self.state, self.tenant, self.id, outcome, why)?;
        let mut events: Vec<Event> = ended.into_iter().collect();
        let reporting = Reporting {
            state: self.state,
            tenant: self.tenant,
            subject: here.subject,
            frozen_until: self.frozen_until()?,
        };
        let this = (self.challenge.contact, here);
        events.extend(reporting.first(self.id, this)?);
        Ok(Decision { events, reply })
    }

    fn frozen_until(&self) -> Result<Stamp, Fault> {
        let freeze_us = u64::from(self.state.settings()?.report_freeze_s).saturating_mul(SECOND_US);
        Ok(self.step.stamp.after_us(freeze_us))
    }
}
