//! The file behind a [`State`](super::state::State): one checksummed JSON line per change.
//!
//! A line is eight hexadecimal digits of CRC-32C over what follows, a space, the record, a newline. A
//! crash leaves a beginning of the file, with half a line at its end at most: that is cut off. A bad
//! line with a good one behind it is no crash but rot, and is refused. When most of the file is about
//! messages that are done, it is written anew beside itself and renamed.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::state::{FORMAT, Record};
use crate::error::Error;
use crate::files;

/// Largest journal that is read, in bytes; the process writes it anew long before.
const READ_BYTES_MAX: u64 = 1 << 30;
/// Bytes of the checksum and the space behind it.
const CHECKSUM_BYTES: usize = 9;

/// An open journal.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    bytes: u64,
    is_dirty: bool,
}

impl Journal {
    /// Opens it, makes it if there is none, and gives what it says. Half a line at the end is cut off.
    ///
    /// # Errors
    ///
    /// [`Error::File`]; [`Error::Malformed`] for a damaged journal or one of another format.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<Record>), Error> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(Error::file(path))?;
        let (records, bytes) = parse(path, &read(&mut file, path)?)?;
        file.set_len(bytes)
            .and_then(|()| file.seek(SeekFrom::Start(bytes)))
            .map_err(Error::file(path))?;
        let journal = Self {
            path: path.to_owned(),
            file,
            bytes,
            is_dirty: true,
        };
        Ok((journal, records))
    }

    /// What a journal says now, without touching it: also while a process writes to it. Nothing if
    /// there is none.
    ///
    /// # Errors
    ///
    /// As [`Journal::open`].
    pub(super) fn look(path: &Path) -> Result<Vec<Record>, Error> {
        match File::open(path) {
            Ok(mut file) => Ok(parse(path, &read(&mut file, path)?)?.0),
            Err(missing) if missing.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(Error::File {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Bytes in the file.
    #[must_use]
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends records, with one write. They are on disk after [`Journal::sync`].
    ///
    /// # Errors
    ///
    /// [`Error::File`]: then the journal must not be used any more.
    pub(super) fn append(&mut self, records: &[Record]) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        let text = lines(records, &self.path)?;
        self.file
            .write_all(text.as_bytes())
            .map_err(Error::file(&self.path))?;
        self.bytes = self.bytes.saturating_add(length(&text));
        self.is_dirty = true;
        Ok(())
    }

    /// Syncs what was appended.
    ///
    /// # Errors
    ///
    /// As [`Journal::append`].
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        if self.is_dirty {
            self.file.sync_data().map_err(Error::file(&self.path))?;
            self.is_dirty = false;
        }
        Ok(())
    }

    /// Puts these records in place of everything: after a crash there is the old file or the new one.
    ///
    /// # Errors
    ///
    /// As [`Journal::append`].
    pub(super) fn replace(&mut self, records: &[Record]) -> Result<(), Error> {
        let text = lines(records, &self.path)?;
        files::replace_private(&self.path, text.as_bytes())?;
        self.file = OpenOptions::new()
            .append(true)
            .open(&self.path)
            .map_err(Error::file(&self.path))?;
        self.bytes = length(&text);
        self.is_dirty = false;
        Ok(())
    }
}

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

fn lines(records: &[Record], path: &Path) -> Result<String, Error> {
    let mut text = String::new();
    for record in records {
        let json = serde_json::to_string(record)
            .map_err(|_unwritable| Error::malformed(path, "a record is not JSON"))?;
        let checksum = crc32c::crc32c(json.as_bytes());
        text.push_str(&format!("{checksum:08x} {json}\n"));
    }
    Ok(text)
}

fn read(file: &mut File, path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    file.take(READ_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(Error::file(path))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > READ_BYTES_MAX {
        return Err(Error::malformed(path, "larger than 1 GiB"));
    }
    Ok(bytes)
}

/// The records of a file, and how many of its bytes they take.
fn parse(path: &Path, bytes: &[u8]) -> Result<(Vec<Record>, u64), Error> {
    let mut records = Vec::new();
    let mut good_bytes = 0_u64;
    let mut is_cut = false;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match record(line) {
            Some(_) if is_cut => {
                return Err(Error::malformed(
                    path,
                    format!("damaged at byte {good_bytes}, with sound records behind it"),
                ));
            }
            Some(record) => {
                records.push(record);
                good_bytes += u64::try_from(line.len()).unwrap_or(0);
            }
            None => is_cut = true,
        }
    }
    match records.first() {
        None => Ok((records, good_bytes)),
        Some(Record::Opened { format, .. }) if *format == FORMAT => Ok((records, good_bytes)),
        Some(_) => Err(Error::malformed(path, "not a journal of this version")),
    }
}

/// The record of one line; nothing if the line is not whole or not what was written.
fn record(line: &[u8]) -> Option<Record> {
    let (checksum, json) = line.strip_suffix(b"\n")?.split_at_checked(CHECKSUM_BYTES)?;
    let digits = std::str::from_utf8(checksum.strip_suffix(b" ")?).ok()?;
    let expected = u32::from_str_radix(digits, 16).ok()?;
    if crc32c::crc32c(json) != expected {
        return None;
    }
    serde_json::from_slice(json).ok()
}

#[cfg(test)]
mod tests {
    use super::super::state::State;
    use super::*;

    fn records() -> Vec<Record> {
        vec![
            Record::Opened {
                format: FORMAT,
                origin: "dev/e1/g0".to_owned(),
            },
            Record::Queued {
                index: 4,
                due_ms: 10,
                body: "{\"id\":\"4\",\"line\":\"a\\nb\"}".to_owned(),
            },
            Record::Delivered {
                index: 4,
                at_ms: 11,
            },
            Record::Enabled,
        ]
    }

    fn state(records: &[Record]) -> State {
        let mut state = State::default();
        for record in records {
            state.apply(record.clone());
        }
        state
    }

    #[test]
    fn wherever_a_crash_cuts_a_whole_beginning_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let (mut journal, before) = Journal::open(&path).unwrap();
        assert!(before.is_empty());
        let mut ends = Vec::new();
        for record in records() {
            journal.append(std::slice::from_ref(&record)).unwrap();
            ends.push(usize::try_from(journal.bytes()).unwrap());
        }
        journal.sync().unwrap();
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let survived = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(Journal::look(&path).unwrap(), records()[..survived]);
            let (mut journal, found) = Journal::open(&path).unwrap();
            assert_eq!(found, records()[..survived], "cut at {cut}");
            // And it goes on as if nothing had been.
            journal.append(&records()[survived..]).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
    }

    #[test]
    fn rot_is_told_from_a_crash() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let (mut journal, _) = Journal::open(&path).unwrap();
        journal.append(&records()).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let mut rotten = whole.clone();
        let middle = whole.len() / 2;
        rotten[middle] ^= 1;
        std::fs::write(&path, &rotten).unwrap();
        assert!(matches!(Journal::open(&path), Err(Error::Malformed { .. })));
        std::fs::write(&path, &whole[..0]).unwrap();
        assert!(Journal::open(&path).unwrap().1.is_empty());
    }

    #[test]
    fn another_version_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let foreign = Record::Opened {
            format: FORMAT + 1,
            origin: "dev/e1/g0".to_owned(),
        };
        std::fs::write(&path, lines(&[foreign], &path).unwrap()).unwrap();
        assert!(Journal::open(&path).is_err());
        std::fs::write(&path, lines(&[Record::Enabled], &path).unwrap()).unwrap();
        assert!(Journal::open(&path).is_err());
    }

    #[test]
    fn a_journal_written_anew_is_shorter_and_means_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let (mut journal, _) = Journal::open(&path).unwrap();
        journal.append(&records()).unwrap();
        let before = state(&records());
        journal.replace(&before.records()).unwrap();
        journal.append(&[Record::Disabled { at_ms: 1 }]).unwrap();
        journal.sync().unwrap();
        let (_, found) = Journal::open(&path).unwrap();
        let mut after = before;
        after.apply(Record::Disabled { at_ms: 1 });
        assert_eq!(state(&found), after);
    }
}
