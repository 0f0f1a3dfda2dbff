//! Leaves of the registry of issuers and sensors.

use akashi_merkle::Leaf;

use super::{Columns, column, set};
use crate::event::{IssuerRegistered, IssuerRevoked, SensorRegistered, SensorRevoked};

impl Columns for IssuerRegistered {
    fn columns(&self, leaf: &mut Leaf) {
        set(leaf, column::NAME, self.name.as_bytes());
        set(leaf, column::DIGEST, &self.key_id.0);
    }
}

impl Columns for IssuerRevoked {
    fn columns(&self, leaf: &mut Leaf) {
        set(leaf, column::NAME, self.name.as_bytes());
        set(leaf, column::UNTIL, &self.from.0.to_be_bytes());
        set(leaf, column::DIGEST, &self.key_id.0);
    }
}

impl Columns for SensorRegistered {
    fn columns(&self, leaf: &mut Leaf) {
        set(leaf, column::NAME, self.model_id.as_bytes());
        set(leaf, column::UNTIL, &self.expires.0.to_be_bytes());
        set(leaf, column::DIGEST, &self.certificate.0);
        set(leaf, column::LEVEL, &[self.level]);
    }
}

impl Columns for SensorRevoked {
    fn columns(&self, leaf: &mut Leaf) {
        set(leaf, column::DIGEST, &self.certificate.0);
    }
}
