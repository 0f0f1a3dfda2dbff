//! The instruments, one method per thing that can be reported.
//!
//! Cheap to clone and to call from any thread; nothing here can fail or wait.

use std::sync::Arc;
use std::time::Duration;

use akashi_domain::outcome::{Outcome, reason};
use akashi_domain::records::PresenceState;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter, MeterProvider as _, UpDownCounter};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::names::{self, Definition};
use crate::net::Refused;
use crate::peers::TurnedAway;

/// Buckets of times in seconds: from a fast sync to the longest deadline.
const SECONDS: [f64; 16] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 3.0, 10.0,
];
/// Buckets of counts: powers of two up to the most commands of one entry.
const COUNTS: [f64; 13] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0, 2_048.0, 4_096.0,
];

/// What became of a command at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalResult {
    /// This node leads and proposed it.
    Proposed,
    /// It was handed to the leader.
    Forwarded,
    /// The queue was full.
    Busy,
    /// There was no leader for too long.
    Unavailable,
    /// The leader's clock or disk allowed nothing for too long.
    Unfit,
}

impl ProposalResult {
    const fn label(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Forwarded => "forwarded",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::Unfit => "unfit",
        }
    }
}

/// Whether a proof was judged before apply asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoResult {
    /// It was.
    Hit,
    /// It was not: apply judged it itself.
    Miss,
}

impl MemoResult {
    const fn label(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
        }
    }
}

/// What of the edge is taken to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresenceReport {
    /// Changes of state.
    Changes,
    /// What was heard in a window of time.
    Summary,
}

impl PresenceReport {
    const fn label(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Summary => "summary",
        }
    }
}

/// What became of an attempt to take it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportResult {
    /// It is decided.
    Recorded,
    /// It was turned away.
    Refused,
    /// Nobody answered; it is tried again.
    Unanswered,
}

impl ReportResult {
    const fn label(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
        }
    }
}

/// Every instrument of the node, shared: every call has a copy.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Instruments>);

impl std::ops::Deref for Metrics {
    type Target = Instruments;

    fn deref(&self) -> &Instruments {
        &self.0
    }
}

/// The instruments; what they are given goes through the methods of [`Metrics`].
#[derive(Debug)]
pub struct Instruments {
    is_leader: Gauge<u64>,
    term: Gauge<u64>,
    committed: Gauge<u64>,
    applied: Gauge<u64>,
    leader_changes: Counter<u64>,
    proposals: Counter<u64>,
    entry_commands: Histogram<u64>,
    fsync: Histogram<f64>,
    batch_entries: Histogram<u64>,
    log_bytes: Counter<u64>,
    log_segments: Gauge<u64>,
    log_first_index: Gauge<u64>,
    behind_log: Gauge<u64>,
    turned_away: Counter<u64>,
    snapshot_given: Counter<u64>,
    snapshot_received: Counter<u64>,
    history_missing: Gauge<u64>,
    site_commit_stalled: Gauge<u64>,
    durable_applied: Gauge<u64>,
    apply: Histogram<f64>,
    verify: Histogram<f64>,
    verify_queue: Gauge<u64>,
    memo: Counter<u64>,
    verdicts: Counter<u64>,
    refusals: Counter<u64>,
    tree_size: Gauge<u64>,
    sealed_size: Gauge<u64>,
    seal: Histogram<f64>,
    seal_lag: Gauge<u64>,
    head_age: Gauge<f64>,
    divergence: Counter<u64>,
    desktops: Gauge<u64>,
    presence_changes: Counter<u64>,
    presence_reports: Counter<u64>,
    suspended: Counter<u64>,
    lease_renewals: Counter<u64>,
    lease: Gauge<f64>,
    grpc: Histogram<f64>,
    connections: UpDownCounter<i64>,
    connections_refused: Counter<u64>,
    clock_skew: Gauge<f64>,
    clocks_agree: Gauge<u64>,
    slow_score: Gauge<u64>,
    disk_free: Gauge<u64>,
    disk_low: Gauge<u64>,
}

impl Metrics {
    /// Instruments that report to `provider`.
    #[must_use]
    pub fn new(provider: &SdkMeterProvider) -> Self {
        let meter = &provider.meter("akashi");
        let instruments = Instruments {
            is_leader: gauge(meter, names::RAFT_IS_LEADER),
            term: gauge(meter, names::RAFT_TERM),
            committed: gauge(meter, names::RAFT_COMMITTED_INDEX),
            applied: gauge(meter, names::RAFT_APPLIED_INDEX),
            leader_changes: counter(meter, names::RAFT_LEADER_CHANGES_TOTAL),
            proposals: counter(meter, names::PROPOSALS_TOTAL),
            entry_commands: counts(meter, names::ENTRY_COMMANDS),
            fsync: seconds(meter, names::LOG_FSYNC_SECONDS),
            batch_entries: counts(meter, names::LOG_BATCH_ENTRIES),
            log_bytes: counter(meter, names::LOG_BYTES_TOTAL),
            log_segments: gauge(meter, names::LOG_SEGMENTS),
            log_first_index: gauge(meter, names::LOG_FIRST_INDEX),
            behind_log: gauge(meter, names::REPLICAS_BEHIND_LOG),
            turned_away: counter(meter, names::PEERS_TURNED_AWAY_TOTAL),
            snapshot_given: counter(meter, names::SNAPSHOT_GIVEN_BYTES_TOTAL),
            snapshot_received: counter(meter, names::SNAPSHOT_RECEIVED_BYTES_TOTAL),
            history_missing: gauge(meter, names::HISTORY_MISSING_LEAVES),
            site_commit_stalled: gauge(meter, names::SITE_COMMIT_STALLED_SECONDS),
            durable_applied: gauge(meter, names::DURABLE_APPLIED_INDEX),
            apply: seconds(meter, names::APPLY_SECONDS),
            verify: seconds(meter, names::VERIFY_SECONDS),
            verify_queue: gauge(meter, names::VERIFY_QUEUE),
            memo: counter(meter, names::VERIFY_MEMO_TOTAL),
            verdicts: counter(meter, names::VERDICTS_TOTAL),
            refusals: counter(meter, names::REFUSALS_TOTAL),
            tree_size: gauge(meter, names::TREE_SIZE),
            sealed_size: gauge(meter, names::SEALED_SIZE),
            seal: seconds(meter, names::SEAL_SECONDS),
            seal_lag: gauge(meter, names::SEAL_LAG_LEAVES),
            head_age: float(meter, names::HEAD_AGE_SECONDS),
            divergence: counter(meter, names::DIVERGENCE_TOTAL),
            desktops: gauge(meter, names::PRESENCE_DESKTOPS),
            presence_changes: counter(meter, names::PRESENCE_CHANGES_TOTAL),
            presence_reports: counter(meter, names::PRESENCE_REPORTS_TOTAL),
            suspended: counter(meter, names::SESSIONS_SUSPENDED_TOTAL),
            lease_renewals: counter(meter, names::LEASE_RENEWALS_TOTAL),
            lease: float(meter, names::LEASE_SECONDS),
            grpc: seconds(meter, names::GRPC_SERVER_SECONDS),
            connections: meter
                .i64_up_down_counter(names::CONNECTIONS.name)
                .with_unit(names::CONNECTIONS.unit)
                .with_description(names::CONNECTIONS.help)
                .build(),
            connections_refused: counter(meter, names::CONNECTIONS_REFUSED_TOTAL),
            clock_skew: meter
                .f64_gauge(names::CLOCK_SKEW_SECONDS.name)
                .with_unit(names::CLOCK_SKEW_SECONDS.unit)
                .with_description(names::CLOCK_SKEW_SECONDS.help)
                .build(),
            clocks_agree: gauge(meter, names::CLOCKS_AGREE),
            slow_score: gauge(meter, names::SLOW_SCORE),
            disk_free: gauge(meter, names::DISK_FREE_BYTES),
            disk_low: gauge(meter, names::DISK_LOW),
        };
        // Shown from the start: an alarm on a series that does not exist yet would be silent.
        instruments.divergence.add(0, &[]);
        instruments.leader_changes.add(0, &[]);
        Self(Arc::new(instruments))
    }

    /// Instruments that nobody reads.
    #[must_use]
    pub fn unread() -> Self {
        Self::new(&SdkMeterProvider::builder().build())
    }

    /// Where Raft stands.
    pub fn raft(&self, is_leader: bool, term: u64, committed_index: u64) {
        self.is_leader.record(u64::from(is_leader), &[]);
        self.term.record(term, &[]);
        self.committed.record(committed_index, &[]);
    }

    /// Another leader than before was seen.
    pub fn leader_changed(&self) {
        self.leader_changes.add(1, &[]);
    }

    /// What became of a command at once.
    pub fn proposal(&self, result: ProposalResult) {
        self.proposals
            .add(1, &[KeyValue::new("result", result.label())]);
    }

    /// The leader packed an entry.
    pub fn entry_packed(&self, commands: usize) {
        self.entry_commands.record(count(commands), &[]);
    }

    /// The raft log was synced once, for that many entries and bytes.
    pub fn log_synced(&self, time: Duration, entries: usize, bytes: u64) {
        self.fsync.record(time.as_secs_f64(), &[]);
        self.batch_entries.record(count(entries), &[]);
        self.log_bytes.add(bytes, &[]);
    }

    /// How much of the raft log there is: segments in use, and the first index in them.
    pub fn log_held(&self, segments: usize, first_index: u64) {
        self.log_segments.record(count(segments), &[]);
        self.log_first_index.record(first_index, &[]);
    }

    /// That many replicas lack what this leader's log has dropped.
    pub fn behind_log(&self, replicas: usize) {
        self.behind_log.record(count(replicas), &[]);
    }

    /// A majority has had entries for that many seconds which no other site has.
    pub fn site_commit_stalled(&self, seconds: u64) {
        self.site_commit_stalled.record(seconds, &[]);
    }

    /// A replica's stream was turned away.
    pub fn turned_away(&self, why: TurnedAway) {
        self.turned_away
            .add(1, &[KeyValue::new("reason", why.label())]);
    }

    /// That many bytes of a snapshot, or of old audit log, went to another replica.
    pub fn snapshot_given(&self, bytes: usize) {
        self.snapshot_given.add(count(bytes), &[]);
    }

    /// That many bytes of a snapshot came.
    pub fn snapshot_received(&self, bytes: usize) {
        self.snapshot_received.add(count(bytes), &[]);
    }

    /// That many leaves of the audit log are missing here.
    pub fn history_missing(&self, leaves: u64) {
        self.history_missing.record(leaves, &[]);
    }

    /// The state store holds the effects of everything up to this index for good.
    pub fn durable_applied(&self, index: u64) {
        self.durable_applied.record(index, &[]);
    }

    /// An entry was applied: how long it took, and where the replica stands now.
    pub fn applied(&self, time: Duration, log_index: u64, leaves: u64) {
        self.apply.record(time.as_secs_f64(), &[]);
        self.applied.record(log_index, &[]);
        self.tree_size.record(leaves, &[]);
    }

    /// A batch of proofs was verified.
    pub fn verified(&self, time: Duration) {
        self.verify.record(time.as_secs_f64(), &[]);
    }

    /// That many proofs wait for a worker.
    pub fn verify_queue(&self, waiting: usize) {
        self.verify_queue.record(count(waiting), &[]);
    }

    /// Apply asked for the judgement over a proof.
    pub fn memo(&self, result: MemoResult) {
        self.memo.add(1, &[KeyValue::new("result", result.label())]);
    }

    /// A verdict was applied.
    pub fn verdict(&self, outcome: Outcome) {
        self.verdicts
            .add(1, &[KeyValue::new("outcome", outcome_label(outcome))]);
    }

    /// A refused submission was applied; `reason` as in its leaf.
    pub fn refusal(&self, reason: u16) {
        let known = akashi_proof::Reason::from_code(reason).map_or(0, akashi_proof::Reason::code);
        self.refusals
            .add(1, &[KeyValue::new("reason", i64::from(known))]);
    }

    /// A head got its quorum, that long after it was announced.
    pub fn sealed(&self, time: Duration) {
        self.seal.record(time.as_secs_f64(), &[]);
    }

    /// How far seals are: leaves under the newest sealed head, leaves that wait, and for how long.
    pub fn seals(&self, sealed_size: u64, waiting_leaves: u64, head_age: Duration) {
        self.sealed_size.record(sealed_size, &[]);
        self.seal_lag.record(waiting_leaves, &[]);
        self.head_age.record(head_age.as_secs_f64(), &[]);
    }

    /// This node's root differs from a quorum's.
    pub fn diverged(&self) {
        self.divergence.add(1, &[]);
    }

    /// That many desktops are attached here.
    pub fn desktops(&self, attached: usize) {
        self.desktops.record(count(attached), &[]);
    }

    /// An agent is seen otherwise than before.
    pub fn presence_changed(&self, to: PresenceState) {
        self.presence_changes
            .add(1, &[KeyValue::new("state", presence_label(to))]);
    }

    /// An attempt to take what was seen or heard to the log has ended.
    pub fn presence_reported(&self, kind: PresenceReport, result: ReportResult) {
        let labels = [
            KeyValue::new("kind", kind.label()),
            KeyValue::new("result", result.label()),
        ];
        self.presence_reports.add(1, &labels);
    }

    /// A suspension of a session was applied; `why` as in its leaf.
    pub fn suspended(&self, why: u16) {
        let label = match why {
            reason::ANOTHER_PERSON => "another_person",
            reason::PRESENCE_UNKNOWN => "presence_unknown",
            reason::AGENT_LOCKED => "agent_locked",
            _ => "other",
        };
        self.suspended.add(1, &[KeyValue::new("reason", label)]);
    }

    /// A quorum was asked for leave to speak: whether it gave it, and how much is left.
    pub fn lease(&self, confirmed: bool, left: Duration) {
        let label = if confirmed { "confirmed" } else { "unanswered" };
        self.lease_renewals
            .add(1, &[KeyValue::new("result", label)]);
        self.lease.record(left.as_secs_f64(), &[]);
    }

    /// A call ended. Both labels are names of closed lists.
    pub fn rpc(&self, method: &'static str, code: &'static str, time: Duration) {
        let labels = [KeyValue::new("method", method), KeyValue::new("code", code)];
        self.grpc.record(time.as_secs_f64(), &labels);
    }

    /// A connection stands.
    pub fn connection_opened(&self) {
        self.connections.add(1, &[]);
    }

    /// A connection ended.
    pub fn connection_closed(&self) {
        self.connections.add(-1, &[]);
    }

    /// How far a peer's clock is ahead of this node's.
    pub fn clock_skew(&self, peer: u64, skew_us: i64) {
        let seconds = Duration::from_micros(skew_us.unsigned_abs()).as_secs_f64();
        let labels = [KeyValue::new("peer", peer.to_string())];
        self.clock_skew.record(
            seconds.copysign(if skew_us < 0 { -1.0 } else { 1.0 }),
            &labels,
        );
    }

    /// Whether a quorum of clocks agrees with this node's.
    pub fn clocks_agree(&self, agree: bool) {
        self.clocks_agree.record(u64::from(agree), &[]);
    }

    /// How slow this node is, from 1 to 100.
    pub fn slow_score(&self, score: u32) {
        self.slow_score.record(u64::from(score), &[]);
    }

    /// How many bytes the disk has free, and whether that is too little.
    pub fn disk(&self, free_bytes: u64, low: bool) {
        self.disk_free.record(free_bytes, &[]);
        self.disk_low.record(u64::from(low), &[]);
    }

    /// A connection was turned away or cut off.
    pub fn connection_refused(&self, why: Refused) {
        self.connections_refused
            .add(1, &[KeyValue::new("reason", why.label())]);
    }
}

const fn presence_label(state: PresenceState) -> &'static str {
    match state {
        PresenceState::Present => "present",
        PresenceState::Absent => "absent",
        PresenceState::Occluded => "occluded",
        PresenceState::Multiple => "multiple",
        PresenceState::Other => "other",
        PresenceState::CameraLost => "camera_lost",
        PresenceState::Unseen => "unseen",
    }
}

const fn outcome_label(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Verified => "verified",
        Outcome::NotVerified => "not_verified",
        Outcome::Inconclusive => "inconclusive",
        Outcome::NotEnrolled => "not_enrolled",
        Outcome::OptedOut => "opted_out",
        Outcome::DeclinedByCustomer => "declined_by_customer",
        Outcome::ReportedByCustomer => "reported_by_customer",
        Outcome::Expired => "expired",
        Outcome::Cancelled => "cancelled",
        Outcome::Superseded => "superseded",
        Outcome::RateLimited => "rate_limited",
        Outcome::Error => "error",
    }
}

fn gauge(meter: &Meter, definition: Definition) -> Gauge<u64> {
    meter
        .u64_gauge(definition.name)
        .with_unit(definition.unit)
        .with_description(definition.help)
        .build()
}

fn float(meter: &Meter, definition: Definition) -> Gauge<f64> {
    meter
        .f64_gauge(definition.name)
        .with_unit(definition.unit)
        .with_description(definition.help)
        .build()
}

fn counter(meter: &Meter, definition: Definition) -> Counter<u64> {
    meter
        .u64_counter(definition.name)
        .with_unit(definition.unit)
        .with_description(definition.help)
        .build()
}

fn counts(meter: &Meter, definition: Definition) -> Histogram<u64> {
    meter
        .u64_histogram(definition.name)
        .with_unit(definition.unit)
        .with_description(definition.help)
        .with_boundaries(COUNTS.to_vec())
        .build()
}

fn seconds(meter: &Meter, definition: Definition) -> Histogram<f64> {
    meter
        .f64_histogram(definition.name)
        .with_unit(definition.unit)
        .with_description(definition.help)
        .with_boundaries(SECONDS.to_vec())
        .build()
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
