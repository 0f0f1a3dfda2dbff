//! The leaf of an event: what the audit log says about it, in canonical bytes.
//!
//! Formed here and nowhere else. Nothing that a node measures itself may enter, and nothing that
//! names a person: pseudonyms made with the tenant's key, and salted commitments to evidence.
//! `docs/events.md` lists every kind with its columns.

use akashi_merkle::Leaf;
use sha2::{Digest as _, Sha256};

use crate::entry::{RULE_VERSION, encode};
use crate::event::Event;
use crate::ids::{Digest, Stamp, Tag, labelled};
use crate::records::Evidence;

/// Extension columns by number; `docs/events.md` says which kind carries which.
pub mod column {
    /// Code shown to the customer (u16, big-endian).
    pub const CALL_REASON: u16 = 1;
    /// Who placed the call (1 customer, 2 centre).
    pub const INITIATOR: u16 = 2;
    /// The tenant's own code (u16, big-endian).
    pub const DISPOSITION: u16 = 3;
    /// A name in UTF-8: of a tenant, a policy, a cluster.
    pub const NAME: u16 = 4;
    /// A policy's digest (32 bytes).
    pub const POLICY_DIGEST: u16 = 5;
    /// Proof kind that failed (u8); zero if a required one was missing.
    pub const FAILED_KIND: u16 = 6;
    /// Factor types that held, as bits (u8).
    pub const FACTORS: u16 = 7;
    /// A stamp (u64, big-endian microseconds): end of validity, of a challenge, of a lock.
    pub const UNTIL: u16 = 8;
    /// SHA-256 of settings, of replicas with their keys, of a certificate.
    pub const DIGEST: u16 = 9;
    /// Fingerprint of a submission (32 bytes).
    pub const FINGERPRINT: u16 = 10;
}

/// Bits of the `flags` column.
pub mod flag {
    /// Possession was valid.
    pub const POSSESSION_HELD: u32 = 1;
    /// A wrong PIN was counted.
    pub const PIN_COUNTED: u32 = 2;
}

/// Where the leaf stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafPlace {
    /// Cluster time.
    pub stamp: Stamp,
    /// Term of the entry.
    pub term: u64,
    /// Index of the entry.
    pub log_index: u64,
    /// Position among the entry's events.
    pub ordinal: u32,
}

/// Forms the leaf of `event`.
#[must_use]
pub fn leaf(event: &Event, place: LeafPlace) -> Leaf {
    let mut leaf = Leaf {
        kind: event.kind(),
        stamp_us: place.stamp.0,
        term: place.term,
        log_index: place.log_index,
        ordinal: place.ordinal,
        tenant: event.tenant(),
        contact_id: event.contact().unwrap_or_default().0,
        rule_version: RULE_VERSION,
        ..Leaf::default()
    };
    match event {
        Event::ClusterFounded { .. }
        | Event::TenantCreated { .. }
        | Event::PolicyActivated { .. }
        | Event::SettingsChanged { .. }
        | Event::AgentRegistered { .. } => admin(&mut leaf, event),
        Event::EnrolmentOpened { .. }
        | Event::DeviceEnrolled { .. }
        | Event::EnrolmentRefused { .. }
        | Event::EnrolmentExpired { .. }
        | Event::DeviceRevoked { .. }
        | Event::PinLocked { .. } => enrolment(&mut leaf, event),
        Event::ContactAnnounced { .. }
        | Event::AgentBound { .. }
        | Event::ChallengeIssued { .. }
        | Event::NoticeOpened { .. }
        | Event::ContactClosed { .. } => contact(&mut leaf, event),
        Event::ProofRefused { .. }
        | Event::ProofHeld { .. }
        | Event::ChallengeConsumed { .. }
        | Event::VerdictReached { .. }
        | Event::DuplicateSubmission { .. } => submission(&mut leaf, event),
    }
    leaf
}

fn admin(leaf: &mut Leaf, event: &Event) {
    match event {
        Event::ClusterFounded { cluster } => {
            set(leaf, column::NAME, cluster.origin.as_bytes());
            set(leaf, column::DIGEST, &Digest::of(&encode(cluster)).0);
        }
        Event::TenantCreated { name, .. } => set(leaf, column::NAME, name.as_bytes()),
        Event::PolicyActivated { policy, .. } => {
            leaf.policy_version = policy.version;
            set(leaf, column::NAME, policy.name.as_bytes());
            set(leaf, column::POLICY_DIGEST, &policy.digest.0);
        }
        Event::SettingsChanged { settings } => {
            set(leaf, column::DIGEST, &Digest::of(&encode(settings)).0);
        }
        Event::AgentRegistered { certificate, .. } => set(leaf, column::DIGEST, &certificate.0),
        Event::EnrolmentOpened { .. }
        | Event::DeviceEnrolled { .. }
        | Event::EnrolmentRefused { .. }
        | Event::EnrolmentExpired { .. }
        | Event::DeviceRevoked { .. }
        | Event::PinLocked { .. }
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
}

fn enrolment(leaf: &mut Leaf, event: &Event) {
    match event {
        Event::EnrolmentOpened {
            enrolment,
            expires,
            tag,
            ..
        } => {
            leaf.challenge_id = enrolment.0;
            leaf.subject_tag = tag.0;
            set(leaf, column::UNTIL, &expires.0.to_be_bytes());
        }
        Event::DeviceEnrolled {
            enrolment,
            device_key,
            tag,
            evidence,
            ..
        } => {
            leaf.challenge_id = enrolment.0;
            leaf.subject_tag = tag.0;
            leaf.device_tag = device_tag(device_key);
            prove_by(leaf, evidence);
        }
        Event::EnrolmentRefused {
            enrolment,
            reason,
            tag,
            ..
        } => {
            leaf.challenge_id = enrolment.0;
            leaf.subject_tag = tag.0;
            leaf.reason = *reason;
        }
        Event::EnrolmentExpired { enrolment, tag, .. } => {
            leaf.challenge_id = enrolment.0;
            leaf.subject_tag = tag.0;
        }
        Event::DeviceRevoked { reason, tag, .. } => {
            leaf.subject_tag = tag.0;
            set(leaf, column::DISPOSITION, &reason.to_be_bytes());
        }
        Event::PinLocked { until, tag, .. } => {
            leaf.subject_tag = tag.0;
            set(leaf, column::UNTIL, &until.0.to_be_bytes());
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
}

fn contact(leaf: &mut Leaf, event: &Event) {
    match event {
        Event::ContactAnnounced {
            initiator,
            call_reason,
            tag,
            ..
        } => {
            leaf.subject_tag = tag.0;
            set(leaf, column::CALL_REASON, &call_reason.to_be_bytes());
            set(leaf, column::INITIATOR, &encode(initiator));
        }
        Event::AgentBound { agent_tag, .. } => leaf.actor_tag = agent_tag.0,
        Event::ChallengeIssued {
            challenge,
            initiator,
            call_reason,
            policy,
            policy_version,
            policy_digest,
            expires,
            context_digest,
            tag,
            ..
        } => {
            leaf.challenge_id = challenge.0;
            leaf.subject_tag = tag.0;
            leaf.policy_version = *policy_version;
            leaf.statement_hash = context_digest.0;
            leaf.suite = akashi_proof::Suite::V1.code();
            set(leaf, column::CALL_REASON, &call_reason.to_be_bytes());
            set(leaf, column::INITIATOR, &encode(initiator));
            set(leaf, column::NAME, policy.as_bytes());
            set(leaf, column::POLICY_DIGEST, &policy_digest.0);
            set(leaf, column::UNTIL, &expires.0.to_be_bytes());
        }
        Event::NoticeOpened { challenge, tag, .. } => about(leaf, challenge.0, *tag),
        Event::ContactClosed { disposition, .. } => {
            set(leaf, column::DISPOSITION, &disposition.to_be_bytes());
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
}

fn submission(leaf: &mut Leaf, event: &Event) {
    match event {
        Event::ProofRefused {
            challenge,
            judged,
            failed_kind,
            possession_held,
            pin_counted,
            evidence,
            tag,
            ..
        } => {
            about(leaf, challenge.0, *tag);
            leaf.reason = judged.reason;
            leaf.flags =
                bit(*possession_held, flag::POSSESSION_HELD) | bit(*pin_counted, flag::PIN_COUNTED);
            prove_by(leaf, evidence);
            set(leaf, column::FAILED_KIND, &[*failed_kind]);
            set(leaf, column::FINGERPRINT, &judged.fingerprint.0);
        }
        Event::ProofHeld {
            challenge,
            judged,
            factors,
            evidence,
            tag,
            ..
        } => {
            about(leaf, challenge.0, *tag);
            leaf.flags = flag::POSSESSION_HELD;
            prove_by(leaf, evidence);
            set(
                leaf,
                column::FACTORS,
                &[u8::try_from(*factors).unwrap_or(u8::MAX)],
            );
            set(leaf, column::FINGERPRINT, &judged.fingerprint.0);
        }
        Event::ChallengeConsumed { challenge, tag, .. } => about(leaf, challenge.0, *tag),
        Event::VerdictReached {
            challenge,
            outcome,
            reason,
            factors,
            policy_version,
            not_after,
            tag,
            ..
        } => {
            about(leaf, challenge.0, *tag);
            leaf.outcome = outcome.code();
            leaf.reason = *reason;
            leaf.policy_version = *policy_version;
            set(
                leaf,
                column::FACTORS,
                &[u8::try_from(*factors).unwrap_or(u8::MAX)],
            );
            set(leaf, column::UNTIL, &not_after.0.to_be_bytes());
        }
        Event::DuplicateSubmission {
            challenge,
            fingerprint,
            tag,
            ..
        } => {
            about(leaf, challenge.0, *tag);
            set(leaf, column::FINGERPRINT, &fingerprint.0);
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
        | Event::ContactAnnounced { .. }
        | Event::AgentBound { .. }
        | Event::ChallengeIssued { .. }
        | Event::NoticeOpened { .. }
        | Event::ContactClosed { .. } => {}
    }
}

const fn bit(set: bool, bit: u32) -> u32 {
    if set { bit } else { 0 }
}

fn about(leaf: &mut Leaf, challenge: [u8; 16], tag: Tag) {
    leaf.challenge_id = challenge;
    leaf.subject_tag = tag.0;
}

/// Columns are set in ascending order, once each, and every value is short; a column that would not
/// fit is left out on every replica alike.
fn set(leaf: &mut Leaf, column: u16, value: &[u8]) {
    let fitted = leaf.extensions.insert(column, value);
    debug_assert!(fitted.is_ok(), "columns are short, ascending and set once");
}

fn prove_by(leaf: &mut Leaf, evidence: &Evidence) {
    leaf.suite = akashi_proof::Suite::V1.code();
    leaf.statement_hash = Digest::of(&evidence.context).0;
    leaf.evidence_commitment = evidence_commitment(evidence).0;
}

/// A pseudonym of a device key: the same phone of one tenant has the same one.
fn device_tag(device_key: &[u8; 32]) -> [u8; 16] {
    let digest = labelled(b"akashi/v1/device-tag", &[device_key]);
    let mut tag = [0; 16];
    for (to, from) in tag.iter_mut().zip(digest) {
        *to = from;
    }
    tag
}

/// SHA-256 over one salted commitment per factor, so that one factor's part can be withheld or
/// erased while the others stay checkable.
///
/// Factor commitment: SHA-256(`"akashi/v1/evidence-factor"` ‖ 0 ‖ salt ‖ 0 ‖ Borsh of kind, instance,
/// proof and result). The whole: SHA-256(`"akashi/v1/evidence"` ‖ count u8 ‖ commitments in order).
#[must_use]
pub fn evidence_commitment(evidence: &Evidence) -> Digest {
    let mut hash = Sha256::new();
    hash.update(b"akashi/v1/evidence");
    hash.update([u8::try_from(evidence.factors.len()).unwrap_or(u8::MAX)]);
    for factor in &evidence.factors {
        let body = encode(&(factor.kind, &factor.instance, &factor.proof, factor.held));
        hash.update(labelled(
            b"akashi/v1/evidence-factor",
            &[&factor.salt, &body],
        ));
    }
    Digest(hash.finalize().into())
}
