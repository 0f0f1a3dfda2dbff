//! A SOFTWARE sensor: assurance level 0, for tests and development.
//!
//! It has no camera. A "face" is a name from which a vector of small numbers is made, and a capture is
//! that vector with a little noise. Everything after that is real: the commitment, the signed message,
//! the certificate, the proof. The default policy asks for level 1 and refuses it.
//!
//! It signs level 0, whatever its certificate says; only [`SoftwareSensor::pretend`], named on the
//! command line as a test, signs the certificate's level. The cluster counts the lower of the two.
//!
//! | file | mode | content |
//! |---|---|---|
//! | `sensor.json` | 0644 | public key, model, dimensions, certificate fields |
//! | `sensor.key` | 0600 | Ed25519 private key, 32 bytes in hexadecimal |

mod face;

use std::fmt;
use std::path::Path;

use akashi_proof::{
    Assurance, Capture, CaptureResult, Context, DeviceKey, Dimensions, SIGNATURE_BYTES,
    SensorCertificate, SensorKey, Sighting, Suite, TemplateCommitment, TemplateOpening,
    enrolment_message, probe_message,
};
use ed25519_dalek::{Signer as _, SigningKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::entropy::{self, ProofRandom};
use crate::error::Error;
use crate::files::{self, Mode};
use crate::hexadecimal::{Hex, read_json, to_json};
use crate::layout::is_name;

pub use face::Face;

/// What `sensor.json` says: all of it is public, and all of it is in the certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Profile {
    /// The public key.
    pub key: Hex<32>,
    /// The model of its templates.
    pub model_id: String,
    /// n: 128, 256 or 512.
    pub dimensions: u16,
    /// The level that its certificate allows; 0 unless an operator registers it otherwise for a test.
    pub level: u8,
    /// First moment of the certificate, microseconds since 1970-01-01 UTC.
    pub not_before_us: u64,
    /// Last moment of the certificate.
    pub expires_us: u64,
}

impl Profile {
    /// Reads `sensor.json` of a sensor's directory; no secret is touched.
    ///
    /// # Errors
    ///
    /// [`Error::File`]; [`Error::Malformed`] names the field.
    pub fn read(directory: &Path) -> Result<Self, Error> {
        let path = directory.join("sensor.json");
        let profile: Self = read_json(&path)?;
        profile
            .check()
            .map_err(|what| Error::malformed(&path, what))?;
        Ok(profile)
    }

    /// Replaces `sensor.json`.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] names a bad field; [`Error::File`].
    pub fn write(&self, directory: &Path) -> Result<(), Error> {
        self.check().map_err(Error::usage)?;
        let path = directory.join("sensor.json");
        files::replace_private(&path, &to_json(self, &path)?)
    }

    fn check(&self) -> Result<(), &'static str> {
        if !is_name(&self.model_id) {
            return Err("modelId: 1 to 32 of a-z, 0-9 and - are needed");
        }
        if Dimensions::from_count(self.dimensions).is_none() {
            return Err("dimensions: 128, 256 or 512 is needed");
        }
        if Assurance::from_code(self.level).is_none() {
            return Err("level: 0, 1 or 2 is needed");
        }
        if self.expires_us <= self.not_before_us {
            return Err("expiresUs: a moment after notBeforeUs is needed");
        }
        SensorKey::from_bytes(&self.key.0)
            .map(drop)
            .map_err(|_bad| "key: not an Ed25519 public key")
    }

    /// The certificate that the operator registers.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] names the field that makes none.
    pub fn certificate(&self) -> Result<SensorCertificate, Error> {
        self.check().map_err(Error::usage)?;
        let key = SensorKey::from_bytes(&self.key.0)
            .map_err(|_bad| Error::usage("key: not an Ed25519 public key"))?;
        Ok(SensorCertificate {
            key,
            model_id: self.model_id.clone().into_bytes(),
            level: Assurance::from_code(self.level).unwrap_or(Assurance::Software),
            not_before_us: self.not_before_us,
            expires_us: self.expires_us,
        })
    }

    /// The certificate's digest in one log, for one tenant: how the cluster names it.
    ///
    /// # Errors
    ///
    /// As [`Profile::certificate`].
    pub fn certificate_digest(&self, origin: &str, tenant: &str) -> Result<[u8; 32], Error> {
        let certificate = self.certificate()?;
        Ok(certificate.digest(Suite::V1, origin.as_bytes(), tenant.as_bytes()))
    }
}

/// A software sensor with its key in memory.
pub struct SoftwareSensor {
    profile: Profile,
    key: SigningKey,
    signed_level: Assurance,
}

impl fmt::Debug for SoftwareSensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftwareSensor")
            .field("model_id", &self.profile.model_id)
            .field("signed_level", &self.signed_level)
            .finish_non_exhaustive()
    }
}

/// One signed capture, with what opens its commitment.
pub struct Captured {
    /// The template or probe and its blinding.
    pub opening: TemplateOpening,
    /// n.
    pub dimensions: Dimensions,
    /// The model.
    pub model_id: String,
    /// The level that was signed.
    pub level: Assurance,
    /// The result of detecting presentation attacks that was signed.
    pub result: CaptureResult,
    /// When it was captured, microseconds since 1970-01-01 UTC.
    pub captured_us: u64,
    /// The digest of the sensor's certificate.
    pub certificate: [u8; 32],
    /// The sensor's signature.
    pub signature: [u8; SIGNATURE_BYTES],
}

impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Captured")
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}

impl Captured {
    /// The signed fields.
    #[must_use]
    pub fn capture(&self) -> Capture<'_> {
        Capture {
            commitment: self.opening.commitment(),
            dimensions: self.dimensions,
            model_id: self.model_id.as_bytes(),
            level: self.level,
            result: self.result,
            captured_us: self.captured_us,
        }
    }
}

impl SoftwareSensor {
    /// Makes a sensor with a fresh key in a new directory. Its certificate fields say level 0.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] names a bad field; [`Error::Exists`]; [`Error::File`]; [`Error::Entropy`].
    pub fn create(
        directory: &Path,
        model_id: &str,
        dimensions: u16,
        (not_before_us, expires_us): (u64, u64),
    ) -> Result<Self, Error> {
        let seed = Zeroizing::new(entropy::random::<32>()?);
        let key = SigningKey::from_bytes(&seed);
        let profile = Profile {
            key: Hex(key.verifying_key().to_bytes()),
            model_id: model_id.to_owned(),
            dimensions,
            level: Assurance::Software.code(),
            not_before_us,
            expires_us,
        };
        profile.check().map_err(Error::usage)?;
        files::must_be_absent_or_empty(directory)?;
        files::private_directory(directory)?;
        let text = Zeroizing::new(hex::encode(seed.as_slice()));
        files::write_new(
            &directory.join("sensor.key"),
            text.as_bytes(),
            Mode::Private,
        )?;
        let path = directory.join("sensor.json");
        files::write_new(&path, &to_json(&profile, &path)?, Mode::Public)?;
        Ok(Self {
            profile,
            key,
            signed_level: Assurance::Software,
        })
    }

    /// Reads a sensor's directory.
    ///
    /// # Errors
    ///
    /// [`Error::File`]; [`Error::Malformed`], also if key and profile do not belong together.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let profile = Profile::read(directory)?;
        let path = directory.join("sensor.key");
        let key = SigningKey::from_bytes(&*files::read_secret(&path)?);
        if key.verifying_key().to_bytes() != profile.key.0 {
            return Err(Error::malformed(path, "not the key that sensor.json names"));
        }
        Ok(Self {
            profile,
            key,
            signed_level: Assurance::Software,
        })
    }

    /// FOR TESTS: signs the certificate's level from now on, although this is software.
    ///
    /// It counts only if an operator has registered a certificate of that level for this key.
    #[must_use]
    pub fn pretend(mut self) -> Self {
        self.signed_level = Assurance::from_code(self.profile.level).unwrap_or(Assurance::Software);
        self
    }

    /// What everybody may know of the sensor.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Captures the template of a face for an enrolment.
    ///
    /// # Errors
    ///
    /// [`Error::Entropy`]; [`Error::Proof`] once in 2²⁵² times.
    pub fn enrol(
        &self,
        context: &Context,
        key: &DeviceKey,
        face: &Face,
        server_nonce: &[u8; 32],
        now_us: u64,
    ) -> Result<Captured, Error> {
        let template = face.template(self.profile.dimensions);
        self.sign(context, &template, now_us, |capture, certificate| {
            enrolment_message(context, key, capture, certificate, server_nonce)
        })
    }

    /// Captures a face to be compared with an enrolled template.
    ///
    /// # Errors
    ///
    /// As [`SoftwareSensor::enrol`].
    pub fn probe(
        &self,
        context: &Context,
        key: &DeviceKey,
        face: &Face,
        enrolled: &TemplateCommitment,
        now_us: u64,
    ) -> Result<Captured, Error> {
        let noise = Zeroizing::new(entropy::random::<32>()?);
        let probe = face.probe(self.profile.dimensions, &noise);
        self.sign(context, &probe, now_us, |capture, certificate| {
            probe_message(context, key, capture, certificate, enrolled)
        })
    }

    /// Signs what it says of one sample of a working agent.
    #[must_use]
    pub fn sign_sighting(&self, sighting: &Sighting<'_>) -> [u8; SIGNATURE_BYTES] {
        self.key.sign(&sighting.message()).to_bytes()
    }

    fn sign(
        &self,
        context: &Context,
        vector: &[i8],
        now_us: u64,
        message: impl Fn(&Capture<'_>, &[u8; 32]) -> Vec<u8>,
    ) -> Result<Captured, Error> {
        let unfit = |_| Error::Proof {
            what: "commitment to a capture",
        };
        let opening = TemplateOpening::commit(vector, &mut ProofRandom::draw()?).map_err(unfit)?;
        let certificate =
            self.profile
                .certificate()?
                .digest(context.suite(), context.origin(), context.tenant());
        let mut captured = Captured {
            dimensions: opening.dimensions(),
            opening,
            model_id: self.profile.model_id.clone(),
            level: self.signed_level,
            // A simulator detects no attacks; a policy that accepts level 0 accepts its word for that.
            result: CaptureResult::Genuine,
            // Whoever knows the session knows that it has begun, whatever this machine's clock says.
            captured_us: now_us.max(context.not_before_us()),
            certificate,
            signature: [0; SIGNATURE_BYTES],
        };
        let message = message(&captured.capture(), &certificate);
        captured.signature = self.key.sign(&message).to_bytes();
        Ok(captured)
    }
}

#[cfg(test)]
mod tests;
