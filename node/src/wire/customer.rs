//! What a platform says of a customer, to commands, one function each.

use akashi_domain::command::{
    AttachRisk, Command, Delivery, GrantDelegation, RecordFallback, ReportNotice, RevokeDelegation,
    SetOptOut,
};
use akashi_domain::ids::{Stamp, SubjectHash};
use akashi_domain::records::{FallbackKind, Risk};
use akashi_proto::v1;

use super::{Malformed, byte, challenge_id, code, contact_id, name, subject, tag};

/// `AttachRisk`.
///
/// # Errors
///
/// [`Malformed`].
pub fn attach_risk(request: v1::AttachRiskRequest) -> Result<Command, Malformed> {
    let risk = request.risk.ok_or(Malformed { field: "risk" })?;
    Ok(Command::AttachRisk(AttachRisk {
        contact: contact_id(&request.contact_id)?,
        risk: Risk {
            sim_age: byte(risk.sim_age, "risk.sim_age")?,
            line_type: byte(risk.line_type, "risk.line_type")?,
            flags: byte(risk.flags, "risk.flags")?,
            attestation: byte(risk.attestation, "risk.attestation")?,
        },
        tenant: name(request.tenant, "tenant")?,
    }))
}

/// `ReportNotice`.
///
/// # Errors
///
/// [`Malformed`].
pub fn report_notice(request: v1::ReportNoticeRequest) -> Result<Command, Malformed> {
    let delivery = match request.delivery() {
        v1::NoticeDelivery::Delivered => Delivery::Delivered,
        v1::NoticeDelivery::Failed => Delivery::Failed,
        v1::NoticeDelivery::Unspecified => return Err(Malformed { field: "delivery" }),
    };
    Ok(Command::ReportNotice(ReportNotice {
        challenge: challenge_id(&request.challenge_id)?,
        delivery,
        reason: code(request.reason, "reason")?,
        tenant: name(request.tenant, "tenant")?,
    }))
}

/// `RecordFallback`.
///
/// # Errors
///
/// [`Malformed`].
pub fn record_fallback(request: v1::RecordFallbackRequest) -> Result<Command, Malformed> {
    let kind = match v1::FallbackKind::try_from(request.kind) {
        Ok(v1::FallbackKind::LetterCode) => FallbackKind::LetterCode,
        Ok(v1::FallbackKind::SecurityKeyKiosk) => FallbackKind::SecurityKeyKiosk,
        Ok(v1::FallbackKind::Callback) => FallbackKind::Callback,
        Ok(v1::FallbackKind::Branch) => FallbackKind::Branch,
        Ok(v1::FallbackKind::Knowledge) => FallbackKind::Knowledge,
        Ok(v1::FallbackKind::OfflineCode) => FallbackKind::OfflineCode,
        Ok(v1::FallbackKind::Unspecified) | Err(_) => return Err(Malformed { field: "kind" }),
    };
    Ok(Command::RecordFallback(RecordFallback {
        contact: contact_id(&request.contact_id)?,
        kind,
        passed: request.passed,
        tenant: name(request.tenant, "tenant")?,
    }))
}

/// `SetOptOut`.
///
/// # Errors
///
/// [`Malformed`].
pub fn set_opt_out(request: v1::SetOptOutRequest) -> Result<Command, Malformed> {
    let tenant = name(request.tenant, "tenant")?;
    Ok(Command::SetOptOut(SetOptOut {
        subject: subject(&tenant, &request.subject)?,
        until: Stamp(request.until_us),
        subject_tag: tag(&request.subject_tag, "subject_tag")?,
        tenant,
    }))
}

/// `GrantDelegation`.
///
/// # Errors
///
/// [`Malformed`].
pub fn grant_delegation(request: v1::GrantDelegationRequest) -> Result<Command, Malformed> {
    let tenant = name(request.tenant, "tenant")?;
    Ok(Command::GrantDelegation(GrantDelegation {
        principal: subject(&tenant, &request.subject)?,
        delegate: delegate(&tenant, &request.delegate)?,
        scope: request.scope,
        until: Stamp(request.until_us),
        principal_tag: tag(&request.subject_tag, "subject_tag")?,
        delegate_tag: tag(&request.delegate_tag, "delegate_tag")?,
        tenant,
    }))
}

/// `RevokeDelegation`.
///
/// # Errors
///
/// [`Malformed`].
pub fn revoke_delegation(request: v1::RevokeDelegationRequest) -> Result<Command, Malformed> {
    let tenant = name(request.tenant, "tenant")?;
    Ok(Command::RevokeDelegation(RevokeDelegation {
        principal: subject(&tenant, &request.subject)?,
        delegate: delegate(&tenant, &request.delegate)?,
        tenant,
    }))
}

/// The handle of somebody who acts for another.
pub(super) fn delegate(tenant: &str, handle: &str) -> Result<SubjectHash, Malformed> {
    subject(tenant, handle).map_err(|_refused| Malformed { field: "delegate" })
}

/// Signals, in the published words.
#[must_use]
pub fn risk(risk: Risk) -> v1::Risk {
    v1::Risk {
        sim_age: u32::from(risk.sim_age),
        line_type: u32::from(risk.line_type),
        flags: u32::from(risk.flags),
        attestation: u32::from(risk.attestation),
    }
}
