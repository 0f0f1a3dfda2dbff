//! The segments of the Raft log as real files.
//!
//! Segments are written full of zeros before they are used: a write into room that is only
//! reserved (`fallocate`) makes the file system record the conversion at each sync, at more than
//! twice the cost. Files are never opened for append, never truncated, never mapped.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use akashi_replica::log::{Disk, DiskError, SegmentName};

/// How many zeros one write call carries, in bytes: large enough that the calls do not matter.
const ZEROS_BYTES: usize = 256 << 10;

/// A directory of segment files.
#[derive(Debug)]
pub struct FileDisk {
    path: PathBuf,
    directory: File,
    files: BTreeMap<SegmentName, File>,
}

impl FileDisk {
    /// Opens the directory, which exists.
    ///
    /// # Errors
    ///
    /// [`DiskError`] when it is not there or not a directory one may read.
    pub fn open(path: &Path) -> Result<Self, DiskError> {
        let directory = File::open(path).map_err(disk_error)?;
        Ok(Self {
            path: path.to_path_buf(),
            directory,
            files: BTreeMap::new(),
        })
    }

    fn path_of(&self, name: SegmentName) -> PathBuf {
        self.path.join(match name {
            SegmentName::Live(number) => format!("{number:020}.log"),
            SegmentName::Spare(number) => format!("{number:020}.spare"),
        })
    }

    /// The open file of `name`, opened at first use and kept.
    fn file(&mut self, name: SegmentName) -> Result<&File, DiskError> {
        let path = self.path_of(name);
        match self.files.entry(name) {
            std::collections::btree_map::Entry::Occupied(open) => Ok(open.into_mut()),
            std::collections::btree_map::Entry::Vacant(closed) => {
                let file = OpenOptions::new()
                    .read(true)
                    .write(true)
                    .open(path)
                    .map_err(disk_error)?;
                Ok(closed.insert(file))
            }
        }
    }

    fn sync_directory(&self) -> Result<(), DiskError> {
        self.directory.sync_all().map_err(disk_error)
    }
}

impl Disk for FileDisk {
    fn list(&mut self) -> Result<Vec<(SegmentName, u64)>, DiskError> {
        self.sync_directory()?;
        let mut found = Vec::new();
        for file in fs::read_dir(&self.path).map_err(disk_error)? {
            let file = file.map_err(disk_error)?;
            // Other names are none of ours: a mount point has its own.
            if let Some(name) = file.file_name().to_str().and_then(parse) {
                found.push((name, file.metadata().map_err(disk_error)?.len()));
            }
        }
        Ok(found)
    }

    fn extend(&mut self, name: SegmentName, bytes: u64) -> Result<(), DiskError> {
        let path = self.path_of(name);
        if !path.try_exists().map_err(disk_error)? {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path)
                .map_err(disk_error)?;
            self.files.insert(name, file);
            self.sync_directory()?;
        }
        let file = self.file(name)?;
        let mut end = file.metadata().map_err(disk_error)?.len();
        let zeros = vec![0; ZEROS_BYTES];
        while end < bytes {
            let left = usize::try_from(bytes.saturating_sub(end)).unwrap_or(usize::MAX);
            let part = zeros.get(..left).unwrap_or(&zeros);
            file.write_all_at(part, end).map_err(disk_error)?;
            end = end.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
        }
        file.sync_all().map_err(disk_error)
    }

    fn read_at(
        &mut self,
        name: SegmentName,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<(), DiskError> {
        self.file(name)?
            .read_exact_at(buffer, offset)
            .map_err(disk_error)
    }

    fn write_at(&mut self, name: SegmentName, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.file(name)?
            .write_all_at(bytes, offset)
            .map_err(disk_error)
    }

    fn sync(&mut self, name: SegmentName) -> Result<(), DiskError> {
        self.file(name)?.sync_data().map_err(disk_error)
    }

    fn rename(&mut self, from: SegmentName, to: SegmentName) -> Result<(), DiskError> {
        let (old, new) = (self.path_of(from), self.path_of(to));
        if new.try_exists().map_err(disk_error)? {
            return Err(disk_error(ErrorKind::AlreadyExists.into()));
        }
        fs::rename(old, new).map_err(disk_error)?;
        if let Some(file) = self.files.remove(&from) {
            self.files.insert(to, file);
        }
        self.sync_directory()
    }

    fn remove(&mut self, name: SegmentName) -> Result<(), DiskError> {
        self.files.remove(&name);
        fs::remove_file(self.path_of(name)).map_err(disk_error)?;
        self.sync_directory()
    }
}

/// The segment a file name stands for.
fn parse(file_name: &str) -> Option<SegmentName> {
    let (number, kind) = file_name.split_once('.')?;
    if number.len() != 20 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = number.parse().ok()?;
    match kind {
        "log" => Some(SegmentName::Live(number)),
        "spare" => Some(SegmentName::Spare(number)),
        _ => None,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the standard library adds kinds of errors"
)]
fn disk_error(error: io::Error) -> DiskError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => DiskError::NoSpace(Box::new(error)),
        _ => DiskError::Failed(Box::new(error)),
    }
}

#[cfg(test)]
mod tests {
    use akashi_replica::entry::{EntryKind, HardState, LogEntry};
    use akashi_replica::log::{FrameBody, LogError, LogOptions, RaftLog};

    use super::*;

    #[test]
    fn a_log_on_files_survives_reopening_rolling_and_releasing() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = RaftLog::format(disk(directory.path()), options()).unwrap();
        let mut expected = Vec::new();
        for index in 1..=60 {
            let entry = LogEntry {
                index,
                term: 1,
                kind: EntryKind::Normal,
                data: vec![7; 1500],
            };
            expected.push(entry.clone());
            let hard_state = Some(HardState {
                term: 1,
                vote: 2,
                commit: index - 1,
            });
            log.append(FrameBody::Append {
                entries: vec![entry],
                hard_state,
            })
            .unwrap();
            log.sync().unwrap();
            while log.prepare_step().unwrap() {}
        }
        log.release_before(40).unwrap();
        let (base, _) = log.base();
        assert!(base > 20 && base < 40);
        drop(log);
        let (mut log, found) = RaftLog::open(disk(directory.path()), options()).unwrap();
        let live = &expected[usize::try_from(base).unwrap()..];
        assert_eq!(found.entries, live);
        assert_eq!(
            found.hard_state,
            HardState {
                term: 1,
                vote: 2,
                commit: 59
            }
        );
        assert_eq!(log.read_entries(base + 1, 61, u64::MAX).unwrap(), live);
        let mut names: Vec<_> = fs::read_dir(directory.path())
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert!(
            names.iter().any(|name| name == "00000000000000000008.log"),
            "{names:?}"
        );
        assert!(
            names.iter().any(|name| name.ends_with(".spare")),
            "{names:?}"
        );
    }

    #[test]
    fn a_bit_flipped_in_a_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = RaftLog::format(disk(directory.path()), options()).unwrap();
        for index in 1..=2 {
            let entry = LogEntry {
                index,
                term: 1,
                kind: EntryKind::Normal,
                data: vec![7; 15],
            };
            log.append(FrameBody::Append {
                entries: vec![entry],
                hard_state: None,
            })
            .unwrap();
            log.sync().unwrap();
        }
        drop(log);
        let path = directory.path().join("00000000000000000001.log");
        let mut bytes = fs::read(&path).unwrap();
        bytes[4096 + 90] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(matches!(
            RaftLog::open(disk(directory.path()), options()),
            Err(LogError::BitRot {
                segment: 1,
                offset: 4096
            })
        ));
    }

    #[test]
    fn a_spare_grows_in_steps_and_holds_zeros() {
        let directory = tempfile::tempdir().unwrap();
        let mut disk = disk(directory.path());
        let name = SegmentName::Spare(3);
        disk.extend(name, 8192).unwrap();
        disk.write_at(name, 0, b"x").unwrap();
        disk.extend(name, 1 << 20).unwrap();
        disk.extend(name, 4096).unwrap();
        assert_eq!(disk.list().unwrap(), [(name, 1 << 20)]);
        let mut bytes = vec![1; 1 << 20];
        disk.read_at(name, 0, &mut bytes).unwrap();
        assert_eq!(bytes[0], b'x');
        assert!(bytes[1..].iter().all(|byte| *byte == 0));
        assert!(disk.read_at(name, 1 << 20, &mut [0]).is_err());
    }

    #[test]
    fn a_rename_never_replaces_a_segment() {
        let directory = tempfile::tempdir().unwrap();
        let mut disk = disk(directory.path());
        disk.extend(SegmentName::Spare(1), 4096).unwrap();
        disk.extend(SegmentName::Live(1), 4096).unwrap();
        assert!(
            disk.rename(SegmentName::Spare(1), SegmentName::Live(1))
                .is_err()
        );
        disk.remove(SegmentName::Live(1)).unwrap();
        disk.rename(SegmentName::Spare(1), SegmentName::Live(1))
            .unwrap();
        assert_eq!(disk.list().unwrap(), [(SegmentName::Live(1), 4096)]);
    }

    fn options() -> LogOptions {
        LogOptions {
            segment_bytes: 32 << 10,
            frame_bytes_max: 16 << 10,
            prepare_step_bytes: 8 << 10,
            ..LogOptions::new([5; 16])
        }
    }

    fn disk(path: &Path) -> FileDisk {
        FileDisk::open(path).unwrap()
    }
}
