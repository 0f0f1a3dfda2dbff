//! The PIN's salt, which changes after every success.
//!
//! Each answer carries the public key of the PIN under the next salt. Whether it came into force is
//! known only when a later notice, whose receipt was checked, names the PIN's epoch. Until then both
//! salts are kept: the pending one is written before its key is sent, is used for every answer of the
//! same epoch, and takes the old one's place by a single rename. So no crash and no lost answer leaves
//! a phone without the salt in force. Two programs that use one phone wait for one another: otherwise
//! each could draw a pending salt, and the one in force might be lost.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;

use akashi_proof::{PinKdf, PinSecret};
use zeroize::Zeroizing;

use super::PhoneDirectory;
use crate::entropy;
use crate::error::Error;
use crate::files;
use crate::hexadecimal::Secret;

/// The salt in force.
const IN_FORCE: &str = "pin.salt";
/// The salt that comes into force with the next success.
const PENDING: &str = "pin.next";
/// Held while salts are looked at and changed; empty.
const LOCK: &str = "pin.lock";

/// A salt with the epoch in which it is in force.
pub(super) struct Salt {
    epoch: u32,
    bytes: Secret,
}

impl Salt {
    pub(super) fn fresh(epoch: u32) -> Result<Self, Error> {
        Ok(Self {
            epoch,
            bytes: Secret::new(entropy::random()?),
        })
    }

    /// 64 hexadecimal digits on a line, then the epoch on a line.
    fn to_text(&self) -> Zeroizing<String> {
        let digits = Zeroizing::new(hex::encode(self.bytes.expose()));
        Zeroizing::new(format!("{}\n{}\n", *digits, self.epoch))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut bytes = [0; 32];
        hex::decode_to_slice(lines.next()?.trim(), &mut bytes).ok()?;
        Some(Self {
            epoch: lines.next()?.trim().parse().ok()?,
            bytes: Secret::new(bytes),
        })
    }

    /// Derives the PIN's secret: 64 MiB and about 0.1 s of Argon2id, on purpose.
    pub(super) fn derive(&self, pin: &str, subject: &[u8; 32]) -> Result<PinSecret, Error> {
        PinSecret::derive(
            PinKdf::STANDARD,
            pin.as_bytes(),
            self.bytes.expose(),
            subject,
        )
        .map_err(|_underivable| Error::Proof {
            what: "the PIN must have 1 to 64 bytes",
        })
    }
}

impl PhoneDirectory {
    pub(super) fn write_first_salt(&self) -> Result<(), Error> {
        let path = self.path().join(IN_FORCE);
        files::replace_private(&path, Salt::fresh(0)?.to_text().as_bytes())
    }

    /// The salt that was in force when this phone last knew.
    pub(super) fn salt(&self) -> Result<Salt, Error> {
        self.read_salt(IN_FORCE)
    }

    /// The salt in force in `epoch`, which a checked notice named; takes up the pending one if it is
    /// that.
    ///
    /// # Errors
    ///
    /// [`Error::Proof`] if neither is.
    pub(super) fn settle_salt(&self, epoch: u32) -> Result<Salt, Error> {
        let _held = self.lock_salts()?;
        let known = self.salt()?;
        if known.epoch == epoch {
            return Ok(known);
        }
        let path = self.path().join(PENDING);
        if path.is_file() {
            let pending = self.read_salt(PENDING)?;
            if pending.epoch == epoch {
                files::rename(&path, &self.path().join(IN_FORCE))?;
                return Ok(pending);
            }
        }
        Err(Error::Proof {
            what: "neither salt of this phone is the one in force; enrol it again",
        })
    }

    /// The salt after `epoch`: the one that an earlier answer has sent a key of, or a fresh one, on
    /// disk before it is given out.
    pub(super) fn salt_after(&self, epoch: u32) -> Result<Salt, Error> {
        let next = epoch.checked_add(1).ok_or(Error::Proof {
            what: "the PIN was replaced too often; enrol the phone again",
        })?;
        let _held = self.lock_salts()?;
        let path = self.path().join(PENDING);
        if path.is_file() {
            let pending = self.read_salt(PENDING)?;
            if pending.epoch == next {
                return Ok(pending);
            }
        }
        let fresh = Salt::fresh(next)?;
        files::replace_private(&path, fresh.to_text().as_bytes())?;
        Ok(fresh)
    }

    /// Waits until no other program looks at the salts; until the file is closed.
    fn lock_salts(&self) -> Result<File, Error> {
        let path = self.path().join(LOCK);
        let opened = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path);
        let file = opened.map_err(Error::file(&path))?;
        file.lock().map_err(Error::file(&path))?;
        Ok(file)
    }

    fn read_salt(&self, name: &str) -> Result<Salt, Error> {
        let path = self.path().join(name);
        let text = Zeroizing::new(files::read_text(&path)?);
        Salt::parse(&text).ok_or_else(|| {
            Error::malformed(
                &path,
                "not 64 hexadecimal digits and the number of an epoch",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn directory() -> (tempfile::TempDir, PhoneDirectory) {
        let home = tempfile::tempdir().unwrap();
        let phone = PhoneDirectory::of(home.path(), "cust-0001");
        fs::create_dir(phone.path()).unwrap();
        phone.write_first_salt().unwrap();
        (home, phone)
    }

    fn bytes(salt: &Salt) -> [u8; 32] {
        *salt.bytes.expose()
    }

    #[test]
    fn a_pending_salt_comes_into_force_when_a_notice_says_so_and_not_before() {
        let (_home, phone) = directory();
        let first = bytes(&phone.settle_salt(0).unwrap());
        let next = bytes(&phone.salt_after(0).unwrap());
        assert_ne!(first, next);
        // The answer was lost, or refused: the notice names the old epoch.
        assert_eq!(bytes(&phone.settle_salt(0).unwrap()), first);
        // The answer had arrived after all.
        assert_eq!(bytes(&phone.settle_salt(1).unwrap()), next);
        assert_eq!(bytes(&phone.salt().unwrap()), next);
        assert!(!phone.path().join(PENDING).exists());
    }

    #[test]
    fn every_answer_of_one_epoch_uses_the_same_pending_salt() {
        let (_home, phone) = directory();
        let next = bytes(&phone.salt_after(0).unwrap());
        assert_eq!(bytes(&phone.salt_after(0).unwrap()), next);
        phone.settle_salt(1).unwrap();
        assert_ne!(bytes(&phone.salt_after(1).unwrap()), next);
    }

    #[test]
    fn an_epoch_of_which_no_salt_is_known_changes_nothing() {
        let (_home, phone) = directory();
        let next = bytes(&phone.salt_after(0).unwrap());
        assert!(matches!(phone.settle_salt(2), Err(Error::Proof { .. })));
        assert_eq!(bytes(&phone.settle_salt(1).unwrap()), next);
        assert!(phone.settle_salt(0).is_err(), "the old salt is gone");
    }

    #[test]
    fn a_crash_before_the_rename_leaves_the_salt_in_force() {
        let (_home, phone) = directory();
        let first = bytes(&phone.salt().unwrap());
        fs::write(phone.path().join("pin.next.new"), "ha").unwrap();
        assert_eq!(bytes(&phone.settle_salt(0).unwrap()), first);
        let next = bytes(&phone.salt_after(0).unwrap());
        assert_eq!(bytes(&phone.settle_salt(1).unwrap()), next);
    }

    #[test]
    fn many_programs_at_once_draw_one_pending_salt() {
        let (_home, phone) = directory();
        let drawn: Vec<[u8; 32]> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| bytes(&phone.salt_after(0).unwrap())))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert!(drawn.iter().all(|salt| *salt == drawn[0]));
        assert_eq!(bytes(&phone.settle_salt(1).unwrap()), drawn[0]);
    }

    #[test]
    fn both_files_are_private_and_a_damaged_one_is_named_without_its_content() {
        let (_home, phone) = directory();
        phone.salt_after(0).unwrap();
        for name in [IN_FORCE, PENDING] {
            let path = phone.path().join(name);
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
            fs::write(&path, "c0ffee\n0\n").unwrap();
            let error = phone.read_salt(name).err().unwrap().to_string();
            assert!(error.contains(name) && !error.contains("c0ffee"), "{error}");
        }
    }
}
