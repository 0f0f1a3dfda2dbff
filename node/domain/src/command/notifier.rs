//! Notifiers: programs of a platform that wake phones.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::ids::ChallengeId;

/// What became of a notice on its way to the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Delivery {
    /// The phone's network took it. Whether somebody saw it, only the phone can say.
    Delivered = 1,
    /// It could not be delivered.
    Failed = 2,
}

/// See [`Command::ReportNotice`](super::Command::ReportNotice).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ReportNotice {
    /// The tenant's name.
    pub tenant: String,
    /// The challenge whose notice it was.
    pub challenge: ChallengeId,
    /// What became of it.
    pub delivery: Delivery,
    /// The notifier's own code; zero if it has none.
    pub reason: u16,
}
