//! Public keys that were decoded before, and proofs that were found to have the form of one: a memory
//! of what decoding gives, which is the dear part of building a statement and of looking at a proof.
//!
//! The door, the verify pool and apply each build the statements of a submission, from the same keys,
//! and look at the form of the same proofs. Both are functions of the bytes alone, so remembering
//! changes speed and never an answer; what does not decode is not remembered. One memory for all
//! threads, of a fixed size.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use akashi_proof::{DeviceKey, PinKey, Reason};

/// Keys of one kind remembered: several seconds' submissions of a busy cluster, in a megabyte.
const REMEMBERED_MAX: usize = 4_096;

/// Bytes of a proof of one discrete logarithm.
const SCHNORR_BYTES: usize = 64;

static DEVICE_KEYS: Mutex<Memory<DeviceKey>> = Mutex::new(Memory::new());
static PIN_KEYS: Mutex<Memory<PinKey>> = Mutex::new(Memory::new());
static SCHNORR_FORMS: Mutex<Memory<(), SCHNORR_BYTES>> = Mutex::new(Memory::new());

/// [`DeviceKey::from_bytes`], remembered.
pub(super) fn device_key(bytes: &[u8; 32]) -> Result<DeviceKey, Reason> {
    remembered(&DEVICE_KEYS, bytes, DeviceKey::from_bytes)
}

/// [`PinKey::from_bytes`], remembered.
pub(super) fn pin_key(bytes: &[u8; 32]) -> Result<PinKey, Reason> {
    remembered(&PIN_KEYS, bytes, PinKey::from_bytes)
}

/// Whether bytes have the form of a proof of one discrete logarithm, as `look` says, remembered.
pub(super) fn schnorr_form(
    proof: &[u8],
    look: impl Fn(&[u8]) -> Result<(), Reason>,
) -> Result<(), Reason> {
    match proof.try_into() {
        Ok(bytes) => remembered(&SCHNORR_FORMS, bytes, |bytes| look(bytes)),
        Err(_other_length) => look(proof),
    }
}

struct Memory<K, const N: usize = 32> {
    keys: BTreeMap<[u8; N], K>,
    by_age: VecDeque<[u8; N]>,
}

impl<K: Copy, const N: usize> Memory<K, N> {
    const fn new() -> Self {
        Self {
            keys: BTreeMap::new(),
            by_age: VecDeque::new(),
        }
    }

    fn remember(&mut self, bytes: [u8; N], key: K) {
        if self.keys.insert(bytes, key).is_none() {
            self.by_age.push_back(bytes);
        }
        while self.by_age.len() > REMEMBERED_MAX {
            if let Some(oldest) = self.by_age.pop_front() {
                self.keys.remove(&oldest);
            }
        }
    }
}

fn remembered<K: Copy, const N: usize>(
    memory: &Mutex<Memory<K, N>>,
    bytes: &[u8; N],
    decode: impl Fn(&[u8; N]) -> Result<K, Reason>,
) -> Result<K, Reason> {
    let known = lock(memory).keys.get(bytes).copied();
    if let Some(key) = known {
        return Ok(key);
    }
    // Not while the lock is held: threads that decode other keys must not wait.
    let key = decode(bytes)?;
    lock(memory).remember(*bytes, key);
    Ok(key)
}

/// Whoever panicked with the lock held left a memory in which at worst one key is missing.
fn lock<K, const N: usize>(memory: &Mutex<Memory<K, N>>) -> MutexGuard<'_, Memory<K, N>> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_forgets_the_oldest_and_gives_what_decoding_gives() {
        let memory = Mutex::new(Memory::new());
        let decode = |bytes: &[u8; 32]| match bytes[31] {
            0 => Ok(bytes[0]),
            _ => Err(Reason::NonCanonicalPoint),
        };
        for number in 0..REMEMBERED_MAX + 2 {
            let mut bytes = [7; 32];
            bytes[1..9].copy_from_slice(&number.to_be_bytes());
            let refused = remembered(&memory, &bytes, decode);
            assert_eq!(refused, Err(Reason::NonCanonicalPoint));
            bytes[31] = 0;
            for _ in 0..2 {
                assert_eq!(remembered(&memory, &bytes, decode), Ok(7));
            }
        }
        let memory = lock(&memory);
        assert_eq!(memory.keys.len(), REMEMBERED_MAX);
        assert_eq!(memory.by_age.len(), REMEMBERED_MAX);
    }

    #[test]
    fn a_form_is_looked_at_once_if_it_is_one_and_every_time_if_not() {
        let looked = std::cell::Cell::new(0);
        let look = |proof: &[u8]| {
            looked.set(looked.get() + 1);
            match proof[0] {
                0xa7 => Ok(()),
                _ => Err(Reason::NonCanonicalScalar),
            }
        };
        let good = [0xa7; SCHNORR_BYTES];
        let other_length = [0xa7; 63];
        let bad = [0xa8; SCHNORR_BYTES];
        for _ in 0..3 {
            assert_eq!(schnorr_form(&good, look), Ok(()));
        }
        assert_eq!(looked.replace(0), 1);
        for _ in 0..3 {
            assert_eq!(schnorr_form(&bad, look), Err(Reason::NonCanonicalScalar));
            assert_eq!(schnorr_form(&other_length, look), Ok(()));
        }
        assert_eq!(looked.get(), 6);
    }

    #[test]
    fn bytes_that_are_no_key_are_refused_each_time() {
        for _ in 0..2 {
            assert_eq!(device_key(&[0xff; 32]), Err(Reason::NonCanonicalPoint));
            assert_eq!(pin_key(&[0; 32]), Err(Reason::IdentityPoint));
        }
    }
}
