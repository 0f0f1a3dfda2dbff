//! Leaves of what notifiers say.

use akashi_merkle::Leaf;

use super::{Columns, about, column, set};
use crate::event::{NoticeDelivered, NoticeFailed};

impl Columns for NoticeDelivered {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
        set(leaf, column::DISPOSITION, &self.reason.to_be_bytes());
    }
}

impl Columns for NoticeFailed {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
        set(leaf, column::DISPOSITION, &self.reason.to_be_bytes());
    }
}
