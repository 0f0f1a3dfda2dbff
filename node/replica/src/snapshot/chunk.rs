//! Chunks: the pairs of the logical tables in order, a part at a time.
//!
//! # Layout
//!
//! Version u8 = 1; whether it is the last, u8; then each pair: table u8, length of the key u32
//! little-endian, key, length of the value u32 little-endian, value; at the end 32 bytes of BLAKE3
//! over the digest of the whole state, the place behind which the chunk begins, and everything before.
//! The hash finds damage at once, and a chunk of another snapshot or out of its place; that nothing is
//! missing or invented only the digest of the whole state says.

use crate::digest::is_logical;
use crate::store::{Frozen, StoreError, Table};

/// Bytes of a chunk: small enough to be asked for again, large enough that asking costs nothing. A
/// chunk with a single larger pair is longer.
pub const CHUNK_BYTES_MAX: usize = 1 << 20;
/// Longest chunk that is taken: the largest entry of the log is 1 MiB, and no record is much larger.
const TAKEN_BYTES_MAX: usize = 4 << 20;
/// Pairs read at once: less than a chunk, as a rule.
const PAGE: usize = 256;
/// Longer than any key there is, so that a scan ends behind all of them.
const END: [u8; 256] = [u8::MAX; 256];

const VERSION: u8 = 1;
const HASH_BYTES: usize = 32;

/// A place between two pairs: behind the pair of this table and key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The table.
    pub table: Table,
    /// The key.
    pub key: Vec<u8>,
}

impl Cursor {
    /// The place behind a pair of the table with this number; `None` if there is no such logical table.
    #[must_use]
    pub fn behind(table: u32, key: Vec<u8>) -> Option<Self> {
        let table = Table::ALL
            .into_iter()
            .find(|known| u32::from(known.number()) == table && is_logical(*known))?;
        Some(Self { table, key })
    }
}

/// A part of the state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Pairs in order.
    pub pairs: Vec<(Table, Vec<u8>, Vec<u8>)>,
    /// Whether there is nothing behind them.
    pub last: bool,
}

/// Why bytes are not the chunk that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// Longer than any chunk.
    #[error("the chunk is too long")]
    TooLong,
    /// Another version of the layout.
    #[error("the chunk has an unknown version")]
    Version,
    /// The hash does not fit: damage, another snapshot, or another place in it.
    #[error("the hash of the chunk does not fit")]
    Hash,
    /// The bytes do not read as pairs.
    #[error("the chunk does not decode")]
    Malformed,
    /// A pair is out of order, or of a table that no snapshot has.
    #[error("the pairs of the chunk are out of order")]
    Order,
    /// No pairs, and not the last.
    #[error("the chunk is empty and not the last")]
    Empty,
}

impl Chunk {
    /// The chunk in bytes, as a part of the state with the digest `of`, behind `after`.
    #[must_use]
    pub fn encode(&self, of: &[u8; 32], after: Option<&Cursor>) -> Vec<u8> {
        let mut bytes = vec![VERSION, u8::from(self.last)];
        for (table, key, value) in &self.pairs {
            bytes.push(table.number());
            put(&mut bytes, key);
            put(&mut bytes, value);
        }
        let hash = hash(of, after, &bytes);
        bytes.extend_from_slice(&hash);
        bytes
    }

    /// Reads the chunk behind `after` of the state with the digest `of`.
    ///
    /// # Errors
    ///
    /// [`ChunkError`]: ask again, or somebody else.
    pub fn decode(bytes: &[u8], of: &[u8; 32], after: Option<&Cursor>) -> Result<Self, ChunkError> {
        if bytes.len() > TAKEN_BYTES_MAX {
            return Err(ChunkError::TooLong);
        }
        let (body, found) = bytes
            .split_last_chunk::<HASH_BYTES>()
            .ok_or(ChunkError::Malformed)?;
        if hash(of, after, body) != *found {
            return Err(ChunkError::Hash);
        }
        let mut rest = body;
        if take::<1>(&mut rest) != Some([VERSION]) {
            return Err(ChunkError::Version);
        }
        let last = match take::<1>(&mut rest) {
            Some([0]) => false,
            Some([1]) => true,
            Some(_) | None => return Err(ChunkError::Malformed),
        };
        let mut pairs = Vec::new();
        let mut behind = after.cloned();
        while let Some([table]) = take::<1>(&mut rest) {
            let key = take_bytes(&mut rest).ok_or(ChunkError::Malformed)?;
            let value = take_bytes(&mut rest).ok_or(ChunkError::Malformed)?;
            let place = Cursor::behind(u32::from(table), key.to_vec()).ok_or(ChunkError::Order)?;
            if behind.as_ref().is_some_and(|behind| place <= *behind) {
                return Err(ChunkError::Order);
            }
            pairs.push((place.table, place.key.clone(), value.to_vec()));
            behind = Some(place);
        }
        if pairs.is_empty() && !last {
            return Err(ChunkError::Empty);
        }
        Ok(Self { pairs, last })
    }
}

/// The chunk of a frozen state behind `after`.
///
/// # Errors
///
/// [`StoreError`] when the store refuses.
pub fn read_chunk(view: &dyn Frozen, after: Option<&Cursor>) -> Result<Chunk, StoreError> {
    let mut chunk = Chunk::default();
    let mut bytes = 0_usize;
    for table in Table::ALL.into_iter().filter(|table| is_logical(*table)) {
        let mut from = Vec::new();
        if let Some(after) = after {
            if table < after.table {
                continue;
            }
            if table == after.table {
                from.clone_from(&after.key);
                from.push(0);
            }
        }
        loop {
            let page = view.page(table, &from, &END, PAGE)?;
            let whole = page.len() == PAGE;
            for (key, value) in page {
                bytes = bytes
                    .saturating_add(key.len())
                    .saturating_add(value.len())
                    .saturating_add(9);
                if bytes > CHUNK_BYTES_MAX.saturating_sub(64) && !chunk.pairs.is_empty() {
                    return Ok(chunk);
                }
                from.clone_from(&key);
                chunk.pairs.push((table, key, value));
            }
            if !whole {
                break;
            }
            // The first key behind the last one.
            from.push(0);
        }
    }
    chunk.last = true;
    Ok(chunk)
}

fn hash(of: &[u8; 32], after: Option<&Cursor>, body: &[u8]) -> [u8; HASH_BYTES] {
    let mut hash = blake3::Hasher::new();
    hash.update(b"akashi chunk 1");
    hash.update(of);
    match after {
        None => hash.update(&[0]),
        Some(after) => {
            let mut place = vec![1, after.table.number()];
            put(&mut place, &after.key);
            hash.update(&place)
        }
    };
    hash.update(body);
    *hash.finalize().as_bytes()
}

/// Keys and values are far shorter than 4 GiB: the store could not hold them otherwise.
fn put(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    to.extend_from_slice(bytes);
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk::<N>()?;
    *rest = left;
    Some(*taken)
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u32::from_le_bytes(take(rest)?)).ok()?;
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}
