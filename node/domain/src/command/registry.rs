//! Whose signatures a tenant believes: issuers of credentials and sensors.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::ids::{Digest, Stamp};

/// See [`Command::RegisterIssuer`](super::Command::RegisterIssuer). An issuer has a key per call.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RegisterIssuer {
    /// The tenant's name.
    pub tenant: String,
    /// The issuer's name, as policies say it.
    pub name: String,
    /// An Ed25519 public key; the issuer may have others.
    pub key: [u8; 32],
}

/// See [`Command::RevokeIssuer`](super::Command::RevokeIssuer).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RevokeIssuer {
    /// The tenant's name.
    pub tenant: String,
    /// SHA-256 of the key.
    pub key_id: Digest,
    /// Credentials registered at or after this moment are dead; zero: from now on.
    pub from: Stamp,
}

/// See [`Command::RegisterSensor`](super::Command::RegisterSensor).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RegisterSensor {
    /// The tenant's name.
    pub tenant: String,
    /// The Ed25519 public key that signs captures.
    pub key: [u8; 32],
    /// The model of its templates.
    pub model_id: String,
    /// The highest assurance of its captures: 0 software simulator, 1 attested app, 2 secure sensor.
    pub level: u8,
    /// First moment of validity.
    pub not_before: Stamp,
    /// Last moment of validity.
    pub expires: Stamp,
}

/// See [`Command::RevokeSensor`](super::Command::RevokeSensor).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RevokeSensor {
    /// The tenant's name.
    pub tenant: String,
    /// The certificate's digest.
    pub certificate: Digest,
}
