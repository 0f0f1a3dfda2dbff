//! Requests of operators and platforms to commands, one function each.
//!
//! Nothing is decided here. What is read has every list and every field within its limit.

use akashi_domain::command::{
    AnnounceContact, BindAgent, CloseContact, Command, CreateTenant, EnrolmentKind, Found,
    Initiator, OfferOrder, OpenAgentLogin, OpenEnrolment, Party, PutPolicy, PutSessionSettings,
    PutSettings, RegisterAgent, RegisterIssuer, RegisterSensor, RevokeCredential, RevokeDevice,
    RevokeIssuer, RevokeSensor, RevokeTemplate,
};
use akashi_domain::ids::{ContactId, Digest, Serial, Stamp, SubjectHash};
use akashi_domain::limits::ORDER_AMOUNTS_MAX;
use akashi_domain::records::{ReplicaInfo, SessionSettings, Settings};
use akashi_proof::Commitment;
use akashi_proto::v1;

use super::customer::delegate;
use super::{
    Malformed, agent, array, code, contact_id, enrolment_id, id16, login_id, name, order_id,
    policy, subject, tag,
};

/// `Bootstrap`, with what the configuration says about the cluster.
///
/// # Errors
///
/// [`Malformed`].
pub fn bootstrap(
    request: v1::BootstrapRequest,
    cluster: String,
    replicas: Vec<ReplicaInfo>,
    quorum: u8,
) -> Result<Command, Malformed> {
    let (policy, body) = policy::parse(request.policy)?;
    let tenant = name(request.tenant, "tenant")?;
    Ok(Command::Found(Found {
        cluster,
        replicas,
        quorum,
        tenant,
        policy,
        body,
    }))
}

/// `CreateTenant`.
///
/// # Errors
///
/// [`Malformed`].
pub fn create_tenant(request: v1::CreateTenantRequest) -> Result<Command, Malformed> {
    Ok(Command::CreateTenant(CreateTenant {
        tenant: name(request.tenant, "tenant")?,
    }))
}

/// `PutPolicy`.
///
/// # Errors
///
/// [`Malformed`].
pub fn put_policy(request: v1::PutPolicyRequest) -> Result<Command, Malformed> {
    let (policy, body) = policy::parse(request.policy)?;
    let tenant = name(request.tenant, "tenant")?;
    Ok(Command::PutPolicy(PutPolicy {
        tenant,
        policy,
        body,
    }))
}

/// `RegisterAgent`.
///
/// # Errors
///
/// [`Malformed`].
pub fn register_agent(request: v1::RegisterAgentRequest) -> Result<Command, Malformed> {
    let certificate = if request.certificate_sha256.is_empty() {
        Digest::ZERO
    } else {
        Digest(array(&request.certificate_sha256, "certificate_sha256")?)
    };
    let tenant = name(request.tenant, "tenant")?;
    let agent = agent(&tenant, &request.agent)?;
    Ok(Command::RegisterAgent(RegisterAgent {
        tenant,
        agent,
        certificate,
        supervisor: request.supervisor,
    }))
}

/// `RegisterIssuer`.
///
/// # Errors
///
/// [`Malformed`].
pub fn register_issuer(request: v1::RegisterIssuerRequest) -> Result<Command, Malformed> {
    Ok(Command::RegisterIssuer(RegisterIssuer {
        tenant: name(request.tenant, "tenant")?,
        name: name(request.name, "name")?,
        key: array(&request.key, "key")?,
    }))
}

/// `RevokeIssuer`.
///
/// # Errors
///
/// [`Malformed`].
pub fn revoke_issuer(request: v1::RevokeIssuerRequest) -> Result<Command, Malformed> {
    Ok(Command::RevokeIssuer(RevokeIssuer {
        tenant: name(request.tenant, "tenant")?,
        key_id: Digest(array(&request.issuer_key_id, "issuer_key_id")?),
        from: Stamp(request.from_us),
    }))
}

/// `RegisterSensor`.
///
/// # Errors
///
/// [`Malformed`].
pub fn register_sensor(request: v1::RegisterSensorRequest) -> Result<Command, Malformed> {
    if request.expires_us <= request.not_before_us {
        return Err(Malformed {
            field: "expires_us",
        });
    }
    Ok(Command::RegisterSensor(RegisterSensor {
        tenant: name(request.tenant, "tenant")?,
        key: array(&request.key, "key")?,
        model_id: name(request.model_id, "model_id")?,
        level: policy::level(request.level, "level")?,
        not_before: Stamp(request.not_before_us),
        expires: Stamp(request.expires_us),
    }))
}

/// `RevokeSensor`.
///
/// # Errors
///
/// [`Malformed`].
pub fn revoke_sensor(request: v1::RevokeSensorRequest) -> Result<Command, Malformed> {
    Ok(Command::RevokeSensor(RevokeSensor {
        tenant: name(request.tenant, "tenant")?,
        certificate: Digest(array(&request.certificate_digest, "certificate_digest")?),
    }))
}

/// `PutSettings`.
///
/// # Errors
///
/// [`Malformed`].
pub fn put_settings(request: &v1::PutSettingsRequest) -> Result<Command, Malformed> {
    let new = request.settings.ok_or(Malformed { field: "settings" })?;
    let settings = Settings {
        notices_per_hour: new.notices_per_hour,
        refusals_per_challenge: new.refusals_per_challenge,
        pin_failures_soft: new.pin_failures_soft,
        pin_failures_hard: new.pin_failures_hard,
        pin_lock_first_s: new.pin_lock_first_s,
        request_horizon_s: new.request_horizon_s,
        enrolment_ttl_s: new.enrolment_ttl_s,
        order_ttl_s: new.order_ttl_s,
        cooling_s: new.cooling_s,
        resume_grace_s: new.resume_grace_s,
        report_freeze_s: new.report_freeze_s,
        session_contacts_max: new.session_contacts_max,
    };
    // Limits that came later travel in a command of their own.
    Ok(if new.session_refusals_per_hour == 0 {
        Command::PutSettings(PutSettings { settings })
    } else {
        Command::PutSessionSettings(PutSessionSettings {
            settings,
            sessions: SessionSettings {
                refusals_per_hour: new.session_refusals_per_hour,
            },
        })
    })
}

/// `OpenEnrolment`.
///
/// # Errors
///
/// [`Malformed`].
pub fn open_enrolment(request: v1::OpenEnrolmentRequest) -> Result<Command, Malformed> {
    let kind = match v1::EnrolmentKind::try_from(request.kind) {
        Ok(v1::EnrolmentKind::Unspecified | v1::EnrolmentKind::Device) => EnrolmentKind::Device,
        Ok(v1::EnrolmentKind::Credential) => EnrolmentKind::Credential,
        Ok(v1::EnrolmentKind::Template) => EnrolmentKind::Template,
        Err(_unknown) => return Err(Malformed { field: "kind" }),
    };
    let tenant = name(request.tenant, "tenant")?;
    let (party, subject) = party(&tenant, &request.subject, &request.agent)?;
    Ok(Command::OpenEnrolment(OpenEnrolment {
        enrolment: enrolment_id(&request.enrolment_id)?,
        kind,
        party,
        subject,
        token_hash: Digest(array(&request.token_hash, "token_hash")?),
        subject_tag: tag(&request.subject_tag, "subject_tag")?,
        tenant,
    }))
}

/// Whose records are meant: a customer's, or an agent's under the agent's hash.
pub(super) fn party(
    tenant: &str,
    customer: &str,
    handle: &str,
) -> Result<(Party, SubjectHash), Malformed> {
    match (customer, handle) {
        (customer, "") => Ok((Party::Customer, subject(tenant, customer)?)),
        ("", handle) => Ok((Party::Agent, agent(tenant, handle)?.as_subject())),
        (_, _) => Err(Malformed { field: "agent" }),
    }
}

/// `RevokeDevice`.
///
/// # Errors
///
/// [`Malformed`].
pub fn revoke_device(request: v1::RevokeDeviceRequest) -> Result<Command, Malformed> {
    let tenant = name(request.tenant, "tenant")?;
    Ok(Command::RevokeDevice(RevokeDevice {
        subject: party(&tenant, &request.subject, &request.agent)?.1,
        reason: code(request.reason, "reason")?,
        tenant,
    }))
}

/// `RevokeCredential`.
///
/// # Errors
///
/// [`Malformed`].
pub fn revoke_credential(request: v1::RevokeCredentialRequest) -> Result<Command, Malformed> {
    let tenant = name(request.tenant, "tenant")?;
    Ok(Command::RevokeCredential(RevokeCredential {
        subject: party(&tenant, &request.subject, &request.agent)?.1,
        serial: Serial(id16(&request.serial, "serial")?),
        reason: code(request.reason, "reason")?,
        tenant,
    }))
}

/// `RevokeTemplate`.
///
/// # Errors
///
/// [`Malformed`].
pub fn revoke_template(request: v1::RevokeTemplateRequest) -> Result<Command, Malformed> {
    let tenant = name(request.tenant, "tenant")?;
    Ok(Command::RevokeTemplate(RevokeTemplate {
        subject: party(&tenant, &request.subject, &request.agent)?.1,
        reason: code(request.reason, "reason")?,
        tenant,
    }))
}

/// `OfferOrder`.
///
/// # Errors
///
/// [`Malformed`].
pub fn offer_order(request: v1::OfferOrderRequest) -> Result<Command, Malformed> {
    let order_hash: [u8; 32] = array(&request.order_hash, "order_hash")?;
    if order_hash == [0; 32] {
        return Err(Malformed {
            field: "order_hash",
        });
    }
    if request.amounts.len() > ORDER_AMOUNTS_MAX {
        return Err(Malformed { field: "amounts" });
    }
    let amounts = request
        .amounts
        .iter()
        .map(|amount| commitment(amount, "amounts"))
        .collect::<Result<_, _>>()?;
    Ok(Command::OfferOrder(OfferOrder {
        contact: contact_id(&request.contact_id)?,
        order: order_id(&request.order_id)?,
        policy: name(request.policy, "policy")?,
        order_hash,
        amounts,
        subject_tag: tag(&request.subject_tag, "subject_tag")?,
        tenant: name(request.tenant, "tenant")?,
    }))
}

/// A commitment in its canonical bytes.
pub(super) fn commitment(bytes: &[u8], field: &'static str) -> Result<[u8; 32], Malformed> {
    let bytes = array(bytes, field)?;
    match Commitment::from_bytes(&bytes) {
        Ok(_) => Ok(bytes),
        Err(_not_a_point) => Err(Malformed { field }),
    }
}

/// `OpenAgentLogin`.
///
/// # Errors
///
/// [`Malformed`].
pub fn open_agent_login(request: v1::OpenAgentLoginRequest) -> Result<Command, Malformed> {
    let tenant = name(request.tenant, "tenant")?;
    Ok(Command::OpenAgentLogin(OpenAgentLogin {
        login: login_id(&request.login_id)?,
        agent: agent(&tenant, &request.agent)?,
        policy: name(request.policy, "policy")?,
        agent_tag: tag(&request.agent_tag, "agent_tag")?,
        tenant,
    }))
}

/// `AnnounceContact`.
///
/// # Errors
///
/// [`Malformed`].
pub fn announce_contact(request: v1::AnnounceContactRequest) -> Result<Command, Malformed> {
    let initiator = match v1::CallInitiator::try_from(request.initiator) {
        Ok(v1::CallInitiator::Customer) => Initiator::Customer,
        Ok(v1::CallInitiator::Centre) => Initiator::Centre,
        Ok(v1::CallInitiator::Unspecified) | Err(_) => {
            return Err(Malformed { field: "initiator" });
        }
    };
    let tenant = name(request.tenant, "tenant")?;
    let agent = match request.agent.as_str() {
        "" => None,
        handle => Some(agent(&tenant, handle)?),
    };
    let previous = match request.previous_contact_id.is_empty() {
        true => ContactId::ZERO,
        false => ContactId(id16(&request.previous_contact_id, "previous_contact_id")?),
    };
    let delegate = match request.delegate.as_str() {
        "" => None,
        handle => Some(delegate(&tenant, handle)?),
    };
    Ok(Command::AnnounceContact(AnnounceContact {
        contact: contact_id(&request.contact_id)?,
        subject: subject(&tenant, &request.subject)?,
        initiator,
        policy: name(request.policy, "policy")?,
        call_reason: code(request.call_reason, "call_reason")?,
        agent,
        subject_tag: tag(&request.subject_tag, "subject_tag")?,
        agent_tag: tag(&request.agent_tag, "agent_tag")?,
        campaign: request.campaign,
        queue: request.queue,
        previous,
        delegate,
        tenant,
    }))
}

/// `BindAgent`.
///
/// # Errors
///
/// [`Malformed`].
pub fn bind_agent(request: v1::BindAgentRequest) -> Result<Command, Malformed> {
    let tenant = name(request.tenant, "tenant")?;
    Ok(Command::BindAgent(BindAgent {
        contact: contact_id(&request.contact_id)?,
        agent: agent(&tenant, &request.agent)?,
        agent_tag: tag(&request.agent_tag, "agent_tag")?,
        scope: request.scope,
        needs: request.needs,
        queue: request.queue,
        tenant,
    }))
}

/// `CloseContact`.
///
/// # Errors
///
/// [`Malformed`].
pub fn close_contact(request: v1::CloseContactRequest) -> Result<Command, Malformed> {
    Ok(Command::CloseContact(CloseContact {
        tenant: name(request.tenant, "tenant")?,
        contact: contact_id(&request.contact_id)?,
        disposition: code(request.disposition, "disposition")?,
    }))
}
