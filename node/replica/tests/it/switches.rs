//! Switching log and state to a received snapshot: wherever the power goes, the next start finishes it,
//! and nothing that was acknowledged is given up.

use akashi_replica::entry::{EntryKind, HardState, LogEntry};
use akashi_replica::log::{Fault, FrameBody, HeadVow, LogOptions, MemDisk, RaftLog};
use akashi_replica::snapshot::{Base, Place, Switched, switch};

/// A place in memory, with the two states as words.
#[derive(Clone, Debug, PartialEq, Eq)]
struct MemPlace {
    whole: Option<Base>,
    received: Option<&'static str>,
    state: &'static str,
    /// Steps that still succeed.
    steps: usize,
}

impl MemPlace {
    fn step(&mut self) -> Result<(), &'static str> {
        self.steps = self.steps.checked_sub(1).ok_or("the power went")?;
        Ok(())
    }
}

impl Place for MemPlace {
    type Error = &'static str;

    fn whole(&mut self) -> Result<Option<Base>, Self::Error> {
        self.step()?;
        Ok(self.whole)
    }

    fn adopt(&mut self) -> Result<(), Self::Error> {
        self.step()?;
        if let Some(received) = self.received.take() {
            self.state = received;
        }
        self.step()
    }

    fn clear(&mut self) -> Result<(), Self::Error> {
        self.step()?;
        self.whole = None;
        self.step()?;
        self.received = None;
        Ok(())
    }
}

const BASE: Base = Base {
    index: 100,
    term: 3,
};

fn options() -> LogOptions {
    let mut options = LogOptions::new([7; 16]);
    options.segment_bytes = 64 << 10;
    options.frame_bytes_max = 16 << 10;
    options
}

fn numbered(range: std::ops::RangeInclusive<u64>, term: u64) -> Vec<LogEntry> {
    range
        .map(|index| LogEntry {
            index,
            term,
            kind: EntryKind::Normal,
            data: vec![1; 64],
        })
        .collect()
}

/// A log of entries 1 to `last` in term 1, a vote in `term`, and a vow.
fn log(last: u64, term: u64) -> RaftLog<MemDisk> {
    let mut log = RaftLog::format(MemDisk::default(), options()).unwrap();
    log.append(FrameBody::Append {
        entries: numbered(1..=last, 1),
        hard_state: Some(HardState {
            term,
            vote: 2,
            commit: last,
        }),
    })
    .unwrap();
    let vow = HeadVow {
        origin: b"bank/e1/g0".to_vec(),
        size: 5,
        root: [5; 32],
    };
    log.append(FrameBody::Head(vow)).unwrap();
    log.sync().unwrap();
    log
}

fn place() -> MemPlace {
    MemPlace {
        whole: Some(BASE),
        received: Some("new"),
        state: "old",
        steps: usize::MAX,
    }
}

#[test]
fn a_switch_that_loses_power_at_any_step_is_finished_by_the_next_start() {
    let mut interrupted = 0;
    for steps in 0..10 {
        for (call, fault) in (0..6).flat_map(|call| [(call, Fault::Before), (call, Fault::After)]) {
            let mut place = MemPlace { steps, ..place() };
            let mut log = log(20, 2);
            let calls = log.disk_mut().calls();
            log.disk_mut().fail_at(calls + call, fault);
            interrupted += u32::from(switch(&mut place, &mut log).is_err());
            let mut disk = log.into_disk();
            disk.power_loss(|_, sector| sector % 2 == 0);
            let (mut log, found) = RaftLog::open(disk, options()).unwrap();
            let reset = found.base_index == BASE.index;
            assert!(place.state == "old" || reset, "the state never goes first");
            place.steps = usize::MAX;
            let switched = switch(&mut place, &mut log).unwrap();
            let there = [Switched::To(BASE), Switched::Nothing];
            assert!(there.contains(&switched), "{switched:?}");
            assert_eq!((place.state, place.whole), ("new", None));
            let (mut log, found) = RaftLog::open(log.into_disk(), options()).unwrap();
            assert_eq!((found.base_index, found.base_term), (100, 3));
            assert_eq!(found.last_index, 100);
            let kept = HardState {
                term: 3,
                vote: 0,
                commit: 100,
            };
            assert_eq!(found.hard_state, kept);
            assert_eq!(found.newest_head.map(|vow| vow.size), Some(5));
            log.append(FrameBody::Append {
                entries: numbered(101..=103, 3),
                hard_state: None,
            })
            .unwrap();
            log.sync().unwrap();
            let (_, found) = RaftLog::open(log.into_disk(), options()).unwrap();
            assert_eq!(found.last_index, 103);
        }
    }
    assert!(interrupted > 40, "{interrupted}");
}

#[test]
fn a_newer_term_and_its_vote_outlive_a_switch() {
    let mut log = log(20, 9);
    switch(&mut place(), &mut log).unwrap();
    let hard_state = log.hard_state();
    assert_eq!(
        (hard_state.term, hard_state.vote, hard_state.commit),
        (9, 2, 100)
    );
}

#[test]
fn entries_that_were_acknowledged_are_never_given_up_for_a_snapshot() {
    let mut longer = log(20, 3);
    longer
        .append(FrameBody::Append {
            entries: numbered(21..=150, 3),
            hard_state: None,
        })
        .unwrap();
    longer.sync().unwrap();
    let mut dropped = place();
    let switched = switch(&mut dropped, &mut longer).unwrap();
    assert_eq!(switched, Switched::NotNeeded(BASE));
    assert_eq!((dropped.state, dropped.received), ("old", None));
    assert_eq!(longer.last().0, 150);
    // Entries of a leader that lost, in the place of what was decided, are none.
    let mut astray = log(150, 2);
    assert_eq!(
        switch(&mut place(), &mut astray).unwrap(),
        Switched::To(BASE)
    );
    assert_eq!(astray.last(), (100, 3));
}

#[test]
fn without_a_whole_snapshot_nothing_is_touched() {
    let mut log = log(20, 2);
    let mut partial = MemPlace {
        whole: None,
        ..place()
    };
    assert_eq!(switch(&mut partial, &mut log).unwrap(), Switched::Nothing);
    assert_eq!((partial.state, log.last().0), ("old", 20));
}
