//! Leaves of orders and logins.

use akashi_merkle::Leaf;

use super::{Columns, about, column, set};
use crate::event::{AgentLoginOpened, OrderApproved, OrderOffered, OrderPayloadExpired};

impl Columns for OrderOffered {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.subject_tag = self.tag.0;
        set(leaf, column::ORDER_HASH, &self.terms.order_hash);
        set(leaf, column::ORDER, &self.terms.order.0);
    }
}

impl Columns for OrderApproved {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
        set(leaf, column::UNTIL, &self.payload_until.0.to_be_bytes());
        set(leaf, column::ORDER_HASH, &self.order_hash);
        set(leaf, column::ORDER, &self.order.0);
        set(leaf, column::SEALED_DIGEST, &self.sealed_digest.0);
    }
}

impl Columns for OrderPayloadExpired {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
        set(leaf, column::ORDER, &self.order.0);
    }
}

impl Columns for AgentLoginOpened {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
        set(leaf, column::LOGIN, &self.login.0);
    }
}
