//! Leaves of sessions, and of what is needed for one.

use akashi_merkle::Leaf;

use super::{Columns, column, set};
use crate::entry::encode;
use crate::event::{
    Admission, AgentCertificateRevoked, AgentLocked, AgentReleased, AgentUnlocked, BindingRefused,
    PostureAttested, RulesPublished, SessionEnded, SessionOpened, SessionRefused, SessionRestored,
    SessionSettingsChanged, SessionSuspended,
};
use crate::ids::{Digest, SessionId};

impl Columns for AgentReleased {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
        leaf.reason = self.reason;
        if self.session != SessionId::ZERO {
            set(leaf, column::SESSION, &self.session.0);
        }
    }
}

impl Columns for BindingRefused {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
        leaf.reason = self.reason;
    }
}

impl Columns for SessionOpened {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
        admitted(leaf, &self.admission);
        set(leaf, column::SESSION, &self.session.0);
        levels(leaf, &self.admission);
        let rules = self.rules_version.to_be_bytes();
        set(leaf, column::RULES_VERSION, &rules);
    }
}

impl Columns for SessionRestored {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
        admitted(leaf, &self.admission);
        set(leaf, column::SESSION, &self.session.0);
        levels(leaf, &self.admission);
    }
}

/// What an admission says in the columns before [`column::SESSION`].
fn admitted(leaf: &mut Leaf, admission: &Admission) {
    leaf.policy_version = admission.policy_version;
    set(leaf, column::NAME, admission.policy.as_bytes());
    set(leaf, column::UNTIL, &admission.expires.0.to_be_bytes());
    set(leaf, column::DIGEST, &admission.certificate.0);
    set(leaf, column::LOGIN, &admission.login.0);
}

/// What an admission says in the columns after it.
fn levels(leaf: &mut Leaf, admission: &Admission) {
    set(leaf, column::LOGIN_LEVEL, &[admission.level.code()]);
    set(leaf, column::TRAINING, &[u8::from(admission.training)]);
    set(leaf, column::POSTURE, &admission.posture.to_be_bytes());
}

impl Columns for SessionRefused {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
        leaf.reason = self.reason;
        set(leaf, column::DIGEST, &self.certificate.0);
        set(leaf, column::LOGIN, &self.login.0);
        set(leaf, column::SESSION, &self.session.0);
    }
}

impl Columns for SessionEnded {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
        leaf.reason = self.reason;
        set(leaf, column::SESSION, &self.session.0);
    }
}

impl Columns for SessionSuspended {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
        leaf.reason = self.reason;
        set(leaf, column::SESSION, &self.session.0);
    }
}

impl Columns for AgentLocked {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
        set(leaf, column::DISPOSITION, &self.reason.to_be_bytes());
    }
}

impl Columns for AgentUnlocked {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
        set(leaf, column::DIGEST, &self.certificate.0);
    }
}

impl Columns for AgentCertificateRevoked {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
        set(leaf, column::DISPOSITION, &self.reason.to_be_bytes());
        set(leaf, column::DIGEST, &self.certificate.0);
    }
}

impl Columns for PostureAttested {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
        set(leaf, column::UNTIL, &self.posture.until.0.to_be_bytes());
        set(leaf, column::DIGEST, &self.key_id.0);
        set(leaf, column::POSTURE, &self.posture.bits.to_be_bytes());
    }
}

impl Columns for RulesPublished {
    fn columns(&self, leaf: &mut Leaf) {
        set(leaf, column::DIGEST, &self.text.0);
        let version = self.version.to_be_bytes();
        set(leaf, column::RULES_VERSION, &version);
    }
}

impl Columns for SessionSettingsChanged {
    fn columns(&self, leaf: &mut Leaf) {
        let digest = Digest::of(&encode(&self.settings));
        set(leaf, column::DIGEST, &digest.0);
    }
}
