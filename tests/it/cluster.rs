//! Real processes, real disks, real TLS: leaders are killed under load, and nothing that was
//! acknowledged may be missing, doubled or different anywhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use akashi_client::Deadline;
use akashi_tests::effort;
use akashi_tests::real::{ACT, RealCluster, Seen, call_until};

/// Callers at the same time.
const CALLERS: u64 = 8;
/// Calls a second that one caller will not exceed: with enough phones, none gets more notices an hour
/// than the cluster allows at most.
const CALLS_PER_SECOND_MAX: u64 = 50;
/// The most notices an hour that one subject can be allowed.
const NOTICES_PER_HOUR_MAX: u32 = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaders_die_under_load_and_every_acknowledged_verdict_stands() {
    let mut cluster = RealCluster::start().await;
    let platform = Arc::new(cluster.dev.context().platform().unwrap());
    // A subject may get a few notices an hour only; this is about load, not about people.
    let settings = akashi_proto::v1::Settings {
        notices_per_hour: NOTICES_PER_HOUR_MAX,
        ..Default::default()
    };
    let operator = cluster.dev.operator().unwrap();
    operator
        .put_settings(settings, Deadline::after(ACT))
        .await
        .unwrap();
    let calls_max = effort::kill_seconds() * CALLS_PER_SECOND_MAX;
    let phones_each = calls_max / u64::from(NOTICES_PER_HOUR_MAX) + 1;
    let stop = Arc::new(AtomicBool::new(false));
    let mut callers = Vec::new();
    for caller in 0..CALLERS {
        let mut phones = Vec::new();
        for number in 0..phones_each {
            phones.push(
                cluster
                    .enrol(&format!("sub_kill_{caller}_{number:03}"))
                    .await,
            );
        }
        let (platform, stop) = (Arc::clone(&platform), Arc::clone(&stop));
        callers.push(tokio::spawn(call_until(platform, phones, stop)));
    }

    let end = Deadline::after(Duration::from_secs(effort::kill_seconds()));
    let mut kills = 0_usize;
    while !end.remaining().is_zero() {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let leader = cluster.leader().await;
        cluster.dev.kill_node(leader).await.unwrap();
        kills += 1;
        tokio::time::sleep(Duration::from_secs(2)).await;
        cluster.dev.start_node(leader).unwrap();
        cluster
            .dev
            .wait_ready(Deadline::after(Duration::from_secs(60)))
            .await
            .unwrap();
    }
    stop.store(true, Ordering::Release);
    let mut seen = Seen::default();
    for caller in callers {
        let one = caller.await.unwrap();
        seen.acknowledged.extend(one.acknowledged);
        seen.errors.extend(one.errors);
        seen.slowest = seen.slowest.max(one.slowest);
    }

    let ends = cluster.converge().await;
    let logs = cluster.verdicts_of_each().await;
    println!(
        "{kills} leaders killed, {} verdicts acknowledged, {} errors, slowest call {:?}",
        seen.acknowledged.len(),
        seen.errors.len(),
        seen.slowest
    );
    assert!(kills > 0, "at least one leader died");
    assert!(seen.acknowledged.len() > kills, "calls went on");
    assert!(seen.errors.is_empty(), "no call failed: {:?}", seen.errors);
    assert!(
        ends.windows(2).all(|pair| pair[0] == pair[1]),
        "one root, one state: {ends:?}"
    );
    for (position, verdicts) in logs.iter().enumerate() {
        let by_challenge: BTreeMap<_, _> = verdicts.iter().map(|(c, o, _)| (*c, *o)).collect();
        assert_eq!(
            by_challenge.len(),
            verdicts.len(),
            "no challenge has two verdicts"
        );
        for (challenge, outcome) in &seen.acknowledged {
            let logged = by_challenge.get(challenge).copied();
            assert_eq!(
                logged,
                Some(outcome_number(*outcome)),
                "replica {position} keeps its word"
            );
        }
        assert_eq!(verdicts, &logs[0], "every replica tells the same");
    }
    cluster.dev.stop().await;
}

fn outcome_number(outcome: akashi_client::Outcome) -> u8 {
    (0..=12)
        .find(|number| {
            akashi_client::Outcome::from_number(i32::from(*number))
                .ok()
                .flatten()
                == Some(outcome)
        })
        .unwrap()
}
