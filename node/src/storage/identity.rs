//! Whose data directory this is, and that only one process has it.
//!
//! A disk that was emptied, swapped or copied from another node must not come back under an old
//! name: the node may have voted or signed, and would not remember. So the identity is written
//! once, last of all, when the directory is formatted; and a directory whose identity and contents
//! do not belong together is refused, never repaired.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use akashi_replica::log::{LogError, LogOptions, RaftLog, Recovered};
use akashi_replica::snapshot::{SwitchError, Switched, switch};
use akashi_replica::store::StoreError;

use super::{FileDisk, FilePlace, RocksStore, StorageError};

/// The layout of the data directory this version writes and reads.
const FORMAT: u32 = 1;

/// Which node a data directory belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The cluster's number, drawn at random at its genesis.
    pub cluster_id: [u8; 16],
    /// The node's number in the cluster: its Raft id.
    pub node_id: u64,
    /// Drawn at random each time a node is formatted: tells two lives of one node number apart,
    /// and numbers the log.
    pub incarnation: [u8; 16],
}

/// An open data directory. No other process can open it while this value lives.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    identity: Identity,
    segment_bytes: u64,
    /// Holds the lock; released when the process ends, however it ends.
    _lock: File,
}

impl DataDirectory {
    /// Makes `path` the data directory of a node that has never run, with a log in segments of
    /// `segment_bytes`. A format that was cut short is begun anew.
    ///
    /// # Durability
    ///
    /// The directory is complete and synced when this returns, and counts as not formatted until
    /// its very last step.
    ///
    /// # Errors
    ///
    /// [`StorageError::AlreadyFormatted`] and [`StorageError::Remains`] when there is anything in
    /// it that may be needed; [`StorageError::InUse`]; the errors of files and log.
    pub fn format(
        path: &Path,
        identity: Identity,
        segment_bytes: u64,
    ) -> Result<Self, StorageError> {
        fs::create_dir_all(path).map_err(StorageError::Files)?;
        only_for_the_owner(path)?;
        let lock = lock(path)?;
        if exists(&path.join(IDENTITY))? {
            return Err(StorageError::AlreadyFormatted);
        }
        let directory = Self {
            path: path.to_path_buf(),
            identity,
            segment_bytes,
            _lock: lock,
        };
        let begun = path.join(IDENTITY_BEGUN);
        for part in [LOG, STATE] {
            let part = path.join(part);
            if exists(&part)? && !exists(&begun)? {
                return Err(StorageError::Remains);
            }
        }
        write_synced(&begun, encode(&identity).as_bytes())?;
        sync_directory(path)?;
        for part in [LOG, STATE] {
            let part = path.join(part);
            if exists(&part)? {
                fs::remove_dir_all(&part).map_err(StorageError::Files)?;
            }
            fs::create_dir(&part).map_err(StorageError::Files)?;
        }
        sync_directory(path)?;
        let disk = directory.log_disk()?;
        RaftLog::format(disk, directory.log_options()).map_err(StorageError::Log)?;
        fs::rename(&begun, path.join(IDENTITY)).map_err(StorageError::Files)?;
        sync_directory(path)?;
        // The directory itself may be new: its name has to survive too.
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            sync_directory(parent)?;
        }
        Ok(directory)
    }

    /// Opens the data directory of this node; new segments of its log get `segment_bytes`.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFormatted`], [`StorageError::InUse`], [`StorageError::OtherNode`],
    /// [`StorageError::UnknownFormat`], [`StorageError::IdentityDamaged`], or the errors of files.
    pub fn open(
        path: &Path,
        cluster_id: [u8; 16],
        node_id: u64,
        segment_bytes: u64,
    ) -> Result<Self, StorageError> {
        if !exists(&path.join(IDENTITY))? {
            return Err(StorageError::NotFormatted);
        }
        let lock = lock(path)?;
        let text = fs::read_to_string(path.join(IDENTITY)).map_err(StorageError::Files)?;
        let identity = decode(&text)?;
        if (identity.cluster_id, identity.node_id) != (cluster_id, node_id) {
            return Err(StorageError::OtherNode);
        }
        Ok(Self {
            path: path.to_path_buf(),
            identity,
            segment_bytes,
            _lock: lock,
        })
    }

    /// Whether `path` was formatted to the end.
    ///
    /// # Errors
    ///
    /// [`StorageError::Files`] when it cannot be told.
    pub fn is_formatted(path: &Path) -> Result<bool, StorageError> {
        exists(&path.join(IDENTITY))
    }

    /// Whose directory this is.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the Raft log and reads all of it; before that, finishes the switch to a snapshot that was
    /// received whole. To be called before [`DataDirectory::open_state`].
    ///
    /// # Errors
    ///
    /// [`StorageError::LogMissing`] when it was there once, as the identity proves, and is gone;
    /// [`StorageError::Log`] otherwise; those of the switch.
    pub fn open_log(&self) -> Result<(RaftLog<FileDisk>, Recovered), StorageError> {
        let (mut log, recovered) = self.read_log()?;
        let switched = switch(&mut self.place(), &mut log).map_err(|error| match error {
            SwitchError::Log(error) => StorageError::Log(error),
            SwitchError::Place(error) => error,
        })?;
        match switched {
            Switched::Nothing => Ok((log, recovered)),
            Switched::NotNeeded(base) => {
                tracing::info!(
                    index = base.index,
                    "a snapshot that came too late is dropped"
                );
                Ok((log, recovered))
            }
            Switched::To(base) => {
                tracing::info!(index = base.index, "log and state start from a snapshot");
                drop(log);
                self.read_log()
            }
        }
    }

    /// Where a snapshot is received.
    #[must_use]
    pub fn place(&self) -> FilePlace {
        FilePlace::new(&self.path)
    }

    fn read_log(&self) -> Result<(RaftLog<FileDisk>, Recovered), StorageError> {
        if !exists(&self.path.join(LOG))? {
            return Err(StorageError::LogMissing);
        }
        let disk = self.log_disk()?;
        RaftLog::open(disk, self.log_options()).map_err(|error| match error {
            LogError::Missing => StorageError::LogMissing,
            other @ (LogError::Disk(_)
            | LogError::NoSpace(_)
            | LogError::Poisoned
            | LogError::BitRot { .. }
            | LogError::Malformed { .. }
            | LogError::SegmentMissing { .. }
            | LogError::Exists
            | LogError::Gap
            | LogError::TooLarge
            | LogError::Compacted
            | LogError::Options) => StorageError::Log(other),
        })
    }

    /// Opens the state store of Raft group `group`. An absent one is created: the log replays
    /// whatever it held, or the start rule refuses.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when RocksDB refuses.
    pub fn open_state(&self, group: u16) -> Result<RocksStore, StoreError> {
        RocksStore::open(&self.path.join(STATE), group)
    }

    fn log_disk(&self) -> Result<FileDisk, StorageError> {
        FileDisk::open(&self.path.join(LOG))
            .map_err(|error| StorageError::Log(LogError::Disk(error)))
    }

    fn log_options(&self) -> LogOptions {
        let options = LogOptions::new(self.identity.incarnation);
        LogOptions {
            segment_bytes: self.segment_bytes,
            // At least two frames fit into a segment, whatever its size.
            frame_bytes_max: options.frame_bytes_max.min(self.segment_bytes >> 1),
            ..options
        }
    }
}

/// The state holds submit tokens until they are used: nobody else on the machine may read it.
fn only_for_the_owner(path: &Path) -> Result<(), StorageError> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(StorageError::Files)
}

const IDENTITY: &str = "identity";
const IDENTITY_BEGUN: &str = "identity.new";
const LOCK: &str = "lock";
const LOG: &str = "log";
const STATE: &str = "state";

/// Words of the identity file, in order; text, so that an operator can read whose disk this is.
const TITLE: &str = "akashi identity";

fn encode(identity: &Identity) -> String {
    let body = format!(
        "{TITLE}\nformat {FORMAT}\ncluster {}\nnode {}\nincarnation {}\n",
        hex::encode(identity.cluster_id),
        identity.node_id,
        hex::encode(identity.incarnation),
    );
    let check = check(&body);
    format!("{body}check {check}\n")
}

fn decode(text: &str) -> Result<Identity, StorageError> {
    let damaged = || StorageError::IdentityDamaged;
    let (body, check_line) = text
        .split_at_checked(text.rfind("check ").unwrap_or(0))
        .ok_or_else(damaged)?;
    if check_line != format!("check {}\n", check(body)) {
        return Err(damaged());
    }
    let mut lines = body.lines();
    if lines.next() != Some(TITLE) {
        return Err(damaged());
    }
    let mut value = |key: &str| {
        let (found, value) = lines.next()?.split_once(' ')?;
        (found == key).then(|| value.to_owned())
    };
    let format: u32 = value("format")
        .and_then(|format| format.parse().ok())
        .ok_or_else(damaged)?;
    if format != FORMAT {
        return Err(StorageError::UnknownFormat);
    }
    let cluster_id = value("cluster")
        .and_then(|id| sixteen(&id))
        .ok_or_else(damaged)?;
    let node_id = value("node")
        .and_then(|id| id.parse().ok())
        .ok_or_else(damaged)?;
    let incarnation = value("incarnation")
        .and_then(|id| sixteen(&id))
        .ok_or_else(damaged)?;
    Ok(Identity {
        cluster_id,
        node_id,
        incarnation,
    })
}

fn sixteen(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
}

/// First eight bytes of the BLAKE3 hash, in hexadecimal: against damage, not against forgery.
fn check(body: &str) -> String {
    blake3::hash(body.as_bytes())
        .to_hex()
        .chars()
        .take(16)
        .collect()
}

fn lock(path: &Path) -> Result<File, StorageError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.join(LOCK))
        .map_err(StorageError::Files)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StorageError::InUse),
        Err(TryLockError::Error(error)) => Err(StorageError::Files(error)),
    }
}

pub(super) fn exists(path: &Path) -> Result<bool, StorageError> {
    match path.try_exists() {
        Err(error) if error.kind() == ErrorKind::NotADirectory => Ok(false),
        found => found.map_err(StorageError::Files),
    }
}

pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), StorageError> {
    let mut file = File::create(path).map_err(StorageError::Files)?;
    file.write_all(bytes).map_err(StorageError::Files)?;
    file.sync_all().map_err(StorageError::Files)
}

pub(super) fn sync_directory(path: &Path) -> Result<(), StorageError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(StorageError::Files)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: u64 = 4 << 20;
    const NODE: Identity = Identity {
        cluster_id: [1; 16],
        node_id: 3,
        incarnation: [2; 16],
    };

    #[test]
    fn a_formatted_directory_opens_as_the_same_node_with_an_empty_log() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        assert!(!DataDirectory::is_formatted(&path).unwrap());
        drop(DataDirectory::format(&path, NODE, SEGMENT).unwrap());
        assert!(DataDirectory::is_formatted(&path).unwrap());
        let directory = DataDirectory::open(&path, [1; 16], 3, SEGMENT).unwrap();
        assert_eq!(directory.identity(), NODE);
        assert_eq!(directory.open_log().unwrap().1.last_index, 0);
    }

    #[test]
    fn the_identity_file_is_pinned() {
        assert_eq!(
            encode(&NODE),
            "akashi identity\nformat 1\ncluster 01010101010101010101010101010101\nnode 3\n\
             incarnation 02020202020202020202020202020202\ncheck 060f6d75f141e2ea\n"
        );
    }

    #[test]
    fn another_cluster_another_node_another_format_and_damage_are_refused() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path();
        drop(DataDirectory::format(path, NODE, SEGMENT).unwrap());
        let open = || DataDirectory::open(path, [1; 16], 3, SEGMENT);
        assert!(matches!(
            DataDirectory::open(path, [9; 16], 3, SEGMENT),
            Err(StorageError::OtherNode)
        ));
        assert!(matches!(
            DataDirectory::open(path, [1; 16], 4, SEGMENT),
            Err(StorageError::OtherNode)
        ));
        let file = path.join(IDENTITY);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("node 3", "node 4")).unwrap();
        assert!(matches!(open(), Err(StorageError::IdentityDamaged)));
        fs::write(&file, "").unwrap();
        assert!(matches!(open(), Err(StorageError::IdentityDamaged)));
        let body = text
            .split("check")
            .next()
            .unwrap()
            .replace("format 1", "format 2");
        fs::write(&file, format!("{body}check {}\n", check(&body))).unwrap();
        assert!(matches!(open(), Err(StorageError::UnknownFormat)));
        fs::write(&file, text).unwrap();
        assert!(open().is_ok());
    }

    #[test]
    fn two_processes_cannot_have_one_directory() {
        let temp = tempfile::tempdir().unwrap();
        let first = DataDirectory::format(temp.path(), NODE, SEGMENT).unwrap();
        let open = || DataDirectory::open(temp.path(), [1; 16], 3, SEGMENT);
        assert!(matches!(open(), Err(StorageError::InUse)));
        drop(first);
        assert!(open().is_ok());
    }

    #[test]
    fn a_directory_is_formatted_once() {
        let temp = tempfile::tempdir().unwrap();
        drop(DataDirectory::format(temp.path(), NODE, SEGMENT).unwrap());
        let again = DataDirectory::format(temp.path(), NODE, SEGMENT);
        assert!(matches!(again, Err(StorageError::AlreadyFormatted)));
    }

    #[test]
    fn an_emptied_disk_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        drop(DataDirectory::format(temp.path(), NODE, SEGMENT).unwrap());
        let open = || {
            DataDirectory::open(temp.path(), [1; 16], 3, SEGMENT)
                .unwrap()
                .open_log()
        };
        fs::remove_file(temp.path().join("log/00000000000000000001.log")).unwrap();
        assert!(matches!(open(), Err(StorageError::LogMissing)));
        fs::remove_dir_all(temp.path().join(LOG)).unwrap();
        assert!(matches!(open(), Err(StorageError::LogMissing)));
    }

    #[test]
    fn the_log_of_another_life_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let (old, new) = (temp.path().join("old"), temp.path().join("new"));
        drop(DataDirectory::format(&old, NODE, SEGMENT).unwrap());
        drop(
            DataDirectory::format(
                &new,
                Identity {
                    incarnation: [5; 16],
                    ..NODE
                },
                SEGMENT,
            )
            .unwrap(),
        );
        fs::remove_dir_all(new.join(LOG)).unwrap();
        fs::rename(old.join(LOG), new.join(LOG)).unwrap();
        let found = DataDirectory::open(&new, [1; 16], 3, SEGMENT)
            .unwrap()
            .open_log();
        assert!(matches!(
            found,
            Err(StorageError::Log(LogError::BitRot { .. }))
        ));
    }

    #[test]
    fn data_without_an_identity_is_left_alone() {
        let temp = tempfile::tempdir().unwrap();
        drop(DataDirectory::format(temp.path(), NODE, SEGMENT).unwrap());
        fs::remove_file(temp.path().join(IDENTITY)).unwrap();
        let again = DataDirectory::format(temp.path(), NODE, SEGMENT);
        assert!(matches!(again, Err(StorageError::Remains)));
        let found = DataDirectory::open(temp.path(), [1; 16], 3, SEGMENT);
        assert!(matches!(found, Err(StorageError::NotFormatted)));
    }

    #[test]
    fn a_format_that_was_cut_short_is_begun_anew() {
        let temp = tempfile::tempdir().unwrap();
        drop(DataDirectory::format(temp.path(), NODE, SEGMENT).unwrap());
        let identity = temp.path().join(IDENTITY);
        fs::rename(&identity, temp.path().join(IDENTITY_BEGUN)).unwrap();
        let found = DataDirectory::open(temp.path(), [1; 16], 3, SEGMENT);
        assert!(matches!(found, Err(StorageError::NotFormatted)));
        let again = Identity {
            incarnation: [7; 16],
            ..NODE
        };
        drop(DataDirectory::format(temp.path(), again, SEGMENT).unwrap());
        let directory = DataDirectory::open(temp.path(), [1; 16], 3, SEGMENT).unwrap();
        assert_eq!(directory.identity(), again);
        assert!(directory.open_log().is_ok());
    }

    #[test]
    fn a_log_that_ends_before_the_applied_state_is_refused() {
        assert!(super::super::check_log_reaches(7, 7).is_ok());
        let lost = super::super::check_log_reaches(7, 8);
        assert!(matches!(lost, Err(StorageError::LogLost)));
    }
}
