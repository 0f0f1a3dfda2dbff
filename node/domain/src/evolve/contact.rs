//! What contacts and challenges change.

use super::{Evolve, Place, with_challenge, with_contact, with_subject};
use crate::event::{AgentBound, ChallengeIssued, ContactAnnounced, ContactClosed, NoticeOpened};
use crate::ids::{ChallengeId, Digest, Tag};
use crate::keys::{self, TimerKind};
use crate::kv::{Fault, Overlay, Table, View};
use crate::limits::NOTICE_WINDOW_US;
use crate::records::{About, Care, Challenge, Contact, Leg, Notice};
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
            care: Care::default(),
            closed: false,
            number: 0,
        };
        let key = keys::contact(self.tenant, self.contact);
        store(state, Table::Call, key, &record);
        super::processed::count(state, self.tenant, |tally| {
            tally.announced = tally.announced.saturating_add(1);
        })
    }
}

impl Evolve for AgentBound {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_contact(state, self.tenant, self.contact, |record| {
            record.agent = Some(self.agent);
            record.agent_tag = self.agent_tag;
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
        Ok(())
    }
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
        })
    }
}

impl Evolve for ContactClosed {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_contact(state, self.tenant, self.contact, |record| {
            record.closed = true;
        })
    }
}
