//! A replica that was found to be wrong: it stays fenced when it is started again, it votes, and it never
//! leads or serves.

use std::time::Duration;

use akashi_client::Deadline;
use akashi_tests::asked::call;
use akashi_tests::real::{ACT, RealCluster};

use super::{Customer, another_leads, statuses};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fenced_replica_stays_fenced_votes_and_never_leads() {
    let mut cluster = RealCluster::start().await;
    let mut customer = Customer::of(&cluster, "sub-fenced").await;
    customer.call().await.unwrap();
    let ready = || Deadline::after(Duration::from_secs(60));
    // As the node writes it when its root is not a quorum's.
    cluster.dev.kill_node(0).await.unwrap();
    let fence = cluster.home().join("nodes/n1/data/fenced");
    std::fs::write(&fence, "akashi fence\nreason other-root\n").unwrap();
    for _ in 0..2 {
        cluster.dev.start_node(0).unwrap();
        cluster.dev.wait_ready(ready()).await.unwrap();
        let found = statuses(&cluster).await;
        let fenced: Vec<u64> = found
            .iter()
            .filter(|s| s.fenced)
            .map(|s| s.node_id)
            .collect();
        assert_eq!(fenced, [1]);
        customer.call().await.unwrap();
        cluster.dev.kill_node(0).await.unwrap();
    }
    cluster.dev.start_node(0).unwrap();
    cluster.dev.wait_ready(ready()).await.unwrap();

    // Each of the two others alone with it: they need its voice and its acknowledgements, and lead.
    for gone in [1, 2] {
        cluster.dev.kill_node(gone).await.unwrap();
        let leader = another_leads(&cluster, 0).await;
        assert_eq!(leader, 3 - gone);
        let announced = customer
            .platform
            .announce(&call("sub-fenced", "basic"), Deadline::after(ACT))
            .await;
        announced.unwrap();
        cluster.dev.start_node(gone).unwrap();
        cluster.dev.wait_ready(ready()).await.unwrap();
    }
    customer.call().await.unwrap();
    assert!(fence.exists(), "no node lifts a fence");
    cluster.dev.stop().await;
}
