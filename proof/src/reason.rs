//! The closed, numbered list of reasons for which a submission or a proof does not count.
//!
//! The numbers are recorded in the log and never change meaning. 1 to 25 are the published list of
//! suite 0x01; 26 to 99 are splits of entries that lumped several causes; 100 and above belong to
//! the domain, not to this crate. This crate itself returns 1, 7, 8, 13 to 24
//! and 26 to 30; the rest is here so that the list exists once.

use core::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// Why a submission or a proof does not count. See `docs/specification.md` §7 for the order of
        /// checks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// Every reason, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number recorded in the log.
            #[must_use]
            pub const fn code(self) -> u16 {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            /// The reason with this number.
            #[must_use]
            pub const fn from_code(code: u16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// What `Display` prints: lower case, no values.
            const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

reasons! {
    /// 1: the suite byte names no suite that this software knows.
    UnknownSuite = 1, "unknown suite";
    /// 2: no challenge with this id exists.
    UnknownChallenge = 2, "unknown challenge";
    /// 3: the entry's stamp lies before the challenge's `not_before_us`.
    NotYetValid = 3, "challenge is not yet valid";
    /// 4: the entry's stamp lies after the challenge's `expires_us`.
    Expired = 4, "challenge has expired";
    /// 5: the nonce is not the one that the log gave to this challenge.
    NonceMismatch = 5, "nonce does not match the challenge";
    /// 6: the challenge already has its verdict.
    AlreadyAnswered = 6, "challenge is already answered";
    /// 7: origin, group, epoch or tenant differ from the challenge's.
    ContextMismatch = 7, "context does not match the challenge";
    /// 8: the order differs from the one that the challenge asks to approve.
    OrderMismatch = 8, "order does not match the challenge";
    /// 9: the subject is not enrolled.
    SubjectUnknown = 9, "subject is unknown";
    /// 10: the device key was revoked.
    DeviceRevoked = 10, "device is revoked";
    /// 11: too many wrong PINs on this device key.
    PinLocked = 11, "pin is locked";
    /// 12: the suite is known but was not activated by a command in the log.
    SuiteNotActive = 12, "suite is not active";
    /// 13: the policy asks for a factor that the submission lacks.
    FactorMissing = 13, "a factor asked for by the policy is missing";
    /// 14: wrong length, count or parameter.
    Malformed = 14, "malformed";
    /// 15: a group element is not in its canonical encoding (RFC 9496 §4.3.1).
    NonCanonicalPoint = 15, "group element is not canonical";
    /// 16: a group element is the identity.
    IdentityPoint = 16, "group element is the identity";
    /// 17: the proof's equation does not hold. The record names the factor beside it.
    EquationFailed = 17, "equation does not hold";
    /// 18: the credential's issuer is not known to the tenant.
    IssuerUnknown = 18, "issuer is unknown";
    /// 19: the credential has expired.
    CredentialExpired = 19, "credential has expired";
    /// 20: an issuer's, sensor's or hardware key's signature does not hold.
    SignatureInvalid = 20, "signature is invalid";
    /// 21: the sensor is not known to the tenant.
    SensorUnknown = 21, "sensor is unknown";
    /// 22: the probe was captured before the challenge or too long ago.
    ProbeStale = 22, "probe is stale";
    /// 23: probe and enrolment come from different models or dimensions.
    ModelMismatch = 23, "model does not match the enrolment";
    /// 24: the sensor's assurance level is below the policy's.
    AssuranceTooLow = 24, "assurance level is too low";
    /// 25: the sealed payload is not the one that the proof covers.
    PayloadDigestMismatch = 25, "payload digest does not match";
    /// 26: a scalar is not reduced modulo the group order (split from 15).
    NonCanonicalScalar = 26, "scalar is not canonical";
    /// 27: the credential's issuer key was revoked (split from 18).
    IssuerRevoked = 27, "issuer is revoked";
    /// 28: the credential was revoked (split from 19).
    CredentialRevoked = 28, "credential is revoked";
    /// 29: the sensor's key, certificate or model was revoked (split from 21).
    SensorRevoked = 29, "sensor is revoked";
    /// 30: the proof was made for another purpose (split from 7).
    PurposeMismatch = 30, "purpose does not match the challenge";
    /// 31: the proof was made for another contact (split from 7).
    ContactMismatch = 31, "contact does not match the challenge";
    /// 32: the policy pinned by the challenge is another one (split from 7).
    PolicyMismatch = 32, "policy does not match the challenge";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for Reason {}
