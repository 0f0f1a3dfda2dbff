//! Leaves of credentials and templates.

use akashi_merkle::Leaf;

use super::{Columns, about, column, device_tag, prove_by, set};
use crate::event::{
    CredentialRefused, CredentialRegistered, CredentialRevoked, TemplateEnrolled, TemplateRefused,
    TemplateRevoked,
};

impl Columns for CredentialRegistered {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.enrolment.0, self.tag);
        leaf.device_tag = device_tag(&self.holder);
        prove_by(leaf, &self.evidence);
        set(leaf, column::UNTIL, &self.expires.0.to_be_bytes());
        set(leaf, column::DIGEST, &self.digest.0);
    }
}

impl Columns for CredentialRefused {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.enrolment.0, self.tag);
        leaf.reason = self.reason;
    }
}

impl Columns for CredentialRevoked {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.subject_tag = self.tag.0;
        set(leaf, column::DISPOSITION, &self.reason.to_be_bytes());
        set(leaf, column::DIGEST, &self.digest.0);
    }
}

impl Columns for TemplateEnrolled {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.enrolment.0, self.tag);
        leaf.device_tag = device_tag(&self.device_key);
        prove_by(leaf, &self.evidence);
        set(leaf, column::NAME, self.model_id.as_bytes());
        set(leaf, column::DIGEST, &self.sensor.0);
        set(leaf, column::LEVEL, &[self.level]);
    }
}

impl Columns for TemplateRefused {
    fn columns(&self, leaf: &mut Leaf) {
        about(leaf, self.enrolment.0, self.tag);
        leaf.reason = self.reason;
    }
}

impl Columns for TemplateRevoked {
    fn columns(&self, leaf: &mut Leaf) {
        leaf.subject_tag = self.tag.0;
        set(leaf, column::DISPOSITION, &self.reason.to_be_bytes());
    }
}
