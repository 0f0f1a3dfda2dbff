//! Nodes that die: again and again, and one after the other for a new version.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use akashi_client::Deadline;
use akashi_client::clock::monotonic;
use akashi_tests::effort;
use akashi_tests::real::{RealCluster, Seen, call_until};

use super::Customer;

/// Callers at the same time.
const CALLERS: usize = 3;
/// Phones of one caller; each gets at most a thousand notices an hour.
const PHONES_EACH: usize = 12;
/// How long the loss of a leader may take, from the kill to the next verdict.
const NEXT_VERDICT: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_are_killed_in_turn_and_nothing_that_was_acknowledged_is_lost() {
    let mut cluster = RealCluster::start().await;
    let customer = Customer::of(&cluster, "sub-kills").await;
    let (callers, stop) = callers(&cluster, customer).await;
    for kill in 0..effort::kills() {
        // Leaders and followers; sometimes the next one dies before the last one is back.
        let victim = if kill % 2 == 0 {
            cluster.leader().await
        } else {
            usize::try_from(kill / 2 % 3).unwrap()
        };
        cluster.dev.kill_node(victim).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100 + kill * 170 % 600)).await;
        cluster.dev.start_node(victim).unwrap();
        if kill % 3 == 0 {
            let ready = Deadline::after(Duration::from_secs(60));
            cluster.dev.wait_ready(ready).await.unwrap();
        }
    }
    let ready = Deadline::after(Duration::from_secs(60));
    cluster.dev.wait_ready(ready).await.unwrap();
    stop.store(true, Ordering::Release);
    let seen = gather(callers).await;
    println!(
        "{} kills: {} verdicts, {} errors, slowest {:?}",
        effort::kills(),
        seen.acknowledged.len(),
        seen.errors.len(),
        seen.slowest
    );
    keeps_its_word(&cluster, &seen).await;
    cluster.dev.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_is_restarted_under_load_and_no_request_fails() {
    let mut cluster = RealCluster::start().await;
    let customer = Customer::of(&cluster, "sub-rolling").await;
    let (callers, stop) = callers(&cluster, customer).await;
    for position in 0..cluster.size() {
        cluster.restart(position).await;
    }
    stop.store(true, Ordering::Release);
    let seen = gather(callers).await;
    println!(
        "rolling restart: {} verdicts, slowest {:?}",
        seen.acknowledged.len(),
        seen.slowest
    );
    assert!(
        seen.errors.is_empty(),
        "no request fails: {:?}",
        seen.errors
    );
    keeps_its_word(&cluster, &seen).await;
    cluster.dev.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_leader_costs_less_than_three_seconds_to_the_next_verdict() {
    let mut cluster = RealCluster::start().await;
    let mut customer = Customer::of(&cluster, "sub-next-verdict").await;
    for _ in 0..2 {
        customer.call().await.unwrap();
        let leader = cluster.leader().await;
        let killed = monotonic();
        cluster.dev.kill_node(leader).await.unwrap();
        customer.call().await.unwrap();
        let took = killed.elapsed();
        println!("next verdict {took:?} after the leader was killed");
        assert!(took < NEXT_VERDICT, "{took:?}");
        cluster.dev.start_node(leader).unwrap();
        let ready = Deadline::after(Duration::from_secs(60));
        cluster.dev.wait_ready(ready).await.unwrap();
    }
    customer.is_believed_by(&cluster).await;
    cluster.dev.stop().await;
}

type Callers = Vec<tokio::task::JoinHandle<Seen>>;

/// Starts calling; the customer has seen to the settings.
async fn callers(cluster: &RealCluster, customer: Customer) -> (Callers, Arc<AtomicBool>) {
    let stop = Arc::new(AtomicBool::new(false));
    let platform = Arc::new(customer.platform);
    let mut callers = Vec::new();
    for caller in 0..CALLERS {
        let mut phones = Vec::new();
        for number in 0..PHONES_EACH {
            phones.push(
                cluster
                    .enrol(&format!("sub-dies-{caller}-{number:02}"))
                    .await,
            );
        }
        let (platform, stop) = (Arc::clone(&platform), Arc::clone(&stop));
        callers.push(tokio::spawn(call_until(platform, phones, stop)));
    }
    (callers, stop)
}

async fn gather(callers: Callers) -> Seen {
    let mut seen = Seen::default();
    for caller in callers {
        let one = caller.await.unwrap();
        seen.acknowledged.extend(one.acknowledged);
        seen.errors.extend(one.errors);
        seen.slowest = seen.slowest.max(one.slowest);
    }
    seen
}

/// Every replica has every acknowledged verdict, once.
async fn keeps_its_word(cluster: &RealCluster, seen: &Seen) {
    assert!(!seen.acknowledged.is_empty(), "calls went on");
    let ends = cluster.converge().await;
    assert!(
        ends.windows(2).all(|pair| pair[0] == pair[1]),
        "one root, one state: {ends:?}"
    );
    for (position, verdicts) in cluster.verdicts_of_each().await.iter().enumerate() {
        for challenge in seen.acknowledged.keys() {
            let own = verdicts.iter().filter(|(id, ..)| id == challenge);
            assert_eq!(own.count(), 1, "replica {position} keeps its word");
        }
    }
}
