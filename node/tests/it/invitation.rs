//! Invitations, and what phones do with one for a device.

use akashi_proof::{Context, Purpose};
use akashi_proto::v1;
use sha2::{Digest as _, Sha256};
use tonic::Status;

use crate::calls::{PhoneClient, Platform, id};
use crate::paper::TENANT;
use crate::phone::{Bound, PIN, Phone};
use crate::port::Port;

/// An invitation, as its phone has it.
pub(crate) struct Invitation {
    pub(crate) id: bytes::Bytes,
    pub(crate) token: bytes::Bytes,
    pub(crate) answer: v1::GetEnrolmentResponse,
    /// What its proofs are bound to.
    pub(crate) context: Context,
}

/// Invites a phone; `number` tells its invitations apart.
pub(crate) async fn invite(
    port: &Port,
    phone: &Phone,
    kind: v1::EnrolmentKind,
    number: u8,
) -> Result<Invitation, Status> {
    let token = bytes::Bytes::from_static(&[9; 32]);
    let name = [phone.handle.as_bytes(), &[number, u8::from(phone.is_agent)]].concat();
    let id = bytes::Bytes::copy_from_slice(&Sha256::digest(name)[..16]);
    let (subject, agent) = if phone.is_agent {
        (String::new(), phone.handle.clone())
    } else {
        (phone.handle.clone(), String::new())
    };
    Platform::new(port.platform().await)
        .open_enrolment(v1::OpenEnrolmentRequest {
            request_id: self::id(),
            tenant: TENANT.to_owned(),
            subject,
            enrolment_id: id.clone(),
            token_hash: Sha256::digest(&token).to_vec().into(),
            subject_tag: bytes::Bytes::new(),
            kind: kind.into(),
            agent,
        })
        .await?;
    let answer = PhoneClient::new(port.phone().await)
        .get_enrolment(v1::GetEnrolmentRequest {
            tenant: TENANT.to_owned(),
            enrolment_id: id.clone(),
            token: token.clone(),
        })
        .await?
        .into_inner();
    let context = answer.context.clone().unwrap();
    let context = phone.context(&Bound {
        purpose: Purpose::Enrol,
        challenge_id: id.as_ref().try_into().unwrap(),
        nonce: context.nonce.as_ref().try_into().unwrap(),
        contact_id: &[],
        not_before_us: context.not_before_us,
        expires_us: context.expires_us,
        order_hash: [0; 32],
        policy_digest: [0; 32],
    });
    Ok(Invitation {
        id,
        token,
        answer,
        context,
    })
}

/// Enrols a phone through the platform and the phone's own calls.
pub(crate) async fn enrol(port: &Port, phone: &mut Phone) {
    let invitation = invite(port, phone, v1::EnrolmentKind::Device, 0)
        .await
        .unwrap();
    let answer = PhoneClient::new(port.phone().await)
        .complete_enrolment(v1::CompleteEnrolmentRequest {
            request_id: id(),
            tenant: TENANT.to_owned(),
            enrolment_id: invitation.id,
            token: invitation.token,
            device_key: phone.device_key().into(),
            pin_key: phone.pin_key().into(),
            proofs: phone.proofs(&invitation.context, PIN),
            suite: 1,
        })
        .await
        .unwrap()
        .into_inner();
    assert!(answer.enrolled, "reason {}", answer.reason);
}
