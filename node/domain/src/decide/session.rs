//! Sessions: who is let to work, and how that ends.
//!
//! Deny by default: a session takes a certificate that is registered and not revoked, an agent who is not
//! locked, a verified login of the same agent that is still good and unused, and whatever else the
//! login's policy asks for. The first that is missing is the reason, and the refusal is recorded, as long as
//! the agent has not been refused too often within the hour.

use super::posture::attested_until;
use super::training::training_holds;
use super::{Decision, Step, Stop, founded, tenant};
use crate::answer::{Field, Rejection, Reply};
use crate::command::{Desk, EndSession, OpenSession, RestoreSession};
use crate::event::{
    Admission, AgentReleased, Event, SessionEnded, SessionOpened, SessionRefused, SessionRestored,
    SessionSuspended,
};
use crate::ids::{AgentHash, Digest, LoginId, SessionId, Stamp, Tag};
use crate::kv::{Fault, View};
use crate::limits::REFUSAL_WINDOW_US;
use crate::outcome::{Outcome, reason};
use crate::records::{Agent, LoginLevel, PresenceState, Session, SessionState};
use crate::state::Records as _;

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Denied {
    /// For a reason that is recorded.
    Because(u16),
    /// The storage beneath failed.
    Fault(Fault),
}

impl From<Fault> for Denied {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What is recorded of a refusal.
impl Denied {
    pub(super) fn reason(self) -> Result<u16, Fault> {
        match self {
            Self::Because(reason) => Ok(reason),
            Self::Fault(fault) => Err(fault),
        }
    }
}

/// `Err` with a reason unless `holds`.
pub(super) fn unless(holds: bool, why: u16) -> Result<(), Denied> {
    if holds {
        Ok(())
    } else {
        Err(Denied::Because(why))
    }
}

pub(super) fn open<V: View>(
    state: &V,
    step: &Step,
    command: &OpenSession,
) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.desk.tenant)?.number;
    if command.session == SessionId::ZERO {
        return Err(Rejection::Invalid(Field::Session).into());
    }
    if state.session(tenant, command.session)?.is_some() {
        return Err(Rejection::Exists(Field::Session).into());
    }
    let desk = &command.desk;
    let agent = state.agent(tenant, desk.agent)?;
    let agent = agent.ok_or(Rejection::UnknownAgent)?;
    let tag = pseudonym(state, tenant, desk.agent)?;
    let case = Case {
        state,
        step,
        tenant,
        desk,
        agent: &agent,
    };
    let admitted = case.admit(command.login).and_then(|admitted| {
        Ok((
            case.acknowledged(&admitted, command.rules_version)?,
            admitted,
        ))
    });
    let (rules_version, admitted) = match admitted {
        Ok(admitted) => admitted,
        Err(denied) => {
            return case.refuse(command.session, command.login, tag, denied.reason()?);
        }
    };
    let mut events = Vec::new();
    // One session per agent: the newer one takes over.
    if let Some(older) = agent.session
        && let Some(session) = state.session(tenant, older)?
    {
        events.extend(ended(tenant, older, &session, reason::NEWER_SESSION));
    }
    let Admitted { admission, tag, .. } = admitted;
    let expires = admission.expires;
    events.push(Event::SessionOpened(SessionOpened {
        tenant,
        session: command.session,
        agent: desk.agent,
        agent_tag: tag,
        admission,
        rules_version,
    }));
    let reply = Reply::SessionOpen { expires };
    Ok(Decision { events, reply })
}

pub(super) fn end<V: View>(state: &V, command: &EndSession) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.desk.tenant)?.number;
    let session = own(state, tenant, &command.desk, command.session)?;
    if session.certificate != command.desk.certificate {
        return Err(Rejection::UnknownSession.into());
    }
    Ok(Decision {
        events: ended(tenant, command.session, &session, reason::NONE),
        reply: Reply::Done,
    })
}

/// A session goes on after a fresh login, whether it was suspended or is only to last longer.
pub(super) fn restore<V: View>(
    state: &V,
    step: &Step,
    command: &RestoreSession,
) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.desk.tenant)?.number;
    let session = own(state, tenant, &command.desk, command.session)?;
    if session.expires <= step.stamp {
        return Err(Rejection::SessionEnded.into());
    }
    let agent = state.agent(tenant, command.desk.agent)?;
    let agent = agent.ok_or(Rejection::UnknownAgent)?;
    let case = Case {
        state,
        step,
        tenant,
        desk: &command.desk,
        agent: &agent,
    };
    let Admitted { admission, .. } = match case.admit(command.login) {
        Ok(admitted) => admitted,
        Err(denied) => {
            let (id, tag) = (command.session, session.agent_tag);
            return case.refuse(id, command.login, tag, denied.reason()?);
        }
    };
    let expires = admission.expires;
    Ok(Decision {
        events: vec![Event::SessionRestored(SessionRestored {
            tenant,
            session: command.session,
            agent_tag: session.agent_tag,
            admission,
        })],
        reply: Reply::SessionOpen { expires },
    })
}

/// What follows when a session's time runs out.
pub(super) fn expire<V: View>(state: &V, tenant: u32, id: SessionId) -> Result<Vec<Event>, Fault> {
    let open = state
        .session(tenant, id)?
        .filter(|session| session.state != SessionState::Ended);
    Ok(open.map_or_else(Vec::new, |session| {
        ended(tenant, id, &session, reason::SESSION_EXPIRED)
    }))
}

/// The end of a session and of its hold on contacts.
pub(super) fn ended(tenant: u32, id: SessionId, session: &Session, why: u16) -> Vec<Event> {
    let mut events = vec![Event::SessionEnded(SessionEnded {
        tenant,
        session: id,
        agent_tag: session.agent_tag,
        reason: why,
    })];
    events.extend(released(tenant, id, session, why));
    events
}

/// The suspension of a session that is active; its contacts stay with it.
pub(super) fn suspended(tenant: u32, id: SessionId, session: &Session, why: u16) -> Option<Event> {
    (session.state == SessionState::Active).then_some(Event::SessionSuspended(SessionSuspended {
        tenant,
        session: id,
        agent_tag: session.agent_tag,
        reason: why,
    }))
}

/// Every contact of a session goes back to the queue, with its verdict.
pub(super) fn released(
    tenant: u32,
    id: SessionId,
    session: &Session,
    why: u16,
) -> impl Iterator<Item = Event> {
    session.contacts.iter().map(move |contact| {
        Event::AgentReleased(AgentReleased {
            tenant,
            contact: *contact,
            session: id,
            agent_tag: session.agent_tag,
            reason: why,
        })
    })
}

/// The session of an agent at work: of this desk, active, present, not over.
pub(super) fn at_work<V: View>(
    state: &V,
    step: &Step,
    tenant: u32,
    desk: &Desk,
    id: SessionId,
) -> Result<Session, Denied> {
    let session = state
        .session(tenant, id)?
        .filter(|session| session.agent == desk.agent && session.certificate == desk.certificate);
    let session = session.ok_or(Denied::Because(reason::NO_SESSION))?;
    works(&session, step.stamp)?;
    Ok(session)
}

/// Whether a session works now; if not, why.
pub(super) fn works(session: &Session, now: Stamp) -> Result<(), Denied> {
    match session.state {
        SessionState::Active => {}
        SessionState::Suspended => return Err(Denied::Because(reason::SESSION_SUSPENDED)),
        SessionState::Ended => return Err(Denied::Because(reason::NO_SESSION)),
    }
    unless(session.expires > now, reason::SESSION_EXPIRED)?;
    let looked = session.presence != PresenceState::Unseen;
    unless(looked, reason::NOT_SEEN_YET)?;
    unless(session.works(now), reason::NOT_PRESENT)
}

/// The pseudonym under which an agent's leaves stay together.
pub(super) fn pseudonym<V: View>(state: &V, tenant: u32, agent: AgentHash) -> Result<Tag, Fault> {
    Ok(state.subject(tenant, agent.as_subject())?.tag)
}

/// A session that is not over, of the agent who asks.
fn own<V: View>(state: &V, tenant: u32, desk: &Desk, id: SessionId) -> Result<Session, Stop> {
    let session = state
        .session(tenant, id)?
        .filter(|session| session.agent == desk.agent)
        .ok_or(Rejection::UnknownSession)?;
    match session.state {
        SessionState::Active | SessionState::Suspended => Ok(session),
        SessionState::Ended => Err(Rejection::SessionEnded.into()),
    }
}

/// What a login gives, and whose it is.
struct Admitted {
    admission: Admission,
    tag: Tag,
    /// Whether the rules must be acknowledged.
    rules: bool,
}

/// One agent who asks to be let in.
struct Case<'a, V> {
    state: &'a V,
    step: &'a Step,
    tenant: u32,
    desk: &'a Desk,
    agent: &'a Agent,
}

impl<V: View> Case<'_, V> {
    /// Everything that a session rests on, but the rules.
    fn admit(&self, id: LoginId) -> Result<Admitted, Denied> {
        let (agent, now) = (self.agent, self.step.stamp);
        let shown = self.desk.certificate;
        unless(!agent.revoked.contains(&shown), reason::CERTIFICATE_REVOKED)?;
        let registered = agent.certificate == Digest::ZERO || agent.certificate == shown;
        unless(registered, reason::CERTIFICATE_OTHER)?;
        unless(!agent.locked, reason::AGENT_LOCKED)?;
        let login = self.state.agent_login(self.tenant, id)?;
        let login = login
            .filter(|login| login.agent == self.desk.agent)
            .ok_or(Denied::Because(reason::LOGIN_NOT_VERIFIED))?;
        let verdict = login
            .verdict
            .filter(|verdict| verdict.outcome == Outcome::Verified)
            .ok_or(Denied::Because(reason::LOGIN_NOT_VERIFIED))?;
        unless(verdict.not_after > now, reason::LOGIN_STALE)?;
        unless(login.session.is_none(), reason::LOGIN_USED)?;
        let asked = self.state.challenge(self.tenant, login.challenge)?;
        let asked = asked.ok_or(Fault::Corrupt)?;
        let rule = &asked.body.agents;
        let posture_until = attested_until(self.state, now, (self.tenant, self.desk.agent), rule)?
            .ok_or(Denied::Because(reason::POSTURE_MISSING))?;
        let who = self.desk.agent.as_subject();
        let training = training_holds(self.state, now, self.tenant, who, &asked.body)?;
        unless(training, reason::TRAINING_EXPIRED)?;
        let admission = Admission {
            certificate: shown,
            login: id,
            level: if asked.body.face.is_some() {
                LoginLevel::Face
            } else {
                LoginLevel::Alternative
            },
            training: !asked.body.predicates.is_empty(),
            policy: asked.policy,
            policy_version: asked.policy_version,
            presence_rule: rule.presence,
            expires: verdict.not_after,
            posture: rule.posture,
            posture_until,
        };
        Ok(Admitted {
            admission,
            tag: login.agent_tag,
            rules: rule.rules,
        })
    }

    /// The version of the rules that was acknowledged, if that is enough.
    fn acknowledged(&self, admitted: &Admitted, version: u32) -> Result<u32, Denied> {
        let rules = self.state.work_rules(self.tenant)?;
        let current = rules.filter(|rules| rules.version == version);
        unless(
            current.is_some() || !admitted.rules,
            reason::RULES_NOT_ACKNOWLEDGED,
        )?;
        Ok(current.map_or(0, |rules| rules.version))
    }

    /// The refusal, recorded unless so many were within the hour: whoever has a certificate must not be
    /// able to fill the log with it.
    fn refuse(
        &self,
        session: SessionId,
        login: LoginId,
        tag: Tag,
        why: u16,
    ) -> Result<Decision, Stop> {
        let reply = Reply::Denied { reason: why };
        let most = self.state.session_settings()?.refusals_per_hour;
        let window = self.step.stamp.before_us(REFUSAL_WINDOW_US);
        let recorded = self.state.refusals(self.tenant, tag)?.recorded;
        let recent = recorded.iter().filter(|stamp| **stamp > window).count();
        if recent >= usize::try_from(most).unwrap_or(usize::MAX) {
            return Ok(Decision::nothing(reply));
        }
        Ok(Decision {
            events: vec![Event::SessionRefused(SessionRefused {
                tenant: self.tenant,
                session,
                login,
                certificate: self.desk.certificate,
                agent_tag: tag,
                reason: why,
            })],
            reply,
        })
    }
}
