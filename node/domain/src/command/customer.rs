//! What is told about a customer besides calls: signals, weaker ways, wishes, delegations.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::ids::{ContactId, Stamp, SubjectHash, Tag};
use crate::records::{FallbackKind, Risk};

/// See [`super::Command::SetOptOut`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SetOptOut {
    /// The tenant's name.
    pub tenant: String,
    /// Who does not wish to be asked.
    pub subject: SubjectHash,
    /// Until when; zero: from now on they may be asked again.
    pub until: Stamp,
    /// The subject's pseudonym in the audit log.
    pub subject_tag: Tag,
}

/// See [`super::Command::GrantDelegation`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GrantDelegation {
    /// The tenant's name.
    pub tenant: String,
    /// For whom somebody may act.
    pub principal: SubjectHash,
    /// Who may.
    pub delegate: SubjectHash,
    /// In what, as bits of the tenant.
    pub scope: u32,
    /// Until when.
    pub until: Stamp,
    /// The principal's pseudonym in the audit log.
    pub principal_tag: Tag,
    /// The delegate's pseudonym in the audit log.
    pub delegate_tag: Tag,
}

/// See [`super::Command::RevokeDelegation`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RevokeDelegation {
    /// The tenant's name.
    pub tenant: String,
    /// For whom somebody could act.
    pub principal: SubjectHash,
    /// Who no longer may.
    pub delegate: SubjectHash,
}

/// See [`super::Command::AttachRisk`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AttachRisk {
    /// The tenant's name.
    pub tenant: String,
    /// The contact.
    pub contact: ContactId,
    /// The signals, in buckets.
    pub risk: Risk,
}

/// See [`super::Command::RecordFallback`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RecordFallback {
    /// The tenant's name.
    pub tenant: String,
    /// The contact.
    pub contact: ContactId,
    /// The weaker way.
    pub kind: FallbackKind,
    /// Whether it held, as the tenant's people saw it.
    pub passed: bool,
}
