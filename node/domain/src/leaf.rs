//! The leaf of an event: what the audit log says about it, in canonical bytes.
//!
//! Formed here and nowhere else. Nothing that a node measures itself may enter, and nothing that
//! names a person: pseudonyms made with the tenant's key, and salted commitments to evidence.
//! `docs/events.md` lists every kind with its columns.

mod admin;
mod call;
mod contact;
mod customer;
mod enrolment;
mod holding;
mod member;
mod notifier;
mod order;
mod oversight;
mod presence;
mod processed;
mod question;
mod registry;
mod session;
mod submission;

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
    /// What a challenge or a policy is for: the purpose of the proof context (u8).
    pub const PURPOSE: u16 = 11;
    /// How often the subject's PIN key was replaced (u32, big-endian).
    pub const PIN_EPOCH: u16 = 12;
    /// Salted hash of an order (32 bytes).
    pub const ORDER_HASH: u16 = 13;
    /// An order's id (16 bytes).
    pub const ORDER: u16 = 14;
    /// A login's id (16 bytes).
    pub const LOGIN: u16 = 15;
    /// Slot of the part that failed (u8).
    pub const FAILED_SLOT: u16 = 16;
    /// Predicates that held, one bit per slot (u8).
    pub const PREDICATES: u16 = 17;
    /// Assurance of a face: 0 software, 1 attested, 2 secure, 255 none (u8).
    pub const LEVEL: u16 = 18;
    /// What an invitation is for: 1 device, 2 credential, 3 template (u8).
    pub const ENROLMENT_KIND: u16 = 19;
    /// Who is invited: 1 customer, 2 agent (u8).
    pub const PARTY: u16 = 20;
    /// Digest of a sealed payload (32 bytes).
    pub const SEALED_DIGEST: u16 = 21;
    /// An agent's session (16 bytes).
    pub const SESSION: u16 = 30;
    /// How a login was proved: 1 without a face, 2 with one (u8).
    pub const LOGIN_LEVEL: u16 = 31;
    /// Whether a login proved predicates (u8).
    pub const TRAINING: u16 = 32;
    /// Points of the checklist of an agent's machine, as bits of the tenant (u32, big-endian).
    pub const POSTURE: u16 = 33;
    /// Version of the tenant's written rules (u32, big-endian).
    pub const RULES_VERSION: u16 = 34;
    /// Fields that are masked otherwise, as bits of the tenant (u32, big-endian).
    pub const FIELDS: u16 = 35;
    /// A request to see masked fields (16 bytes).
    pub const UNMASK: u16 = 36;
    /// Who is seen at a desktop (u8).
    pub const PRESENCE: u16 = 45;
    /// Who was seen before (u8).
    pub const PRESENCE_BEFORE: u16 = 46;
    /// Why that changed (u8).
    pub const PRESENCE_CAUSE: u16 = 47;
    /// What was heard: from when (u64), sessions (u32), heartbeats (u64), big-endian.
    pub const HEARD: u16 = 48;
    /// The replica whose edge says so (u64, big-endian).
    pub const EDGE: u16 = 49;
    /// What a verdict or a contact is good for, as bits of the tenant (u32, big-endian).
    pub const SCOPE: u16 = 50;
    /// What spoke against full trust, as bits (u8).
    pub const LIMITS: u16 = 51;
    /// How many different factor types held: 1, or 2 for two and more; 0 unless verified (u8).
    pub const AAL: u16 = 52;
    /// The tenant's number of a campaign (u32, big-endian); zero if there is none.
    pub const CAMPAIGN: u16 = 53;
    /// The tenant's number of a queue (u32, big-endian); zero if there is none.
    pub const QUEUE: u16 = 54;
    /// The contact that a contact continues (16 bytes).
    pub const PREVIOUS: u16 = 55;
    /// Signals about a caller's number: age of the SIM, kind of line, flags, attestation (4 bytes).
    pub const RISK: u16 = 56;
    /// The kind of a weaker way (u8).
    pub const FALLBACK: u16 = 57;
    /// The pseudonym of somebody who may act for the subject (16 bytes).
    pub const DELEGATE_TAG: u16 = 58;
    /// What the telephone system said: 1 delivered, 2 established, 3 held, 4 retrieved, 5 transferred,
    /// 6 conferenced, 7 diverted, 8 connection cleared, 9 abandoned (u8).
    pub const CALL_EVENT: u16 = 65;
    /// How a call stands: 0 none, 1 ringing, 2 established, 3 held, 4 cleared (u8).
    pub const LEG: u16 = 66;
    /// Which step-up of its contact, from 1 (u8).
    pub const STEP: u16 = 67;
    /// Issuers' keys that a proof rests on: the first eight bytes of each id, ascending.
    pub const ISSUERS: u16 = 68;
    /// Credentials that a proof rests on: the first eight bytes of each digest, ascending.
    pub const CREDENTIALS: u16 = 69;
    /// How many records go (u32, big-endian).
    pub const COUNT: u16 = 70;
    /// SHA-256 of a processor's public key (32 bytes).
    pub const PROCESSOR: u16 = 80;
    /// Number of an executed order in its campaign, from 1; of a period's last (u64, big-endian).
    pub const ORDER_NUMBER: u16 = 81;
    /// Commitment to an order's amount (32 bytes).
    pub const AMOUNT: u16 = 82;
    /// Sum of the commitments of a campaign from its first order to this one (32 bytes).
    pub const AMOUNT_SUM: u16 = 83;
    /// Number of a period's first order (u64, big-endian).
    pub const PERIOD_FIRST: u16 = 84;
    /// Sum of the commitments of a period (32 bytes).
    pub const PERIOD_SUM: u16 = 85;
    /// Raft id of a member (u64, big-endian).
    pub const MEMBER: u16 = 100;
    /// SHA-256 of the text of the key set in force behind the leaf (32 bytes).
    pub const KEY_SET: u16 = 101;
    /// What a member's data directory calls itself (16 bytes).
    pub const LIFE: u16 = 102;
    /// Raft index of an entry (u64, big-endian).
    pub const LOG_INDEX: u16 = 103;
}

/// Bits of the `flags` column.
pub mod flag {
    /// Possession was valid.
    pub const POSSESSION_HELD: u32 = 1;
    /// A wrong PIN was counted.
    pub const PIN_COUNTED: u32 = 2;
    /// A weaker way held.
    pub const PASSED: u32 = 4;
    /// No second person was asked.
    pub const BREAK_GLASS: u32 = 8;
}

/// What the leaf of one kind of event says besides tenant, contact and place.
pub(crate) trait Columns {
    /// Fills it in; extensions in ascending order of their columns.
    fn columns(&self, leaf: &mut Leaf);
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
    event.columns(&mut leaf);
    leaf
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

/// Digests by their first eight bytes: enough to find one, few enough for a column. As many as fit; a
/// policy asks for fewer.
fn named(digests: &[Digest]) -> Vec<u8> {
    const BYTES: usize = 8;
    const FIT: usize = 12;
    let starts = digests.iter().take(FIT);
    starts
        .flat_map(|digest| digest.0.iter().take(BYTES).copied())
        .collect()
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
/// Factor commitment: SHA-256(`"akashi/v1/evidence-factor"` ‖ 0 ‖ salt ‖ 0 ‖ Borsh of kind, slot,
/// serial, second serial, attribute, instance, proof, attachment and result). The whole: SHA-256(`"akashi/v1/evidence"` ‖ count u8 ‖ commitments in order).
#[must_use]
pub fn evidence_commitment(evidence: &Evidence) -> Digest {
    let mut hash = Sha256::new();
    hash.update(b"akashi/v1/evidence");
    hash.update([u8::try_from(evidence.factors.len()).unwrap_or(u8::MAX)]);
    for factor in &evidence.factors {
        let body = encode(&(
            (factor.kind, factor.slot, factor.serial),
            (factor.second_serial, factor.attribute),
            (&factor.instance, &factor.proof, &factor.attachment),
            factor.held,
        ));
        hash.update(labelled(
            b"akashi/v1/evidence-factor",
            &[&factor.salt, &body],
        ));
    }
    Digest(hash.finalize().into())
}
