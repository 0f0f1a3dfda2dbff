//! How a challenge ends, why, and what of that an agent may see.

use borsh::{BorshDeserialize, BorshSerialize};

/// The closed list of endings. Numbers are part of the leaf and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Outcome {
    /// Every required factor held.
    Verified = 1,
    /// The permitted attempts were used up.
    NotVerified = 2,
    /// Nothing could be decided.
    Inconclusive = 3,
    /// The subject has no enrolled, unrevoked device.
    NotEnrolled = 4,
    /// The customer does not wish to be verified this way.
    OptedOut = 5,
    /// "Not now."
    DeclinedByCustomer = 6,
    /// "I am not on a call."
    ReportedByCustomer = 7,
    /// No answer in time.
    Expired = 8,
    /// The centre withdrew it.
    Cancelled = 9,
    /// A newer challenge, device or policy took its place.
    Superseded = 10,
    /// Too many notices.
    RateLimited = 11,
    /// A fault of the cluster; never verified, never counted.
    Error = 12,
}

impl Outcome {
    /// Every ending, in numeric order.
    pub const ALL: [Self; 12] = [
        Self::Verified,
        Self::NotVerified,
        Self::Inconclusive,
        Self::NotEnrolled,
        Self::OptedOut,
        Self::DeclinedByCustomer,
        Self::ReportedByCustomer,
        Self::Expired,
        Self::Cancelled,
        Self::Superseded,
        Self::RateLimited,
        Self::Error,
    ];

    /// The number in leaves and on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Verified => 1,
            Self::NotVerified => 2,
            Self::Inconclusive => 3,
            Self::NotEnrolled => 4,
            Self::OptedOut => 5,
            Self::DeclinedByCustomer => 6,
            Self::ReportedByCustomer => 7,
            Self::Expired => 8,
            Self::Cancelled => 9,
            Self::Superseded => 10,
            Self::RateLimited => 11,
            Self::Error => 12,
        }
    }

    /// What the agent's screen may show.
    #[must_use]
    pub const fn agent_view(self) -> AgentView {
        match self {
            Self::Verified => AgentView::Pass,
            Self::NotVerified
            | Self::NotEnrolled
            | Self::OptedOut
            | Self::DeclinedByCustomer
            | Self::ReportedByCustomer => AgentView::Fail,
            Self::Inconclusive
            | Self::Expired
            | Self::Cancelled
            | Self::Superseded
            | Self::RateLimited
            | Self::Error => AgentView::TryAgain,
        }
    }
}

/// All that an agent may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentView {
    /// Wait.
    Pending,
    /// This is the customer.
    Pass,
    /// Go on as with a stranger.
    Fail,
    /// No answer or an interruption.
    TryAgain,
}

/// Reasons that the domain adds to those of the proofs (which are below 100). Never renumbered.
pub mod reason {
    /// No reason: the happy ending, or one that its outcome already explains.
    pub const NONE: u16 = 0;
    /// The fifth recorded refusal ended the challenge.
    pub const ATTEMPTS_USED_UP: u16 = 100;
    /// The customer pressed "not now".
    pub const CUSTOMER_DECLINED: u16 = 101;
    /// The customer pressed "I am not on a call".
    pub const CUSTOMER_REPORTED: u16 = 102;
    /// The challenge's time ran out.
    pub const TIME_RAN_OUT: u16 = 103;
    /// The platform closed the contact while the challenge was open.
    pub const CONTACT_CLOSED: u16 = 104;
    /// A newer contact of the same subject took its place.
    pub const NEWER_CONTACT: u16 = 105;
    /// The subject enrolled another device while the challenge was open.
    pub const NEWER_DEVICE: u16 = 106;
    /// The subject's device was revoked while the challenge was open.
    pub const DEVICE_REVOKED: u16 = 107;
    /// Too many notices to this subject within an hour.
    pub const TOO_MANY_NOTICES: u16 = 108;
    /// No enrolled device.
    pub const NO_DEVICE: u16 = 109;
    /// A newer order of the same subject took its place.
    pub const NEWER_ORDER: u16 = 110;
    /// A newer login of the same agent took its place.
    pub const NEWER_LOGIN: u16 = 111;
}

/// Assurance of a face in leaves and verdicts where none was asked.
pub const NO_LEVEL: u8 = 0xff;

/// What held of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Held {
    /// Factor types, as bits ([`factors`]).
    pub factors: u32,
    /// Predicates, one bit per slot.
    pub predicates: u8,
    /// Assurance of the face; [`NO_LEVEL`] if there was none.
    pub level: u8,
}

impl Held {
    /// Nothing held.
    pub const NOTHING: Self = Self {
        factors: 0,
        predicates: 0,
        level: NO_LEVEL,
    };
}

/// What a verdict is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Good {
    /// For what, as bits of the tenant.
    pub scope: u32,
    /// What spoke against full trust ([`limit`]).
    pub limits: u8,
    /// How many different factor types held: 1, or 2 for two and more; 0 for a verdict that is none.
    pub aal: u8,
    /// The match words, as a number of 24 bits; zero if nothing was proved.
    pub match_code: u32,
}

impl Good {
    /// For nothing.
    pub const NOTHING: Self = Self {
        scope: 0,
        limits: 0,
        aal: 0,
        match_code: 0,
    };
}

/// What speaks against full trust, as bits.
pub mod limit {
    /// The device is younger than the cooling time after re-enrolment.
    pub const COOLING: u8 = 1;
    /// Signals about the number break the policy's rule.
    pub const RISK: u8 = 2;
    /// A weaker way than a proof.
    pub const FALLBACK: u8 = 4;
    /// Somebody else proved, who may act for the customer.
    pub const DELEGATE: u8 = 8;
    /// Handed on with a smaller scope.
    pub const TRANSFER: u8 = 16;
    /// A silent sign of distress. Never shown to anybody.
    pub const DURESS: u8 = 32;

    /// What of `limits` may be shown.
    #[must_use]
    pub const fn shown(limits: u8) -> u8 {
        limits & !DURESS
    }
}

/// The assurance of a verdict: how many different factor types held, two at most.
#[must_use]
pub fn aal(held: u32) -> u8 {
    if held.count_ones() >= 2 { 2 } else { 1 }
}

/// Factor types that held, as bits (know, have, are).
pub mod factors {
    /// Something the customer knows.
    pub const KNOW: u32 = 1;
    /// Something the customer has.
    pub const HAVE: u32 = 2;
    /// Something the customer is.
    pub const ARE: u32 = 4;
}
