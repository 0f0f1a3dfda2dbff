//! What a verdict is good for, and what takes some of it away.

use borsh::{BorshDeserialize, BorshSerialize};

use super::PolicyPurpose;
use crate::records::Risk;

/// Every bit of a scope.
pub const SCOPE_ALL: u32 = u32::MAX;
/// Kinds of fallback that there are, as bits: [`crate::records::FallbackKind`].
pub const FALLBACK_KINDS: u16 = 0b11_1111;
/// The highest bucket of a SIM's age: 180 days or more.
pub const SIM_AGE_MAX: u8 = 5;
/// Kinds of line that there are, as bits: [`crate::records::LineType`].
pub const LINE_TYPES: u8 = 0b11_1111;
/// Flags of a number that there are, as bits: [`crate::records::Risk::flags`].
pub const RISK_FLAGS: u8 = 0b111;
/// The highest attestation of a caller's number: A.
pub const ATTESTATION_MAX: u8 = 3;

/// What a verdict is good for. Bits of a scope mean what the tenant says they mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Grants {
    /// Of a verdict in full.
    pub scope: u32,
    /// Of a verdict while something speaks against full trust; a part of `scope`.
    pub limited: u32,
    /// What the contact must be good for; zero except for [`PolicyPurpose::Consent`].
    pub needs: u32,
    /// Weaker ways that count, a bit per [`crate::records::FallbackKind`].
    pub fallbacks: u16,
    /// Signals that limit.
    pub risk: RiskRule,
}

impl Default for Grants {
    /// Everything, whatever speaks against it; no weaker way counts.
    fn default() -> Self {
        Self {
            scope: SCOPE_ALL,
            limited: SCOPE_ALL,
            needs: 0,
            fallbacks: 0,
            risk: RiskRule::default(),
        }
    }
}

impl Grants {
    /// Whether every bit has a meaning and its place under this purpose.
    pub(super) fn holds_up(&self, purpose: PolicyPurpose) -> bool {
        let placed = match purpose {
            PolicyPurpose::CustomerCall => self.needs == 0,
            PolicyPurpose::AgentLogin => self.needs == 0 && self.fallbacks == 0,
            PolicyPurpose::Consent => self.fallbacks == 0,
        };
        placed
            && self.limited & !self.scope == 0
            && self.fallbacks & !FALLBACK_KINDS == 0
            && self.risk.holds_up()
    }
}

/// Signals about a caller's number that limit a verdict. All zeros: none does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RiskRule {
    /// Lowest bucket of the SIM's age that does not limit; unknown is bucket 0 and counts as young.
    pub sim_age_min: u8,
    /// Kinds of line that limit, a bit per [`crate::records::LineType`].
    pub line_types: u8,
    /// Flags that limit: 1 recycled, 2 ported, 4 forwarded.
    pub flags: u8,
    /// Lowest attestation of the number that does not limit: 0 none, 1 C, 2 B, 3 A.
    pub attestation_min: u8,
}

impl RiskRule {
    fn holds_up(self) -> bool {
        self.sim_age_min <= SIM_AGE_MAX
            && self.line_types & !LINE_TYPES == 0
            && self.flags & !RISK_FLAGS == 0
            && self.attestation_min <= ATTESTATION_MAX
    }

    /// Whether these signals speak against full trust.
    #[must_use]
    pub fn broken_by(&self, risk: &Risk) -> bool {
        let line = 1_u8.checked_shl(u32::from(risk.line_type)).unwrap_or(0);
        risk.sim_age < self.sim_age_min
            || self.line_types & line != 0
            || self.flags & risk.flags != 0
            || risk.attestation < self.attestation_min
    }
}
