//! What a verdict is good for, and what is asked of agents.

use super::digest::{put_length, put_text};

/// What a verdict is good for. Bits of a scope mean what the tenant says they mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grants {
    /// Of a verdict in full.
    pub scope: u32,
    /// Of a verdict while something speaks against full trust; a part of `scope`.
    pub limited: u32,
    /// What the contact must be good for; zero except for [`super::PolicyPurpose::Consent`].
    pub needs: u32,
    /// Weaker ways that count, a bit per kind of fallback.
    pub fallbacks: u16,
    /// Signals that limit.
    pub risk: RiskRule,
}

impl Default for Grants {
    /// Everything, whatever speaks against it; no weaker way counts.
    fn default() -> Self {
        Self {
            scope: u32::MAX,
            limited: u32::MAX,
            needs: 0,
            fallbacks: 0,
            risk: RiskRule::default(),
        }
    }
}

/// Signals about a caller's number that limit a verdict. All zeros: none does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RiskRule {
    /// Lowest bucket of the SIM's age that does not limit, 0 to 5.
    pub sim_age_min: u8,
    /// Kinds of line that limit, bit i is kind i.
    pub line_types: u8,
    /// Flags that limit: 1 recycled, 2 ported, 4 forwarded.
    pub flags: u8,
    /// Lowest attestation of the number that does not limit: 0 none, 1 C, 2 B, 3 A.
    pub attestation_min: u8,
}

/// Who may take a contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AgentBinding {
    /// Any registered agent.
    Registered,
    /// Only an agent with an open session who is present.
    #[default]
    Present,
}

/// What is asked of agents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentRule {
    /// Who may take a contact.
    pub binding: AgentBinding,
    /// Points of the checklist that must be attested, as bits.
    pub posture: u32,
    /// Whether the tenant's current rules must be acknowledged.
    pub rules: bool,
    /// What happens when nobody, or somebody else, sits there.
    pub presence: PresenceRule,
    /// Which fields may be shown for a while; none: nobody unmasks.
    pub unmask: Option<UnmaskRule>,
    /// Whose attestations of the checklist count, ascending; nobody named: any registered issuer's.
    pub posture_issuers: Vec<String>,
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
}

/// When a state of presence acts, and what it does to the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresenceRule {
    /// How long nobody may be seen, in seconds.
    pub absent_grace_s: u16,
    /// How long the camera may be lost or covered, in seconds.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnmaskRule {
    /// The fields, as bits.
    pub fields: u32,
    /// For how long, in seconds.
    pub ttl_s: u32,
    /// Whether an agent may do without the second person, with a recorded reason.
    pub break_glass: bool,
}

/// The encoding that is digested: Borsh of the state machine's records, written out.
impl Grants {
    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.scope.to_le_bytes());
        bytes.extend_from_slice(&self.limited.to_le_bytes());
        bytes.extend_from_slice(&self.needs.to_le_bytes());
        bytes.extend_from_slice(&self.fallbacks.to_le_bytes());
        let risk = self.risk;
        bytes.extend_from_slice(&[
            risk.sim_age_min,
            risk.line_types,
            risk.flags,
            risk.attestation_min,
        ]);
    }
}

impl AgentRule {
    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        bytes.push(match self.binding {
            AgentBinding::Registered => 1,
            AgentBinding::Present => 2,
        });
        bytes.extend_from_slice(&self.posture.to_le_bytes());
        bytes.push(u8::from(self.rules));
        let presence = self.presence;
        bytes.extend_from_slice(&presence.absent_grace_s.to_le_bytes());
        bytes.extend_from_slice(&presence.lost_grace_s.to_le_bytes());
        bytes.extend_from_slice(&presence.suspend_after_s.to_le_bytes());
        bytes.push(u8::from(presence.clear_screen));
        // Named issuers came later: 2 says that they follow the rule to unmask.
        if !self.posture_issuers.is_empty() {
            bytes.push(2);
        }
        bytes.push(u8::from(self.unmask.is_some()));
        if let Some(unmask) = self.unmask {
            bytes.extend_from_slice(&unmask.fields.to_le_bytes());
            bytes.extend_from_slice(&unmask.ttl_s.to_le_bytes());
            bytes.push(u8::from(unmask.break_glass));
        }
        if !self.posture_issuers.is_empty() {
            put_length(bytes, self.posture_issuers.len());
            for issuer in &self.posture_issuers {
                put_text(bytes, issuer);
            }
        }
    }
}
