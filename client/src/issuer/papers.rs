//! The papers that issuer and holder exchange: offer, request, credential.
//!
//! | paper | from | holds |
//! |---|---|---|
//! | offer | issuer | who issues what, and a nonce that is used once |
//! | request | holder | P, a blinding for each attribute, a possession proof over both |
//! | credential | issuer | values, serial, validity, signature |
//!
//! Blindings travel once, to the issuer; they never come back. A holder rebuilds the credential from
//! what it knows, so that nothing in the issuer's paper has to be believed.

use std::path::Path;

use akashi_proof::{
    Commitment, Context, ContextFields, Credential, CredentialFields, DeviceKey, IssuerKey,
    Opening, Purpose, SIGNATURE_BYTES, Suite,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::schema::Schema;
use crate::error::Error;
use crate::files::{self, Mode};
use crate::hexadecimal::{Hex, Secret, read_json, to_json};
use crate::layout::is_name;

/// An issuer's offer: what it would issue to whoever answers with this nonce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Offer {
    /// Its id; the challenge id of the holder's proof.
    pub offer_id: Hex<16>,
    /// Its nonce; used once.
    pub nonce: Hex<32>,
    /// The issuer's name.
    pub issuer: String,
    /// The issuer's public key.
    pub issuer_key: Hex<32>,
    /// The log in which the credential will be registered.
    pub origin: String,
    /// The tenant.
    pub tenant: String,
    /// What the attributes mean.
    pub schema: Schema,
    /// First moment of the offer, microseconds since 1970-01-01 UTC by the issuer's clock.
    pub not_before_us: u64,
    /// Last moment of the offer.
    pub expires_us: u64,
}

/// A holder's answer to an offer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Request {
    /// The offer.
    pub offer_id: Hex<16>,
    /// The subject's pseudonym; whose it is, issuer and holder settle by their own means.
    pub subject_hash: Hex<32>,
    /// P.
    pub holder: Hex<32>,
    /// A blinding for each attribute of the schema.
    pub blindings: Vec<Secret>,
    /// Possession of P, over the offer and the blindings.
    pub possession: Hex<64>,
}

/// An issued credential as the holder gets it. Its values are the holder's alone to read.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Issued {
    /// The offer that it answers.
    pub offer_id: Hex<16>,
    /// Unique under the issuer's key.
    pub serial: Hex<16>,
    /// First moment of validity, microseconds since 1970-01-01 UTC.
    pub not_before_us: u64,
    /// Last moment of validity.
    pub expires_us: u64,
    /// One value for each attribute.
    pub values: Vec<u64>,
    /// The issuer's signature.
    pub signature: Hex<SIGNATURE_BYTES>,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued")
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

impl Drop for Issued {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.values);
    }
}

impl Offer {
    /// Reads an offer.
    ///
    /// # Errors
    ///
    /// [`Error::File`]; [`Error::Malformed`] names the field.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let offer: Self = read_json(path)?;
        offer.check().map_err(|what| Error::malformed(path, what))?;
        Ok(offer)
    }

    fn check(&self) -> Result<(), &'static str> {
        if !is_name(&self.issuer) {
            return Err("issuer: 1 to 32 of a-z, 0-9 and - are needed");
        }
        if IssuerKey::from_bytes(&self.issuer_key.0).is_err() {
            return Err("issuerKey: not an Ed25519 public key");
        }
        self.schema.check()
    }

    /// Writes the offer to a new file.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`], [`Error::File`].
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        files::write_new(path, &to_json(self, path)?, Mode::Public)
    }

    /// The context of the holder's possession proof: purpose ENROL, id and nonce of this offer.
    ///
    /// # Errors
    ///
    /// [`Error::Proof`] if the offer's fields make none.
    pub fn context(&self, subject: &[u8; 32]) -> Result<Context, Error> {
        let (group, epoch) = group_and_epoch(&self.origin).ok_or(Error::Proof {
            what: "the offer's origin is not <cluster>/e<epoch>/g<group>",
        })?;
        Context::new(ContextFields {
            suite: Suite::V1,
            origin: self.origin.as_bytes(),
            group,
            epoch,
            tenant: self.tenant.as_bytes(),
            challenge_id: self.offer_id.0,
            nonce: self.nonce.0,
            purpose: Purpose::Enrol,
            subject: *subject,
            contact_id: &[],
            not_before_us: self.not_before_us,
            expires_us: self.expires_us,
            order_hash: [0; 32],
            policy_digest: [0; 32],
        })
        .map_err(|_field| Error::Proof {
            what: "the offer's fields make no context",
        })
    }

    /// What the possession proof covers in place of other parts of a submission.
    ///
    /// SHA-256("akashi/v1/credential-request" ‖ issuer's key \[32\] ‖ lv(issuer) ‖ lv(schema) ‖ version u16
    /// ‖ count u16 ‖ blindings \[32\] each). No submission to a cluster has such a digest, so an issuer
    /// cannot spend the proof anywhere else.
    #[must_use]
    pub fn covered(&self, blindings: &[Secret]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"akashi/v1/credential-request");
        hash.update(self.issuer_key.0);
        for name in [&self.issuer, &self.schema.name] {
            hash.update(u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
            hash.update(name);
        }
        hash.update(self.schema.version.to_le_bytes());
        let count = u16::try_from(blindings.len()).unwrap_or(u16::MAX);
        hash.update(count.to_le_bytes());
        for blinding in blindings {
            hash.update(blinding.expose());
        }
        hash.finalize().into()
    }

    /// The credential that this offer becomes for a holder, with the openings of its attributes.
    ///
    /// # Errors
    ///
    /// [`Error::Proof`] if a blinding is not canonical or the fields make no credential.
    pub fn credential(
        &self,
        subject: &[u8; 32],
        holder: DeviceKey,
        blindings: &[Secret],
        issued: &Issued,
    ) -> Result<(Credential, Vec<Opening>), Error> {
        let unfit = |what| Error::Proof { what };
        if blindings.len() != issued.values.len() || blindings.len() != self.schema.attributes.len()
        {
            return Err(unfit("the schema has another number of attributes"));
        }
        let openings: Vec<Opening> = issued
            .values
            .iter()
            .zip(blindings)
            .map(|(value, blinding)| Opening::from_parts(*value, blinding.expose()))
            .collect::<Result<_, _>>()
            .map_err(|_bad| unfit("a blinding is not canonical"))?;
        let commitments: Vec<Commitment> = openings.iter().map(Opening::commitment).collect();
        let key = IssuerKey::from_bytes(&self.issuer_key.0)
            .map_err(|_bad| unfit("the issuer's key is not an Ed25519 public key"))?;
        let credential = Credential::new(CredentialFields {
            suite: Suite::V1,
            origin: self.origin.as_bytes(),
            tenant: self.tenant.as_bytes(),
            issuer_key_id: key.id(),
            issuer: self.issuer.as_bytes(),
            schema: self.schema.name.as_bytes(),
            schema_version: self.schema.version,
            subject: *subject,
            holder,
            serial: issued.serial.0,
            not_before_us: issued.not_before_us,
            expires_us: issued.expires_us,
            attributes: &commitments,
        })
        .map_err(|_field| unfit("the fields make no credential"))?;
        Ok((credential, openings))
    }
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// [`Error::File`], [`Error::Malformed`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        read_json(path)
    }

    /// Writes the request to a new file of mode 0600: its blindings are secret.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`], [`Error::File`].
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        files::write_new(path, &to_json(self, path)?, Mode::Private)
    }
}

impl Issued {
    /// Reads an issued credential.
    ///
    /// # Errors
    ///
    /// [`Error::File`], [`Error::Malformed`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        read_json(path)
    }

    /// Writes the credential to a new file of mode 0600: its values are the holder's.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`], [`Error::File`].
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        files::write_new(path, &to_json(self, path)?, Mode::Private)
    }
}

/// Group and epoch of an origin `<cluster>/e<epoch>/g<group>`.
fn group_and_epoch(origin: &str) -> Option<(u16, u32)> {
    let (rest, group) = origin.rsplit_once("/g")?;
    let (_, epoch) = rest.rsplit_once("/e")?;
    Some((group.parse().ok()?, epoch.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_names_epoch_and_group() {
        assert_eq!(group_and_epoch("dev/e1/g0"), Some((0, 1)));
        assert_eq!(group_and_epoch("a.example/e12/g3"), Some((3, 12)));
        assert_eq!(group_and_epoch("dev"), None);
        assert_eq!(group_and_epoch("dev/e1/gx"), None);
    }

    #[test]
    fn debug_output_shows_neither_values_nor_blindings() {
        let issued = Issued {
            offer_id: Hex([1; 16]),
            serial: Hex([2; 16]),
            not_before_us: 1,
            expires_us: 2,
            values: vec![700_123],
            signature: Hex([3; 64]),
        };
        assert!(!format!("{issued:?}").contains("700123"));
        let request = Request {
            offer_id: Hex([1; 16]),
            subject_hash: Hex([2; 32]),
            holder: Hex([3; 32]),
            blindings: vec![Secret::new([0x5e; 32])],
            possession: Hex([4; 64]),
        };
        assert!(!format!("{request:?}").contains("5e5e"));
    }
}
