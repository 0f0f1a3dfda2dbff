//! The node's configuration: one typed tree, read once, passed on by value.
//!
//! Holds only what may differ between nodes or is needed before the log can be read; limits that
//! decisions read are commands in the log. Secrets are paths, never values. The only file that reads
//! settings. `docs/configuration.md` lists every key.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use akashi_merkle::{Cosigner, CosignerKey, KeySet, Origin};
use akashi_replica::entry::NodeId;
use serde::Deserialize;

mod join;

pub use join::Join;

/// Replicas of one cluster: quorums beyond seven only get slower.
pub const REPLICAS_MAX: usize = 7;
/// Epoch of a cluster's first log.
pub const EPOCH_FIRST: u32 = 1;
/// The one Raft group there is.
pub const GROUP: u16 = 0;
/// Longest configuration file in bytes: seven replicas need about three thousand.
const FILE_BYTES_MAX: u64 = 65_536;

/// Why the configuration cannot be used. Names the key, never a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file cannot be read")]
    Read(#[source] std::io::Error),
    /// The file is longer than any configuration.
    #[error("the configuration file is longer than 65,536 bytes")]
    TooLong,
    /// The file is not TOML, lacks a key, has an unknown one, or a value of the wrong type.
    #[error("the configuration file does not parse")]
    Parse(#[source] toml::de::Error),
    /// A value is outside its range, or two values contradict each other.
    #[error("{key}: {rule}")]
    Value {
        /// The key, with its section.
        key: &'static str,
        /// What it has to be.
        rule: &'static str,
    },
}

/// Everything a node is told. Paths are absolute or relative to the working directory, never to the
/// file: [`Config::load`] has resolved them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who this node is.
    pub node: Node,
    /// Which cluster it belongs to; the same on every node, but for `join`.
    pub cluster: Cluster,
    /// Where it listens.
    pub listen: Listen,
    /// Its certificate.
    pub tls: Tls,
    /// Its cosigning key.
    pub cosign: Cosign,
    /// What it tells about itself.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
    /// What its client port offers.
    #[serde(default)]
    pub api: Api,
    /// How it keeps its data directory.
    #[serde(default)]
    pub storage: Storage,
    /// How much one caller may ask of it.
    #[serde(default)]
    pub limits: Limits,
}

/// Who this node is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its Raft id: one of the cluster's replicas, unless it joins.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub site: String,
    /// Its directory for the log and the state; made if it is missing.
    pub data_dir: PathBuf,
    /// How much it is preferred as leader: the highest among the replicas that are up to date leads.
    /// Zero on all means no preference.
    #[serde(default)]
    pub priority: u32,
}

/// Which cluster a node belongs to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Name: the trust domain of every certificate, and the first part of the log's origin.
    pub name: String,
    /// Cosignatures that seal a head; a majority of the replicas unless said otherwise.
    #[serde(default)]
    pub quorum: Option<u8>,
    /// Its founding replicas.
    pub replicas: Vec<Replica>,
    /// Who must have an entry before it is decided; the same on every node.
    #[serde(default)]
    pub commit: Commit,
    /// Set on a node that was not founded with the cluster.
    #[serde(default)]
    pub join: Option<Join>,
}

/// Who must have an entry before it is decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Commit {
    /// A majority of the voters.
    #[default]
    Majority,
    /// A majority of the voters, among them some of two sites.
    TwoSites,
}

/// One replica, as every node knows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replica {
    /// Raft id, from 1.
    pub id: NodeId,
    /// Name.
    pub name: String,
    /// Where it stands.
    pub site: String,
    /// Where other replicas reach it: host and port.
    pub peer_address: String,
    /// Where clients reach it: host and port.
    pub client_address: String,
    /// Its cosigning key as a C2SP verifier key.
    pub cosigner: String,
}

/// Where a node listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// gRPC over TLS, for everybody.
    pub client: SocketAddr,
    /// gRPC over mutual TLS, for replicas only.
    pub peer: SocketAddr,
    /// Plain HTTP: liveness, readiness, metrics. Keep it off public networks.
    pub admin: SocketAddr,
}

/// A node's certificate. All three are PEM files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The authorities whose certificates are believed.
    pub ca: PathBuf,
    /// The node's certificate, with any intermediate ones after it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// A node's cosigning key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cosign {
    /// A text file: base64 of the 32-byte Ed25519 seed.
    pub key: PathBuf,
}

/// What a node tells about itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// Filter of the log: a level, or directives such as `info,akashi_node::net=debug`.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Where spans and metrics are pushed by OTLP over gRPC; empty: nowhere.
    pub otlp_endpoint: String,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            otlp_endpoint: String::new(),
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// What the client port offers.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Api {
    /// gRPC server reflection, for development.
    pub reflection: bool,
}

/// How a node keeps its data directory. The Raft log never takes more room than
/// `(log_segments_max + 5) × log_segment_mib`: the cap, the segment being written, four spares.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// Size of a segment of the Raft log, in MiB.
    pub log_segment_mib: u32,
    /// Segments that stay although nobody is known to need them.
    pub log_segments_kept: u32,
    /// Segments above which the oldest go, even if a follower still needs them.
    pub log_segments_max: u32,
    /// Longest time between two flushes of the state, in seconds: what a restart replays at most,
    /// unless there was much.
    pub flush_interval_s: u32,
    /// Size of the file that keeps room back for a full disk, in MiB; 0: none.
    pub ballast_mib: u32,
    /// Free room below which this node takes no commands and should not lead, in MiB. Below half of it
    /// the ballast is spent, and nothing of a leader is acknowledged.
    pub low_water_mib: u32,
    /// Most MiB a second of snapshots and old audit log that this node gives others, and as much again
    /// that it takes.
    pub snapshot_mib_per_s: u32,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            // A new file about every 64 MiB keeps renames and directory syncs rare.
            log_segment_mib: 64,
            // A quarter of a gigabyte: minutes of a busy cluster.
            log_segments_kept: 4,
            // One gigabyte: hours for a replica that is being repaired.
            log_segments_max: 16,
            flush_interval_s: 30,
            // Four flushes of the state at its largest.
            ballast_mib: 256,
            // Three segments of the log and a flush.
            low_water_mib: 256,
            // A sixteenth of what a disk of today reads: commands do not notice.
            snapshot_mib_per_s: 64,
        }
    }
}

/// How much one caller may ask of this node. What is allowed in all follows from the number of nodes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections of one address to the client port.
    pub connections_per_address: u32,
    /// Requests a second of one tenant's platforms, agents and processors together; 0: no limit.
    pub tenant_requests_per_s: u32,
    /// Requests a second of callers without a certificate at one address; 0: no limit. Many phones may
    /// have one address.
    pub address_requests_per_s: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Less than half of the port's places.
            connections_per_address: 4_096,
            // More than a node of two processors was seen to answer: a lower one is for whoever runs
            // several tenants to choose.
            tenant_requests_per_s: 20_000,
            address_requests_per_s: 20_000,
        }
    }
}

impl Config {
    /// A configuration file with every key at its default or a value to start from.
    pub const EXAMPLE: &'static str = include_str!("config/example.toml");

    /// Reads, parses and checks the file at `path`; relative paths in it are meant from its folder.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let length = std::fs::metadata(path).map_err(ConfigError::Read)?.len();
        if length > FILE_BYTES_MAX {
            return Err(ConfigError::TooLong);
        }
        let text = std::fs::read_to_string(path).map_err(ConfigError::Read)?;
        Self::parse(&text, path.parent().unwrap_or(Path::new("")))
    }

    /// Parses and checks `text`; relative paths in it are meant from `folder`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Parse`] and [`ConfigError::Value`].
    pub fn parse(text: &str, folder: &Path) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text).map_err(ConfigError::Parse)?;
        for path in [
            &mut config.node.data_dir,
            &mut config.tls.ca,
            &mut config.tls.certificate,
            &mut config.tls.key,
            &mut config.cosign.key,
        ] {
            *path = folder.join(path.as_path());
        }
        config.check()?;
        Ok(config)
    }

    /// Cosignatures that seal a head.
    #[must_use]
    pub fn quorum(&self) -> u8 {
        let majority = (self.cluster.replicas.len() >> 1).saturating_add(1);
        self.cluster
            .quorum
            .unwrap_or_else(|| u8::try_from(majority).unwrap_or(u8::MAX))
    }

    /// The origin of the cluster's log.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Value`] if the cluster's name cannot stand in one.
    pub fn origin(&self) -> Result<Origin, ConfigError> {
        Origin::new(&self.cluster.name, EPOCH_FIRST, GROUP)
            .map_err(|_unfit| value("cluster.name", "must fit into an origin: a host-like name"))
    }

    /// The keys and the quorum by which heads of this cluster are checked.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Value`] if a cosigner or the quorum is refused.
    pub fn key_set(&self) -> Result<KeySet, ConfigError> {
        let mut cosigners = Vec::with_capacity(self.cluster.replicas.len());
        for replica in &self.cluster.replicas {
            cosigners.push(Cosigner {
                name: replica.name.clone(),
                site: replica.site.clone(),
                key: replica.cosigner_key()?,
            });
        }
        KeySet::new(self.origin()?, cosigners, usize::from(self.quorum())).map_err(|_refused| {
            value(
                "cluster.replicas",
                "names and keys must be distinct, and the quorum a majority of them",
            )
        })
    }

    fn check(&self) -> Result<(), ConfigError> {
        let replicas = &self.cluster.replicas;
        if replicas.is_empty() || replicas.len() > REPLICAS_MAX {
            return Err(value("cluster.replicas", "must be 1 to 7 replicas"));
        }
        let ids: BTreeSet<NodeId> = replicas.iter().map(|replica| replica.id).collect();
        if ids.len() != replicas.len() || ids.contains(&0) {
            return Err(value(
                "cluster.replicas.id",
                "must be distinct and not zero",
            ));
        }
        for replica in replicas {
            replica.check()?;
        }
        self.check_own()?;
        let ports = [self.listen.client, self.listen.peer, self.listen.admin];
        let chosen: BTreeSet<SocketAddr> = ports.into_iter().filter(|a| a.port() != 0).collect();
        if chosen.len() != ports.iter().filter(|a| a.port() != 0).count() {
            return Err(value(
                "listen",
                "client, peer and admin must be three addresses",
            ));
        }
        self.telemetry.check()?;
        self.storage.check()?;
        self.limits.check()?;
        self.key_set().map(drop)
    }
}

impl Replica {
    /// Its cosigning key.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Value`] if the text is no verifier key.
    pub fn cosigner_key(&self) -> Result<CosignerKey, ConfigError> {
        CosignerKey::from_vkey(&self.cosigner)
            .map_err(|_refused| value("cluster.replicas.cosigner", "must be a C2SP verifier key"))
    }

    fn check(&self) -> Result<(), ConfigError> {
        if !is_address(&self.peer_address) {
            return Err(value("cluster.replicas.peer_address", "must be host:port"));
        }
        if !is_address(&self.client_address) {
            return Err(value(
                "cluster.replicas.client_address",
                "must be host:port",
            ));
        }
        if self.cosigner_key()?.name() != self.name {
            return Err(value(
                "cluster.replicas.cosigner",
                "must be named as its replica",
            ));
        }
        Ok(())
    }
}

impl TelemetryConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let endpoint = &self.otlp_endpoint;
        let is_url = endpoint.starts_with("http://") || endpoint.starts_with("https://");
        if !endpoint.is_empty() && !is_url {
            return Err(value(
                "telemetry.otlp_endpoint",
                "must be empty or an http URL",
            ));
        }
        Ok(())
    }
}

impl Storage {
    fn check(self) -> Result<(), ConfigError> {
        if !(4..=1_024).contains(&self.log_segment_mib) {
            return Err(value("storage.log_segment_mib", "must be 4 to 1,024"));
        }
        if self.log_segments_kept == 0 || self.log_segments_kept > self.log_segments_max {
            return Err(value(
                "storage.log_segments_kept",
                "must be 1 to storage.log_segments_max",
            ));
        }
        if self.log_segments_max > 1_024 {
            return Err(value("storage.log_segments_max", "must be at most 1,024"));
        }
        if !(1..=3_600).contains(&self.flush_interval_s) {
            return Err(value("storage.flush_interval_s", "must be 1 to 3,600"));
        }
        if self.ballast_mib > 65_536 {
            return Err(value("storage.ballast_mib", "must be at most 65,536"));
        }
        if !(8..=65_536).contains(&self.low_water_mib) {
            return Err(value("storage.low_water_mib", "must be 8 to 65,536"));
        }
        if !(1..=10_000).contains(&self.snapshot_mib_per_s) {
            return Err(value("storage.snapshot_mib_per_s", "must be 1 to 10,000"));
        }
        Ok(())
    }
}

impl Limits {
    /// Connections of one address.
    #[must_use]
    pub fn per_address_max(self) -> usize {
        usize::try_from(self.connections_per_address).unwrap_or(usize::MAX)
    }

    fn check(self) -> Result<(), ConfigError> {
        if !(1..=10_000).contains(&self.connections_per_address) {
            return Err(value(
                "limits.connections_per_address",
                "must be 1 to 10,000",
            ));
        }
        Ok(())
    }
}

fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0)
    })
}

const fn value(key: &'static str, rule: &'static str) -> ConfigError {
    ConfigError::Value { key, rule }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_configuration() {
        let config = example();
        assert_eq!(config.quorum(), 2);
        assert_eq!(config.this_replica().unwrap().name, "n1");
        assert_eq!(config.origin().unwrap().to_string(), "dev/e1/g0");
        assert_eq!(config.key_set().unwrap().cosigners().len(), 3);
    }

    #[test]
    fn relative_paths_are_meant_from_the_file() {
        let config = example();
        assert_eq!(config.tls.ca, Path::new("/etc/akashi/ca.pem"));
        assert_eq!(config.node.data_dir, Path::new("/etc/akashi/data"));
        let absolute = Config::EXAMPLE.replace("\"ca.pem\"", "\"/other/ca.pem\"");
        let config = Config::parse(&absolute, Path::new("/etc/akashi")).unwrap();
        assert_eq!(config.tls.ca, Path::new("/other/ca.pem"));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let text = Config::EXAMPLE.replace("[api]", "[api]\ncolour = \"red\"");
        assert!(matches!(parse(&text), Err(ConfigError::Parse(_))));
    }

    #[test]
    fn values_out_of_range_are_named_by_their_key() {
        for (from, to, key) in [
            (
                "id = 1\nname = \"n1\"\nsite = \"a\"\ndata",
                "id = 9\nname = \"n1\"\nsite = \"a\"\ndata",
                "node.id",
            ),
            (
                "name = \"n1\"\nsite = \"a\"\ndata",
                "name = \"n7\"\nsite = \"a\"\ndata",
                "node.name",
            ),
            ("quorum = 2", "quorum = 1", "cluster.replicas"),
            ("quorum = 2", "quorum = 4", "cluster.replicas"),
            ("name = \"dev\"", "name = \"d e v\"", "cluster.name"),
            ("id = 3", "id = 2", "cluster.replicas.id"),
            (
                "peer_address = \"127.0.0.1:7421\"",
                "peer_address = \"127.0.0.1\"",
                "cluster.replicas.peer_address",
            ),
            (
                "client_address = \"127.0.0.1:7420\"",
                "client_address = \":7420\"",
                "cluster.replicas.client_address",
            ),
            (
                "cosigner = \"n1+",
                "cosigner = \"n9+",
                "cluster.replicas.cosigner",
            ),
            (
                "peer = \"127.0.0.1:7421\"",
                "peer = \"127.0.0.1:7420\"",
                "listen",
            ),
            (
                "otlp_endpoint = \"\"",
                "otlp_endpoint = \"collector\"",
                "telemetry.otlp_endpoint",
            ),
            (
                "log_segment_mib = 64",
                "log_segment_mib = 3",
                "storage.log_segment_mib",
            ),
            (
                "log_segments_kept = 4",
                "log_segments_kept = 17",
                "storage.log_segments_kept",
            ),
            (
                "log_segments_max = 16",
                "log_segments_max = 1025",
                "storage.log_segments_max",
            ),
            (
                "flush_interval_s = 30",
                "flush_interval_s = 0",
                "storage.flush_interval_s",
            ),
            (
                "ballast_mib = 256",
                "ballast_mib = 65537",
                "storage.ballast_mib",
            ),
            (
                "low_water_mib = 256",
                "low_water_mib = 7",
                "storage.low_water_mib",
            ),
            (
                "connections_per_address = 4096",
                "connections_per_address = 0",
                "limits.connections_per_address",
            ),
            (
                "snapshot_mib_per_s = 64",
                "snapshot_mib_per_s = 0",
                "storage.snapshot_mib_per_s",
            ),
        ] {
            assert!(Config::EXAMPLE.contains(from), "{from}");
            let text = Config::EXAMPLE.replacen(from, to, 1);
            match parse(&text) {
                Err(ConfigError::Value { key: found, .. }) => assert_eq!(found, key),
                other => panic!("{key}: {other:?}"),
            }
        }
    }

    #[test]
    fn optional_sections_have_defaults() {
        let start = Config::EXAMPLE.find("[telemetry]").unwrap();
        let config = parse(&Config::EXAMPLE[..start]).unwrap();
        assert_eq!(config.telemetry.log, "info");
        assert_eq!(config.telemetry.log_format, LogFormat::Text);
        assert!(config.telemetry.otlp_endpoint.is_empty());
        assert!(!config.api.reflection);
        assert_eq!(config.storage.log_segment_mib, 64);
    }

    fn example() -> Config {
        parse(Config::EXAMPLE).unwrap()
    }

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("/etc/akashi"))
    }
}
