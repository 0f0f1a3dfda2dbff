//! What the machine allows at best: syncs of the disk, and round trips of gRPC over TLS that do
//! nothing.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use akashi_client::{Connection, clock};

use crate::Failure;
use crate::akashi::lane;
use crate::etcd::unary;
use crate::load::{Measured, Shape, drive};

/// Bytes per write: one page.
const WRITE_BYTES: usize = 4_096;
/// Writes before the file is begun again: 16 MiB.
const WRITES_PER_FILE: u64 = 4_096;
/// Round trips per stretch at most: never reached, the time ends a stretch.
const CALLS_MAX: usize = 100_000_000;
/// gRPC's own health question: the least that a node can be asked.
const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// `grpc.health.v1.HealthCheckRequest`.
#[derive(Clone, PartialEq, prost::Message)]
struct HealthRequest {
    #[prost(string, tag = "1")]
    service: String,
}

/// `grpc.health.v1.HealthCheckResponse`.
#[derive(Clone, PartialEq, prost::Message)]
struct HealthResponse {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// Writes pages of a file of written zeros and syncs each, for `time`.
///
/// # Errors
///
/// If the disk refuses.
pub async fn syncs(directory: &Path, time: Duration) -> Result<Measured, Failure> {
    let path = directory.join("syncs");
    tokio::task::spawn_blocking(move || {
        let file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .open(&path)?;
        let (zeros, page) = ([0_u8; WRITE_BYTES], [7_u8; WRITE_BYTES]);
        let bytes = u64::try_from(WRITE_BYTES)?;
        for at in 0..WRITES_PER_FILE {
            file.write_all_at(&zeros, at * bytes)?;
        }
        file.sync_all()?;
        let mut measured = Measured::new()?;
        let begun = clock::monotonic();
        while begun.elapsed() < time {
            let sent = clock::monotonic();
            file.write_all_at(&page, (measured.done % WRITES_PER_FILE) * bytes)?;
            file.sync_data()?;
            measured
                .latency_us
                .record(u64::try_from(sent.elapsed().as_micros())?)?;
            measured.done += 1;
        }
        measured.wall = begun.elapsed();
        fs::remove_file(&path)?;
        Ok(measured)
    })
    .await?
}

/// Asks a node for its health again and again, for `time`.
///
/// # Errors
///
/// If it does not answer.
pub async fn round_trips(
    lanes: &[Connection],
    servers: &[u32],
    depth: usize,
    time: Duration,
) -> Result<Measured, Failure> {
    let mut channels = Vec::with_capacity(lanes.len());
    for connection in lanes {
        channels.push(connection.channel()?);
    }
    let shape = Shape {
        depth,
        calls: CALLS_MAX,
        limit: time,
        servers,
    };
    let channels = std::sync::Arc::new(channels);
    let (measured, _) = drive(&shape, move |caller, _| {
        let channels = std::sync::Arc::clone(&channels);
        async move {
            let channel = lane(&channels, caller, depth)?.clone();
            let _answer: HealthResponse = unary(channel, HEALTH, HealthRequest::default()).await?;
            Ok(())
        }
    })
    .await?;
    Ok(measured)
}
