//! What sessions, locks, certificates, posture and rules change.

use super::{Evolve, Place, Rest, with_contact};
use crate::event::{
    Admission, AgentCertificateRevoked, AgentLocked, AgentReleased, AgentUnlocked, BindingRefused,
    PostureAttested, RulesPublished, SessionEnded, SessionOpened, SessionRefused, SessionRestored,
    SessionSuspended,
};
use crate::ids::{AgentHash, ContactId, LoginId, SessionId, Stamp, Tag};
use crate::keys::{self, TimerKind};
use crate::kv::{Fault, Overlay, Table, View};
use crate::limits::{REFUSAL_WINDOW_US, REST_AFTER_US};
use crate::records::{Agent, Contact, PresenceState, Session, SessionState, WorkRules};
use crate::state::{Records as _, store};

impl Evolve for AgentReleased {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let session = (self.session != SessionId::ZERO).then_some(self.session);
        let before = let_go(state, self.tenant, self.contact)?;
        if before.session == session {
            with_contact(state, self.tenant, self.contact, |record| {
                record.agent = None;
                record.agent_tag = Tag::ZERO;
                record.session = None;
            })?;
        }
        match (session, before.agent) {
            (Some(_), _) => leave(state, self.tenant, session, self.contact),
            // The agent is locked: what is left follows.
            (None, Some(agent)) if has_more(state, self.tenant, agent)? => {
                let due = Some(place.stamp.after_us(REST_AFTER_US));
                rest_of_lock(self.tenant, &agent).follows(state, due)
            }
            (None, Some(_) | None) => Ok(()),
        }
    }
}

/// Nothing: it is said so that it can be seen.
impl Evolve for BindingRefused {
    fn evolve<V: View + ?Sized>(
        &self,
        _state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        Ok(())
    }
}

impl Evolve for SessionOpened {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let Admission {
            certificate,
            login,
            level,
            policy,
            policy_version,
            presence_rule,
            expires,
            training,
            posture,
            posture_until,
        } = self.admission.clone();
        let record = Session {
            agent: self.agent,
            agent_tag: self.agent_tag,
            certificate,
            login,
            level,
            policy,
            policy_version,
            presence_rule,
            opened: place.stamp,
            expires,
            state: SessionState::Active,
            presence: PresenceState::Unseen,
            contacts: Vec::new(),
            training,
            posture,
            posture_until,
            rules_version: self.rules_version,
            edge: 0,
        };
        let key = keys::session(self.tenant, self.session);
        store(state, Table::Agent, key, &record);
        with_agent(state, self.tenant, self.agent, |record| {
            record.session = Some(self.session);
        })?;
        use_up(state, self.tenant, login, self.session)?;
        wind(state, self.tenant, self.session, expires);
        Ok(())
    }
}

/// It is counted, so that there is an end to it; nothing else changes.
impl Evolve for SessionRefused {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let window = place.stamp.before_us(REFUSAL_WINDOW_US);
        let mut record = state.refusals(self.tenant, self.agent_tag)?;
        record.recorded.retain(|stamp| *stamp > window);
        record.recorded.push(place.stamp);
        let key = keys::refusals(self.tenant, self.agent_tag);
        store(state, Table::Agent, key, &record);
        Ok(())
    }
}

/// Contacts that it has are released by facts of their own.
impl Evolve for SessionEnded {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let ended = with_session(state, self.tenant, self.session, |record| {
            record.state = SessionState::Ended;
        })?;
        with_agent(state, self.tenant, ended.agent, |record| {
            if record.session == Some(self.session) {
                record.session = None;
            }
        })?;
        unwind(state, self.tenant, self.session, ended.expires);
        Ok(())
    }
}

impl Evolve for SessionSuspended {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_session(state, self.tenant, self.session, |record| {
            record.state = SessionState::Suspended;
        })?;
        Ok(())
    }
}

impl Evolve for SessionRestored {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let mut before = Stamp::default();
        let Admission {
            certificate,
            login,
            level,
            policy,
            policy_version,
            presence_rule,
            expires,
            training,
            posture,
            posture_until,
        } = self.admission.clone();
        with_session(state, self.tenant, self.session, |record| {
            before = record.expires;
            record.certificate = certificate;
            record.login = login;
            record.level = record.level.min(level);
            record.policy = policy;
            record.policy_version = policy_version;
            record.presence_rule = presence_rule;
            record.expires = expires;
            // Who was seen before a suspension says nothing about who sits there now.
            if record.state != SessionState::Active {
                record.presence = PresenceState::Unseen;
            }
            record.state = SessionState::Active;
            record.training = training;
            record.posture = posture;
            record.posture_until = posture_until;
        })?;
        use_up(state, self.tenant, login, self.session)?;
        unwind(state, self.tenant, self.session, before);
        wind(state, self.tenant, self.session, expires);
        Ok(())
    }
}

impl Evolve for AgentLocked {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_agent(state, self.tenant, self.agent, |record| {
            record.locked = true;
        })
    }
}

impl Evolve for AgentUnlocked {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_agent(state, self.tenant, self.agent, |record| {
            record.locked = false;
            record.certificate = self.certificate;
        })?;
        rest_of_lock(self.tenant, &self.agent).follows(state, None)
    }
}

impl Evolve for AgentCertificateRevoked {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        with_agent(state, self.tenant, self.agent, |record| {
            record.revoked.push(self.certificate);
        })
    }
}

impl Evolve for PostureAttested {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let issuer = state.issuer(self.tenant, self.key_id)?;
        let issuer = issuer.ok_or(Fault::Corrupt)?.name;
        let key = keys::posture(self.tenant, self.agent, &issuer);
        store(state, Table::Agent, key, &self.posture);
        let mut at_work = None;
        with_agent(state, self.tenant, self.agent, |record| {
            let known = record.posture.map(|posture| posture.attested);
            if known < Some(self.posture.attested) {
                record.posture = Some(self.posture);
            }
            at_work = record.session;
        })?;
        match at_work {
            Some(session) => look_again(state, self.tenant, self.agent, session),
            None => Ok(()),
        }
    }
}

/// Until when a session's machine is attested, after somebody attested something.
fn look_again<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    agent: AgentHash,
    id: SessionId,
) -> Result<(), Fault> {
    let session = state.session(tenant, id)?.ok_or(Fault::Corrupt)?;
    if session.posture == 0 {
        return Ok(());
    }
    let policy = state.policy_version(tenant, &session.policy, session.policy_version)?;
    let rule = policy.ok_or(Fault::Corrupt)?.body.agents;
    let believed = state.believed_posture(tenant, agent, &rule)?;
    let until = believed
        .filter(|posture| posture.bits & session.posture == session.posture)
        .map_or_else(Stamp::default, |posture| posture.until);
    with_session(state, tenant, id, |record| record.posture_until = until)?;
    Ok(())
}

impl Evolve for RulesPublished {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let record = WorkRules {
            version: self.version,
            text: self.text,
            published: place.stamp,
        };
        let key = keys::work_rules(self.tenant);
        store(state, Table::Policy, key, &record);
        Ok(())
    }
}

/// Takes a contact out of the hands of a session.
pub(super) fn leave<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    session: Option<SessionId>,
    contact: ContactId,
) -> Result<(), Fault> {
    if let Some(session) = session {
        with_session(state, tenant, session, |record| {
            record.contacts.retain(|held| *held != contact);
        })?;
    }
    Ok(())
}

/// Forgets that an agent has a contact without a session, if so; and says how the contact stood.
pub(super) fn let_go<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    contact: ContactId,
) -> Result<Contact, Fault> {
    let before = state.contact(tenant, contact)?.ok_or(Fault::Corrupt)?;
    if let (Some(agent), None) = (before.agent, before.session) {
        state.delete(Table::Agent, keys::held(tenant, agent, contact));
        if !has_more(state, tenant, agent)? {
            rest_of_lock(tenant, &agent).follows(state, None)?;
        }
    }
    Ok(before)
}

/// Whether an agent has contacts without a session.
fn has_more<V: View + ?Sized>(
    state: &Overlay<'_, V>,
    tenant: u32,
    agent: AgentHash,
) -> Result<bool, Fault> {
    let from = keys::held(tenant, agent, ContactId::ZERO);
    let mut to = keys::held(tenant, agent, ContactId([u8::MAX; 16]));
    to.push(0);
    Ok(!state.scan(Table::Agent, &from, &to, 1)?.is_empty())
}

const fn rest_of_lock(tenant: u32, agent: &AgentHash) -> Rest<'_> {
    Rest {
        table: Table::Agent,
        kind: TimerKind::Release,
        tenant,
        who: &agent.0,
    }
}

/// Puts a contact into the hands of a session, and says what that session is.
pub(super) fn join<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    session: SessionId,
    contact: ContactId,
) -> Result<Session, Fault> {
    with_session(state, tenant, session, |record| {
        record.contacts.retain(|held| *held != contact);
        record.contacts.push(contact);
    })
}

/// Events about a session follow its opening, so a missing record means foreign bytes.
pub(super) fn with_session<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    id: SessionId,
    change: impl FnOnce(&mut Session),
) -> Result<Session, Fault> {
    let mut record = state.session(tenant, id)?.ok_or(Fault::Corrupt)?;
    change(&mut record);
    store(state, Table::Agent, keys::session(tenant, id), &record);
    Ok(record)
}

fn with_agent<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    id: AgentHash,
    change: impl FnOnce(&mut Agent),
) -> Result<(), Fault> {
    let mut record = state.agent(tenant, id)?.ok_or(Fault::Corrupt)?;
    change(&mut record);
    store(state, Table::Agent, keys::agent(tenant, id), &record);
    Ok(())
}

/// A login opens one session, once.
fn use_up<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    login: LoginId,
    session: SessionId,
) -> Result<(), Fault> {
    let mut record = state.agent_login(tenant, login)?.ok_or(Fault::Corrupt)?;
    record.session = Some(session);
    let key = keys::agent_login(tenant, login);
    store(state, Table::Call, key, &record);
    Ok(())
}

fn wind<V: View + ?Sized>(state: &mut Overlay<'_, V>, tenant: u32, id: SessionId, due: Stamp) {
    let timer = keys::timer(due, TimerKind::Session, tenant, id.0);
    state.put(Table::Timer, timer, Vec::new());
}

fn unwind<V: View + ?Sized>(state: &mut Overlay<'_, V>, tenant: u32, id: SessionId, due: Stamp) {
    let timer = keys::timer(due, TimerKind::Session, tenant, id.0);
    state.delete(Table::Timer, timer);
}
