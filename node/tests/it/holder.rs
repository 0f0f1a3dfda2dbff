//! Issuers and sensors, and what phones hold of them: credentials and templates.

use akashi_domain::ids::Digest;
use akashi_proof::{
    Assurance, Capture, CaptureResult, Context, Credential, CredentialFields, Dimensions,
    IssuerKey, Opening, SensorCertificate, SensorKey, Suite, TemplateOpening, enrolment_message,
    probe_message,
};
use akashi_proto::v1;
use akashi_proto::v1::cluster_service_client::ClusterServiceClient;
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};
use tonic::Status;
use tonic::transport::Channel;

use crate::calls::{PhoneClient, id};
use crate::invitation::{Invitation, invite};
use crate::paper::{ORIGIN, TENANT};
use crate::phone::{Dice, Phone, Piece};
use crate::port::Port;

pub(crate) type Operator = ClusterServiceClient<Channel>;

pub(crate) const ISSUER: &str = "registry";
pub(crate) const SCHEMA: &str = "person";
pub(crate) const MODEL: &str = "face-1";
/// An hour before the tests, and a day after them, by the machine's clock.
const HOUR_US: u64 = 3_600_000_000;

pub(crate) async fn operator(port: &Port) -> Operator {
    ClusterServiceClient::new(port.caller("/operator/alice").await)
}

/// Who signs credentials.
pub(crate) struct Issuer(SigningKey);

impl Issuer {
    pub(crate) fn new(seed: u8) -> Self {
        Self(SigningKey::from_bytes(&[seed; 32]))
    }

    pub(crate) fn key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).to_bytes().to_vec()
    }

    pub(crate) fn register(&self) -> v1::RegisterIssuerRequest {
        v1::RegisterIssuerRequest {
            request_id: id(),
            tenant: TENANT.to_owned(),
            name: ISSUER.to_owned(),
            key: self.key().to_vec().into(),
        }
    }

    /// A credential for a phone: body and signature.
    pub(crate) fn issue(
        &self,
        phone: &Phone,
        serial: [u8; 16],
        values: &[&Opening],
    ) -> (Vec<u8>, Vec<u8>) {
        let now_us = akashi_node::clock::unix_us();
        let attributes: Vec<_> = values.iter().map(|value| value.commitment()).collect();
        let credential = Credential::new(CredentialFields {
            suite: Suite::V1,
            origin: ORIGIN.as_bytes(),
            tenant: TENANT.as_bytes(),
            issuer_key_id: IssuerKey::from_bytes(&self.key()).unwrap().id(),
            issuer: ISSUER.as_bytes(),
            schema: SCHEMA.as_bytes(),
            schema_version: 1,
            subject: phone.subject().0,
            holder: phone.holder(),
            serial,
            not_before_us: now_us - HOUR_US,
            expires_us: now_us + 24 * HOUR_US,
            attributes: &attributes,
        })
        .unwrap();
        let signature = self.0.sign(&credential.message()).to_bytes();
        (credential.body(), signature.to_vec())
    }
}

/// A hidden attribute.
pub(crate) fn opening(value: u64, seed: u64) -> Opening {
    Opening::commit(value, &mut Dice(seed)).unwrap()
}

/// The phone's request to register what an issuer gave it.
pub(crate) fn registration(
    phone: &mut Phone,
    invitation: &Invitation,
    (body, signature): (Vec<u8>, Vec<u8>),
) -> v1::RegisterCredentialRequest {
    v1::RegisterCredentialRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        enrolment_id: invitation.id.clone(),
        token: invitation.token.clone(),
        suite: 1,
        body: body.into(),
        signature: signature.into(),
        possession: phone.session(&invitation.context).into(),
    }
}

/// Registers a credential through platform and phone.
pub(crate) async fn hold(
    port: &Port,
    phone: &mut Phone,
    issuer: &Issuer,
    serial: [u8; 16],
    values: &[&Opening],
) {
    let invitation = invite(port, phone, v1::EnrolmentKind::Credential, serial[0])
        .await
        .unwrap();
    let issued = issuer.issue(phone, serial, values);
    let request = registration(phone, &invitation, issued);
    let answer = PhoneClient::new(port.phone().await)
        .register_credential(request)
        .await
        .unwrap()
        .into_inner();
    assert!(answer.registered, "reason {}", answer.reason);
}

/// A camera that signs what it captures.
pub(crate) struct Sensor {
    signing: SigningKey,
    certificate: SensorCertificate,
}

impl Sensor {
    pub(crate) fn new(seed: u8, level: Assurance) -> Self {
        let signing = SigningKey::from_bytes(&[seed; 32]);
        let now_us = akashi_node::clock::unix_us();
        let certificate = SensorCertificate {
            key: SensorKey::from_bytes(&signing.verifying_key().to_bytes()).unwrap(),
            model_id: MODEL.as_bytes().to_vec(),
            level,
            not_before_us: now_us - HOUR_US,
            expires_us: now_us + 24 * HOUR_US,
        };
        Self {
            signing,
            certificate,
        }
    }

    pub(crate) fn register(&self) -> v1::RegisterSensorRequest {
        v1::RegisterSensorRequest {
            request_id: id(),
            tenant: TENANT.to_owned(),
            key: self.certificate.key.to_bytes().to_vec().into(),
            model_id: MODEL.to_owned(),
            level: u32::from(self.certificate.level.code()),
            not_before_us: self.certificate.not_before_us,
            expires_us: self.certificate.expires_us,
        }
    }

    pub(crate) fn digest(&self) -> Digest {
        let (origin, tenant) = (ORIGIN.as_bytes(), TENANT.as_bytes());
        Digest(self.certificate.digest(Suite::V1, origin, tenant))
    }

    /// What it says of one sample of a working agent.
    pub(crate) fn sighting(
        &self,
        session: [u8; 16],
        (sequence, class): (u64, u8),
        captured_us: u64,
    ) -> Vec<u8> {
        let sighting = akashi_proof::Sighting {
            origin: ORIGIN.as_bytes(),
            tenant: TENANT.as_bytes(),
            session,
            certificate: self.digest().0,
            sequence,
            class,
            captured_us,
        };
        self.signing.sign(&sighting.message()).to_bytes().to_vec()
    }

    fn capture(&self, face: &TemplateOpening) -> Capture<'static> {
        Capture {
            commitment: face.commitment(),
            dimensions: Dimensions::D128,
            model_id: MODEL.as_bytes(),
            level: self.certificate.level,
            result: CaptureResult::Genuine,
            captured_us: akashi_node::clock::unix_us(),
        }
    }

    /// The signed fields and the signature of a capture for enrolment.
    pub(crate) fn enrol(
        &self,
        phone: &Phone,
        invitation: &Invitation,
        face: &TemplateOpening,
    ) -> (Vec<u8>, Vec<u8>) {
        let capture = self.capture(face);
        let context = invitation.answer.context.as_ref().unwrap();
        let message = enrolment_message(
            &invitation.context,
            &phone.holder(),
            &capture,
            &self.digest().0,
            &context.nonce.as_ref().try_into().unwrap(),
        );
        let signature = self.signing.sign(&message).to_bytes().to_vec();
        (capture.signed_fields(&self.digest().0), signature)
    }

    /// What travels with a face's proof, and its digest.
    pub(crate) fn probe(
        &self,
        phone: &Phone,
        context: &Context,
        enrolled: &TemplateOpening,
        face: &TemplateOpening,
        proof: bytes::Bytes,
    ) -> Piece {
        let capture = self.capture(face);
        let (key, template) = (phone.holder(), enrolled.commitment());
        let message = probe_message(context, &key, &capture, &self.digest().0, &template);
        let signature = self.signing.sign(&message).to_bytes();
        let mut piece = Piece::plain(7, proof);
        let attachment = [capture.signed_fields(&self.digest().0), signature.to_vec()].concat();
        piece.carried = Sha256::digest(&attachment).into();
        piece.part.attachment = attachment.into();
        piece
    }
}

/// A template with entries like those of an embedding; `again` is the same face another day.
pub(crate) fn face(seed: u64, again: bool) -> TemplateOpening {
    let entries: Vec<i8> = (0..=127_i8)
        .map(|at| (at % 17) - 8 + i8::from(again && at % 16 == 0))
        .collect();
    TemplateOpening::commit(&entries, &mut Dice(seed)).unwrap()
}

/// The phone's request to enrol what a sensor captured.
pub(crate) fn template(
    phone: &mut Phone,
    invitation: &Invitation,
    (capture, signature): (Vec<u8>, Vec<u8>),
) -> v1::EnrolTemplateRequest {
    v1::EnrolTemplateRequest {
        request_id: id(),
        tenant: TENANT.to_owned(),
        enrolment_id: invitation.id.clone(),
        token: invitation.token.clone(),
        suite: 1,
        capture: capture.into(),
        signature: signature.into(),
        possession: phone.session(&invitation.context).into(),
    }
}

/// Enrols a face through platform and phone.
pub(crate) async fn show(
    port: &Port,
    phone: &mut Phone,
    sensor: &Sensor,
    face: &TemplateOpening,
) -> Result<v1::EnrolTemplateResponse, Status> {
    let invitation = invite(port, phone, v1::EnrolmentKind::Template, 200).await?;
    let captured = sensor.enrol(phone, &invitation, face);
    let request = template(phone, &invitation, captured);
    let answer = PhoneClient::new(port.phone().await)
        .enrol_template(request)
        .await?;
    Ok(answer.into_inner())
}
