//! Leaves of presence.

use akashi_merkle::Leaf;

use super::{Columns, column, set};
use crate::event::{PresenceChanged, PresenceSummarised};

impl Columns for PresenceChanged {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
        set(leaf, column::SESSION, &self.session.0);
        set(leaf, column::PRESENCE, &[self.to.code()]);
        set(leaf, column::PRESENCE_BEFORE, &[self.from.code()]);
        set(leaf, column::PRESENCE_CAUSE, &[self.cause.code()]);
        set(leaf, column::EDGE, &self.node.to_be_bytes());
    }
}

impl Columns for PresenceSummarised {
    fn columns(&self, leaf: &mut Leaf) {
        set(leaf, column::UNTIL, &self.until.0.to_be_bytes());
        set(leaf, column::DIGEST, &self.root.0);
        let mut heard = self.from.0.to_be_bytes().to_vec();
        heard.extend_from_slice(&self.sessions.to_be_bytes());
        heard.extend_from_slice(&self.heartbeats.to_be_bytes());
        set(leaf, column::HEARD, &heard);
        set(leaf, column::EDGE, &self.node.to_be_bytes());
    }
}
