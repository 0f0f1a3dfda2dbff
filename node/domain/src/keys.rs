//! Where each record lies: one function per key, big-endian, the tenant first.
//!
//! Within a table a tag byte keeps kinds of records apart.

use crate::ids::{
    AgentHash, ChallengeId, ClientId, ContactId, Digest, EnrolmentId, LoginId, OrderId, RequestId,
    Serial, SessionId, Stamp, SubjectHash, Tag, UnmaskId,
};
use crate::limits::DEDUPE_BUCKET_MS;

fn key(tag: u8, tenant: u32, id: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(id.len().saturating_add(5));
    key.push(tag);
    key.extend_from_slice(&tenant.to_be_bytes());
    key.extend_from_slice(id);
    key
}

/// `Meta`: [`crate::records::Progress`].
pub const PROGRESS: &[u8] = b"progress";
/// `Meta`: [`crate::records::Cluster`].
pub const CLUSTER: &[u8] = b"cluster";
/// `Meta`: [`crate::records::Members`]; absent until the first change.
pub const MEMBERS: &[u8] = b"members";
/// `Meta`: [`crate::records::StateMark`]; absent until the first mark.
pub const STATE_MARK: &[u8] = b"state-mark";
/// `Policy`: [`crate::records::Settings`].
pub const SETTINGS: &[u8] = b"s";

/// `Meta`: [`crate::records::KeySetChange`] by its number.
#[must_use]
pub fn key_set_change(number: u32) -> Vec<u8> {
    let mut key = b"key-set/".to_vec();
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// `Policy`: [`crate::records::SessionSettings`].
pub const SESSION_SETTINGS: &[u8] = b"l";

/// `Policy`: [`crate::records::Tenant`] by name.
#[must_use]
pub fn tenant(name: &str) -> Vec<u8> {
    let mut key = vec![b't'];
    key.extend_from_slice(name.as_bytes());
    key
}

/// `Policy`: a tenant's name by its number.
#[must_use]
pub fn tenant_name(tenant: u32) -> Vec<u8> {
    key(b'n', tenant, &[])
}

/// `Policy`: the newest [`crate::records::Policy`] of a name.
#[must_use]
pub fn policy(tenant: u32, name: &str) -> Vec<u8> {
    key(b'p', tenant, name.as_bytes())
}

/// `Policy`: one version of a policy, kept for evidence. The version is the last four bytes.
#[must_use]
pub fn policy_version(tenant: u32, name: &str, version: u32) -> Vec<u8> {
    let mut key = key(b'v', tenant, name.as_bytes());
    key.push(0);
    key.extend_from_slice(&version.to_be_bytes());
    key
}

/// `Policy`: present, and empty, once this version of a policy is retired.
#[must_use]
pub fn policy_retired(tenant: u32, name: &str, version: u32) -> Vec<u8> {
    let mut key = key(b'r', tenant, name.as_bytes());
    key.push(0);
    key.extend_from_slice(&version.to_be_bytes());
    key
}

/// `Policy`: [`crate::records::Issuer`] by its key's id.
#[must_use]
pub fn issuer(tenant: u32, key_id: Digest) -> Vec<u8> {
    key(b'i', tenant, &key_id.0)
}

/// `Policy`: [`crate::records::Sensor`] by its certificate's digest.
#[must_use]
pub fn sensor(tenant: u32, certificate: Digest) -> Vec<u8> {
    key(b'm', tenant, &certificate.0)
}

/// `Agent`: [`crate::records::Agent`].
#[must_use]
pub fn agent(tenant: u32, agent: AgentHash) -> Vec<u8> {
    key(b'a', tenant, &agent.0)
}

/// `Subject`: [`crate::records::Subject`].
#[must_use]
pub fn subject(tenant: u32, subject: SubjectHash) -> Vec<u8> {
    key(b's', tenant, &subject.0)
}

/// `Subject`: [`crate::records::Enrolment`].
#[must_use]
pub fn enrolment(tenant: u32, enrolment: EnrolmentId) -> Vec<u8> {
    key(b'e', tenant, &enrolment.0)
}

/// `Subject`: [`crate::records::Credential`] by its serial.
#[must_use]
pub fn credential(tenant: u32, subject: SubjectHash, serial: Serial) -> Vec<u8> {
    let mut key = credentials_from(tenant, subject);
    key.extend_from_slice(&serial.0);
    key
}

/// `Subject`: no key of a credential of this subject is below.
#[must_use]
pub fn credentials_from(tenant: u32, subject: SubjectHash) -> Vec<u8> {
    key(b'k', tenant, &subject.0)
}

/// `Subject`: every key of a credential of this subject is below.
#[must_use]
pub fn credentials_to(tenant: u32, subject: SubjectHash) -> Vec<u8> {
    let mut key = credential(tenant, subject, Serial([0xff; 16]));
    key.push(0);
    key
}

/// `Subject`: [`crate::records::Template`].
#[must_use]
pub fn template(tenant: u32, subject: SubjectHash) -> Vec<u8> {
    key(b't', tenant, &subject.0)
}

/// `Subject`: [`crate::records::Delegation`] of a customer, by who may act.
#[must_use]
pub fn delegation(tenant: u32, principal: SubjectHash, delegate: SubjectHash) -> Vec<u8> {
    let mut key = key(b'd', tenant, &principal.0);
    key.extend_from_slice(&delegate.0);
    key
}

/// `Subject`: [`crate::records::History`].
#[must_use]
pub fn history(tenant: u32, subject: SubjectHash) -> Vec<u8> {
    key(b'y', tenant, &subject.0)
}

/// `Call`: [`crate::records::Contact`].
#[must_use]
pub fn contact(tenant: u32, contact: ContactId) -> Vec<u8> {
    key(b'c', tenant, &contact.0)
}

/// `Call`: [`crate::records::Challenge`].
#[must_use]
pub fn challenge(tenant: u32, challenge: ChallengeId) -> Vec<u8> {
    key(b'h', tenant, &challenge.0)
}

/// `Call`: [`crate::records::Sent`] of a challenge's notice.
#[must_use]
pub fn sent(tenant: u32, challenge: ChallengeId) -> Vec<u8> {
    key(b'd', tenant, &challenge.0)
}

/// `Call`: [`crate::records::Order`].
#[must_use]
pub fn order(tenant: u32, contact: ContactId, order: OrderId) -> Vec<u8> {
    let mut key = key(b'o', tenant, &contact.0);
    key.extend_from_slice(&order.0);
    key
}

/// `Call`: [`crate::records::Tally`] of a tenant.
#[must_use]
pub fn tally(tenant: u32) -> Vec<u8> {
    key(b'Y', tenant, &[])
}

/// `Call`: the leaf of the closed contact with this number (u64).
#[must_use]
pub fn processed(tenant: u32, number: u64) -> Vec<u8> {
    key(b'N', tenant, &number.to_be_bytes())
}

/// `Call`: [`crate::records::AgentLogin`].
#[must_use]
pub fn agent_login(tenant: u32, login: LoginId) -> Vec<u8> {
    key(b'l', tenant, &login.0)
}

/// `Agent`: [`crate::records::Session`].
#[must_use]
pub fn session(tenant: u32, session: SessionId) -> Vec<u8> {
    key(b's', tenant, &session.0)
}

/// `Agent`: no key of a session of this tenant is below.
#[must_use]
pub fn sessions_from(tenant: u32) -> Vec<u8> {
    key(b's', tenant, &[])
}

/// `Agent`: every key of a session of this tenant is below.
#[must_use]
pub fn sessions_to(tenant: u32) -> Vec<u8> {
    let mut key = session(tenant, SessionId([0xff; 16]));
    key.push(0);
    key
}

/// Takes the key of a session apart: tenant and id; `None` if it is none.
#[must_use]
pub fn session_of(key: &[u8]) -> Option<(u32, SessionId)> {
    let (tag, rest) = key.split_first()?;
    let (tenant, id) = rest.split_first_chunk::<4>()?;
    let id = id.try_into().ok()?;
    (*tag == b's').then_some((u32::from_be_bytes(*tenant), SessionId(id)))
}

/// `Agent`: the newest [`crate::records::Posture`] that an issuer of this name attested of an agent's
/// machine.
#[must_use]
pub fn posture(tenant: u32, agent: AgentHash, issuer: &str) -> Vec<u8> {
    let mut key = key(b'p', tenant, &agent.0);
    key.extend_from_slice(issuer.as_bytes());
    key
}

/// `Agent`: [`crate::records::Refusals`], by the agent's pseudonym.
#[must_use]
pub fn refusals(tenant: u32, agent: Tag) -> Vec<u8> {
    key(b'f', tenant, &agent.0)
}

/// `Agent`: empty; an agent has this contact, without a session.
#[must_use]
pub fn held(tenant: u32, agent: AgentHash, contact: ContactId) -> Vec<u8> {
    let mut key = key(b'h', tenant, &agent.0);
    key.extend_from_slice(&contact.0);
    key
}

/// `Agent`: every key of [`held`] of the agents with this beginning ([`beginning`]) lies from the first to
/// below the second.
#[must_use]
pub fn held_by(tenant: u32, agent: [u8; 16]) -> (Vec<u8>, Vec<u8>) {
    between(b'h', tenant, agent)
}

/// The agent and the contact of a key of [`held`]; `None` if it is none.
#[must_use]
pub fn held_of(key: &[u8]) -> Option<(AgentHash, ContactId)> {
    let (_tag_and_tenant, rest) = key.split_first_chunk::<5>()?;
    let (agent, contact) = rest.split_first_chunk::<32>()?;
    Some((AgentHash(*agent), ContactId(contact.try_into().ok()?)))
}

/// `Call`: empty; this customer has this contact, announced then, which is neither closed nor blocked.
#[must_use]
pub fn open_contact(
    tenant: u32,
    subject: SubjectHash,
    announced: Stamp,
    contact: ContactId,
) -> Vec<u8> {
    let mut key = open_contacts_before(tenant, subject, announced);
    key.extend_from_slice(&contact.0);
    key
}

/// `Call`: every key of [`open_contact`] of what this customer had announced before `stamp` is below, and
/// with a stamp of zero no key of this customer.
#[must_use]
pub fn open_contacts_before(tenant: u32, subject: SubjectHash, stamp: Stamp) -> Vec<u8> {
    let mut key = key(b'O', tenant, &subject.0);
    key.extend_from_slice(&stamp.0.to_be_bytes());
    key
}

/// `Call`: every key of [`open_contact`] of the customers with this beginning ([`beginning`]) lies from the
/// first to below the second.
#[must_use]
pub fn open_contacts_of(tenant: u32, subject: [u8; 16]) -> (Vec<u8>, Vec<u8>) {
    between(b'O', tenant, subject)
}

/// The customer and the contact of a key of [`open_contact`]; `None` if it is none.
#[must_use]
pub fn open_contact_of(key: &[u8]) -> Option<(SubjectHash, ContactId)> {
    let (_tag_and_tenant, rest) = key.split_first_chunk::<5>()?;
    let (subject, rest) = rest.split_first_chunk::<32>()?;
    let (_announced, contact) = rest.split_first_chunk::<8>()?;
    Some((SubjectHash(*subject), ContactId(contact.try_into().ok()?)))
}

/// `Subject`: [`crate::records::Reported`].
#[must_use]
pub fn reported(tenant: u32, subject: SubjectHash) -> Vec<u8> {
    key(b'r', tenant, &subject.0)
}

/// `Agent` or `Subject`: when the timer of this kind is due that goes on with this agent or customer, while
/// there is one.
#[must_use]
pub fn going_on(tenant: u32, who: &[u8; 32]) -> Vec<u8> {
    key(b'g', tenant, who)
}

/// The first half of a hash, where a timer has no room for more: two persons share it once in 2^64.
#[must_use]
pub fn beginning(hash: &[u8; 32]) -> [u8; 16] {
    let mut first = [0; 16];
    for (to, from) in first.iter_mut().zip(hash) {
        *to = *from;
    }
    first
}

/// From no key of this tag, tenant and beginning to no key of it any more.
fn between(tag: u8, tenant: u32, beginning: [u8; 16]) -> (Vec<u8>, Vec<u8>) {
    let from = key(tag, tenant, &beginning);
    let mut to = from.clone();
    // Longer than what follows the beginning in any key.
    to.extend_from_slice(&[u8::MAX; 64]);
    (from, to)
}

/// `Policy`: [`crate::records::WorkRules`] in force.
#[must_use]
pub fn work_rules(tenant: u32) -> Vec<u8> {
    key(b'r', tenant, &[])
}

/// `Call`: [`crate::records::Unmask`].
#[must_use]
pub fn unmask(tenant: u32, contact: ContactId, unmask: UnmaskId) -> Vec<u8> {
    let mut key = key(b'u', tenant, &contact.0);
    key.extend_from_slice(&unmask.0);
    key
}

/// `Outbox`: [`crate::records::SealedOrder`]; the key of its order.
#[must_use]
pub fn sealed_order(tenant: u32, contact: ContactId, order: OrderId) -> Vec<u8> {
    self::order(tenant, contact, order)
}

/// `Outbox`: no key of a tenant's sealed payload is below.
#[must_use]
pub fn sealed_orders_from(tenant: u32) -> Vec<u8> {
    key(b'o', tenant, &[])
}

/// `Outbox`: every key of a tenant's sealed payload is below.
#[must_use]
pub fn sealed_orders_to(tenant: u32) -> Vec<u8> {
    let mut key = sealed_order(tenant, ContactId([u8::MAX; 16]), OrderId([u8::MAX; 16]));
    key.push(0);
    key
}

/// `Call`: [`crate::records::Campaign`].
#[must_use]
pub fn campaign(tenant: u32, campaign: u32) -> Vec<u8> {
    key(b'g', tenant, &campaign.to_be_bytes())
}

/// `Call`: the 32 bytes of a campaign's running sum after its order `number`.
#[must_use]
pub fn campaign_sum(tenant: u32, campaign: u32, number: u64) -> Vec<u8> {
    let mut key = key(b'S', tenant, &campaign.to_be_bytes());
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// `Outbox`: [`crate::records::Notice`] of a subject.
#[must_use]
pub fn notice(tenant: u32, subject: SubjectHash, challenge: ChallengeId) -> Vec<u8> {
    let mut key = key(b'n', tenant, &subject.0);
    key.extend_from_slice(&challenge.0);
    key
}

/// `Evidence`: [`crate::records::Evidence`] of the leaf at `leaf`, under its challenge (or enrolment).
#[must_use]
pub fn evidence(tenant: u32, challenge: [u8; 16], leaf: u64) -> Vec<u8> {
    let mut key = key(b'e', tenant, &challenge);
    key.extend_from_slice(&leaf.to_be_bytes());
    key
}

/// `Evidence`: empty; names a record of evidence under the subject that it is about, so that it can be
/// found when the subject is erased.
#[must_use]
pub fn evidence_of_subject(
    tenant: u32,
    subject: SubjectHash,
    challenge: [u8; 16],
    leaf: u64,
) -> Vec<u8> {
    let mut key = key(b's', tenant, &subject.0);
    key.extend_from_slice(&challenge);
    key.extend_from_slice(&leaf.to_be_bytes());
    key
}

/// `Evidence`: every key of [`evidence_of_subject`] of this subject lies from the first to below the
/// second.
#[must_use]
pub fn evidence_of(tenant: u32, subject: SubjectHash) -> (Vec<u8>, Vec<u8>) {
    let from = key(b's', tenant, &subject.0);
    let mut to = evidence_of_subject(tenant, subject, [0xff; 16], u64::MAX);
    to.push(0);
    (from, to)
}

/// The key of the record that a key of [`evidence_of_subject`] names; `None` if it is none.
#[must_use]
pub fn evidence_named_by(key: &[u8]) -> Option<Vec<u8>> {
    let ([tag], rest) = key.split_first_chunk::<1>()?;
    let (tenant, rest) = rest.split_first_chunk::<4>()?;
    let (_subject, rest) = rest.split_first_chunk::<32>()?;
    let (challenge, leaf) = rest.split_first_chunk::<16>()?;
    let leaf = u64::from_be_bytes(leaf.try_into().ok()?);
    (*tag == b's').then(|| evidence(u32::from_be_bytes(*tenant), *challenge, leaf))
}

/// `Dedupe`: [`crate::records::Remembered`]; the bucket of the id's own time comes first.
#[must_use]
pub fn remembered(client: ClientId, request: RequestId) -> Vec<u8> {
    let mut key = dedupe_bucket(request.time_ms());
    key.extend_from_slice(&client.0);
    key.extend_from_slice(&request.0);
    key
}

/// `Dedupe`: the first key of the bucket that holds `time_ms`.
#[must_use]
pub fn dedupe_bucket(time_ms: u64) -> Vec<u8> {
    time_ms
        .checked_div(DEDUPE_BUCKET_MS)
        .unwrap_or_default()
        .to_be_bytes()
        .to_vec()
}

/// What falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerKind {
    /// A challenge's time runs out.
    Challenge,
    /// An invitation's time runs out.
    Enrolment,
    /// A sealed payload has waited long enough; under the id of its challenge.
    Order,
    /// A session's time runs out.
    Session,
    /// A notice was not opened for half of its challenge's time.
    Reminder,
    /// A locked agent may have more contacts without a session; under the beginning of the agent's hash.
    Release,
    /// A report may concern more contacts; under the beginning of the customer's hash.
    Report,
}

impl TimerKind {
    const fn code(self) -> u8 {
        match self {
            Self::Challenge => 1,
            Self::Enrolment => 2,
            Self::Order => 3,
            Self::Session => 4,
            Self::Reminder => 8,
            Self::Release => 16,
            Self::Report => 17,
        }
    }
}

/// `Timer`: an empty value at due time, kind, tenant and id.
#[must_use]
pub fn timer(due: Stamp, kind: TimerKind, tenant: u32, id: [u8; 16]) -> Vec<u8> {
    let mut key = due.0.to_be_bytes().to_vec();
    key.push(kind.code());
    key.extend_from_slice(&tenant.to_be_bytes());
    key.extend_from_slice(&id);
    key
}

/// The first `Timer` key later than everything due at `stamp`.
#[must_use]
pub fn timers_after(stamp: Stamp) -> Vec<u8> {
    stamp.0.saturating_add(1).to_be_bytes().to_vec()
}

/// The first `Timer` key due at `stamp`.
#[must_use]
pub fn timers_from(stamp: Stamp) -> Vec<u8> {
    stamp.0.to_be_bytes().to_vec()
}

/// When the timer under a `Timer` key is due; `None` if it is none.
#[must_use]
pub fn timer_due(key: &[u8]) -> Option<Stamp> {
    key.first_chunk::<8>()
        .map(|due| Stamp(u64::from_be_bytes(*due)))
}

/// Takes a `Timer` key apart; `None` if it is none.
#[must_use]
pub fn parse_timer(key: &[u8]) -> Option<(TimerKind, u32, [u8; 16])> {
    let (_due, rest) = key.split_first_chunk::<8>()?;
    let ([code], rest) = rest.split_first_chunk::<1>()?;
    let (tenant, id) = rest.split_first_chunk::<4>()?;
    let kind = match code {
        1 => TimerKind::Challenge,
        2 => TimerKind::Enrolment,
        3 => TimerKind::Order,
        4 => TimerKind::Session,
        8 => TimerKind::Reminder,
        16 => TimerKind::Release,
        17 => TimerKind::Report,
        _ => return None,
    };
    Some((kind, u32::from_be_bytes(*tenant), id.try_into().ok()?))
}
