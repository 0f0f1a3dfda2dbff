//! Agents' logins: asking an agent's own phone who logs in.

use super::challenge::{Question, end_open, ended_at_once, policy, tag_or, unaskable};
use super::{Decision, Step, Stop, founded, tenant};
use crate::answer::{Field, Rejection};
use crate::command::OpenAgentLogin;
use crate::event::{AgentLoginOpened, Event};
use crate::ids::{ChallengeId, ContactId, LoginId};
use crate::kv::View;
use crate::outcome::{Outcome, reason};
use crate::policy::PolicyPurpose;
use crate::records::About;
use crate::state::Records as _;

pub(super) fn open<V: View>(
    state: &V,
    step: &Step,
    command: &OpenAgentLogin,
) -> Result<Decision, Stop> {
    let cluster = founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    if command.login == LoginId::ZERO {
        return Err(Rejection::Invalid(Field::Login).into());
    }
    if state.agent_login(tenant.number, command.login)?.is_some() {
        return Err(Rejection::Exists(Field::Login).into());
    }
    state
        .agent(tenant.number, command.agent)?
        .ok_or(Rejection::UnknownAgent)?;
    let policy = policy(state, &tenant, &command.policy, PolicyPurpose::AgentLogin)?;
    let who = command.agent.as_subject();
    let subject = state.subject(tenant.number, who)?;
    let tag = tag_or(command.agent_tag, subject.tag);
    let mut events = vec![Event::AgentLoginOpened(AgentLoginOpened {
        tenant: tenant.number,
        login: command.login,
        agent: command.agent,
        agent_tag: tag,
    })];
    if let Some(refused) = unaskable(state, step, &subject)? {
        let what = (ContactId::ZERO, About::Login(command.login));
        let (verdict, reply) = ended_at_once(tenant.number, what, (who, tag), &policy, refused);
        events.push(verdict);
        return Ok(Decision { events, reply });
    }
    // One open challenge per agent: the newer login takes over.
    let (outcome, why) = (Outcome::Superseded, reason::NEWER_LOGIN);
    events.extend(end_open(state, tenant.number, who, outcome, why)?);
    let question = Question {
        cluster: &cluster,
        tenant: &tenant,
        challenge: ChallengeId::of_login(&cluster.origin, &tenant.name, command.login),
        contact: ContactId::ZERO,
        order: None,
        login: Some(command.login),
        step_up: 0,
        subject: who,
        pin_epoch: subject.pin_epoch(),
        initiator: None,
        call_reason: 0,
        policy,
        tag,
    };
    let (issued, reply) = question.ask(step)?;
    events.push(issued);
    Ok(Decision { events, reply })
}
