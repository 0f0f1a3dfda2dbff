//! Whose signatures count, and what subjects hold under them.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::ids::{Digest, Stamp};

/// One key of an issuer.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Issuer {
    /// The issuer's name, as policies say it.
    pub name: String,
    /// The key.
    pub key: [u8; 32],
    /// Credentials registered at or after this moment are dead.
    pub revoked_from: Option<Stamp>,
}

/// One sensor, under its certificate's digest.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Sensor {
    /// The key that signs captures.
    pub key: [u8; 32],
    /// The model of its templates.
    pub model_id: String,
    /// The highest assurance of its captures.
    pub level: u8,
    /// First moment of validity.
    pub not_before: Stamp,
    /// Last moment of validity.
    pub expires: Stamp,
    /// Set once it is revoked.
    pub revoked: bool,
}

/// A registered credential, under its subject and serial.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Credential {
    /// The body that the issuer signed.
    pub body: Vec<u8>,
    /// SHA-256 of what the issuer signed.
    pub digest: Digest,
    /// `P` of the device that it belongs to.
    pub holder: [u8; 32],
    /// Last moment of validity.
    pub expires: Stamp,
    /// When it was registered.
    pub registered: Stamp,
    /// The leaf that says so.
    pub leaf: u64,
    /// Set once it is revoked.
    pub revoked: bool,
}

/// The enrolled template of a face: a commitment, never a face.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Template {
    /// `P` of the device that it belongs to.
    pub device_key: [u8; 32],
    /// `C_t`.
    pub commitment: [u8; 32],
    /// Entries of a template.
    pub dimensions: u16,
    /// The model that made it.
    pub model_id: String,
    /// Its assurance: the lower of what was signed and what the sensor's certificate allows.
    pub level: u8,
    /// The sensor's certificate digest.
    pub sensor: Digest,
    /// When it was captured, by the sensor's clock.
    pub captured: Stamp,
    /// When it was enrolled.
    pub enrolled: Stamp,
    /// The leaf that says so.
    pub leaf: u64,
}
