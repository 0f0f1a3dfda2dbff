//! A disk in memory that forgets what was not synced, and fails when told to.
//!
//! The twin of the real disk for tests and the simulator. A power loss keeps or loses each 512-byte
//! sector written since the last sync on its own, as real disks may.

use std::collections::{BTreeMap, BTreeSet};

use super::disk::{Disk, DiskError, SegmentName};

/// The unit a disk writes or does not write, in bytes.
const SECTOR_BYTES: u64 = 512;

/// The same, as a length in memory.
const SECTOR: usize = 512;

/// What a refused call says.
#[derive(Debug, thiserror::Error)]
#[error("the disk in memory was told to refuse this, or has no such bytes")]
struct Refused;

/// Which half of the call that fails still happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call fails and has no effect.
    Before,
    /// The call has its whole effect and fails all the same.
    After,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct File {
    /// What reads see.
    cached: Vec<u8>,
    /// What a power loss leaves if no unsynced sector happens to reach the disk.
    durable: Vec<u8>,
    /// Sectors written since the last sync that may still reach the disk.
    dirty: BTreeSet<u64>,
}

/// A directory of segments in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemDisk {
    files: BTreeMap<SegmentName, File>,
    calls: u64,
    fault: Option<(u64, Fault)>,
    failed: bool,
    bytes_max: Option<u64>,
}

impl MemDisk {
    /// How many calls that change something were made.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Makes call number `call` (from zero, counted as by [`MemDisk::calls`]) and every later one
    /// fail until the next [`MemDisk::power_loss`].
    pub fn fail_at(&mut self, call: u64, fault: Fault) {
        self.fault = Some((call, fault));
    }

    /// Limits the sum of all file lengths.
    pub fn limit(&mut self, bytes_max: Option<u64>) {
        self.bytes_max = bytes_max;
    }

    /// The sectors written and not synced, by file, ascending.
    #[must_use]
    pub fn unsynced(&self) -> Vec<(SegmentName, u64)> {
        self.files
            .iter()
            .flat_map(|(name, file)| file.dirty.iter().map(|sector| (*name, *sector)))
            .collect()
    }

    /// Takes the power away and gives it back: of the unsynced sectors those stay that `keep`
    /// names. Faults are over.
    pub fn power_loss(&mut self, mut keep: impl FnMut(SegmentName, u64) -> bool) {
        for (name, file) in &mut self.files {
            for sector in &file.dirty {
                if keep(*name, *sector) {
                    copy_sector(&file.cached, &mut file.durable, *sector);
                }
            }
            file.dirty.clear();
            file.cached.clone_from(&file.durable);
        }
        self.fault = None;
        self.failed = false;
    }

    /// Ends the process but not the machine: what was written stays readable and unsynced.
    pub fn process_end(&mut self) {
        self.fault = None;
        self.failed = false;
    }

    /// Ends the process after a sync failed, as kernels do it that call pages clean which they
    /// could not write: reads still see them, and no later sync brings them to the disk.
    pub fn process_end_with_lost_pages(&mut self) {
        for file in self.files.values_mut() {
            file.dirty.clear();
        }
        self.process_end();
    }

    /// Turns one bit over, as rot on the medium does. Returns whether there is such a bit.
    pub fn flip(&mut self, name: SegmentName, offset: u64, bit: u32) -> bool {
        let Some(file) = self.files.get_mut(&name) else {
            return false;
        };
        let mask = 1_u8.rotate_left(bit);
        let mut done = false;
        for bytes in [&mut file.cached, &mut file.durable] {
            if let Some(byte) = usize::try_from(offset)
                .ok()
                .and_then(|at| bytes.get_mut(at))
            {
                *byte ^= mask;
                done = true;
            }
        }
        done
    }

    /// What reads of `name` see.
    #[must_use]
    pub fn bytes(&self, name: SegmentName) -> Option<&[u8]> {
        self.files.get(&name).map(|file| file.cached.as_slice())
    }

    /// Runs one call that changes something, with the faults that were ordered.
    fn call(
        &mut self,
        effect: impl FnOnce(&mut Self) -> Result<(), DiskError>,
    ) -> Result<(), DiskError> {
        if self.failed {
            return Err(refused());
        }
        let now = self.calls;
        self.calls = self.calls.saturating_add(1);
        match self.fault {
            Some((at, fault)) if at == now => {
                self.failed = true;
                match fault {
                    Fault::Before => {}
                    Fault::After => effect(self)?,
                }
                Err(refused())
            }
            Some(_) | None => effect(self),
        }
    }
}

impl Disk for MemDisk {
    fn list(&mut self) -> Result<Vec<(SegmentName, u64)>, DiskError> {
        if self.failed {
            return Err(refused());
        }
        Ok(self
            .files
            .iter()
            .map(|(name, file)| (*name, len64(file.cached.len())))
            .collect())
    }

    fn extend(&mut self, name: SegmentName, bytes: u64) -> Result<(), DiskError> {
        let len = usize::try_from(bytes).map_err(|_too_large| refused())?;
        self.call(|disk| {
            let others: u64 = disk
                .files
                .iter()
                .filter(|(other, _)| **other != name)
                .map(|(_, file)| len64(file.durable.len()))
                .sum();
            let full = disk
                .bytes_max
                .is_some_and(|max| others.saturating_add(bytes) > max);
            let file = disk.files.entry(name).or_default();
            if full {
                return Err(DiskError::NoSpace(Box::new(Refused)));
            }
            if file.cached.len() < len {
                file.cached.resize(len, 0);
                file.durable.resize(len, 0);
            }
            Ok(())
        })
    }

    fn read_at(
        &mut self,
        name: SegmentName,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<(), DiskError> {
        if self.failed {
            return Err(refused());
        }
        let start = usize::try_from(offset).map_err(|_too_large| refused())?;
        let found = self
            .files
            .get(&name)
            .and_then(|file| file.cached.get(start..))
            .and_then(|rest| rest.get(..buffer.len()))
            .ok_or_else(refused)?;
        buffer.copy_from_slice(found);
        Ok(())
    }

    fn write_at(&mut self, name: SegmentName, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let start = usize::try_from(offset).map_err(|_too_large| refused())?;
        self.call(|disk| {
            let file = disk.files.get_mut(&name).ok_or_else(refused)?;
            let place = file
                .cached
                .get_mut(start..)
                .and_then(|rest| rest.get_mut(..bytes.len()))
                .ok_or_else(refused)?;
            place.copy_from_slice(bytes);
            let end = offset.saturating_add(len64(bytes.len()));
            file.dirty
                .extend(offset / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES));
            Ok(())
        })
    }

    fn sync(&mut self, name: SegmentName) -> Result<(), DiskError> {
        self.call(|disk| {
            let file = disk.files.get_mut(&name).ok_or_else(refused)?;
            for sector in &file.dirty {
                copy_sector(&file.cached, &mut file.durable, *sector);
            }
            file.dirty.clear();
            Ok(())
        })
    }

    fn rename(&mut self, from: SegmentName, to: SegmentName) -> Result<(), DiskError> {
        self.call(|disk| {
            let file = disk.files.remove(&from).ok_or_else(refused)?;
            disk.files.insert(to, file);
            Ok(())
        })
    }

    fn remove(&mut self, name: SegmentName) -> Result<(), DiskError> {
        self.call(|disk| disk.files.remove(&name).map(|_| ()).ok_or_else(refused))
    }
}

fn copy_sector(from: &[u8], to: &mut [u8], sector: u64) {
    let start = usize::try_from(sector)
        .unwrap_or(usize::MAX)
        .saturating_mul(SECTOR);
    let end = start.saturating_add(SECTOR).min(from.len()).min(to.len());
    if let (Some(from), Some(to)) = (from.get(start..end), to.get_mut(start..end)) {
        to.copy_from_slice(from);
    }
}

fn refused() -> DiskError {
    DiskError::Failed(Box::new(Refused))
}

fn len64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
