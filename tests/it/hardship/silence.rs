//! Nodes that stand still, and nodes that nobody reaches: a quorum goes on, and a slow follower slows
//! nobody.

use std::time::Duration;

use akashi_tests::real::{RealCluster, Setup};

use super::{Customer, another_leads};

/// A call when nothing stands in its way, at the very most, on a machine that does other work too.
const UNHINDERED: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_stands_still_slows_nobody_and_a_leader_that_does_is_replaced() {
    let mut cluster = RealCluster::start().await;
    let mut customer = Customer::of(&cluster, "sub-standstill").await;
    let leader = cluster.leader().await;
    let follower = (leader + 1) % cluster.size();
    // The client does not ask the one that stands still.
    customer.phone.connection().prefer(leader);
    cluster.pause(follower);
    let mut took = Vec::new();
    for _ in 0..9 {
        took.push(customer.call().await.unwrap());
    }
    cluster.resume(follower);
    took.sort_unstable();
    println!(
        "a follower stands still: median call {:?}",
        took[took.len() / 2]
    );
    assert!(took[took.len() / 2] < UNHINDERED, "{took:?}");

    cluster.pause(leader);
    customer.call().await.unwrap();
    customer.call().await.unwrap();
    cluster.resume(leader);
    customer.call().await.unwrap();
    customer.is_believed_by(&cluster).await;
    cluster.dev.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_cut_off_is_replaced_and_takes_its_place_behind_the_others() {
    let cluster = RealCluster::of(&Setup {
        proxied: true,
        ..Setup::default()
    })
    .await;
    let mut customer = Customer::of(&cluster, "sub-cut-off").await;
    for torn in [false, true] {
        customer.call().await.unwrap();
        let leader = cluster.leader().await;
        cluster.network.part(&[leader], torn);
        let successor = another_leads(&cluster, leader).await;
        // A phone's open session would wait at the node that nobody reaches.
        customer.phone.connection().prefer(successor);
        for _ in 0..3 {
            customer.call().await.unwrap();
        }
        cluster.network.mend();
        cluster.converge().await;
    }
    customer.is_believed_by(&cluster).await;
    let mut cluster = cluster;
    cluster.dev.stop().await;
}
