//! The cluster, its tenants, policies and agents.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Fact;
use crate::ids::{AgentHash, Digest};
use crate::records::{Cluster, Policy, Settings};

/// The cluster has its first entry.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ClusterFounded {
    /// The cluster.
    pub cluster: Cluster,
}

impl Fact for ClusterFounded {
    fn tenant(&self) -> u32 {
        0
    }
}

/// A tenant exists.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TenantCreated {
    /// Its number.
    pub tenant: u32,
    /// Its name.
    pub name: String,
}

impl Fact for TenantCreated {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// A version of a policy is in force.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PolicyActivated {
    /// Whose.
    pub tenant: u32,
    /// The version.
    pub policy: Policy,
}

impl Fact for PolicyActivated {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// Limits are in force.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SettingsChanged {
    /// All of them.
    pub settings: Settings,
}

impl Fact for SettingsChanged {
    fn tenant(&self) -> u32 {
        0
    }
}

/// An agent is known.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AgentRegistered {
    /// Whose.
    pub tenant: u32,
    /// Who.
    pub agent: AgentHash,
    /// SHA-256 of the certificate; zeros accept any.
    pub certificate: Digest,
    /// Whether the agent is a supervisor.
    pub supervisor: bool,
}

impl Fact for AgentRegistered {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}
