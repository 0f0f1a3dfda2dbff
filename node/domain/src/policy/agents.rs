//! What is asked of agents.

use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};

use super::{PolicyPurpose, ascending_names};
use crate::limits::ISSUERS_PER_RULE_MAX;

/// Longest grace before a state of presence acts, in seconds.
const GRACE_S_MAX: u16 = 600;
/// Bounds of the time after which a session without presence is suspended, in seconds.
const SUSPEND_S: core::ops::RangeInclusive<u16> = 10..=3_600;
/// Bounds of the time for which fields stay unmasked, in seconds.
const UNMASK_S: core::ops::RangeInclusive<u32> = 10..=3_600;

/// Who may take a contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum AgentBinding {
    /// Any registered agent.
    Registered = 1,
    /// Only an agent with an open session who is present.
    #[default]
    Present = 2,
}

/// What is asked of agents.
///
/// Its bytes are those of its fields in order, without [`Self::posture_issuers`]. Where that names anybody,
/// the last field's tag is 2 instead of 0 or 1, and what follows is the last field as it would have been
/// and then the names: a rule that names nobody has the bytes that it always had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentRule {
    /// Who may take a contact.
    pub binding: AgentBinding,
    /// Points of the checklist that must be attested and unexpired, as the tenant numbers them; zero
    /// except for [`PolicyPurpose::AgentLogin`].
    pub posture: u32,
    /// Whether the tenant's current rules must be acknowledged when a session opens; false except for
    /// [`PolicyPurpose::AgentLogin`].
    pub rules: bool,
    /// What happens when nobody, or somebody else, sits there.
    pub presence: PresenceRule,
    /// Which fields may be shown for a while; none: nobody unmasks. Only for
    /// [`PolicyPurpose::CustomerCall`].
    pub unmask: Option<UnmaskRule>,
    /// Whose attestations of a posture count: registered names, strictly ascending; nobody named: any
    /// registered issuer's. Only together with [`Self::posture`].
    pub posture_issuers: Vec<String>,
}

/// The end of a rule's bytes: an optional rule to unmask, as it was from the beginning, or more.
#[derive(BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
enum Tail {
    Nothing = 0,
    Unmask(UnmaskRule) = 1,
    More {
        unmask: Option<UnmaskRule>,
        posture_issuers: Vec<String>,
    } = 2,
}

impl BorshSerialize for AgentRule {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        let Self {
            binding,
            posture,
            rules,
            presence,
            unmask,
            posture_issuers,
        } = self;
        let tail = match (unmask, posture_issuers.is_empty()) {
            (None, true) => Tail::Nothing,
            (Some(unmask), true) => Tail::Unmask(*unmask),
            (_, false) => Tail::More {
                unmask: *unmask,
                posture_issuers: posture_issuers.clone(),
            },
        };
        (binding, posture, rules, presence, tail).serialize(writer)
    }
}

impl BorshDeserialize for AgentRule {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let (binding, posture, rules, presence, tail): (_, _, _, _, Tail) =
            BorshDeserialize::deserialize_reader(reader)?;
        let (unmask, posture_issuers) = match tail {
            Tail::Nothing => (None, Vec::new()),
            Tail::Unmask(unmask) => (Some(unmask), Vec::new()),
            // One rule, one encoding: the longer one is only for what needs it.
            Tail::More {
                posture_issuers, ..
            } if posture_issuers.is_empty() => {
                return Err(io::ErrorKind::InvalidData.into());
            }
            Tail::More {
                unmask,
                posture_issuers,
            } => (unmask, posture_issuers),
        };
        Ok(Self {
            binding,
            posture,
            rules,
            presence,
            unmask,
            posture_issuers,
        })
    }
}

/// When a state of presence acts, and what it does to the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PresenceRule {
    /// How long nobody may be seen before it counts, in seconds.
    pub absent_grace_s: u16,
    /// How long the camera may be lost or covered before it counts, in seconds.
    pub lost_grace_s: u16,
    /// How long the camera may stay lost before the session is suspended, in seconds.
    pub suspend_after_s: u16,
    /// Whether the screen is cleared when nobody is there; otherwise it is masked.
    pub clear_screen: bool,
}

impl Default for PresenceRule {
    fn default() -> Self {
        Self {
            absent_grace_s: 10,
            lost_grace_s: 10,
            suspend_after_s: 300,
            clear_screen: true,
        }
    }
}

/// Which fields may be shown for a while, after a second person agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct UnmaskRule {
    /// The fields, as the tenant numbers them.
    pub fields: u32,
    /// For how long, in seconds.
    pub ttl_s: u32,
    /// Whether an agent may do without the second person, with a reason that is recorded.
    pub break_glass: bool,
}

impl AgentRule {
    /// Any registered agent may take a contact; nothing else is asked.
    #[must_use]
    pub fn registered() -> Self {
        Self {
            binding: AgentBinding::Registered,
            ..Self::default()
        }
    }

    /// Whether everything is within its range and has its place under this purpose.
    pub(super) fn holds_up(&self, purpose: PolicyPurpose) -> bool {
        let login = purpose == PolicyPurpose::AgentLogin;
        let call = purpose == PolicyPurpose::CustomerCall;
        (login || (self.posture == 0 && !self.rules))
            && (call || self.unmask.is_none())
            && self.presence.holds_up()
            && self.unmask.is_none_or(UnmaskRule::holds_up)
            && (self.posture != 0 || self.posture_issuers.is_empty())
            && self.posture_issuers.len() <= ISSUERS_PER_RULE_MAX
            && ascending_names(&self.posture_issuers)
    }
}

impl PresenceRule {
    fn holds_up(self) -> bool {
        self.absent_grace_s <= GRACE_S_MAX
            && self.lost_grace_s <= GRACE_S_MAX
            && SUSPEND_S.contains(&self.suspend_after_s)
    }
}

impl UnmaskRule {
    fn holds_up(self) -> bool {
        self.fields != 0 && UNMASK_S.contains(&self.ttl_s)
    }
}
