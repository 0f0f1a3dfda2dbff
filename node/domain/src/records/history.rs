//! What a subject can be told about itself.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::ids::Stamp;
use crate::limits::HISTORY_MAX;
use crate::outcome::Outcome;

/// The newest verdicts about one subject, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct History {
    /// At most [`HISTORY_MAX`].
    pub past: Vec<Past>,
}

/// One verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Past {
    /// Its leaf.
    pub leaf: u64,
    /// When.
    pub decided: Stamp,
    /// How it ended.
    pub outcome: Outcome,
    /// What it was for: the purpose of the proof context.
    pub purpose: u8,
}

impl History {
    /// Adds the newest verdict; the oldest goes where there is no room.
    pub(crate) fn add(&mut self, newest: Past) {
        self.past.push(newest);
        let over = self.past.len().saturating_sub(HISTORY_MAX);
        self.past.drain(..over);
    }
}
