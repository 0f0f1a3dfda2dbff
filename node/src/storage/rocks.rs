//! The state store on RocksDB: one column family per table, no write-ahead log of its own.
//!
//! What is written here is memory until it is flushed, and all column families are flushed at one
//! batch boundary; the Raft log replays the rest. It must never write a column family outside of a
//! batch, and never with a log: that would be a second stream of syncs.
//!
//! Keys are those of the caller behind the Raft group's number, two bytes big-endian, so that
//! several groups can share one store.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use akashi_replica::store::{Batch, Frozen, Pair, StateStore, StoreError, Table};
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType,
    Direction, FlushOptions, IteratorMode, LogLevel, Options, ReadOptions, Snapshot, WriteBatch,
    WriteOptions,
};

/// When this much was written since the last flush, all tables are flushed, in bytes. Three nodes
/// on one machine then hold about 192 MiB of it between them.
const WRITE_BUFFERS_BYTES: usize = 64 << 20;

/// Full write buffers a table may have before writers wait for the flush: one being filled, one
/// being flushed, one to spare.
const WRITE_BUFFERS_MAX: i32 = 3;

/// Blocks of table files kept in memory, indexes and filters included, in bytes.
const BLOCK_CACHE_BYTES: usize = 64 << 20;

/// Ten bits a key let one look-up in a hundred read a block in vain.
const BLOOM_BITS_PER_KEY: f64 = 10.0;

/// Part of a write buffer for a filter over its keys: most look-ups of requests and contacts are for
/// keys that are not there.
const BUFFER_BLOOM_RATIO: f64 = 0.02;

/// Files held open at once; twelve tables with a few levels stay below it for a long time.
const OPEN_FILES_MAX: i32 = 512;

/// Threads for flushes and compactions: the machine's cores belong to the verifiers.
const BACKGROUND_JOBS_MAX: i32 = 2;

/// RocksDB's own diary: a few small files.
const DIARY_FILES_MAX: usize = 4;
const DIARY_BYTES_MAX: usize = 4 << 20;

/// The state store of one Raft group.
pub struct RocksStore {
    db: DB,
    group: [u8; 2],
    /// A read or a write was refused: whoever asked was told, and the next flush says so too.
    refused: AtomicBool,
}

impl RocksStore {
    /// Opens the store in the directory `path`, creating what is missing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Engine`] when RocksDB finds damage or refuses for another reason.
    pub fn open(path: &Path, group: u16) -> Result<Self, StoreError> {
        let cache = Cache::new_lru_cache(BLOCK_CACHE_BYTES);
        let tables = Table::ALL
            .map(|table| ColumnFamilyDescriptor::new(table.name(), table_options(table, &cache)));
        let db = DB::open_cf_descriptors(&store_options(), path, tables).map_err(engine)?;
        Ok(Self {
            db,
            group: group.to_be_bytes(),
            refused: AtomicBool::new(false),
        })
    }

    /// How many flushes and compactions have failed since the store was opened. Any number but
    /// zero means that the disk or the tables are damaged: the node must stop.
    ///
    /// # Errors
    ///
    /// [`StoreError::Engine`] when RocksDB does not say.
    pub fn background_errors(&self) -> Result<u64, StoreError> {
        let count = self
            .db
            .property_int_value("rocksdb.background-errors")
            .map_err(engine)?;
        Ok(count.unwrap_or(0))
    }

    /// Bytes written and not yet flushed, for metrics and for deciding when to flush.
    ///
    /// # Errors
    ///
    /// [`StoreError::Engine`] when RocksDB does not say.
    pub fn unflushed_bytes(&self) -> Result<u64, StoreError> {
        let mut sum: u64 = 0;
        for table in Table::ALL {
            let bytes = self
                .db
                .property_int_value_cf(self.table(table)?, "rocksdb.cur-size-all-mem-tables")
                .map_err(engine)?;
            sum = sum.saturating_add(bytes.unwrap_or(0));
        }
        Ok(sum)
    }

    fn table(&self, table: Table) -> Result<&ColumnFamily, StoreError> {
        self.db.cf_handle(table.name()).ok_or(StoreError::Corrupt)
    }

    /// Remembers that the engine refused: damage that a reader found must stop the node as well.
    fn refusal(&self, error: rocksdb::Error) -> StoreError {
        self.refused.store(true, Ordering::Release);
        engine(error)
    }

    fn key(&self, key: &[u8]) -> Vec<u8> {
        [&self.group, key].concat()
    }

    /// The caller's key inside a stored one.
    fn bare(&self, key: &[u8]) -> Result<Vec<u8>, StoreError> {
        key.strip_prefix(&self.group)
            .map(<[u8]>::to_vec)
            .ok_or(StoreError::Corrupt)
    }

    /// At most `limit` pairs from `from` on, as far as `options` let the walk go.
    fn pairs(
        &self,
        table: Table,
        from: &[u8],
        options: ReadOptions,
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        let first = self.key(from);
        let mode = IteratorMode::From(&first, Direction::Forward);
        let found = self.db.iterator_cf_opt(self.table(table)?, options, mode);
        let mut pairs = Vec::new();
        for pair in found.take(limit) {
            let (key, value) = pair.map_err(|error| self.refusal(error))?;
            pairs.push((self.bare(&key)?, value.into_vec()));
        }
        Ok(pairs)
    }

    /// Options for walking `from <= key < to` and not a key further.
    fn between(&self, from: &[u8], to: &[u8]) -> ReadOptions {
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(self.key(from));
        options.set_iterate_upper_bound(self.key(to));
        options
    }
}

impl std::fmt::Debug for RocksStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RocksStore")
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

impl StateStore for RocksStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db
            .get_cf(self.table(table)?, self.key(key))
            .map_err(|error| self.refusal(error))
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        if from >= to {
            return Ok(Vec::new());
        }
        self.pairs(table, from, self.between(from, to), limit)
    }

    fn last(&self, table: Table, from: &[u8], to: &[u8]) -> Result<Option<Pair>, StoreError> {
        if from >= to {
            return Ok(None);
        }
        let mut found = self
            .db
            .raw_iterator_cf_opt(self.table(table)?, self.between(from, to));
        found.seek_to_last();
        found.status().map_err(|error| self.refusal(error))?;
        let Some((key, value)) = found.item() else {
            return Ok(None);
        };
        Ok(Some((self.bare(key)?, value.to_vec())))
    }

    fn write(&self, batch: Batch) -> Result<(), StoreError> {
        let mut changes = WriteBatch::default();
        let mut stored = Vec::from(self.group);
        // Changes come table by table: each is looked up once.
        let mut found: Option<(Table, &ColumnFamily)> = None;
        for ((table, key), value) in batch.changes {
            let family = match found.filter(|(last, _)| *last == table) {
                Some((_, family)) => family,
                None => self.table(table)?,
            };
            found = Some((table, family));
            stored.truncate(self.group.len());
            stored.extend_from_slice(&key);
            match value {
                Some(value) => changes.put_cf(family, &stored, value),
                None => changes.delete_cf(family, &stored),
            }
        }
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        self.db
            .write_opt(changes, &options)
            .map_err(|error| self.refusal(error))
    }

    /// Also reports flushes and compactions that failed behind the caller's back, and reads and writes
    /// that were refused since the store was opened.
    fn flush(&self) -> Result<(), StoreError> {
        let tables = Table::ALL
            .into_iter()
            .map(|table| self.table(table))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let mut options = FlushOptions::default();
        options.set_wait(true);
        self.db.flush_cfs_opt(&tables, &options).map_err(engine)?;
        if self.refused.load(Ordering::Acquire) {
            return Err(StoreError::Engine(Box::new(RefusedEarlier)));
        }
        match self.background_errors()? {
            0 => Ok(()),
            _ => Err(StoreError::Engine(Box::new(BackgroundError))),
        }
    }

    /// RocksDB keeps the versions that the snapshot sees until it is gone; taking it costs nothing.
    fn frozen(
        &self,
        look: &mut dyn FnMut(&dyn Frozen) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        look(&FrozenStore {
            store: self,
            snapshot: self.db.snapshot(),
        })
    }
}

/// What a snapshot of RocksDB sees.
struct FrozenStore<'a> {
    store: &'a RocksStore,
    snapshot: Snapshot<'a>,
}

impl Frozen for FrozenStore<'_> {
    fn page(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, StoreError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let mut options = self.store.between(from, to);
        options.set_snapshot(&self.snapshot);
        // Whoever walks everything must not push out what others read again and again.
        options.fill_cache(false);
        self.store.pairs(table, from, options, limit)
    }
}

/// RocksDB refused a read or a write, for instance because a block's checksum does not hold.
#[derive(Debug, thiserror::Error)]
#[error("a read or a write was refused earlier")]
struct RefusedEarlier;

/// RocksDB counted a failed flush or compaction.
#[derive(Debug, thiserror::Error)]
#[error("a flush or a compaction failed in the background")]
struct BackgroundError;

fn engine(error: rocksdb::Error) -> StoreError {
    StoreError::Engine(Box::new(error))
}

fn store_options() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    // All column families move to disk at one batch boundary. This is what makes it safe to have
    // no write-ahead log, and it excludes pipelined writes.
    options.set_atomic_flush(true);
    options.set_enable_pipelined_write(false);
    options.set_paranoid_checks(true);
    options.set_db_write_buffer_size(WRITE_BUFFERS_BYTES);
    options.set_max_open_files(OPEN_FILES_MAX);
    options.set_max_background_jobs(BACKGROUND_JOBS_MAX);
    options.set_keep_log_file_num(DIARY_FILES_MAX);
    options.set_max_log_file_size(DIARY_BYTES_MAX);
    options.set_log_level(LogLevel::Warn);
    options
}

fn table_options(table: Table, cache: &Cache) -> Options {
    let mut options = Options::default();
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    match table {
        // Asked for single keys that are not there, by every command.
        Table::Dedupe | Table::Call | Table::Subject => {
            blocks.set_bloom_filter(BLOOM_BITS_PER_KEY, false);
            options.set_memtable_whole_key_filtering(true);
            options.set_memtable_prefix_bloom_ratio(BUFFER_BLOOM_RATIO);
        }
        // Asked for single keys, now and then.
        Table::Meta | Table::Agent | Table::Policy | Table::Tiles | Table::Evidence => {
            blocks.set_bloom_filter(BLOOM_BITS_PER_KEY, false);
        }
        // Walked in order.
        Table::Timer | Table::Outbox | Table::Audit | Table::Heads => {}
    }
    options.set_block_based_table_factory(&blocks);
    options.set_write_buffer_size(WRITE_BUFFERS_BYTES);
    options.set_max_write_buffer_number(WRITE_BUFFERS_MAX);
    let below = match table {
        // Digests do not get smaller, and requests are gone within the hour.
        Table::Dedupe | Table::Tiles => DBCompressionType::None,
        Table::Meta
        | Table::Timer
        | Table::Call
        | Table::Subject
        | Table::Agent
        | Table::Policy
        | Table::Outbox
        | Table::Audit
        | Table::Heads
        | Table::Evidence => DBCompressionType::Lz4,
    };
    // Level 0 is read and rewritten soon: compressing it would only cost the flush.
    let mut levels = [below; 7];
    if let Some(first) = levels.first_mut() {
        *first = DBCompressionType::None;
    }
    options.set_compression_per_level(&levels);
    options
}

#[cfg(test)]
mod tests {
    use akashi_replica::store::MemStore;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_batch_is_visible_as_a_whole_and_the_last_change_of_a_key_wins() {
        let (_directory, store) = fresh();
        let mut batch = Batch::default();
        batch.put(Table::Call, b"a".to_vec(), b"1".to_vec());
        batch.put(Table::Call, b"a".to_vec(), b"2".to_vec());
        batch.put(Table::Audit, b"a".to_vec(), Vec::new());
        batch.delete(Table::Call, b"never there".to_vec());
        store.write(batch).unwrap();
        assert_eq!(store.get(Table::Call, b"a").unwrap(), Some(b"2".to_vec()));
        assert_eq!(store.get(Table::Audit, b"a").unwrap(), Some(Vec::new()));
        assert_eq!(store.get(Table::Agent, b"a").unwrap(), None);
    }

    #[test]
    fn scans_and_last_stay_inside_their_range() {
        let (_directory, store) = fresh();
        let mut batch = Batch::default();
        for key in [1_u16, 2, 3, 0x0100, 0x01ff, 0x0200] {
            batch.put(
                Table::Timer,
                key.to_be_bytes().to_vec(),
                key.to_be_bytes().to_vec(),
            );
        }
        store.write(batch).unwrap();
        let keys = |from: &[u8], to: &[u8], limit| -> Vec<Vec<u8>> {
            let found = store.scan(Table::Timer, from, to, limit).unwrap();
            found.into_iter().map(|(key, _)| key).collect()
        };
        assert_eq!(keys(&[0, 2], &[1, 0], 10), [[0, 2], [0, 3]]);
        assert_eq!(keys(&[0], &[9], 2), [[0, 1], [0, 2]]);
        assert!(keys(&[3], &[9], 10).is_empty());
        assert!(keys(&[2], &[1], 10).is_empty());
        assert!(keys(&[0], &[9], 0).is_empty());
        let last = |from: &[u8], to: &[u8]| {
            store
                .last(Table::Timer, from, to)
                .unwrap()
                .map(|(key, _)| key)
        };
        assert_eq!(last(&[0], &[9]), Some(vec![2, 0]));
        assert_eq!(last(&[0], &[2, 0]), Some(vec![1, 0xff]));
        assert_eq!(last(&[0, 4], &[1, 0]), None);
        assert_eq!(last(&[1], &[1]), None);
    }

    #[test]
    fn damage_that_a_reader_finds_fails_the_next_flush() {
        let directory = tempfile::tempdir().unwrap();
        let store = RocksStore::open(directory.path(), 0).unwrap();
        let mut batch = Batch::default();
        batch.put(Table::Audit, b"leaf".to_vec(), vec![7; 4_096]);
        store.write(batch).unwrap();
        store.flush().unwrap();
        drop(store);
        for file in std::fs::read_dir(directory.path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "sst") {
                let mut bytes = std::fs::read(&path).unwrap();
                bytes[2_000] ^= 1;
                std::fs::write(&path, bytes).unwrap();
            }
        }
        let store = RocksStore::open(directory.path(), 0).unwrap();
        assert!(store.flush().is_ok(), "nobody has looked yet");
        assert!(store.get(Table::Audit, b"leaf").is_err());
        assert!(store.flush().is_err(), "the node must not go on");
    }

    #[test]
    fn groups_do_not_see_each_other() {
        let directory = tempfile::tempdir().unwrap();
        let put = |group, value: &[u8]| {
            let store = RocksStore::open(directory.path(), group).unwrap();
            let mut batch = Batch::default();
            batch.put(Table::Meta, b"key".to_vec(), value.to_vec());
            store.write(batch).unwrap();
            store.flush().unwrap();
        };
        put(0, b"zero");
        put(1, b"one");
        let store = RocksStore::open(directory.path(), 0).unwrap();
        assert_eq!(
            store.get(Table::Meta, b"key").unwrap(),
            Some(b"zero".to_vec())
        );
        assert_eq!(
            store.scan(Table::Meta, &[0], &[255; 9], 9).unwrap().len(),
            1
        );
        assert_eq!(
            store.last(Table::Meta, &[], &[255; 9]).unwrap().unwrap().1,
            b"zero"
        );
    }

    #[test]
    fn what_was_flushed_survives_and_what_was_not_falls_back_to_one_batch_boundary() {
        let (directory, store) = fresh();
        let write = |number: u64| {
            let mut batch = Batch::default();
            for table in Table::ALL {
                batch.put(table, b"number".to_vec(), number.to_be_bytes().to_vec());
                batch.put(table, number.to_be_bytes().to_vec(), vec![7; 100]);
            }
            store.write(batch).unwrap();
        };
        (1..=50).for_each(write);
        store.flush().unwrap();
        let flushed = after_a_crash(directory.path());
        assert_eq!(boundary(&flushed), 50);
        (51..=80).for_each(write);
        assert!(store.unflushed_bytes().unwrap() > 0);
        let fallen_back = after_a_crash(directory.path());
        assert_eq!(boundary(&fallen_back), 50);
        store.flush().unwrap();
        assert_eq!(boundary(&after_a_crash(directory.path())), 80);
        assert_eq!(store.background_errors().unwrap(), 0);
    }

    #[test]
    fn a_flush_that_rocksdb_starts_itself_is_a_batch_boundary_too() {
        let (directory, store) = fresh();
        for number in 1..=400_u64 {
            let mut batch = Batch::default();
            // Uneven amounts, so that the buffers of the tables are not full at the same time.
            for (at, table) in Table::ALL.into_iter().enumerate() {
                batch.put(table, b"number".to_vec(), number.to_be_bytes().to_vec());
                batch.put(
                    table,
                    number.to_be_bytes().to_vec(),
                    vec![7; 1 + at * 20_000],
                );
            }
            store.write(batch).unwrap();
            if number % 25 != 0 {
                continue;
            }
            let found = after_a_crash(directory.path());
            if found.get(Table::Meta, b"number").unwrap().is_some() {
                let reached = boundary(&found);
                assert!(reached > 0 && reached <= number, "{reached} of {number}");
                return;
            }
        }
        panic!("several times the write buffers were filled, and nothing was flushed");
    }

    #[test]
    fn a_frozen_view_does_not_see_what_is_written_later_and_both_stores_digest_alike() {
        let (_directory, rocks) = fresh();
        let memory = MemStore::default();
        let write = |number: u64| {
            let mut batch = Batch::default();
            for table in Table::ALL {
                batch.put(table, (number % 2_000).to_be_bytes().to_vec(), vec![7; 9]);
                batch.delete(table, (number / 2).to_be_bytes().to_vec());
            }
            rocks.write(batch.clone()).unwrap();
            memory.write(batch).unwrap();
        };
        (1..=3_000).for_each(write);
        let digest = |store: &dyn Frozen| {
            akashi_replica::digest::state_digest(store, &mut |_bytes| true).unwrap()
        };
        let mut of_memory = None;
        let look = &mut |view: &dyn Frozen| {
            of_memory = Some(digest(view));
            Ok(())
        };
        memory.frozen(look).unwrap();
        let mut of_rocks = None;
        let look = &mut |view: &dyn Frozen| {
            (3_001..=4_500).for_each(write);
            rocks.flush()?;
            of_rocks = Some(digest(view));
            Ok(())
        };
        rocks.frozen(look).unwrap();
        assert_eq!(of_memory, of_rocks);
        let look = &mut |view: &dyn Frozen| {
            of_rocks = Some(digest(view));
            Ok(())
        };
        rocks.frozen(look).unwrap();
        assert_ne!(of_memory, of_rocks, "and now it sees it");
    }

    #[derive(Clone, Debug)]
    enum Op {
        Write(Vec<(usize, Vec<u8>, Option<Vec<u8>>)>),
        Flush,
        Reopen,
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn rocksdb_and_the_store_in_memory_give_the_same_answers(
            ops in prop::collection::vec(any_op(), 1..40),
            asked in prop::collection::vec((0_usize..12, key(), key(), 0_usize..8), 20),
        ) {
            let directory = tempfile::tempdir().unwrap();
            let mut rocks = RocksStore::open(directory.path(), 7).unwrap();
            let memory = MemStore::default();
            for op in ops {
                match op {
                    Op::Write(changes) => {
                        let mut batch = Batch::default();
                        for (table, key, value) in changes {
                            match value {
                                Some(value) => batch.put(Table::ALL[table], key, value),
                                None => batch.delete(Table::ALL[table], key),
                            }
                        }
                        rocks.write(batch.clone()).unwrap();
                        memory.write(batch).unwrap();
                    }
                    Op::Flush => rocks.flush().unwrap(),
                    Op::Reopen => {
                        rocks.flush().unwrap();
                        drop(rocks);
                        rocks = RocksStore::open(directory.path(), 7).unwrap();
                    }
                }
            }
            for (table, from, to, limit) in asked {
                let table = Table::ALL[table];
                prop_assert_eq!(rocks.get(table, &from).unwrap(), memory.get(table, &from).unwrap());
                prop_assert_eq!(
                    rocks.scan(table, &from, &to, limit).unwrap(),
                    memory.scan(table, &from, &to, limit).unwrap()
                );
                prop_assert_eq!(
                    rocks.last(table, &from, &to).unwrap(),
                    memory.last(table, &from, &to).unwrap()
                );
            }
            for table in Table::ALL {
                prop_assert_eq!(
                    rocks.scan(table, &[], &[255; 9], 1000).unwrap(),
                    memory.scan(table, &[], &[255; 9], 1000).unwrap()
                );
            }
        }
    }

    fn any_op() -> impl Strategy<Value = Op> {
        let change = (0_usize..12, key(), prop::option::weighted(0.8, key()));
        prop_oneof![
            8 => prop::collection::vec(change, 0..12).prop_map(Op::Write),
            1 => Just(Op::Flush),
            1 => Just(Op::Reopen),
        ]
    }

    /// Few enough keys that they meet.
    fn key() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(255)], 0..4)
    }

    fn fresh() -> (tempfile::TempDir, RocksStore) {
        let directory = tempfile::tempdir().unwrap();
        let store = RocksStore::open(&directory.path().join("live"), 0).unwrap();
        (directory, store)
    }

    /// The store as a process would find it that starts after this one was killed now: the files
    /// without the memory.
    fn after_a_crash(directory: &Path) -> RocksStore {
        let cache = Cache::new_lru_cache(1 << 20);
        let tables = Table::ALL
            .map(|table| ColumnFamilyDescriptor::new(table.name(), table_options(table, &cache)));
        let path = directory.join("live");
        let db = DB::open_cf_descriptors_read_only(&store_options(), path, tables, false).unwrap();
        RocksStore {
            db,
            group: [0; 2],
            refused: AtomicBool::new(false),
        }
    }

    /// The number of the last batch in the store; checks that all tables are at it.
    fn boundary(store: &RocksStore) -> u64 {
        let number = |table| {
            let bytes = store.get(table, b"number").unwrap().unwrap();
            u64::from_be_bytes(bytes.try_into().unwrap())
        };
        let all = Table::ALL.map(number);
        for table in Table::ALL {
            assert_eq!(number(table), all[0], "{table:?}");
            assert!(store.get(table, &all[0].to_be_bytes()).unwrap().is_some());
            assert!(
                store
                    .get(table, &(all[0] + 1).to_be_bytes())
                    .unwrap()
                    .is_none()
            );
        }
        all[0]
    }
}
