//! Real processes with a small Raft log: what all replicas have is dropped, what one still needs is not.

use std::time::Duration;

use akashi_client::{Deadline, Error};
use akashi_tests::real::{ACT, RealCluster};

/// The smallest segments there are, dropped as early as the rules allow, and a flush every second.
const SETTINGS: &str = "[storage]\nlog_segment_mib = 4\nlog_segments_kept = 1\n\
                        log_segments_max = 64\nflush_interval_s = 1\n";
/// More commands one after the other than any stage needs: each is a frame of its own, and a segment
/// has room for a thousand.
const COMMANDS_MAX: u64 = 5_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_all_replicas_have_is_dropped_and_one_that_was_down_catches_up_from_the_rest() {
    let mut cluster = RealCluster::start_with(SETTINGS).await;
    let mut number = 0;
    let all = ["n1", "n2", "n3"];
    let dropped = || all.iter().all(|node| cluster.log_segments(node).0 > 1);
    write_until(&cluster, &mut number, dropped).await;

    // Whatever may go by now is gone after a flush and a look.
    tokio::time::sleep(Duration::from_secs(3)).await;

    // A replica that leads is not the one to take away: this is about the log, not about fail-over.
    let away = (cluster.leader().await + 1) % 3;
    cluster.dev.kill_node(away).await.unwrap();
    let others: Vec<String> = (0..3)
        .filter(|position| *position != away)
        .map(|position| format!("n{}", position + 1))
        .collect();
    let held: Vec<u64> = others
        .iter()
        .map(|node| cluster.log_segments(node).0)
        .collect();
    let begun: Vec<u64> = others
        .iter()
        .map(|node| cluster.log_segments(node).1)
        .collect();
    let filled = || {
        let mut both = others.iter().zip(&begun);
        both.all(|(node, begun)| cluster.log_segments(node).1 > begun + 1)
    };
    write_until(&cluster, &mut number, filled).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let kept: Vec<u64> = others
        .iter()
        .map(|node| cluster.log_segments(node).0)
        .collect();
    for (held, kept) in held.iter().zip(&kept) {
        assert!(*kept <= held + 1, "what one lacks stays: {held} and {kept}");
    }
    cluster.dev.start_node(away).unwrap();
    let ends = cluster.converge().await;
    assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{ends:?}");
    for (node, kept) in others.iter().zip(&kept) {
        let dropped = wait_for(|| cluster.log_segments(node).0 > *kept).await;
        assert!(dropped, "{node} drops it once all have it");
    }

    // Everybody starts from what is left, and the audit log is whole.
    for position in 0..3 {
        cluster.dev.kill_node(position).await.unwrap();
    }
    for position in 0..3 {
        cluster.dev.start_node(position).unwrap();
    }
    let ready = Deadline::after(Duration::from_secs(60));
    cluster.dev.wait_ready(ready).await.unwrap();
    let again = cluster.converge().await;
    assert_eq!(again[0].1, ends[0].1, "the same leaves");
    cluster.verdicts_of_each().await;
    cluster.dev.stop().await;
}

/// Commands, one after the other, until `done`.
async fn write_until(cluster: &RealCluster, number: &mut u64, done: impl Fn() -> bool) {
    let operator = cluster.dev.operator().unwrap();
    for _ in 0..COMMANDS_MAX {
        if done() {
            return;
        }
        *number += 1;
        let settings = akashi_proto::v1::Settings {
            notices_per_hour: u32::try_from(*number % 100).unwrap() + 1,
            ..Default::default()
        };
        let written: Result<_, Error> = operator.put_settings(settings, Deadline::after(ACT)).await;
        written.unwrap();
    }
    panic!("{COMMANDS_MAX} commands were not enough");
}

/// Whether it comes true within half a minute.
async fn wait_for(mut true_now: impl FnMut() -> bool) -> bool {
    for _ in 0..300 {
        if true_now() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}
