//! An issuer's desk: a key, schemas, offers, credentials. Works without a network.
//!
//! | file | mode | content |
//! |---|---|---|
//! | `issuer.json` | 0644 | name, public key, log and tenant that credentials are for |
//! | `issuer.key` | 0600 | Ed25519 private key, 32 bytes in hexadecimal |
//! | `offers/<id>.json` | 0600 | open offers; each answers one request and is then gone |
//! | `issued/<serial>.json` | 0600 | what was issued to which key, without values |
//!
//! By signing, an issuer promises that every value is below 2⁶³ and that it knows whose key P is. The
//! desk checks the first; the second is the issuer's own business.

mod papers;
pub mod schema;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use akashi_proof::{DeviceKey, IssuerKey, Possession, Proof, verify};
use ed25519_dalek::{Signer as _, SigningKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::entropy;
use crate::error::Error;
use crate::files::{self, Mode};
use crate::hexadecimal::{Hex, read_json, to_json};
use crate::layout::is_name;
use crate::platform::{Attestation, posture_message};

pub use papers::{Issued, Offer, Request};
pub use schema::{Attribute, Schema};

/// An issuer with its key in memory.
pub struct Issuer {
    directory: PathBuf,
    profile: Profile,
    key: SigningKey,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("name", &self.profile.name)
            .finish_non_exhaustive()
    }
}

/// What `issuer.json` says: all of it is public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The issuer's name, under which the operator registers the key.
    pub name: String,
    /// The public key.
    pub key: Hex<32>,
    /// The log in which credentials are registered.
    pub origin: String,
    /// The tenant that accepts them.
    pub tenant: String,
}

/// What `issued/<serial>.json` says: enough to revoke, nothing about values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Entry {
    /// The serial.
    pub serial: Hex<16>,
    /// The schema.
    pub schema: String,
    /// Its version.
    pub schema_version: u16,
    /// The subject's pseudonym.
    pub subject_hash: Hex<32>,
    /// P.
    pub holder: Hex<32>,
    /// Last moment of validity, microseconds since 1970-01-01 UTC.
    pub expires_us: u64,
}

impl Profile {
    /// Reads `issuer.json` of an issuer's directory; no secret is touched.
    ///
    /// # Errors
    ///
    /// [`Error::File`], [`Error::Malformed`].
    pub fn read(directory: &Path) -> Result<Self, Error> {
        read_json(&directory.join("issuer.json"))
    }

    /// SHA-256 of the public key: how the cluster names it.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if it is no public key.
    pub fn key_id(&self) -> Result<[u8; 32], Error> {
        IssuerKey::from_bytes(&self.key.0)
            .map(IssuerKey::id)
            .map_err(|_bad| Error::malformed("issuer.json", "key: not an Ed25519 public key"))
    }
}

impl Issuer {
    /// Makes an issuer with a fresh key in a new directory.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for a bad name; [`Error::Exists`]; [`Error::File`]; [`Error::Entropy`].
    pub fn create(directory: &Path, name: &str, origin: &str, tenant: &str) -> Result<Self, Error> {
        if !is_name(name) {
            return Err(Error::usage("name: 1 to 32 of a-z, 0-9 and - are needed"));
        }
        files::must_be_absent_or_empty(directory)?;
        files::private_directory(directory)?;
        let seed = Zeroizing::new(entropy::random::<32>()?);
        let key = SigningKey::from_bytes(&seed);
        let text = Zeroizing::new(hex::encode(seed.as_slice()));
        files::write_new(
            &directory.join("issuer.key"),
            text.as_bytes(),
            Mode::Private,
        )?;
        let profile = Profile {
            name: name.to_owned(),
            key: Hex(key.verifying_key().to_bytes()),
            origin: origin.to_owned(),
            tenant: tenant.to_owned(),
        };
        let path = directory.join("issuer.json");
        files::write_new(&path, &to_json(&profile, &path)?, Mode::Public)?;
        files::private_directory(&directory.join("offers"))?;
        files::private_directory(&directory.join("issued"))?;
        Ok(Self {
            directory: directory.to_owned(),
            profile,
            key,
        })
    }

    /// Reads an issuer's directory.
    ///
    /// # Errors
    ///
    /// [`Error::File`]; [`Error::Malformed`], also if key and profile do not belong together.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let profile = Profile::read(directory)?;
        let path = directory.join("issuer.key");
        let key = SigningKey::from_bytes(&*files::read_secret(&path)?);
        if key.verifying_key().to_bytes() != profile.key.0 {
            return Err(Error::malformed(path, "not the key that issuer.json names"));
        }
        Ok(Self {
            directory: directory.to_owned(),
            profile,
            key,
        })
    }

    /// What everybody may know of the issuer.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Makes an offer that is good for `lifetime`, and keeps a copy.
    ///
    /// # Errors
    ///
    /// [`Error::Entropy`], [`Error::File`].
    pub fn offer(&self, schema: &Schema, now_us: u64, lifetime: Duration) -> Result<Offer, Error> {
        let lifetime_us = u64::try_from(lifetime.as_micros()).unwrap_or(u64::MAX);
        let offer = Offer {
            offer_id: Hex(entropy::random()?),
            nonce: Hex(entropy::random()?),
            issuer: self.profile.name.clone(),
            issuer_key: self.profile.key,
            origin: self.profile.origin.clone(),
            tenant: self.profile.tenant.clone(),
            schema: schema.clone(),
            not_before_us: now_us,
            expires_us: now_us.saturating_add(lifetime_us.max(1)),
        };
        let path = self.offer_path(&offer.offer_id);
        files::write_new(&path, &to_json(&offer, &path)?, Mode::Private)?;
        Ok(offer)
    }

    /// Answers a request: checks the holder's possession, commits to the values, signs.
    ///
    /// The offer is used up before anything is signed.
    ///
    /// # Errors
    ///
    /// [`Error::RequestRefused`] if the offer is unknown, used or over, or the possession does not
    /// hold; [`Error::Usage`] for values; [`Error::File`]; [`Error::Entropy`].
    pub fn issue(
        &self,
        request: &Request,
        values: &[String],
        now_us: u64,
        validity: Duration,
    ) -> Result<Issued, Error> {
        let refused = |what| Error::RequestRefused { what };
        let path = self.offer_path(&request.offer_id);
        if !path.is_file() {
            return Err(refused("there is no open offer with this id"));
        }
        let offer = Offer::read(&path)?;
        if now_us > offer.expires_us {
            return Err(refused("the offer is over"));
        }
        let values = Zeroizing::new(offer.schema.values(values)?);
        let holder = DeviceKey::from_bytes(&request.holder.0)
            .map_err(|_bad| refused("the holder's key is none"))?;
        check_possession(&offer, request, holder)?;
        let mut issued = Issued {
            offer_id: request.offer_id,
            serial: Hex(entropy::random()?),
            not_before_us: now_us,
            expires_us: now_us
                .saturating_add(u64::try_from(validity.as_micros()).unwrap_or(u64::MAX)),
            values: values.to_vec(),
            signature: Hex([0; 64]),
        };
        let subject = &request.subject_hash.0;
        let (credential, _) = offer.credential(subject, holder, &request.blindings, &issued)?;
        std::fs::remove_file(&path).map_err(Error::file(&path))?;
        let entry = Entry {
            serial: issued.serial,
            schema: offer.schema.name.clone(),
            schema_version: offer.schema.version,
            subject_hash: request.subject_hash,
            holder: request.holder,
            expires_us: issued.expires_us,
        };
        let serial = hex::encode(issued.serial.0);
        let path = self.directory.join("issued").join(format!("{serial}.json"));
        files::write_new(&path, &to_json(&entry, &path)?, Mode::Private)?;
        issued.signature = Hex(self.key.sign(&credential.message()).to_bytes());
        Ok(issued)
    }

    /// Signs the checklist of an agent's machine, as looked at now and good for `lifetime`.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if the profile's key is none.
    pub fn attest_posture(
        &self,
        agent: &str,
        bits: u32,
        now_us: u64,
        lifetime: Duration,
    ) -> Result<Attestation, Error> {
        let lifetime_us = u64::try_from(lifetime.as_micros()).unwrap_or(u64::MAX);
        let until_us = now_us.saturating_add(lifetime_us.max(1));
        let Profile { origin, tenant, .. } = &self.profile;
        let message = posture_message(origin, tenant, agent, (bits, now_us, until_us));
        Ok(Attestation {
            bits,
            attested_us: now_us,
            until_us,
            issuer_key_id: self.profile.key_id()?,
            signature: self.key.sign(&message).to_bytes(),
        })
    }

    /// What was issued, in the order of the serials.
    ///
    /// # Errors
    ///
    /// [`Error::File`], [`Error::Malformed`].
    pub fn entries(directory: &Path) -> Result<Vec<Entry>, Error> {
        let own = directory.join("issued");
        let mut entries = Vec::new();
        for file in std::fs::read_dir(&own).map_err(Error::file(&own))? {
            entries.push(read_json::<Entry>(
                &file.map_err(Error::file(&own))?.path(),
            )?);
        }
        entries.sort_by_key(|entry| entry.serial);
        Ok(entries)
    }

    fn offer_path(&self, id: &Hex<16>) -> PathBuf {
        let name = format!("{}.json", hex::encode(id.0));
        self.directory.join("offers").join(name)
    }
}

fn check_possession(offer: &Offer, request: &Request, holder: DeviceKey) -> Result<(), Error> {
    let statement = Possession {
        key: holder,
        submission_digest: offer.covered(&request.blindings),
    };
    let context = offer.context(&request.subject_hash.0)?;
    let holds = Proof::parse(&statement, &request.possession.0)
        .and_then(|proof| verify(&context, &statement, &proof).map(drop));
    holds.map_err(|_reason| Error::RequestRefused {
        what: "the possession proof does not hold",
    })
}

#[cfg(test)]
mod tests;
