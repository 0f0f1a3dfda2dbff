//! Disks that refuse to sync, and disks that are full.

use std::time::Duration;

use akashi_client::clock::monotonic;
use akashi_client::{Deadline, Error};
use akashi_tests::hardship::{SmallDisk, SyncFault};
use akashi_tests::real::{RealCluster, Setup};

use super::{Customer, another_leads, is_refused};

/// How much longer a slow disk syncs, in milliseconds.
const SLOW_SYNC_MS: u64 = 200;
/// When a leader with a slow disk must have handed over, on a machine that does other work too.
const HANDED_OVER: Duration = Duration::from_secs(30);
/// Size of one small disk, in MiB: the log's segments, the state, the ballast and room besides.
const DISK_MIB: u32 = 160;
/// For a disk of this size.
const SMALL: &str =
    "[storage]\nlog_segment_mib = 4\nballast_mib = 16\nlow_water_mib = 32\nflush_interval_s = 2\n";
/// The ballast of that disk, in bytes.
const BALLAST_BYTES: u64 = 16 << 20;
/// Below the low-water mark and above half of it, in MiB.
const NEARLY_FULL_MIB: u64 = 22;
/// Below half of the low-water mark, in MiB.
const FULL_MIB: u64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_disk_refuses_to_sync_stops_and_the_others_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let fault = SyncFault::new(directory.path());
    let mut cluster = RealCluster::of(&Setup {
        environment: fault.environment(0),
        ..Setup::default()
    })
    .await;
    let mut customer = Customer::of(&cluster, "sub-sync-fault").await;
    customer.call().await.unwrap();
    fault.fail(true);
    // The next thing that it has to write ends it.
    customer.call().await.unwrap();
    cluster.wait_stopped(0, Duration::from_secs(20)).await;
    customer.call().await.unwrap();
    let log = std::fs::read_to_string(cluster.dev.log_file("n1")).unwrap();
    assert!(log.contains("this node stops"), "it says why");
    // As long as the disk refuses, it does not come back.
    cluster.dev.start_node(0).unwrap();
    cluster.wait_stopped(0, Duration::from_secs(20)).await;
    fault.fail(false);
    cluster.dev.start_node(0).unwrap();
    let ready = Deadline::after(Duration::from_secs(60));
    cluster.dev.wait_ready(ready).await.unwrap();
    customer.call().await.unwrap();
    customer.is_believed_by(&cluster).await;
    cluster.dev.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_whose_disk_is_slow_hands_over_and_slows_nobody_any_more() {
    let directories = [(), (), ()].map(|()| tempfile::tempdir().unwrap());
    let disks: Vec<SyncFault> = directories
        .iter()
        .map(|directory| SyncFault::new(directory.path()))
        .collect();
    let environment = disks.iter().enumerate();
    let mut cluster = RealCluster::of(&Setup {
        environment: environment
            .flat_map(|(position, disk)| disk.environment(position))
            .collect(),
        ..Setup::default()
    })
    .await;
    let mut customer = Customer::of(&cluster, "sub-slow-disk").await;
    customer.call().await.unwrap();
    let leader = cluster.leader().await;
    disks[leader].slow(SLOW_SYNC_MS);
    let began = monotonic();
    // It is noticed by what is synced, so something has to be.
    while cluster.leader().await == leader {
        assert!(began.elapsed() < HANDED_OVER, "it goes on leading");
        customer.call().await.unwrap();
    }
    println!(
        "a leader with a slow disk handed over after {:?}",
        began.elapsed()
    );
    let took = customer.call().await.unwrap();
    println!("a call beside it: {took:?}");
    disks[leader].slow(0);
    customer.is_believed_by(&cluster).await;
    cluster.dev.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_disks_lose_nothing_and_nodes_go_on_when_there_is_room_again() {
    if !SmallDisk::can_be_mounted() {
        // The rules have their tests in memory: akashi-replica (a disk that is full) and
        // akashi-node (the ballast, what a leader without room does).
        println!("only root may mount a small disk: full disks are tested in memory only");
        return;
    }
    let cluster = RealCluster::of(&Setup {
        settings: SMALL.to_owned(),
        small_disks: (0..3).map(|position| (position, DISK_MIB)).collect(),
        ..Setup::default()
    })
    .await;
    let mut customer = Customer::of(&cluster, "sub-full-disk").await;
    customer.call().await.unwrap();

    // The leader's disk is nearly full: somebody else leads.
    let leader = cluster.leader().await;
    cluster.small_disk(leader).fill(NEARLY_FULL_MIB);
    let successor = another_leads(&cluster, leader).await;
    customer.call().await.unwrap();
    cluster.small_disk(leader).give_back();

    // A follower's disk is full: it acknowledges nothing, the two others go on, and it comes back.
    let follower = (0..3).find(|at| *at != leader && *at != successor).unwrap();
    cluster.small_disk(follower).fill(FULL_MIB);
    waits_for_room(&cluster, follower, true).await;
    for _ in 0..5 {
        customer.call().await.unwrap();
    }
    cluster.small_disk(follower).give_back();
    waits_for_room(&cluster, follower, false).await;

    // All are full: nobody takes a call, and everybody says why.
    for position in 0..3 {
        waits_for_room(&cluster, position, false).await;
        cluster.small_disk(position).fill(FULL_MIB);
    }
    let refused = is_refused(&customer, "DISK_FULL").await;
    assert!(matches!(refused, Error::OverLimit { .. }), "{refused:?}");
    for position in 0..3 {
        cluster.small_disk(position).give_back();
        waits_for_room(&cluster, position, false).await;
    }
    customer.call().await.unwrap();
    customer.is_believed_by(&cluster).await;
    let mut cluster = cluster;
    cluster.dev.stop().await;
}

/// Waits until the node has spent its ballast, or has it again.
async fn waits_for_room(cluster: &RealCluster, position: usize, spent: bool) {
    let ballast = cluster.small_disk(position).path().join("data/ballast");
    for _ in 0..400 {
        // Half made is not made.
        let whole = std::fs::metadata(&ballast).is_ok_and(|file| file.len() == BALLAST_BYTES);
        if whole != spent && ballast.exists() == whole {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the ballast of node {position} is still there: {}", !spent);
}
