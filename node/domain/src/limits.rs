//! Every bound the core holds, with its reason. What operators may change is in
//! [`crate::records::Settings`].

/// Commands in one entry: what one drain of the leader's queue packs together.
pub const REQUESTS_PER_ENTRY_MAX: usize = 4_096;
/// Timers fired by one entry: bounds the work and the leaves of a single step.
pub const TIMERS_PER_ENTRY_MAX: usize = 1_024;
/// Remembered requests forgotten by one entry: twice what one entry can add at most would never lag;
/// this keeps up with any sustained rate while a step stays short.
pub const DEDUPE_PRUNE_PER_ENTRY_MAX: usize = 8_192;
/// How far ahead of cluster time a request id may be: generous for clients with bad clocks, small
/// enough that no id can be remembered for ever.
pub const REQUEST_ID_AHEAD_US_MAX: u64 = 10 * 60 * 1_000_000;
/// Width of one bucket of remembered requests: they are forgotten a bucket at a time.
pub const DEDUPE_BUCKET_MS: u64 = 60_000;
/// Predicates of one policy: their slots are the bits of one byte in a verdict.
pub const PREDICATES_MAX: usize = 8;
/// Issuers that one predicate accepts: a market has a handful that a tenant trusts alike.
pub const ISSUERS_PER_RULE_MAX: usize = 8;
/// Parts of one submission: possession, the PIN and its next key, every predicate, face and consent.
pub const SUBMISSION_PARTS_MAX: usize = 5 + PREDICATES_MAX;
/// Bytes of one proof: the largest kind of the suite is 1,856.
pub const PROOF_BYTES_MAX: usize = 4_096;
/// Bytes of a credential's body: 32 attributes and four long names have 2,300; a schema with as many has
/// short names.
pub const CREDENTIAL_BYTES_MAX: usize = 2_048;
/// Credentials of one subject that can still be presented: a wallet, not an archive.
pub const CREDENTIALS_PER_SUBJECT_MAX: usize = 32;
/// Bytes of a capture's signed fields: 77 and a model's name, with room for a longer one.
pub const CAPTURE_BYTES_MAX: usize = 512;
/// Lowest assurance of a template that is enrolled: a simulator's is kept with its level, and a policy
/// that asks for more refuses it.
pub const TEMPLATE_LEVEL_MIN: u8 = 0;
/// Longest time between the capture of a template and its enrolment, in seconds: as for a probe.
pub const TEMPLATE_AGE_MAX_S: u32 = 60;
/// Hidden amounts of one order: what is paid, and what it is paid from.
pub const ORDER_AMOUNTS_MAX: usize = 4;
/// Bytes of a sealed payload, encapsulated key included, whatever a policy says: it lies in the log once
/// and in every replica's outbox until it is fetched.
pub const PAYLOAD_BYTES_MAX: u32 = 64 * 1_024;
/// Recorded refusals of one order: enough for the fraud team to see, too few to fill the log.
pub const ORDER_REFUSALS_RECORDED_MAX: u8 = 8;
/// Orders of a proved total: of one it would be its amount, of two each customer would know the other's.
pub const TOTAL_ORDERS_MIN: u64 = 3;
/// Recorded refusals without valid possession, per challenge: enough for the fraud team to see, too
/// few to fill the log from outside.
pub const POSSESSION_REFUSALS_RECORDED_MAX: usize = 5;
/// Failed attempts to complete one enrolment before its token is worthless.
pub const ENROLMENT_REFUSALS_MAX: u8 = 5;
/// Revoked certificates of one agent that are remembered: a thief's and many replacements.
pub const CERTIFICATES_REVOKED_MAX: usize = 32;
/// Supervisors who listen in on one contact.
pub const OBSERVERS_MAX: usize = 4;
/// Things that a customer is told without being asked, the newest of them.
pub const TOLD_MAX: usize = 8;
/// Characters of a tenant's or a policy's name.
pub const NAME_CHARS_MAX: usize = 32;
/// Replicas of one cluster: Raft quorums beyond seven only get slower.
pub const REPLICAS_MAX: usize = 7;
/// Members of one cluster, learners included: every one of them gets the whole log from the leader.
pub const MEMBERS_MAX: usize = 9;
/// Ids of removed members that are remembered: a replacement a week for twenty years.
pub const REMOVED_MEMBERS_MAX: usize = 1_024;
/// Bytes of an address: a name of a host in a data centre, and a port.
pub const ADDRESS_BYTES_MAX: usize = 100;
/// The newest open contacts of a customer that lie with the customer; all of them are found by
/// [`crate::keys::open_contact`].
pub const CONTACTS_PER_SUBJECT_MAX: usize = 16;
/// Contacts that a report stops, or a lock takes back, in one step: a later entry goes on with the rest, so
/// that no single step is long, however many contacts nobody closed.
pub const STOPPED_PER_STEP_MAX: usize = 256;
/// How long the rest waits. Leaders look for due timers by their own clock and do not look back: by then they
/// have applied what set this one.
pub const REST_AFTER_US: u64 = 2 * SECOND_US;
/// The window in which recorded refusals of an agent's sessions are counted.
pub const REFUSAL_WINDOW_US: u64 = 3_600 * SECOND_US;
/// For how long a customer who says so on the phone is not asked: a quarter of a year.
pub const OPT_OUT_BY_PHONE_US: u64 = 90 * DAY_US;
/// For how long the platform can say that a customer is not asked: ten years.
pub const OPT_OUT_US_MAX: u64 = 3_652 * DAY_US;
/// Longest delegation: it is to be looked at again after five years.
pub const DELEGATION_US_MAX: u64 = 1_826 * DAY_US;
/// Microseconds of one day.
const DAY_US: u64 = 86_400 * SECOND_US;
/// Recorded failures to deliver one notice: the notifier's own attempts, and no log of its troubles.
pub const NOTICE_FAILURES_RECORDED_MAX: u8 = 4;
/// Step-ups of one contact: more questions than any one call needs.
pub const STEP_UPS_PER_CONTACT_MAX: u8 = 16;
/// Verdicts that a subject's own history keeps.
pub const HISTORY_MAX: usize = 16;
/// Evidence records that one erasure deletes: ten years of a customer who calls every day, in one entry.
pub const ERASED_PER_COMMAND_MAX: usize = 4_096;
/// Microseconds of one second.
pub const SECOND_US: u64 = 1_000_000;
/// The window in which notices per subject are counted.
pub const NOTICE_WINDOW_US: u64 = 3_600 * SECOND_US;
/// Sessions of one report of presence: what a node gathers in 50 ms when a whole floor stands up, in
/// several reports at worst.
pub const PRESENCE_REPORTS_MAX: usize = 512;
