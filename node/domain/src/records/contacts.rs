//! Contacts, how they stand, and verdicts.

use borsh::{BorshDeserialize, BorshSerialize};

use super::StepUps;
use super::{Observer, PresenceState, Session};
use crate::command::Initiator;
use crate::ids::{AgentHash, ChallengeId, ContactId, SessionId, Stamp, SubjectHash, Tag};
use crate::outcome::{Outcome, limit};

/// One interaction with a customer.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Contact {
    /// The customer.
    pub subject: SubjectHash,
    /// Who called whom.
    pub initiator: Initiator,
    /// Why, as shown to the customer.
    pub call_reason: u16,
    /// The agent who has it.
    pub agent: Option<AgentHash>,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
    /// Its challenge; zeros if none was issued.
    pub challenge: ChallengeId,
    /// The verdict, once there is one.
    pub verdict: Option<Verdict>,
    /// When it was announced.
    pub announced: Stamp,
    /// The policy of its verdict, by name.
    pub policy: String,
    /// The version of that policy.
    pub policy_version: u32,
    /// The tenant's number of the campaign; zero if it has none.
    pub campaign: u32,
    /// The tenant's number of the queue; zero if it has none.
    pub queue: u32,
    /// The contact that it continues; zeros if it continues none.
    pub previous: ContactId,
    /// Who is asked in the customer's place.
    pub delegate: Option<SubjectHash>,
    /// What it is good for now; nothing before the verdict. Only a new verdict makes it larger.
    pub scope: u32,
    /// [`Self::scope`] as it is shown: a silent sign of distress does not change it.
    pub scope_shown: u32,
    /// What speaks against full trust ([`crate::outcome::limit`]).
    pub limits: u8,
    /// Signals about the caller's number.
    pub risk: Option<Risk>,
    /// Reported by the customer: nobody may go on.
    pub blocked: bool,
    /// The telephone leg.
    pub leg: Leg,
    /// The session that has it.
    pub session: Option<SessionId>,
    /// Supervisors who listen in.
    pub observers: Vec<Observer>,
    /// How it was cared for.
    pub care: Care,
    /// What was asked again.
    pub steps: StepUps,
    /// What bindings leave of a verdict that is still to come; all ones until one takes something away.
    pub reach: u32,
    /// Closed by the platform.
    pub closed: bool,
    /// Its number among the tenant's closed contacts, from 1; zero until it is closed.
    pub number: u64,
}

impl Contact {
    /// Takes what is not in `scope` away, because of `limits`.
    pub fn shrink(&mut self, scope: u32, limits: u8) {
        self.scope &= scope;
        self.scope_shown &= scope;
        self.limits |= limits;
    }

    /// Takes what is not in `scope` away so that nobody sees it: a silent sign of distress.
    pub fn shrink_unseen(&mut self, scope: u32) {
        self.scope &= scope;
        self.limits |= limit::DURESS;
    }

    /// Whose phone is asked.
    #[must_use]
    pub fn asked(&self) -> SubjectHash {
        self.delegate.unwrap_or(self.subject)
    }

    /// Whether it is good for everything in `needs`.
    #[must_use]
    pub const fn covers(&self, needs: u32) -> bool {
        self.scope & needs == needs
    }

    /// Whether it has a verdict of "verified" that is still good at this time.
    #[must_use]
    pub fn is_verified(&self, now: Stamp) -> bool {
        self.verdict
            .is_some_and(|verdict| verdict.outcome == Outcome::Verified && verdict.not_after >= now)
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Verdict {
    /// How.
    pub outcome: Outcome,
    /// Why.
    pub reason: u16,
    /// Factor types that held.
    pub factors: u32,
    /// Predicates that held, one bit per slot of the policy.
    pub predicates: u8,
    /// Assurance of the face that held; [`crate::outcome::NO_LEVEL`] if none was asked.
    pub level: u8,
    /// The version of the policy that asked.
    pub policy_version: u32,
    /// When.
    pub decided: Stamp,
    /// Until when it is good; zero unless verified.
    pub not_after: Stamp,
    /// Its leaf.
    pub leaf: u64,
    /// What it was good for when it was reached; zero unless verified.
    pub scope: u32,
    /// What spoke against full trust then ([`crate::outcome::limit`]).
    pub limits: u8,
    /// How many different factor types held: 1, or 2 for two and more; 0 unless verified.
    pub aal: u8,
    /// The match words, as a number of 24 bits; zero if nothing was proved.
    pub match_code: u32,
}

/// Signals about a caller's number, in buckets; never the number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Risk {
    /// Age of the SIM: 0 unknown, 1 below a day, 2 below 7 days, 3 below 30, 4 below 180, 5 older.
    pub sim_age: u8,
    /// The kind of line: [`LineType`].
    pub line_type: u8,
    /// Bits: 1 recycled, 2 ported, 4 forwarded.
    pub flags: u8,
    /// Attestation of the number by its carrier: 0 none, 1 C, 2 B, 3 A.
    pub attestation: u8,
}

/// The kinds of line that signals tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum LineType {
    /// Not known.
    Unknown = 0,
    /// A mobile contract.
    Mobile = 1,
    /// A fixed line.
    Fixed = 2,
    /// Voice over the internet.
    Voip = 3,
    /// A prepaid mobile.
    Prepaid = 4,
    /// Toll-free, a payphone, a premium number.
    Special = 5,
}

impl LineType {
    /// The kind with this number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Unknown),
            1 => Some(Self::Mobile),
            2 => Some(Self::Fixed),
            3 => Some(Self::Voip),
            4 => Some(Self::Prepaid),
            5 => Some(Self::Special),
            _ => None,
        }
    }
}

/// Bits of [`Risk::flags`].
pub mod risk_flag {
    /// The number belonged to somebody else before.
    pub const RECYCLED: u8 = 1;
    /// The number moved to another carrier lately.
    pub const PORTED: u8 = 2;
    /// Calls are forwarded.
    pub const FORWARDED: u8 = 4;
}

/// A weaker way than a proof. The numbers are the bits of [`crate::policy::Grants::fallbacks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum FallbackKind {
    /// A code word from a letter.
    LetterCode = 0,
    /// A security key at a kiosk.
    SecurityKeyKiosk = 1,
    /// A call back to the registered line.
    Callback = 2,
    /// In person at a branch.
    Branch = 3,
    /// Questions about what the customer should know: the weakest, and recorded as such.
    Knowledge = 4,
    /// A code that a phone without a connection shows, read out.
    OfflineCode = 5,
}

impl FallbackKind {
    /// Every kind, in numeric order.
    pub const ALL: [Self; 6] = [
        Self::LetterCode,
        Self::SecurityKeyKiosk,
        Self::Callback,
        Self::Branch,
        Self::Knowledge,
        Self::OfflineCode,
    ];

    /// The number in leaves and on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::LetterCode => 0,
            Self::SecurityKeyKiosk => 1,
            Self::Callback => 2,
            Self::Branch => 3,
            Self::Knowledge => 4,
            Self::OfflineCode => 5,
        }
    }

    /// The bit in [`crate::policy::Grants::fallbacks`].
    #[must_use]
    pub const fn bit(self) -> u16 {
        1 << self.code()
    }
}

/// The telephone leg of a contact, as the switch tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Leg {
    /// How it stands.
    pub state: LegState,
    /// When it was cleared; zero if it was not.
    pub cleared: Stamp,
}

/// How a telephone leg stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum LegState {
    /// Nothing was told.
    #[default]
    None = 0,
    /// It rings.
    Ringing = 1,
    /// They talk.
    Established = 2,
    /// Somebody waits.
    Held = 3,
    /// It is over.
    Cleared = 4,
}

impl LegState {
    /// The number in leaves.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Ringing => 1,
            Self::Established => 2,
            Self::Held => 3,
            Self::Cleared => 4,
        }
    }
}

/// How a contact was cared for: what its processing receipt says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Care {
    /// Different sessions that had it.
    pub agents: u8,
    /// States of presence other than present that were seen, a bit per
    /// [`super::PresenceState`] (bit 0 is state 1).
    pub presence: u8,
    /// Lowest level of the sessions: 0 none, 1 alternative, 2 face.
    pub level: u8,
    /// Whether every agent's training was proved.
    pub training: bool,
    /// Whether every agent's posture was attested.
    pub posture: bool,
    /// Lowest version of the rules that the agents acknowledged; zero if one did not.
    pub rules_version: u32,
    /// How often fields were unmasked.
    pub unmasked: u8,
}

impl Care {
    /// One more agent takes the contact, in a session or without one. What is remembered is the least of
    /// all of them.
    pub fn take(&mut self, session: Option<&Session>, now: Stamp) {
        let first = self.agents == 0;
        let least = |known: bool, new: bool| (first || known) && new;
        let (level, rules) = session.map_or((0, 0), |session| {
            (session.level.code(), session.rules_version)
        });
        self.level = if first { level } else { self.level.min(level) };
        self.rules_version = if first {
            rules
        } else {
            self.rules_version.min(rules)
        };
        self.training = least(self.training, session.is_some_and(|one| one.training));
        let attested = session.is_some_and(|one| one.posture != 0 && one.posture_until >= now);
        self.posture = least(self.posture, attested);
        if let Some(session) = session
            && session.presence != PresenceState::Present
        {
            self.presence |= session.presence.bit();
        }
        self.agents = self.agents.saturating_add(1);
    }
}
