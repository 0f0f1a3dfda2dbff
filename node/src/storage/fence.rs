//! The fence of a data directory: a file that says why its replica must not serve, lead or sign.
//!
//! It is written once and never removed by a node: a replica whose state was found to be wrong does not
//! become right by starting again. Whoever has looked at the disk rebuilds the replica.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use akashi_replica::seal::FenceReason;

use super::StorageError;

/// The fence's name in the data directory.
const FENCE: &str = "fenced";
/// Its name until it is whole.
const BEGUN: &str = "fenced.new";
/// First word of the file.
const TITLE: &str = "akashi fence";

/// Writes why the replica is fenced; one that is there stays as it is.
///
/// # Durability
///
/// File and directory are synced when this returns.
///
/// # Errors
///
/// [`StorageError::Files`].
pub fn put_up(directory: &Path, reason: FenceReason) -> Result<(), StorageError> {
    if read(directory)?.is_some() {
        return Ok(());
    }
    let begun = directory.join(BEGUN);
    let text = format!("{TITLE}\nreason {}\n{reason}\n", label(reason));
    fs::write(&begun, text).map_err(StorageError::Files)?;
    let sync = |path: &Path| {
        let synced = File::open(path).and_then(|file| file.sync_all());
        synced.map_err(StorageError::Files)
    };
    sync(&begun)?;
    fs::rename(&begun, directory.join(FENCE)).map_err(StorageError::Files)?;
    sync(directory)
}

/// Why the replica of this data directory is fenced, if it is. A fence that cannot be read is one.
///
/// # Errors
///
/// [`StorageError::Files`] when it cannot be told whether there is one.
pub fn read(directory: &Path) -> Result<Option<FenceReason>, StorageError> {
    let text = match fs::read(directory.join(FENCE)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StorageError::Files(error)),
    };
    let text = String::from_utf8_lossy(&text);
    let said = text.lines().find_map(|line| line.strip_prefix("reason "));
    let known = REASONS.iter().find(|reason| Some(label(**reason)) == said);
    Ok(Some(known.copied().unwrap_or(FenceReason::Unreadable)))
}

const REASONS: [FenceReason; 6] = [
    FenceReason::OtherRoot,
    FenceReason::NoQuorumRoot,
    FenceReason::OwnVow,
    FenceReason::OtherState,
    FenceReason::NoQuorumState,
    FenceReason::Unreadable,
];

const fn label(reason: FenceReason) -> &'static str {
    match reason {
        FenceReason::OtherRoot => "other-root",
        FenceReason::NoQuorumRoot => "no-quorum-root",
        FenceReason::OwnVow => "own-vow",
        FenceReason::OtherState => "other-state",
        FenceReason::NoQuorumState => "no-quorum-state",
        FenceReason::Unreadable => "unreadable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_found_again_and_the_first_reason_stays() {
        for reason in REASONS {
            let directory = tempfile::tempdir().unwrap();
            assert_eq!(read(directory.path()).unwrap(), None);
            put_up(directory.path(), reason).unwrap();
            assert_eq!(read(directory.path()).unwrap(), Some(reason));
            put_up(directory.path(), FenceReason::OtherRoot).unwrap();
            assert_eq!(read(directory.path()).unwrap(), Some(reason));
        }
    }

    #[test]
    fn a_damaged_fence_still_fences() {
        for text in ["", "reason something-new\n", "\u{fffd}"] {
            let directory = tempfile::tempdir().unwrap();
            fs::write(directory.path().join(FENCE), text).unwrap();
            let found = read(directory.path()).unwrap();
            assert_eq!(found, Some(FenceReason::Unreadable), "{text:?}");
        }
        // One that was not finished was not in force.
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(BEGUN), "akashi fence\n").unwrap();
        assert_eq!(read(directory.path()).unwrap(), None);
    }
}
