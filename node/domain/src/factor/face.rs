//! Face: a capture of the enrolled face, as a registered sensor signed it (proof kind 7).
//!
//! What travels with the proof is the run of fields that the sensor signed, and the signature. Whether the
//! sensor is known and its word counts is for [`crate::decide`]; no statement is judged before that.

use akashi_proof::{AnyStatement, Capture, Proximity, SIGNATURE_BYTES};

use super::MISPLACED;
use crate::answer::Rejection;
use crate::ids::Digest;
use crate::limits::CAPTURE_BYTES_MAX;
use crate::policy::FaceRule;

/// A capture with the certificate that it names and the signature under it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attested<'a> {
    pub(crate) capture: Capture<'a>,
    pub(crate) certificate: Digest,
    pub(crate) signature: &'a [u8; SIGNATURE_BYTES],
}

impl<'a> Attested<'a> {
    /// Reads the fields and, as the last 64 bytes, the signature.
    pub(crate) fn parse(attachment: &'a [u8]) -> Option<Self> {
        let (fields, signature) = attachment.split_last_chunk()?;
        Self::of(fields, signature)
    }

    /// Reads the fields.
    pub(crate) fn of(fields: &'a [u8], signature: &'a [u8; SIGNATURE_BYTES]) -> Option<Self> {
        if fields.len() > CAPTURE_BYTES_MAX {
            return None;
        }
        let (capture, certificate) = Capture::parse(fields).ok()?;
        Some(Self {
            capture,
            certificate: Digest(certificate),
            signature,
        })
    }
}

/// A statement of the same form as the one that will be judged.
pub(super) fn shape(rule: &FaceRule, attested: &Attested<'_>) -> Result<AnyStatement, Rejection> {
    let size = rule.size().ok_or(MISPLACED)?;
    let probe = attested.capture.commitment;
    Proximity::new(size, rule.tau, probe, probe)
        .map(Into::into)
        .map_err(|_not_a_statement| MISPLACED)
}
