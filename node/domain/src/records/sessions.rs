//! Agents' sessions: who works, how that was proved, how it is seen to go on; and what is attested and
//! agreed to before.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::ids::{AgentHash, ContactId, Digest, LoginId, SessionId, Stamp, Tag};
use crate::policy::PresenceRule;

/// How an agent's login was proved; a later one is stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum LoginLevel {
    /// Without a face: enrolled device and PIN. Always possible where a policy for it exists.
    Alternative = 1,
    /// With a face.
    Face = 2,
}

impl LoginLevel {
    /// The number in leaves and on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Alternative => 1,
            Self::Face => 2,
        }
    }
}

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum SessionState {
    /// The agent works.
    Active = 1,
    /// Nothing is shown until a fresh login restores it.
    Suspended = 2,
    /// Over for good.
    Ended = 3,
}

impl SessionState {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Active => 1,
            Self::Suspended => 2,
            Self::Ended => 3,
        }
    }
}

/// Who is seen at the desktop.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum PresenceState {
    /// The agent, alone.
    #[default]
    Present = 1,
    /// Nobody.
    Absent = 2,
    /// Somebody whose face cannot be told.
    Occluded = 3,
    /// More than one person.
    Multiple = 4,
    /// Somebody else.
    Other = 5,
    /// The camera gives nothing.
    CameraLost = 6,
    /// Nobody has looked yet: no camera has said who sits there since the session began, or since it was
    /// restored.
    Unseen = 7,
}

impl PresenceState {
    /// Every state, in numeric order.
    pub const ALL: [Self; 7] = [
        Self::Present,
        Self::Absent,
        Self::Occluded,
        Self::Multiple,
        Self::Other,
        Self::CameraLost,
        Self::Unseen,
    ];

    /// The number in leaves and on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Present => 1,
            Self::Absent => 2,
            Self::Occluded => 3,
            Self::Multiple => 4,
            Self::Other => 5,
            Self::CameraLost => 6,
            Self::Unseen => 7,
        }
    }

    /// The state of a number; `None` if there is none.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Present),
            2 => Some(Self::Absent),
            3 => Some(Self::Occluded),
            4 => Some(Self::Multiple),
            5 => Some(Self::Other),
            6 => Some(Self::CameraLost),
            7 => Some(Self::Unseen),
            _ => None,
        }
    }

    /// The bit that stands for it where several are remembered: bit 0 for the first.
    #[must_use]
    pub const fn bit(self) -> u8 {
        match self {
            Self::Present => 1,
            Self::Absent => 2,
            Self::Occluded => 4,
            Self::Multiple => 8,
            Self::Other => 16,
            Self::CameraLost => 32,
            Self::Unseen => 64,
        }
    }

    /// What the screen does once the state counts.
    #[must_use]
    pub const fn action(self, rule: PresenceRule) -> ScreenAction {
        match self {
            Self::Present => ScreenAction::Show,
            Self::Absent if rule.clear_screen => ScreenAction::Clear,
            Self::Absent | Self::Occluded | Self::Multiple => ScreenAction::Mask,
            Self::CameraLost | Self::Unseen => ScreenAction::Clear,
            Self::Other => ScreenAction::Blackout,
        }
    }
}

/// What a desktop does with what it shows. A later one hides more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum ScreenAction {
    /// Shows it.
    Show = 1,
    /// Hides personal data.
    Mask = 2,
    /// Shows nothing of the contact (clear-screen policy).
    Clear = 3,
    /// Shows nothing at all.
    Blackout = 4,
}

impl ScreenAction {
    /// The number in leaves and on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Show => 1,
            Self::Mask => 2,
            Self::Clear => 3,
            Self::Blackout => 4,
        }
    }
}

/// One stay of an agent at a desktop.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Session {
    /// Who.
    pub agent: AgentHash,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
    /// SHA-256 of the certificate that opened or last restored it: no other one serves.
    pub certificate: Digest,
    /// The login that opened or last restored it.
    pub login: LoginId,
    /// How its logins were proved: the weakest so far.
    pub level: LoginLevel,
    /// The policy of that login.
    pub policy: String,
    /// Its version.
    pub policy_version: u32,
    /// What that policy asks of presence.
    pub presence_rule: PresenceRule,
    /// When it was opened.
    pub opened: Stamp,
    /// When it ends by itself: with the validity of its login.
    pub expires: Stamp,
    /// How far it is.
    pub state: SessionState,
    /// Who is seen at the desktop.
    pub presence: PresenceState,
    /// The contacts that it has.
    pub contacts: Vec<ContactId>,
    /// Whether the login proved predicates: the agent's training.
    pub training: bool,
    /// Checklist bits that the policy asks for.
    pub posture: u32,
    /// Until when they are attested; the end of time if none is asked for.
    pub posture_until: Stamp,
    /// The version of the tenant's rules that was acknowledged; zero if none.
    pub rules_version: u32,
    /// The replica that its desktop is attached to, and whose word on its presence counts; zero: none yet.
    pub edge: u64,
}

impl Session {
    /// Whether the agent may take contacts and see what is shown, as of `now`.
    #[must_use]
    pub fn works(&self, now: Stamp) -> bool {
        self.state == SessionState::Active
            && self.presence == PresenceState::Present
            && self.expires > now
    }

    /// What its desktop does: a session that is not active shows nothing at all.
    #[must_use]
    pub const fn screen(&self) -> ScreenAction {
        match self.state {
            SessionState::Active => self.presence.action(self.presence_rule),
            SessionState::Suspended | SessionState::Ended => ScreenAction::Blackout,
        }
    }
}

/// What an issuer attested of an agent's machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Posture {
    /// What holds, one bit each; the tenant says what they mean.
    pub bits: u32,
    /// When it was looked at.
    pub attested: Stamp,
    /// Last moment at which it counts.
    pub until: Stamp,
}

impl Posture {
    /// Whether all of `asked` is attested at `now`.
    #[must_use]
    pub fn covers(self, asked: u32, now: Stamp) -> bool {
        self.bits & asked == asked && self.until >= now
    }
}

/// When refusals of an agent's sessions were recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Refusals {
    /// The recorded ones of the last hour, newest last; never more than the hourly limit.
    pub recorded: Vec<Stamp>,
}

/// A tenant's written rules, by version. The text never passes through the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct WorkRules {
    /// The version, from 1.
    pub version: u32,
    /// SHA-256 of the text.
    pub text: Digest,
    /// When it was published.
    pub published: Stamp,
}

/// How far a request to unmask is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum UnmaskState {
    /// A second person has to decide.
    Asked = 1,
    /// Allowed, until a stamp.
    Granted = 2,
    /// Not allowed.
    Denied = 3,
}

impl UnmaskState {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Asked => 1,
            Self::Granted => 2,
            Self::Denied => 3,
        }
    }
}

/// One request of an agent to see masked fields.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Unmask {
    /// Who asks.
    pub agent: AgentHash,
    /// In which session.
    pub session: SessionId,
    /// Which fields, one bit each; the tenant says what they mean.
    pub fields: u32,
    /// Why: the tenant's own code.
    pub reason: u16,
    /// Whether it was granted without a second person.
    pub break_glass: bool,
    /// How far it is.
    pub state: UnmaskState,
    /// Who decided, if a second person did.
    pub decided_by: Option<AgentHash>,
    /// Until when the fields may be shown; zero unless granted.
    pub until: Stamp,
    /// The leaf of the decision; zero while there is none.
    pub leaf: u64,
}

/// A supervisor who listens in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Observer {
    /// Who.
    pub agent: AgentHash,
    /// In which session: what is seen ends with it.
    pub session: SessionId,
}

/// Something that a customer is told without being asked: an agent saw masked fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Told {
    /// The leaf that says so.
    pub leaf: u64,
    /// When.
    pub at: Stamp,
    /// During which contact.
    pub contact: ContactId,
    /// Which fields, one bit each.
    pub fields: u32,
    /// Until when they could be shown.
    pub until: Stamp,
    /// Whether no second person allowed it.
    pub break_glass: bool,
}
