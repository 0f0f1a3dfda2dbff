//! Leaves of the cluster, its tenants, policies and agents.

use akashi_merkle::Leaf;

use super::{Columns, column, set};
use crate::entry::encode;
use crate::event::{
    AgentRegistered, ClusterFounded, PolicyActivated, SettingsChanged, TenantCreated,
};
use crate::ids::Digest;

impl Columns for ClusterFounded {
    fn columns(&self, leaf: &mut Leaf) {
        let cluster = &self.cluster;
        set(leaf, column::NAME, cluster.origin.as_bytes());
        set(leaf, column::DIGEST, &Digest::of(&encode(cluster)).0);
    }
}

impl Columns for TenantCreated {
    fn columns(&self, leaf: &mut Leaf) {
        set(leaf, column::NAME, self.name.as_bytes());
    }
}

impl Columns for PolicyActivated {
    fn columns(&self, leaf: &mut Leaf) {
        let policy = &self.policy;
        leaf.policy_version = policy.version;
        set(leaf, column::NAME, policy.name.as_bytes());
        set(leaf, column::POLICY_DIGEST, &policy.digest.0);
        set(leaf, column::PURPOSE, &[policy.body.purpose.code()]);
    }
}

impl Columns for SettingsChanged {
    fn columns(&self, leaf: &mut Leaf) {
        let digest = Digest::of(&encode(&self.settings));
        set(leaf, column::DIGEST, &digest.0);
    }
}

impl Columns for AgentRegistered {
    fn columns(&self, leaf: &mut Leaf) {
        set(leaf, column::DIGEST, &self.certificate.0);
    }
}
