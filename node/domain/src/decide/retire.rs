//! Endings that a tenant decides: of a version of a policy, and of what is kept of a subject.

use super::challenge::end_open;
use super::{Decision, Stop, founded, tenant};
use crate::answer::{Rejection, Reply};
use crate::command::{EraseSubject, RetirePolicy};
use crate::event::{Event, PolicyRetired, SubjectErased};
use crate::keys;
use crate::kv::{Table, View};
use crate::limits::ERASED_PER_COMMAND_MAX;
use crate::outcome::{Outcome, reason};
use crate::records::Subject;
use crate::state::Records as _;

/// Nothing is announced under a retired version any more; what is open under it ends when the phone
/// answers, since only the challenge itself knows what it pinned.
pub(super) fn policy<V: View>(state: &V, command: &RetirePolicy) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let newest = state
        .policy(tenant.number, &command.policy)?
        .ok_or(Rejection::UnknownPolicy)?
        .version;
    let version = match command.version {
        0 => newest,
        version if version <= newest => version,
        _ => return Err(Rejection::UnknownPolicy.into()),
    };
    if state.is_retired(tenant.number, &command.policy, version)? {
        return Ok(Decision::nothing(Reply::PolicyRetired { version }));
    }
    Ok(Decision {
        events: vec![Event::PolicyRetired(PolicyRetired {
            tenant: tenant.number,
            policy: command.policy.clone(),
            version,
        })],
        reply: Reply::PolicyRetired { version },
    })
}

/// Keys, credentials, template, history and evidence go; leaves stay. A subject with more evidence than
/// one command may delete is erased in several.
pub(super) fn subject<V: View>(state: &V, command: &EraseSubject) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    let known = state.subject(tenant.number, command.subject)?;
    let (from, to) = keys::evidence_of(tenant.number, command.subject);
    let limit = ERASED_PER_COMMAND_MAX.saturating_add(1);
    let kept = state.scan(Table::Evidence, &from, &to, limit)?.len();
    if known == Subject::default() && kept == 0 {
        return Err(Rejection::UnknownSubject.into());
    }
    let (outcome, why) = (Outcome::Cancelled, reason::ERASED);
    let mut events = Vec::new();
    events.extend(end_open(
        state,
        tenant.number,
        command.subject,
        outcome,
        why,
    )?);
    let evidence = u32::try_from(kept.min(ERASED_PER_COMMAND_MAX)).unwrap_or(u32::MAX);
    events.push(Event::SubjectErased(SubjectErased {
        tenant: tenant.number,
        subject: command.subject,
        reason: command.reason,
        evidence,
        tag: known.tag,
    }));
    Ok(Decision {
        events,
        reply: Reply::Erased {
            evidence,
            complete: kept <= ERASED_PER_COMMAND_MAX,
        },
    })
}
