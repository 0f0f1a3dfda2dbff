//! The reference connector drives real nodes through the sample trace, while phones answer on their own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use akashi_client::auditor::Flow;
use akashi_client::connector::{self, Speed};
use akashi_client::phone::{Phone, Reply};
use akashi_client::{Deadline, Error};
use akashi_merkle::Leaf;
use akashi_proof::PinSecret;
use akashi_tests::real::{ACT, RealCluster, TENANT};

/// Leaves of `LegChanged`, `ContactResumed`, `StepUpAsked` and `AgentBound`.
const LEG_CHANGED: u16 = 28;
const RESUMED: u16 = 27;
const STEP_UP: u16 = 38;
const BOUND: u16 = 21;

/// Answers every notice of one phone until `stop`.
async fn answer(phone: Phone, pin: PinSecret, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Acquire) {
        let Ok(mut session) = phone.open_session(Deadline::after(ACT)).await else {
            continue;
        };
        while !stop.load(Ordering::Acquire) {
            let look = Deadline::after(Duration::from_millis(200));
            match phone.next_notice(&mut session, look).await {
                Ok(notice) => {
                    let shown = phone
                        .reply(&notice, Reply::Opened, Deadline::after(ACT))
                        .await;
                    let submission = phone.prove(&notice, Some(&pin)).unwrap();
                    let told = phone.submit(&submission, Deadline::after(ACT)).await;
                    // The caller may have hung up meanwhile.
                    assert!(shown.is_ok() || told.is_err(), "{shown:?} {told:?}");
                }
                Err(Error::DeadlineExceeded) => {}
                Err(_broken) => break,
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sample_trace_ends_as_it_says_on_real_nodes() {
    let mut cluster = RealCluster::start().await;
    let operator = cluster.dev.operator().unwrap();
    for agent in ["agent-01", "agent-02", "agent-03"] {
        operator
            .register_agent(TENANT, agent, None, Deadline::after(ACT))
            .await
            .unwrap();
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mut phones = Vec::new();
    // The second customer hangs up before looking at the phone.
    for subject in ["cust-demo-1", "cust-demo-3"] {
        let (phone, pin) = cluster.enrol(subject).await;
        phones.push(tokio::spawn(answer(phone, pin, Arc::clone(&stop))));
    }
    let (_silent, _) = cluster.enrol("cust-demo-2").await;

    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client/traces/a-few-calls.jsonl");
    let trace = connector::read(&sample).unwrap();
    let platform = cluster.dev.context().platform().unwrap();
    let speed = Speed::new(3).unwrap();
    let began = akashi_client::clock::monotonic();
    let summary = connector::run(&platform, trace, speed, ACT).await;
    let took = began.elapsed();
    stop.store(true, Ordering::Release);
    for phone in phones {
        phone.await.unwrap();
    }

    println!("{took:?}: {summary:?}");
    assert_eq!(summary.surprises, []);
    assert_eq!(summary.calls, 3);
    assert_eq!(summary.refused_as_expected, 1);
    let outcomes: Vec<_> = summary.outcomes.iter().map(|(o, n)| (*o, *n)).collect();
    assert_eq!(outcomes, [("cancelled", 1), ("verified", 2)]);
    assert!(took >= Duration::from_millis(12_500 / 3), "in its own time");

    let (mut legs, mut resumed, mut step_ups, mut bound) = (0, 0, 0, 0);
    let auditor = cluster.dev.context().auditor().unwrap();
    let mut follower = auditor.follower();
    auditor
        .tail(&mut follower, false, Deadline::after(ACT), |_, bytes, _| {
            match Leaf::decode(bytes).unwrap().kind {
                LEG_CHANGED => legs += 1,
                RESUMED => resumed += 1,
                STEP_UP => step_ups += 1,
                BOUND => bound += 1,
                _ => {}
            }
            Ok(Flow::Continue)
        })
        .await
        .unwrap();
    assert_eq!((legs, resumed, step_ups, bound), (16, 1, 2, 5));
    cluster.dev.stop().await;
}
