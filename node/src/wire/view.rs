//! What the domain knows, in the published words.

use akashi_domain::answer::Placement;
use akashi_domain::command::{EnrolmentKind, Initiator};
use akashi_domain::ids::{ChallengeId, ContactId, SubjectHash};
use akashi_domain::limits::{TEMPLATE_AGE_MAX_S, TEMPLATE_LEVEL_MIN};
use akashi_domain::outcome::{AgentView, Outcome, limit};
use akashi_domain::records::{
    self, Challenge, Cluster, Contact, Enrolment, LegState, OrderTerms, Progress, Template, Told,
    Verdict,
};
use akashi_proof::Assurance;
use akashi_proto::v1;

use super::policy;

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

/// The verdict of a challenge as the platform sees it; with `receipt` it is sealed. Without a contact
/// it is an agent's login.
#[must_use]
pub fn verdict(
    challenge: ChallengeId,
    contact: Option<ContactId>,
    found: Option<&Verdict>,
    receipt: Option<String>,
) -> v1::Verdict {
    let pending = v1::Verdict {
        challenge_id: challenge.0.to_vec().into(),
        contact_id: contact.map(|id| id.0.to_vec().into()).unwrap_or_default(),
        ..v1::Verdict::default()
    };
    let Some(found) = found else { return pending };
    v1::Verdict {
        outcome: outcome(found.outcome),
        reason: u32::from(found.reason),
        factors: found.factors,
        policy_version: found.policy_version,
        decided_us: found.decided.0,
        not_after_us: found.not_after.0,
        leaf_index: found.leaf,
        stage: stage(receipt.is_some()).into(),
        receipt: receipt.unwrap_or_default(),
        predicates: u32::from(found.predicates),
        level: Assurance::from_code(found.level).map(|level| u32::from(level.code())),
        match_words: match_words(found.match_code),
        scope: found.scope,
        limits: u32::from(limit::shown(found.limits)),
        aal: u32::from(found.aal),
        ..pending
    }
}

/// The words that phone and agent compare; none if nothing was proved.
#[must_use]
pub fn match_words(code: u32) -> Vec<String> {
    akashi_proof::match_words(code)
        .into_iter()
        .flatten()
        .map(|word| word.to_string())
        .collect()
}

/// What speaks against full trust in a contact, as far as it may be shown.
#[must_use]
pub fn limits_shown(contact: &Contact) -> u32 {
    u32::from(limit::shown(contact.limits))
}

/// How a call stands.
#[must_use]
pub const fn leg(state: LegState) -> v1::LegState {
    match state {
        LegState::None => v1::LegState::Unspecified,
        LegState::Ringing => v1::LegState::Ringing,
        LegState::Established => v1::LegState::Established,
        LegState::Held => v1::LegState::Held,
        LegState::Cleared => v1::LegState::Cleared,
    }
}

/// What became of a contact's own notice.
#[must_use]
pub fn notice_state(challenge: Option<&Challenge>) -> v1::NoticeState {
    match challenge {
        None => v1::NoticeState::Unspecified,
        Some(asked) if asked.verdict.is_some() => v1::NoticeState::Ended,
        Some(asked) if asked.opened => v1::NoticeState::Shown,
        Some(_) => v1::NoticeState::NotShown,
    }
}

/// Cluster-wide limits.
#[must_use]
pub const fn settings(
    settings: &records::Settings,
    sessions: records::SessionSettings,
) -> v1::Settings {
    v1::Settings {
        notices_per_hour: settings.notices_per_hour,
        refusals_per_challenge: settings.refusals_per_challenge,
        pin_failures_soft: settings.pin_failures_soft,
        pin_failures_hard: settings.pin_failures_hard,
        pin_lock_first_s: settings.pin_lock_first_s,
        request_horizon_s: settings.request_horizon_s,
        enrolment_ttl_s: settings.enrolment_ttl_s,
        order_ttl_s: settings.order_ttl_s,
        cooling_s: settings.cooling_s,
        resume_grace_s: settings.resume_grace_s,
        report_freeze_s: settings.report_freeze_s,
        session_contacts_max: settings.session_contacts_max,
        session_refusals_per_hour: sessions.refusals_per_hour,
    }
}

/// What an invitation is for, and everything a phone needs to form the context of its proofs.
#[must_use]
pub fn enrolment(
    cluster: Cluster,
    enrolment: &Enrolment,
    as_of: v1::AsOf,
) -> v1::GetEnrolmentResponse {
    let context = v1::EnrolmentContext {
        origin: cluster.origin,
        group: u32::from(cluster.group),
        epoch: cluster.epoch,
        nonce: enrolment.nonce.to_vec().into(),
        subject_hash: enrolment.subject.0.to_vec().into(),
        not_before_us: enrolment.opened.0,
        expires_us: enrolment.expires.0,
    };
    let (kind, capture) = match enrolment.kind {
        EnrolmentKind::Device => (v1::EnrolmentKind::Device, None),
        EnrolmentKind::Credential => (v1::EnrolmentKind::Credential, None),
        EnrolmentKind::Template => (v1::EnrolmentKind::Template, Some(capture_rule())),
    };
    v1::GetEnrolmentResponse {
        context: Some(context),
        as_of: Some(as_of),
        kind: kind.into(),
        capture,
    }
}

/// What is asked of a capture from which a template is enrolled.
fn capture_rule() -> v1::CaptureRule {
    v1::CaptureRule {
        min_level: u32::from(TEMPLATE_LEVEL_MIN),
        max_age_s: TEMPLATE_AGE_MAX_S,
    }
}

/// A notice for a phone, with everything to show, to check and to prove. Only an agent's login is of
/// no contact.
#[must_use]
pub fn notice(
    cluster: &Cluster,
    tenant: &str,
    (id, challenge): (ChallengeId, &Challenge),
    contact: Option<&Contact>,
    template: Option<&Template>,
    token: [u8; 32],
    receipt: String,
) -> v1::Notice {
    let initiator = match contact.map(|contact| contact.initiator) {
        None => v1::CallInitiator::Unspecified,
        Some(Initiator::Customer) => v1::CallInitiator::Customer,
        Some(Initiator::Centre) => v1::CallInitiator::Centre,
    };
    let SubjectHash(subject) = challenge.subject;
    let asked = policy::say(records::Policy {
        name: challenge.policy.clone(),
        version: challenge.policy_version,
        body: challenge.body.clone(),
        digest: challenge.policy_digest,
    });
    v1::Notice {
        tenant: tenant.to_owned(),
        contact_id: contact
            .map(|_| challenge.contact.0.to_vec().into())
            .unwrap_or_default(),
        challenge_id: id.0.to_vec().into(),
        initiator: initiator.into(),
        call_reason: contact.map_or(0, |contact| u32::from(contact.call_reason)),
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
        agent_bound: contact.is_some_and(|contact| contact.agent.is_some()),
        observed: contact.is_some_and(|contact| !contact.observers.is_empty()),
        purpose: policy::purpose(challenge.body.purpose).into(),
        asked: Some(asked),
        order: challenge.order.as_ref().map(order_terms),
        pin_epoch: challenge.pin_epoch,
        for_another: contact.is_some_and(|contact| contact.delegate.is_some()),
        reminder: false,
        login_id: challenge
            .login
            .map(|id| id.0.to_vec().into())
            .unwrap_or_default(),
        template: template
            .filter(|_| challenge.body.face.is_some())
            .map(self::template),
    }
}

/// Something that a customer is told, with the receipt of the leaf that says so.
#[must_use]
pub fn told(told: &Told, receipt: String) -> v1::Told {
    v1::Told {
        contact_id: told.contact.0.to_vec().into(),
        fields: told.fields,
        at_us: told.at.0,
        until_us: told.until.0,
        break_glass: told.break_glass,
        leaf_index: told.leaf,
        receipt,
    }
}

pub(super) fn order_terms(terms: &OrderTerms) -> v1::OrderTerms {
    v1::OrderTerms {
        order_id: terms.order.0.to_vec().into(),
        order_hash: terms.order_hash.to_vec().into(),
        amounts: terms
            .amounts
            .iter()
            .map(|amount| amount.to_vec().into())
            .collect(),
        recipient: terms.recipient.to_vec().into(),
    }
}

fn template(template: &Template) -> v1::Template {
    v1::Template {
        commitment: template.commitment.to_vec().into(),
        dimensions: u32::from(template.dimensions),
        model_id: template.model_id.clone(),
    }
}
