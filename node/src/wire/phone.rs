//! Requests of phones to commands, one function each.
//!
//! Nothing is decided here, and no proof is looked into: lengths and numbers only, each within its
//! limit before anything is copied.

use akashi_domain::command::{
    AnswerNotice, CompleteEnrolment, EnrolTemplate, FactorProof, NoticeAnswer, RegisterCredential,
    SubmitProof,
};
use akashi_domain::ids::{Digest, Serial};
use akashi_domain::limits::{
    CAPTURE_BYTES_MAX, CREDENTIAL_BYTES_MAX, PROOF_BYTES_MAX, SUBMISSION_PARTS_MAX,
};
use akashi_merkle::HeldReceipt;
use akashi_proto::v1;
use bytes::Bytes;
use prost::Message as _;

use super::policy::attribute;
use super::{Malformed, array, byte, challenge_id, enrolment_id, name};

/// Bytes that travel with a part: the most are a sealed payload, after the length of its key.
const ATTACHMENT_BYTES_MAX: usize = 65_538;

/// `CompleteEnrolment`.
///
/// # Errors
///
/// [`Malformed`].
pub fn complete_enrolment(
    request: v1::CompleteEnrolmentRequest,
) -> Result<CompleteEnrolment, Malformed> {
    Ok(CompleteEnrolment {
        tenant: name(request.tenant, "tenant")?,
        enrolment: enrolment_id(&request.enrolment_id)?,
        token: array(&request.token, "token")?,
        suite: byte(request.suite, "suite")?,
        device_key: array(&request.device_key, "device_key")?,
        pin_key: array(&request.pin_key, "pin_key")?,
        proofs: proofs(&request.proofs)?,
    })
}

/// `RegisterCredential`.
///
/// # Errors
///
/// [`Malformed`].
pub fn register_credential(
    request: v1::RegisterCredentialRequest,
) -> Result<RegisterCredential, Malformed> {
    Ok(RegisterCredential {
        tenant: name(request.tenant, "tenant")?,
        enrolment: enrolment_id(&request.enrolment_id)?,
        token: array(&request.token, "token")?,
        suite: byte(request.suite, "suite")?,
        body: up_to(CREDENTIAL_BYTES_MAX, &request.body, "body")?,
        signature: array(&request.signature, "signature")?,
        possession: up_to(PROOF_BYTES_MAX, &request.possession, "possession")?,
    })
}

/// `EnrolTemplate`.
///
/// # Errors
///
/// [`Malformed`].
pub fn enrol_template(request: v1::EnrolTemplateRequest) -> Result<EnrolTemplate, Malformed> {
    Ok(EnrolTemplate {
        tenant: name(request.tenant, "tenant")?,
        enrolment: enrolment_id(&request.enrolment_id)?,
        token: array(&request.token, "token")?,
        suite: byte(request.suite, "suite")?,
        capture: up_to(CAPTURE_BYTES_MAX, &request.capture, "capture")?,
        signature: array(&request.signature, "signature")?,
        possession: up_to(PROOF_BYTES_MAX, &request.possession, "possession")?,
    })
}

/// `SubmitProof`.
///
/// # Errors
///
/// [`Malformed`].
pub fn submit_proof(request: v1::SubmitProofRequest) -> Result<SubmitProof, Malformed> {
    Ok(SubmitProof {
        tenant: name(request.tenant, "tenant")?,
        challenge: challenge_id(&request.challenge_id)?,
        token: array(&request.submit_token, "submit_token")?,
        suite: byte(request.suite, "suite")?,
        proofs: proofs(&request.proofs)?,
        duress: request.duress,
    })
}

/// The digest of a submission as it was received, for a held receipt: SHA-256 over
/// `akashi/v1/submission`, a zero byte and the message in its canonical encoding.
#[must_use]
pub fn submission_digest(request: &v1::SubmitProofRequest) -> [u8; 32] {
    let mut bytes = b"akashi/v1/submission\0".to_vec();
    bytes.extend(request.encode_to_vec());
    Digest::of(&bytes).0
}

/// A held receipt.
#[must_use]
pub fn held(receipt: HeldReceipt) -> v1::HeldReceipt {
    v1::HeldReceipt {
        node: receipt.node,
        submission: receipt.held.submission.to_vec().into(),
        received_us: receipt.held.received_us,
        signature: receipt.signature.to_vec().into(),
    }
}

/// `AnswerNotice`.
///
/// # Errors
///
/// [`Malformed`].
pub fn answer_notice(request: v1::AnswerNoticeRequest) -> Result<AnswerNotice, Malformed> {
    let answer = match v1::NoticeAnswer::try_from(request.answer) {
        Ok(v1::NoticeAnswer::Opened) => NoticeAnswer::Opened,
        Ok(v1::NoticeAnswer::Decline) => NoticeAnswer::Decline,
        Ok(v1::NoticeAnswer::Report) => NoticeAnswer::Report,
        Ok(v1::NoticeAnswer::NotMe) => NoticeAnswer::NotMe,
        Ok(v1::NoticeAnswer::OptOut) => NoticeAnswer::OptOut,
        Ok(v1::NoticeAnswer::Unsupported) => NoticeAnswer::Unsupported,
        Ok(v1::NoticeAnswer::Later) => NoticeAnswer::Later,
        Ok(v1::NoticeAnswer::Unspecified) | Err(_) => return Err(Malformed { field: "answer" }),
    };
    Ok(AnswerNotice {
        tenant: name(request.tenant, "tenant")?,
        challenge: challenge_id(&request.challenge_id)?,
        token: array(&request.submit_token, "submit_token")?,
        answer,
    })
}

/// The parts of a submission. Order, kinds and slots are judged against the policy, later.
fn proofs(proofs: &[v1::FactorProof]) -> Result<Vec<FactorProof>, Malformed> {
    if proofs.is_empty() || proofs.len() > SUBMISSION_PARTS_MAX {
        return Err(Malformed { field: "proofs" });
    }
    proofs.iter().map(part).collect()
}

fn part(part: &v1::FactorProof) -> Result<FactorProof, Malformed> {
    Ok(FactorProof {
        kind: byte(part.kind, "proofs.kind")?,
        slot: byte(part.slot, "proofs.slot")?,
        serial: serial(&part.serial, "proofs.serial")?,
        second_serial: serial(&part.second_serial, "proofs.second_serial")?,
        attribute: attribute(part.attribute, "proofs.attribute")?,
        proof: up_to(PROOF_BYTES_MAX, &part.proof, "proofs.proof")?,
        attachment: up_to(ATTACHMENT_BYTES_MAX, &part.attachment, "proofs.attachment")?,
    })
}

/// A credential's serial; none is zeros. Zeros as such have another spelling, and one is enough.
fn serial(bytes: &[u8], field: &'static str) -> Result<Serial, Malformed> {
    if bytes.is_empty() {
        return Ok(Serial::ZERO);
    }
    super::id16(bytes, field).map(Serial)
}

fn up_to(bytes_max: usize, bytes: &Bytes, field: &'static str) -> Result<Vec<u8>, Malformed> {
    if bytes.len() > bytes_max {
        return Err(Malformed { field });
    }
    Ok(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use akashi_domain::limits::PAYLOAD_BYTES_MAX;

    use super::*;

    fn part() -> v1::FactorProof {
        v1::FactorProof {
            kind: 8,
            ..v1::FactorProof::default()
        }
    }

    #[test]
    fn the_largest_payload_passes_with_the_length_of_its_key_and_not_a_byte_more() {
        let most = usize::try_from(PAYLOAD_BYTES_MAX).unwrap() + 2;
        assert_eq!(most, ATTACHMENT_BYTES_MAX);
        for (bytes, fits) in [(most, true), (most + 1, false)] {
            let attachment = vec![0; bytes].into();
            let parsed = super::part(&v1::FactorProof {
                attachment,
                ..part()
            });
            assert_eq!(parsed.is_ok(), fits);
        }
    }

    #[test]
    fn the_digest_of_a_submission_is_the_one_that_phones_compute() {
        let request = v1::SubmitProofRequest {
            request_id: vec![1; 16].into(),
            tenant: "demo".to_owned(),
            challenge_id: vec![2; 16].into(),
            submit_token: vec![3; 32].into(),
            suite: 1,
            proofs: vec![v1::FactorProof {
                kind: 1,
                proof: vec![4; 64].into(),
                ..v1::FactorProof::default()
            }],
            ..v1::SubmitProofRequest::default()
        };
        // Pinned: `client/src/phone/held.rs` has the same value in its tests.
        let pinned = "1b9c96f96e735b65e10c80bcba0d1c4c023c6073c4e55be1c9557a4468fba003";
        let hexadecimal: String = submission_digest(&request)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hexadecimal, pinned);
    }

    #[test]
    fn a_submission_has_no_more_parts_than_a_policy_can_ask() {
        assert!(proofs(&vec![part(); SUBMISSION_PARTS_MAX]).is_ok());
        let malformed = Malformed { field: "proofs" };
        assert_eq!(
            proofs(&vec![part(); SUBMISSION_PARTS_MAX + 1]),
            Err(malformed)
        );
        assert_eq!(proofs(&[]), Err(malformed));
    }

    #[test]
    fn no_serial_has_one_spelling() {
        assert_eq!(serial(&[], "serial"), Ok(Serial::ZERO));
        assert_eq!(serial(&[7; 16], "serial"), Ok(Serial([7; 16])));
        for bytes in [&[0; 16][..], &[7; 15], &[7; 17]] {
            assert!(serial(bytes, "serial").is_err());
        }
    }
}
