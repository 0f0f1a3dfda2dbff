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
/// Parts of one submission: one per proof kind of the suite at most.
pub const SUBMISSION_PARTS_MAX: usize = 8;
/// Bytes of one proof: the largest kind of the suite is 1,856.
pub const PROOF_BYTES_MAX: usize = 4_096;
/// Recorded refusals without valid possession, per challenge: enough for the fraud team to see, too
/// few to fill the log from outside.
pub const POSSESSION_REFUSALS_RECORDED_MAX: usize = 5;
/// Failed attempts to complete one enrolment before its token is worthless.
pub const ENROLMENT_REFUSALS_MAX: u8 = 5;
/// Characters of a tenant's or a policy's name.
pub const NAME_CHARS_MAX: usize = 32;
/// Replicas of one cluster: Raft quorums beyond seven only get slower.
pub const REPLICAS_MAX: usize = 7;
/// Microseconds of one second.
pub const SECOND_US: u64 = 1_000_000;
/// The window in which notices per subject are counted.
pub const NOTICE_WINDOW_US: u64 = 3_600 * SECOND_US;
