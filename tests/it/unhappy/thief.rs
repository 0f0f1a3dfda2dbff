//! A desktop in the wrong hands, on real nodes. Row 27.

use std::time::Duration;

use akashi_client::agent::Agent;
use akashi_client::clock::monotonic;
use akashi_client::identity::certificate_sha256;
use akashi_client::{AgentView, Deadline, Outcome, Stage};
use akashi_tests::asked::ask;
use akashi_tests::real::ACT;

use super::desks::{Worker, centre};

const STOLEN: &str = "agent-u27-stolen";
const NEXT: &str = "agent-u27-next";

/// U27: the desktop is stolen in the middle of a call. Its certificate is revoked: every node ends what the
/// thief sees and lets nobody in with it, the contact goes back to the queue, and its verdict stays for
/// the next agent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u27_a_revoked_certificate_is_out_on_every_node_in_the_middle_of_a_call() {
    let (mut cluster, platform) = centre(&[STOLEN, NEXT]).await;
    let mut thief = Worker::hire(&cluster, &platform, STOLEN).await;
    let next = Worker::hire(&cluster, &platform, NEXT).await;
    let session = thief.at_work(&platform).await;
    let (phone, pin) = cluster.enrol("sub-u27-caller").await;
    let mut notices = phone.open_session(Deadline::after(ACT)).await.unwrap();
    let asked = ask(&platform, &phone, &mut notices, "basic").await.unwrap();
    platform
        .bind_agent(&asked.contact_id, STOLEN, Deadline::after(ACT))
        .await
        .unwrap();
    let proof = phone.prove(&asked.notice, Some(&pin)).unwrap();
    let answer = phone.submit(&proof, Deadline::after(ACT)).await.unwrap();
    assert_eq!(answer.outcome, Some(Outcome::Verified));
    let mut watching = Vec::new();
    for (address, node) in thief.agent.connection().each() {
        let desk = Agent::new(node);
        let seen = desk.wait_view(
            &asked.contact_id,
            Stage::Committed,
            Deadline::after(ACT),
            |_| (),
        );
        assert_eq!(seen.await.unwrap().view, AgentView::Pass, "{address}");
        watching.push(tokio::spawn(async move {
            let end = desk.follow(&asked.contact_id, Deadline::after(ACT), |_| false);
            (address, end.await.map(|_| ()))
        }));
    }
    // The streams are open before the certificate goes.
    tokio::time::sleep(Duration::from_millis(300)).await;

    let began = monotonic();
    let own = cluster.dev.context().agents().join(format!("{STOLEN}.pem"));
    let digest = certificate_sha256(&own).unwrap();
    platform
        .revoke_agent_certificate(STOLEN, &digest, 1, Deadline::after(ACT))
        .await
        .unwrap();
    for stream in watching {
        let (address, end) = stream.await.unwrap();
        assert!(end.is_err(), "{address}: the stolen desktop sees no more");
    }
    let took = began.elapsed();
    println!("streams of the stolen desktop ended after {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    for (address, node) in thief.agent.connection().each() {
        let desk = Agent::new(node);
        let soon = || Deadline::after(Duration::from_secs(3));
        let view = desk.wait_view(&asked.contact_id, Stage::Committed, soon(), |_| ());
        assert!(view.await.is_err(), "{address}: no call is shown any more");
        // Not even that its session is over.
        let session = desk.session(&session, soon()).await;
        assert!(
            session.is_err(),
            "{address}: the session is not shown either"
        );
    }

    let state = platform
        .contact_state(&asked.contact_id, Deadline::after(ACT))
        .await
        .unwrap();
    assert!(!state.bound, "back in the queue");
    assert!(!state.closed);
    assert_eq!(state.verdict.outcome, Some(Outcome::Verified));
    platform
        .bind_agent(&asked.contact_id, NEXT, Deadline::after(ACT))
        .await
        .unwrap();
    let seen = next
        .agent
        .wait_view(
            &asked.contact_id,
            Stage::Committed,
            Deadline::after(ACT),
            |_| (),
        )
        .await
        .unwrap();
    assert_eq!(seen.view, AgentView::Pass);
    cluster.converge().await;
    cluster.dev.stop().await;
}
