//! The phone's stream of notices.

use akashi_merkle::Receipt;
use akashi_proof::Purpose;
use akashi_proto::v1;
use akashi_proto::v1::phone_hello::Who;
use akashi_proto::v1::watch_notices_request::Step as Ask;
use akashi_proto::v1::watch_notices_response::Step as Say;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

use crate::calls::{PhoneClient, Platform, announcement, id, reason};
use crate::invitation::enrol;
use crate::paper::{Paper, TENANT};
use crate::phone::{Bound, Phone};
use crate::port::Port;

/// An open session.
pub(crate) struct Session {
    incoming: Streaming<v1::WatchNoticesResponse>,
    outgoing: mpsc::Sender<v1::WatchNoticesRequest>,
}

fn greeting(phone: &Phone) -> Ask {
    let handle = phone.handle.clone();
    Ask::Hello(v1::PhoneHello {
        tenant: TENANT.to_owned(),
        who: Some(if phone.is_agent {
            Who::Agent(handle)
        } else {
            Who::Subject(handle)
        }),
    })
}

fn hello(tenant: &str, subject: &str) -> Ask {
    Ask::Hello(v1::PhoneHello {
        tenant: tenant.to_owned(),
        who: Some(Who::Subject(subject.to_owned())),
    })
}

impl Session {
    async fn start(port: &Port, first: Ask) -> Self {
        let (outgoing, requests) = mpsc::channel(2);
        outgoing
            .send(v1::WatchNoticesRequest { step: Some(first) })
            .await
            .unwrap();
        let incoming = PhoneClient::new(port.phone().await)
            .watch_notices(ReceiverStream::new(requests))
            .await
            .unwrap()
            .into_inner();
        Self { incoming, outgoing }
    }

    async fn next(&mut self) -> Result<Option<Say>, Status> {
        Ok(self
            .incoming
            .message()
            .await?
            .and_then(|response| response.step))
    }

    async fn challenge(&mut self) -> v1::PhoneSessionChallenge {
        match self.next().await {
            Ok(Some(Say::Challenge(challenge))) => challenge,
            other => panic!("{other:?}"),
        }
    }

    async fn prove(&mut self, proof: Vec<u8>) {
        let step = Ask::Session(v1::PhoneSessionProof {
            proof: proof.into(),
        });
        self.outgoing
            .send(v1::WatchNoticesRequest { step: Some(step) })
            .await
            .unwrap();
    }

    pub(crate) async fn open(port: &Port, phone: &mut Phone) -> Result<Self, Status> {
        let mut session = Self::start(port, greeting(phone)).await;
        let challenge = session.challenge().await;
        let context = phone.context(&bound(&challenge));
        session.prove(phone.session(&context)).await;
        match session.next().await? {
            Some(Say::Opened(_)) => Ok(session),
            other => panic!("{other:?}"),
        }
    }

    /// Whatever comes next.
    pub(crate) async fn say(&mut self) -> Say {
        self.next().await.unwrap().unwrap()
    }

    pub(crate) async fn notice(&mut self) -> v1::Notice {
        match self.next().await {
            Ok(Some(Say::Notice(notice))) => notice,
            other => panic!("{other:?}"),
        }
    }
}

fn bound(challenge: &v1::PhoneSessionChallenge) -> Bound<'static> {
    Bound {
        purpose: Purpose::PhoneSession,
        challenge_id: challenge.session_id.as_ref().try_into().unwrap(),
        nonce: challenge.nonce.as_ref().try_into().unwrap(),
        contact_id: &[],
        not_before_us: challenge.not_before_us,
        expires_us: challenge.expires_us,
        order_hash: [0; 32],
        policy_digest: [0; 32],
    }
}

#[tokio::test]
async fn a_notice_is_sent_only_once_it_is_sealed_and_its_receipt_binds_the_context() {
    let port = Port::open(Paper::founded()).await;
    let mut phone = Phone::new("cust-000001", 1);
    enrol(&port, &mut phone).await;
    port.paper.hold_seals();
    let mut platform = Platform::new(port.platform().await);
    platform
        .announce_contact(announcement(1, &phone.handle))
        .await
        .unwrap();
    let mut session = Session::open(&port, &mut phone).await.unwrap();
    {
        let early = session.next();
        tokio::pin!(early);
        assert!(futures::poll!(&mut early).is_pending());
        port.paper.seal();
        let Ok(Some(Say::Notice(notice))) = early.await else {
            panic!("no notice")
        };
        let receipt = Receipt::parse(&notice.receipt).unwrap();
        let leaf = receipt.verify(&port.paper.keys()).unwrap().leaf().unwrap();
        assert_eq!(leaf.statement_hash, phone.notice_context(&notice).digest());
        assert_eq!(notice.call_reason, 2);
        assert!(notice.require_knowledge);
    }
    // The next one comes as it is sealed, and no notice comes twice.
    platform
        .announce_contact(announcement(2, &phone.handle))
        .await
        .unwrap();
    port.paper.seal();
    assert_eq!(session.notice().await.contact_id.as_ref(), [2; 16]);
}

#[tokio::test]
async fn a_subject_that_nobody_knows_fails_like_a_wrong_proof() {
    let port = Port::open(Paper::founded()).await;
    let mut phone = Phone::new("cust-000001", 1);
    enrol(&port, &mut phone).await;
    let mut thief = Phone::new("cust-000001", 2);
    let mut stranger = Phone::new("cust-999999", 3);
    for phone in [&mut thief, &mut stranger] {
        let status = Session::open(&port, phone).await.err().unwrap();
        assert_eq!(
            (status.code(), reason(&status)),
            (Code::Unauthenticated, "SESSION_PROOF")
        );
    }
    let mut session = Session::start(&port, hello("nobody", "cust-000001")).await;
    let challenge = session.challenge().await;
    let context = phone.context(&bound(&challenge));
    session.prove(phone.session(&context)).await;
    let status = session.next().await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::Unauthenticated, "SESSION_PROOF")
    );
}

#[tokio::test]
async fn a_session_proof_serves_one_session_only() {
    let port = Port::open(Paper::founded()).await;
    let mut phone = Phone::new("cust-000001", 1);
    enrol(&port, &mut phone).await;
    let mut first = Session::start(&port, hello(TENANT, &phone.handle)).await;
    let challenge = first.challenge().await;
    let proof = phone.session(&phone_context(&phone, &challenge));
    let mut second = Session::start(&port, hello(TENANT, &phone.handle)).await;
    second.challenge().await;
    second.prove(proof).await;
    let status = second.next().await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::Unauthenticated, "SESSION_PROOF")
    );
}

#[tokio::test]
async fn steps_out_of_order_are_refused() {
    let port = Port::open(Paper::founded()).await;
    let proof = Ask::Session(v1::PhoneSessionProof {
        proof: vec![0; 64].into(),
    });
    let mut session = Session::start(&port, proof).await;
    let status = session.next().await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::InvalidArgument, "hello is not acceptable")
    );
    let mut session = Session::start(&port, hello(TENANT, "short")).await;
    let status = session.next().await.unwrap_err();
    assert_eq!(status.message(), "subject is not acceptable");
}

#[tokio::test]
async fn a_revoked_device_loses_its_session() {
    let port = Port::open(Paper::founded()).await;
    let mut phone = Phone::new("cust-000001", 1);
    enrol(&port, &mut phone).await;
    let mut session = Session::open(&port, &mut phone).await.unwrap();
    let revoke = v1::RevokeDeviceRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        subject: phone.handle.clone(),
        reason: 1,
        agent: String::new(),
    };
    Platform::new(port.platform().await)
        .revoke_device(revoke)
        .await
        .unwrap();
    let status = session.next().await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(Session::open(&port, &mut phone).await.is_err());
}

#[tokio::test]
async fn a_node_that_stops_ends_its_streams_with_unavailable() {
    let port = Port::open(Paper::founded()).await;
    let mut phone = Phone::new("cust-000001", 1);
    enrol(&port, &mut phone).await;
    let mut session = Session::open(&port, &mut phone).await.unwrap();
    port.stop();
    let status = session.next().await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::Unavailable, "NODE_STOPPING")
    );
}

fn phone_context(phone: &Phone, challenge: &v1::PhoneSessionChallenge) -> akashi_proof::Context {
    phone.context(&bound(challenge))
}
