//! Leaves of invitations, devices and PINs.

use akashi_merkle::Leaf;

use super::{Columns, about, column, device_tag, prove_by, set};
use crate::entry::encode;
use crate::event::{
    DeviceEnrolled, DeviceRevoked, EnrolmentExpired, EnrolmentOpened, EnrolmentRefused,
    PinKeyReplaced, PinLocked,
};
use crate::ids::Stamp;

impl Columns for EnrolmentOpened {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.enrolment.0, self.tag);
        set(leaf, column::UNTIL, &self.expires.0.to_be_bytes());
        set(leaf, column::ENROLMENT_KIND, &encode(&self.kind));
        set(leaf, column::PARTY, &encode(&self.party));
    }
}

impl Columns for DeviceEnrolled {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.enrolment.0, self.tag);
        leaf.device_tag = device_tag(&self.device_key);
        prove_by(leaf, &self.evidence);
        if self.cooling_until != Stamp::default() {
            set(leaf, column::UNTIL, &self.cooling_until.0.to_be_bytes());
        }
    }
}

impl Columns for EnrolmentRefused {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.enrolment.0, self.tag);
        leaf.reason = self.reason;
    }
}

impl Columns for EnrolmentExpired {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.enrolment.0, self.tag);
    }
}

impl Columns for DeviceRevoked {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.subject_tag = self.tag.0;
        set(leaf, column::DISPOSITION, &self.reason.to_be_bytes());
    }
}

impl Columns for PinLocked {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.subject_tag = self.tag.0;
        set(leaf, column::UNTIL, &self.until.0.to_be_bytes());
    }
}

// Nothing of the key itself: what a PIN can be tried against stays out of the log.
impl Columns for PinKeyReplaced {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.challenge.0, self.tag);
        set(leaf, column::PIN_EPOCH, &self.pin_epoch.to_be_bytes());
    }
}
