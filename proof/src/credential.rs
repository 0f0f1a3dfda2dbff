//! Credentials: what an issuer says about a holder's hidden attributes.
//!
//! An issuer signs commitments once. The signature is checked once, at registration; presentations
//! then prove predicates on the registered commitments and cost no signature. The issuer knows the
//! values, so a presentation counts only together with a valid possession of the holder's key.
//!
//! Body: suite u8 ‖ lv(origin) ‖ lv(tenant) ‖ issuer key id \[32\] ‖ lv(issuer) ‖ lv(schema) ‖ schema
//! version u16 ‖ subject \[32\] ‖ P \[32\] ‖ serial \[16\] ‖ not before u64 ‖ expires u64 ‖ m u8 ‖ C₁ … C_m.
//! The issuer signs "akashi/v1/credential" ‖ body and thereby promises 0 ≤ vᵢ < 2⁶³.

#![expect(clippy::doc_markdown, reason = "formulas have subscripts")]

use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest, Sha256};

use crate::{
    Commitment, Context, DeviceKey, IssuerKey, Purpose, Reason, SIGNATURE_BYTES, Suite,
    context::is_name, encode,
};

/// Most attributes of one credential; the count is one byte and no schema needs more.
pub const ATTRIBUTES_MAX: usize = 32;

/// First bytes of what an issuer signs.
const LABEL: &[u8] = b"akashi/v1/credential";

/// The fields of a [`Credential`], all of them mandatory.
#[derive(Clone, Copy, Debug)]
pub struct CredentialFields<'a> {
    /// The rules under which presentations are checked.
    pub suite: Suite,
    /// The origin of the log that it is registered in; 1 to 255 bytes.
    pub origin: &'a [u8],
    /// The tenant; 1 to 255 bytes.
    pub tenant: &'a [u8],
    /// [`IssuerKey::id`] of the signing key.
    pub issuer_key_id: [u8; 32],
    /// The issuer's name; 1 to 255 bytes.
    pub issuer: &'a [u8],
    /// The schema, which says what each attribute means; 1 to 255 bytes.
    pub schema: &'a [u8],
    /// Its version.
    pub schema_version: u16,
    /// The subject's pseudonymous id within the tenant.
    pub subject: [u8; 32],
    /// P of the holder's device, whose possession was proved to the issuer.
    pub holder: DeviceKey,
    /// Unique under the issuer key.
    pub serial: [u8; 16],
    /// First moment of validity, microseconds since the Unix epoch.
    pub not_before_us: u64,
    /// Last moment of validity, microseconds since the Unix epoch; after `not_before_us`.
    pub expires_us: u64,
    /// C₁ … C_m; 1 to [`ATTRIBUTES_MAX`].
    pub attributes: &'a [Commitment],
}

/// Why fields make no credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialError {
    /// Origin, tenant, issuer or schema is empty or longer than 255 bytes.
    Name,
    /// `expires_us` is not after `not_before_us`.
    Validity,
    /// There is no attribute, or more than [`ATTRIBUTES_MAX`].
    Attributes,
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "origin, tenant, issuer and schema must have 1 to 255 bytes",
            Self::Validity => "expires_us must be after not_before_us",
            Self::Attributes => "a credential has 1 to 32 attributes",
        })
    }
}

impl core::error::Error for CredentialError {}

/// A credential in its canonical bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    suite: Suite,
    origin: Vec<u8>,
    tenant: Vec<u8>,
    issuer_key_id: [u8; 32],
    issuer: Vec<u8>,
    schema: Vec<u8>,
    schema_version: u16,
    subject: [u8; 32],
    holder: DeviceKey,
    serial: [u8; 16],
    not_before_us: u64,
    expires_us: u64,
    attributes: Vec<Commitment>,
}

impl Credential {
    /// Checks the fields.
    ///
    /// # Errors
    /// [`CredentialError`] names the first field that is wrong, in the order of its variants.
    pub fn new(fields: CredentialFields<'_>) -> Result<Self, CredentialError> {
        let CredentialFields {
            suite,
            origin,
            tenant,
            issuer_key_id,
            issuer,
            schema,
            schema_version,
            subject,
            holder,
            serial,
            not_before_us,
            expires_us,
            attributes,
        } = fields;
        if ![origin, tenant, issuer, schema].into_iter().all(is_name) {
            return Err(CredentialError::Name);
        }
        if expires_us <= not_before_us {
            return Err(CredentialError::Validity);
        }
        if attributes.is_empty() || attributes.len() > ATTRIBUTES_MAX {
            return Err(CredentialError::Attributes);
        }
        Ok(Self {
            suite,
            origin: origin.into(),
            tenant: tenant.into(),
            issuer_key_id,
            issuer: issuer.into(),
            schema: schema.into(),
            schema_version,
            subject,
            holder,
            serial,
            not_before_us,
            expires_us,
            attributes: attributes.into(),
        })
    }

    /// Reads a body: the inverse of [`body`](Self::body) and of nothing else.
    ///
    /// # Errors
    /// [`Reason::UnknownSuite`]; [`Reason::Malformed`] for other lengths and fields;
    /// [`Reason::NonCanonicalPoint`] or [`Reason::IdentityPoint`] for P and every C.
    pub fn parse(body: &[u8]) -> Result<Self, Reason> {
        let rest = &mut &*body;
        let [suite] = take(rest)?;
        let suite = Suite::from_code(suite).ok_or(Reason::UnknownSuite)?;
        let (origin, tenant) = (take_lv(rest)?, take_lv(rest)?);
        let issuer_key_id = take(rest)?;
        let (issuer, schema) = (take_lv(rest)?, take_lv(rest)?);
        let schema_version = u16::from_le_bytes(take(rest)?);
        let subject = take(rest)?;
        let holder = DeviceKey::from_bytes(&take(rest)?)?;
        let serial = take(rest)?;
        let not_before_us = u64::from_le_bytes(take(rest)?);
        let expires_us = u64::from_le_bytes(take(rest)?);
        let [count] = take(rest)?;
        if rest.len() != 32 * usize::from(count) {
            return Err(Reason::Malformed);
        }
        let attributes = (0..count)
            .map(|_| Commitment::from_bytes(&take(rest)?))
            .collect::<Result<Vec<_>, _>>()?;
        Self::new(CredentialFields {
            suite,
            origin,
            tenant,
            issuer_key_id,
            issuer,
            schema,
            schema_version,
            subject,
            holder,
            serial,
            not_before_us,
            expires_us,
            attributes: &attributes,
        })
        .ok()
        .ok_or(Reason::Malformed)
    }

    /// The canonical bytes.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let mut body = Vec::from([self.suite.code()]);
        encode::put_lv(&mut body, &self.origin);
        encode::put_lv(&mut body, &self.tenant);
        body.extend_from_slice(&self.issuer_key_id);
        encode::put_lv(&mut body, &self.issuer);
        encode::put_lv(&mut body, &self.schema);
        body.extend_from_slice(&self.schema_version.to_le_bytes());
        body.extend_from_slice(&self.subject);
        body.extend_from_slice(&self.holder.to_bytes());
        body.extend_from_slice(&self.serial);
        body.extend_from_slice(&self.not_before_us.to_le_bytes());
        body.extend_from_slice(&self.expires_us.to_le_bytes());
        // There are at most 32 attributes.
        body.push(u8::try_from(self.attributes.len()).unwrap_or(u8::MAX));
        for attribute in &self.attributes {
            body.extend_from_slice(&attribute.to_bytes());
        }
        body
    }

    /// What the issuer signs.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        [LABEL, &self.body()].concat()
    }

    /// SHA-256 of [`message`](Self::message): what replicated state keeps of a registration.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.message()).into()
    }

    /// P.
    #[must_use]
    pub const fn holder(&self) -> DeviceKey {
        self.holder
    }

    /// The serial, as it stands in a [`Part`](crate::Part).
    #[must_use]
    pub const fn serial(&self) -> [u8; 16] {
        self.serial
    }

    /// The id of the key that signed it.
    #[must_use]
    pub const fn issuer_key_id(&self) -> [u8; 32] {
        self.issuer_key_id
    }

    /// The issuer's name, as the issuer says it.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    /// The schema.
    #[must_use]
    pub fn schema(&self) -> &[u8] {
        &self.schema
    }

    /// The schema's version.
    #[must_use]
    pub const fn schema_version(&self) -> u16 {
        self.schema_version
    }

    /// Last moment of validity, microseconds since the Unix epoch.
    #[must_use]
    pub const fn expires_us(&self) -> u64 {
        self.expires_us
    }

    /// C₁ … C_m, counted from 0.
    #[must_use]
    pub fn attributes(&self) -> &[Commitment] {
        &self.attributes
    }

    /// Whether the credential belongs to the log, tenant, subject and suite of `context`.
    fn belongs(&self, context: &Context) -> Result<(), Reason> {
        let same = self.suite == context.suite()
            && self.origin == context.origin()
            && self.tenant == context.tenant()
            && self.subject == *context.subject();
        if same {
            Ok(())
        } else {
            Err(Reason::ContextMismatch)
        }
    }

    /// Whether `possessed` is the holder's key.
    fn held_by(&self, possessed: Option<&DeviceKey>) -> Result<(), Reason> {
        if possessed == Some(&self.holder) {
            Ok(())
        } else {
            Err(Reason::FactorMissing)
        }
    }

    fn valid_at(&self, stamp_us: u64) -> Result<(), Reason> {
        if (self.not_before_us..=self.expires_us).contains(&stamp_us) {
            Ok(())
        } else {
            Err(Reason::CredentialExpired)
        }
    }
}

/// What applied state knows of an issuer's key.
#[derive(Clone, Copy, Debug)]
pub struct IssuerStanding {
    /// The key, registered by a command in the log.
    pub key: IssuerKey,
    /// Credentials registered at or after this moment are dead; `None` while the key is good.
    pub revoked_from_us: Option<u64>,
}

/// Whether a credential may be registered, at the stamp of the entry that asks for it.
///
/// `possessed` is the key of a possession proof that holds in the same submission.
///
/// # Errors
/// The first of: 30 (the context is not for an enrolment), 7, 13 (no possession of P), 18 (no such
/// key), 27, 20, 19.
pub fn accept_registration(
    context: &Context,
    credential: &Credential,
    signature: &[u8; SIGNATURE_BYTES],
    issuer: Option<&IssuerStanding>,
    possessed: Option<&DeviceKey>,
    stamp_us: u64,
) -> Result<(), Reason> {
    if context.purpose() != Purpose::Enrol {
        return Err(Reason::PurposeMismatch);
    }
    credential.belongs(context)?;
    credential.held_by(possessed)?;
    let issuer = issuer
        .filter(|issuer| issuer.key.id() == credential.issuer_key_id)
        .ok_or(Reason::IssuerUnknown)?;
    if issuer.revoked_from_us.is_some_and(|from| from <= stamp_us) {
        return Err(Reason::IssuerRevoked);
    }
    issuer.key.verify(&credential.message(), signature)?;
    credential.valid_at(stamp_us)
}

/// What applied state knows of a registered credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// When it was registered.
    pub registered_us: u64,
    /// Whether it was revoked.
    pub revoked: bool,
    /// `revoked_from_us` of its issuer's key.
    pub issuer_revoked_from_us: Option<u64>,
}

/// The commitment to one attribute, if it may be presented at this stamp.
///
/// `possessed` is the key of a possession proof that holds in the same submission; without it, the
/// issuer could present what it issued.
///
/// # Errors
/// The first of: 30 (no factor is shown under the context's purpose), 7, 13 (no possession of P), 27,
/// 28, 19, 14 (no such attribute).
pub fn present(
    context: &Context,
    credential: &Credential,
    standing: Standing,
    possessed: Option<&DeviceKey>,
    attribute: u16,
    stamp_us: u64,
) -> Result<Commitment, Reason> {
    if !context.purpose().shows_factors() {
        return Err(Reason::PurposeMismatch);
    }
    credential.belongs(context)?;
    credential.held_by(possessed)?;
    if standing
        .issuer_revoked_from_us
        .is_some_and(|from| from <= standing.registered_us)
    {
        return Err(Reason::IssuerRevoked);
    }
    if standing.revoked {
        return Err(Reason::CredentialRevoked);
    }
    credential.valid_at(stamp_us)?;
    credential
        .attributes
        .get(usize::from(attribute))
        .copied()
        .ok_or(Reason::Malformed)
}

pub(crate) fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Reason> {
    let (taken, left) = rest.split_first_chunk().ok_or(Reason::Malformed)?;
    *rest = left;
    Ok(*taken)
}

pub(crate) fn take_lv<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Reason> {
    let length = u16::from_le_bytes(take(rest)?);
    let (taken, left) = rest
        .split_at_checked(usize::from(length))
        .ok_or(Reason::Malformed)?;
    *rest = left;
    Ok(taken)
}
