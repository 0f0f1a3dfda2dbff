//! What the domain knows, in the published words.

use akashi_domain::answer::Placement;
use akashi_domain::command::Initiator;
use akashi_domain::ids::{ChallengeId, ContactId, SubjectHash};
use akashi_domain::outcome::{AgentView, Outcome};
use akashi_domain::records::{self, Challenge, Cluster, Contact, Enrolment, Progress};
use akashi_proto::v1;

/// How far an answer has come.
#[must_use]
pub fn stage(sealed: bool) -> v1::Stage {
    if sealed {
        v1::Stage::Sealed
    } else {
        v1::Stage::Committed
    }
}

/// Where a command stands.
#[must_use]
pub const fn placement(placement: &Placement) -> v1::Placement {
    v1::Placement {
        log_index: placement.log_index,
        stamp_us: placement.stamp.0,
        leaf_index: placement.first_leaf,
        leaf_count: placement.leaf_count,
        repeated: placement.repeated,
    }
}

/// What a read was taken from.
#[must_use]
pub const fn as_of(progress: &Progress, stale: bool) -> v1::AsOf {
    v1::AsOf {
        log_index: progress.log_index,
        stamp_us: progress.stamp.0,
        stale,
    }
}

/// An outcome's number.
#[must_use]
pub fn outcome(outcome: Outcome) -> i32 {
    i32::from(outcome.code())
}

/// What an agent's screen may show.
#[must_use]
pub const fn agent_view(view: AgentView) -> v1::AgentView {
    match view {
        AgentView::Pending => v1::AgentView::Pending,
        AgentView::Pass => v1::AgentView::Pass,
        AgentView::Fail => v1::AgentView::Fail,
        AgentView::TryAgain => v1::AgentView::TryAgain,
    }
}

/// A contact's verdict as the platform sees it; with `receipt` it is sealed.
#[must_use]
pub fn verdict(id: ContactId, contact: &Contact, receipt: Option<String>) -> v1::Verdict {
    let challenge_id = contact.challenge.0.to_vec().into();
    let contact_id = id.0.to_vec().into();
    let Some(found) = contact.verdict else {
        return v1::Verdict {
            challenge_id,
            contact_id,
            ..v1::Verdict::default()
        };
    };
    v1::Verdict {
        challenge_id,
        contact_id,
        outcome: outcome(found.outcome),
        reason: u32::from(found.reason),
        factors: found.factors,
        policy_version: found.policy_version,
        decided_us: found.decided.0,
        not_after_us: found.not_after.0,
        leaf_index: found.leaf,
        stage: stage(receipt.is_some()).into(),
        receipt: receipt.unwrap_or_default(),
    }
}

/// A policy.
#[must_use]
pub fn policy(policy: records::Policy) -> v1::Policy {
    v1::Policy {
        name: policy.name,
        version: policy.version,
        require_possession: policy.body.require_possession,
        require_knowledge: policy.body.require_knowledge,
        challenge_ttl_s: policy.body.challenge_ttl_s,
        verdict_ttl_s: policy.body.verdict_ttl_s,
        digest: policy.digest.0.to_vec().into(),
    }
}

/// Cluster-wide limits.
#[must_use]
pub const fn settings(settings: &records::Settings) -> v1::Settings {
    v1::Settings {
        notices_per_hour: settings.notices_per_hour,
        refusals_per_challenge: settings.refusals_per_challenge,
        pin_failures_soft: settings.pin_failures_soft,
        pin_failures_hard: settings.pin_failures_hard,
        pin_lock_first_s: settings.pin_lock_first_s,
        request_horizon_s: settings.request_horizon_s,
        enrolment_ttl_s: settings.enrolment_ttl_s,
    }
}

/// Everything a phone needs to form the context of its enrolment proofs.
#[must_use]
pub fn enrolment_context(cluster: Cluster, enrolment: &Enrolment) -> v1::EnrolmentContext {
    v1::EnrolmentContext {
        origin: cluster.origin,
        group: u32::from(cluster.group),
        epoch: cluster.epoch,
        nonce: enrolment.nonce.to_vec().into(),
        subject_hash: enrolment.subject.0.to_vec().into(),
        not_before_us: enrolment.opened.0,
        expires_us: enrolment.expires.0,
    }
}

/// A notice for a phone, with everything to show, to check and to prove.
#[must_use]
pub fn notice(
    cluster: &Cluster,
    tenant: &str,
    (id, challenge): (ChallengeId, &Challenge),
    contact: &Contact,
    token: [u8; 32],
    receipt: String,
) -> v1::Notice {
    let initiator = match contact.initiator {
        Initiator::Customer => v1::CallInitiator::Customer,
        Initiator::Centre => v1::CallInitiator::Centre,
    };
    let SubjectHash(subject) = challenge.subject;
    v1::Notice {
        tenant: tenant.to_owned(),
        contact_id: challenge.contact.0.to_vec().into(),
        challenge_id: id.0.to_vec().into(),
        initiator: initiator.into(),
        call_reason: u32::from(contact.call_reason),
        policy: challenge.policy.clone(),
        policy_version: challenge.policy_version,
        require_knowledge: challenge.body.require_knowledge,
        origin: cluster.origin.clone(),
        group: u32::from(cluster.group),
        epoch: cluster.epoch,
        nonce: challenge.nonce.to_vec().into(),
        subject_hash: subject.to_vec().into(),
        policy_digest: challenge.policy_digest.0.to_vec().into(),
        not_before_us: challenge.issued.0,
        expires_us: challenge.expires.0,
        submit_token: token.to_vec().into(),
        receipt,
        agent_bound: contact.agent.is_some(),
    }
}
