//! Answers of the cluster in the words of this SDK: outcomes, stages, verdicts.
//!
//! Generated types stop here; a value that this version does not know is an error, never a guess.

use akashi_proto::v1;

use crate::error::Error;

/// How a challenge ended. Closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Every required factor held.
    Verified,
    /// The permitted attempts were used up.
    NotVerified,
    /// Nothing could be decided.
    Inconclusive,
    /// The subject has no enrolled device.
    NotEnrolled,
    /// The customer does not wish to be verified this way.
    OptedOut,
    /// "Not now."
    DeclinedByCustomer,
    /// "I am not on a call."
    ReportedByCustomer,
    /// No answer in time.
    Expired,
    /// The centre withdrew it.
    Cancelled,
    /// A newer challenge or policy took its place.
    Superseded,
    /// Too many notices or attempts.
    RateLimited,
    /// A fault of the cluster.
    Error,
}

impl Outcome {
    /// The outcome with this number; none while the challenge is open.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] for a number that this version does not know.
    pub fn from_number(number: i32) -> Result<Option<Self>, Error> {
        let known =
            v1::Outcome::try_from(number).map_err(|_unknown| Error::Answer { what: "outcome" })?;
        Ok(match known {
            v1::Outcome::Unspecified => None,
            v1::Outcome::Verified => Some(Self::Verified),
            v1::Outcome::NotVerified => Some(Self::NotVerified),
            v1::Outcome::Inconclusive => Some(Self::Inconclusive),
            v1::Outcome::NotEnrolled => Some(Self::NotEnrolled),
            v1::Outcome::OptedOut => Some(Self::OptedOut),
            v1::Outcome::DeclinedByCustomer => Some(Self::DeclinedByCustomer),
            v1::Outcome::ReportedByCustomer => Some(Self::ReportedByCustomer),
            v1::Outcome::Expired => Some(Self::Expired),
            v1::Outcome::Cancelled => Some(Self::Cancelled),
            v1::Outcome::Superseded => Some(Self::Superseded),
            v1::Outcome::RateLimited => Some(Self::RateLimited),
            v1::Outcome::Error => Some(Self::Error),
        })
    }

    /// The stable name for scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::NotVerified => "not_verified",
            Self::Inconclusive => "inconclusive",
            Self::NotEnrolled => "not_enrolled",
            Self::OptedOut => "opted_out",
            Self::DeclinedByCustomer => "declined_by_customer",
            Self::ReportedByCustomer => "reported_by_customer",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
            Self::RateLimited => "rate_limited",
            Self::Error => "error",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::NotVerified => "not verified",
            Self::Inconclusive => "nothing could be decided",
            Self::NotEnrolled => "not enrolled",
            Self::OptedOut => "opted out",
            Self::DeclinedByCustomer => "declined by the customer",
            Self::ReportedByCustomer => "reported by the customer: \"I am not on a call\"",
            Self::Expired => "expired: no answer in time",
            Self::Cancelled => "withdrawn by the centre",
            Self::Superseded => "superseded by a newer challenge",
            Self::RateLimited => "too many notices or attempts",
            Self::Error => "a fault of the cluster; ask again",
        }
    }

    /// The result that a command reports: nothing for "verified", else the fitting error.
    ///
    /// # Errors
    ///
    /// [`Error::NoAnswer`] after expiry, [`Error::Refused`] otherwise.
    pub const fn to_result(self) -> Result<(), Error> {
        match self {
            Self::Verified => Ok(()),
            Self::Expired => Err(Error::NoAnswer),
            Self::NotVerified
            | Self::Inconclusive
            | Self::NotEnrolled
            | Self::OptedOut
            | Self::DeclinedByCustomer
            | Self::ReportedByCustomer
            | Self::Cancelled
            | Self::Superseded
            | Self::RateLimited
            | Self::Error => Err(Error::Refused {
                outcome: self.words(),
            }),
        }
    }
}

/// How far an answer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Durable on a quorum; the word of the replica that says so.
    Committed,
    /// Cosigned by a quorum: evidence.
    Sealed,
}

impl Stage {
    /// The stage with this number; none for "unspecified".
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] for a number that this version does not know.
    pub fn from_number(number: i32) -> Result<Option<Self>, Error> {
        let known =
            v1::Stage::try_from(number).map_err(|_unknown| Error::Answer { what: "stage" })?;
        Ok(match known {
            v1::Stage::Unspecified => None,
            v1::Stage::Committed => Some(Self::Committed),
            v1::Stage::Sealed => Some(Self::Sealed),
        })
    }

    /// The stable name for scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Sealed => "sealed",
        }
    }
}

/// What an agent's screen may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentView {
    /// Wait.
    Pending,
    /// This is the customer.
    Pass,
    /// Go on as with a stranger.
    Fail,
    /// Ask once more.
    TryAgain,
}

impl AgentView {
    /// The view with this number.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] for "unspecified" and for a number that this version does not know.
    pub fn from_number(number: i32) -> Result<Self, Error> {
        match v1::AgentView::try_from(number) {
            Ok(v1::AgentView::Pending) => Ok(Self::Pending),
            Ok(v1::AgentView::Pass) => Ok(Self::Pass),
            Ok(v1::AgentView::Fail) => Ok(Self::Fail),
            Ok(v1::AgentView::TryAgain) => Ok(Self::TryAgain),
            Ok(v1::AgentView::Unspecified) | Err(_) => Err(Error::Answer { what: "view" }),
        }
    }

    /// The word on the screen.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::TryAgain => "try again",
        }
    }
}

/// Who placed the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Initiator {
    /// The customer called the centre: an inbound call.
    #[default]
    Customer,
    /// The centre calls the customer: an outbound call.
    Centre,
}

impl Initiator {
    pub(crate) const fn number(self) -> i32 {
        match self {
            Self::Customer => 1,
            Self::Centre => 2,
        }
    }

    /// The initiator with this number.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] for "unspecified" and for a number that this version does not know.
    pub fn from_number(number: i32) -> Result<Self, Error> {
        match v1::CallInitiator::try_from(number) {
            Ok(v1::CallInitiator::Customer) => Ok(Self::Customer),
            Ok(v1::CallInitiator::Centre) => Ok(Self::Centre),
            Ok(v1::CallInitiator::Unspecified) | Err(_) => Err(Error::Answer { what: "initiator" }),
        }
    }

    /// What the phone tells the customer.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Customer => "you called",
            Self::Centre => "they call you",
        }
    }
}

/// A verdict as the platform sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The challenge that it ended.
    pub challenge_id: [u8; 16],
    /// The contact that it belongs to; zeros for an agent's login.
    pub contact_id: [u8; 16],
    /// How it ended; none while it is open.
    pub outcome: Option<Outcome>,
    /// Number of the reason; zero when verified.
    pub reason: u32,
    /// Bit 0: something known, bit 1: something had, bit 2: something that one is.
    pub factors: u32,
    /// Bit i: the policy's predicate i held.
    pub predicates: u32,
    /// Assurance of the face that held: 0 software simulator, 1 attested app, 2 secure sensor.
    pub level: Option<u32>,
    /// The policy version that the challenge pinned.
    pub policy_version: u32,
    /// Cluster time of the decision, in microseconds since 1970-01-01 UTC.
    pub decided_us: u64,
    /// End of validity in the same unit; zero unless verified.
    pub not_after_us: u64,
    /// Where the verdict stands in the audit log.
    pub leaf_index: u64,
    /// How far it has come.
    pub stage: Option<Stage>,
    /// The receipt, once sealed; empty before.
    pub receipt: String,
    /// What it was good for when it was reached, as bits of the tenant; zero unless verified.
    pub scope: u32,
    /// What spoke against full trust then: 1 cooling, 2 risk, 4 fallback, 8 delegate, 16 handed on.
    pub limits: u32,
    /// 1: one factor type held; 2: two or more; zero unless verified.
    pub aal: u32,
    /// The words that the customer's phone shows too; empty unless proved.
    pub match_words: Vec<String>,
}

impl Verdict {
    pub(crate) fn from_wire(verdict: v1::Verdict) -> Result<Self, Error> {
        Ok(Self {
            challenge_id: id16(&verdict.challenge_id, "challenge_id")?,
            contact_id: if verdict.contact_id.is_empty() {
                [0; 16]
            } else {
                id16(&verdict.contact_id, "contact_id")?
            },
            outcome: Outcome::from_number(verdict.outcome)?,
            reason: verdict.reason,
            factors: verdict.factors,
            predicates: verdict.predicates,
            level: verdict.level,
            policy_version: verdict.policy_version,
            decided_us: verdict.decided_us,
            not_after_us: verdict.not_after_us,
            leaf_index: verdict.leaf_index,
            stage: Stage::from_number(verdict.stage)?,
            receipt: verdict.receipt,
            scope: verdict.scope,
            limits: verdict.limits,
            aal: verdict.aal,
            match_words: verdict.match_words,
        })
    }
}

/// Reads an id of sixteen bytes.
pub(crate) fn id16(bytes: &[u8], what: &'static str) -> Result<[u8; 16], Error> {
    bytes.try_into().map_err(|_length| Error::Answer { what })
}

/// Reads a hash, nonce or token of 32 bytes.
pub(crate) fn bytes32(bytes: &[u8], what: &'static str) -> Result<[u8; 32], Error> {
    bytes.try_into().map_err(|_length| Error::Answer { what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_of_the_published_language_has_a_word_here() {
        for number in 1..=12 {
            assert!(Outcome::from_number(number).unwrap().is_some(), "{number}");
        }
        assert_eq!(Outcome::from_number(0).unwrap(), None);
        assert!(Outcome::from_number(13).is_err());
    }

    #[test]
    fn only_verified_is_a_success() {
        assert!(Outcome::Verified.to_result().is_ok());
        assert_eq!(
            Outcome::Expired
                .to_result()
                .unwrap_err()
                .code()
                .exit()
                .number(),
            4
        );
        assert_eq!(
            Outcome::ReportedByCustomer
                .to_result()
                .unwrap_err()
                .code()
                .exit()
                .number(),
            3
        );
    }
}
