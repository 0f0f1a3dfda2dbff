//! A simulated phone's directory: what a real phone would keep in its key store.
//!
//! | file | mode | content |
//! |---|---|---|
//! | `phone.json` | 0600 | tenant, subject, node addresses, key epoch |
//! | `root.key` | 0600 | root secret, 32 bytes in hexadecimal |
//! | `pin.salt`, `pin.next` | 0600 | salt *d* of the PIN with its epoch; the next one while it is pending |
//! | `requests/`, `credentials/` | 0700 | see `credentials.rs` |
//! | `face.json` | 0600 | see `face.rs` |
//! | `cluster.keys` | 0600 | the pinned key set |
//! | `cluster.history` | 0600 | key sets that followed it, once one did |
//! | `ca.pem` | 0600 | the certificate authority of the nodes |
//!
//! Never written: the PIN, its scalar *w*, its public key *K*, proofs, receipts of own submissions.

use std::fs;
use std::path::{Path, PathBuf};

use akashi_merkle::KeySet;
use akashi_proof::RootSecret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::entropy;
use crate::error::Error;
use crate::files::{self, Mode};
use crate::identity::Identity;
use crate::tag::{agent_hash, subject_hash};
use crate::trust::{HISTORY_FILE, Trust};

/// What `phone.json` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The tenant that this phone is enrolled with.
    pub tenant: String,
    /// The owner's opaque handle: a customer's, or an agent's.
    pub subject: String,
    /// Whether the owner is an agent.
    #[serde(default)]
    pub agent: bool,
    /// Raised after a revocation, so that the device key changes.
    pub key_epoch: u32,
    /// Addresses of the nodes, `host:port`.
    pub nodes: Vec<String>,
}

impl Profile {
    /// The 32 bytes that stand for the owner in proof contexts.
    #[must_use]
    pub fn subject_hash(&self) -> [u8; 32] {
        if self.agent {
            agent_hash(&self.tenant, &self.subject)
        } else {
            subject_hash(&self.tenant, &self.subject)
        }
    }
}

/// Where a simulated phone lives.
#[derive(Clone, Debug)]
pub struct PhoneDirectory(PathBuf);

impl PhoneDirectory {
    /// The phone of `subject` below `phones`.
    #[must_use]
    pub fn of(phones: &Path, subject: &str) -> Self {
        Self(phones.join(subject))
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes a new phone with fresh secrets.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if there is one already; [`Error::File`]; [`Error::Entropy`].
    pub fn create(&self, profile: &Profile, keys: &KeySet, ca_pem: &str) -> Result<(), Error> {
        files::must_be_absent_or_empty(&self.0)?;
        files::private_directory(&self.0)?;
        let root = Zeroizing::new(entropy::random::<32>()?);
        self.write(
            "root.key",
            Zeroizing::new(hex::encode(root.as_slice())).as_bytes(),
        )?;
        self.write_first_salt()?;
        self.write("cluster.keys", keys.to_text().as_bytes())?;
        self.write("ca.pem", ca_pem.as_bytes())?;
        let profile = serde_json::to_vec_pretty(profile)
            .map_err(|_unwritable| Error::malformed(self.0.join("phone.json"), "not JSON"))?;
        self.write("phone.json", &profile)
    }

    /// Whether a phone was made here.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.0.join("phone.json").is_file()
    }

    /// Takes the phone away, secrets and all; for an enrolment that did not come about.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub fn discard(&self) -> Result<(), Error> {
        fs::remove_dir_all(&self.0).map_err(Error::file(&self.0))
    }

    /// The subjects that have a phone below `phones`, in order.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the directory cannot be read.
    pub fn list(phones: &Path) -> Result<Vec<String>, Error> {
        let mut subjects = Vec::new();
        for entry in fs::read_dir(phones).map_err(Error::file(phones))? {
            let entry = entry.map_err(Error::file(phones))?;
            if let Ok(subject) = entry.file_name().into_string()
                && Self::of(phones, &subject).is_there()
            {
                subjects.push(subject);
            }
        }
        subjects.sort();
        Ok(subjects)
    }

    /// Reads `phone.json`.
    ///
    /// # Errors
    ///
    /// [`Error::File`] and [`Error::Malformed`].
    pub fn profile(&self) -> Result<Profile, Error> {
        let path = self.0.join("phone.json");
        serde_json::from_str(&files::read_text(&path)?)
            .map_err(|bad| Error::malformed(&path, bad.to_string()))
    }

    /// Reads the pinned key set.
    ///
    /// # Errors
    ///
    /// [`Error::File`] and [`Error::Malformed`].
    pub fn key_set(&self) -> Result<KeySet, Error> {
        let path = self.0.join("cluster.keys");
        KeySet::parse(&files::read_text(&path)?)
            .map_err(|bad| Error::malformed(&path, bad.to_string()))
    }

    /// The pinned key set, and those that it led to as far as this phone knows.
    ///
    /// # Errors
    ///
    /// [`Error::File`] and [`Error::Malformed`].
    pub fn trust(&self) -> Result<Trust, Error> {
        Trust::kept_at(self.key_set()?, self.0.join(HISTORY_FILE))
    }

    /// The phone's side of TLS.
    ///
    /// # Errors
    ///
    /// [`Error::File`] and [`Error::Malformed`].
    pub fn identity(&self) -> Result<Identity, Error> {
        Identity::phone(&self.0.join("ca.pem"))
    }

    pub(super) fn root_secret(&self) -> Result<RootSecret, Error> {
        let bytes = files::read_secret(&self.0.join("root.key"))?;
        Ok(RootSecret::from_bytes(*bytes))
    }

    fn write(&self, name: &str, contents: &[u8]) -> Result<(), Error> {
        files::write_new(&self.0.join(name), contents, Mode::Private)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use akashi_merkle::{Cosigner, CosignerSecret, Origin};

    use super::*;

    fn keys() -> KeySet {
        let secret = CosignerSecret::from_seed("n1", &[1; 32]).unwrap();
        let cosigner = Cosigner {
            name: "n1".into(),
            site: "a".into(),
            key: secret.public().clone(),
        };
        KeySet::new(Origin::new("dev", 1, 0).unwrap(), vec![cosigner], 1).unwrap()
    }

    fn profile() -> Profile {
        Profile {
            tenant: "demo".into(),
            subject: "cust-0001".into(),
            agent: false,
            key_epoch: 0,
            nodes: vec!["127.0.0.1:7420".into()],
        }
    }

    #[test]
    fn a_new_phone_is_private_and_is_never_overwritten() {
        let phones = tempfile::tempdir().unwrap();
        let phone = PhoneDirectory::of(phones.path(), "cust-0001");
        phone.create(&profile(), &keys(), "pem").unwrap();
        assert!(matches!(
            phone.create(&profile(), &keys(), "pem"),
            Err(Error::Exists { .. })
        ));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(phone.path()), 0o700);
        let mut names = Vec::new();
        for entry in fs::read_dir(phone.path()).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
        names.sort();
        assert_eq!(
            names,
            [
                "ca.pem",
                "cluster.keys",
                "phone.json",
                "pin.salt",
                "root.key"
            ]
        );
        assert_eq!(phone.profile().unwrap(), profile());
        assert_eq!(PhoneDirectory::list(phones.path()).unwrap(), ["cust-0001"]);
    }

    #[test]
    fn two_phones_share_no_secret() {
        let phones = tempfile::tempdir().unwrap();
        let secrets = ["cust-0001", "cust-0002"].map(|subject| {
            let phone = PhoneDirectory::of(phones.path(), subject);
            phone.create(&profile(), &keys(), "pem").unwrap();
            ["root.key", "pin.salt"]
                .map(|name| fs::read_to_string(phone.path().join(name)).unwrap())
        });
        assert_ne!(secrets[0][0], secrets[1][0]);
        assert_ne!(secrets[0][1], secrets[1][1]);
        assert!(!secrets[0][1].starts_with(&secrets[0][0]));
    }

    #[test]
    fn a_damaged_phone_is_named_without_its_secrets() {
        let phones = tempfile::tempdir().unwrap();
        let phone = PhoneDirectory::of(phones.path(), "cust-0001");
        phone.create(&profile(), &keys(), "pem").unwrap();
        fs::write(phone.path().join("root.key"), "c0ffee").unwrap();
        let error = phone.root_secret().err().unwrap().to_string();
        assert!(
            error.contains("root.key") && !error.contains("c0ffee"),
            "{error}"
        );
    }
}
