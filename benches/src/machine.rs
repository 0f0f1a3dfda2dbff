//! What the figures were measured on.

use std::fs;
use std::path::Path;

use akashi_client::clock;

/// The machine, as one line each for the head of the table.
#[derive(Clone, Debug)]
pub struct Machine {
    /// When this was looked up, UTC.
    pub date: String,
    /// Processor and number of cores.
    pub processor: String,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Kernel release.
    pub kernel: String,
    /// Device and file system under the data directories.
    pub disk: String,
    /// The load averages over 1, 5 and 15 minutes.
    pub load: String,
    /// The scheduling priority of this program and of everything that it starts; 0 is usual.
    pub nice: String,
}

impl Machine {
    /// Looks the machine up.
    #[must_use]
    pub fn look(data: &Path) -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let cpuinfo = read("/proc/cpuinfo");
        let model = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name"))
            .and_then(|rest| rest.split_once(':'))
            .map_or("unknown", |(_, name)| name.trim());
        let meminfo = read("/proc/meminfo");
        let memory_kib: u64 = meminfo
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))
            .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
            .unwrap_or(0);
        Self {
            date: clock::rfc3339(clock::unix_us()),
            processor: format!("{model}, {cores} cores"),
            memory_mib: memory_kib / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            disk: disk_of(data, &read("/proc/mounts")),
            load: load_average(),
            nice: nice_of(&read("/proc/self/stat")).to_owned(),
        }
    }
}

/// The nice value in a process's `stat` line (proc(5), field 19).
fn nice_of(stat: &str) -> &str {
    /// Its position among the fields after the program's name.
    const NICE_FIELD: usize = 16;
    stat.rsplit_once(')')
        .and_then(|(_, fields)| fields.split_whitespace().nth(NICE_FIELD))
        .unwrap_or("unknown")
}

/// The load averages over 1, 5 and 15 minutes, right now.
#[must_use]
pub fn load_average() -> String {
    let text = read("/proc/loadavg");
    let numbers: Vec<&str> = text.split_whitespace().take(3).collect();
    numbers.join(" ")
}

/// Device and file system of the mount that is nearest above `path`.
fn disk_of(path: &Path, mounts: &str) -> String {
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (device, at, kind) = (fields.next()?, fields.next()?, fields.next()?);
            path.starts_with(at)
                .then(|| (at.len(), format!("{kind} on {device}")))
        })
        .max_by_key(|(length, _)| *length)
        .map_or_else(|| "unknown".to_owned(), |(_, disk)| disk)
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_priority_is_read_from_behind_the_name() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 100 0 0 0 17 5 0 0 20 -5 8 0 100 1 2";
        assert_eq!(nice_of(stat), "-5");
        assert_eq!(nice_of(""), "unknown");
    }

    #[test]
    fn the_nearest_mount_above_a_path_is_its_disk() {
        let mounts = "/dev/a / ext4 rw 0 0\n/dev/b /data xfs rw 0 0\ntmpfs /dat tmpfs rw 0 0\n";
        assert_eq!(disk_of(Path::new("/data/x"), mounts), "xfs on /dev/b");
        assert_eq!(disk_of(Path::new("/home"), mounts), "ext4 on /dev/a");
        assert_eq!(disk_of(Path::new("/home"), ""), "unknown");
    }
}
