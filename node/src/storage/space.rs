//! Room on the file system of the data directory, and the ballast that keeps some of it back.
//!
//! The ballast is a file without content that takes real room. When the disk is nearly full it is
//! removed, so that the state store can still flush and the log can drop what is flushed; when there is
//! room again it is made anew. Nothing is ever read from it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

/// The ballast's name in the data directory.
const BALLAST: &str = "ballast";

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// Enough.
    Ample,
    /// Below the low-water mark: no new commands, and somebody else should lead.
    Low,
    /// Below half of it, or the ballast is spent: no entries of a leader either.
    Out,
}

/// The marks, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Size of the ballast; zero for none.
    pub ballast: u64,
    /// The low-water mark.
    pub low: u64,
}

impl Marks {
    /// What follows from `free` bytes, with the ballast in place or spent.
    const fn judge(self, free: u64, ballast: bool) -> Room {
        if !ballast || free < self.low >> 1 {
            Room::Out
        } else if free < self.low {
            Room::Low
        } else {
            Room::Ample
        }
    }

    /// Whether `free` bytes are enough to make the ballast and not to lose it again at once.
    const fn may_make(self, free: u64) -> bool {
        let needed = self.low.saturating_add(self.ballast);
        free >= needed.saturating_add(self.low >> 2)
    }
}

/// The watch over one data directory.
#[derive(Debug)]
pub struct Space {
    directory: PathBuf,
    marks: Marks,
    /// Whether the ballast is in place; a ballast of no size always is.
    ballast: bool,
}

impl Space {
    /// Watches the data directory at `directory`, which exists; nothing is made yet.
    ///
    /// # Errors
    ///
    /// When the directory cannot be looked at.
    pub fn open(directory: &Path, marks: Marks) -> io::Result<Self> {
        let path = directory.join(BALLAST);
        let found = match fs::metadata(&path) {
            Ok(found) => Some(found.len()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let mut space = Self {
            directory: directory.to_owned(),
            marks,
            ballast: true,
        };
        // Of another size, or half made: begin anew.
        if found.is_some() && (found != Some(marks.ballast) || marks.ballast == 0) {
            space.remove()?;
        }
        space.ballast = marks.ballast == 0 || found == Some(marks.ballast);
        Ok(space)
    }

    /// Bytes that this process may still write.
    ///
    /// # Errors
    ///
    /// When the file system does not say.
    pub fn free(&self) -> io::Result<u64> {
        let found = statvfs(&self.directory)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    /// Looks, spends the ballast or makes it anew where that is due, and says how much room there is.
    ///
    /// # Errors
    ///
    /// When the file system does not answer, or refuses to remove the ballast.
    pub fn look(&mut self) -> io::Result<Room> {
        let free = self.free()?;
        if !self.ballast && self.marks.may_make(free) {
            self.ballast = self.make()?;
        } else if self.ballast
            && self.marks.ballast > 0
            && self.marks.judge(free, true) == Room::Out
        {
            self.spend()?;
        }
        Ok(self.marks.judge(self.free()?, self.ballast))
    }

    /// Spends the ballast at once: the log found no room.
    ///
    /// # Errors
    ///
    /// When the file system refuses.
    pub fn spend(&mut self) -> io::Result<()> {
        if self.ballast && self.marks.ballast > 0 {
            self.remove()?;
            self.ballast = false;
            tracing::error!("the disk is full: the ballast is spent");
        }
        Ok(())
    }

    fn remove(&self) -> io::Result<()> {
        fs::remove_file(self.directory.join(BALLAST))?;
        File::open(&self.directory)?.sync_all()
    }

    /// Makes the ballast. Returns whether there was room.
    fn make(&self) -> io::Result<bool> {
        let path = self.directory.join(BALLAST);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        match fallocate(&file, FallocateFlags::empty(), 0, self.marks.ballast) {
            Ok(()) => {
                file.sync_all()?;
                File::open(&self.directory)?.sync_all()?;
                Ok(true)
            }
            Err(rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT) => {
                self.remove()?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn the_marks_have_room_between_them() {
        let marks = Marks {
            ballast: 256 * MIB,
            low: 256 * MIB,
        };
        assert_eq!(marks.judge(256 * MIB, true), Room::Ample);
        assert_eq!(marks.judge(256 * MIB - 1, true), Room::Low);
        assert_eq!(marks.judge(128 * MIB, true), Room::Low);
        assert_eq!(marks.judge(128 * MIB - 1, true), Room::Out);
        assert_eq!(marks.judge(u64::MAX, false), Room::Out);
        // What removing the ballast gives is not enough to make it again.
        assert!(!marks.may_make(128 * MIB - 1 + marks.ballast));
        assert!(!marks.may_make(512 * MIB));
        assert!(marks.may_make(576 * MIB));
    }

    #[test]
    fn a_ballast_takes_real_room_is_spent_and_comes_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(BALLAST);
        let marks = Marks {
            ballast: 4 * MIB,
            low: 1,
        };
        let mut space = Space::open(directory.path(), marks).unwrap();
        assert!(!path.exists());
        assert_eq!(space.look().unwrap(), Room::Ample);
        use std::os::unix::fs::MetadataExt as _;
        let made = fs::metadata(&path).unwrap();
        assert_eq!(made.len(), 4 * MIB);
        assert!(made.blocks() * 512 >= 4 * MIB, "{}", made.blocks());
        space.spend().unwrap();
        assert!(!path.exists());
        assert_eq!(space.look().unwrap(), Room::Ample, "there is room");
        assert!(path.exists());
        // Another size, or none: the old one goes.
        let none = Marks { ballast: 0, low: 1 };
        let mut space = Space::open(directory.path(), none).unwrap();
        assert!(!path.exists());
        assert_eq!(space.look().unwrap(), Room::Ample);
        assert!(!path.exists());
    }

    #[test]
    fn a_disk_below_its_mark_spends_the_ballast_and_stays_out_of_room() {
        let directory = tempfile::tempdir().unwrap();
        let marks = Marks {
            ballast: MIB,
            low: 1,
        };
        let mut space = Space::open(directory.path(), marks).unwrap();
        space.look().unwrap();
        // No disk has so much: as if it were full.
        space.marks.low = u64::MAX;
        assert_eq!(space.look().unwrap(), Room::Out);
        assert!(!directory.path().join(BALLAST).exists());
        assert_eq!(space.look().unwrap(), Room::Out);
        let again = Space::open(directory.path(), marks).unwrap();
        assert!(!again.ballast, "a start does not forget that it is spent");
    }
}
