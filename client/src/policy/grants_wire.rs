//! Grants and the rule for agents to and from the published language.

use akashi_proto::v1;

use super::wire::narrow;
use super::{AgentBinding, AgentRule, Grants, PresenceRule, RiskRule, UnmaskRule};
use crate::error::Error;

impl Grants {
    pub(super) fn from_wire(given: Option<&v1::Grants>) -> Result<Self, Error> {
        let Some(given) = given else {
            return Ok(Self::default());
        };
        let scope = given.scope.unwrap_or(u32::MAX);
        let risk = given.risk.unwrap_or_default();
        Ok(Self {
            scope,
            limited: given.limited.unwrap_or(scope),
            needs: given.needs,
            fallbacks: narrow(given.fallbacks, "fallbacks")?,
            risk: RiskRule {
                sim_age_min: narrow(risk.sim_age_min, "sim_age_min")?,
                line_types: narrow(risk.line_types, "line_types")?,
                flags: narrow(risk.flags, "flags")?,
                attestation_min: narrow(risk.attestation_min, "attestation_min")?,
            },
        })
    }

    pub(super) fn to_wire(self) -> v1::Grants {
        v1::Grants {
            scope: Some(self.scope),
            limited: Some(self.limited),
            needs: self.needs,
            fallbacks: self.fallbacks.into(),
            risk: Some(v1::RiskRule {
                sim_age_min: self.risk.sim_age_min.into(),
                line_types: self.risk.line_types.into(),
                flags: self.risk.flags.into(),
                attestation_min: self.risk.attestation_min.into(),
            }),
        }
    }
}

impl AgentRule {
    pub(super) fn from_wire(given: Option<&v1::AgentRule>) -> Result<Self, Error> {
        let Some(given) = given else {
            return Ok(Self::default());
        };
        let binding = match v1::AgentBinding::try_from(given.binding) {
            Ok(v1::AgentBinding::Registered) => AgentBinding::Registered,
            Ok(v1::AgentBinding::Present | v1::AgentBinding::Unspecified) => AgentBinding::Present,
            Err(_unknown) => return Err(Error::Answer { what: "binding" }),
        };
        let default = PresenceRule::default();
        let presence = given.presence.unwrap_or_default();
        let seconds = |given: Option<u32>, default: u16, what| {
            given.map_or(Ok(default), |given| narrow(given, what))
        };
        Ok(Self {
            binding,
            posture: given.posture,
            rules: given.rules,
            presence: PresenceRule {
                absent_grace_s: seconds(
                    presence.absent_grace_s,
                    default.absent_grace_s,
                    "absent_grace_s",
                )?,
                lost_grace_s: seconds(presence.lost_grace_s, default.lost_grace_s, "lost_grace_s")?,
                suspend_after_s: seconds(
                    presence.suspend_after_s,
                    default.suspend_after_s,
                    "suspend_after_s",
                )?,
                clear_screen: presence.clear_screen.unwrap_or(default.clear_screen),
            },
            unmask: given.unmask.map(|rule| UnmaskRule {
                fields: rule.fields,
                ttl_s: rule.ttl_s,
                break_glass: rule.break_glass,
            }),
            posture_issuers: given.posture_issuers.clone(),
        })
    }

    /// The rule in the published words.
    #[must_use]
    pub fn to_wire(&self) -> v1::AgentRule {
        let binding = match self.binding {
            AgentBinding::Registered => v1::AgentBinding::Registered,
            AgentBinding::Present => v1::AgentBinding::Present,
        };
        v1::AgentRule {
            binding: binding.into(),
            posture: self.posture,
            rules: self.rules,
            presence: Some(v1::PresenceRule {
                absent_grace_s: Some(self.presence.absent_grace_s.into()),
                lost_grace_s: Some(self.presence.lost_grace_s.into()),
                suspend_after_s: Some(self.presence.suspend_after_s.into()),
                clear_screen: Some(self.presence.clear_screen),
            }),
            unmask: self.unmask.map(|rule| v1::UnmaskRule {
                fields: rule.fields,
                ttl_s: rule.ttl_s,
                break_glass: rule.break_glass,
            }),
            posture_issuers: self.posture_issuers.clone(),
        }
    }
}
