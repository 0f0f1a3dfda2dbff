//! Which agent may have a contact.

use super::hand_over::Left;
use super::posture::attested_until;
use super::session::{Denied, unless, works};
use super::training::training_holds;
use super::{Decision, Step};
use crate::answer::Reply;
use crate::event::{AgentBound, BindingRefused};
use crate::ids::{AgentHash, ContactId, SessionId, Tag};
use crate::kv::{Fault, View};
use crate::outcome::reason;
use crate::policy::AgentBinding;
use crate::records::{Agent, Session, SessionState};
use crate::state::Records as _;

/// An agent who is to take a contact.
pub(super) struct Taking<'a> {
    pub(super) tenant: u32,
    pub(super) contact: ContactId,
    pub(super) agent: AgentHash,
    pub(super) record: &'a Agent,
    /// What the contact's policy asks of agents.
    pub(super) binding: AgentBinding,
    /// What the binding leaves of the contact.
    pub(super) left: Left,
}

impl Taking<'_> {
    /// The session in which the agent takes the contact, if that is allowed; none where a registered
    /// agent is enough and no session is open.
    fn session<V: View>(&self, state: &V, step: &Step) -> Result<Option<SessionId>, Denied> {
        unless(!self.record.locked, reason::AGENT_LOCKED)?;
        let open = match self.record.session {
            Some(id) => state.session(self.tenant, id)?.map(|session| (id, session)),
            None => None,
        };
        match self.binding {
            AgentBinding::Registered => Ok(open
                .filter(|(_, session)| session.state == SessionState::Active)
                .map(|(id, _)| id)),
            AgentBinding::Present => {
                let (id, session) = open.ok_or(Denied::Because(reason::NO_SESSION))?;
                self.fit(state, step, &session)?;
                Ok(Some(id))
            }
        }
    }

    /// Whether a session may take one more contact: everything that the login gave still holds.
    fn fit<V: View>(&self, state: &V, step: &Step, session: &Session) -> Result<(), Denied> {
        let now = step.stamp;
        works(session, now)?;
        if session.posture != 0 || session.training {
            let (name, version) = (&session.policy, session.policy_version);
            let policy = state.policy_version(self.tenant, name, version)?;
            let body = policy.ok_or(Fault::Corrupt)?.body;
            let who = (self.tenant, self.agent);
            let attested = attested_until(state, now, who, &body.agents)?.is_some();
            unless(attested, reason::POSTURE_MISSING)?;
            let who = self.agent.as_subject();
            let holds = training_holds(state, now, self.tenant, who, &body)?;
            unless(holds, reason::TRAINING_EXPIRED)?;
        }
        let most = usize::try_from(state.settings()?.session_contacts_max).unwrap_or(usize::MAX);
        let has = session.contacts.contains(&self.contact);
        unless(has || session.contacts.len() < most, reason::SESSION_FULL)
    }

    /// The fact that the agent has the contact, or what is decided instead.
    pub(super) fn bound<V: View>(
        &self,
        state: &V,
        step: &Step,
        agent_tag: Tag,
    ) -> Result<Result<AgentBound, Decision>, Fault> {
        match self.session(state, step) {
            Ok(session) => Ok(Ok(AgentBound {
                tenant: self.tenant,
                contact: self.contact,
                agent: self.agent,
                agent_tag,
                session,
                keeps: self.left.keeps,
                scope: self.left.scope,
                shrank: self.left.shrank,
                queue: self.left.queue,
            })),
            Err(denied) => {
                let reason = denied.reason()?;
                let refused = BindingRefused {
                    tenant: self.tenant,
                    contact: self.contact,
                    agent_tag,
                    reason,
                };
                Ok(Err(Decision {
                    events: vec![refused.into()],
                    reply: Reply::Denied { reason },
                }))
            }
        }
    }
}
