//! How long the cluster is without verdicts after its leader was killed.
//!
//! A trickle of submissions goes on all the time. The gap is the time from SIGKILL to the first
//! acknowledged verdict among the submissions that were sent after it: an answer that was already on
//! its way when the leader died does not count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use akashi_client::clock;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Failure;
use crate::akashi::{Akashi, lane, verdict};

/// Callers of the trickle.
const CALLERS: usize = 8;
/// Milliseconds that each waits between two submissions: about 400 submissions per second in all, so
/// that a gap is known to a few milliseconds and the machine is not saturated.
const PAUSE_MS: u64 = 20;
/// Milliseconds of trickle before the kill.
const BEFORE_MS: u64 = 500;
/// Seconds within which verdicts must come again.
const AGAIN_S_MAX: u64 = 20;
/// Submissions prepared per kill at most: for the time before and a gap of several seconds.
const SUBMISSIONS_MAX: usize = 3_000;
/// A gap that has not ended.
const OPEN: u64 = u64::MAX;

/// What the kills came to.
#[derive(Clone, Debug, Default)]
pub struct Gaps {
    /// Milliseconds from each SIGKILL to the next acknowledged verdict.
    pub gaps_ms: Vec<u64>,
    /// Submissions acknowledged as "verified" over all kills.
    pub acknowledged: u64,
    /// Submissions that ended in an error at the client after all retries.
    pub failed: u64,
}

/// Kills the leader `kills` times, with a restart and a full recovery between.
///
/// # Errors
///
/// If verdicts do not come again, or the node does not.
pub async fn kill_leaders(akashi: &mut Akashi, kills: u32) -> Result<Gaps, Failure> {
    let mut gaps = Gaps::default();
    for _ in 0..kills {
        let leader = akashi.settle().await?;
        let calls = akashi.people().min(SUBMISSIONS_MAX);
        let (_, announced) = akashi.announce(64, calls).await?;
        let ready = akashi.prove(announced).await?.into();
        kill_once(akashi, leader, ready, &mut gaps).await?;
        akashi.cluster().start_node(leader)?;
        akashi.settle().await?;
    }
    Ok(gaps)
}

async fn kill_once(
    akashi: &mut Akashi,
    leader: usize,
    ready: Arc<[crate::akashi::Ready]>,
    gaps: &mut Gaps,
) -> Result<(), Failure> {
    let phones = akashi.phone_lanes();
    let begun = clock::monotonic();
    let since_begin_us = move || u64::try_from(begun.elapsed().as_micros()).unwrap_or(OPEN - 1);
    let killed_us = Arc::new(AtomicU64::new(OPEN));
    let (next, acknowledged) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
    let failed = Arc::new(AtomicU64::new(0));
    let (again, mut ended) = watch::channel(OPEN);
    let again = Arc::new(again);
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (phones, ready) = (Arc::clone(&phones), Arc::clone(&ready));
        let (killed_us, next, again) = (
            Arc::clone(&killed_us),
            Arc::clone(&next),
            Arc::clone(&again),
        );
        let (acknowledged, failed) = (Arc::clone(&acknowledged), Arc::clone(&failed));
        callers.spawn(async move {
            while *again.borrow() == OPEN {
                let call = next.fetch_add(1, Ordering::Relaxed);
                let Some(ready) = ready.get(call) else { break };
                let sent_us = since_begin_us();
                let connection = lane(&phones, caller, usize::MAX)?;
                if verdict(connection, &ready.submission).await.is_ok() {
                    let answered_us = since_begin_us();
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                    let killed_us = killed_us.load(Ordering::SeqCst);
                    if sent_us > killed_us {
                        let gap_us = answered_us.saturating_sub(killed_us);
                        again.send_if_modified(|known| {
                            let shorter = gap_us < *known;
                            if shorter {
                                *known = gap_us;
                            }
                            shorter
                        });
                    }
                } else {
                    failed.fetch_add(1, Ordering::Relaxed);
                }
                tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await;
            }
            Ok::<_, Failure>(())
        });
    }
    tokio::time::sleep(Duration::from_millis(BEFORE_MS)).await;
    // Noted before the signal: the gap can only come out too long, never too short.
    killed_us.store(since_begin_us(), Ordering::SeqCst);
    akashi.cluster().kill_node(leader).await?;
    let limit = Duration::from_secs(AGAIN_S_MAX);
    let answered = tokio::time::timeout(limit, ended.wait_for(|gap| *gap != OPEN)).await;
    let answered = answered.map_err(|_late| "no verdict came after a leader was killed")??;
    gaps.gaps_ms.push(*answered / 1_000);
    drop(answered);
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    gaps.acknowledged = gaps
        .acknowledged
        .saturating_add(acknowledged.load(Ordering::Relaxed));
    gaps.failed = gaps.failed.saturating_add(failed.load(Ordering::Relaxed));
    Ok(())
}
