//! What needs a second person: listening in, and seeing what is masked.

use borsh::{BorshDeserialize, BorshSerialize};

use super::Desk;
use crate::ids::{ContactId, SessionId, UnmaskId};

/// See [`Command::ObserveContact`](super::Command::ObserveContact).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ObserveContact {
    /// Who: a supervisor.
    pub desk: Desk,
    /// The supervisor's session.
    pub session: SessionId,
    /// Which contact.
    pub contact: ContactId,
}

/// See [`Command::RequestUnmask`](super::Command::RequestUnmask).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RequestUnmask {
    /// Who asks.
    pub desk: Desk,
    /// The session that has the contact.
    pub session: SessionId,
    /// Which contact.
    pub contact: ContactId,
    /// The desktop's id for the request, unique in the contact.
    pub unmask: UnmaskId,
    /// Which fields, one bit each.
    pub fields: u32,
    /// The tenant's own code: why.
    pub reason: u16,
}

/// See [`Command::DecideUnmask`](super::Command::DecideUnmask).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DecideUnmask {
    /// Who decides: a supervisor, and not who asks.
    pub desk: Desk,
    /// The supervisor's session.
    pub session: SessionId,
    /// Which contact.
    pub contact: ContactId,
    /// Which request.
    pub unmask: UnmaskId,
    /// Whether the fields may be shown.
    pub grant: bool,
}

/// See [`Command::BreakGlass`](super::Command::BreakGlass).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BreakGlass {
    /// What is asked for; granted at once if the policy knows breaking glass.
    pub request: RequestUnmask,
}
