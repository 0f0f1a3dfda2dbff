//! Evolving: what an event changes. Cannot refuse; the same event on the same state gives the same
//! bytes everywhere.

use crate::event::Event;
use crate::ids::{ChallengeId, ContactId, Digest, EnrolmentId, Stamp, SubjectHash};
use crate::keys::{self, TimerKind};
use crate::kv::{Fault, Overlay, Table, View};
use crate::outcome::factors;
use crate::records::{
    Agent, Challenge, Contact, Device, Enrolment, Evidence, Notice, PinCounter, Subject, Tenant,
    Verdict,
};
use crate::state::{Records as _, store};

/// Where the event stands in the log: what the log knows and the event does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Cluster time.
    pub stamp: Stamp,
    /// Its leaf.
    pub leaf: u64,
}

/// Writes what `event` changes.
///
/// # Errors
///
/// [`Fault`] if the storage fails.
pub fn evolve<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    event: &Event,
    place: Place,
) -> Result<(), Fault> {
    match event {
        Event::ClusterFounded { cluster } => {
            store(state, Table::Meta, keys::CLUSTER.to_vec(), cluster);
        }
        Event::TenantCreated { tenant, name } => tenant_created(state, *tenant, name)?,
        Event::PolicyActivated { tenant, policy } => {
            store(
                state,
                Table::Policy,
                keys::policy(*tenant, &policy.name),
                policy,
            );
            let pinned = keys::policy_version(*tenant, &policy.name, policy.version);
            store(state, Table::Policy, pinned, policy);
        }
        Event::SettingsChanged { settings } => {
            store(state, Table::Policy, keys::SETTINGS.to_vec(), settings);
        }
        Event::AgentRegistered {
            tenant,
            agent,
            certificate,
        } => {
            let record = Agent {
                certificate: *certificate,
            };
            store(state, Table::Agent, keys::agent(*tenant, *agent), &record);
        }
        Event::EnrolmentOpened { .. }
        | Event::DeviceEnrolled { .. }
        | Event::EnrolmentRefused { .. }
        | Event::EnrolmentExpired { .. }
        | Event::DeviceRevoked { .. }
        | Event::PinLocked { .. } => enrolment(state, event, place)?,
        Event::ContactAnnounced { .. }
        | Event::AgentBound { .. }
        | Event::ChallengeIssued { .. }
        | Event::NoticeOpened { .. }
        | Event::ContactClosed { .. } => contact(state, event, place)?,
        Event::ProofRefused { .. }
        | Event::ProofHeld { .. }
        | Event::ChallengeConsumed { .. }
        | Event::VerdictReached { .. }
        | Event::DuplicateSubmission { .. } => submission(state, event, place)?,
    }
    Ok(())
}

fn tenant_created<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    number: u32,
    name: &str,
) -> Result<(), Fault> {
    let tenant = Tenant {
        number,
        name: name.to_owned(),
    };
    store(state, Table::Policy, keys::tenant(name), &tenant);
    store(
        state,
        Table::Policy,
        keys::tenant_name(number),
        &tenant.name,
    );
    let mut cluster = state.cluster()?.ok_or(Fault::Corrupt)?;
    cluster.tenants = cluster.tenants.max(number);
    store(state, Table::Meta, keys::CLUSTER.to_vec(), &cluster);
    Ok(())
}

fn enrolment<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    event: &Event,
    place: Place,
) -> Result<(), Fault> {
    match event {
        Event::EnrolmentOpened { .. } => enrolment_opened(state, event, place),
        Event::DeviceEnrolled {
            tenant,
            enrolment,
            subject,
            device_key,
            pin_key,
            tag,
            evidence,
        } => {
            close_enrolment(state, *tenant, *enrolment)?;
            with_subject(state, *tenant, *subject, |record| {
                record.device = Some(Device {
                    device_key: *device_key,
                    pin_key: *pin_key,
                    enrolled: place.stamp,
                    leaf: place.leaf,
                    revoked: false,
                });
                record.pin = PinCounter::default();
                record.tag = *tag;
            })?;
            keep_evidence(state, *tenant, enrolment.0, place, evidence);
        }
        Event::EnrolmentRefused {
            tenant, enrolment, ..
        } => {
            let mut record = state
                .enrolment(*tenant, *enrolment)?
                .ok_or(Fault::Corrupt)?;
            record.refusals = record.refusals.saturating_add(1);
            let used_up = record.refusals >= crate::limits::ENROLMENT_REFUSALS_MAX;
            store(
                state,
                Table::Subject,
                keys::enrolment(*tenant, *enrolment),
                &record,
            );
            if used_up {
                close_enrolment(state, *tenant, *enrolment)?;
            }
        }
        Event::EnrolmentExpired {
            tenant, enrolment, ..
        } => {
            close_enrolment(state, *tenant, *enrolment)?;
        }
        Event::DeviceRevoked {
            tenant, subject, ..
        } => {
            with_subject(state, *tenant, *subject, |record| {
                if let Some(device) = record.device.as_mut() {
                    device.revoked = true;
                }
            })?;
        }
        Event::PinLocked {
            tenant,
            subject,
            until,
            ..
        } => {
            with_subject(state, *tenant, *subject, |record| {
                record.pin.locked_until = *until;
                record.pin.locked_for_good = until.0 == u64::MAX;
            })?;
        }
        Event::ClusterFounded { .. }
        | Event::TenantCreated { .. }
        | Event::PolicyActivated { .. }
        | Event::SettingsChanged { .. }
        | Event::AgentRegistered { .. }
        | Event::ContactAnnounced { .. }
        | Event::AgentBound { .. }
        | Event::ChallengeIssued { .. }
        | Event::NoticeOpened { .. }
        | Event::ProofRefused { .. }
        | Event::ProofHeld { .. }
        | Event::ChallengeConsumed { .. }
        | Event::VerdictReached { .. }
        | Event::DuplicateSubmission { .. }
        | Event::ContactClosed { .. } => {}
    }
    Ok(())
}

fn enrolment_opened<V: View + ?Sized>(state: &mut Overlay<'_, V>, event: &Event, place: Place) {
    let Event::EnrolmentOpened {
        tenant,
        enrolment,
        subject,
        token_hash,
        nonce,
        expires,
        tag,
    } = event
    else {
        return;
    };

    let record = Enrolment {
        id: *enrolment,
        subject: *subject,
        token_hash: *token_hash,
        nonce: *nonce,
        opened: place.stamp,
        expires: *expires,
        refusals: 0,
        closed: false,
        tag: *tag,
    };
    store(
        state,
        Table::Subject,
        keys::enrolment(*tenant, *enrolment),
        &record,
    );
    let timer = keys::timer(*expires, TimerKind::Enrolment, *tenant, enrolment.0);
    state.put(Table::Timer, timer, Vec::new());
}

fn contact<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    event: &Event,
    place: Place,
) -> Result<(), Fault> {
    match event {
        Event::ContactAnnounced {
            tenant,
            contact,
            subject,
            initiator,
            call_reason,
            ..
        } => {
            let record = Contact {
                subject: *subject,
                initiator: *initiator,
                call_reason: *call_reason,
                agent: None,
                agent_tag: crate::ids::Tag::ZERO,
                challenge: ChallengeId::ZERO,
                verdict: None,
                closed: false,
            };
            store(
                state,
                Table::Call,
                keys::contact(*tenant, *contact),
                &record,
            );
        }
        Event::AgentBound {
            tenant,
            contact,
            agent,
            agent_tag,
        } => {
            with_contact(state, *tenant, *contact, |record| {
                record.agent = Some(*agent);
                record.agent_tag = *agent_tag;
            })?;
        }
        Event::ChallengeIssued { .. } => challenge_issued(state, event, place)?,
        Event::NoticeOpened {
            tenant, challenge, ..
        } => {
            with_challenge(state, *tenant, *challenge, |record| record.opened = true)?;
        }
        Event::ContactClosed {
            tenant, contact, ..
        } => {
            with_contact(state, *tenant, *contact, |record| record.closed = true)?;
        }
        Event::ClusterFounded { .. }
        | Event::TenantCreated { .. }
        | Event::PolicyActivated { .. }
        | Event::SettingsChanged { .. }
        | Event::AgentRegistered { .. }
        | Event::EnrolmentOpened { .. }
        | Event::DeviceEnrolled { .. }
        | Event::EnrolmentRefused { .. }
        | Event::EnrolmentExpired { .. }
        | Event::DeviceRevoked { .. }
        | Event::PinLocked { .. }
        | Event::ProofRefused { .. }
        | Event::ProofHeld { .. }
        | Event::ChallengeConsumed { .. }
        | Event::VerdictReached { .. }
        | Event::DuplicateSubmission { .. } => {}
    }
    Ok(())
}

fn challenge_issued<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    event: &Event,
    place: Place,
) -> Result<(), Fault> {
    let Event::ChallengeIssued {
        tenant,
        challenge,
        contact,
        subject,
        policy,
        policy_version,
        policy_digest,
        body,
        nonce,
        token,
        expires,
        tag,
        initiator: _,
        call_reason: _,
        context_digest: _,
    } = event
    else {
        return Ok(());
    };
    let record = Challenge {
        contact: *contact,
        subject: *subject,
        policy: policy.clone(),
        policy_version: *policy_version,
        policy_digest: *policy_digest,
        body: *body,
        nonce: *nonce,
        token_hash: Digest::of(token),
        issued: place.stamp,
        expires: *expires,
        leaf: place.leaf,
        refusals: 0,
        strangers: Vec::new(),
        judged: Vec::new(),
        duplicate_recorded: false,
        opened: false,
        verdict: None,
        tag: *tag,
    };
    store(
        state,
        Table::Call,
        keys::challenge(*tenant, *challenge),
        &record,
    );
    with_contact(state, *tenant, *contact, |record| {
        record.challenge = *challenge;
    })?;
    let window = place.stamp.before_us(crate::limits::NOTICE_WINDOW_US);
    with_subject(state, *tenant, *subject, |record| {
        record.open = Some(*challenge);
        record.notices.retain(|sent| *sent > window);
        record.notices.push(place.stamp);
    })?;
    let notice = Notice {
        challenge: *challenge,
        token: *token,
        leaf: place.leaf,
    };
    store(
        state,
        Table::Outbox,
        keys::notice(*tenant, *subject, *challenge),
        &notice,
    );
    let timer = keys::timer(*expires, TimerKind::Challenge, *tenant, challenge.0);
    state.put(Table::Timer, timer, Vec::new());
    Ok(())
}

fn submission<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    event: &Event,
    place: Place,
) -> Result<(), Fault> {
    match event {
        Event::ProofRefused {
            tenant,
            challenge,
            subject,
            judged,
            possession_held,
            pin_counted,
            evidence,
            ..
        } => {
            with_challenge(state, *tenant, *challenge, |record| {
                if *possession_held {
                    record.refusals = record.refusals.saturating_add(1);
                    record.judged.push(*judged);
                } else {
                    record.strangers.push(judged.fingerprint);
                }
            })?;
            if *pin_counted {
                with_subject(state, *tenant, *subject, |record| {
                    record.pin.failures = record.pin.failures.saturating_add(1);
                    record.pin.locked_until = Stamp::default();
                })?;
            }
            keep_evidence(state, *tenant, challenge.0, place, evidence);
        }
        Event::ProofHeld {
            tenant,
            challenge,
            subject,
            judged,
            factors: held,
            evidence,
            ..
        } => {
            with_challenge(state, *tenant, *challenge, |record| {
                record.judged.push(*judged);
            })?;
            if held & factors::KNOW != 0 {
                with_subject(state, *tenant, *subject, |r| r.pin = PinCounter::default())?;
            }
            keep_evidence(state, *tenant, challenge.0, place, evidence);
        }
        Event::VerdictReached { .. } => verdict_reached(state, event, place)?,
        Event::DuplicateSubmission {
            tenant, challenge, ..
        } => {
            with_challenge(state, *tenant, *challenge, |record| {
                record.duplicate_recorded = true;
            })?;
        }
        // The verdict that follows carries the change.
        Event::ChallengeConsumed { .. }
        | Event::ClusterFounded { .. }
        | Event::TenantCreated { .. }
        | Event::PolicyActivated { .. }
        | Event::SettingsChanged { .. }
        | Event::AgentRegistered { .. }
        | Event::EnrolmentOpened { .. }
        | Event::DeviceEnrolled { .. }
        | Event::EnrolmentRefused { .. }
        | Event::EnrolmentExpired { .. }
        | Event::DeviceRevoked { .. }
        | Event::PinLocked { .. }
        | Event::ContactAnnounced { .. }
        | Event::AgentBound { .. }
        | Event::ChallengeIssued { .. }
        | Event::NoticeOpened { .. }
        | Event::ContactClosed { .. } => {}
    }
    Ok(())
}

fn verdict_reached<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    event: &Event,
    place: Place,
) -> Result<(), Fault> {
    let Event::VerdictReached {
        tenant,
        challenge,
        contact,
        subject,
        outcome,
        reason,
        factors,
        policy_version,
        not_after,
        tag: _,
    } = event
    else {
        return Ok(());
    };
    let verdict = Verdict {
        outcome: *outcome,
        reason: *reason,
        factors: *factors,
        policy_version: *policy_version,
        decided: place.stamp,
        not_after: *not_after,
        leaf: place.leaf,
    };
    with_contact(state, *tenant, *contact, |record| {
        record.verdict = Some(verdict);
    })?;
    if *challenge == ChallengeId::ZERO {
        return Ok(());
    }
    let mut expires = Stamp::default();
    with_challenge(state, *tenant, *challenge, |record| {
        record.verdict = Some(verdict);
        expires = record.expires;
    })?;
    with_subject(state, *tenant, *subject, |record| {
        if record.open == Some(*challenge) {
            record.open = None;
        }
    })?;
    state.delete(Table::Outbox, keys::notice(*tenant, *subject, *challenge));
    let timer = keys::timer(expires, TimerKind::Challenge, *tenant, challenge.0);
    state.delete(Table::Timer, timer);
    Ok(())
}

fn keep_evidence<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    id: [u8; 16],
    place: Place,
    evidence: &Evidence,
) {
    store(
        state,
        Table::Evidence,
        keys::evidence(tenant, id, place.leaf),
        evidence,
    );
}

fn close_enrolment<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    id: EnrolmentId,
) -> Result<(), Fault> {
    let mut record = state.enrolment(tenant, id)?.ok_or(Fault::Corrupt)?;
    record.closed = true;
    store(state, Table::Subject, keys::enrolment(tenant, id), &record);
    state.delete(
        Table::Timer,
        keys::timer(record.expires, TimerKind::Enrolment, tenant, id.0),
    );
    Ok(())
}

fn with_subject<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    id: SubjectHash,
    change: impl FnOnce(&mut Subject),
) -> Result<(), Fault> {
    let mut record = state.subject(tenant, id)?;
    change(&mut record);
    store(state, Table::Subject, keys::subject(tenant, id), &record);
    Ok(())
}

/// Events about a contact follow its announcement, so a missing record means foreign bytes.
fn with_contact<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    id: ContactId,
    change: impl FnOnce(&mut Contact),
) -> Result<(), Fault> {
    let mut record = state.contact(tenant, id)?.ok_or(Fault::Corrupt)?;
    change(&mut record);
    store(state, Table::Call, keys::contact(tenant, id), &record);
    Ok(())
}

fn with_challenge<V: View + ?Sized>(
    state: &mut Overlay<'_, V>,
    tenant: u32,
    id: ChallengeId,
    change: impl FnOnce(&mut Challenge),
) -> Result<(), Fault> {
    let mut record = state.challenge(tenant, id)?.ok_or(Fault::Corrupt)?;
    change(&mut record);
    store(state, Table::Call, keys::challenge(tenant, id), &record);
    Ok(())
}
