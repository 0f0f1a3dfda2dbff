//! Challenges: asking a phone, finding what was asked, ending it without a proof.

use akashi_proof::Context;

use super::{Binding, Step, Stop};
use crate::answer::{Rejection, Reply};
use crate::command::Initiator;
use crate::event::{ChallengeIssued, Event, VerdictReached};
use crate::ids::{ChallengeId, ContactId, Digest, LoginId, Stamp, SubjectHash, Tag};
use crate::kv::{Fault, View};
use crate::limits::{NOTICE_WINDOW_US, SECOND_US};
use crate::outcome::{Good, Held, Outcome, reason};
use crate::policy::PolicyPurpose;
use crate::records::{About, Challenge, Cluster, OrderTerms, Policy, Subject, Tenant};
use crate::state::Records as _;

/// What a phone is to be asked.
pub(super) struct Question<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) tenant: &'a Tenant,
    pub(super) challenge: ChallengeId,
    pub(super) contact: ContactId,
    pub(super) order: Option<OrderTerms>,
    pub(super) login: Option<LoginId>,
    pub(super) subject: SubjectHash,
    pub(super) pin_epoch: u32,
    pub(super) initiator: Option<Initiator>,
    pub(super) call_reason: u16,
    pub(super) policy: Policy,
    pub(super) tag: Tag,
}

impl Question<'_> {
    /// The challenge, and what the platform is told.
    pub(super) fn ask(self, step: &Step) -> Result<(Event, Reply), Stop> {
        let Self {
            cluster,
            tenant,
            challenge,
            contact,
            order,
            login,
            subject,
            pin_epoch,
            initiator,
            call_reason,
            policy,
            tag,
        } = self;
        let ttl_us = u64::from(policy.body.challenge_ttl_s).saturating_mul(SECOND_US);
        let expires = step.stamp.after_us(ttl_us);
        let nonce = step.nonce(cluster, challenge.0);
        let context = Binding {
            cluster,
            tenant: &tenant.name,
            challenge: challenge.0,
            nonce,
            purpose: policy.body.purpose.of_context(),
            subject,
            contact: contact_bytes(&contact, login),
            not_before: step.stamp,
            expires,
            order_hash: order.as_ref().map_or([0; 32], |terms| terms.order_hash),
            policy_digest: policy.digest,
        }
        .context()?;
        let issued = ChallengeIssued {
            tenant: tenant.number,
            challenge,
            contact,
            order,
            login,
            subject,
            pin_epoch,
            initiator,
            call_reason,
            policy: policy.name,
            policy_version: policy.version,
            policy_digest: policy.digest,
            body: policy.body,
            nonce,
            token: step.derived(b"akashi/v1/submit-token", &challenge.0),
            expires,
            context_digest: Digest(context.digest()),
            tag,
        };
        let reply = Reply::Announced {
            challenge,
            expires,
            outcome: None,
        };
        Ok((issued.into(), reply))
    }
}

/// What the context says of the contact: a login has none.
const fn contact_bytes(contact: &ContactId, login: Option<LoginId>) -> &[u8] {
    match login {
        Some(_) => &[],
        None => &contact.0,
    }
}

/// What the proofs that answer a challenge are bound to.
pub(super) fn context(
    cluster: &Cluster,
    tenant: &Tenant,
    id: ChallengeId,
    challenge: &Challenge,
) -> Result<Context, Fault> {
    Binding {
        cluster,
        tenant: &tenant.name,
        challenge: id.0,
        nonce: challenge.nonce,
        purpose: challenge.body.purpose.of_context(),
        subject: challenge.subject,
        contact: contact_bytes(&challenge.contact, challenge.login),
        not_before: challenge.issued,
        expires: challenge.expires,
        order_hash: challenge.order_hash(),
        policy_digest: challenge.policy_digest,
    }
    .context()
}

/// The newest version of a policy, if it is for this purpose.
pub(super) fn policy<V: View>(
    state: &V,
    tenant: &Tenant,
    name: &str,
    purpose: PolicyPurpose,
) -> Result<Policy, Stop> {
    let policy = state
        .policy(tenant.number, name)?
        .ok_or(Rejection::UnknownPolicy)?;
    if policy.body.purpose == purpose {
        Ok(policy)
    } else {
        Err(Rejection::Invalid(crate::answer::Field::Policy).into())
    }
}

/// Why nobody is asked: no phone, or too many notices to it already.
pub(super) fn unaskable<V: View>(
    state: &V,
    step: &Step,
    subject: &Subject,
) -> Result<Option<(Outcome, u16)>, Fault> {
    if subject.device.is_none_or(|device| device.revoked) {
        return Ok(Some((Outcome::NotEnrolled, reason::NO_DEVICE)));
    }
    let window = step.stamp.before_us(NOTICE_WINDOW_US);
    let recent = subject.notices.iter().filter(|sent| **sent > window);
    let allowed = usize::try_from(state.settings()?.notices_per_hour).unwrap_or(usize::MAX);
    let limited = recent.count() >= allowed;
    Ok(limited.then_some((Outcome::RateLimited, reason::TOO_MANY_NOTICES)))
}

/// The verdict where nobody was asked, and what the platform is told.
pub(super) fn ended_at_once(
    tenant: u32,
    (contact, about): (ContactId, About),
    (subject, tag): (SubjectHash, Tag),
    policy: &Policy,
    (outcome, why): (Outcome, u16),
) -> (Event, Reply) {
    let verdict = VerdictReached {
        tenant,
        challenge: ChallengeId::ZERO,
        contact,
        about,
        subject,
        outcome,
        reason: why,
        held: Held::NOTHING,
        policy_version: policy.version,
        not_after: Stamp::default(),
        good: Good::NOTHING,
        tag,
    };
    let reply = Reply::Announced {
        challenge: ChallengeId::ZERO,
        expires: Stamp::default(),
        outcome: Some(outcome),
    };
    (verdict.into(), reply)
}

/// The challenge, if the token opens it; unknown and not opened look the same from outside.
pub(super) fn known<V: View>(
    state: &V,
    tenant: &Tenant,
    id: ChallengeId,
    token: &[u8; 32],
) -> Result<Challenge, Stop> {
    Ok(state
        .challenge(tenant.number, id)?
        .filter(|challenge| challenge.token_hash == Digest::of(token))
        .ok_or(Rejection::UnknownChallenge)?)
}

/// The verdict that ends the subject's open challenge, if there is one.
pub(super) fn end_open<V: View>(
    state: &V,
    tenant: u32,
    subject: SubjectHash,
    outcome: Outcome,
    why: u16,
) -> Result<Option<Event>, Fault> {
    match state.subject(tenant, subject)?.open {
        Some(open) => end(state, tenant, open, outcome, why),
        None => Ok(None),
    }
}

/// The verdict that ends a challenge without proof, if it is still open.
pub(super) fn end<V: View>(
    state: &V,
    tenant: u32,
    id: ChallengeId,
    outcome: Outcome,
    why: u16,
) -> Result<Option<Event>, Fault> {
    let Some(challenge) = state.challenge(tenant, id)?.filter(|c| c.verdict.is_none()) else {
        return Ok(None);
    };
    let verdict = VerdictReached {
        tenant,
        challenge: id,
        contact: challenge.contact,
        about: challenge.about(),
        subject: challenge.subject,
        outcome,
        reason: why,
        held: Held::NOTHING,
        policy_version: challenge.policy_version,
        not_after: Stamp::default(),
        good: Good::NOTHING,
        tag: challenge.tag,
    };
    Ok(Some(verdict.into()))
}

/// A pseudonym a caller left out: the subject's own, so that its leaves stay together.
pub(super) fn tag_or(given: Tag, known: Tag) -> Tag {
    if given == Tag::ZERO { known } else { given }
}
