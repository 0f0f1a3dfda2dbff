//! What notifiers say.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Fact;
use crate::ids::{ChallengeId, ContactId, Tag};

/// A notifier says that a notice reached the phone's network.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct NoticeDelivered {
    /// Whose.
    pub tenant: u32,
    /// Of which challenge.
    pub challenge: ChallengeId,
    /// For which contact; zeros for a login.
    pub contact: ContactId,
    /// The notifier's own code; zero if it has none.
    pub reason: u16,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for NoticeDelivered {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}

/// A notifier says that a notice could not be delivered.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct NoticeFailed {
    /// Whose.
    pub tenant: u32,
    /// Of which challenge.
    pub challenge: ChallengeId,
    /// For which contact; zeros for a login.
    pub contact: ContactId,
    /// The notifier's own code; zero if it has none.
    pub reason: u16,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Fact for NoticeFailed {
    fn tenant(&self) -> u32 {
        self.tenant
    }

    fn contact(&self) -> Option<ContactId> {
        Some(self.contact)
    }
}
