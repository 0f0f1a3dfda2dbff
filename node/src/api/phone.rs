//! `PhoneService`: enrolment, notices and proofs of customers' and agents' phones.
//!
//! A phone has no certificate: what opens this door is a token that only the invited or asked phone
//! has. Junk ends here and leaves nothing in the log.

use std::time::Duration;

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::Command;
use akashi_domain::factor;
use akashi_domain::ids::{ChallengeId, Digest, EnrolmentId, RequestId};
use akashi_domain::records::{Challenge, Cluster, Enrolment};
use akashi_domain::state::Records as _;
use akashi_merkle::Held;
use akashi_proof::{Capture, Credential, Reason, Suite};
use akashi_proto::v1;
use akashi_proto::v1::phone_service_server::PhoneService;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use super::front::{Call, Front};
use super::notices;
use super::replica::Replica;
use super::status::Refusal;
use crate::clock;
use crate::wire;

/// Kept back from a submission's deadline, so that a held receipt still reaches its caller.
const HELD_MARGIN: Duration = Duration::from_millis(100);

/// The service.
#[derive(Debug)]
pub(super) struct Phone<R>(pub(super) Front<R>);

impl<R: Replica> Phone<R> {
    async fn enrolment(
        &self,
        request: Request<v1::GetEnrolmentRequest>,
    ) -> Result<v1::GetEnrolmentResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let id = wire::enrolment_id(&message.enrolment_id)?;
        let token: [u8; 32] = wire::array(&message.token, "token")?;
        let (cluster, enrolment) = self.invited(&call, &message.tenant, id, &token).await?;
        let progress = self.0.replica.progress();
        if enrolment.closed || enrolment.expires <= progress.stamp {
            return Err(Rejection::EnrolmentClosed.into());
        }
        let as_of = wire::as_of(&progress, true);
        Ok(wire::enrolment(cluster, &enrolment, as_of))
    }

    /// The invitation that a token opens. A token that does not, an invitation that does not exist and
    /// a tenant that does not exist look alike.
    async fn invited(
        &self,
        call: &Call,
        tenant: &str,
        id: EnrolmentId,
        token: &[u8; 32],
    ) -> Result<(Cluster, Enrolment), Refusal> {
        let token_hash = Digest::of(token);
        let found = self
            .0
            .find(call.deadline, |view| {
                let Some((cluster, tenant)) = Front::<R>::tenant(view, tenant)? else {
                    return Ok(None);
                };
                let enrolment = view
                    .enrolment(tenant.number, id)?
                    .filter(|enrolment| enrolment.token_hash == token_hash);
                Ok(enrolment.map(|enrolment| (cluster, enrolment)))
            })
            .await?;
        Ok(found.ok_or(Rejection::UnknownEnrolment)?)
    }

    async fn complete(
        &self,
        request: Request<v1::CompleteEnrolmentRequest>,
    ) -> Result<v1::CompleteEnrolmentResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let id = wire::request_id(&message.request_id)?;
        let command = wire::complete_enrolment(message)?;
        self.invited(&call, &command.tenant, command.enrolment, &command.token)
            .await?;
        active(command.suite)?;
        factor::admit_enrolment(&command.proofs)?;
        let command = Command::CompleteEnrolment(command);
        let Enrolled { placement, reason } = self.enrol(&call, id, command).await?;
        Ok(v1::CompleteEnrolmentResponse {
            placement: Some(placement),
            enrolled: reason == 0,
            reason,
        })
    }

    async fn credential(
        &self,
        request: Request<v1::RegisterCredentialRequest>,
    ) -> Result<v1::RegisterCredentialResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let id = wire::request_id(&message.request_id)?;
        let command = wire::register_credential(message)?;
        self.invited(&call, &command.tenant, command.enrolment, &command.token)
            .await?;
        active(command.suite)?;
        factor::admit_possession(&command.possession)?;
        Credential::parse(&command.body).map_err(malformed)?;
        let command = Command::RegisterCredential(command);
        let Enrolled { placement, reason } = self.enrol(&call, id, command).await?;
        Ok(v1::RegisterCredentialResponse {
            placement: Some(placement),
            registered: reason == 0,
            reason,
        })
    }

    async fn template(
        &self,
        request: Request<v1::EnrolTemplateRequest>,
    ) -> Result<v1::EnrolTemplateResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let id = wire::request_id(&message.request_id)?;
        let command = wire::enrol_template(message)?;
        self.invited(&call, &command.tenant, command.enrolment, &command.token)
            .await?;
        active(command.suite)?;
        factor::admit_possession(&command.possession)?;
        Capture::parse(&command.capture).map_err(malformed)?;
        let command = Command::EnrolTemplate(command);
        let Enrolled { placement, reason } = self.enrol(&call, id, command).await?;
        Ok(v1::EnrolTemplateResponse {
            placement: Some(placement),
            enrolled: reason == 0,
            reason,
        })
    }

    /// Has an answer to an invitation decided, whatever the invitation is for.
    async fn enrol(
        &self,
        call: &Call,
        id: RequestId,
        command: Command,
    ) -> Result<Enrolled, Refusal> {
        let (placement, reply) = self.0.command(call, id, command).await?;
        let reason = match reply {
            Reply::Enrolled => 0,
            Reply::EnrolmentRefused { reason } => u32::from(reason),
            Reply::Done
            | Reply::PolicyActive { .. }
            | Reply::SettingsActive(_)
            | Reply::SessionSettingsActive { .. }
            | Reply::EnrolmentOpen { .. }
            | Reply::Announced { .. }
            | Reply::Verdict { .. }
            | Reply::Refused { .. }
            | Reply::AlreadyAnswered
            | Reply::Denied { .. }
            | Reply::SessionOpen { .. }
            | Reply::Unmasked { .. }
            | Reply::PolicyRetired { .. }
            | Reply::Erased { .. }
            | Reply::OrderExecuted { .. }
            | Reply::OrderRefused { .. } => return Err(Refusal::Internal),
        };
        let placement = wire::placement(&placement);
        Ok(Enrolled { placement, reason })
    }

    async fn submit(
        &self,
        request: Request<v1::SubmitProofRequest>,
    ) -> Result<v1::SubmitProofResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let id = wire::request_id(&message.request_id)?;
        let received = message.clone();
        let command = wire::submit_proof(message)?;
        let challenge = self
            .asked(&call, &command.tenant, command.challenge, &command.token)
            .await?;
        active(command.suite)?;
        factor::admit(&challenge.body, &command.proofs)?;
        let distress = u32::from(command.duress);
        let about = command.challenge;
        let in_time = before_deadline(&call);
        let decided = self
            .0
            .command(&in_time, id, Command::SubmitProof(command))
            .await;
        let (mut placement, reply) = match decided {
            // Nobody decides at present, or not in time: what is left to say is that it arrived.
            Err(
                Refusal::NoLeader | Refusal::ClocksDisagree | Refusal::DiskFull | Refusal::Deadline,
            ) => return self.hold(&received, about, id),
            other => other?,
        };
        // Whoever looks over the shoulder counts no leaf of the silent sign.
        placement.leaf_count = placement.leaf_count.saturating_sub(distress);
        let answer = v1::SubmitProofResponse {
            placement: Some(wire::placement(&placement)),
            ..v1::SubmitProofResponse::default()
        };
        match reply {
            Reply::Verdict { outcome, reason } => Ok(v1::SubmitProofResponse {
                outcome: wire::outcome(outcome),
                reason: u32::from(reason),
                ..answer
            }),
            Reply::Refused {
                reason,
                attempts_left,
                locked_until,
            } => Ok(v1::SubmitProofResponse {
                reason: u32::from(reason),
                attempts_left: u32::from(attempts_left),
                retry_after_us: locked_until.0,
                ..answer
            }),
            Reply::AlreadyAnswered => Err(Rejection::ChallengeAnswered.into()),
            Reply::Done
            | Reply::PolicyActive { .. }
            | Reply::SettingsActive(_)
            | Reply::SessionSettingsActive { .. }
            | Reply::EnrolmentOpen { .. }
            | Reply::Enrolled
            | Reply::EnrolmentRefused { .. }
            | Reply::Announced { .. }
            | Reply::Denied { .. }
            | Reply::SessionOpen { .. }
            | Reply::Unmasked { .. }
            | Reply::PolicyRetired { .. }
            | Reply::Erased { .. }
            | Reply::OrderExecuted { .. }
            | Reply::OrderRefused { .. } => Err(Refusal::Internal),
        }
    }

    /// The node's own word that a submission arrived, when no quorum says what becomes of it.
    fn hold(
        &self,
        received: &v1::SubmitProofRequest,
        challenge: ChallengeId,
        id: RequestId,
    ) -> Result<v1::SubmitProofResponse, Refusal> {
        let held = Held {
            origin: self.0.config.origin().map_err(|_unfit| Refusal::Internal)?,
            challenge_id: challenge.0,
            request_id: id.0,
            submission: wire::submission_digest(received),
            received_us: clock::unix_us(),
        };
        Ok(v1::SubmitProofResponse {
            held: Some(wire::held(self.0.replica.hold(held))),
            ..v1::SubmitProofResponse::default()
        })
    }

    /// The challenge that a token opens, whatever its purpose. A token that does not, a challenge that
    /// does not exist and a tenant that does not exist look alike.
    async fn asked(
        &self,
        call: &Call,
        tenant: &str,
        id: ChallengeId,
        token: &[u8; 32],
    ) -> Result<Challenge, Refusal> {
        let token_hash = Digest::of(token);
        let found = self
            .0
            .find(call.deadline, |view| {
                let Some(tenant) = view.tenant(tenant)? else {
                    return Ok(None);
                };
                let challenge = view.challenge(tenant.number, id)?;
                Ok(challenge.filter(|challenge| challenge.token_hash == token_hash))
            })
            .await?;
        Ok(found.ok_or(Rejection::UnknownChallenge)?)
    }

    async fn answer(
        &self,
        request: Request<v1::AnswerNoticeRequest>,
    ) -> Result<v1::AnswerNoticeResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let id = wire::request_id(&message.request_id)?;
        let command = wire::answer_notice(message)?;
        self.asked(&call, &command.tenant, command.challenge, &command.token)
            .await?;
        let (placement, reply) = self
            .0
            .command(&call, id, Command::AnswerNotice(command))
            .await?;
        let outcome = match reply {
            Reply::Done => 0,
            Reply::Verdict { outcome, .. } => wire::outcome(outcome),
            Reply::AlreadyAnswered => return Err(Rejection::ChallengeAnswered.into()),
            Reply::PolicyActive { .. }
            | Reply::SettingsActive(_)
            | Reply::SessionSettingsActive { .. }
            | Reply::EnrolmentOpen { .. }
            | Reply::Enrolled
            | Reply::EnrolmentRefused { .. }
            | Reply::Announced { .. }
            | Reply::Refused { .. }
            | Reply::Denied { .. }
            | Reply::SessionOpen { .. }
            | Reply::Unmasked { .. }
            | Reply::PolicyRetired { .. }
            | Reply::Erased { .. }
            | Reply::OrderExecuted { .. }
            | Reply::OrderRefused { .. } => return Err(Refusal::Internal),
        };
        let placement = Some(wire::placement(&placement));
        Ok(v1::AnswerNoticeResponse { placement, outcome })
    }
}

/// The same call with an end that leaves time to answer before its caller's deadline.
fn before_deadline(call: &Call) -> Call {
    let margin = HELD_MARGIN.min(clock::left_until(call.deadline) / 4);
    Call {
        peer: call.peer.clone(),
        deadline: call.deadline.checked_sub(margin).unwrap_or(call.deadline),
    }
}

/// What came of an answer to an invitation; a reason of zero means that it was accepted.
struct Enrolled {
    placement: v1::Placement,
    reason: u32,
}

fn active(suite: u8) -> Result<(), Rejection> {
    Suite::from_code(suite)
        .map(|_| ())
        .ok_or(Rejection::SuiteNotActive)
}

const fn malformed(reason: Reason) -> Rejection {
    Rejection::MalformedProof(reason.code())
}

#[tonic::async_trait]
impl<R: Replica> PhoneService for Phone<R> {
    type WatchNoticesStream = BoxStream<'static, Result<v1::WatchNoticesResponse, Status>>;

    async fn get_enrolment(
        &self,
        request: Request<v1::GetEnrolmentRequest>,
    ) -> Result<Response<v1::GetEnrolmentResponse>, Status> {
        self.enrolment(request)
            .await
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn complete_enrolment(
        &self,
        request: Request<v1::CompleteEnrolmentRequest>,
    ) -> Result<Response<v1::CompleteEnrolmentResponse>, Status> {
        self.complete(request)
            .await
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn register_credential(
        &self,
        request: Request<v1::RegisterCredentialRequest>,
    ) -> Result<Response<v1::RegisterCredentialResponse>, Status> {
        self.credential(request)
            .await
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn enrol_template(
        &self,
        request: Request<v1::EnrolTemplateRequest>,
    ) -> Result<Response<v1::EnrolTemplateResponse>, Status> {
        self.template(request)
            .await
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn watch_notices(
        &self,
        request: Request<Streaming<v1::WatchNoticesRequest>>,
    ) -> Result<Response<Self::WatchNoticesStream>, Status> {
        Ok(Response::new(notices::stream(
            self.0.clone(),
            request.into_inner(),
        )))
    }

    async fn submit_proof(
        &self,
        request: Request<v1::SubmitProofRequest>,
    ) -> Result<Response<v1::SubmitProofResponse>, Status> {
        self.submit(request)
            .await
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn answer_notice(
        &self,
        request: Request<v1::AnswerNoticeRequest>,
    ) -> Result<Response<v1::AnswerNoticeResponse>, Status> {
        self.answer(request)
            .await
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }
}
