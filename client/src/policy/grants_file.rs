//! The tables `[grants]` and `[agents]` of a policy file.

use serde::Deserialize;

use super::file::{ISSUERS_MAX, must};
use super::{AgentBinding, AgentRule, Grants, PolicyPurpose, PresenceRule, RiskRule, UnmaskRule};
use crate::layout::is_name;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantsEntry {
    scope: Option<u32>,
    limited: Option<u32>,
    #[serde(default)]
    needs: u32,
    #[serde(default)]
    fallbacks: Vec<FallbackName>,
    #[serde(default)]
    risk: RiskEntry,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum FallbackName {
    LetterCode,
    SecurityKeyKiosk,
    Callback,
    Branch,
    Knowledge,
    OfflineCode,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RiskEntry {
    #[serde(default)]
    sim_age_min: u8,
    #[serde(default)]
    line_types: u8,
    #[serde(default)]
    flags: u8,
    #[serde(default)]
    attestation_min: u8,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentsEntry {
    #[serde(default)]
    binding: BindingName,
    #[serde(default)]
    posture: u32,
    #[serde(default)]
    posture_issuers: Vec<String>,
    #[serde(default)]
    rules: bool,
    #[serde(default)]
    presence: PresenceEntry,
    unmask: Option<UnmaskEntry>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
enum BindingName {
    Registered,
    #[default]
    Present,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct PresenceEntry {
    absent_grace_s: Option<u16>,
    lost_grace_s: Option<u16>,
    suspend_after_s: Option<u16>,
    clear_screen: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnmaskEntry {
    fields: u32,
    ttl_s: u32,
    #[serde(default)]
    break_glass: bool,
}

pub(super) fn grants(entry: &GrantsEntry, purpose: PolicyPurpose) -> Result<Grants, String> {
    let scope = entry.scope.unwrap_or(u32::MAX);
    let limited = entry.limited.unwrap_or(scope);
    must(
        limited & !scope == 0,
        "grants.limited: only bits of grants.scope",
    )?;
    must(
        entry.needs == 0 || purpose == PolicyPurpose::Consent,
        "grants.needs: only for the purpose consent",
    )?;
    must(
        entry.fallbacks.is_empty() || purpose == PolicyPurpose::CustomerCall,
        "grants.fallbacks: only for the purpose customer-call",
    )?;
    let bit = |name: FallbackName| match name {
        FallbackName::LetterCode => 1,
        FallbackName::SecurityKeyKiosk => 2,
        FallbackName::Callback => 4,
        FallbackName::Branch => 8,
        FallbackName::Knowledge => 16,
        FallbackName::OfflineCode => 32,
    };
    let risk = RiskRule {
        sim_age_min: entry.risk.sim_age_min,
        line_types: entry.risk.line_types,
        flags: entry.risk.flags,
        attestation_min: entry.risk.attestation_min,
    };
    must(risk.sim_age_min <= 5, "grants.risk.sim_age_min: 0 to 5")?;
    must(risk.line_types < 64, "grants.risk.line_types: six bits")?;
    must(risk.flags < 8, "grants.risk.flags: three bits")?;
    must(
        risk.attestation_min <= 3,
        "grants.risk.attestation_min: 0 to 3",
    )?;
    Ok(Grants {
        scope,
        limited,
        needs: entry.needs,
        fallbacks: entry
            .fallbacks
            .iter()
            .fold(0, |bits, name| bits | bit(*name)),
        risk,
    })
}

pub(super) fn agents(entry: &AgentsEntry, purpose: PolicyPurpose) -> Result<AgentRule, String> {
    let login = purpose == PolicyPurpose::AgentLogin;
    must(
        login || (entry.posture == 0 && !entry.rules),
        "agents.posture, agents.rules: only for the purpose agent-login",
    )?;
    must(
        entry.unmask.is_none() || purpose == PolicyPurpose::CustomerCall,
        "agents.unmask: only for the purpose customer-call",
    )?;
    let mut posture_issuers = entry.posture_issuers.clone();
    posture_issuers.sort();
    posture_issuers.dedup();
    must(
        posture_issuers.is_empty() || entry.posture != 0,
        "agents.posture_issuers: only together with agents.posture",
    )?;
    must(
        posture_issuers.len() <= ISSUERS_MAX && posture_issuers.iter().all(|name| is_name(name)),
        "agents.posture_issuers: at most 8 names of a-z, 0-9 and - are needed",
    )?;
    let default = PresenceRule::default();
    let given = &entry.presence;
    let presence = PresenceRule {
        absent_grace_s: given.absent_grace_s.unwrap_or(default.absent_grace_s),
        lost_grace_s: given.lost_grace_s.unwrap_or(default.lost_grace_s),
        suspend_after_s: given.suspend_after_s.unwrap_or(default.suspend_after_s),
        clear_screen: given.clear_screen.unwrap_or(default.clear_screen),
    };
    must(
        presence.absent_grace_s <= 600 && presence.lost_grace_s <= 600,
        "agents.presence: a grace of 0 to 600 is needed",
    )?;
    must(
        (10..=3_600).contains(&presence.suspend_after_s),
        "agents.presence.suspend_after_s: 10 to 3600 is needed",
    )?;
    let unmask = entry.unmask.as_ref().map(unmask).transpose()?;
    Ok(AgentRule {
        binding: match entry.binding {
            BindingName::Registered => AgentBinding::Registered,
            BindingName::Present => AgentBinding::Present,
        },
        posture: entry.posture,
        rules: entry.rules,
        presence,
        unmask,
        posture_issuers,
    })
}

fn unmask(entry: &UnmaskEntry) -> Result<UnmaskRule, String> {
    must(entry.fields != 0, "agents.unmask.fields: not zero")?;
    must(
        (10..=3_600).contains(&entry.ttl_s),
        "agents.unmask.ttl_s: 10 to 3600 is needed",
    )?;
    Ok(UnmaskRule {
        fields: entry.fields,
        ttl_s: entry.ttl_s,
        break_glass: entry.break_glass,
    })
}
