//! The directory of the process that delivers webhooks.
//!
//! | path | mode | written by | content |
//! |---|---|---|---|
//! | `running` | 0600 | the process | locked while it runs: there is one at a time |
//! | `marks/<leaves>` | 0600 | the process | a verified place in the log, every 65,536 leaves: where a replay starts reading |
//! | `<name>/endpoint.json` | 0600 | the command | URL, filter, keys |
//! | `<name>/journal` | 0600 | the process | queue, cursor, dead letters |
//! | `<name>/asked/` | 0700 | the command | acts that the process is asked for, removed when they are done |

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use akashi_merkle::Frontier;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;
use super::journal::Journal;
use super::state::State;
use crate::clock;
use crate::entropy;
use crate::error::Error;
use crate::files::{self, Mode};
use crate::layout::is_name;

/// Leaves between two marks.
pub const MARK_LEAVES: u64 = 65_536;
/// Most endpoints of one directory: each reads the log by itself.
pub const ENDPOINTS_MAX: usize = 32;

const ENDPOINT: &str = "endpoint.json";
const JOURNAL: &str = "journal";
const ASKED: &str = "asked";
const MARKS: &str = "marks";
const RUNNING: &str = "running";

/// What the command asks the process for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// Send the leaves of a range again.
    Replay {
        /// First leaf.
        from: u64,
        /// The leaf behind the last; none means everything up to now.
        to: Option<u64>,
    },
    /// Send what was given up again.
    ReplayDead,
    /// Try everything that waits now.
    Hurry,
    /// Go on after the receiver had answered 410.
    Enable,
}

/// The directory.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

impl Home {
    /// The directory at `path`, which need not be there yet.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Adds an endpoint.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for a name that is none, or when there are too many; [`Error::Exists`];
    /// [`Error::File`].
    pub fn add(&self, name: &str, endpoint: &Endpoint) -> Result<(), Error> {
        let folder = self.folder(name)?;
        if folder.exists() {
            return Err(Error::Exists { path: folder });
        }
        if self.names()?.len() >= ENDPOINTS_MAX {
            return Err(Error::usage("32 endpoints are enough for one process"));
        }
        files::private_directory(&folder.join(ASKED))?;
        endpoint.write(&folder.join(ENDPOINT))
    }

    /// Takes an endpoint away, with what waits for it.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if there is none of this name; [`Error::File`].
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let folder = self.known(name)?;
        std::fs::remove_dir_all(&folder).map_err(Error::file(&folder))
    }

    /// Names of the endpoints, in order.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub fn names(&self) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        let entries = match std::fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(missing) if missing.kind() == ErrorKind::NotFound => return Ok(names),
            Err(source) => {
                return Err(Error::File {
                    path: self.0.clone(),
                    source,
                });
            }
        };
        for entry in entries {
            let entry = entry.map_err(Error::file(&self.0))?;
            if entry.path().join(ENDPOINT).is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// An endpoint as its file says.
    ///
    /// # Errors
    ///
    /// As [`Endpoint::read`], and [`Error::Usage`] if there is none of this name.
    pub fn endpoint(&self, name: &str) -> Result<Endpoint, Error> {
        Endpoint::read(&self.known(name)?.join(ENDPOINT))
    }

    /// Writes an endpoint's file anew.
    ///
    /// # Errors
    ///
    /// As [`Endpoint::write`], and [`Error::Usage`] if there is none of this name.
    pub fn update(&self, name: &str, endpoint: &Endpoint) -> Result<(), Error> {
        endpoint.write(&self.known(name)?.join(ENDPOINT))
    }

    /// Changes whenever an endpoint's file is written anew; nothing if there is none.
    pub(super) fn version(&self, name: &str) -> Option<(u64, i64, i64)> {
        let file = std::fs::metadata(self.folder(name).ok()?.join(ENDPOINT)).ok()?;
        Some((file.ino(), file.mtime(), file.mtime_nsec()))
    }

    /// What an endpoint's journal says at this moment.
    ///
    /// # Errors
    ///
    /// As [`Journal::look`], and [`Error::Usage`] if there is none of this name.
    pub fn state(&self, name: &str) -> Result<State, Error> {
        let mut state = State::default();
        for record in Journal::look(&self.known(name)?.join(JOURNAL))? {
            state.apply(record);
        }
        Ok(state)
    }

    /// Opens an endpoint's journal for the process.
    ///
    /// # Errors
    ///
    /// As [`Journal::open`].
    pub(super) fn journal(&self, name: &str) -> Result<(Journal, State), Error> {
        let (journal, records) = Journal::open(&self.folder(name)?.join(JOURNAL))?;
        let mut state = State::default();
        for record in records {
            state.apply(record);
        }
        Ok((journal, state))
    }

    /// Asks the process for something; it looks every second, and when it starts.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if there is no endpoint of this name; [`Error::File`]; [`Error::Entropy`].
    pub fn ask(&self, name: &str, ask: &Ask) -> Result<(), Error> {
        let folder = self.known(name)?.join(ASKED);
        files::private_directory(&folder)?;
        let text =
            serde_json::to_vec(ask).map_err(|_unwritable| Error::malformed(&folder, "not JSON"))?;
        let unique = hex::encode(entropy::random::<4>()?);
        let path = folder.join(format!("{:020}-{unique}", clock::unix_us()));
        // Half a file must not be read.
        let fresh = path.with_extension("new");
        files::write_new(&fresh, &text, Mode::Private)?;
        files::rename(&fresh, &path)
    }

    /// What is asked for, in order, with the files to remove when it is done.
    ///
    /// # Errors
    ///
    /// [`Error::File`]; [`Error::Malformed`].
    pub(super) fn asked(&self, name: &str) -> Result<Vec<(PathBuf, Ask)>, Error> {
        let folder = self.folder(name)?.join(ASKED);
        let mut asked = Vec::new();
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.map_err(Error::file(&folder))?.path();
            if path.extension().is_none() {
                let ask = serde_json::from_str(&files::read_text(&path)?)
                    .map_err(|bad| Error::malformed(&path, bad.to_string()))?;
                asked.push((path, ask));
            }
        }
        asked.sort_by(|a: &(PathBuf, Ask), b| a.0.cmp(&b.0));
        Ok(asked)
    }

    /// Makes this the one process of the directory, for as long as the value lives.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if another process runs; [`Error::File`].
    pub(super) fn lock(&self) -> Result<File, Error> {
        files::private_directory(&self.0.join(MARKS))?;
        let path = self.0.join(RUNNING);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(Error::file(&path))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_held| {
            Error::usage(format!("another process serves {}", self.0.display()))
        })?;
        Ok(file)
    }

    /// The verified place nearest before a leaf; nothing if there is none but the beginning.
    pub(super) fn mark_before(&self, index: u64) -> Option<Frontier> {
        let entries = std::fs::read_dir(self.0.join(MARKS)).ok()?;
        let sizes = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<u64>().ok());
        let nearest = sizes.filter(|size| *size <= index).max()?;
        let text = files::read_text(&self.mark(nearest)).ok()?;
        let frontier = Frontier::decode(&hex::decode(text.trim()).ok()?).ok()?;
        (frontier.size() == nearest).then_some(frontier)
    }

    /// Keeps a verified place, if it lies behind the next multiple of [`MARK_LEAVES`] after `before`.
    pub(super) fn keep_mark(&self, before: u64, frontier: &Frontier) -> Result<(), Error> {
        let path = self.mark(frontier.size());
        if before / MARK_LEAVES == frontier.size() / MARK_LEAVES || path.exists() {
            return Ok(());
        }
        files::replace_private(&path, hex::encode(frontier.encode()).as_bytes())
    }

    fn mark(&self, size: u64) -> PathBuf {
        self.0.join(MARKS).join(format!("{size:020}"))
    }

    fn folder(&self, name: &str) -> Result<PathBuf, Error> {
        if !is_name(name) || name == MARKS || name == RUNNING {
            return Err(Error::usage(
                "name: 1 to 32 lower-case letters, digits or hyphens, and not marks or running",
            ));
        }
        Ok(self.0.join(name))
    }

    fn known(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self.folder(name)?;
        if !folder.join(ENDPOINT).is_file() {
            return Err(Error::usage(format!(
                "no endpoint {name} in {}",
                self.0.display()
            )));
        }
        Ok(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::super::endpoint::Filter;
    use super::super::sign::Generation;
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(directory.path().join("webhooks"));
        (directory, home)
    }

    fn endpoint() -> Endpoint {
        Endpoint {
            url: "http://127.0.0.1:1/".to_owned(),
            filter: Filter::default(),
            from: 0,
            allow_private: true,
            allow_http: true,
            ca: None,
            keys: vec![Generation::fresh(0).unwrap()],
        }
    }

    #[test]
    fn endpoints_are_added_once_listed_and_removed() {
        let (_kept, home) = home();
        assert!(home.names().unwrap().is_empty());
        home.add("crm", &endpoint()).unwrap();
        assert!(matches!(
            home.add("crm", &endpoint()),
            Err(Error::Exists { .. })
        ));
        assert_eq!(home.names().unwrap(), ["crm"]);
        for bad in ["", "marks", "running", "../up", "CRM"] {
            assert!(home.add(bad, &endpoint()).is_err(), "{bad}");
        }
        assert!(home.endpoint("other").is_err());
        home.remove("crm").unwrap();
        assert!(home.names().unwrap().is_empty());
    }

    #[test]
    fn what_is_asked_for_arrives_in_order() {
        let (_kept, home) = home();
        home.add("crm", &endpoint()).unwrap();
        let asks = [
            Ask::Enable,
            Ask::Replay {
                from: 3,
                to: Some(9),
            },
            Ask::Hurry,
            Ask::ReplayDead,
        ];
        for ask in &asks {
            home.ask("crm", ask).unwrap();
        }
        let seen = home.asked("crm").unwrap();
        assert!(seen.iter().map(|(_, ask)| ask).eq(&asks));
    }

    #[test]
    fn there_is_one_process_at_a_time() {
        let (_kept, home) = home();
        let lock = home.lock().unwrap();
        assert!(matches!(home.lock(), Err(Error::Usage { .. })));
        drop(lock);
        home.lock().unwrap();
    }

    #[test]
    fn the_nearest_mark_before_a_leaf_is_found() {
        let (_kept, home) = home();
        let _lock = home.lock().unwrap();
        let mut frontier = Frontier::new();
        let mut before = 0;
        for _ in 0..(2 * MARK_LEAVES + 10) {
            frontier.append([1; 32], &mut |_id, _hash| {});
            if frontier.size().is_multiple_of(256) {
                home.keep_mark(before, &frontier).unwrap();
                before = frontier.size();
            }
        }
        let size = |index| home.mark_before(index).map(|frontier| frontier.size());
        assert_eq!(size(0), None);
        assert_eq!(size(MARK_LEAVES - 1), None);
        assert_eq!(size(MARK_LEAVES), Some(MARK_LEAVES));
        assert_eq!(size(u64::MAX), Some(2 * MARK_LEAVES));
    }
}
