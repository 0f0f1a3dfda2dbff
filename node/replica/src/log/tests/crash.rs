//! Power losses at every point: nothing that was synced may be missing, nothing half may appear.

use proptest::prelude::*;

use super::super::disk::SegmentName;
use super::super::mem_disk::Fault;
use super::*;

/// What a test does to the log, one sync after each.
#[derive(Clone, Debug)]
enum Step {
    /// Appends this many entries of a new term, after cutting off this many.
    Append {
        cut: u64,
        count: u64,
        data: usize,
    },
    Vote,
    Head,
    Prepare,
    Release,
}

/// The log as a model that cannot fail.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    entries: Vec<LogEntry>,
    hard_state: HardState,
    head: Option<HeadVow>,
}

impl Model {
    /// Stages `step` in the log and returns what the log holds once it is synced.
    fn after(&self, step: &Step, log: &mut RaftLog<MemDisk>) -> Result<Self, LogError> {
        let mut next = self.clone();
        match step {
            Step::Append { cut, count, data } => {
                let last = next.entries.last().map_or(0, |entry| entry.index);
                let base = log.base().0;
                let first = last.saturating_sub(*cut).max(base) + 1;
                next.hard_state.term += 1;
                let data = vec![b'd'; *data];
                let new: Vec<_> = (first..first + count)
                    .map(|index| entry(index, next.hard_state.term, &data))
                    .collect();
                next.entries.retain(|entry| entry.index < first);
                next.entries.extend(new.clone());
                let hard_state = Some(next.hard_state);
                log.append(FrameBody::Append {
                    entries: new,
                    hard_state,
                })?;
            }
            Step::Vote => {
                next.hard_state.vote += 1;
                log.append(FrameBody::HardState(next.hard_state))?;
            }
            Step::Head => {
                let size = next.head.as_ref().map_or(1, |head| head.size + 1);
                next.head = Some(head(size));
                log.append(FrameBody::Head(head(size)))?;
            }
            Step::Prepare => {
                log.prepare_step()?;
            }
            Step::Release => {
                let middle = next
                    .entries
                    .get(next.entries.len() / 2)
                    .map_or(0, |entry| entry.index);
                log.release_before(middle)?;
            }
        }
        log.sync()?;
        Ok(next)
    }

    /// Whether the log came back as this: entries may be missing only where they were released.
    fn is(&self, found: &Recovered) -> bool {
        let skipped = self.entries.len().saturating_sub(found.entries.len());
        self.entries[skipped..] == found.entries
            && self.hard_state == found.hard_state
            && self.head == found.newest_head
            && self.entries.last().map_or(0, |entry| entry.index) == found.last_index
    }
}

/// Runs `steps` on a fresh log whose disk fails at `call`; returns the disk, the model before and
/// after the step that failed.
fn run(steps: &[Step], call: u64, fault: Fault) -> (MemDisk, Model, Option<Model>) {
    let mut log = format();
    let formatted = log.disk_mut().calls();
    log.disk_mut().fail_at(formatted + call, fault);
    let mut model = Model::default();
    for step in steps {
        match model.after(step, &mut log) {
            Ok(next) => model = next,
            Err(LogError::Disk(_)) => {
                assert!(matches!(log.sync(), Err(LogError::Poisoned)));
                assert!(matches!(
                    log.append(FrameBody::Head(head(1))),
                    Err(LogError::Poisoned)
                ));
                // What the step would have led to, found by running it on a healthy log.
                let mut healthy = format();
                let mut expected = Model::default();
                for before in steps {
                    let next = expected.after(before, &mut healthy).unwrap();
                    if expected == model && std::ptr::eq(before, step) {
                        return (log.into_disk(), model, Some(next));
                    }
                    expected = next;
                }
                unreachable!("the step is one of the steps");
            }
            Err(other) => panic!("{other}"),
        }
    }
    (log.into_disk(), model, None)
}

/// Opens after a power loss and checks that the log is as before the step or as after it; then
/// goes on with the log, loses power again, and checks once more.
fn check(disk: MemDisk, before: &Model, after: Option<&Model>) {
    let (mut log, found) = open(disk).unwrap();
    let now = if before.is(&found) {
        before.clone()
    } else {
        let after = after.expect("something synced is missing");
        assert!(after.is(&found), "half a step: {found:?}");
        after.clone()
    };
    for step in [
        Step::Append {
            cut: 1,
            count: 2,
            data: 10,
        },
        Step::Head,
    ] {
        let before = now.clone();
        let next = before.after(&step, &mut log).unwrap();
        let mut disk = log.disk_mut().clone();
        disk.power_loss(|_, _| false);
        assert!(next.is(&open(disk).unwrap().1));
        log = open({
            let mut disk = log.into_disk();
            disk.power_loss(|_, _| true);
            disk
        })
        .unwrap()
        .0;
        if matches!(step, Step::Append { .. }) {
            // The next step starts from what this one left.
            return check_again(log, &next);
        }
    }
}

fn check_again(mut log: RaftLog<MemDisk>, model: &Model) {
    let next = model.after(&Step::Head, &mut log).unwrap();
    assert!(next.is(&reopen(log).1));
}

/// A little of everything, over three segments.
fn small_scenario() -> Vec<Step> {
    vec![
        Step::Append {
            cut: 0,
            count: 3,
            data: 10,
        },
        Step::Vote,
        Step::Append {
            cut: 2,
            count: 2,
            data: 3000,
        },
        Step::Head,
        Step::Prepare,
        Step::Append {
            cut: 0,
            count: 3,
            data: 3000,
        },
        Step::Append {
            cut: 1,
            count: 1,
            data: 10,
        },
        Step::Append {
            cut: 0,
            count: 1,
            data: 9000,
        },
        Step::Vote,
        Step::Append {
            cut: 0,
            count: 3,
            data: 3000,
        },
        Step::Release,
        Step::Append {
            cut: 0,
            count: 2,
            data: 6000,
        },
        Step::Append {
            cut: 0,
            count: 2,
            data: 6000,
        },
        Step::Release,
        Step::Append {
            cut: 2,
            count: 2,
            data: 6000,
        },
        Step::Head,
    ]
}

#[test]
fn a_power_loss_at_any_call_with_any_sector_torn_leaves_the_log_before_or_after_the_step() {
    let steps = small_scenario();
    let mut ends = 0;
    for fault in [Fault::Before, Fault::After] {
        for call in 0.. {
            let (disk, before, after) = run(&steps, call, fault);
            let sectors = disk.unsynced();
            let count = sectors.len();
            let mut tear = |keep: &dyn Fn(usize) -> bool| {
                let mut torn = disk.clone();
                torn.power_loss(|name, sector| {
                    let at = sectors.iter().position(|found| *found == (name, sector));
                    keep(at.unwrap())
                });
                check(torn, &before, after.as_ref());
                ends += 1;
            };
            for edge in 0..=count {
                tear(&|at| at < edge);
                tear(&|at| at >= edge);
                tear(&|at| at == edge);
                tear(&|at| at != edge);
            }
            if after.is_none() {
                break;
            }
        }
    }
    assert!(ends > 1_500, "{ends}");
}

#[test]
fn a_process_that_ends_at_any_call_leaves_the_log_before_or_after_the_step() {
    let steps = small_scenario();
    for fault in [Fault::Before, Fault::After] {
        for call in 0.. {
            let (mut disk, before, after) = run(&steps, call, fault);
            disk.process_end();
            check(disk, &before, after.as_ref());
            if after.is_none() {
                break;
            }
        }
    }
}

#[test]
fn what_a_failed_sync_left_in_memory_is_on_disk_once_the_log_was_opened() {
    let mut log = format();
    write(&mut log, [append(entries(1, 2, 1))]);
    let sync = log.disk_mut().calls() + 1;
    log.disk_mut().fail_at(sync, Fault::Before);
    log.append(append(entries(3, 4, 1))).unwrap();
    assert!(log.sync().is_err());
    let mut disk = log.into_disk();
    disk.process_end_with_lost_pages();
    let (log, found) = open(disk).unwrap();
    assert_eq!(found.last_index, 4, "the pages still show it");
    assert_eq!(
        reopen(log).1.last_index,
        4,
        "and whoever was told so may rely on it"
    );
}

#[test]
fn a_power_loss_while_opening_changes_nothing() {
    let mut log = format();
    for index in 1..=9 {
        write(&mut log, [append(entries(index, index, 1))]);
    }
    let disk = log.into_disk();
    for call in 0..3 {
        for fault in [Fault::Before, Fault::After] {
            let mut disk = disk.clone();
            disk.fail_at(disk.calls() + call, fault);
            let mut ended = disk.clone();
            if let Ok((log, _)) = open(disk) {
                ended = log.into_disk();
            }
            for keep in [false, true] {
                let mut torn = ended.clone();
                torn.power_loss(|_, sector| keep ^ (sector % 2 == 0));
                assert_eq!(open(torn).unwrap().1.last_index, 9);
            }
        }
    }
}

#[test]
fn a_full_disk_stops_the_roll_and_nothing_else() {
    let mut log = format();
    log.disk_mut().limit(Some(options().segment_bytes));
    let mut last = 0;
    let refused = loop {
        log.append(append(entries(last + 1, last + 1, 1))).unwrap();
        match log.sync() {
            Ok(_) => last += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, LogError::NoSpace(_)));
    assert!(matches!(log.prepare_step(), Err(LogError::NoSpace(_))));
    assert_eq!(
        log.read_entries(1, 100, u64::MAX).unwrap(),
        entries(1, last, 1)
    );
    log.disk_mut().limit(None);
    assert!(log.needs_sync());
    log.sync().unwrap();
    assert_eq!(reopen(log).1.entries, entries(1, last + 1, 1));
}

#[test]
fn a_full_disk_that_is_tried_again_and_again_makes_the_batch_no_larger() {
    let mut log = format();
    log.disk_mut().limit(Some(options().segment_bytes));
    let mut last = 0;
    let body = |index, term| FrameBody::Append {
        entries: entries(index, index, term),
        hard_state: Some(vote(term, 1, index)),
    };
    loop {
        log.append(body(last + 1, last + 1)).unwrap();
        if log.sync().is_err() {
            break;
        }
        last += 1;
    }
    for _ in 0..50 {
        assert!(matches!(log.sync(), Err(LogError::NoSpace(_))));
    }
    log.append(body(last + 2, last + 2)).unwrap();
    assert!(matches!(log.sync(), Err(LogError::NoSpace(_))));
    log.disk_mut().limit(None);
    let synced = log.sync().unwrap();
    assert_eq!(synced.frames, 2);
    let found = reopen(log).1;
    assert_eq!(found.last_index, last + 2);
    assert_eq!(found.hard_state, vote(last + 2, 1, last + 2));
}

#[test]
fn of_a_batch_of_several_frames_a_power_loss_leaves_a_beginning_without_its_hard_state() {
    let batch: Vec<_> = (1..=9).map(|index| entry(index, 1, &[1; 5000])).collect();
    for call in 0..6 {
        let mut log = format();
        let formatted = log.disk_mut().calls();
        log.disk_mut().fail_at(formatted + call, Fault::Before);
        let hard_state = Some(vote(1, 1, 9));
        log.append(FrameBody::Append {
            entries: batch.clone(),
            hard_state,
        })
        .unwrap();
        assert!(log.sync().is_err());
        let (_, found) = reopen(log);
        assert!(batch.starts_with(&found.entries));
        assert_eq!(
            found.hard_state,
            HardState::default(),
            "no commit index without its entries"
        );
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u64..4, 1_u64..5, prop_oneof![0_usize..50, 2000_usize..3900])
            .prop_map(|(cut, count, data)| Step::Append { cut, count, data }),
        1 => Just(Step::Vote),
        1 => Just(Step::Head),
        1 => Just(Step::Prepare),
        1 => Just(Step::Release),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_steps_survive_a_power_loss_with_any_sectors_kept(
        steps in prop::collection::vec(any_step(), 1..30),
        call in 0_u64..120,
        after in any::<bool>(),
        kept in prop::collection::vec(any::<bool>(), 64),
    ) {
        let fault = if after { Fault::After } else { Fault::Before };
        let (mut disk, before, after) = run(&steps, call, fault);
        disk.power_loss(|name, sector| {
            let SegmentName::Live(number) = name else { return true };
            kept[usize::try_from(number + sector).unwrap() % kept.len()]
        });
        check(disk, &before, after.as_ref());
    }
}
