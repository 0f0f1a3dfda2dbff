//! The stream on which a phone waits for notices, opened with a proof instead of a certificate.

use akashi_proof::Purpose;
use akashi_proto::v1;
use akashi_proto::v1::phone_hello::Who;
use akashi_proto::v1::phone_service_client::PhoneServiceClient;
use akashi_proto::v1::watch_notices_request::Step as Ask;
use akashi_proto::v1::watch_notices_response::Step as Say;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::{Bound, CheckedNotice, Phone};
use crate::answer::{Outcome, bytes32, id16};
use crate::clock::Deadline;
use crate::error::Error;
use crate::platform::reopen_pause;
use crate::policy::PolicyPurpose;

/// Messages that may wait to be sent: the opening has two.
const OUTGOING_MAX: usize = 2;

/// What the cluster stores about the owner of a phone, besides the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnHistory {
    /// When this phone was enrolled, microseconds since 1970-01-01 UTC.
    pub enrolled_us: u64,
    /// Registered credentials that can still be presented.
    pub credentials: u32,
    /// Whether the template of a face is enrolled.
    pub template: bool,
    /// The newest verdicts, oldest first.
    pub past: Vec<PastVerdict>,
}

/// A verdict about the owner of a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastVerdict {
    /// Where it stands in the audit log.
    pub leaf_index: u64,
    /// Cluster time of the decision, in microseconds since 1970-01-01 UTC.
    pub decided_us: u64,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// What it was for.
    pub purpose: PolicyPurpose,
}

impl OwnHistory {
    fn from_wire(told: &v1::OwnHistory) -> Result<Self, Error> {
        let verdict = |past: &v1::PastVerdict| {
            Ok(PastVerdict {
                leaf_index: past.leaf_index,
                decided_us: past.decided_us,
                outcome: Outcome::from_number(past.outcome)?,
                purpose: PolicyPurpose::from_number(past.purpose)?,
            })
        };
        Ok(Self {
            enrolled_us: told.enrolled_us,
            credentials: told.credentials,
            template: told.template,
            past: told.past.iter().map(verdict).collect::<Result<_, _>>()?,
        })
    }
}

/// An open stream of notices.
#[derive(Debug)]
pub struct Session {
    incoming: Streaming<v1::WatchNoticesResponse>,
    /// Held also so that the node does not see the phone's side of the stream end.
    outgoing: mpsc::Sender<v1::WatchNoticesRequest>,
}

/// Something that a customer is told: masked fields were shown to an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// During which contact.
    pub contact_id: [u8; 16],
    /// Which fields, as the tenant numbers them, one bit each.
    pub fields: u32,
    /// When, microseconds since 1970-01-01 UTC in cluster time.
    pub at_us: u64,
    /// When they had to be masked again.
    pub until_us: u64,
    /// Whether no second person allowed it.
    pub break_glass: bool,
    /// The leaf that says so.
    pub leaf_index: u64,
}

impl Phone {
    /// Opens a session: names the subject, answers the node's challenge with possession of this
    /// phone. Tries one node after the other until the deadline.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn open_session(&self, deadline: Deadline) -> Result<Session, Error> {
        loop {
            let attempt = tokio::time::timeout(deadline.remaining(), self.try_open_session()).await;
            match attempt {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(Error::Unavailable { .. } | Error::StreamEnded { .. })) => {
                    self.connection().avoid_preferred();
                    reopen_pause(deadline).await?;
                }
                Ok(Err(error)) => return Err(error),
                Err(_elapsed) => return Err(Error::DeadlineExceeded),
            }
        }
    }

    async fn try_open_session(&self) -> Result<Session, Error> {
        let (outgoing, requests) = mpsc::channel(OUTGOING_MAX);
        let owner = self.profile.subject.clone();
        let hello = v1::PhoneHello {
            tenant: self.profile.tenant.clone(),
            who: Some(if self.profile.agent {
                Who::Agent(owner)
            } else {
                Who::Subject(owner)
            }),
        };
        let closed = |_closed| Error::StreamEnded {
            what: "phone session",
        };
        let first = v1::WatchNoticesRequest {
            step: Some(Ask::Hello(hello)),
        };
        outgoing.send(first).await.map_err(closed)?;
        let channel = self.connection().channel()?;
        let mut incoming = PhoneServiceClient::new(channel)
            .watch_notices(ReceiverStream::new(requests))
            .await
            .map_err(Error::from_status)?
            .into_inner();
        let Some(Say::Challenge(challenge)) = next(&mut incoming).await? else {
            return Err(Error::Answer {
                what: "session challenge",
            });
        };
        let proof = self.prove_session(&challenge)?;
        let second = v1::WatchNoticesRequest {
            step: Some(Ask::Session(v1::PhoneSessionProof {
                proof: proof.into(),
            })),
        };
        outgoing.send(second).await.map_err(closed)?;
        let Some(Say::Opened(_)) = next(&mut incoming).await? else {
            return Err(Error::Answer { what: "session" });
        };
        Ok(Session { incoming, outgoing })
    }

    fn prove_session(&self, challenge: &v1::PhoneSessionChallenge) -> Result<Vec<u8>, Error> {
        self.check_log(&challenge.origin, challenge.group, challenge.epoch)?;
        let context = self.context(&Bound {
            challenge_id: id16(&challenge.session_id, "session_id")?,
            nonce: bytes32(&challenge.nonce, "nonce")?,
            purpose: Purpose::PhoneSession,
            contact_id: &[],
            not_before_us: challenge.not_before_us,
            expires_us: challenge.expires_us,
            policy_digest: [0; 32],
            order_hash: [0; 32],
        })?;
        self.bare_possession(&context)
    }

    /// Waits for the next notice and checks it. A stream that breaks is opened again; notices that
    /// still wait are sent again by the node.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it; [`Error::Integrity`] for a notice that does not
    /// stand up to its receipt.
    pub async fn next_notice(
        &self,
        session: &mut Session,
        deadline: Deadline,
    ) -> Result<CheckedNotice, Error> {
        loop {
            let step = tokio::time::timeout(deadline.remaining(), next(&mut session.incoming));
            match step.await {
                Ok(Ok(Some(Say::Notice(notice)))) => {
                    self.trust
                        .prepare(self.connection(), &notice.receipt, deadline)
                        .await?;
                    let checked = self.check_notice(&notice);
                    if matches!(checked, Err(Error::Answer { .. })) {
                        self.does_not_understand(&notice, deadline).await?;
                    }
                    return checked;
                }
                Ok(Ok(
                    Some(
                        Say::Challenge(_)
                        | Say::Opened(_)
                        | Say::Told(_)
                        | Say::History(_)
                        | Say::Ended(_),
                    )
                    | None,
                )) => {}
                Ok(Err(Error::Unavailable { .. } | Error::StreamEnded { .. })) => {
                    self.connection().avoid_preferred();
                    *session = self.open_session(deadline).await?;
                }
                Ok(Err(error)) => return Err(error),
                Err(_elapsed) => return Err(Error::DeadlineExceeded),
            }
        }
    }

    /// Waits for the next thing that the customer is told without being asked, and checks it against its
    /// receipt. Notices that come before are passed over: they are sent again to the next session.
    ///
    /// # Errors
    ///
    /// As [`Phone::next_notice`].
    pub async fn next_told(
        &self,
        session: &mut Session,
        deadline: Deadline,
    ) -> Result<Told, Error> {
        loop {
            let step = tokio::time::timeout(deadline.remaining(), next(&mut session.incoming));
            match step.await {
                Ok(Ok(Some(Say::Told(told)))) => {
                    self.trust
                        .prepare(self.connection(), &told.receipt, deadline)
                        .await?;
                    return self.check_told(&told);
                }
                Ok(Ok(
                    Some(
                        Say::Challenge(_)
                        | Say::Opened(_)
                        | Say::Notice(_)
                        | Say::History(_)
                        | Say::Ended(_),
                    )
                    | None,
                )) => {}
                Ok(Err(Error::Unavailable { .. } | Error::StreamEnded { .. })) => {
                    self.connection().avoid_preferred();
                    *session = self.open_session(deadline).await?;
                }
                Ok(Err(error)) => return Err(error),
                Err(_elapsed) => return Err(Error::DeadlineExceeded),
            }
        }
    }

    /// Says so to the cluster, so that nobody waits for an answer.
    async fn does_not_understand(
        &self,
        notice: &v1::Notice,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let ids = (notice.challenge_id.as_ref(), notice.submit_token.as_ref());
        let unsupported = v1::NoticeAnswer::Unsupported;
        match self.say(ids, unsupported, deadline).await {
            // It ended meanwhile: nobody waits.
            Ok(_) | Err(Error::Rejected { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What is told is in the log, or it is not believed.
    fn check_told(&self, told: &v1::Told) -> Result<Told, Error> {
        let checked = self
            .trust
            .receipt(&told.receipt)
            .map_err(|broken| Error::integrity(format!("receipt: {broken}")))?;
        let leaf = checked
            .leaf()
            .map_err(|_version| Error::Answer { what: "leaf" })?;
        let contact_id = id16(&told.contact_id, "contact_id")?;
        let same = leaf.kind == crate::event::UNMASK_DECIDED
            && leaf.contact_id == contact_id
            && checked.index() == told.leaf_index
            && leaf.stamp_us == told.at_us;
        if !same {
            return Err(Error::integrity("what was told is not what the log says"));
        }
        Ok(Told {
            contact_id,
            fields: told.fields,
            at_us: told.at_us,
            until_us: told.until_us,
            break_glass: told.break_glass,
            leaf_index: told.leaf_index,
        })
    }

    /// Asks what the cluster stores about the owner. Notices that arrive meanwhile are sent again by the
    /// node when the next session is opened.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn own_history(&self, deadline: Deadline) -> Result<OwnHistory, Error> {
        let mut session = self.open_session(deadline).await?;
        let closed = |_closed| Error::StreamEnded {
            what: "phone session",
        };
        let ask = v1::WatchNoticesRequest {
            step: Some(Ask::History(v1::AskOwnHistory {})),
        };
        session.outgoing.send(ask).await.map_err(closed)?;
        loop {
            let step = tokio::time::timeout(deadline.remaining(), next(&mut session.incoming));
            match step.await {
                Ok(Ok(Some(Say::History(told)))) => return OwnHistory::from_wire(&told),
                Ok(Ok(_other)) => {}
                Ok(Err(error)) => return Err(error),
                Err(_elapsed) => return Err(Error::DeadlineExceeded),
            }
        }
    }

    /// Waits for a notice that was shown to end without this phone's doing: withdrawn, superseded or
    /// expired. Gives its challenge and how it ended; notices that arrive meanwhile are passed over.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn notice_ended(
        &self,
        session: &mut Session,
        deadline: Deadline,
    ) -> Result<([u8; 16], Option<Outcome>), Error> {
        loop {
            let step = tokio::time::timeout(deadline.remaining(), next(&mut session.incoming));
            match step.await {
                Ok(Ok(Some(Say::Ended(ended)))) => {
                    let id = id16(&ended.challenge_id, "challenge_id")?;
                    return Ok((id, Outcome::from_number(ended.outcome)?));
                }
                Ok(Ok(_other)) => {}
                Ok(Err(error)) => return Err(error),
                Err(_elapsed) => return Err(Error::DeadlineExceeded),
            }
        }
    }

    /// Waits for the notice of a certain challenge; older ones that still wait are passed over.
    ///
    /// # Errors
    ///
    /// As [`Phone::next_notice`].
    pub async fn notice_of(
        &self,
        session: &mut Session,
        challenge_id: &[u8; 16],
        deadline: Deadline,
    ) -> Result<CheckedNotice, Error> {
        loop {
            let notice = self.next_notice(session, deadline).await?;
            if notice.challenge_id() == *challenge_id {
                return Ok(notice);
            }
        }
    }
}

async fn next(incoming: &mut Streaming<v1::WatchNoticesResponse>) -> Result<Option<Say>, Error> {
    match incoming.next().await {
        Some(Ok(response)) => Ok(response.step),
        Some(Err(status)) => Err(Error::from_status(status)),
        None => Err(Error::StreamEnded { what: "notice" }),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use akashi_proof::{
        Context, ContextFields, DeviceKey, Possession, Proof, Suite, submission_digest, verify,
    };
    use akashi_proto::v1::phone_service_server::{PhoneService, PhoneServiceServer};
    use tokio::net::TcpListener;
    use tokio_stream::wrappers::TcpListenerStream;
    use tonic::transport::{Identity as ServerIdentity, Server, ServerTlsConfig};
    use tonic::{Request, Response, Status};

    use super::super::fixtures::{SUBJECT, honest, phone_of, profile};
    use super::*;
    use crate::pki::{Authority, Role};
    use crate::tag::subject_hash;

    /// A node that checks the session proof, sends its notices and, the first time, breaks.
    struct Fake {
        device: DeviceKey,
        notices: Vec<v1::Notice>,
        opened: Arc<AtomicUsize>,
    }

    const CHALLENGE: [u8; 16] = [8; 16];
    const NONCE: [u8; 32] = [9; 32];

    impl Fake {
        fn challenge() -> v1::PhoneSessionChallenge {
            v1::PhoneSessionChallenge {
                origin: "dev/e1/g0".to_owned(),
                group: 0,
                epoch: 1,
                session_id: CHALLENGE.to_vec().into(),
                nonce: NONCE.to_vec().into(),
                not_before_us: 1,
                expires_us: 2,
            }
        }

        fn holds(&self, bytes: &[u8]) -> bool {
            let context = Context::new(ContextFields {
                suite: Suite::V1,
                origin: b"dev/e1/g0",
                group: 0,
                epoch: 1,
                tenant: b"demo",
                challenge_id: CHALLENGE,
                nonce: NONCE,
                purpose: Purpose::PhoneSession,
                subject: subject_hash("demo", SUBJECT),
                contact_id: &[],
                not_before_us: 1,
                expires_us: 2,
                order_hash: [0; 32],
                policy_digest: [0; 32],
            })
            .unwrap();
            let statement = Possession {
                key: self.device,
                submission_digest: submission_digest(&[]),
            };
            let proof = Proof::parse(&statement, bytes);
            proof.is_ok_and(|proof| verify(&context, &statement, &proof).is_ok())
        }
    }

    type Steps = std::pin::Pin<
        Box<dyn tokio_stream::Stream<Item = Result<v1::WatchNoticesResponse, Status>> + Send>,
    >;

    #[expect(clippy::unnecessary_wraps, reason = "what the stream yields")]
    fn say(step: Say) -> Result<v1::WatchNoticesResponse, Status> {
        Ok(v1::WatchNoticesResponse { step: Some(step) })
    }

    #[tonic::async_trait]
    impl PhoneService for Fake {
        type WatchNoticesStream = Steps;

        async fn watch_notices(
            &self,
            request: Request<Streaming<v1::WatchNoticesRequest>>,
        ) -> Result<Response<Steps>, Status> {
            let mut asked = request.into_inner();
            let hello = asked.message().await?.and_then(|message| message.step);
            assert!(matches!(hello, Some(Ask::Hello(hello))
                if hello.who == Some(Who::Subject(SUBJECT.to_owned()))));
            let (sender, steps) = mpsc::channel(8);
            sender
                .send(say(Say::Challenge(Self::challenge())))
                .await
                .unwrap();
            let first_time = self.opened.fetch_add(1, Ordering::Relaxed) == 0;
            let fake = Self {
                device: self.device,
                notices: self.notices.clone(),
                opened: Arc::clone(&self.opened),
            };
            tokio::spawn(async move {
                let proof = asked
                    .message()
                    .await
                    .unwrap()
                    .and_then(|message| message.step);
                let Some(Ask::Session(proof)) = proof else {
                    panic!("no session proof")
                };
                assert!(fake.holds(&proof.proof));
                sender
                    .send(say(Say::Opened(v1::PhoneSessionOpened {})))
                    .await
                    .unwrap();
                if first_time {
                    let broken = Err(Status::unavailable("stopping"));
                    return sender.send(broken).await.unwrap();
                }
                for notice in fake.notices {
                    sender.send(say(Say::Notice(notice))).await.unwrap();
                }
            });
            Ok(Response::new(Box::pin(ReceiverStream::new(steps))))
        }

        async fn get_enrolment(
            &self,
            _: Request<v1::GetEnrolmentRequest>,
        ) -> Result<Response<v1::GetEnrolmentResponse>, Status> {
            Err(Status::unimplemented(""))
        }

        async fn complete_enrolment(
            &self,
            _: Request<v1::CompleteEnrolmentRequest>,
        ) -> Result<Response<v1::CompleteEnrolmentResponse>, Status> {
            Err(Status::unimplemented(""))
        }

        async fn register_credential(
            &self,
            _: Request<v1::RegisterCredentialRequest>,
        ) -> Result<Response<v1::RegisterCredentialResponse>, Status> {
            Err(Status::unimplemented(""))
        }

        async fn enrol_template(
            &self,
            _: Request<v1::EnrolTemplateRequest>,
        ) -> Result<Response<v1::EnrolTemplateResponse>, Status> {
            Err(Status::unimplemented(""))
        }

        async fn submit_proof(
            &self,
            _: Request<v1::SubmitProofRequest>,
        ) -> Result<Response<v1::SubmitProofResponse>, Status> {
            Err(Status::unimplemented(""))
        }

        async fn answer_notice(
            &self,
            _: Request<v1::AnswerNoticeRequest>,
        ) -> Result<Response<v1::AnswerNoticeResponse>, Status> {
            Err(Status::unimplemented(""))
        }
    }

    async fn listen() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[tokio::test]
    async fn a_session_is_opened_with_a_proof_and_opened_again_when_it_breaks() {
        let (authority, ca, _) = Authority::create("dev").unwrap();
        let (listener, address) = listen().await;
        let (_home, phone) = phone_of(&profile(vec![address.to_string()]), &ca);
        let (notice, _) = honest(&phone);
        // An older notice still waits; a forged one must end the session with an integrity error.
        let forged = v1::Notice {
            call_reason: 99,
            ..notice.clone()
        };
        let opened = Arc::new(AtomicUsize::new(0));
        let fake = Fake {
            device: DeviceKey::from_bytes(&phone.device_key().unwrap()).unwrap(),
            notices: vec![notice, forged],
            opened: Arc::clone(&opened),
        };
        let node = authority
            .issue(&Role::Node {
                id: 1,
                hosts: vec![],
            })
            .unwrap();
        let tls = ServerTlsConfig::new()
            .identity(ServerIdentity::from_pem(node.certificate_pem, node.key_pem));
        let server = Server::builder()
            .tls_config(tls)
            .unwrap()
            .add_service(PhoneServiceServer::new(fake));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));

        let deadline = Deadline::after(Duration::from_secs(20));
        let mut session = phone.open_session(deadline).await.unwrap();
        let checked = phone.next_notice(&mut session, deadline).await.unwrap();
        assert_eq!(checked.challenge_id(), [2; 16]);
        assert_eq!(
            opened.load(Ordering::Relaxed),
            2,
            "the broken stream was opened again"
        );
        let forged = phone.next_notice(&mut session, deadline).await.unwrap_err();
        assert_eq!(forged.code().exit().number(), 7);
    }
}
