//! Cluster-wide limits.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::limits::SECOND_US;

/// Cluster-wide limits that decisions read. Changed by a command, never by a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Settings {
    /// Notices per subject within an hour.
    pub notices_per_hour: u32,
    /// Recorded refusals after which a challenge ends.
    pub refusals_per_challenge: u32,
    /// Wrong PINs in a row before the first lock.
    pub pin_failures_soft: u32,
    /// Wrong PINs in a row before the lock that only re-proofing opens.
    pub pin_failures_hard: u32,
    /// Length of the first lock in seconds; each further one doubles it.
    pub pin_lock_first_s: u32,
    /// How long request ids are remembered, in seconds.
    pub request_horizon_s: u32,
    /// How long an invitation to enrol is open, in seconds.
    pub enrolment_ttl_s: u32,
    /// How long an approved order's sealed payload waits for the processor, in seconds.
    pub order_ttl_s: u32,
    /// How long what a re-enrolled device proves is limited, in seconds.
    pub cooling_s: u32,
    /// How long a dropped call may be taken up again, in seconds.
    pub resume_grace_s: u32,
    /// How long contacts that the centre begins end at once after a report, in seconds.
    pub report_freeze_s: u32,
    /// Contacts that one agent's session may have at a time.
    pub session_contacts_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            notices_per_hour: 10,
            refusals_per_challenge: 5,
            pin_failures_soft: 5,
            pin_failures_hard: 10,
            pin_lock_first_s: 30,
            request_horizon_s: 3_600,
            enrolment_ttl_s: 86_400,
            order_ttl_s: 86_400,
            cooling_s: 86_400,
            resume_grace_s: 120,
            report_freeze_s: 3_600,
            session_contacts_max: 8,
        }
    }
}

/// Cluster-wide limits of agents' sessions: kept beside [`Settings`], whose bytes are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SessionSettings {
    /// Refusals of one agent's sessions that are recorded within an hour; more are answered and not recorded.
    pub refusals_per_hour: u32,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            refusals_per_hour: 20,
        }
    }
}

impl SessionSettings {
    /// These settings with every non-zero field of `change` in place, if all are within range.
    #[must_use]
    pub fn changed_by(self, change: Self) -> Option<Self> {
        match change.refusals_per_hour {
            0 => Some(self),
            1..=1_000 => Some(change),
            _ => None,
        }
    }
}

impl Settings {
    /// These settings with every non-zero field of `change` in place, if all are within range.
    #[must_use]
    pub fn changed_by(self, change: Self) -> Option<Self> {
        let pick = |new: u32, old: u32, low: u32, high: u32| match new {
            0 => Some(old),
            new if (low..=high).contains(&new) => Some(new),
            _ => None,
        };
        let settings = Self {
            notices_per_hour: pick(change.notices_per_hour, self.notices_per_hour, 1, 1_000)?,
            refusals_per_challenge: pick(
                change.refusals_per_challenge,
                self.refusals_per_challenge,
                1,
                20,
            )?,
            pin_failures_soft: pick(change.pin_failures_soft, self.pin_failures_soft, 1, 20)?,
            pin_failures_hard: pick(change.pin_failures_hard, self.pin_failures_hard, 2, 100)?,
            pin_lock_first_s: pick(change.pin_lock_first_s, self.pin_lock_first_s, 1, 3_600)?,
            request_horizon_s: pick(change.request_horizon_s, self.request_horizon_s, 60, 86_400)?,
            enrolment_ttl_s: pick(change.enrolment_ttl_s, self.enrolment_ttl_s, 60, 604_800)?,
            order_ttl_s: pick(change.order_ttl_s, self.order_ttl_s, 60, 604_800)?,
            cooling_s: pick(change.cooling_s, self.cooling_s, 60, 604_800)?,
            resume_grace_s: pick(change.resume_grace_s, self.resume_grace_s, 10, 3_600)?,
            report_freeze_s: pick(change.report_freeze_s, self.report_freeze_s, 60, 86_400)?,
            session_contacts_max: pick(
                change.session_contacts_max,
                self.session_contacts_max,
                1,
                64,
            )?,
        };
        (settings.pin_failures_soft <= settings.pin_failures_hard).then_some(settings)
    }

    /// The horizon of request ids in microseconds.
    #[must_use]
    pub fn horizon_us(&self) -> u64 {
        u64::from(self.request_horizon_s).saturating_mul(SECOND_US)
    }
}
