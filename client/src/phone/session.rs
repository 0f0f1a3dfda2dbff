//! The stream on which a phone waits for notices, opened with a proof instead of a certificate.

use akashi_proof::{Possession, Purpose, prove, submission_digest};
use akashi_proto::v1;
use akashi_proto::v1::phone_service_client::PhoneServiceClient;
use akashi_proto::v1::watch_notices_request::Step as Ask;
use akashi_proto::v1::watch_notices_response::Step as Say;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::{Bound, CheckedNotice, Phone};
use crate::answer::{bytes32, id16};
use crate::clock::Deadline;
use crate::entropy::ProofRandom;
use crate::error::Error;
use crate::platform::reopen_pause;

/// Messages that may wait to be sent: the opening has two.
const OUTGOING_MAX: usize = 2;

/// An open stream of notices.
#[derive(Debug)]
pub struct Session {
    incoming: Streaming<v1::WatchNoticesResponse>,
    /// Held so that the node does not see the phone's side of the stream end.
    _outgoing: mpsc::Sender<v1::WatchNoticesRequest>,
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
        let hello = v1::PhoneHello {
            tenant: self.profile.tenant.clone(),
            subject: self.profile.subject.clone(),
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
        Ok(Session {
            incoming,
            _outgoing: outgoing,
        })
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
        })?;
        let device = self.device_secret()?;
        let statement = Possession {
            key: device.public(),
            submission_digest: submission_digest(&[]),
        };
        let proof =
            prove(&context, &statement, &device, &mut ProofRandom::draw()?).map_err(|_fault| {
                Error::Proof {
                    what: "possession for the session",
                }
            })?;
        Ok(proof.to_bytes())
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
                Ok(Ok(Some(Say::Notice(notice)))) => return self.check_notice(&notice),
                Ok(Ok(Some(Say::Challenge(_) | Say::Opened(_)) | None)) => {}
                Ok(Err(Error::Unavailable { .. } | Error::StreamEnded { .. })) => {
                    self.connection().avoid_preferred();
                    *session = self.open_session(deadline).await?;
                }
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
