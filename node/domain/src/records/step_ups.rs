//! What a contact was asked again.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Verdict;
use crate::ids::ChallengeId;

/// The newest step-up of a contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StepUps {
    /// How many were asked; the newest has this number.
    pub asked: u8,
    /// Its challenge; zeros if none was issued.
    pub challenge: ChallengeId,
    /// Its verdict, once there is one.
    pub verdict: Option<Verdict>,
}
