//! What befalls a machine: its clock jumps, its disk is small, its disk refuses to sync.
//!
//! Nodes are not told: a library in front of the C library, or a file system of its own, does it to them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A clock that can be set for one process while it runs (libfaketime; `make setup` installs it).
#[derive(Debug)]
pub struct WildClock {
    file: PathBuf,
    library: PathBuf,
}

impl WildClock {
    /// A clock that is right until it is told otherwise; `directory` stays as long as the process.
    ///
    /// # Panics
    ///
    /// When libfaketime is not installed.
    #[must_use]
    pub fn new(directory: &Path, name: &str) -> Self {
        let file = directory.join(format!("clock-{name}"));
        let clock = Self {
            file,
            library: faketime(),
        };
        clock.set_off(0);
        clock
    }

    /// Sets it `seconds` off from now on.
    ///
    /// # Panics
    ///
    /// When the file cannot be written.
    pub fn set_off(&self, seconds: i64) {
        // In one step: a half-written file would be a time of its own.
        let begun = self.file.with_extension("new");
        std::fs::write(&begun, format!("{seconds:+}\n")).expect("a clock file");
        std::fs::rename(&begun, &self.file).expect("a clock file");
    }

    /// What the process at `position` needs in its environment.
    #[must_use]
    pub fn environment(&self, position: usize) -> Vec<(usize, String, String)> {
        let variables = [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        let with_position = |(name, value): (&str, String)| (position, name.to_owned(), value);
        variables.into_iter().map(with_position).collect()
    }
}

/// Where Debian puts the library.
fn faketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").expect("/usr/lib");
    let library = folders
        .filter_map(Result::ok)
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.exists());
    library.expect("libfaketime is installed: make setup")
}

/// A disk whose syncs fail, or take long, for one process once it is told so.
#[derive(Debug)]
pub struct SyncFault {
    library: PathBuf,
    switch: PathBuf,
}

/// A library that stands before the C library's syncs.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What the file says: "fail", or how many microseconds a sync takes longer. */
static int refused(void) {
    const char *path = getenv("AKASHI_TEST_SYNC_FAULT");
    FILE *file = path ? fopen(path, "r") : NULL;
    char text[16] = "";
    if (!file) return 0;
    if (!fgets(text, sizeof text, file)) text[0] = 0;
    fclose(file);
    if (text[0] == 'f') return 1;
    usleep((useconds_t)atol(text));
    return 0;
}
int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    if (refused()) { errno = EIO; return -1; }
    return real(fd);
}
int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    if (refused()) { errno = EIO; return -1; }
    return real(fd);
}
"#;

impl SyncFault {
    /// A disk that is well until it is told otherwise; `directory` stays as long as the process.
    ///
    /// # Panics
    ///
    /// When there is no C compiler, which a build needs anyway.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        let (source, library) = (directory.join("shim.c"), directory.join("shim.so"));
        std::fs::write(&source, SHIM).expect("a source file");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .arg(&source)
            .arg("-ldl")
            .status();
        assert!(compiled.expect("cc runs").success(), "the shim compiles");
        let switch = directory.join("syncs");
        Self { library, switch }
    }

    /// How much longer each sync takes from now on, in milliseconds.
    ///
    /// # Panics
    ///
    /// When the switch cannot be turned.
    pub fn slow(&self, ms: u64) {
        std::fs::write(&self.switch, (ms * 1_000).to_string()).expect("the switch");
    }

    /// Whether syncs fail from now on.
    ///
    /// # Panics
    ///
    /// When the switch cannot be turned.
    pub fn fail(&self, fails: bool) {
        if fails {
            std::fs::write(&self.switch, "fail").expect("the switch");
        } else {
            std::fs::remove_file(&self.switch).expect("the switch");
        }
    }

    /// What the process at `position` needs in its environment.
    #[must_use]
    pub fn environment(&self, position: usize) -> Vec<(usize, String, String)> {
        let text = |path: &Path| path.display().to_string();
        vec![
            (position, "LD_PRELOAD".to_owned(), text(&self.library)),
            (
                position,
                "AKASHI_TEST_SYNC_FAULT".to_owned(),
                text(&self.switch),
            ),
        ]
    }
}

/// A file system of its own in memory, unmounted when it is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Whether this process may mount anything.
    ///
    /// # Panics
    ///
    /// When there is no directory to try it in.
    #[must_use]
    pub fn can_be_mounted() -> bool {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("try");
        let mounted = std::fs::create_dir(&path).is_ok() && mount(&path, 1);
        if mounted {
            drop(Self { path });
        }
        mounted
    }

    /// Mounts `mib` MiB at `path`.
    ///
    /// # Panics
    ///
    /// When mounting is refused.
    #[must_use]
    pub fn mount(path: &Path, mib: u32) -> Self {
        std::fs::create_dir(path).expect("a mount point");
        assert!(mount(path, mib), "a file system is mounted");
        Self {
            path: path.to_owned(),
        }
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes room away until `left_mib` MiB are free.
    ///
    /// # Panics
    ///
    /// When there is less already.
    pub fn fill(&self, left_mib: u64) {
        let free = Command::new("stat")
            .args(["-f", "-c", "%a %S"])
            .arg(&self.path)
            .output();
        let text = String::from_utf8(free.expect("stat runs").stdout).expect("numbers");
        let mut numbers = text
            .split_whitespace()
            .map(|n| n.parse::<u64>().expect("a number"));
        let free = numbers.next().expect("blocks") * numbers.next().expect("bytes");
        let bytes = free.checked_sub(left_mib << 20).expect("there is less");
        let written = Command::new("fallocate")
            .args(["-l", &bytes.to_string()])
            .arg(self.filler())
            .status();
        assert!(written.expect("fallocate runs").success());
    }

    /// Gives back what [`SmallDisk::fill`] took.
    ///
    /// # Panics
    ///
    /// When nothing was taken.
    pub fn give_back(&self) {
        std::fs::remove_file(self.filler()).expect("the filler");
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the processes on it may still be ending.
        let (Ok(_) | Err(_)) = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

fn mount(path: &Path, mib: u32) -> bool {
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"])
        .arg(path)
        .stderr(std::process::Stdio::null())
        .status();
    mounted.is_ok_and(|status| status.success())
}
