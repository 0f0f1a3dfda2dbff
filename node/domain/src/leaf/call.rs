//! Leaves of calls, retired policies and erasures.

use akashi_merkle::Leaf;

use super::{Columns, about, column, set};
use crate::event::{
    ContactResumed, LegChanged, NoticeReminded, PolicyRetired, StepUpAsked, SubjectErased,
};

impl Columns for LegChanged {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
        set(leaf, column::QUEUE, &self.queue.to_be_bytes());
        set(leaf, column::CALL_EVENT, &[self.event.code()]);
        set(leaf, column::LEG, &[self.state.code()]);
    }
}

impl Columns for ContactResumed {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
        set(leaf, column::QUEUE, &self.queue.to_be_bytes());
    }
}

impl Columns for StepUpAsked {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.subject_tag = self.tag.0;
        leaf.policy_version = self.policy_version;
        set(leaf, column::NAME, self.policy.as_bytes());
        set(leaf, column::STEP, &[self.step]);
    }
}

impl Columns for NoticeReminded {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
    }
}

impl Columns for PolicyRetired {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.policy_version = self.version;
        set(leaf, column::NAME, self.policy.as_bytes());
    }
}

impl Columns for SubjectErased {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.subject_tag = self.tag.0;
        set(leaf, column::DISPOSITION, &self.reason.to_be_bytes());
        set(leaf, column::COUNT, &self.evidence.to_be_bytes());
    }
}
