//! What a phone does with an invitation: enrol its keys, register a credential, enrol a face.
//!
//! Each invitation is good for one of these. The phone checks that the cluster speaks of the log whose
//! keys it has pinned and of its own owner before it proves anything.

use std::path::Path;

use akashi_proof::{Context, PinSecret, Possession, Purpose, Suite, prove, submission_digest};
use akashi_proto::v1;
use akashi_proto::v1::phone_service_client::PhoneServiceClient;

use super::credentials::Holding;
use super::proving::enrolment_proofs;
use super::{Bound, Phone};
use crate::answer::bytes32;
use crate::clock::{self, Deadline};
use crate::entropy::ProofRandom;
use crate::error::Error;
use crate::platform::Invitation;
use crate::request_id::RequestId;
use crate::sensor::{Face, SoftwareSensor};

/// How the cluster answered a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Whether it was accepted.
    pub accepted: bool,
    /// Number of the reason if it was not.
    pub reason: u32,
}

impl Accepted {
    /// Nothing if it was accepted.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with `outcome`.
    pub const fn to_result(self, outcome: &'static str) -> Result<(), Error> {
        if self.accepted {
            Ok(())
        } else {
            Err(Error::Refused { outcome })
        }
    }
}

/// The context of an invitation, with the nonce that a sensor signs.
struct Invited {
    context: Context,
    nonce: [u8; 32],
}

impl Phone {
    /// Enrols this phone: registers its public keys with proofs that it holds their secrets.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it; [`Error::Integrity`] if the cluster names another
    /// log or another person than the phone expects.
    pub async fn enrol(
        &self,
        invitation: &Invitation,
        pin: &PinSecret,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let invited = self
            .invited(invitation, v1::EnrolmentKind::Device, deadline)
            .await?;
        let device = self.device_secret()?;
        let message = v1::CompleteEnrolmentRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant().to_owned(),
            enrolment_id: invitation.enrolment_id.to_vec().into(),
            token: invitation.token.to_vec().into(),
            device_key: device.public().to_bytes().to_vec().into(),
            pin_key: pin.public().to_bytes().to_vec().into(),
            proofs: enrolment_proofs(&invited.context, &device, pin)?,
            suite: u32::from(Suite::V1.code()),
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                PhoneServiceClient::new(channel)
                    .complete_enrolment(request)
                    .await
            })
            .await?;
        let accepted = Accepted {
            accepted: answer.enrolled,
            reason: answer.reason,
        };
        accepted.to_result("not enrolled")
    }

    /// Registers a credential of this phone with the cluster.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn register_credential(
        &self,
        holding: &mut Holding,
        invitation: &Invitation,
        deadline: Deadline,
    ) -> Result<Accepted, Error> {
        let invited = self
            .invited(invitation, v1::EnrolmentKind::Credential, deadline)
            .await?;
        let (body, signature) = holding.body_and_signature();
        let message = v1::RegisterCredentialRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant().to_owned(),
            enrolment_id: invitation.enrolment_id.to_vec().into(),
            token: invitation.token.to_vec().into(),
            suite: u32::from(Suite::V1.code()),
            body: body.into(),
            signature: signature.to_vec().into(),
            possession: self.bare_possession(&invited.context)?.into(),
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                PhoneServiceClient::new(channel)
                    .register_credential(request)
                    .await
            })
            .await?;
        if answer.registered {
            self.note_registered(holding)?;
        }
        Ok(Accepted {
            accepted: answer.registered,
            reason: answer.reason,
        })
    }

    /// Has a software sensor capture a face and enrols the template. `home` is the sensor's directory,
    /// kept for later answers.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn enrol_face(
        &self,
        (sensor, home): (&SoftwareSensor, &Path),
        face: &Face,
        invitation: &Invitation,
        deadline: Deadline,
    ) -> Result<Accepted, Error> {
        let invited = self
            .invited(invitation, v1::EnrolmentKind::Template, deadline)
            .await?;
        let key = self.device_secret()?.public();
        let captured = sensor.enrol(
            &invited.context,
            &key,
            face,
            &invited.nonce,
            clock::unix_us(),
        )?;
        // On disk before it is sent: a notice will say which template is enrolled.
        self.directory.write_next_face(home, &captured)?;
        let message = v1::EnrolTemplateRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant().to_owned(),
            enrolment_id: invitation.enrolment_id.to_vec().into(),
            token: invitation.token.to_vec().into(),
            suite: u32::from(Suite::V1.code()),
            capture: captured
                .capture()
                .signed_fields(&captured.certificate)
                .into(),
            signature: captured.signature.to_vec().into(),
            possession: self.bare_possession(&invited.context)?.into(),
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                PhoneServiceClient::new(channel)
                    .enrol_template(request)
                    .await
            })
            .await?;
        if answer.enrolled {
            self.directory.take_up_next_face()?;
        }
        Ok(Accepted {
            accepted: answer.enrolled,
            reason: answer.reason,
        })
    }

    /// Asks what an invitation is good for and forms its context.
    async fn invited(
        &self,
        invitation: &Invitation,
        kind: v1::EnrolmentKind,
        deadline: Deadline,
    ) -> Result<Invited, Error> {
        let question = v1::GetEnrolmentRequest {
            tenant: self.tenant().to_owned(),
            enrolment_id: invitation.enrolment_id.to_vec().into(),
            token: invitation.token.to_vec().into(),
        };
        let answer = self
            .connection
            .call(deadline, &question, |channel, request| async move {
                PhoneServiceClient::new(channel)
                    .get_enrolment(request)
                    .await
            })
            .await?;
        if answer.kind != i32::from(kind) {
            return Err(Error::usage("the invitation is for something else"));
        }
        let wire = answer.context.ok_or(Error::Answer { what: "context" })?;
        self.check_log(&wire.origin, wire.group, wire.epoch)?;
        if bytes32(&wire.subject_hash, "subject_hash")? != self.subject_hash() {
            return Err(Error::integrity("the enrolment is for somebody else"));
        }
        let nonce = bytes32(&wire.nonce, "nonce")?;
        let context = self.context(&Bound {
            challenge_id: invitation.enrolment_id,
            nonce,
            purpose: Purpose::Enrol,
            contact_id: &[],
            not_before_us: wire.not_before_us,
            expires_us: wire.expires_us,
            policy_digest: [0; 32],
            order_hash: [0; 32],
        })?;
        Ok(Invited { context, nonce })
    }

    /// Possession alone, bound to no other part.
    pub(super) fn bare_possession(&self, context: &Context) -> Result<Vec<u8>, Error> {
        let device = self.device_secret()?;
        let statement = Possession {
            key: device.public(),
            submission_digest: submission_digest(&[]),
        };
        let proof = prove(context, &statement, &device, &mut ProofRandom::draw()?);
        proof
            .map(|proof| proof.to_bytes())
            .map_err(|_fault| Error::Proof { what: "possession" })
    }
}
