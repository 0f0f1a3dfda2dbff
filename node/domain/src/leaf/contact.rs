//! Leaves of contacts and challenges.

use akashi_merkle::Leaf;

use super::{Columns, about, column, set};
use crate::entry::encode;
use crate::event::{AgentBound, ChallengeIssued, ContactAnnounced, ContactClosed, NoticeOpened};
use crate::ids::ContactId;

impl Columns for ContactAnnounced {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.subject_tag = self.tag.0;
        set(leaf, column::CALL_REASON, &self.call_reason.to_be_bytes());
        set(leaf, column::INITIATOR, &encode(&self.initiator));
        leaf.policy_version = self.policy_version;
        set(leaf, column::NAME, self.policy.as_bytes());
        set(leaf, column::CAMPAIGN, &self.campaign.to_be_bytes());
        set(leaf, column::QUEUE, &self.queue.to_be_bytes());
        if self.previous != ContactId::ZERO {
            set(leaf, column::PREVIOUS, &self.previous.0);
        }
    }
}

impl Columns for AgentBound {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
    }
}

impl Columns for ChallengeIssued {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
        leaf.policy_version = self.policy_version;
        leaf.statement_hash = self.context_digest.0;
        leaf.suite = akashi_proof::Suite::V1.code();
        if let Some(initiator) = self.initiator {
            set(leaf, column::CALL_REASON, &self.call_reason.to_be_bytes());
            set(leaf, column::INITIATOR, &encode(&initiator));
        }
        set(leaf, column::NAME, self.policy.as_bytes());
        set(leaf, column::POLICY_DIGEST, &self.policy_digest.0);
        set(leaf, column::UNTIL, &self.expires.0.to_be_bytes());
        set(leaf, column::PURPOSE, &[self.body.purpose.code()]);
        set(leaf, column::PIN_EPOCH, &self.pin_epoch.to_be_bytes());
        if let Some(terms) = &self.order {
            set(leaf, column::ORDER_HASH, &terms.order_hash);
            set(leaf, column::ORDER, &terms.order.0);
        }
        if let Some(login) = self.login {
            set(leaf, column::LOGIN, &login.0);
        }
    }
}

impl Columns for NoticeOpened {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
    }
}

impl Columns for ContactClosed {
    fn columns(&self, leaf: &mut Leaf) {
        set(leaf, column::DISPOSITION, &self.disposition.to_be_bytes());
    }
}
