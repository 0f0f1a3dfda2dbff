//! What the core remembers, record by record. Encoded with Borsh; the layouts are pinned by goldens.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::command::{EnrolmentKind, Initiator, Party};
use crate::entry::Sealed;
use crate::ids::{
    AgentHash, ChallengeId, ContactId, Digest, EnrolmentId, LoginId, Stamp, SubjectHash, Tag,
};
use crate::limits::SECOND_US;
use crate::outcome::Outcome;
use crate::policy::PolicyBody;

mod evidence;
mod holdings;
mod orders;
mod tally;

pub use evidence::{Evidence, EvidenceFactor};
pub use holdings::{Credential, Issuer, Sensor, Template};
pub use orders::{About, AgentLogin, Order, OrderTerms, SealedOrder};
pub use tally::Tally;

/// How far a replica has come: what the log gave it, as opposed to what it decided.
///
/// Kept beside the state, never inside: the state follows from events alone, while an entry that was
/// turned away leaves no event and still moves the cluster's clock.
///
/// # Durability
///
/// Stored in the same batch as the state, unsynced; after a crash the log replays the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Progress {
    /// Raft index of the last applied entry; zero before the first.
    pub log_index: u64,
    /// Its term.
    pub term: u64,
    /// Cluster time of that entry.
    pub stamp: Stamp,
    /// Leaves in the audit log.
    pub leaves: u64,
    /// The newest sealed head that applied state knows; an input of nonces.
    pub sealed: Sealed,
    /// Every timer due up to here has fired: where the next look begins, so that what was removed
    /// before is not passed over again.
    pub timers_fired: Stamp,
    /// Requests with ids of an earlier time than this, in milliseconds since 1970-01-01 UTC, may be
    /// forgotten and are refused, also if the horizon is raised later.
    pub forgotten_ms: u64,
    /// Requests with ids of an earlier time than this are gone: where the next look begins.
    pub pruned_ms: u64,
}

/// One voting replica, as the genesis entry names it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ReplicaInfo {
    /// Raft id.
    pub id: u64,
    /// Name of the node, also of its cosigning key.
    pub name: String,
    /// Where it stands.
    pub site: String,
    /// Its Ed25519 cosigning key.
    pub cosigner: [u8; 32],
}

/// The cluster itself; there is one.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Cluster {
    /// The log's origin: `<cluster>/e<epoch>/g<group>`.
    pub origin: String,
    /// Epoch of the log.
    pub epoch: u32,
    /// Raft group.
    pub group: u16,
    /// Its replicas.
    pub replicas: Vec<ReplicaInfo>,
    /// Cosignatures that seal a head.
    pub quorum: u8,
    /// Tenants so far: the next one gets this number plus one.
    pub tenants: u32,
}

/// A client firm.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Tenant {
    /// Its number in keys and leaves, from 1.
    pub number: u32,
    /// Its name.
    pub name: String,
}

/// Cluster-wide limits that decisions read. Changed by a command, never by a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Settings {
    /// Notices per subject within an hour.
    pub notices_per_hour: u32,
    /// Recorded refusals after which a challenge ends.
    pub refusals_per_challenge: u32,
    /// Wrong PINs in a row before the first lock.
    pub pin_failures_soft: u32,
    /// Wrong PINs in a row before the lock that only re-proofing opens.
    pub pin_failures_hard: u32,
    /// Length of the first lock in seconds; each further one doubles it.
    pub pin_lock_first_s: u32,
    /// How long request ids are remembered, in seconds.
    pub request_horizon_s: u32,
    /// How long an invitation to enrol is open, in seconds.
    pub enrolment_ttl_s: u32,
    /// How long an approved order's sealed payload waits for the processor, in seconds.
    pub order_ttl_s: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            notices_per_hour: 10,
            refusals_per_challenge: 5,
            pin_failures_soft: 5,
            pin_failures_hard: 10,
            pin_lock_first_s: 30,
            request_horizon_s: 3_600,
            enrolment_ttl_s: 86_400,
            order_ttl_s: 86_400,
        }
    }
}

impl Settings {
    /// These settings with every non-zero field of `change` in place, if all are within range.
    #[must_use]
    pub fn changed_by(self, change: Self) -> Option<Self> {
        let pick = |new: u32, old: u32, low: u32, high: u32| match new {
            0 => Some(old),
            new if (low..=high).contains(&new) => Some(new),
            _ => None,
        };
        let settings = Self {
            notices_per_hour: pick(change.notices_per_hour, self.notices_per_hour, 1, 1_000)?,
            refusals_per_challenge: pick(
                change.refusals_per_challenge,
                self.refusals_per_challenge,
                1,
                20,
            )?,
            pin_failures_soft: pick(change.pin_failures_soft, self.pin_failures_soft, 1, 20)?,
            pin_failures_hard: pick(change.pin_failures_hard, self.pin_failures_hard, 2, 100)?,
            pin_lock_first_s: pick(change.pin_lock_first_s, self.pin_lock_first_s, 1, 3_600)?,
            request_horizon_s: pick(change.request_horizon_s, self.request_horizon_s, 60, 86_400)?,
            enrolment_ttl_s: pick(change.enrolment_ttl_s, self.enrolment_ttl_s, 60, 604_800)?,
            order_ttl_s: pick(change.order_ttl_s, self.order_ttl_s, 60, 604_800)?,
        };
        (settings.pin_failures_soft <= settings.pin_failures_hard).then_some(settings)
    }

    /// The horizon of request ids in microseconds.
    #[must_use]
    pub fn horizon_us(&self) -> u64 {
        u64::from(self.request_horizon_s).saturating_mul(SECOND_US)
    }
}

/// One version of a policy.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Its version, from 1.
    pub version: u32,
    /// What it asks.
    pub body: PolicyBody,
    /// What proofs are bound to.
    pub digest: Digest,
}

/// An agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Agent {
    /// SHA-256 of the certificate; zeros accept any with the agent's identity.
    pub certificate: Digest,
}

/// An enrolled phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Device {
    /// `P`.
    pub device_key: [u8; 32],
    /// `K`.
    pub pin_key: [u8; 32],
    /// How often `K` was replaced since.
    pub pin_epoch: u32,
    /// When it was enrolled.
    pub enrolled: Stamp,
    /// The leaf that says so.
    pub leaf: u64,
    /// Set once it is revoked.
    pub revoked: bool,
}

/// Wrong PINs with valid possession, in a row, per device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PinCounter {
    /// How many in a row.
    pub failures: u32,
    /// No PIN is evaluated before this stamp.
    pub locked_until: Stamp,
    /// Only re-proofing opens it again.
    pub locked_for_good: bool,
}

/// Who can be asked, inside one tenant: a customer, or an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Subject {
    /// The current device.
    pub device: Option<Device>,
    /// Its PIN counter.
    pub pin: PinCounter,
    /// The one open challenge, if any.
    pub open: Option<ChallengeId>,
    /// When notices went out, newest last; never more than the hourly limit.
    pub notices: Vec<Stamp>,
    /// The pseudonym that leaves carry.
    pub tag: Tag,
}

impl Subject {
    /// How often the PIN key of the device was replaced.
    #[must_use]
    pub fn pin_epoch(&self) -> u32 {
        self.device.map_or(0, |device| device.pin_epoch)
    }
}

/// An invitation to enrol.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Enrolment {
    /// The invitation.
    pub id: EnrolmentId,
    /// To what.
    pub kind: EnrolmentKind,
    /// Customer or agent.
    pub party: Party,
    /// Who is invited.
    pub subject: SubjectHash,
    /// SHA-256 of the token.
    pub token_hash: Digest,
    /// What the enrolment proofs are bound to.
    pub nonce: [u8; 32],
    /// From when.
    pub opened: Stamp,
    /// Until when.
    pub expires: Stamp,
    /// Failed attempts.
    pub refusals: u8,
    /// Completed, used up or expired.
    pub closed: bool,
    /// The pseudonym that leaves carry.
    pub tag: Tag,
}

/// One interaction with a customer.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Contact {
    /// Who is asked.
    pub subject: SubjectHash,
    /// Who called whom.
    pub initiator: Initiator,
    /// Why, as shown to the customer.
    pub call_reason: u16,
    /// The agent who has it.
    pub agent: Option<AgentHash>,
    /// The agent's pseudonym.
    pub agent_tag: Tag,
    /// Its challenge; zeros if none was issued.
    pub challenge: ChallengeId,
    /// The verdict, once there is one.
    pub verdict: Option<Verdict>,
    /// Closed by the platform.
    pub closed: bool,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Verdict {
    /// How.
    pub outcome: Outcome,
    /// Why.
    pub reason: u16,
    /// Factor types that held.
    pub factors: u32,
    /// Predicates that held, one bit per slot of the policy.
    pub predicates: u8,
    /// Assurance of the face that held; [`crate::outcome::NO_LEVEL`] if none was asked.
    pub level: u8,
    /// The version of the policy that asked.
    pub policy_version: u32,
    /// When.
    pub decided: Stamp,
    /// Until when it is good; zero unless verified.
    pub not_after: Stamp,
    /// Its leaf.
    pub leaf: u64,
}

/// A submission that was judged: its fingerprint and what was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Judged {
    /// SHA-256 of suite and proofs.
    pub fingerprint: Digest,
    /// The reason; zero if it held.
    pub reason: u16,
}

/// One question to one phone.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Challenge {
    /// The contact it belongs to; zeros for a login.
    pub contact: ContactId,
    /// The order that it asks to approve; set exactly for the purpose CONSENT.
    pub order: Option<OrderTerms>,
    /// The login that it is for; set exactly for the purpose `AGENT_LOGIN`.
    pub login: Option<LoginId>,
    /// Who is asked.
    pub subject: SubjectHash,
    /// [`Device::pin_epoch`] when it was issued.
    pub pin_epoch: u32,
    /// The policy by name.
    pub policy: String,
    /// The pinned version.
    pub policy_version: u32,
    /// The pinned version's digest.
    pub policy_digest: Digest,
    /// What it asks (a copy, so that the decision needs no second look-up).
    pub body: PolicyBody,
    /// The one-time value that proofs are bound to.
    pub nonce: [u8; 32],
    /// SHA-256 of the notice's submit token.
    pub token_hash: Digest,
    /// From when proofs count.
    pub issued: Stamp,
    /// Until when.
    pub expires: Stamp,
    /// The leaf of `ChallengeIssued`.
    pub leaf: u64,
    /// Recorded refusals with valid possession.
    pub refusals: u8,
    /// Fingerprints of the recorded refusals without. Whoever sends one again is told nothing, not even
    /// how the challenge ended.
    pub strangers: Vec<Digest>,
    /// Submissions judged so far, oldest first.
    pub judged: Vec<Judged>,
    /// Whether a second submission after the verdict was already recorded.
    pub duplicate_recorded: bool,
    /// Whether the phone said that it showed the notice.
    pub opened: bool,
    /// The verdict, once there is one.
    pub verdict: Option<Verdict>,
    /// The subject's pseudonym.
    pub tag: Tag,
}

impl Challenge {
    /// Where its verdict goes.
    #[must_use]
    pub fn about(&self) -> About {
        match (&self.order, self.login) {
            (Some(terms), _) => About::Order(terms.order),
            (None, Some(login)) => About::Login(login),
            (None, None) => About::Call,
        }
    }

    /// The order hash of its context: zeros unless it asks for a consent.
    #[must_use]
    pub fn order_hash(&self) -> [u8; 32] {
        self.order
            .as_ref()
            .map_or([0; 32], |terms| terms.order_hash)
    }
}

/// A notice that waits for its phone: the only place where the submit token lies, until the
/// challenge ends.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Notice {
    /// The challenge.
    pub challenge: ChallengeId,
    /// The submit token.
    pub token: [u8; 32],
    /// The leaf of `ChallengeIssued`: the phone gets its receipt.
    pub leaf: u64,
}

/// The answer to a request id.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Remembered {
    /// What was asked.
    pub body: Digest,
    /// What was answered.
    pub answer: crate::answer::Answer,
}
