//! What the core remembers, record by record. Encoded with Borsh; the layouts are pinned by goldens.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::command::{EnrolmentKind, Party};
use crate::entry::Sealed;
use crate::ids::{
    ChallengeId, ContactId, Digest, EnrolmentId, LoginId, SessionId, Stamp, SubjectHash, Tag,
};
use crate::policy::PolicyBody;

mod contacts;
mod delegations;
mod evidence;
mod history;
mod holdings;
mod mark;
mod members;
mod orders;
mod sessions;
mod settings;
mod step_ups;
mod tally;

pub use contacts::{
    Care, Contact, FallbackKind, Leg, LegState, LineType, Risk, Verdict, risk_flag,
};
pub use delegations::Delegation;
pub use evidence::{Evidence, EvidenceFactor};
pub use history::{History, Past};
pub use holdings::{Credential, Issuer, Sensor, Template};
pub use mark::StateMark;
pub use members::{KeySetChange, Member, Members, Standing, is_address, key_set, quorum_of};
pub use orders::{About, AgentLogin, Campaign, Executed, Order, OrderTerms, SealedOrder};
pub use sessions::{
    LoginLevel, Observer, Posture, PresenceState, Refusals, ScreenAction, Session, SessionState,
    Told, Unmask, UnmaskState, WorkRules,
};
pub use settings::{SessionSettings, Settings};
pub use step_ups::StepUps;
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
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Agent {
    /// SHA-256 of the certificate; zeros accept any with the agent's identity.
    pub certificate: Digest,
    /// Whether the agent may listen in, and decide what others ask to see.
    pub supervisor: bool,
    /// Whether the agent may not work.
    pub locked: bool,
    /// The one session that is not over, if any.
    pub session: Option<SessionId>,
    /// What was attested of the agent's machine last.
    pub posture: Option<Posture>,
    /// SHA-256 of certificates that are no longer believed.
    pub revoked: Vec<Digest>,
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
    /// Until when what it proves is limited, because it replaced another device; zero if it did not.
    pub cooling_until: Stamp,
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
    /// Nobody is asked before this stamp, because the customer does not wish it; zero if they do.
    pub opted_out_until: Stamp,
    /// Contacts that the centre begins end at once before this stamp, because of a report.
    pub frozen_until: Stamp,
    /// The newest contacts that are not closed, oldest first.
    pub contacts: Vec<ContactId>,
    /// Somebody else had the phone: limits every verdict until the number is checked or a phone enrolled.
    pub suspect: bool,
    /// What this customer is told without being asked, newest last; never more than
    /// [`crate::limits::TOLD_MAX`].
    pub told: Vec<Told>,
}

/// A customer's newest report that stopped contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Reported {
    /// When: contacts that were announced later are not meant.
    pub at: Stamp,
    /// Until when it freezes the customer.
    pub frozen_until: Stamp,
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
    /// Which step-up of the contact it asks for, from 1; zero for everything else.
    pub step_up: u8,
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
    /// Whether a submission carried the silent sign of distress.
    pub duress: bool,
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
        match (&self.order, self.login, self.step_up) {
            (Some(terms), _, _) => About::Order(terms.order),
            (None, Some(login), _) => About::Login(login),
            (None, None, 0) => About::Call,
            (None, None, number) => About::StepUp(number),
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

/// What notifiers said of a notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Sent {
    /// It reached the phone's network.
    pub delivered: bool,
    /// How often it could not be delivered; never more than
    /// [`crate::limits::NOTICE_FAILURES_RECORDED_MAX`].
    pub failures: u8,
}

/// The answer to a request id.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Remembered {
    /// What was asked.
    pub body: Digest,
    /// What was answered.
    pub answer: crate::answer::Answer,
}
