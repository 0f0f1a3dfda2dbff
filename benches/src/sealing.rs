//! How long after its acknowledgement a verdict is sealed: a quorum's signatures over a tree head that
//! contains it, seen on the platform's stream.

use std::sync::Arc;
use std::time::{Duration, Instant};

use akashi_client::{Platform, Stage, clock};
use hdrhistogram::Histogram;
use tokio::sync::oneshot;

use crate::Failure;
use crate::akashi::{Akashi, Ready, call_deadline, lane, verdict};
use crate::load::{Shape, drive};

/// Significant digits of the latencies.
const DIGITS: u8 = 3;
/// Longest stretch, in seconds.
const STRETCH_S_MAX: u64 = 120;

/// Submits proofs and gives the times from acknowledgement to seal, in microseconds.
///
/// `calls` in all, `depth` in flight; each has a stream open beforehand that waits for the seal. Zero
/// if the seal was there first.
///
/// # Errors
///
/// If a verdict is not "verified" or its seal does not come.
pub async fn seal_times_us(
    akashi: &Akashi,
    depth: usize,
    calls: usize,
) -> Result<Histogram<u64>, Failure> {
    let (_, announced) = akashi.announce(depth, calls).await?;
    let ready = Arc::new(akashi.prove(announced).await?);
    let (phones, platforms) = (akashi.phone_lanes(), akashi.platform_lanes());
    let shape = Shape {
        depth,
        calls,
        limit: Duration::from_secs(STRETCH_S_MAX),
        servers: &[],
    };
    let (_, times) = drive(&shape, move |caller, call| {
        let (phones, platforms) = (Arc::clone(&phones), Arc::clone(&platforms));
        let ready = Arc::clone(&ready);
        async move {
            let Ready {
                contact_id,
                submission,
                ..
            } = ready.get(call).ok_or("no such proof")?;
            let (opened, open) = oneshot::channel();
            let lane_number = caller % crate::akashi::lanes(depth);
            let watching = tokio::spawn(watch(platforms, lane_number, *contact_id, opened));
            // If the stream fails, its own error says more than this one.
            if open.await.is_ok() {
                verdict(lane(&phones, caller, depth)?, submission).await?;
            }
            let acknowledged = clock::monotonic();
            let sealed = watching.await??;
            let after = sealed.saturating_duration_since(acknowledged);
            Ok(u64::try_from(after.as_micros())?)
        }
    })
    .await?;
    if times.len() != calls {
        return Err("not every verdict was sealed in time".into());
    }
    let mut histogram = Histogram::new(DIGITS)?;
    for (_, time) in times {
        histogram.record(time)?;
    }
    Ok(histogram)
}

/// Follows a contact until it is sealed; says when the stream is there, and when the seal came.
async fn watch(
    platforms: Arc<[Platform]>,
    lane_number: usize,
    contact_id: [u8; 16],
    opened: oneshot::Sender<()>,
) -> Result<Instant, Failure> {
    let platform = platforms
        .get(lane_number)
        .ok_or("there are no connections")?;
    let mut opened = Some(opened);
    platform
        .wait_verdict(&contact_id, Stage::Sealed, call_deadline(), |_| {
            if let Some(opened) = opened.take() {
                // The other side waits for this or has failed.
                let (Ok(()) | Err(())) = opened.send(());
            }
        })
        .await?;
    Ok(clock::monotonic())
}
