//! Reading and writing the files of the command: secrets with mode 0600, nothing overwritten.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::Error;

/// Largest file that the command reads whole, in bytes: an enrolment file of 100,000 lines fits.
pub const FILE_BYTES_MAX: u64 = 64 << 20;

/// Who may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// 0600: secrets.
    Private,
    /// 0644: public keys, settings, receipts.
    Public,
}

/// Reads a whole text file.
///
/// # Errors
///
/// [`Error::File`] if it cannot be read or is larger than [`FILE_BYTES_MAX`].
pub fn read_text(path: &Path) -> Result<String, Error> {
    let file = fs::File::open(path).map_err(Error::file(path))?;
    let mut text = String::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    let bytes = read.map_err(Error::file(path))?;
    if u64::try_from(bytes).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(Error::malformed(path, "larger than 64 MiB"));
    }
    Ok(text)
}

/// Writes a new file and syncs it; an existing one is left alone.
///
/// # Errors
///
/// [`Error::Exists`] if it is there already, [`Error::File`] if it cannot be written.
pub fn write_new(path: &Path, contents: &[u8], mode: Mode) -> Result<(), Error> {
    let bits = match mode {
        Mode::Private => 0o600,
        Mode::Public => 0o644,
    };
    let opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(bits)
        .open(path);
    let mut file = opened.map_err(|source| {
        if source.kind() == ErrorKind::AlreadyExists {
            Error::Exists {
                path: path.to_owned(),
            }
        } else {
            Error::File {
                path: path.to_owned(),
                source,
            }
        }
    })?;
    file.write_all(contents)
        .and_then(|()| file.sync_all())
        .map_err(Error::file(path))
}

/// Reads a secret of 32 bytes, written as 64 hexadecimal digits.
///
/// # Errors
///
/// [`Error::File`], or [`Error::Malformed`] without what the file holds.
pub fn read_secret(path: &Path) -> Result<Zeroizing<[u8; 32]>, Error> {
    let text = Zeroizing::new(read_text(path)?);
    let mut bytes = Zeroizing::new([0_u8; 32]);
    hex::decode_to_slice(text.trim(), bytes.as_mut_slice())
        .map_err(|_bad| Error::malformed(path, "not 64 hexadecimal digits"))?;
    Ok(bytes)
}

/// Replaces a private file as a whole: after a crash there is the old one or the new one, synced.
///
/// # Errors
///
/// [`Error::File`].
pub fn replace_private(path: &Path, contents: &[u8]) -> Result<(), Error> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    match fs::remove_file(&fresh) {
        // Left by a crash before the rename: it was never in force.
        Ok(()) => {}
        Err(missing) if missing.kind() == ErrorKind::NotFound => {}
        Err(source) => {
            return Err(Error::File {
                path: fresh,
                source,
            });
        }
    }
    write_new(&fresh, contents, Mode::Private)?;
    rename(&fresh, path)
}

/// Renames a file over another and syncs their directory.
///
/// # Errors
///
/// [`Error::File`].
pub fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(Error::file(from))?;
    let directory = to.parent().unwrap_or_else(|| Path::new("."));
    fs::File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(Error::file(directory))
}

/// Makes a directory with mode 0700, parents included; an existing one is left as it is.
///
/// # Errors
///
/// [`Error::File`] if it cannot be made.
pub fn private_directory(path: &Path) -> Result<(), Error> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(Error::file(path))
}

/// Refuses a path that exists, unless it is an empty directory.
///
/// # Errors
///
/// [`Error::Exists`] if something is there, [`Error::File`] if it cannot be looked at.
pub fn must_be_absent_or_empty(path: &Path) -> Result<(), Error> {
    match fs::read_dir(path) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(Error::Exists {
                    path: path.to_owned(),
                });
            }
            Ok(())
        }
        Err(missing) if missing.kind() == ErrorKind::NotFound => Ok(()),
        Err(file) if file.kind() == ErrorKind::NotADirectory => Err(Error::Exists {
            path: path.to_owned(),
        }),
        Err(source) => Err(Error::File {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_readable_by_its_owner_only_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.key");
        write_new(&path, b"first", Mode::Private).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let again = write_new(&path, b"second", Mode::Private);
        assert!(matches!(again, Err(Error::Exists { .. })));
        assert_eq!(read_text(&path).unwrap(), "first");
    }

    #[test]
    fn a_replaced_file_is_private_and_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pin.salt");
        for contents in [b"first".as_slice(), b"second", b"3"] {
            // A crash may have left half of a new file.
            fs::write(directory.path().join("pin.salt.new"), "ha").unwrap();
            replace_private(&path, contents).unwrap();
            assert_eq!(fs::read(&path).unwrap(), contents);
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert!(!directory.path().join("pin.salt.new").exists());
    }

    #[test]
    fn only_an_absent_or_empty_directory_is_accepted_for_new_keys() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new");
        must_be_absent_or_empty(&path).unwrap();
        private_directory(&path).unwrap();
        must_be_absent_or_empty(&path).unwrap();
        write_new(&path.join("x"), b"", Mode::Public).unwrap();
        assert!(matches!(
            must_be_absent_or_empty(&path),
            Err(Error::Exists { .. })
        ));
        assert!(matches!(
            must_be_absent_or_empty(&path.join("x")),
            Err(Error::Exists { .. })
        ));
    }
}
