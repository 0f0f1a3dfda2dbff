//! Every metric of the node by name: the only place in the code where a name stands.
//!
//! `ops/telemetry/metrics.toml` is the registry; the test below holds this file to it.

/// What a metric is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// A value now.
    Gauge,
    /// A distribution.
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its name, as Prometheus shows it.
    pub name: &'static str,
    /// What it is made of.
    pub kind: Kind,
    /// Its unit (UCUM).
    pub unit: &'static str,
    /// What it says.
    pub help: &'static str,
    /// Its labels; the values of each are a closed list.
    pub labels: &'static [&'static str],
}

/// 1 while this node leads, else 0.
pub const RAFT_IS_LEADER: Definition = Definition {
    name: "akashi_raft_is_leader",
    kind: Kind::Gauge,
    unit: "1",
    help: "1 while this node leads, else 0",
    labels: &[],
};
/// Newest term this node has seen.
pub const RAFT_TERM: Definition = Definition {
    name: "akashi_raft_term",
    kind: Kind::Gauge,
    unit: "1",
    help: "newest term this node has seen",
    labels: &[],
};
/// Highest log index this node knows to be decided.
pub const RAFT_COMMITTED_INDEX: Definition = Definition {
    name: "akashi_raft_committed_index",
    kind: Kind::Gauge,
    unit: "1",
    help: "highest log index this node knows to be decided",
    labels: &[],
};
/// Highest log index this node has applied.
pub const RAFT_APPLIED_INDEX: Definition = Definition {
    name: "akashi_raft_applied_index",
    kind: Kind::Gauge,
    unit: "1",
    help: "highest log index this node has applied",
    labels: &[],
};
/// Times this node saw another leader than before.
pub const RAFT_LEADER_CHANGES_TOTAL: Definition = Definition {
    name: "akashi_raft_leader_changes_total",
    kind: Kind::Counter,
    unit: "1",
    help: "times this node saw another leader than before",
    labels: &[],
};
/// Commands that callers handed to this node, by what became of them at once.
pub const PROPOSALS_TOTAL: Definition = Definition {
    name: "akashi_proposals_total",
    kind: Kind::Counter,
    unit: "1",
    help: "commands that callers handed to this node, by what became of them at once",
    labels: &["result"],
};
/// Commands packed into one log entry by this leader.
pub const ENTRY_COMMANDS: Definition = Definition {
    name: "akashi_entry_commands",
    kind: Kind::Histogram,
    unit: "1",
    help: "commands packed into one log entry by this leader",
    labels: &[],
};
/// Time of one sync of the raft log.
pub const LOG_FSYNC_SECONDS: Definition = Definition {
    name: "akashi_log_fsync_seconds",
    kind: Kind::Histogram,
    unit: "s",
    help: "time of one sync of the raft log",
    labels: &[],
};
/// Entries made durable by one sync of the raft log.
pub const LOG_BATCH_ENTRIES: Definition = Definition {
    name: "akashi_log_batch_entries",
    kind: Kind::Histogram,
    unit: "1",
    help: "entries made durable by one sync of the raft log",
    labels: &[],
};
/// Bytes written to the raft log.
pub const LOG_BYTES_TOTAL: Definition = Definition {
    name: "akashi_log_bytes_total",
    kind: Kind::Counter,
    unit: "By",
    help: "bytes written to the raft log",
    labels: &[],
};
/// Segments of the raft log in use.
pub const LOG_SEGMENTS: Definition = Definition {
    name: "akashi_log_segments",
    kind: Kind::Gauge,
    unit: "1",
    help: "segments of the raft log in use",
    labels: &[],
};
/// Oldest log index that this node can still send to a replica that lacks it.
pub const LOG_FIRST_INDEX: Definition = Definition {
    name: "akashi_log_first_index",
    kind: Kind::Gauge,
    unit: "1",
    help: "oldest log index that this node can still send to a replica that lacks it",
    labels: &[],
};
/// Replicas that lack entries which this leader has dropped: they need a snapshot.
pub const REPLICAS_BEHIND_LOG: Definition = Definition {
    name: "akashi_replicas_behind_log",
    kind: Kind::Gauge,
    unit: "1",
    help: "replicas that lack entries which this leader has dropped: they need a snapshot",
    labels: &[],
};
/// Bytes of snapshots and old audit log that this node gave to other replicas.
pub const SNAPSHOT_GIVEN_BYTES_TOTAL: Definition = Definition {
    name: "akashi_snapshot_given_bytes_total",
    kind: Kind::Counter,
    unit: "By",
    help: "bytes of snapshots and old audit log that this node gave to other replicas",
    labels: &[],
};
/// Bytes of snapshots that this node received.
pub const SNAPSHOT_RECEIVED_BYTES_TOTAL: Definition = Definition {
    name: "akashi_snapshot_received_bytes_total",
    kind: Kind::Counter,
    unit: "By",
    help: "bytes of snapshots that this node received",
    labels: &[],
};
/// Leaves of the audit log that this node lacks since it started from a snapshot.
pub const HISTORY_MISSING_LEAVES: Definition = Definition {
    name: "akashi_history_missing_leaves",
    kind: Kind::Gauge,
    unit: "1",
    help: "leaves of the audit log that this node lacks since it started from a snapshot; it signs no head until 0",
    labels: &[],
};
/// Streams of replicas that this node turned away, by why.
pub const PEERS_TURNED_AWAY_TOTAL: Definition = Definition {
    name: "akashi_peers_turned_away_total",
    kind: Kind::Counter,
    unit: "1",
    help: "streams of replicas that this node turned away, by why",
    labels: &["reason"],
};
/// Time that a majority has had entries which no other site has, on a leader with two sites; else 0.
pub const SITE_COMMIT_STALLED_SECONDS: Definition = Definition {
    name: "akashi_site_commit_stalled_seconds",
    kind: Kind::Gauge,
    unit: "s",
    help: "time that a majority has had entries which no other site has, on a leader with two sites; else 0",
    labels: &[],
};
/// Highest log index whose effects are flushed: a restart replays what comes after.
pub const DURABLE_APPLIED_INDEX: Definition = Definition {
    name: "akashi_durable_applied_index",
    kind: Kind::Gauge,
    unit: "1",
    help: "highest log index whose effects are flushed: a restart replays what comes after",
    labels: &[],
};
/// Time to apply one entry, from decoding to the written batch.
pub const APPLY_SECONDS: Definition = Definition {
    name: "akashi_apply_seconds",
    kind: Kind::Histogram,
    unit: "s",
    help: "time to apply one entry, from decoding to the written batch",
    labels: &[],
};
/// Time to verify one batch of proofs.
pub const VERIFY_SECONDS: Definition = Definition {
    name: "akashi_verify_seconds",
    kind: Kind::Histogram,
    unit: "s",
    help: "time to verify one batch of proofs",
    labels: &[],
};
/// Proofs that wait for a verify worker.
pub const VERIFY_QUEUE: Definition = Definition {
    name: "akashi_verify_queue",
    kind: Kind::Gauge,
    unit: "1",
    help: "proofs that wait for a verify worker",
    labels: &[],
};
/// Proofs that apply asked about, by whether a worker had judged them already.
pub const VERIFY_MEMO_TOTAL: Definition = Definition {
    name: "akashi_verify_memo_total",
    kind: Kind::Counter,
    unit: "1",
    help: "proofs that apply asked about, by whether a worker had judged them already",
    labels: &["result"],
};
/// Verdicts applied by this node.
pub const VERDICTS_TOTAL: Definition = Definition {
    name: "akashi_verdicts_total",
    kind: Kind::Counter,
    unit: "1",
    help: "verdicts applied by this node",
    labels: &["outcome"],
};
/// Refused submissions applied by this node, by the number of the reason (docs/reasons.md); 0 for none.
pub const REFUSALS_TOTAL: Definition = Definition {
    name: "akashi_refusals_total",
    kind: Kind::Counter,
    unit: "1",
    help: "refused submissions applied by this node, by the number of the reason (docs/reasons.md); 0 for none",
    labels: &["reason"],
};
/// Leaves in the audit log.
pub const TREE_SIZE: Definition = Definition {
    name: "akashi_tree_size",
    kind: Kind::Gauge,
    unit: "1",
    help: "leaves in the audit log",
    labels: &[],
};
/// Leaves under the newest sealed head.
pub const SEALED_SIZE: Definition = Definition {
    name: "akashi_sealed_size",
    kind: Kind::Gauge,
    unit: "1",
    help: "leaves under the newest sealed head",
    labels: &[],
};
/// Time from the announcement of a head to its quorum of cosignatures, on the leader.
pub const SEAL_SECONDS: Definition = Definition {
    name: "akashi_seal_seconds",
    kind: Kind::Histogram,
    unit: "s",
    help: "time from the announcement of a head to its quorum of cosignatures, on the leader",
    labels: &[],
};
/// Leaves that are applied but not sealed yet.
pub const SEAL_LAG_LEAVES: Definition = Definition {
    name: "akashi_seal_lag_leaves",
    kind: Kind::Gauge,
    unit: "1",
    help: "leaves that are applied but not sealed yet",
    labels: &[],
};
/// Age of the newest sealed head while leaves wait for the next, else 0.
pub const HEAD_AGE_SECONDS: Definition = Definition {
    name: "akashi_head_age_seconds",
    kind: Kind::Gauge,
    unit: "s",
    help: "age of the newest sealed head while leaves wait for the next, else 0",
    labels: &[],
};
/// Times this node's root differed from a quorum's; must stay 0.
pub const DIVERGENCE_TOTAL: Definition = Definition {
    name: "akashi_divergence_total",
    kind: Kind::Counter,
    unit: "1",
    help: "times this node's root differed from a quorum's; must stay 0",
    labels: &[],
};
/// Desktops that are attached to this node.
pub const PRESENCE_DESKTOPS: Definition = Definition {
    name: "akashi_presence_desktops",
    kind: Kind::Gauge,
    unit: "1",
    help: "desktops that are attached to this node",
    labels: &[],
};
/// Changes of agents' presence that this node saw, by the new state; other is a blackout.
pub const PRESENCE_CHANGES_TOTAL: Definition = Definition {
    name: "akashi_presence_changes_total",
    kind: Kind::Counter,
    unit: "1",
    help: "changes of agents' presence that this node saw, by the new state; other is a blackout",
    labels: &["state"],
};
/// Changes of presence and summaries of heartbeats that this node took to the log, by what became of an attempt.
pub const PRESENCE_REPORTS_TOTAL: Definition = Definition {
    name: "akashi_presence_reports_total",
    kind: Kind::Counter,
    unit: "1",
    help: "changes of presence and summaries of heartbeats that this node took to the log, by what became of an attempt",
    labels: &["kind", "result"],
};
/// Suspensions of agents' sessions applied by this node, by their reason.
pub const SESSIONS_SUSPENDED_TOTAL: Definition = Definition {
    name: "akashi_sessions_suspended_total",
    kind: Kind::Counter,
    unit: "1",
    help: "suspensions of agents' sessions applied by this node, by their reason",
    labels: &["reason"],
};
/// Questions to a quorum for leave to speak to screens and gates, by whether it was given.
pub const LEASE_RENEWALS_TOTAL: Definition = Definition {
    name: "akashi_lease_renewals_total",
    kind: Kind::Counter,
    unit: "1",
    help: "questions to a quorum for leave to speak to screens and gates, by whether it was given",
    labels: &["result"],
};
/// Leave to speak to screens and gates that was left after the last question.
pub const LEASE_SECONDS: Definition = Definition {
    name: "akashi_lease_seconds",
    kind: Kind::Gauge,
    unit: "s",
    help: "leave to speak to screens and gates that was left after the last question",
    labels: &[],
};
/// Time from a request's head to the end of its answer.
pub const GRPC_SERVER_SECONDS: Definition = Definition {
    name: "akashi_grpc_server_seconds",
    kind: Kind::Histogram,
    unit: "s",
    help: "time from a request's head to the end of its answer",
    labels: &["method", "code"],
};
/// Open connections to the client and peer ports.
pub const CONNECTIONS: Definition = Definition {
    name: "akashi_connections",
    kind: Kind::Gauge,
    unit: "1",
    help: "open connections to the client and peer ports",
    labels: &[],
};
/// Connections turned away or cut off.
pub const CONNECTIONS_REFUSED_TOTAL: Definition = Definition {
    name: "akashi_connections_refused_total",
    kind: Kind::Counter,
    unit: "1",
    help: "connections turned away or cut off",
    labels: &["reason"],
};

/// How far a peer's clock is ahead of this node's, by the peer's id; more than 0.25 either way is an alarm.
pub const CLOCK_SKEW_SECONDS: Definition = Definition {
    name: "akashi_clock_skew_seconds",
    kind: Kind::Gauge,
    unit: "s",
    help: "how far a peer's clock is ahead of this node's, by the peer's id; more than 0.25 either way is an alarm",
    labels: &["peer"],
};
/// 1 while a quorum of clocks agrees with this node's within 500 ms, else 0: without that it stamps nothing.
pub const CLOCKS_AGREE: Definition = Definition {
    name: "akashi_clocks_agree",
    kind: Kind::Gauge,
    unit: "1",
    help: "1 while a quorum of clocks agrees with this node's within 500 ms, else 0: without that it stamps nothing",
    labels: &[],
};
/// How slow this node's disk and apply step are, from 1 to 100; above 80 a leader hands over.
pub const SLOW_SCORE: Definition = Definition {
    name: "akashi_slow_score",
    kind: Kind::Gauge,
    unit: "1",
    help: "how slow this node's disk and apply step are, from 1 to 100; above 80 a leader hands over",
    labels: &[],
};
/// Bytes free on the file system of the data directory.
pub const DISK_FREE_BYTES: Definition = Definition {
    name: "akashi_disk_free_bytes",
    kind: Kind::Gauge,
    unit: "By",
    help: "bytes free on the file system of the data directory",
    labels: &[],
};
/// 1 while the disk is below its low-water mark, else 0: this node takes no commands then.
pub const DISK_LOW: Definition = Definition {
    name: "akashi_disk_low",
    kind: Kind::Gauge,
    unit: "1",
    help: "1 while the disk is below its low-water mark, else 0: this node takes no commands then",
    labels: &[],
};

/// All of them, in the order of the registry.
pub const ALL: [Definition; 45] = [
    RAFT_IS_LEADER,
    RAFT_TERM,
    RAFT_COMMITTED_INDEX,
    RAFT_APPLIED_INDEX,
    RAFT_LEADER_CHANGES_TOTAL,
    PROPOSALS_TOTAL,
    ENTRY_COMMANDS,
    LOG_FSYNC_SECONDS,
    LOG_BATCH_ENTRIES,
    LOG_BYTES_TOTAL,
    LOG_SEGMENTS,
    LOG_FIRST_INDEX,
    REPLICAS_BEHIND_LOG,
    PEERS_TURNED_AWAY_TOTAL,
    SNAPSHOT_GIVEN_BYTES_TOTAL,
    SNAPSHOT_RECEIVED_BYTES_TOTAL,
    HISTORY_MISSING_LEAVES,
    SITE_COMMIT_STALLED_SECONDS,
    DURABLE_APPLIED_INDEX,
    APPLY_SECONDS,
    VERIFY_SECONDS,
    VERIFY_QUEUE,
    VERIFY_MEMO_TOTAL,
    VERDICTS_TOTAL,
    REFUSALS_TOTAL,
    TREE_SIZE,
    SEALED_SIZE,
    SEAL_SECONDS,
    SEAL_LAG_LEAVES,
    HEAD_AGE_SECONDS,
    DIVERGENCE_TOTAL,
    PRESENCE_DESKTOPS,
    PRESENCE_CHANGES_TOTAL,
    PRESENCE_REPORTS_TOTAL,
    SESSIONS_SUSPENDED_TOTAL,
    LEASE_RENEWALS_TOTAL,
    LEASE_SECONDS,
    GRPC_SERVER_SECONDS,
    CONNECTIONS,
    CONNECTIONS_REFUSED_TOTAL,
    CLOCK_SKEW_SECONDS,
    CLOCKS_AGREE,
    SLOW_SCORE,
    DISK_FREE_BYTES,
    DISK_LOW,
];

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Registry {
        metric: Vec<Entry>,
    }

    #[derive(Deserialize)]
    struct Entry {
        name: String,
        kind: String,
        unit: String,
        help: String,
        labels: Vec<String>,
    }

    #[test]
    fn code_and_registry_name_the_same_metrics() {
        let text = include_str!("../../../ops/telemetry/metrics.toml");
        let registry: Registry = toml::from_str(text).unwrap();
        let listed: Vec<_> = registry
            .metric
            .iter()
            .map(|m| {
                (
                    m.name.as_str(),
                    m.kind.as_str(),
                    m.unit.as_str(),
                    m.help.as_str(),
                )
            })
            .collect();
        let defined: Vec<_> = ALL
            .iter()
            .map(|d| {
                let kind = match d.kind {
                    Kind::Counter => "counter",
                    Kind::Gauge => "gauge",
                    Kind::Histogram => "histogram",
                };
                (d.name, kind, d.unit, d.help)
            })
            .collect();
        assert_eq!(listed, defined);
        for (entry, definition) in registry.metric.iter().zip(ALL) {
            assert_eq!(entry.labels, definition.labels, "{}", entry.name);
        }
    }
}
