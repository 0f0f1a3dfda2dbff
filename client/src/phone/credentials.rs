//! The credentials on a phone: requests, storage, and which one a predicate gets.
//!
//! | file | mode | content |
//! |---|---|---|
//! | `requests/<offer>.json` | 0600 | an offer that was answered, with the blindings |
//! | `credentials/<serial>.json` | 0600 | offer, values, blindings, serial, signature |
//!
//! Values and blindings leave the phone in no other way than inside proofs; the blindings alone go to
//! the issuer, once. Nothing here may print a value.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use akashi_proof::{
    Commitment, Credential, IssuerKey, IssuerStanding, Opening, Possession, accept_registration,
    prove,
};
use serde::{Deserialize, Serialize};

use super::{Phone, PhoneDirectory};
use crate::entropy::ProofRandom;
use crate::error::Error;
use crate::files::{self, Mode};
use crate::hexadecimal::{Hex, Secret, read_json, to_json};
use crate::issuer::{Attribute, Issued, Offer, Request};
use crate::policy::{Source, Test};

/// An offer that this phone has answered.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    offer: Offer,
    blindings: Vec<Secret>,
}

/// The file form of a [`Holding`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    offer: Offer,
    issued: Issued,
    blindings: Vec<Secret>,
    registered: bool,
}

/// A credential on this phone, with what opens it.
pub struct Holding {
    form: Form,
    credential: Credential,
    openings: Vec<Opening>,
}

impl fmt::Debug for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holding")
            .field("serial", &self.form.issued.serial)
            .field("schema", &self.form.offer.schema.name)
            .finish_non_exhaustive()
    }
}

impl Holding {
    /// The serial.
    #[must_use]
    pub const fn serial(&self) -> [u8; 16] {
        self.form.issued.serial.0
    }

    /// The issuer's name.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.form.offer.issuer
    }

    /// The schema's name.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.form.offer.schema.name
    }

    /// The schema's version.
    #[must_use]
    pub const fn schema_version(&self) -> u16 {
        self.form.offer.schema.version
    }

    /// Last moment of validity, microseconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn expires_us(&self) -> u64 {
        self.form.issued.expires_us
    }

    /// Whether the cluster has registered it.
    #[must_use]
    pub const fn registered(&self) -> bool {
        self.form.registered
    }

    /// What the attribute with this index means.
    #[must_use]
    pub fn attribute(&self, index: u16) -> Option<&Attribute> {
        self.form.offer.schema.attributes.get(usize::from(index))
    }

    /// The canonical body and the issuer's signature, for the registration.
    #[must_use]
    pub fn body_and_signature(&self) -> (Vec<u8>, [u8; 64]) {
        (self.credential.body(), self.form.issued.signature.0)
    }

    pub(super) fn opening(&self, index: u16) -> Option<&Opening> {
        self.openings.get(usize::from(index))
    }

    pub(super) fn commitment(&self, index: u16) -> Option<Commitment> {
        self.opening(index).map(Opening::commitment)
    }

    /// Whether a rule would take this credential at all.
    fn fits(&self, source: &Source, now_us: u64) -> bool {
        self.registered()
            && source.issuers.iter().any(|issuer| issuer == self.issuer())
            && source.schema == self.schema()
            && source.schema_version == self.schema_version()
            && self.opening(source.attribute).is_some()
            && now_us <= self.expires_us()
    }
}

/// The credential, or the two, that prove one predicate.
#[derive(Debug)]
pub struct Choice<'a> {
    /// The credential that the rule speaks of.
    pub first: &'a Holding,
    /// The second one of a rule that compares two.
    pub second: Option<&'a Holding>,
}

/// Chooses what proves a predicate: the first credential that fits and whose value makes it true.
///
/// `covered` is the amount that the attribute must cover, if the rule is about one.
///
/// # Errors
///
/// [`Error::Lacking`] in words, without any value.
pub fn choose<'a>(
    holdings: &'a [Holding],
    source: &Source,
    test: &Test,
    covered: Option<u64>,
    now_us: u64,
) -> Result<Choice<'a>, Error> {
    let fitting: Vec<&Holding> = holdings
        .iter()
        .filter(|holding| holding.fits(source, now_us))
        .collect();
    if fitting.is_empty() {
        return Err(Error::Lacking {
            what: format!(
                "a registered, unexpired credential {} v{} by {}",
                source.schema,
                source.schema_version,
                source.issuers.join(" or ")
            ),
        });
    }
    for first in fitting {
        let Some(opening) = first.opening(source.attribute) else {
            continue;
        };
        let value = opening.value();
        let second = match test {
            Test::SameAs(other) => holdings.iter().find(|second| {
                second.fits(other, now_us)
                    && second.opening(other.attribute).map(Opening::value) == Some(value)
            }),
            Test::AtLeast { .. }
            | Test::AtMost { .. }
            | Test::Within { .. }
            | Test::OneOf { .. }
            | Test::Equals { .. }
            | Test::CoversAmount { .. } => None,
        };
        let holds = match test {
            Test::AtLeast { bound, .. } => value >= *bound,
            Test::AtMost { bound, .. } => value <= *bound,
            Test::Within { low, high, .. } => (*low..=*high).contains(&value),
            Test::OneOf { values } => values.contains(&value),
            Test::Equals { value: asked } => value == *asked,
            Test::CoversAmount { .. } => covered.is_some_and(|amount| value >= amount),
            Test::SameAs(_) => second.is_some(),
        };
        if holds {
            return Ok(Choice { first, second });
        }
    }
    Err(Error::Lacking {
        what: format!(
            "no credential {} v{} on this phone makes it true",
            source.schema, source.schema_version
        ),
    })
}

impl PhoneDirectory {
    fn requests(&self) -> PathBuf {
        self.path().join("requests")
    }

    fn credential_files(&self) -> PathBuf {
        self.path().join("credentials")
    }

    fn request_path(&self, offer: &Hex<16>) -> PathBuf {
        self.requests()
            .join(format!("{}.json", hex::encode(offer.0)))
    }

    fn credential_path(&self, serial: &Hex<16>) -> PathBuf {
        let name = format!("{}.json", hex::encode(serial.0));
        self.credential_files().join(name)
    }
}

impl Phone {
    /// Answers an issuer's offer: draws a blinding for each attribute, keeps them, and proves
    /// possession of this phone's key to the issuer.
    ///
    /// # Errors
    ///
    /// [`Error::Integrity`] if the offer is for another log or tenant; [`Error::Exists`] if it was
    /// answered before; [`Error::File`]; [`Error::Entropy`].
    pub fn request_credential(&self, offer: &Offer) -> Result<Request, Error> {
        // The device key is derived from this phone's own names, never from an offer's.
        if offer.origin != self.origin() || offer.tenant != self.tenant() {
            return Err(Error::integrity(
                "the offer is for another cluster or tenant than this phone's",
            ));
        }
        let device = self.device_secret()?;
        let mut random = ProofRandom::draw()?;
        let mut blindings = Vec::with_capacity(offer.schema.attributes.len());
        for _ in &offer.schema.attributes {
            let drawn = Opening::commit(0, &mut random)
                .map_err(|_fault| Error::Proof { what: "a blinding" })?;
            blindings.push(Secret::new(*drawn.blinding()));
        }
        let statement = Possession {
            key: device.public(),
            submission_digest: offer.covered(&blindings),
        };
        let context = offer.context(&self.subject_hash())?;
        let proof = prove(&context, &statement, &device, &mut random)
            .ok()
            .and_then(|proof| proof.to_bytes().try_into().ok())
            .ok_or(Error::Proof {
                what: "possession for the issuer",
            })?;
        files::private_directory(&self.directory.requests())?;
        let path = self.directory.request_path(&offer.offer_id);
        let answered = Answered {
            offer: offer.clone(),
            blindings,
        };
        files::write_new(&path, &to_json(&answered, &path)?, Mode::Private)?;
        Ok(Request {
            offer_id: offer.offer_id,
            subject_hash: Hex(self.subject_hash()),
            holder: Hex(device.public().to_bytes()),
            blindings: answered.blindings,
            possession: Hex(proof),
        })
    }

    /// Takes an issued credential: rebuilds it from the offer and the blindings of this phone, checks
    /// the signature, and keeps it.
    ///
    /// # Errors
    ///
    /// [`Error::Integrity`] if it does not answer a request of this phone or the signature does not
    /// hold; [`Error::Exists`]; [`Error::File`].
    pub fn take_credential(&self, issued: &Issued, now_us: u64) -> Result<Holding, Error> {
        let request = self.directory.request_path(&issued.offer_id);
        if !request.is_file() {
            return Err(Error::integrity(
                "the credential answers no request of this phone",
            ));
        }
        let Answered { offer, blindings } = read_json(&request)?;
        let holding = self.holding(Form {
            offer,
            issued: issued.clone(),
            blindings,
            registered: false,
        })?;
        let key = IssuerKey::from_bytes(&holding.form.offer.issuer_key.0)
            .map_err(|_bad| Error::integrity("the issuer's key is none"))?;
        let standing = IssuerStanding {
            key,
            revoked_from_us: None,
        };
        let context = holding.form.offer.context(&self.subject_hash())?;
        // The issuer's clock may be a little ahead of this one.
        let stamp_us = now_us.max(issued.not_before_us);
        accept_registration(
            &context,
            &holding.credential,
            &issued.signature.0,
            Some(&standing),
            Some(&self.device_secret()?.public()),
            stamp_us,
        )
        .map_err(|reason| Error::integrity(format!("the credential: {reason}")))?;
        files::private_directory(&self.directory.credential_files())?;
        let path = self.directory.credential_path(&issued.serial);
        files::write_new(&path, &to_json(&holding.form, &path)?, Mode::Private)?;
        fs::remove_file(&request).map_err(Error::file(&request))?;
        Ok(holding)
    }

    /// The credentials on this phone, in the order of their serials.
    ///
    /// # Errors
    ///
    /// [`Error::File`]; [`Error::Malformed`] for a damaged one.
    pub fn holdings(&self) -> Result<Vec<Holding>, Error> {
        let own = self.directory.credential_files();
        if !own.is_dir() {
            return Ok(Vec::new());
        }
        let mut holdings = Vec::new();
        for file in fs::read_dir(&own).map_err(Error::file(&own))? {
            let path = file.map_err(Error::file(&own))?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                holdings.push(self.holding(read_json(&path)?)?);
            }
        }
        holdings.sort_by_key(Holding::serial);
        Ok(holdings)
    }

    /// Notes that the cluster has registered a credential.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub(super) fn note_registered(&self, holding: &mut Holding) -> Result<(), Error> {
        holding.form.registered = true;
        let path = self.directory.credential_path(&holding.form.issued.serial);
        files::replace_private(&path, &to_json(&holding.form, &path)?)
    }

    fn holding(&self, form: Form) -> Result<Holding, Error> {
        let holder = self.device_secret()?.public();
        let subject = self.subject_hash();
        let built = form
            .offer
            .credential(&subject, holder, &form.blindings, &form.issued);
        let (credential, openings) = built?;
        Ok(Holding {
            form,
            credential,
            openings,
        })
    }
}
