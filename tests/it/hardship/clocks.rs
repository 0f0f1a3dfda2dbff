//! Clocks that jump while nodes run: no challenge expires by it, and nobody without a quorum of clocks
//! stamps anything.

use akashi_client::{Deadline, Error, Outcome};
use akashi_tests::asked::ask;
use akashi_tests::hardship::WildClock;
use akashi_tests::real::{ACT, RealCluster, Setup};

use super::{Customer, another_leads, is_refused};

/// An hour: far beyond what any challenge of these tests lives.
const HOUR_S: i64 = 3_600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_whose_clock_jumps_hands_over_and_no_challenge_expires() {
    let directory = tempfile::tempdir().unwrap();
    let clocks = [0, 1, 2].map(|n| WildClock::new(directory.path(), &n.to_string()));
    let environment = clocks
        .iter()
        .enumerate()
        .flat_map(|(position, clock)| clock.environment(position));
    let cluster = RealCluster::of(&Setup {
        environment: environment.collect(),
        ..Setup::default()
    })
    .await;
    let mut customer = Customer::of(&cluster, "sub-wild-clock").await;
    customer.call().await.unwrap();

    for jump_s in [HOUR_S, -HOUR_S] {
        let phone = &customer.phone;
        let mut session = phone.open_session(Deadline::after(ACT)).await.unwrap();
        let asked = ask(&customer.platform, phone, &mut session, "basic").await;
        let asked = asked.unwrap();
        let leader = cluster.leader().await;
        clocks[leader].set_off(jump_s);
        let successor = another_leads(&cluster, leader).await;
        let proof = phone.prove(&asked.notice, Some(&customer.pin)).unwrap();
        let answer = phone.submit(&proof, Deadline::after(ACT)).await.unwrap();
        assert_eq!(
            answer.outcome,
            Some(Outcome::Verified),
            "it has not expired"
        );
        customer.acknowledged.push(asked.challenge_id);
        customer.call().await.unwrap();
        assert_eq!(
            cluster.leader().await,
            successor,
            "and it does not come back"
        );
        clocks[leader].set_off(0);
    }

    // Three clocks, no two of which agree.
    let leader = cluster.leader().await;
    let others: Vec<usize> = (0..3).filter(|at| *at != leader).collect();
    clocks[others[0]].set_off(-120);
    clocks[others[1]].set_off(120);
    // Until the peers have asked one another, the leader believes what they said before.
    let refused = is_refused(&customer, "CLOCKS_DISAGREE").await;
    assert!(matches!(refused, Error::Unavailable { .. }), "{refused:?}");
    for other in others {
        clocks[other].set_off(0);
    }
    customer.call().await.unwrap();

    customer.is_believed_by(&cluster).await;
    for leaves in cluster.leaves_of_each().await {
        let times: Vec<u64> = leaves.iter().map(|leaf| leaf.stamp_us).collect();
        assert!(times.is_sorted(), "cluster time never runs backwards");
        let took_s = (times[times.len() - 1] - times[0]) / 1_000_000;
        assert!(took_s < 600, "and no jump is in it: {took_s} s");
    }
    let mut cluster = cluster;
    cluster.dev.stop().await;
}
