//! Processor time of processes and of the machine, from `/proc`.
//!
//! Counts whole ticks of 10 ms, so it is meant for seconds of load, not for single calls.
//!
//! # Sources
//!
//! proc(5): fields 14 and 15 of `/proc/<pid>/stat`, the first line of `/proc/stat`.

use std::fs;

/// Microseconds of one tick: `USER_HZ` is 100 on every Linux that a user program can see.
const TICK_US: u64 = 10_000;
/// Position of the user time among the fields after the program's name in `/proc/<pid>/stat`.
const UTIME_FIELD: usize = 11;
/// Position of "idle" among the numbers of `/proc/stat`; "iowait" follows it.
const IDLE_FIELD: usize = 3;
/// Numbers of `/proc/stat` that do not overlap: guest time is part of user time.
const DISJOINT_FIELDS: usize = 8;
/// Position of the time that the hypervisor gave to others.
const STEAL_FIELD: usize = 7;

/// Processor microseconds spent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// By the processes under measurement.
    pub servers_us: u64,
    /// By this program, which makes the load.
    pub generator_us: u64,
    /// By everybody, other machines on the same host included as far as they were noticed.
    pub machine_us: u64,
}

impl Spent {
    /// What was spent so far.
    #[must_use]
    pub fn now(servers: &[u32]) -> Self {
        Self {
            servers_us: servers.iter().map(|pid| process_us(&pid.to_string())).sum(),
            generator_us: process_us("self"),
            machine_us: machine_us(),
        }
    }

    /// What was spent since `earlier`.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            servers_us: self.servers_us.saturating_sub(earlier.servers_us),
            generator_us: self.generator_us.saturating_sub(earlier.generator_us),
            machine_us: self.machine_us.saturating_sub(earlier.machine_us),
        }
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            servers_us: self.servers_us.saturating_add(other.servers_us),
            generator_us: self.generator_us.saturating_add(other.generator_us),
            machine_us: self.machine_us.saturating_add(other.machine_us),
        }
    }

    /// What neither the servers nor the load spent: other people's work on the same machine.
    #[must_use]
    pub const fn elsewhere_us(self) -> u64 {
        self.machine_us
            .saturating_sub(self.servers_us)
            .saturating_sub(self.generator_us)
    }
}

/// User and system time of a process; zero if it is gone.
fn process_us(pid: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    process_ticks(&text).saturating_mul(TICK_US)
}

fn process_ticks(stat: &str) -> u64 {
    // The name stands in parentheses and may contain anything, spaces and parentheses included.
    let Some((_, fields)) = stat.rsplit_once(')') else {
        return 0;
    };
    let numbers = fields.split_whitespace().skip(UTIME_FIELD).take(2);
    numbers
        .filter_map(|number| number.parse::<u64>().ok())
        .sum()
}

fn machine_us() -> u64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    busy_ticks(text.lines().next().unwrap_or_default()).saturating_mul(TICK_US)
}

fn busy_ticks(line: &str) -> u64 {
    line.split_whitespace()
        .skip(1)
        .take(DISJOINT_FIELDS)
        .enumerate()
        .filter(|(field, _)| ![IDLE_FIELD, IDLE_FIELD + 1].contains(field))
        .filter_map(|(_, number)| number.parse::<u64>().ok())
        .sum()
}

/// Ticks that the hypervisor gave to others since this machine started.
#[must_use]
pub fn stolen_ticks() -> u64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    text.lines()
        .next()
        .and_then(|line| line.split_whitespace().nth(STEAL_FIELD + 1))
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_spaces_and_parentheses_is_passed_over() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 100 0 0 0 17 5 0 0 20 0 8 0 100 1 2";
        assert_eq!(process_ticks(stat), 22);
        assert_eq!(process_ticks(""), 0);
    }

    #[test]
    fn idle_and_waiting_for_the_disk_are_not_busy() {
        assert_eq!(busy_ticks("cpu  10 1 20 1000 500 2 3 4 99 99"), 40);
    }

    #[test]
    fn this_process_has_spent_something_or_nothing_but_is_found() {
        let earlier = Spent::now(&[std::process::id()]);
        let later = Spent::now(&[std::process::id()]);
        assert!(later.since(earlier).servers_us < 60_000_000);
        assert!(later.machine_us >= earlier.machine_us);
    }
}
