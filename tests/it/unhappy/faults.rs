//! The cluster itself fails in the middle of a proof: a leader is lost, a quorum is lost.

use std::time::Duration;

use akashi_client::clock::monotonic;
use akashi_client::{Deadline, Error, Outcome};
use akashi_tests::asked::ask;
use akashi_tests::real::{ACT, RealCluster};

/// How long a proof may take across the loss of a leader: an election, and the silence of a frozen node
/// before that.
const ACROSS_A_LEADER: Duration = Duration::from_secs(3);

/// U29: the leader is lost, or freezes, while a proof is under way: the phone goes to another node with
/// the same request, and there is one verdict, soon.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u29_a_leader_lost_in_the_middle_of_a_proof_costs_seconds_and_nothing_else() {
    let mut cluster = RealCluster::start().await;
    let platform = cluster.dev.context().platform().unwrap();
    let (phone, pin) = cluster.enrol("sub-u29-leader").await;
    let mut asked_for = Vec::new();
    for round in 0..2_u64 {
        let mut session = phone.open_session(Deadline::after(ACT)).await.unwrap();
        let asked = ask(&platform, &phone, &mut session, "basic").await.unwrap();
        let proof = phone.prove(&asked.notice, Some(&pin)).unwrap();
        let leader = cluster.leader().await;
        // The phone talks to the very node that is lost.
        phone.connection().prefer(leader);
        let freeze = round % 2 == 1;
        let began = monotonic();
        if freeze {
            cluster.pause(leader);
        }
        let sent = phone.submit(&proof, Deadline::after(ACT));
        let answer = if freeze {
            sent.await
        } else {
            // The proof leaves first; the kill meets it on its way.
            let late = Duration::from_millis(round);
            let (answer, ()) = tokio::join!(sent, async {
                tokio::time::sleep(late).await;
                cluster.dev.kill_node(leader).await.unwrap();
            });
            answer
        };
        let took = began.elapsed();
        println!("leader lost (frozen: {freeze}): verdict after {took:?}");
        assert_eq!(answer.unwrap().outcome, Some(Outcome::Verified));
        assert!(took < ACROSS_A_LEADER, "{took:?}");
        if freeze {
            cluster.resume(leader);
        } else {
            cluster.dev.start_node(leader).unwrap();
        }
        let ready = Deadline::after(Duration::from_secs(60));
        cluster.dev.wait_ready(ready).await.unwrap();
        asked_for.push(asked.challenge_id);
    }
    cluster.converge().await;
    for verdicts in cluster.verdicts_of_each().await {
        for challenge in &asked_for {
            let own = verdicts.iter().filter(|(id, ..)| id == challenge);
            assert_eq!(own.count(), 1, "one challenge, one verdict");
        }
    }
    cluster.dev.stop().await;
}

/// U30: two of three nodes are gone. No verdict is invented: the proof is held, and a node that is still
/// there signs that it has received it. When a quorum is back, the same submission gets its verdict,
/// and there is one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u30_without_a_quorum_a_proof_is_held_and_with_one_it_gets_its_verdict() {
    let mut cluster = RealCluster::start().await;
    let platform = cluster.dev.context().platform().unwrap();
    let (phone, pin) = cluster.enrol("sub-u30-quorum").await;
    let mut session = phone.open_session(Deadline::after(ACT)).await.unwrap();
    let asked = ask(&platform, &phone, &mut session, "basic").await.unwrap();
    let proof = phone.prove(&asked.notice, Some(&pin)).unwrap();
    cluster.converge().await;
    let left = 0;
    for gone in 1..3 {
        cluster.dev.kill_node(gone).await.unwrap();
    }

    phone.connection().prefer(left);
    let began = monotonic();
    let deadline = Deadline::after(Duration::from_secs(6));
    let held = phone.submit(&proof, deadline).await.unwrap_err();
    let Error::Held { receipt } = held else {
        panic!("{held:?}");
    };
    println!("held after {:?} by {}", began.elapsed(), receipt.node);
    assert_eq!(receipt.node, "n1");
    assert_eq!(receipt.held.challenge_id, asked.challenge_id);
    receipt.verify(phone.key_set()).unwrap();
    // The phone keeps what it got.
    let kept = phone.directory().path().join("held");
    assert_eq!(std::fs::read_dir(kept).unwrap().count(), 1);

    let operator = cluster.dev.operator().unwrap();
    let leaves = |statuses: Vec<(String, Result<akashi_client::operator::NodeStatus, Error>)>| {
        let mut known = statuses.into_iter().filter_map(|(_, status)| status.ok());
        known.next().map(|status| status.tree_size)
    };
    let second = || Deadline::after(Duration::from_secs(1));
    let before = leaves(operator.status_of_all(second()).await).unwrap();
    for gone in 1..3 {
        cluster.dev.start_node(gone).unwrap();
    }
    let answer = phone.submit(&proof, Deadline::after(ACT)).await.unwrap();
    assert_eq!(answer.outcome, Some(Outcome::Verified));
    assert!(
        answer.leaf_index >= before,
        "nothing was decided while nobody could decide"
    );
    let again = phone.submit(&proof, Deadline::after(ACT)).await.unwrap();
    assert_eq!(again.leaf_index, answer.leaf_index);
    let ready = Deadline::after(Duration::from_secs(60));
    cluster.dev.wait_ready(ready).await.unwrap();
    cluster.converge().await;
    for verdicts in cluster.verdicts_of_each().await {
        let own = verdicts
            .iter()
            .filter(|(id, ..)| *id == asked.challenge_id)
            .count();
        assert_eq!(own, 1, "one challenge, one verdict");
    }
    cluster.dev.stop().await;
}
