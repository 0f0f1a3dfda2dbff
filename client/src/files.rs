//! Reading and writing the files of the command: secrets with mode 0600, nothing overwritten.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

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
