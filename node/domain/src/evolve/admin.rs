//! What founding, tenants, policies, limits and agents change.

use super::{Evolve, Place};
use crate::event::{
    AgentRegistered, ClusterFounded, PolicyActivated, SessionSettingsChanged, SettingsChanged,
    TenantCreated,
};
use crate::keys;
use crate::kv::{Fault, Overlay, Table, View};
use crate::records::{Agent, Tenant};
use crate::state::{Records as _, store};

impl Evolve for ClusterFounded {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        store(state, Table::Meta, keys::CLUSTER.to_vec(), &self.cluster);
        Ok(())
    }
}

impl Evolve for TenantCreated {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        place: Place,
    ) -> Result<(), Fault> {
        let tenant = Tenant {
            number: self.tenant,
            name: self.name.clone(),
        };
        store(state, Table::Policy, keys::tenant(&self.name), &tenant);
        store(
            state,
            Table::Policy,
            keys::tenant_name(self.tenant),
            &tenant.name,
        );
        let mut cluster = state.cluster()?.ok_or(Fault::Corrupt)?;
        cluster.tenants = cluster.tenants.max(self.tenant);
        store(state, Table::Meta, keys::CLUSTER.to_vec(), &cluster);
        super::processed::count(state, self.tenant, |tally| tally.tenant_leaf = place.leaf)
    }
}

impl Evolve for PolicyActivated {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let Self { tenant, policy } = self;
        let newest = keys::policy(*tenant, &policy.name);
        store(state, Table::Policy, newest, policy);
        let pinned = keys::policy_version(*tenant, &policy.name, policy.version);
        store(state, Table::Policy, pinned, policy);
        Ok(())
    }
}

impl Evolve for SettingsChanged {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        store(
            state,
            Table::Policy,
            keys::SETTINGS.to_vec(),
            &self.settings,
        );
        Ok(())
    }
}

impl Evolve for SessionSettingsChanged {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let key = keys::SESSION_SETTINGS.to_vec();
        store(state, Table::Policy, key, &self.settings);
        Ok(())
    }
}

impl Evolve for AgentRegistered {
    fn evolve<V: View + ?Sized>(
        &self,
        state: &mut Overlay<'_, V>,
        _place: Place,
    ) -> Result<(), Fault> {
        let record = Agent {
            certificate: self.certificate,
            supervisor: self.supervisor,
            ..Agent::default()
        };
        let key = keys::agent(self.tenant, self.agent);
        store(state, Table::Agent, key, &record);
        Ok(())
    }
}
