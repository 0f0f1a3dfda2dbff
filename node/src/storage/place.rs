//! Where a snapshot is received, beside the state it may replace.
//!
//! ```text
//! snap-new/manifest   what is being received, and why it may be believed
//! snap-new/state/     RocksDB, in the making
//! snap-new/whole      written last: the entry behind which the log will start
//! ```
//!
//! Without `whole` the folder counts for nothing but as a part of the same snapshot, to go on from. It
//! must never touch the node's own log or state before `whole` is on disk.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use akashi_replica::snapshot::{Base, Place};

use super::identity::{exists, sync_directory, write_synced};
use super::{RocksStore, StorageError};

const FOLDER: &str = "snap-new";
const MANIFEST: &str = "manifest";
const MANIFEST_BEGUN: &str = "manifest.new";
const WHOLE: &str = "whole";
const WHOLE_BEGUN: &str = "whole.new";
const STATE: &str = "state";

/// The folder of a data directory in which a snapshot is received.
#[derive(Clone, Debug)]
pub struct FilePlace {
    data: PathBuf,
}

/// A store that a snapshot is received into.
#[derive(Debug)]
pub struct Incoming {
    /// The store.
    pub store: RocksStore,
    /// Whether it holds a part of the same snapshot already.
    pub resumed: bool,
}

impl FilePlace {
    /// The place inside the data directory `data`.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self {
            data: data.to_path_buf(),
        }
    }

    /// Opens the store for the snapshot with this manifest. What is there of another snapshot goes.
    ///
    /// # Errors
    ///
    /// [`StorageError`] when the disk refuses.
    pub fn receive(&self, manifest: &[u8], group: u16) -> Result<Incoming, StorageError> {
        let resumed = self.manifest()?.as_deref() == Some(manifest);
        if !resumed {
            self.drop_folder()?;
            fs::create_dir_all(self.own(STATE)).map_err(StorageError::Files)?;
            let begun = self.own(MANIFEST_BEGUN);
            write_synced(&begun, manifest)?;
            fs::rename(&begun, self.own(MANIFEST)).map_err(StorageError::Files)?;
            sync_directory(&self.folder())?;
            sync_directory(&self.data)?;
        }
        let store = RocksStore::open(&self.own(STATE), group).map_err(StorageError::Received)?;
        Ok(Incoming { store, resumed })
    }

    /// The manifest of what is being received, if anything is.
    ///
    /// # Errors
    ///
    /// [`StorageError`] when the disk refuses.
    pub fn manifest(&self) -> Result<Option<Vec<u8>>, StorageError> {
        let file = self.own(MANIFEST);
        if !exists(&file)? {
            return Ok(None);
        }
        fs::read(file).map(Some).map_err(StorageError::Files)
    }

    /// Says that the received state is whole: the next start switches to it. The store is flushed and
    /// closed.
    ///
    /// # Durability
    ///
    /// On disk once this has returned; until then nothing has changed.
    ///
    /// # Errors
    ///
    /// [`StorageError`] when the disk refuses.
    pub fn finish(&self, base: Base) -> Result<(), StorageError> {
        // RocksDB has synced its files; their names are ours to keep.
        for file in fs::read_dir(self.own(STATE)).map_err(StorageError::Files)? {
            let path = file.map_err(StorageError::Files)?.path();
            if path.is_file() {
                File::open(path)
                    .and_then(|file| file.sync_all())
                    .map_err(StorageError::Files)?;
            }
        }
        sync_directory(&self.own(STATE))?;
        sync_directory(&self.folder())?;
        let begun = self.own(WHOLE_BEGUN);
        write_synced(&begun, encode(base).as_bytes())?;
        fs::rename(begun, self.own(WHOLE)).map_err(StorageError::Files)?;
        sync_directory(&self.folder())
    }

    /// Forgets what was received so far.
    ///
    /// # Errors
    ///
    /// [`StorageError`] when the disk refuses.
    pub fn drop_folder(&self) -> Result<(), StorageError> {
        let folder = self.folder();
        // First what makes the rest count for something.
        for file in [WHOLE, MANIFEST] {
            let file = self.own(file);
            if exists(&file)? {
                fs::remove_file(file).map_err(StorageError::Files)?;
                sync_directory(&folder)?;
            }
        }
        if exists(&folder)? {
            fs::remove_dir_all(&folder).map_err(StorageError::Files)?;
            sync_directory(&self.data)?;
        }
        Ok(())
    }

    fn folder(&self) -> PathBuf {
        self.data.join(FOLDER)
    }

    fn own(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }
}

impl Place for FilePlace {
    type Error = StorageError;

    fn whole(&mut self) -> Result<Option<Base>, StorageError> {
        let file = self.own(WHOLE);
        if !exists(&file)? {
            return Ok(None);
        }
        let text = fs::read_to_string(file).map_err(StorageError::Files)?;
        decode(&text).map(Some).ok_or(StorageError::SnapshotDamaged)
    }

    fn adopt(&mut self) -> Result<(), StorageError> {
        let (received, own) = (self.own(STATE), self.data.join(STATE));
        if !exists(&received)? {
            return Ok(());
        }
        if exists(&own)? {
            fs::remove_dir_all(&own).map_err(StorageError::Files)?;
            sync_directory(&self.data)?;
        }
        fs::rename(received, own).map_err(StorageError::Files)?;
        sync_directory(&self.folder())?;
        sync_directory(&self.data)
    }

    fn clear(&mut self) -> Result<(), StorageError> {
        self.drop_folder()
    }
}

fn encode(base: Base) -> String {
    let body = format!("index {}\nterm {}\n", base.index, base.term);
    let check = blake3::hash(body.as_bytes()).to_hex();
    format!("{body}check {check}\n")
}

fn decode(text: &str) -> Option<Base> {
    let mut lines = text.lines();
    let mut number = |key: &str| {
        let (found, value) = lines.next()?.split_once(' ')?;
        (found == key).then(|| value.parse().ok())?
    };
    let base = Base {
        index: number("index")?,
        term: number("term")?,
    };
    (encode(base) == text).then_some(base)
}

#[cfg(test)]
mod tests {
    use akashi_replica::entry::HardState;
    use akashi_replica::log::{FrameBody, LogOptions, MemDisk, RaftLog};
    use akashi_replica::snapshot::{Chunk, Cursor, Switched, read_chunk, switch};
    use akashi_replica::store::{Batch, Frozen, MemStore, StateStore as _, Table};

    use super::*;

    const BASE: Base = Base { index: 9, term: 2 };

    /// A data directory with a state of its own and a received one, up to the mark that it is whole.
    fn received() -> (tempfile::TempDir, FilePlace) {
        let temp = tempfile::tempdir().unwrap();
        write(
            &RocksStore::open(&temp.path().join(STATE), 0).unwrap(),
            b"old",
        );
        let place = FilePlace::new(temp.path());
        let incoming = place.receive(b"manifest", 0).unwrap();
        assert!(!incoming.resumed);
        write(&incoming.store, b"new");
        drop(incoming);
        (temp, place)
    }

    fn write(store: &RocksStore, value: &[u8]) {
        let mut batch = Batch::default();
        batch.put(Table::Meta, b"key".to_vec(), value.to_vec());
        store.write(batch).unwrap();
        store.flush().unwrap();
    }

    fn state(temp: &tempfile::TempDir) -> Vec<u8> {
        let store = RocksStore::open(&temp.path().join(STATE), 0).unwrap();
        store.get(Table::Meta, b"key").unwrap().unwrap()
    }

    fn log() -> RaftLog<MemDisk> {
        let mut log = RaftLog::format(MemDisk::default(), LogOptions::new([1; 16])).unwrap();
        log.append(FrameBody::HardState(HardState {
            term: 5,
            vote: 3,
            commit: 0,
        }))
        .unwrap();
        log.sync().unwrap();
        log
    }

    #[test]
    fn a_part_of_a_snapshot_is_gone_on_from_and_another_one_begins_anew() {
        let (_temp, place) = received();
        let same = place.receive(b"manifest", 0).unwrap();
        assert!(same.resumed);
        assert_eq!(
            same.store.get(Table::Meta, b"key").unwrap().as_deref(),
            Some(&b"new"[..])
        );
        drop(same);
        let other = place.receive(b"another", 0).unwrap();
        assert!(!other.resumed);
        assert_eq!(other.store.get(Table::Meta, b"key").unwrap(), None);
    }

    #[test]
    fn until_it_is_said_to_be_whole_a_start_keeps_log_and_state() {
        let (temp, mut place) = received();
        let mut log = log();
        assert_eq!(switch(&mut place, &mut log).unwrap(), Switched::Nothing);
        assert_eq!((state(&temp), log.last()), (b"old".to_vec(), (0, 0)));
        assert!(place.manifest().unwrap().is_some(), "and the part stays");
    }

    #[test]
    fn after_that_every_start_ends_with_the_received_state_wherever_an_earlier_one_was_cut_off() {
        for cut in 0..5 {
            let (temp, mut place) = received();
            place.finish(BASE).unwrap();
            let own = temp.path().join(STATE);
            match cut {
                // Nothing was begun.
                0 => {}
                // The old state is removed in part.
                1 => fs::remove_file(own.join("CURRENT")).unwrap(),
                // It is removed.
                2 => fs::remove_dir_all(&own).unwrap(),
                // The received one has taken its place.
                3 => place.adopt().unwrap(),
                // The mark is gone, the rest of the folder is not.
                _ => {
                    place.adopt().unwrap();
                    fs::remove_file(place.own(WHOLE)).unwrap();
                }
            }
            let mut log = log();
            let switched = switch(&mut place, &mut log).unwrap();
            assert_eq!(state(&temp), b"new", "cut {cut}");
            assert_eq!(switched == Switched::To(BASE), cut < 4);
            if cut < 4 {
                assert_eq!(log.last(), (9, 2));
                assert!(!temp.path().join(FOLDER).exists());
            }
        }
    }

    /// All chunks of a store, as they travel.
    fn chunks(view: &dyn Frozen) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        let mut after: Option<Cursor> = None;
        loop {
            let chunk = read_chunk(view, after.as_ref()).unwrap();
            all.push(chunk.encode(&[7; 32], after.as_ref()));
            if chunk.last {
                return all;
            }
            let (table, key, _) = chunk.pairs.last().unwrap().clone();
            after = Some(Cursor { table, key });
        }
    }

    #[test]
    fn both_stores_give_the_same_chunks_and_what_was_received_gives_them_again() {
        let temp = tempfile::tempdir().unwrap();
        let rocks = RocksStore::open(&temp.path().join("one"), 0).unwrap();
        let received = RocksStore::open(&temp.path().join("two"), 0).unwrap();
        let memory = MemStore::default();
        for number in 0..4_000_u32 {
            let mut batch = Batch::default();
            for table in [Table::Meta, Table::Call, Table::Heads, Table::Evidence] {
                let key = (number.wrapping_mul(2_654_435_761)).to_be_bytes();
                batch.put(table, key.to_vec(), vec![1; 300]);
            }
            rocks.write(batch.clone()).unwrap();
            memory.write(batch).unwrap();
        }
        let of_memory = chunks(&memory);
        assert!(of_memory.len() > 3);
        let of = |store: &RocksStore| {
            let mut found = Vec::new();
            store
                .frozen(&mut |view| {
                    found = chunks(view);
                    Ok(())
                })
                .unwrap();
            found
        };
        assert!(of(&rocks) == of_memory);
        let mut after: Option<Cursor> = None;
        for bytes in &of_memory {
            let chunk = Chunk::decode(bytes, &[7; 32], after.as_ref()).unwrap();
            let mut batch = Batch::default();
            for (table, key, value) in chunk.pairs {
                after = Some(Cursor {
                    table,
                    key: key.clone(),
                });
                batch.put(table, key, value);
            }
            received.write(batch).unwrap();
        }
        assert!(of(&received) == of_memory);
    }

    #[test]
    fn the_mark_of_a_whole_snapshot_is_pinned_and_a_damaged_one_is_refused() {
        let text = encode(BASE);
        assert!(text.starts_with("index 9\nterm 2\ncheck "));
        assert_eq!(decode(&text), Some(BASE));
        assert_eq!(decode(&text.replace("index 9", "index 8")), None);
        assert_eq!(decode(""), None);
        let (_temp, mut place) = received();
        fs::write(place.own(WHOLE), "index 9\n").unwrap();
        assert!(matches!(place.whole(), Err(StorageError::SnapshotDamaged)));
    }
}
