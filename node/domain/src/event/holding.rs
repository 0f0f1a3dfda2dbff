//! Credentials and templates of subjects.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Fact;
use crate::ids::{Digest, EnrolmentId, Serial, Stamp, SubjectHash, Tag};
use crate::records::Evidence;

/// A credential is registered.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CredentialRegistered {
    /// Whose.
    pub tenant: u32,
    /// The invitation it answers.
    pub enrolment: EnrolmentId,
    /// Who.
    pub subject: SubjectHash,
    /// Its serial.
    pub serial: Serial,
    /// `P` of the device that it belongs to.
    pub holder: [u8; 32],
    /// Last moment of its validity.
    pub expires: Stamp,
    /// What the issuer signed, without its label.
    pub body: Vec<u8>,
    /// The issuer's signature.
    pub signature: [u8; 64],
    /// SHA-256 of what the issuer signed.
    pub digest: Digest,
    /// The possession proof.
    pub evidence: Evidence,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for CredentialRegistered {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// A credential was not registered.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CredentialRefused {
    /// Whose.
    pub tenant: u32,
    /// The invitation it answers.
    pub enrolment: EnrolmentId,
    /// The proof reason.
    pub reason: u16,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for CredentialRefused {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// A credential is no longer accepted.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CredentialRevoked {
    /// Whose.
    pub tenant: u32,
    /// Who.
    pub subject: SubjectHash,
    /// Its serial.
    pub serial: Serial,
    /// SHA-256 of what the issuer signed.
    pub digest: Digest,
    /// The tenant's own code.
    pub reason: u16,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for CredentialRevoked {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// The template of a face is enrolled; an earlier one is replaced.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TemplateEnrolled {
    /// Whose.
    pub tenant: u32,
    /// The invitation it answers.
    pub enrolment: EnrolmentId,
    /// Who.
    pub subject: SubjectHash,
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
    /// The possession proof, and what the sensor signed.
    pub evidence: Evidence,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for TemplateEnrolled {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// A template was not enrolled.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TemplateRefused {
    /// Whose.
    pub tenant: u32,
    /// The invitation it answers.
    pub enrolment: EnrolmentId,
    /// The proof reason.
    pub reason: u16,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for TemplateRefused {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}

/// A template is no longer accepted.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TemplateRevoked {
    /// Whose.
    pub tenant: u32,
    /// Who.
    pub subject: SubjectHash,
    /// The tenant's own code.
    pub reason: u16,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for TemplateRevoked {
    fn tenant(&self) -> u32 {
        self.tenant
    }
}
