//! Sensors: whose word a template commitment is, and how far it can be trusted.
//!
//! A proximity proof says nothing about a face unless a registered sensor signed both commitments:
//! the signature is what bounds the entries of the hidden vectors. This file makes the messages and
//! is the only way from a probe to a statement. It must never make a statement of a commitment whose
//! signature it did not check.
//!
//! Message: label ‖ suite u8 ‖ lv(origin) ‖ lv(tenant) ‖ subject \[32\] ‖ P \[32\] ‖ sid \[32\] ‖ C \[32\] ‖
//! n u16 ‖ lv(model id) ‖ level u8 ‖ capture result u8 ‖ certificate digest \[32\] ‖ captured u64, then
//! the server nonce \[32\] for an enrolment, SHA-256(C_t) \[32\] for a probe. sid is that of kind 7 under
//! the context of the enrolment or of the challenge, so a capture is worth nothing anywhere else.

#![expect(clippy::doc_markdown, reason = "formulas have subscripts")]

use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use crate::{
    Context, DeviceKey, Dimensions, Kind, Proximity, Purpose, Reason, SIGNATURE_BYTES, SensorKey,
    Suite, TemplateCommitment,
    credential::{take, take_lv},
    encode,
};

/// How far a capture can be trusted. Each level promises what those below it promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assurance {
    /// 0: a software simulator, for tests and development; refused by the default policy.
    Software,
    /// 1: an app attested by the phone's system, with its key in hardware.
    Attested,
    /// 2: a secure sensor, or a trusted execution environment that reads it.
    Secure,
}

impl Assurance {
    /// The byte in the message.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Software => 0,
            Self::Attested => 1,
            Self::Secure => 2,
        }
    }

    /// The level with this byte.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Software),
            1 => Some(Self::Attested),
            2 => Some(Self::Secure),
            _ => None,
        }
    }
}

/// What the sensor's detection of presentation attacks (masks, pictures, screens) came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaptureResult {
    /// 0: the sensor has no such detection.
    NotTested,
    /// 1: nothing was detected.
    Genuine,
    /// 2: an attack was detected.
    Attack,
}

impl CaptureResult {
    /// The byte in the message.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::NotTested => 0,
            Self::Genuine => 1,
            Self::Attack => 2,
        }
    }

    /// The result with this byte.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::NotTested),
            1 => Some(Self::Genuine),
            2 => Some(Self::Attack),
            _ => None,
        }
    }
}

/// What a tenant registered about a sensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SensorCertificate {
    /// The key that signs captures.
    pub key: SensorKey,
    /// The model of templates that it makes; two models' templates are not comparable.
    pub model_id: Vec<u8>,
    /// The highest level that its captures can have.
    pub level: Assurance,
    /// First moment of validity, microseconds since the Unix epoch.
    pub not_before_us: u64,
    /// Last moment of validity, microseconds since the Unix epoch; short, so that a stolen key dies.
    pub expires_us: u64,
}

impl SensorCertificate {
    /// SHA-256("akashi/v1/sensor" ‖ suite u8 ‖ lv(origin) ‖ lv(tenant) ‖ key \[32\] ‖ lv(model id) ‖ level
    /// u8 ‖ not before u64 ‖ expires u64).
    #[must_use]
    pub fn digest(&self, suite: Suite, origin: &[u8], tenant: &[u8]) -> [u8; 32] {
        let mut bytes = Vec::from(b"akashi/v1/sensor".as_slice());
        bytes.push(suite.code());
        encode::put_lv(&mut bytes, origin);
        encode::put_lv(&mut bytes, tenant);
        bytes.extend_from_slice(&self.key.to_bytes());
        encode::put_lv(&mut bytes, &self.model_id);
        bytes.push(self.level.code());
        bytes.extend_from_slice(&self.not_before_us.to_le_bytes());
        bytes.extend_from_slice(&self.expires_us.to_le_bytes());
        Sha256::digest(&bytes).into()
    }
}

/// What applied state knows of a sensor.
#[derive(Clone, Copy, Debug)]
pub struct SensorStanding<'a> {
    /// The registered certificate.
    pub certificate: &'a SensorCertificate,
    /// Whether its key, its certificate or its model was revoked.
    pub revoked: bool,
}

/// What a sensor says of one capture, as it was sent.
#[derive(Clone, Copy, Debug)]
pub struct Capture<'a> {
    /// C_t or C_p.
    pub commitment: TemplateCommitment,
    /// n.
    pub dimensions: Dimensions,
    /// The model of the template.
    pub model_id: &'a [u8],
    /// The level that the sensor claims; its certificate bounds it.
    pub level: Assurance,
    /// What detection of presentation attacks came to.
    pub result: CaptureResult,
    /// When it was captured, microseconds since the Unix epoch.
    pub captured_us: u64,
}

impl<'a> Capture<'a> {
    /// The fields that the sensor signs, as they travel: C \[32\] ‖ n u16 ‖ lv(model id) ‖ level u8 ‖ capture
    /// result u8 ‖ certificate digest \[32\] ‖ captured u64. The same run of bytes stands in the message.
    #[must_use]
    pub fn signed_fields(&self, certificate_digest: &[u8; 32]) -> Vec<u8> {
        let mut bytes = Vec::from(self.commitment.to_bytes());
        bytes.extend_from_slice(&self.dimensions.count().to_le_bytes());
        encode::put_lv(&mut bytes, self.model_id);
        bytes.push(self.level.code());
        bytes.push(self.result.code());
        bytes.extend_from_slice(certificate_digest);
        bytes.extend_from_slice(&self.captured_us.to_le_bytes());
        bytes
    }

    /// Reads [`signed_fields`](Self::signed_fields) and nothing else: the capture, and the digest of the certificate
    /// that it names.
    ///
    /// # Errors
    /// [`Reason::NonCanonicalPoint`] or [`Reason::IdentityPoint`] for C; [`Reason::Malformed`] for
    /// other lengths and codes.
    pub fn parse(bytes: &'a [u8]) -> Result<(Self, [u8; 32]), Reason> {
        let rest = &mut &*bytes;
        let commitment = TemplateCommitment::from_bytes(&take(rest)?)?;
        let count = u16::from_le_bytes(take(rest)?);
        let model_id = take_lv(rest)?;
        let ([level], [result]) = (take(rest)?, take(rest)?);
        let certificate_digest = take(rest)?;
        let captured_us = u64::from_le_bytes(take(rest)?);
        if !rest.is_empty() {
            return Err(Reason::Malformed);
        }
        let capture = Self {
            commitment,
            dimensions: Dimensions::from_count(count).ok_or(Reason::Malformed)?,
            model_id,
            level: Assurance::from_code(level).ok_or(Reason::Malformed)?,
            result: CaptureResult::from_code(result).ok_or(Reason::Malformed)?,
            captured_us,
        };
        Ok((capture, certificate_digest))
    }
}

/// What the tenant asks of captures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SensorPolicy {
    /// The lowest level that counts.
    pub level_min: Assurance,
    /// The longest time between capture and the entry's stamp, in microseconds.
    pub age_max_us: u64,
}

impl Default for SensorPolicy {
    /// No simulators, and a minute: the time of a notice.
    fn default() -> Self {
        Self {
            level_min: Assurance::Attested,
            age_max_us: 60_000_000,
        }
    }
}

/// The enrolled template, as applied state keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// P of the device that it belongs to.
    pub key: DeviceKey,
    /// C_t.
    pub commitment: TemplateCommitment,
    /// n.
    pub dimensions: Dimensions,
    /// The model that made it.
    pub model_id: Vec<u8>,
    /// The level of its capture: the lower of the signed and the certified. A probe never counts for
    /// more, because the proof is sound only as far as both commitments are a sensor's.
    pub level: Assurance,
}

/// What a sensor signs for an enrolment; `certificate_digest` is of its own certificate.
#[must_use]
pub fn enrolment_message(
    context: &Context,
    key: &DeviceKey,
    capture: &Capture<'_>,
    certificate_digest: &[u8; 32],
    server_nonce: &[u8; 32],
) -> Vec<u8> {
    let mut bytes = message(
        b"akashi/v1/enrol",
        context,
        key,
        capture,
        certificate_digest,
    );
    bytes.extend_from_slice(server_nonce);
    bytes
}

/// What a sensor signs for a probe against the enrolled `C_t`.
#[must_use]
pub fn probe_message(
    context: &Context,
    key: &DeviceKey,
    capture: &Capture<'_>,
    certificate_digest: &[u8; 32],
    enrolled: &TemplateCommitment,
) -> Vec<u8> {
    let mut bytes = message(
        b"akashi/v1/probe",
        context,
        key,
        capture,
        certificate_digest,
    );
    bytes.extend_from_slice(&Sha256::digest(enrolled.to_bytes()));
    bytes
}

/// Whether a template may be enrolled.
///
/// # Errors
/// The first of: 30 (the context is not for an enrolment), 21, 29, 20, 22, 23, 24.
pub fn accept_enrolment(
    context: &Context,
    key: DeviceKey,
    capture: &Capture<'_>,
    signature: &[u8; SIGNATURE_BYTES],
    server_nonce: &[u8; 32],
    sensor: Option<SensorStanding<'_>>,
    (policy, stamp_us): (SensorPolicy, u64),
) -> Result<Enrolled, Reason> {
    if context.purpose() != Purpose::Enrol {
        return Err(Reason::PurposeMismatch);
    }
    let itself = (capture.model_id, capture.dimensions, capture.level);
    let said = |digest: &[u8; 32]| enrolment_message(context, &key, capture, digest, server_nonce);
    let level = accept(
        context,
        capture,
        itself,
        signature,
        sensor,
        (policy, stamp_us),
        said,
    )?;
    Ok(Enrolled {
        key,
        commitment: capture.commitment,
        dimensions: capture.dimensions,
        model_id: capture.model_id.into(),
        level,
    })
}

/// The statement that a probe is within `tau` of the enrolled template, if the probe counts.
///
/// # Errors
/// The first of: 30 (no factor is shown under the context's purpose), 21, 29, 20, 22, 23, 24, 14 (τ
/// too large).
pub fn accept_probe(
    context: &Context,
    tau: u32,
    enrolled: &Enrolled,
    capture: &Capture<'_>,
    signature: &[u8; SIGNATURE_BYTES],
    sensor: Option<SensorStanding<'_>>,
    (policy, stamp_us): (SensorPolicy, u64),
) -> Result<Proximity, Reason> {
    if !context.purpose().shows_factors() {
        return Err(Reason::PurposeMismatch);
    }
    let template = (
        enrolled.model_id.as_slice(),
        enrolled.dimensions,
        enrolled.level,
    );
    let said = |digest: &[u8; 32]| {
        probe_message(
            context,
            &enrolled.key,
            capture,
            digest,
            &enrolled.commitment,
        )
    };
    accept(
        context,
        capture,
        template,
        signature,
        sensor,
        (policy, stamp_us),
        said,
    )?;
    Proximity::new(
        capture.dimensions,
        tau,
        enrolled.commitment,
        capture.commitment,
    )
}

/// The checks that enrolments and probes share, in their fixed order; the level that is left.
fn accept(
    context: &Context,
    capture: &Capture<'_>,
    (model_id, dimensions, level): (&[u8], Dimensions, Assurance),
    signature: &[u8; SIGNATURE_BYTES],
    sensor: Option<SensorStanding<'_>>,
    (policy, stamp_us): (SensorPolicy, u64),
    said: impl Fn(&[u8; 32]) -> Vec<u8>,
) -> Result<Assurance, Reason> {
    let SensorStanding {
        certificate,
        revoked,
    } = sensor.ok_or(Reason::SensorUnknown)?;
    let valid = certificate.not_before_us..=certificate.expires_us;
    if revoked || !valid.contains(&stamp_us) {
        return Err(Reason::SensorRevoked);
    }
    let digest = certificate.digest(context.suite(), context.origin(), context.tenant());
    certificate.key.verify(&said(&digest), signature)?;
    // Captured once the session was known, not after the entry, and not too long before it.
    let age_us = stamp_us.checked_sub(capture.captured_us);
    if capture.captured_us < context.not_before_us()
        || age_us.is_none_or(|age_us| age_us > policy.age_max_us)
    {
        return Err(Reason::ProbeStale);
    }
    let comparable = (capture.model_id, capture.dimensions) == (model_id, dimensions);
    if !comparable || capture.model_id != certificate.model_id {
        return Err(Reason::ModelMismatch);
    }
    let level = capture.level.min(certificate.level).min(level);
    if level < policy.level_min || capture.result != CaptureResult::Genuine {
        return Err(Reason::AssuranceTooLow);
    }
    Ok(level)
}

/// What enrolments and probes have in common.
fn message(
    label: &[u8],
    context: &Context,
    key: &DeviceKey,
    capture: &Capture<'_>,
    certificate_digest: &[u8; 32],
) -> Vec<u8> {
    let mut bytes = Vec::from(label);
    bytes.push(context.suite().code());
    encode::put_lv(&mut bytes, context.origin());
    encode::put_lv(&mut bytes, context.tenant());
    bytes.extend_from_slice(context.subject());
    bytes.extend_from_slice(&key.to_bytes());
    bytes.extend_from_slice(&context.session_id(Kind::Proximity));
    bytes.extend_from_slice(&capture.signed_fields(certificate_digest));
    bytes
}
