//! The same proof more than once: replayed, tapped twice, sent to two nodes, sent again after silence.

use std::time::Duration;

use akashi_client::phone::submit_through;
use akashi_client::{Connection, Deadline, Error, Identity, Outcome};
use akashi_tests::asked::ask;
use akashi_tests::network::Link;
use akashi_tests::real::{ACT, RealCluster};

/// U15: replayed or double-tapped proof, the same proof to two nodes: one verdict, given again. Another
/// proof for the answered challenge: refused, and one `submission.duplicate` in the log however many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u15_a_replayed_proof_gets_the_same_verdict_and_another_one_is_refused() {
    let mut cluster = RealCluster::start().await;
    let platform = cluster.dev.context().platform().unwrap();
    let (phone, pin) = cluster.enrol("sub-u15-replay").await;
    let mut session = phone.open_session(Deadline::after(ACT)).await.unwrap();
    let asked = ask(&platform, &phone, &mut session, "basic").await.unwrap();
    let nodes = phone.connection().each();
    let proof = phone.prove(&asked.notice, Some(&pin)).unwrap();
    let tapped_again = proof.under_new_request().unwrap();
    let (left, middle, right) = tokio::join!(
        submit_through(&nodes[0].1, &proof, Deadline::after(ACT)),
        submit_through(&nodes[1].1, &proof, Deadline::after(ACT)),
        submit_through(&nodes[2].1, &tapped_again, Deadline::after(ACT)),
    );
    let answers = [left.unwrap(), middle.unwrap(), right.unwrap()];
    for answer in &answers {
        assert_eq!(answer.outcome, Some(Outcome::Verified));
    }
    assert_eq!(answers[0].leaf_index, answers[1].leaf_index);

    for _ in 0..3 {
        let other = phone.prove(&asked.notice, Some(&pin)).unwrap();
        let refused = phone
            .submit(&other, Deadline::after(ACT))
            .await
            .unwrap_err();
        assert_eq!(
            refused.grpc_code(),
            Some(tonic::Code::FailedPrecondition),
            "{refused:?}"
        );
    }
    cluster.converge().await;
    for replica in cluster.leaves_of_each().await {
        let count = |kind: &str| {
            replica
                .iter()
                .filter(|leaf| akashi_client::event::name(leaf.kind) == kind)
                .filter(|leaf| leaf.challenge_id == asked.challenge_id)
                .count()
        };
        assert_eq!(count("verdict.reached"), 1);
        assert_eq!(count("challenge.consumed"), 1);
        assert_eq!(count("submission.duplicate"), 1);
    }
    cluster.dev.stop().await;
}

/// U16: the client sends again after a timeout, with the same request id: the stored verdict, from any
/// node. The answer to the first copy is lost on the way, so the verdict is there and nobody knows it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u16_a_retry_after_a_timeout_gets_the_stored_verdict() {
    let mut cluster = RealCluster::start().await;
    let platform = cluster.dev.context().platform().unwrap();
    let (phone, pin) = cluster.enrol("sub-u16-retry").await;
    let mut session = phone.open_session(Deadline::after(ACT)).await.unwrap();
    let asked = ask(&platform, &phone, &mut session, "basic").await.unwrap();
    let proof = phone.prove(&asked.notice, Some(&pin)).unwrap();

    let target = cluster.dev.context().nodes()[0].parse().unwrap();
    let link = Link::to(target).await;
    let identity = Identity::phone(cluster.dev.context().ca()).unwrap();
    let far = Connection::new(&[link.address().to_string()], &identity).unwrap();
    // The way is open while the connection is made, and then swallows the answer.
    warm(&far).await;
    link.swallow_answers();
    let silence = submit_through(&far, &proof, Deadline::after(Duration::from_millis(1_500))).await;
    assert!(
        matches!(silence, Err(Error::DeadlineExceeded)),
        "{silence:?}"
    );

    let mut indices = Vec::new();
    for (_, node) in phone.connection().each() {
        let answer = submit_through(&node, &proof, Deadline::after(ACT))
            .await
            .unwrap();
        assert_eq!(answer.outcome, Some(Outcome::Verified));
        assert!(answer.repeated, "the first copy had done it");
        indices.push(answer.leaf_index);
    }
    assert!(
        indices.windows(2).all(|pair| pair[0] == pair[1]),
        "{indices:?}"
    );
    cluster.converge().await;
    for verdicts in cluster.verdicts_of_each().await {
        let own: Vec<_> = verdicts
            .iter()
            .filter(|(challenge, ..)| *challenge == asked.challenge_id)
            .collect();
        assert_eq!(own.len(), 1, "one challenge, one verdict");
    }
    cluster.dev.stop().await;
}

/// Has a connection made, with a question that every node answers at the door.
async fn warm(connection: &Connection) {
    use akashi_proto::v1;
    let message = v1::GetEnrolmentRequest {
        tenant: "demo".to_owned(),
        enrolment_id: vec![1; 16].into(),
        token: vec![1; 32].into(),
    };
    let answer = connection
        .call(
            Deadline::after(ACT),
            &message,
            |channel, request| async move {
                v1::phone_service_client::PhoneServiceClient::new(channel)
                    .get_enrolment(request)
                    .await
            },
        )
        .await;
    assert_eq!(answer.unwrap_err().grpc_code(), Some(tonic::Code::NotFound));
}
