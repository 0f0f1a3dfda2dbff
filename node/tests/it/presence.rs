//! The stream of an agent's desktop, the gate's stream, and when a lock is in force: over real TLS.

use akashi_proof::{Assurance, Dimensions, Proximity, ProximityWitness};
use akashi_proto::v1;
use akashi_proto::v1::cluster_service_client::ClusterServiceClient;
use akashi_proto::v1::keep_presence_request::Step;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use crate::calls::{PhoneClient, id, reason, submission};
use crate::holder::{Sensor, face, operator, show};
use crate::paper::TENANT;
use crate::phone::PIN;
use crate::policies::{face_rule, policy, put};
use crate::sessions::{AGENT, AgentClient, Centre, lock, open};

/// A desktop's stream.
#[derive(Debug)]
pub(crate) struct Desk {
    send: mpsc::Sender<v1::KeepPresenceRequest>,
    words: Streaming<v1::KeepPresenceResponse>,
    sequence: u64,
}

impl Desk {
    pub(crate) async fn open(
        client: &mut AgentClient,
        session: &bytes::Bytes,
    ) -> Result<Self, Status> {
        let hello = v1::PresenceHello {
            session_id: session.clone(),
            sensor_certificate: bytes::Bytes::new(),
        };
        Self::say(client, Step::Hello(hello)).await
    }

    async fn say(client: &mut AgentClient, first: Step) -> Result<Self, Status> {
        let (send, messages) = mpsc::channel(8);
        send.send(v1::KeepPresenceRequest { step: Some(first) })
            .await
            .unwrap();
        let words = client.keep_presence(ReceiverStream::new(messages)).await?;
        Ok(Self {
            send,
            words: words.into_inner(),
            sequence: 0,
        })
    }

    pub(crate) async fn word(&mut self) -> Result<v1::KeepPresenceResponse, Status> {
        Ok(self.words.message().await?.expect("the stream goes on"))
    }

    /// The end of the stream, after whatever else it has to say.
    async fn ends(&mut self) -> Status {
        loop {
            if let Err(status) = self.word().await {
                return status;
            }
        }
    }

    /// A desktop whose agent is seen, as the log has it too. It has to be kept: without it the camera is lost.
    pub(crate) async fn seen(
        centre: &Centre,
        client: &mut AgentClient,
        session: &bytes::Bytes,
    ) -> Self {
        let mut desk = Self::open(client, session).await.unwrap();
        desk.word().await.unwrap();
        desk.is_seen(centre, session).await;
        desk
    }

    /// Two matches, or one more each time that the node has not heard yet of what was decided; and then what
    /// the log says of it.
    pub(crate) async fn is_seen(&mut self, centre: &Centre, session: &bytes::Bytes) {
        let (_, mut changes) = gate(centre).await;
        while self.sees(v1::SampleClass::Match).await.action() != v1::ScreenAction::Show {}
        loop {
            let change = hears(&mut changes).await;
            if change.session_id == *session && change.presence() == v1::PresenceState::Present {
                return;
            }
        }
    }

    /// Sends one sample and waits for what it leads to.
    pub(crate) async fn sees(&mut self, class: v1::SampleClass) -> v1::KeepPresenceResponse {
        self.sequence += 1;
        self.sends(class, self.sequence).await;
        loop {
            let word = self.word().await.unwrap();
            if word.sequence == self.sequence {
                return word;
            }
        }
    }

    async fn sends(&self, class: v1::SampleClass, sequence: u64) {
        let sample = v1::PresenceSample {
            sequence,
            class: class.into(),
            captured_us: 0,
            signature: bytes::Bytes::new(),
        };
        let step = Some(Step::Sample(sample));
        self.send
            .send(v1::KeepPresenceRequest { step })
            .await
            .unwrap();
    }
}

/// A gate's stream, with every session that stands already read.
pub(crate) async fn gate(
    centre: &Centre,
) -> (Vec<v1::SessionChange>, Streaming<v1::WatchSessionsResponse>) {
    let request = v1::WatchSessionsRequest {
        tenant: TENANT.to_owned(),
        session_id: bytes::Bytes::new(),
    };
    let stream = centre.staff().await.watch_sessions(request).await.unwrap();
    let mut stream = stream.into_inner();
    let mut standing = Vec::new();
    loop {
        let said = stream.message().await.unwrap().unwrap();
        assert!(said.lease_ms > 0);
        standing.extend(said.change);
        if said.complete {
            return (standing, stream);
        }
    }
}

/// The next change that a gate hears.
pub(crate) async fn hears(stream: &mut Streaming<v1::WatchSessionsResponse>) -> v1::SessionChange {
    loop {
        let said = stream.message().await.unwrap().unwrap();
        if let Some(change) = said.change {
            return change;
        }
    }
}

async fn enforced(channel: Channel, log_index: u64) -> Vec<v1::Enforcement> {
    let request = v1::AwaitEnforcedRequest { log_index };
    let stream = ClusterServiceClient::new(channel)
        .await_enforced(request)
        .await
        .unwrap();
    let mut stream = stream.into_inner();
    let mut said = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        assert_eq!(message.log_index, log_index);
        said.push(message.enforcement());
    }
    said
}

#[tokio::test]
async fn a_desktop_shows_after_two_matches_and_the_gate_hears_what_changes() {
    let mut centre = Centre::open().await;
    let (mut worker, session) = centre.at_work(AGENT, 1).await;
    let (standing, mut changes) = gate(&centre).await;
    assert_eq!(standing.len(), 1);
    assert!(standing[0].open && !standing[0].suspended);
    let mut desk = Desk::open(&mut worker.client, &session).await.unwrap();
    let first = desk.word().await.unwrap();
    assert_eq!(
        (first.presence(), first.action()),
        (v1::PresenceState::Unseen, v1::ScreenAction::Clear)
    );
    assert!(first.lease_ms > 8_000 && first.lease_ms <= 10_000);
    let attached = hears(&mut changes).await;
    assert_eq!(attached.cause(), v1::PresenceCause::Attached);
    let word = desk.sees(v1::SampleClass::Match).await;
    assert_eq!(word.action(), v1::ScreenAction::Clear);
    let word = desk.sees(v1::SampleClass::Match).await;
    assert_eq!(
        (word.presence(), word.action(), word.next_ms),
        (v1::PresenceState::Present, v1::ScreenAction::Show, 5_000)
    );
    let change = hears(&mut changes).await;
    assert_eq!(
        (change.presence(), change.action(), change.cause()),
        (
            v1::PresenceState::Present,
            v1::ScreenAction::Show,
            v1::PresenceCause::Samples
        )
    );
    desk.sees(v1::SampleClass::Several).await;
    let word = desk.sees(v1::SampleClass::Several).await;
    assert_eq!(
        (word.presence(), word.action()),
        (v1::PresenceState::Multiple, v1::ScreenAction::Mask)
    );
    let change = hears(&mut changes).await;
    assert_eq!(change.session_id, session);
    assert_eq!(
        (change.presence(), change.action(), change.cause()),
        (
            v1::PresenceState::Multiple,
            v1::ScreenAction::Mask,
            v1::PresenceCause::Samples
        )
    );
    // A sample counts once.
    desk.sends(v1::SampleClass::Match, 1).await;
    let status = desk.ends().await;
    assert_eq!(status.message(), "sequence is not acceptable");
}

#[tokio::test]
async fn a_lock_is_said_to_the_desktop_and_the_gate_and_is_in_force() {
    let mut centre = Centre::open().await;
    let (mut worker, session) = centre.at_work(AGENT, 1).await;
    let mut desk = Desk::open(&mut worker.client, &session).await.unwrap();
    desk.word().await.unwrap();
    desk.sees(v1::SampleClass::Match).await;
    let word = desk.sees(v1::SampleClass::Match).await;
    assert_eq!(word.action(), v1::ScreenAction::Show);
    let (_, mut changes) = gate(&centre).await;
    let locked = centre.staff().await.lock_agent(lock()).await.unwrap();
    let index = locked.into_inner().placement.unwrap().log_index;
    // Without another sample.
    let word = loop {
        let word = desk.word().await.unwrap();
        if word.suspended {
            break word;
        }
    };
    assert_eq!(word.action(), v1::ScreenAction::Blackout);
    let change = loop {
        // The report of who was seen may still have been on its way.
        let change = hears(&mut changes).await;
        if change.suspended {
            break change;
        }
    };
    assert!(change.open);
    assert_eq!(change.action(), v1::ScreenAction::Blackout);
    assert_eq!(change.reason, 125);
    assert_eq!(
        enforced(centre.port.platform().await, index).await,
        [v1::Enforcement::Revoked, v1::Enforcement::AllApplied]
    );
    let operator = centre.port.caller("/operator/alice").await;
    assert_eq!(enforced(operator, index).await.len(), 2);
    // No sample brings the screen back.
    for _ in 0..3 {
        let word = desk.sees(v1::SampleClass::Match).await;
        assert_eq!(word.action(), v1::ScreenAction::Blackout);
    }
}

#[tokio::test]
async fn only_the_agent_with_the_sessions_certificate_and_the_newest_stream_is_seated() {
    let mut centre = Centre::open().await;
    let (mut worker, session) = centre.at_work(AGENT, 1).await;
    let mut stranger = centre.hire("agent-0002", 2).await;
    let mut desk = Desk::open(&mut stranger.client, &session).await.unwrap();
    let status = desk.ends().await;
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::NotFound, "SESSION_UNKNOWN")
    );
    let sample = Step::Sample(v1::PresenceSample::default());
    let mut desk = Desk::say(&mut worker.client, sample).await.unwrap();
    let status = desk.ends().await;
    assert_eq!(status.message(), "hello is not acceptable");
    let mut first = Desk::open(&mut worker.client, &session).await.unwrap();
    first.word().await.unwrap();
    let mut second = Desk::open(&mut worker.client, &session).await.unwrap();
    second.word().await.unwrap();
    let status = first.ends().await;
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::FailedPrecondition, "SESSION_ELSEWHERE")
    );
    // A class that is none.
    second.sends(v1::SampleClass::Unspecified, 1).await;
    let status = second.ends().await;
    assert_eq!(status.message(), "class is not acceptable");
    // The end of the session ends its stream.
    let mut third = Desk::open(&mut worker.client, &session).await.unwrap();
    third.word().await.unwrap();
    let end = v1::EndSessionRequest {
        request_id: id(),
        session_id: session.clone(),
    };
    worker.client.end_session(end).await.unwrap();
    let status = third.ends().await;
    assert_eq!(reason(&status), "SESSION_ELSEWHERE");
}

#[tokio::test]
async fn sessions_of_another_tenant_are_nobodys_business() {
    let mut centre = Centre::open().await;
    centre.at_work(AGENT, 1).await;
    let request = v1::WatchSessionsRequest {
        tenant: "insurance".to_owned(),
        session_id: bytes::Bytes::new(),
    };
    let status = centre
        .staff()
        .await
        .watch_sessions(request)
        .await
        .unwrap_err();
    assert_eq!(reason(&status), "TENANT_UNKNOWN");
}

#[tokio::test]
async fn where_the_policy_asks_for_a_face_every_sample_is_the_sensors_and_fresh() {
    let mut centre = Centre::open().await;
    let mut operator = operator(&centre.port).await;
    let login = v1::Policy {
        face: Some(face_rule()),
        ..policy("login", v1::PolicyPurpose::AgentLogin)
    };
    operator.put_policy(put(login)).await.unwrap();
    let sensor = Sensor::new(2, Assurance::Secure);
    operator.register_sensor(sensor.register()).await.unwrap();
    let mut worker = centre.hire(AGENT, 1).await;
    let (enrolled, probe) = (face(3, false), face(4, true));
    let shown = show(&centre.port, &mut worker.phone, &sensor, &enrolled);
    assert!(shown.await.unwrap().enrolled);
    let login_id: bytes::Bytes = vec![1; 16].into();
    let request = v1::OpenAgentLoginRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        login_id: login_id.clone(),
        agent: AGENT.to_owned(),
        policy: "login".to_owned(),
        agent_tag: vec![4; 16].into(),
    };
    centre.platform.open_agent_login(request).await.unwrap();
    let notice = worker.notices.notice().await;
    let context = worker.phone.notice_context(&notice);
    let (from, to) = (enrolled.commitment(), probe.commitment());
    let statement = Proximity::new(Dimensions::D128, 100, from, to).unwrap();
    let witness = ProximityWitness::new(&enrolled, &probe).unwrap();
    let proof = worker.phone.prove(&context, &statement, &witness);
    let pin = worker.phone.knowledge(&context, PIN);
    let shown = sensor.probe(&worker.phone, &context, &enrolled, &probe, proof);
    let proofs = worker.phone.bind(&context, vec![pin, shown]);
    let answer = PhoneClient::new(centre.port.phone().await)
        .submit_proof(submission(&notice, proofs))
        .await
        .unwrap();
    assert_eq!(answer.into_inner().outcome(), v1::Outcome::Verified);
    worker
        .client
        .open_session(open(8, &login_id))
        .await
        .unwrap();

    let session: bytes::Bytes = vec![8; 16].into();
    let hello = |certificate: Vec<u8>| {
        Step::Hello(v1::PresenceHello {
            session_id: session.clone(),
            sensor_certificate: certificate.into(),
        })
    };
    // Without a sensor, and with one that nobody registered.
    for (certificate, text) in [
        (vec![], "sensor_certificate is not acceptable"),
        (vec![9; 32], "no such sensor"),
    ] {
        let mut desk = Desk::say(&mut worker.client, hello(certificate))
            .await
            .unwrap();
        let status = desk.ends().await;
        assert_eq!(status.message(), text);
    }
    let now_us = akashi_node::clock::unix_us;
    let signed = |sequence: u64, said: u8, meant: u8, captured_us: u64| v1::PresenceSample {
        sequence,
        class: i32::from(said),
        captured_us,
        signature: sensor
            .sighting([8; 16], (sequence, meant), captured_us)
            .into(),
    };
    let certificate = sensor.digest().0.to_vec();
    let mut desk = Desk::say(&mut worker.client, hello(certificate.clone()))
        .await
        .unwrap();
    desk.word().await.unwrap();
    for sequence in [1, 2] {
        let step = Some(Step::Sample(signed(sequence, 1, 1, now_us())));
        desk.send
            .send(v1::KeepPresenceRequest { step })
            .await
            .unwrap();
    }
    let word = loop {
        let word = desk.word().await.unwrap();
        if word.sequence == 2 {
            break word;
        }
    };
    assert_eq!(word.action(), v1::ScreenAction::Show);
    // What the sensor did not say, said an hour ago, or never signed.
    let unsigned = v1::PresenceSample {
        signature: vec![0; 64].into(),
        ..signed(5, 1, 1, now_us())
    };
    for sample in [
        signed(3, 1, 2, now_us()),
        signed(4, 1, 1, now_us() - 3_600_000_000),
        unsigned,
    ] {
        let mut desk = Desk::say(&mut worker.client, hello(certificate.clone()))
            .await
            .unwrap();
        desk.word().await.unwrap();
        let step = Some(Step::Sample(sample));
        desk.send
            .send(v1::KeepPresenceRequest { step })
            .await
            .unwrap();
        let status = desk.ends().await;
        assert_eq!(
            (status.code(), reason(&status)),
            (Code::PermissionDenied, "SAMPLE_UNSIGNED")
        );
    }
}
