//! Founding the cluster; tenants, policies, limits, agents.

use super::{Decision, Stop, founded, tenant};
use crate::answer::{Field, Rejection, Reply};
use crate::command::{
    CreateTenant, Found, PutPolicy, PutSessionSettings, PutSettings, RegisterAgent,
};
use crate::event::{self, Event};
use crate::kv::View;
use crate::limits::REPLICAS_MAX;
use crate::policy::{PolicyBody, is_name};
use crate::records::{Cluster, Policy, Settings};
use crate::state::Records as _;

/// The epoch and the group that a new cluster starts with.
const FIRST_EPOCH: u32 = 1;
const FIRST_GROUP: u16 = 0;

pub(super) fn found<V: View>(state: &V, command: &Found) -> Result<Decision, Stop> {
    if state.cluster()?.is_some() {
        return Err(Rejection::AlreadyFounded.into());
    }
    check_name(&command.cluster, Field::Cluster)?;
    check_name(&command.tenant, Field::Tenant)?;
    check_name(&command.policy, Field::Policy)?;
    command.body.check().map_err(Rejection::Invalid)?;
    check_replicas(command)?;
    let origin = format!("{}/e{FIRST_EPOCH}/g{FIRST_GROUP}", command.cluster);
    let cluster = Cluster {
        origin,
        epoch: FIRST_EPOCH,
        group: FIRST_GROUP,
        replicas: command.replicas.clone(),
        quorum: command.quorum,
        tenants: 0,
    };
    let policy = version_of(&command.tenant, &command.policy, 1, &command.body);
    Ok(Decision {
        events: vec![
            Event::ClusterFounded(event::ClusterFounded { cluster }),
            Event::SettingsChanged(event::SettingsChanged {
                settings: Settings::default(),
            }),
            Event::TenantCreated(event::TenantCreated {
                tenant: 1,
                name: command.tenant.clone(),
            }),
            Event::PolicyActivated(event::PolicyActivated { tenant: 1, policy }),
        ],
        reply: Reply::Done,
    })
}

/// Ids and names differ, and the quorum is a majority at least: two quorums always share a replica.
fn check_replicas(command: &Found) -> Result<(), Rejection> {
    let refuse = Rejection::Invalid(Field::Replicas);
    let count = command.replicas.len();
    let quorum = usize::from(command.quorum);
    if count == 0 || count > REPLICAS_MAX || quorum > count || quorum.saturating_mul(2) <= count {
        return Err(refuse);
    }
    let mut ids: Vec<u64> = command.replicas.iter().map(|replica| replica.id).collect();
    let mut names: Vec<&str> = command.replicas.iter().map(|r| r.name.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    names.sort_unstable();
    names.dedup();
    let named = command
        .replicas
        .iter()
        .all(|r| is_name(&r.name) && is_name(&r.site) && r.id > 0);
    if ids.len() == count && names.len() == count && named {
        Ok(())
    } else {
        Err(refuse)
    }
}

pub(super) fn create_tenant<V: View>(state: &V, command: &CreateTenant) -> Result<Decision, Stop> {
    let cluster = founded(state)?;
    check_name(&command.tenant, Field::Tenant)?;
    if state.tenant(&command.tenant)?.is_some() {
        return Err(Rejection::Exists(Field::Tenant).into());
    }
    let number = cluster
        .tenants
        .checked_add(1)
        .ok_or(Rejection::Invalid(Field::Tenant))?;
    Ok(Decision {
        events: vec![Event::TenantCreated(event::TenantCreated {
            tenant: number,
            name: command.tenant.clone(),
        })],
        reply: Reply::Done,
    })
}

pub(super) fn put_policy<V: View>(state: &V, command: &PutPolicy) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    check_name(&command.policy, Field::Policy)?;
    command.body.check().map_err(Rejection::Invalid)?;
    let newest = state
        .policy(tenant.number, &command.policy)?
        .map_or(0, |policy| policy.version);
    let version = newest
        .checked_add(1)
        .ok_or(Rejection::Invalid(Field::Policy))?;
    let policy = version_of(&tenant.name, &command.policy, version, &command.body);
    Ok(Decision {
        events: vec![Event::PolicyActivated(event::PolicyActivated {
            tenant: tenant.number,
            policy,
        })],
        reply: Reply::PolicyActive { version },
    })
}

pub(super) fn put_settings<V: View>(state: &V, command: &PutSettings) -> Result<Decision, Stop> {
    founded(state)?;
    let settings = state
        .settings()?
        .changed_by(command.settings)
        .ok_or(Rejection::Invalid(Field::Settings))?;
    Ok(Decision {
        events: vec![Event::SettingsChanged(event::SettingsChanged { settings })],
        reply: Reply::SettingsActive(settings),
    })
}

pub(super) fn put_session_settings<V: View>(
    state: &V,
    command: &PutSessionSettings,
) -> Result<Decision, Stop> {
    founded(state)?;
    let refused = Rejection::Invalid(Field::Settings);
    let before = state.settings()?;
    let settings = before.changed_by(command.settings).ok_or(refused)?;
    let sessions = state.session_settings()?.changed_by(command.sessions);
    let sessions = sessions.ok_or(refused)?;
    let mut events = Vec::new();
    if settings != before {
        events.push(Event::SettingsChanged(event::SettingsChanged { settings }));
    }
    events.push(Event::SessionSettingsChanged(
        event::SessionSettingsChanged { settings: sessions },
    ));
    Ok(Decision {
        events,
        reply: Reply::SessionSettingsActive { settings, sessions },
    })
}

pub(super) fn register_agent<V: View>(
    state: &V,
    command: &RegisterAgent,
) -> Result<Decision, Stop> {
    founded(state)?;
    let tenant = tenant(state, &command.tenant)?;
    if state.agent(tenant.number, command.agent)?.is_some() {
        return Err(Rejection::Exists(Field::Agent).into());
    }
    Ok(Decision {
        events: vec![Event::AgentRegistered(event::AgentRegistered {
            tenant: tenant.number,
            agent: command.agent,
            certificate: command.certificate,
            supervisor: command.supervisor,
        })],
        reply: Reply::Done,
    })
}

fn version_of(tenant: &str, name: &str, version: u32, body: &PolicyBody) -> Policy {
    Policy {
        name: name.to_owned(),
        version,
        body: body.clone(),
        digest: body.digest(tenant, name, version),
    }
}

pub(super) fn check_name(name: &str, field: Field) -> Result<(), Rejection> {
    if is_name(name) {
        Ok(())
    } else {
        Err(Rejection::Invalid(field))
    }
}
