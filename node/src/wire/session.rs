//! Sessions of agents, in both languages.
//!
//! Who acts is never read from a message: a [`Desk`] is what TLS saw.

use akashi_domain::command::{
    AttestPosture, BreakGlass, Command, DecideUnmask, Desk, EndSession, LockAgent, ObserveContact,
    OpenSession, PublishRules, RequestUnmask, RestoreSession, RevokeAgentCertificate, UnlockAgent,
};
use akashi_domain::ids::{Digest, SessionId, Stamp, UnmaskId};
use akashi_domain::records::{
    LoginLevel, PresenceState, ScreenAction, Session, SessionState, UnmaskState,
};
use akashi_proto::v1;

use super::{Malformed, agent, array, code, contact_id, id16, login_id, name};

/// A session's id.
///
/// # Errors
///
/// [`Malformed`] if it has not 16 bytes, or all of them are zero.
pub fn session_id(bytes: &[u8]) -> Result<SessionId, Malformed> {
    Ok(SessionId(id16(bytes, "session_id")?))
}

/// The id of a request to unmask.
///
/// # Errors
///
/// [`Malformed`] if it has not 16 bytes, or all of them are zero.
pub fn unmask_id(bytes: &[u8]) -> Result<UnmaskId, Malformed> {
    Ok(UnmaskId(id16(bytes, "unmask_id")?))
}

/// `OpenSession`.
///
/// # Errors
///
/// [`Malformed`].
pub fn open_session(desk: Desk, request: &v1::OpenSessionRequest) -> Result<Command, Malformed> {
    Ok(Command::OpenSession(OpenSession {
        desk,
        session: session_id(&request.session_id)?,
        login: login_id(&request.login_id)?,
        rules_version: request.rules_version,
    }))
}

/// `EndSession`.
///
/// # Errors
///
/// [`Malformed`].
pub fn end_session(desk: Desk, request: &v1::EndSessionRequest) -> Result<Command, Malformed> {
    Ok(Command::EndSession(EndSession {
        desk,
        session: session_id(&request.session_id)?,
    }))
}

/// `RestoreSession`.
///
/// # Errors
///
/// [`Malformed`].
pub fn restore_session(
    desk: Desk,
    request: &v1::RestoreSessionRequest,
) -> Result<Command, Malformed> {
    Ok(Command::RestoreSession(RestoreSession {
        desk,
        session: session_id(&request.session_id)?,
        login: login_id(&request.login_id)?,
    }))
}

/// `ObserveContact`.
///
/// # Errors
///
/// [`Malformed`].
pub fn observe_contact(
    desk: Desk,
    request: &v1::ObserveContactRequest,
) -> Result<Command, Malformed> {
    Ok(Command::ObserveContact(ObserveContact {
        desk,
        session: session_id(&request.session_id)?,
        contact: contact_id(&request.contact_id)?,
    }))
}

/// `RequestUnmask`.
///
/// # Errors
///
/// [`Malformed`].
pub fn request_unmask(
    desk: Desk,
    request: &v1::RequestUnmaskRequest,
) -> Result<Command, Malformed> {
    Ok(Command::RequestUnmask(RequestUnmask {
        desk,
        session: session_id(&request.session_id)?,
        contact: contact_id(&request.contact_id)?,
        unmask: unmask_id(&request.unmask_id)?,
        fields: fields(request.fields)?,
        reason: code(request.reason, "reason")?,
    }))
}

/// `BreakGlass`.
///
/// # Errors
///
/// [`Malformed`].
pub fn break_glass(desk: Desk, request: &v1::BreakGlassRequest) -> Result<Command, Malformed> {
    let request = RequestUnmask {
        desk,
        session: session_id(&request.session_id)?,
        contact: contact_id(&request.contact_id)?,
        unmask: unmask_id(&request.unmask_id)?,
        fields: fields(request.fields)?,
        reason: code(request.reason, "reason")?,
    };
    Ok(Command::BreakGlass(BreakGlass { request }))
}

/// `DecideUnmask`.
///
/// # Errors
///
/// [`Malformed`].
pub fn decide_unmask(desk: Desk, request: &v1::DecideUnmaskRequest) -> Result<Command, Malformed> {
    Ok(Command::DecideUnmask(DecideUnmask {
        desk,
        session: session_id(&request.session_id)?,
        contact: contact_id(&request.contact_id)?,
        unmask: unmask_id(&request.unmask_id)?,
        grant: request.grant,
    }))
}

/// `LockAgent`.
///
/// # Errors
///
/// [`Malformed`].
pub fn lock_agent(request: v1::LockAgentRequest) -> Result<Command, Malformed> {
    let tenant = name(request.tenant, "tenant")?;
    Ok(Command::LockAgent(LockAgent {
        agent: agent(&tenant, &request.agent)?,
        reason: code(request.reason, "reason")?,
        tenant,
    }))
}

/// `UnlockAgent`.
///
/// # Errors
///
/// [`Malformed`].
pub fn unlock_agent(request: v1::UnlockAgentRequest) -> Result<Command, Malformed> {
    let tenant = name(request.tenant, "tenant")?;
    let certificate = if request.certificate_sha256.is_empty() {
        Digest::ZERO
    } else {
        Digest(array(&request.certificate_sha256, "certificate_sha256")?)
    };
    Ok(Command::UnlockAgent(UnlockAgent {
        agent: agent(&tenant, &request.agent)?,
        certificate,
        tenant,
    }))
}

/// `RevokeAgentCertificate`.
///
/// # Errors
///
/// [`Malformed`].
pub fn revoke_agent_certificate(
    request: v1::RevokeAgentCertificateRequest,
) -> Result<Command, Malformed> {
    let tenant = name(request.tenant, "tenant")?;
    Ok(Command::RevokeAgentCertificate(RevokeAgentCertificate {
        agent: agent(&tenant, &request.agent)?,
        certificate: Digest(array(&request.certificate_sha256, "certificate_sha256")?),
        reason: code(request.reason, "reason")?,
        tenant,
    }))
}

/// `AttestPosture`.
///
/// # Errors
///
/// [`Malformed`].
pub fn attest_posture(request: v1::AttestPostureRequest) -> Result<Command, Malformed> {
    if request.until_us <= request.attested_us {
        return Err(Malformed { field: "until_us" });
    }
    let tenant = name(request.tenant, "tenant")?;
    Ok(Command::AttestPosture(AttestPosture {
        agent: agent(&tenant, &request.agent)?,
        bits: request.bits,
        attested: Stamp(request.attested_us),
        until: Stamp(request.until_us),
        key_id: Digest(array(&request.issuer_key_id, "issuer_key_id")?),
        signature: array(&request.signature, "signature")?,
        tenant,
    }))
}

/// `PublishRules`.
///
/// # Errors
///
/// [`Malformed`].
pub fn publish_rules(request: v1::PublishRulesRequest) -> Result<Command, Malformed> {
    if request.version == 0 {
        return Err(Malformed { field: "version" });
    }
    Ok(Command::PublishRules(PublishRules {
        tenant: name(request.tenant, "tenant")?,
        version: request.version,
        text: Digest(array(&request.text_sha256, "text_sha256")?),
    }))
}

fn fields(bits: u32) -> Result<u32, Malformed> {
    if bits == 0 {
        Err(Malformed { field: "fields" })
    } else {
        Ok(bits)
    }
}

/// A session, as desktops and platforms see it.
#[must_use]
pub fn session(id: SessionId, session: &Session) -> v1::Session {
    let level = match session.level {
        LoginLevel::Alternative => v1::LoginLevel::Alternative,
        LoginLevel::Face => v1::LoginLevel::Face,
    };
    v1::Session {
        session_id: id.0.to_vec().into(),
        state: session_state(session.state).into(),
        presence: presence_state(session.presence).into(),
        action: screen_action(session.screen()).into(),
        level: level.into(),
        policy: session.policy.clone(),
        policy_version: session.policy_version,
        opened_us: session.opened.0,
        expires_us: session.expires.0,
        contact_ids: session
            .contacts
            .iter()
            .map(|contact| contact.0.to_vec().into())
            .collect(),
        training: session.training,
        posture: session.posture,
        posture_until_us: session.posture_until.0,
        rules_version: session.rules_version,
    }
}

/// How far a session is.
#[must_use]
pub const fn session_state(state: SessionState) -> v1::SessionState {
    match state {
        SessionState::Active => v1::SessionState::Active,
        SessionState::Suspended => v1::SessionState::Suspended,
        SessionState::Ended => v1::SessionState::Ended,
    }
}

/// Who is seen at a desktop.
#[must_use]
pub const fn presence_state(state: PresenceState) -> v1::PresenceState {
    match state {
        PresenceState::Present => v1::PresenceState::Present,
        PresenceState::Absent => v1::PresenceState::Absent,
        PresenceState::Occluded => v1::PresenceState::Occluded,
        PresenceState::Multiple => v1::PresenceState::Multiple,
        PresenceState::Other => v1::PresenceState::Other,
        PresenceState::CameraLost => v1::PresenceState::CameraLost,
        PresenceState::Unseen => v1::PresenceState::Unseen,
    }
}

/// What a desktop does.
#[must_use]
pub const fn screen_action(action: ScreenAction) -> v1::ScreenAction {
    match action {
        ScreenAction::Show => v1::ScreenAction::Show,
        ScreenAction::Mask => v1::ScreenAction::Mask,
        ScreenAction::Clear => v1::ScreenAction::Clear,
        ScreenAction::Blackout => v1::ScreenAction::Blackout,
    }
}

/// How far a request to unmask is.
#[must_use]
pub const fn unmask_state(state: UnmaskState) -> v1::UnmaskState {
    match state {
        UnmaskState::Asked => v1::UnmaskState::Asked,
        UnmaskState::Granted => v1::UnmaskState::Granted,
        UnmaskState::Denied => v1::UnmaskState::Denied,
    }
}
