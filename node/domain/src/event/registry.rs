//! Issuers and sensors: whose signatures a tenant believes.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Fact;
use crate::ids::{Digest, Stamp};

/// A key by which an issuer signs credentials is known.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct IssuerRegistered {
    /// Whose.
    pub tenant: u32,
    /// SHA-256 of the key.
    pub key_id: Digest,
    /// The issuer's name, as policies say it.
    pub name: String,
    /// The key.
    pub key: [u8; 32],
}

impl Fact for IssuerRegistered {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// An issuer's key is no longer believed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct IssuerRevoked {
    /// Whose.
    pub tenant: u32,
    /// SHA-256 of the key.
    pub key_id: Digest,
    /// The issuer's name.
    pub name: String,
    /// Credentials registered at or after this moment are dead.
    pub from: Stamp,
}

impl Fact for IssuerRevoked {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// A sensor that signs captures is known.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SensorRegistered {
    /// Whose.
    pub tenant: u32,
    /// The certificate's digest.
    pub certificate: Digest,
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
}

impl Fact for SensorRegistered {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// A sensor is no longer believed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SensorRevoked {
    /// Whose.
    pub tenant: u32,
    /// The certificate's digest.
    pub certificate: Digest,
}

impl Fact for SensorRevoked {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}
