//! Requests to commands, one function each.

use akashi_domain::command::{
    AnnounceContact, AnswerNotice, BindAgent, CloseContact, Command, CompleteEnrolment,
    CreateTenant, FactorProof, Found, Initiator, NoticeAnswer, OpenEnrolment, PutPolicy,
    PutSettings, RegisterAgent, RevokeDevice, SubmitProof,
};
use akashi_domain::ids::Digest;
use akashi_domain::limits::{NAME_CHARS_MAX, PROOF_BYTES_MAX, SUBMISSION_PARTS_MAX};
use akashi_domain::records::{PolicyBody, ReplicaInfo, Settings};
use akashi_proto::v1;

use super::{Malformed, agent, array, challenge_id, code, contact_id, enrolment_id, subject, tag};

/// Challenge lifetime of a policy that names none, in seconds.
const CHALLENGE_TTL_S_DEFAULT: u32 = 120;
/// Verdict lifetime of a policy that names none, in seconds.
const VERDICT_TTL_S_DEFAULT: u32 = 3_600;

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
    let (policy, body) = policy(request.policy)?;
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
    let (policy, body) = policy(request.policy)?;
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
    }))
}

/// `PutSettings`.
///
/// # Errors
///
/// [`Malformed`].
pub fn put_settings(request: &v1::PutSettingsRequest) -> Result<Command, Malformed> {
    let new = request.settings.ok_or(Malformed { field: "settings" })?;
    Ok(Command::PutSettings(PutSettings {
        settings: Settings {
            notices_per_hour: new.notices_per_hour,
            refusals_per_challenge: new.refusals_per_challenge,
            pin_failures_soft: new.pin_failures_soft,
            pin_failures_hard: new.pin_failures_hard,
            pin_lock_first_s: new.pin_lock_first_s,
            request_horizon_s: new.request_horizon_s,
            enrolment_ttl_s: new.enrolment_ttl_s,
        },
    }))
}

/// `OpenEnrolment`.
///
/// # Errors
///
/// [`Malformed`].
pub fn open_enrolment(request: v1::OpenEnrolmentRequest) -> Result<Command, Malformed> {
    let tenant = name(request.tenant, "tenant")?;
    Ok(Command::OpenEnrolment(OpenEnrolment {
        enrolment: enrolment_id(&request.enrolment_id)?,
        subject: subject(&tenant, &request.subject)?,
        token_hash: Digest(array(&request.token_hash, "token_hash")?),
        subject_tag: tag(&request.subject_tag, "subject_tag")?,
        tenant,
    }))
}

/// `CompleteEnrolment`.
///
/// # Errors
///
/// [`Malformed`].
pub fn complete_enrolment(
    request: v1::CompleteEnrolmentRequest,
) -> Result<CompleteEnrolment, Malformed> {
    Ok(CompleteEnrolment {
        tenant: name(request.tenant, "tenant")?,
        enrolment: enrolment_id(&request.enrolment_id)?,
        token: array(&request.token, "token")?,
        suite: byte(request.suite, "suite")?,
        device_key: array(&request.device_key, "device_key")?,
        pin_key: array(&request.pin_key, "pin_key")?,
        proofs: proofs(request.proofs)?,
    })
}

/// `RevokeDevice`.
///
/// # Errors
///
/// [`Malformed`].
pub fn revoke_device(request: v1::RevokeDeviceRequest) -> Result<Command, Malformed> {
    let tenant = name(request.tenant, "tenant")?;
    Ok(Command::RevokeDevice(RevokeDevice {
        subject: subject(&tenant, &request.subject)?,
        reason: code(request.reason, "reason")?,
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
    Ok(Command::AnnounceContact(AnnounceContact {
        contact: contact_id(&request.contact_id)?,
        subject: subject(&tenant, &request.subject)?,
        initiator,
        policy: name(request.policy, "policy")?,
        call_reason: code(request.call_reason, "call_reason")?,
        agent,
        subject_tag: tag(&request.subject_tag, "subject_tag")?,
        agent_tag: tag(&request.agent_tag, "agent_tag")?,
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

/// `SubmitProof`.
///
/// # Errors
///
/// [`Malformed`].
pub fn submit_proof(request: v1::SubmitProofRequest) -> Result<SubmitProof, Malformed> {
    Ok(SubmitProof {
        tenant: name(request.tenant, "tenant")?,
        challenge: challenge_id(&request.challenge_id)?,
        token: array(&request.submit_token, "submit_token")?,
        suite: byte(request.suite, "suite")?,
        proofs: proofs(request.proofs)?,
    })
}

/// `AnswerNotice`.
///
/// # Errors
///
/// [`Malformed`].
pub fn answer_notice(request: v1::AnswerNoticeRequest) -> Result<AnswerNotice, Malformed> {
    let answer = match v1::NoticeAnswer::try_from(request.answer) {
        Ok(v1::NoticeAnswer::Opened) => NoticeAnswer::Opened,
        Ok(v1::NoticeAnswer::Decline) => NoticeAnswer::Decline,
        Ok(v1::NoticeAnswer::Report) => NoticeAnswer::Report,
        Ok(v1::NoticeAnswer::Unspecified) | Err(_) => return Err(Malformed { field: "answer" }),
    };
    Ok(AnswerNotice {
        tenant: name(request.tenant, "tenant")?,
        challenge: challenge_id(&request.challenge_id)?,
        token: array(&request.submit_token, "submit_token")?,
        answer,
    })
}

/// A policy's name and what it asks; a lifetime of zero is the default.
fn policy(policy: Option<v1::Policy>) -> Result<(String, PolicyBody), Malformed> {
    let policy = policy.ok_or(Malformed { field: "policy" })?;
    let or = |given: u32, default: u32| if given == 0 { default } else { given };
    let body = PolicyBody {
        require_possession: policy.require_possession,
        require_knowledge: policy.require_knowledge,
        challenge_ttl_s: or(policy.challenge_ttl_s, CHALLENGE_TTL_S_DEFAULT),
        verdict_ttl_s: or(policy.verdict_ttl_s, VERDICT_TTL_S_DEFAULT),
    };
    Ok((name(policy.name, "policy")?, body))
}

fn proofs(proofs: Vec<v1::FactorProof>) -> Result<Vec<FactorProof>, Malformed> {
    let malformed = Malformed { field: "proofs" };
    if proofs.is_empty() || proofs.len() > SUBMISSION_PARTS_MAX {
        return Err(malformed);
    }
    proofs
        .into_iter()
        .map(|part| {
            if part.proof.len() > PROOF_BYTES_MAX {
                return Err(malformed);
            }
            Ok(FactorProof {
                kind: byte(part.kind, "proofs")?,
                proof: part.proof.to_vec(),
            })
        })
        .collect()
}

/// A tenant's or a policy's name: what can never be one stops here.
fn name(text: String, field: &'static str) -> Result<String, Malformed> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.is_empty() || text.len() > NAME_CHARS_MAX || !text.bytes().all(plain) {
        return Err(Malformed { field });
    }
    Ok(text)
}

fn byte(number: u32, field: &'static str) -> Result<u8, Malformed> {
    u8::try_from(number).map_err(|_too_large| Malformed { field })
}
