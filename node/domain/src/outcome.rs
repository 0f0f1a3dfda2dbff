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
    /// Whoever has the phone is not the customer.
    pub const WRONG_PARTY: u16 = 140;
    /// The phone does not understand what is asked.
    pub const UNSUPPORTED_VERSION: u16 = 141;
    /// "Call me later."
    pub const CALL_LATER: u16 = 142;
    /// The customer does not wish to be asked, and said so on the phone.
    pub const CUSTOMER_OPTED_OUT: u16 = 143;
    /// The customer does not wish to be asked, as was recorded before.
    pub const OPTED_OUT_BEFORE: u16 = 144;
    /// The customer reported another contact at the same time.
    pub const REPORTED_ELSEWHERE: u16 = 145;
    /// The customer reported a contact a short while ago.
    pub const REPORTED_BEFORE: u16 = 146;
    /// A weaker way was taken instead.
    pub const FALLBACK_TAKEN: u16 = 147;
    /// Whoever proved may no longer act for the customer.
    pub const DELEGATION_OVER: u16 = 148;
    /// The contact's policy does not let these fields be seen, or not this way.
    pub const UNMASK_NOT_ALLOWED: u16 = 112;
    /// Who decides is who asked.
    pub const SAME_PERSON: u16 = 113;
    /// The agent is no supervisor.
    pub const NOT_SUPERVISOR: u16 = 114;
    /// A supervisor said no.
    pub const SUPERVISOR_REFUSED: u16 = 115;
    /// The agent's session does not have the contact.
    pub const NOT_BOUND: u16 = 116;
    /// No verified login of this agent.
    pub const LOGIN_NOT_VERIFIED: u16 = 120;
    /// The login is no longer good.
    pub const LOGIN_STALE: u16 = 121;
    /// The login opened a session before.
    pub const LOGIN_USED: u16 = 122;
    /// Another certificate is registered.
    pub const CERTIFICATE_OTHER: u16 = 123;
    /// The certificate is revoked.
    pub const CERTIFICATE_REVOKED: u16 = 124;
    /// The agent is locked.
    pub const AGENT_LOCKED: u16 = 125;
    /// The posture that the policy asks for is not attested, or no longer.
    pub const POSTURE_MISSING: u16 = 126;
    /// The tenant's rules in force are not acknowledged.
    pub const RULES_NOT_ACKNOWLEDGED: u16 = 127;
    /// The agent has no open session, or not this one.
    pub const NO_SESSION: u16 = 128;
    /// The session is suspended.
    pub const SESSION_SUSPENDED: u16 = 129;
    /// The agent is not seen at the desktop.
    pub const NOT_PRESENT: u16 = 130;
    /// No credential shows any longer what the login proved.
    pub const TRAINING_EXPIRED: u16 = 131;
    /// The session has as many contacts as it may.
    pub const SESSION_FULL: u16 = 132;
    /// The session's time is over.
    pub const SESSION_EXPIRED: u16 = 133;
    /// A newer session of the same agent took its place.
    pub const NEWER_SESSION: u16 = 134;
    /// A newer question of the same contact took its place.
    pub const NEWER_STEP_UP: u16 = 160;
    /// The version of the policy that asked was retired.
    pub const POLICY_RETIRED: u16 = 161;
    /// What was kept of the subject was deleted while the challenge was open.
    pub const ERASED: u16 = 162;
    /// The caller hung up while the call waited in the queue.
    pub const ABANDONED: u16 = 163;
    /// What was to be carried out is not what the customer approved.
    pub const ORDER_DIFFERS: u16 = 170;
    /// The order was carried out before.
    pub const ORDER_EXECUTED: u16 = 171;
    /// The time in which the order could be carried out is over.
    pub const ORDER_TOO_LATE: u16 = 172;
    /// The processor did not fetch the order's payload.
    pub const ORDER_NOT_OPENED: u16 = 173;
    /// The customer reported the contact: nothing of it is carried out.
    pub const ORDER_STOPPED: u16 = 174;
    /// The customer did not approve the order.
    pub const ORDER_NOT_APPROVED: u16 = 175;
    /// Somebody else was seen at the desktop.
    pub const ANOTHER_PERSON: u16 = 135;
    /// For too long nobody could say who sits at the desktop.
    pub const PRESENCE_UNKNOWN: u16 = 136;
    /// No camera has said yet who sits at the desktop.
    pub const NOT_SEEN_YET: u16 = 137;
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
