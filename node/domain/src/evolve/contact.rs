//! What contacts and challenges change.

use super::customer::over;
use super::session::{join, leave, let_go};
use super::{Evolve, Place, with_challenge, with_contact, with_subject};
use crate::event::{AgentBound, ChallengeIssued, ContactAnnounced, ContactClosed, NoticeOpened};
use crate::ids::{ChallengeId, Digest, Stamp, Tag};
use crate::keys::{self, TimerKind};
use crate::kv::{Fault, Overlay, Table, View};
use crate::limits::{CONTACTS_PER_SUBJECT_MAX, NOTICE_WINDOW_US};
use crate::outcome::limit;
use crate::records::{About, Care, Challenge, Contact, Leg, Notice, StepUps};
use crate::state::{Records as _, store};

impl Evolve for ContactAnnounced {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let record = Contact {
            subject: self.subject,
            initiator: self.initiator,
            call_reason: self.call_reason,
            agent: None,
            agent_tag: Tag::ZERO,
            challenge: ChallengeId::ZERO,
            verdict: None,
            announced: place.stamp,
            policy: self.policy.clone(),
            policy_version: self.policy_version,
            campaign: self.campaign,
            queue: self.queue,
            previous: self.previous,
            delegate: self.delegate,
            scope: 0,
            scope_shown: 0,
            limits: 0,
            risk: None,
            blocked: false,
            leg: Leg::default(),
            session: None,
            observers: Vec::new(),
            care: Care::default(),
            steps: StepUps::default(),
            reach: u32::MAX,
            closed: false,
            number: 0,
        };
        let key = keys::contact(self.tenant, self.contact);
        store(state, Table::Call, key, &record);
        // A report has to find it.
        let key = keys::open_contact(self.tenant, self.subject, place.stamp, self.contact);
        state.put(Table::Call, key, Vec::new());
        with_subject(state, self.tenant, self.subject, |record| {
            if record.contacts.len() >= CONTACTS_PER_SUBJECT_MAX {
                record.contacts.remove(0);
            }
            record.contacts.push(self.contact);
        })?;
        super::processed::count(state, self.tenant, |tally| {
            tally.announced = tally.announced.saturating_add(1);
        })
    }
}

impl Evolve for AgentBound {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let before = let_go(state, self.tenant, self.contact)?;
        let same = before.agent == Some(self.agent) && before.session == self.session;
        leave(state, self.tenant, before.session, self.contact)?;
        let session = match self.session {
            Some(id) => Some(join(state, self.tenant, id, self.contact)?),
            None => {
                // A lock has to find it.
                let key = keys::held(self.tenant, self.agent, self.contact);
                state.put(Table::Agent, key, Vec::new());
                None
            }
        };
        with_contact(state, self.tenant, self.contact, |record| {
            record.agent = Some(self.agent);
            record.agent_tag = self.agent_tag;
            record.session = self.session;
            if !same {
                record.care.take(session.as_ref(), place.stamp);
            }
            record.queue = self.queue;
            record.reach &= self.keeps;
            let limits = if self.shrank { limit::TRANSFER } else { 0 };
            record.shrink(self.keeps, limits);
        })
    }
}

impl Evolve for ChallengeIssued {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let record = Challenge {
            contact: self.contact,
            order: self.order.clone(),
            login: self.login,
            step_up: self.step_up,
            subject: self.subject,
            pin_epoch: self.pin_epoch,
            policy: self.policy.clone(),
            policy_version: self.policy_version,
            policy_digest: self.policy_digest,
            body: self.body.clone(),
            nonce: self.nonce,
            token_hash: Digest::of(&self.token),
            issued: place.stamp,
            expires: self.expires,
            leaf: place.leaf,
            refusals: 0,
            strangers: Vec::new(),
            judged: Vec::new(),
            duplicate_recorded: false,
            duress: false,
            opened: false,
            verdict: None,
            tag: self.tag,
        };
        let key = keys::challenge(self.tenant, self.challenge);
        store(state, Table::Call, key, &record);
        self.link(state, record.about())?;
        let window = place.stamp.before_us(NOTICE_WINDOW_US);
        with_subject(state, self.tenant, self.subject, |record| {
            record.open = Some(self.challenge);
            record.notices.retain(|sent| *sent > window);
            record.notices.push(place.stamp);
        })?;
        let notice = Notice {
            challenge: self.challenge,
            token: self.token,
            leaf: place.leaf,
        };
        let key = keys::notice(self.tenant, self.subject, self.challenge);
        store(state, Table::Outbox, key, &notice);
        let id = self.challenge.0;
        let timer = keys::timer(self.expires, TimerKind::Challenge, self.tenant, id);
        state.put(Table::Timer, timer, Vec::new());
        let half = reminder_due(place.stamp, self.expires);
        let timer = keys::timer(half, TimerKind::Reminder, self.tenant, id);
        state.put(Table::Timer, timer, Vec::new());
        Ok(())
    }
}

/// Whoever was reminded, or has seen the notice, is not reminded of it.
pub(super) fn remind_no_more<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    challenge: ChallengeId,
) -> Result<(), Fault> {
    let record = state.challenge(tenant, challenge)?.ok_or(Fault::Corrupt)?;
    let half = reminder_due(record.issued, record.expires);
    let timer = keys::timer(half, TimerKind::Reminder, tenant, challenge.0);
    state.delete(Table::Timer, timer);
    Ok(())
}

/// When a phone that has not shown the notice is reminded: half-way.
pub(super) fn reminder_due(issued: Stamp, expires: Stamp) -> Stamp {
    let length = expires.0.saturating_sub(issued.0);
    issued.after_us(length.checked_div(2).unwrap_or_default())
}

impl ChallengeIssued {
    /// Lets what it is about know its challenge.
    fn link<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        about: About,
    ) -> Result<(), Fault> {
        match about {
            About::Call => with_contact(state, self.tenant, self.contact, |record| {
                record.challenge = self.challenge;
            })?,
            About::StepUp(_) => with_contact(state, self.tenant, self.contact, |record| {
                record.steps.challenge = self.challenge;
            })?,
            About::Order(order) => {
                let mut record = state
                    .order(self.tenant, self.contact, order)?
                    .ok_or(Fault::Corrupt)?;
                record.challenge = self.challenge;
                let key = keys::order(self.tenant, self.contact, order);
                store(state, Table::Call, key, &record);
            }
            About::Login(login) => {
                let mut record = state
                    .agent_login(self.tenant, login)?
                    .ok_or(Fault::Corrupt)?;
                record.challenge = self.challenge;
                let key = keys::agent_login(self.tenant, login);
                store(state, Table::Call, key, &record);
            }
        }
        Ok(())
    }
}

impl Evolve for NoticeOpened {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_challenge(state, self.tenant, self.challenge, |record| {
            record.opened = true;
        })?;
        remind_no_more(state, self.tenant, self.challenge)
    }
}

impl Evolve for ContactClosed {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let before = let_go(state, self.tenant, self.contact)?;
        with_contact(state, self.tenant, self.contact, |record| {
            record.closed = true;
        })?;
        over(state, self.tenant, self.contact, &before)?;
        with_subject(state, self.tenant, before.subject, |record| {
            record.contacts.retain(|open| *open != self.contact);
        })?;
        // Who had it is kept; the session has room for another one.
        leave(state, self.tenant, before.session, self.contact)
    }
}
