//! What a run is told on the command line.

use std::path::PathBuf;

use clap::Parser;

/// Measures a three-node akashi cluster and a three-member etcd cluster in alternating rounds.
#[derive(Clone, Debug, Parser)]
#[command(name = "akashi-bench")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line, free of the others"
)]
pub struct Options {
    /// Write the table into this file as well (Markdown).
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Rounds; each measures akashi, then etcd, then the limits.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub rounds: u32,
    /// Seconds of timed load per system, depth and round.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub seconds: u64,
    /// Enrolled customers; each has one open challenge at a time, so this is also the size of a batch.
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u32).range(64..=20_000))]
    pub subjects: u32,
    /// How often the leader is killed.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub kills: u32,
    /// A short run to see that everything works: 1 round of 1 second, 512 customers, 1 kill.
    #[arg(long)]
    pub quick: bool,
    /// Leave etcd out.
    #[arg(long)]
    pub no_etcd: bool,
    /// Announcements only, for a profile: no proofs, no etcd, no limits, no kills.
    #[arg(long)]
    pub announce_only: bool,
    /// Calls in flight of `--announce-only`. Default: 64 and 256 in turns.
    #[arg(long, requires = "announce_only", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub depth: Option<u32>,
    /// Also: ten times too many callers, leaders that hand over, a slow follower.
    #[arg(long)]
    pub trials: bool,
    /// Calls go to all nodes, not to the leader only: in both systems.
    #[arg(long)]
    pub spread: bool,
    /// Where the clusters keep their data; on the disk to measure. Default: beside this program.
    #[arg(long, value_name = "DIRECTORY")]
    pub dir: Option<PathBuf>,
    /// The node's program. Default: beside this program.
    #[arg(long, value_name = "FILE")]
    pub node_binary: Option<PathBuf>,
    /// The etcd program.
    #[arg(long, value_name = "FILE", default_value = "etcd")]
    pub etcd_binary: PathBuf,
}

impl Options {
    /// The options with `--quick` worked in.
    #[must_use]
    pub fn settled(self) -> Self {
        if !self.quick {
            return self;
        }
        Self {
            rounds: 1,
            seconds: 1,
            subjects: self.subjects.min(512),
            kills: self.kills.min(1),
            ..self
        }
    }
}
