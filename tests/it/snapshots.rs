//! Real processes: a replica that was down until the others dropped what it lacks takes up a snapshot,
//! goes on by the log, gets the old leaves of the audit log, and only then signs again.

use std::time::Duration;

use akashi_client::{Deadline, Error};
use akashi_merkle::Leaf;
use akashi_tests::real::{ACT, RealCluster};

/// The smallest segments there are, and room for hardly more than the one being written.
const SETTINGS: &str = "[storage]\nlog_segment_mib = 4\nlog_segments_kept = 1\n\
                        log_segments_max = 2\nflush_interval_s = 1\n";
/// More commands one after the other than any stage needs: each is a frame of its own, and a segment
/// has room for a thousand.
const COMMANDS_MAX: u64 = 12_000;
/// What the node says when it has switched.
const SWITCHED: &str = "log and state start from a snapshot";
/// What it says when it signs again.
const SIGNS: &str = "the audit log is whole and matches a sealed head";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_every_log_has_left_behind_takes_up_a_snapshot_and_signs_again() {
    let mut cluster = RealCluster::start_with(SETTINGS).await;
    let mut number = 0;
    write(&cluster, &mut number, 50).await;
    let away = (cluster.leader().await + 1) % 3;
    leave_behind(&mut cluster, away, &mut number).await;

    cluster.dev.start_node(away).unwrap();
    let name = cluster.dev.names()[away].to_owned();
    let switched = wait_for(|| said(&cluster, &name, SWITCHED)).await;
    assert!(switched, "{name} takes up a snapshot");
    let ends = cluster.converge().await;
    assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{ends:?}");
    let signs = wait_for(|| said(&cluster, &name, SIGNS)).await;
    assert!(signs, "{name} has every leaf and has matched a head");

    // It signs again: a head with three signatures is sealed.
    write(&cluster, &mut number, 5).await;
    assert!(all_sign(&cluster).await, "all three sign");
    let logs = cluster.leaves_of_each().await;
    assert_eq!(logs.len(), 3);
    assert_same_leaves(&logs, number);

    // And it is worth a majority: the others take turns at being down.
    let other = (away + 1) % 3;
    cluster.dev.kill_node(other).await.unwrap();
    write(&cluster, &mut number, 5).await;
    cluster.dev.start_node(other).unwrap();
    let ends = cluster.converge().await;
    assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{ends:?}");
    cluster.dev.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_killed_while_it_takes_up_a_snapshot_goes_on_with_it() {
    let mut cluster = RealCluster::start_with(SETTINGS).await;
    let mut number = 0;
    write(&cluster, &mut number, 50).await;
    let away = (cluster.leader().await + 1) % 3;
    leave_behind(&mut cluster, away, &mut number).await;
    let name = cluster.dev.names()[away].to_owned();
    for pause in [600, 1_200, 1_700, 2_100, 2_600] {
        cluster.dev.start_node(away).unwrap();
        tokio::time::sleep(Duration::from_millis(pause)).await;
        cluster.dev.kill_node(away).await.unwrap();
    }
    cluster.dev.start_node(away).unwrap();
    let switched = wait_for(|| said(&cluster, &name, SWITCHED)).await;
    assert!(switched, "{name} takes up a snapshot");
    let ends = cluster.converge().await;
    assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{ends:?}");
    let signs = wait_for(|| said(&cluster, &name, SIGNS)).await;
    assert!(signs, "{name} has every leaf and has matched a head");
    let logs = cluster.leaves_of_each().await;
    assert_same_leaves(&logs, number);
    cluster.dev.stop().await;
}

/// Takes a node away, and writes until the others have dropped every segment they had then.
async fn leave_behind(cluster: &mut RealCluster, away: usize, number: &mut u64) {
    cluster.dev.kill_node(away).await.unwrap();
    let names = cluster.dev.names();
    let others: Vec<String> = (0..3)
        .filter(|position| *position != away)
        .map(|position| names[position].to_owned())
        .collect();
    let then: Vec<u64> = others
        .iter()
        .map(|node| cluster.log_segments(node).1)
        .collect();
    let dropped = || {
        let mut both = others.iter().zip(&then);
        both.all(|(node, then)| cluster.log_segments(node).0 > *then)
    };
    for _ in 0..COMMANDS_MAX {
        if dropped() {
            return;
        }
        write(cluster, number, 1).await;
    }
    panic!("{COMMANDS_MAX} commands were not enough");
}

/// Commands, one after the other.
async fn write(cluster: &RealCluster, number: &mut u64, count: u64) {
    let operator = cluster.dev.operator().unwrap();
    for _ in 0..count {
        *number += 1;
        let settings = akashi_proto::v1::Settings {
            notices_per_hour: u32::try_from(*number % 100).unwrap() + 1,
            ..Default::default()
        };
        let written: Result<_, Error> = operator.put_settings(settings, Deadline::after(ACT)).await;
        written.unwrap();
    }
}

/// The logs have the same leaves, one of every command at least. They are read one after the other, and
/// leaves of the cluster's own (a mark, a digest) may come in between: what all of them have is compared.
fn assert_same_leaves(logs: &[Vec<Leaf>], commands: u64) {
    let common = logs.iter().map(Vec::len).min().unwrap();
    assert!(
        u64::try_from(common).unwrap() >= commands,
        "{common} leaves"
    );
    for log in logs {
        assert_eq!(log[..common], logs[0][..common], "the same leaves");
    }
}

/// Whether every node says, within half a minute, that nothing is missing and that the newest head has
/// three signatures.
async fn all_sign(cluster: &RealCluster) -> bool {
    let operator = cluster.dev.operator().unwrap();
    for _ in 0..300 {
        let statuses = operator
            .status_of_all(Deadline::after(Duration::from_secs(1)))
            .await;
        let signed = statuses.iter().all(|(_, status)| {
            status
                .as_ref()
                .is_ok_and(|s| s.history_complete && s.sealed_signatures == 3)
        });
        if signed {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

fn said(cluster: &RealCluster, node: &str, words: &str) -> bool {
    let log = std::fs::read_to_string(cluster.dev.log_file(node)).unwrap_or_default();
    log.contains(words)
}

/// Whether it comes true within a minute.
async fn wait_for(mut true_now: impl FnMut() -> bool) -> bool {
    for _ in 0..600 {
        if true_now() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}
