//! Leaves of signals, weaker ways, wishes, reports and delegations.

use akashi_merkle::Leaf;

use super::{Columns, about, bit, column, flag, set};
use crate::event::{
    ContactBlocked, DelegationGranted, DelegationRevoked, DuressSignalled, FallbackUsed,
    OptOutChanged, RiskAttached, WrongParty,
};

impl Columns for DelegationGranted {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.subject_tag = self.tag.0;
        set(leaf, column::UNTIL, &self.until.0.to_be_bytes());
        set(leaf, column::SCOPE, &self.scope.to_be_bytes());
        set(leaf, column::DELEGATE_TAG, &self.delegate_tag.0);
    }
}

impl Columns for DelegationRevoked {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.subject_tag = self.tag.0;
        set(leaf, column::DELEGATE_TAG, &self.delegate_tag.0);
    }
}

impl Columns for OptOutChanged {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.subject_tag = self.tag.0;
        set(leaf, column::UNTIL, &self.until.0.to_be_bytes());
    }
}

impl Columns for ContactBlocked {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.subject_tag = self.tag.0;
        set(leaf, column::UNTIL, &self.frozen_until.0.to_be_bytes());
    }
}

impl Columns for RiskAttached {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.subject_tag = self.tag.0;
        set(leaf, column::LIMITS, &[self.limits]);
        let risk = self.risk;
        let buckets = [risk.sim_age, risk.line_type, risk.flags, risk.attestation];
        set(leaf, column::RISK, &buckets);
    }
}

impl Columns for FallbackUsed {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.subject_tag = self.tag.0;
        leaf.actor_tag = self.agent_tag.0;
        leaf.flags = bit(self.passed, flag::PASSED);
        set(leaf, column::FALLBACK, &[self.kind.code()]);
    }
}

impl Columns for DuressSignalled {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
    }
}

impl Columns for WrongParty {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
    }
}
