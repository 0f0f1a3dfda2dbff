//! Leaves of what needs a second person.

use akashi_merkle::Leaf;

use super::{Columns, bit, column, flag, set};
use crate::event::{SupervisorJoined, UnmaskDecided, UnmaskRequested};

impl Columns for SupervisorJoined {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
        set(leaf, column::SESSION, &self.session.0);
    }
}

impl Columns for UnmaskRequested {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.actor_tag = self.agent_tag.0;
        leaf.flags = bit(self.break_glass, flag::BREAK_GLASS);
        set(leaf, column::DISPOSITION, &self.reason.to_be_bytes());
        set(leaf, column::SESSION, &self.session.0);
        set(leaf, column::FIELDS, &self.fields.to_be_bytes());
        set(leaf, column::UNMASK, &self.unmask.0);
    }
}

impl Columns for UnmaskDecided {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.subject_tag = self.tag.0;
        leaf.actor_tag = self.agent_tag.0;
        leaf.reason = self.reason;
        leaf.flags = bit(self.break_glass, flag::BREAK_GLASS);
        set(leaf, column::UNTIL, &self.until.0.to_be_bytes());
        set(leaf, column::FIELDS, &self.fields.to_be_bytes());
        set(leaf, column::UNMASK, &self.unmask.0);
    }
}
