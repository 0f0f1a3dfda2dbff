//! Leaves of submissions and verdicts.

use akashi_merkle::Leaf;

use super::{Columns, about, bit, column, flag, prove_by, set};
use crate::event::{
    ChallengeConsumed, DuplicateSubmission, ProofHeld, ProofRefused, VerdictReached,
};
use crate::outcome::limit;
use crate::records::About;

impl Columns for ProofRefused {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
        leaf.reason = self.judged.reason;
        leaf.flags = bit(self.possession_held, flag::POSSESSION_HELD)
            | bit(self.pin_counted, flag::PIN_COUNTED);
        prove_by(leaf, &self.evidence);
        set(leaf, column::FAILED_KIND, &[self.failed_kind]);
        set(leaf, column::FINGERPRINT, &self.judged.fingerprint.0);
        set(leaf, column::FAILED_SLOT, &[self.failed_slot]);
    }
}

impl Columns for ProofHeld {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
        leaf.flags = flag::POSSESSION_HELD;
        prove_by(leaf, &self.evidence);
        let factors = u8::try_from(self.held.factors).unwrap_or(u8::MAX);
        set(leaf, column::FACTORS, &[factors]);
        set(leaf, column::FINGERPRINT, &self.judged.fingerprint.0);
        set(leaf, column::PREDICATES, &[self.held.predicates]);
        set(leaf, column::LEVEL, &[self.held.level]);
    }
}

impl Columns for ChallengeConsumed {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
    }
}

impl Columns for VerdictReached {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
        leaf.outcome = self.outcome.code();
        leaf.reason = self.reason;
        leaf.policy_version = self.policy_version;
        let factors = u8::try_from(self.held.factors).unwrap_or(u8::MAX);
        set(leaf, column::FACTORS, &[factors]);
        set(leaf, column::UNTIL, &self.not_after.0.to_be_bytes());
        match self.about {
            About::Call => {}
            About::Order(order) => set(leaf, column::ORDER, &order.0),
            About::Login(login) => set(leaf, column::LOGIN, &login.0),
        }
        set(leaf, column::PREDICATES, &[self.held.predicates]);
        set(leaf, column::LEVEL, &[self.held.level]);
        set(leaf, column::SCOPE, &self.good.scope.to_be_bytes());
        set(leaf, column::LIMITS, &[limit::shown(self.good.limits)]);
        set(leaf, column::AAL, &[self.good.aal]);
    }
}

impl Columns for DuplicateSubmission {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
        set(leaf, column::FINGERPRINT, &self.fingerprint.0);
    }
}
