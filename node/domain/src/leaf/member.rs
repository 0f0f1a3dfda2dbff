//! Leaves of members, and of what the state digests to.

use akashi_merkle::Leaf;

use super::{Columns, column, set};
use crate::entry::encode;
use crate::event::{
    MemberAdded, MemberMet, MemberPromoted, MemberRemoved, StateDigestRecorded, StateMarked,
};
use crate::ids::Digest;

impl Columns for MemberAdded {
    fn columns(&self, leaf: &mut Leaf) {
        set(leaf, column::NAME, self.name.as_bytes());
        set(leaf, column::DIGEST, &Digest::of(&encode(self)).0);
        set(leaf, column::MEMBER, &self.id.to_be_bytes());
    }
}

impl Columns for MemberPromoted {
    fn columns(&self, leaf: &mut Leaf) {
        set(leaf, column::MEMBER, &self.id.to_be_bytes());
        set(leaf, column::KEY_SET, &self.key_set.0);
    }
}

impl Columns for MemberRemoved {
    fn columns(&self, leaf: &mut Leaf) {
        set(leaf, column::MEMBER, &self.id.to_be_bytes());
        if let Some(key_set) = self.key_set {
            set(leaf, column::KEY_SET, &key_set.0);
        }
    }
}

impl Columns for MemberMet {
    fn columns(&self, leaf: &mut Leaf) {
        set(leaf, column::MEMBER, &self.id.to_be_bytes());
        set(leaf, column::LIFE, &self.life);
    }
}

impl Columns for StateMarked {
    fn columns(&self, leaf: &mut Leaf) {
        set(leaf, column::LOG_INDEX, &self.index.to_be_bytes());
    }
}

impl Columns for StateDigestRecorded {
    fn columns(&self, leaf: &mut Leaf) {
        set(leaf, column::DIGEST, &self.digest.0);
        set(leaf, column::LOG_INDEX, &self.index.to_be_bytes());
    }
}
