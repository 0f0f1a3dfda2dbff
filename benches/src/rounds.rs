//! One run: both clusters are started once, then measured in turns, depth by depth and round by round,
//! so that whatever else the machine does hits both.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::Failure;
use crate::akashi::{self, Akashi, phones_parent};
use crate::cpu::{Spent, stolen_ticks};
use crate::domain::submission_bytes;
use crate::etcd::{self, Etcd};
use crate::failover::{self, Gaps};
use crate::hostile::{self, Liars};
use crate::limits;
use crate::load::Measured;
use crate::machine::{Machine, load_average};
use crate::options::Options;
use crate::sealing;
use crate::trials::{self, Trials};

/// Calls in flight.
pub const DEPTHS: [usize; 3] = [1, 64, 256];
/// Calls in flight for round trips and seals: alone, and busy.
pub const LIGHT_DEPTHS: [usize; 2] = [1, 64];
/// Calls in flight where each announces [`akashi::BATCH`] contacts: alone, and busy.
pub const BATCH_DEPTHS: [usize; 2] = [1, 16];
/// Calls in flight for reads.
pub const READ_DEPTHS: [usize; 2] = [64, 256];
/// A single caller makes this fraction of a batch: it takes as long as a full one at depth.
const SINGLE_PART: usize = 8;
/// Batches per depth and round at most.
const BATCHES_MAX: u32 = 20;
/// Seconds over which the idle clusters are watched.
const IDLE_S: u64 = 3;
/// Members' connections to etcd: as many as akashi's callers have.
const LANES: usize = 16;

/// One depth of one round.
#[derive(Clone, Debug)]
pub struct AtDepth {
    /// Calls in flight.
    pub depth: usize,
    /// Announcements: the small durable command.
    pub announcements: Measured,
    /// Submissions with possession and PIN, until the verdict.
    pub verdicts: Measured,
    /// Puts into etcd, unless it was left out.
    pub puts: Option<Measured>,
}

/// One round.
#[derive(Clone, Debug)]
pub struct Round {
    /// Both systems at every depth.
    pub depths: Vec<AtDepth>,
    /// Announcements of several contacts in a call, by calls in flight; contacts are counted.
    pub batches: Vec<(usize, Measured)>,
    /// Linearizable reads by calls in flight: akashi's of contacts, etcd's of keys.
    pub reads: Vec<(usize, Measured, Option<Measured>)>,
    /// Honest verdicts beside liars.
    pub liars: Vec<(Liars, Measured)>,
    /// Empty calls to a node, by calls in flight.
    pub round_trips: Vec<(usize, Measured)>,
    /// Microseconds from acknowledgement to seal, by calls in flight.
    pub seals_us: Vec<(usize, Histogram<u64>)>,
    /// Writes of one page, each synced.
    pub syncs: Measured,
}

/// Everything that a run found out.
#[derive(Clone, Debug)]
pub struct Results {
    /// The machine as the run began.
    pub machine: Machine,
    /// The load averages as it ended.
    pub load_after: String,
    /// Seconds that the hypervisor gave to others meanwhile, over all cores.
    pub stolen_s: u64,
    /// What was asked for.
    pub options: Options,
    /// Bytes of a value put into etcd, and of a submission in the Raft log.
    pub value_bytes: usize,
    /// Processor time of the idle clusters in microseconds per second: akashi's, etcd's.
    pub idle_us: (u64, Option<u64>),
    /// The rounds.
    pub rounds: Vec<Round>,
    /// Too many callers, leaders that hand over, a slow follower; if they were asked for.
    pub trials: Option<Trials>,
    /// The killed leaders.
    pub gaps: Gaps,
}

/// Runs everything and says on the way where it is.
///
/// # Errors
///
/// The first thing that fails; all processes are killed then.
pub async fn run(options: &Options, say: &dyn Fn(&str)) -> Result<Results, Failure> {
    let parent = match &options.dir {
        Some(directory) => directory.clone(),
        None => program_directory()?,
    };
    // Both go away with everything in them, however the run ends.
    let data = tempfile::Builder::new()
        .prefix("akashi-bench-")
        .tempdir_in(&parent)?;
    let phones = tempfile::Builder::new()
        .prefix("akashi-bench-phones-")
        .tempdir_in(phones_parent(&parent))?;
    let machine = Machine::look(data.path());
    let stolen_before = stolen_ticks();
    let value_bytes = submission_bytes()?;
    say("starting akashi and enrolling customers");
    let mut akashi = Akashi::start(&akashi::Plan {
        directory: data.path().join("akashi"),
        phones: phones.path().to_owned(),
        node_binary: options.node_binary.clone(),
        subjects: usize::try_from(options.subjects)?,
        spread: options.spread,
    })
    .await?;
    if options.announce_only {
        announce(&mut akashi, options, say).await?;
        akashi.stop().await;
        return Err("announcements only: there is no table".into());
    }
    let mut etcd = if options.no_etcd {
        None
    } else {
        say("starting etcd");
        let plan = etcd::Plan {
            directory: data.path().join("etcd"),
            binary: options.etcd_binary.clone(),
            lanes: LANES,
            spread: options.spread,
        };
        Some(Etcd::start(&plan).await?)
    };
    let idle_us = idle(&akashi, etcd.as_ref()).await;
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        say(&format!("round {number} of {}", options.rounds));
        rounds.push(round(&mut akashi, etcd.as_mut(), options, data.path(), say).await?);
    }
    if let Some(etcd) = etcd {
        etcd.stop().await;
    }
    let trials = if options.trials {
        say("too many callers, leaders that hand over, a slow follower");
        let time = Duration::from_secs(options.seconds);
        Some(trials::run(&mut akashi, options.rounds, time).await?)
    } else {
        None
    };
    say(&format!("killing the leader, {} times", options.kills));
    let gaps = failover::kill_leaders(&mut akashi, options.kills).await?;
    akashi.stop().await;
    Ok(Results {
        machine,
        load_after: load_average(),
        stolen_s: stolen_ticks().saturating_sub(stolen_before) / 100,
        options: options.clone(),
        value_bytes,
        idle_us,
        rounds,
        trials,
        gaps,
    })
}

/// Announcements at the larger depths, round after round.
async fn announce(
    akashi: &mut Akashi,
    options: &Options,
    say: &dyn Fn(&str),
) -> Result<(), Failure> {
    for round in 0..options.rounds {
        akashi.settle().await?;
        let depth = match options.depth {
            Some(depth) => usize::try_from(depth)?,
            None if round % 2 == 0 => 64,
            None => 256,
        };
        let mut all = Measured::new()?;
        while all.wall < Duration::from_secs(options.seconds) {
            all.add(&akashi.announce(depth, batch(akashi, depth)).await?.0)?;
        }
        say(&format!(
            "  {depth:>3} in flight: {} announcements/s, p50 {} us, p99 {} us, {} us of the servers each",
            all.per_second(),
            all.percentile_us(50),
            all.percentile_us(99),
            all.server_us_per_call(),
        ));
    }
    Ok(())
}

async fn round(
    akashi: &mut Akashi,
    mut etcd: Option<&mut Etcd>,
    options: &Options,
    data: &Path,
    say: &dyn Fn(&str),
) -> Result<Round, Failure> {
    let time = Duration::from_secs(options.seconds);
    let bytes = submission_bytes()?;
    let mut depths = Vec::with_capacity(DEPTHS.len());
    for depth in DEPTHS {
        akashi.settle().await?;
        let (announcements, verdicts) = calls(akashi, depth, time).await?;
        let puts = match etcd.as_deref_mut() {
            Some(etcd) => Some(etcd.put(depth, bytes, time).await?),
            None => None,
        };
        say(&format!(
            "  {depth:>3} in flight: {} announcements/s, {} verdicts/s, {} puts/s",
            announcements.per_second(),
            verdicts.per_second(),
            puts.as_ref().map_or(0, Measured::per_second),
        ));
        depths.push(AtDepth {
            depth,
            announcements,
            verdicts,
            puts,
        });
    }
    akashi.settle().await?;
    let batches = batches(akashi, time, say).await?;
    let reads = reads(akashi, etcd, time, say).await?;
    akashi.settle().await?;
    let mut liars = Vec::with_capacity(Liars::ALL.len());
    for share in Liars::ALL {
        let measured = hostile::verdicts(akashi, share, time).await?;
        let (name, rate) = (share.name(), measured.per_second());
        say(&format!("  {name}: {rate} honest verdicts/s"));
        liars.push((share, measured));
    }
    let (lanes, pids) = (akashi.phone_lanes(), akashi.pids());
    let mut round_trips = Vec::new();
    let mut seals_us = Vec::new();
    for depth in LIGHT_DEPTHS {
        round_trips.push((
            depth,
            limits::round_trips(&lanes, &pids, depth, time).await?,
        ));
        let calls = batch(akashi, depth).div_ceil(2);
        seals_us.push((depth, sealing::seal_times_us(akashi, depth, calls).await?));
    }
    let syncs = limits::syncs(data, time).await?;
    Ok(Round {
        depths,
        batches,
        reads,
        liars,
        round_trips,
        seals_us,
        syncs,
    })
}

async fn batches(
    akashi: &Akashi,
    time: Duration,
    say: &dyn Fn(&str),
) -> Result<Vec<(usize, Measured)>, Failure> {
    let mut batches = Vec::with_capacity(BATCH_DEPTHS.len());
    for depth in BATCH_DEPTHS {
        let measured = akashi.announce_batches(depth, time).await?;
        let (contacts, rate) = (akashi::BATCH, measured.per_second());
        say(&format!(
            "  {depth:>3} in flight of {contacts} contacts: {rate} announcements/s"
        ));
        batches.push((depth, measured));
    }
    Ok(batches)
}

async fn reads(
    akashi: &Akashi,
    etcd: Option<&mut Etcd>,
    time: Duration,
    say: &dyn Fn(&str),
) -> Result<Vec<(usize, Measured, Option<Measured>)>, Failure> {
    let (_, announced) = akashi.announce(64, akashi.people()).await?;
    let contacts: Arc<[[u8; 16]]> = announced.iter().map(|one| one.contact_id).collect();
    let mut reads = Vec::with_capacity(READ_DEPTHS.len());
    for depth in READ_DEPTHS {
        let ours = akashi.read(depth, Arc::clone(&contacts), time).await?;
        let theirs = match etcd.as_deref() {
            Some(etcd) => Some(etcd.get(depth, time).await?),
            None => None,
        };
        say(&format!(
            "  {depth:>3} in flight: {} reads/s, {} gets/s",
            ours.per_second(),
            theirs.as_ref().map_or(0, Measured::per_second),
        ));
        reads.push((depth, ours, theirs));
    }
    Ok(reads)
}

/// Batches of calls until the verdicts alone have taken `time`.
async fn calls(
    akashi: &Akashi,
    depth: usize,
    time: Duration,
) -> Result<(Measured, Measured), Failure> {
    let (mut announcements, mut verdicts) = (Measured::new()?, Measured::new()?);
    for _ in 0..BATCHES_MAX {
        let (announcing, announced) = akashi.announce(depth, batch(akashi, depth)).await?;
        announcements.add(&announcing)?;
        let ready = akashi.prove(announced).await?;
        verdicts.add(&akashi.submit(depth, ready).await?)?;
        if verdicts.wall >= time {
            break;
        }
    }
    Ok((announcements, verdicts))
}

fn batch(akashi: &Akashi, depth: usize) -> usize {
    if depth == 1 {
        akashi.people() / SINGLE_PART
    } else {
        akashi.people()
    }
}

/// What the clusters spend while nobody calls them: it falls on whichever of them is measured.
async fn idle(akashi: &Akashi, etcd: Option<&Etcd>) -> (u64, Option<u64>) {
    let (ours, theirs) = (akashi.pids(), etcd.map(Etcd::pids));
    let spent = || {
        (
            Spent::now(&ours).servers_us,
            theirs.as_ref().map(|pids| Spent::now(pids).servers_us),
        )
    };
    let before = spent();
    tokio::time::sleep(Duration::from_secs(IDLE_S)).await;
    let after = spent();
    let per_second = |before: u64, after: u64| after.saturating_sub(before) / IDLE_S;
    (
        per_second(before.0, after.0),
        before
            .1
            .zip(after.1)
            .map(|(before, after)| per_second(before, after)),
    )
}

/// Where this program is: on the disk that builds are on.
fn program_directory() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()?;
    let parent = program.parent().ok_or("this program is in no directory")?;
    Ok(parent.to_owned())
}
