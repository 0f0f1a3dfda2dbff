//! What the cluster does when it is asked too much, when its leader is told to hand over, and when one
//! follower is slow.
//!
//! The load is announcements in a closed loop, to the node that leads as the stretch begins. Must leave the
//! cluster as it was: whole, and with a leader.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use akashi_client::clock;
use akashi_proto::v1::TransferLeaderRequest;
use akashi_proto::v1::cluster_service_client::ClusterServiceClient;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Failure;
use crate::akashi::{Akashi, call_deadline, lane, notice_to, subject};
use crate::load::{Measured, Shape, drive};

/// Calls in flight that load the machine fully, and ten times as many.
pub const FULL: usize = 256;
/// See [`FULL`].
pub const TOO_MANY: usize = 10 * FULL;
/// Calls in flight beside a slow follower.
pub const BUSY: usize = 64;
/// Callers whose answers show a pause.
const CALLERS: usize = 8;
/// Milliseconds of load before the leader hands over, and after it was told.
const BEFORE_MS: u64 = 1_000;
const AFTER_MS: u64 = 2_000;
/// Milliseconds that the slow follower stands still, and that it runs between: a disk on which every sync
/// takes a tenth of a second looks like this from outside, or better.
const STILL_MS: u64 = 100;
const RUNS_MS: u64 = 10;

/// What came of it.
#[derive(Clone, Debug)]
pub struct Trials {
    /// Announcements at [`FULL`] and at [`TOO_MANY`] calls in flight.
    pub load: (Measured, Measured),
    /// MiB of the largest node's memory, ever.
    pub memory_mib: u64,
    /// Milliseconds of the longest pause between two answers, before and after each hand-over.
    pub pauses_ms: Vec<(u64, u64)>,
    /// Announcements at [`BUSY`] calls in flight, without and with a slow follower.
    pub follower: (Measured, Measured),
}

/// Runs all of them.
///
/// # Errors
///
/// If a call fails, or the cluster has no leader afterwards.
pub async fn run(akashi: &mut Akashi, hand_overs: u32, time: Duration) -> Result<Trials, Failure> {
    let mut pauses_ms = Vec::new();
    for _ in 0..hand_overs {
        let leader = akashi.settle().await?;
        pauses_ms.push(hand_over(akashi, leader).await?);
    }
    let leader = akashi.settle().await?;
    let alone = flood(akashi, BUSY, time).await?;
    let slowed = beside_a_slow_follower(akashi, leader, time).await?;
    akashi.settle().await?;
    let full = flood(akashi, FULL, time).await?;
    let too_many = flood(akashi, TOO_MANY, time).await?;
    let memory_mib = akashi.pids().into_iter().map(memory_mib).max();
    Ok(Trials {
        load: (full, too_many),
        memory_mib: memory_mib.unwrap_or(0),
        pauses_ms,
        follower: (alone, slowed),
    })
}

/// Announcements for `time`, whatever became of the earlier ones of a customer.
async fn flood(akashi: &Akashi, depth: usize, time: Duration) -> Result<Measured, Failure> {
    let pids = akashi.pids();
    let shape = Shape {
        depth,
        calls: usize::MAX,
        limit: time,
        servers: &pids,
    };
    let (platforms, people) = (akashi.platform_lanes(), akashi.people());
    let (measured, _) = drive(&shape, move |caller, call| {
        let platforms = Arc::clone(&platforms);
        async move {
            let subject = subject(call.checked_rem(people).unwrap_or(0));
            let platform = lane(&platforms, caller, depth)?;
            platform
                .announce(&notice_to(&subject), call_deadline())
                .await?;
            Ok(())
        }
    })
    .await?;
    Ok(measured)
}

async fn beside_a_slow_follower(
    akashi: &mut Akashi,
    leader: usize,
    time: Duration,
) -> Result<Measured, Failure> {
    let follower = (leader + 1).checked_rem(akashi.pids().len()).unwrap_or(0);
    let pid = akashi
        .cluster()
        .pid_of(follower)
        .ok_or("the follower does not run")?;
    let (stop, mut stopped) = watch::channel(false);
    let slowing = tokio::spawn(async move {
        while !*stopped.borrow_and_update() {
            signal("-STOP", pid).await?;
            tokio::time::sleep(Duration::from_millis(STILL_MS)).await;
            signal("-CONT", pid).await?;
            tokio::time::sleep(Duration::from_millis(RUNS_MS)).await;
        }
        Ok::<_, Failure>(())
    });
    let measured = flood(akashi, BUSY, time).await;
    stop.send_replace(true);
    slowing.await??;
    measured
}

async fn signal(which: &str, pid: u32) -> Result<(), Failure> {
    let sent = Command::new("kill")
        .arg(which)
        .arg(pid.to_string())
        .status()
        .await?;
    if sent.success() {
        Ok(())
    } else {
        Err("a signal was not delivered".into())
    }
}

/// The longest pauses between two answers, before and after the leader was told to hand over.
async fn hand_over(akashi: &mut Akashi, leader: usize) -> Result<(u64, u64), Failure> {
    let operator = akashi.cluster().operator()?;
    operator.connection().prefer(leader);
    let channel = operator.connection().channel()?;
    let begun = clock::monotonic();
    let whole = Duration::from_millis(BEFORE_MS + AFTER_MS);
    let (platforms, people) = (akashi.platform_lanes(), akashi.people());
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let platforms = Arc::clone(&platforms);
        callers.spawn(async move {
            let mut answered_us = Vec::new();
            let mut number = caller;
            while begun.elapsed() < whole {
                let subject = subject(number.checked_rem(people).unwrap_or(0));
                let platform = lane(&platforms, caller, usize::MAX)?;
                platform
                    .announce(&notice_to(&subject), call_deadline())
                    .await?;
                answered_us.push(u64::try_from(begun.elapsed().as_micros())?);
                number = number.saturating_add(CALLERS);
            }
            Ok::<_, Failure>(answered_us)
        });
    }
    tokio::time::sleep(Duration::from_millis(BEFORE_MS)).await;
    let told_us = u64::try_from(begun.elapsed().as_micros())?;
    let mut request = tonic::Request::new(TransferLeaderRequest { to_node_id: 0 });
    request.set_timeout(Duration::from_secs(5));
    ClusterServiceClient::new(channel)
        .transfer_leader(request)
        .await?;
    let mut answered_us = Vec::new();
    while let Some(caller) = callers.join_next().await {
        answered_us.append(&mut caller??);
    }
    answered_us.sort_unstable();
    let longest = |from: u64, to: u64| {
        let within = answered_us.iter().filter(|at| (from..to).contains(*at));
        let pairs = within.clone().zip(within.skip(1));
        pairs
            .map(|(one, next)| next - one)
            .max()
            .unwrap_or(to - from)
            / 1_000
    };
    Ok((
        longest(0, told_us),
        longest(told_us.saturating_sub(1_000), u64::MAX),
    ))
}

/// The most memory a process ever had, in MiB; zero if it is gone.
fn memory_mib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    peak_kib(&status) / 1_024
}

fn peak_kib(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_of_a_process_is_found_in_its_status() {
        assert_eq!(
            peak_kib("Name:\tx\nVmHWM:\t   12345 kB\nVmRSS:\t 1 kB\n"),
            12_345
        );
        assert_eq!(peak_kib(""), 0);
        assert!(memory_mib(std::process::id()) > 0);
    }
}
