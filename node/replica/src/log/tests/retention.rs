//! What the log drops, and that a crash in the middle of dropping loses nothing else.

use super::super::Retention;
use super::super::mem_disk::Fault;
use super::*;

/// Six segments, one entry per frame: 1..=6, 7..=14, 15..=22, 23..=30, 31..=38, 39 and 40.
fn long_log() -> RaftLog<MemDisk> {
    let mut log = format();
    write(
        &mut log,
        [
            FrameBody::HardState(vote(1, 2, 0)),
            FrameBody::Head(head(3)),
        ],
    );
    for index in 1..=40 {
        write(&mut log, [append(entries(index, index, 1))]);
    }
    assert_eq!(log.segments().0, 6);
    log
}

const fn retention(durable: u64, needed_after: u64) -> Retention {
    Retention {
        durable,
        needed_after,
        segments_kept: 1,
        segments_max: 100,
    }
}

#[test]
fn whole_segments_go_that_the_store_has_and_nobody_needs() {
    for (limits, base) in [
        (retention(0, u64::MAX), 0),
        (retention(u64::MAX, 0), 0),
        (retention(13, u64::MAX), 6),
        (retention(14, u64::MAX), 14),
        (retention(u64::MAX, 21), 14),
        (retention(30, 22), 22),
        (retention(u64::MAX, u64::MAX), 38),
    ] {
        let mut log = long_log();
        log.retain(&limits).unwrap();
        assert_eq!(log.base().0, base, "{limits:?}");
        let (_, found) = reopen(log);
        assert_eq!(found.entries, entries(base + 1, 40, 1));
        assert_eq!(found.hard_state, vote(1, 2, 0));
        assert_eq!(found.newest_head, Some(head(3)));
    }
}

#[test]
fn some_segments_stay_though_nobody_needs_them() {
    let mut log = long_log();
    let limits = Retention {
        segments_kept: 4,
        ..retention(40, u64::MAX)
    };
    assert_eq!(log.retain(&limits).unwrap(), 2);
    assert_eq!((log.base().0, log.segments().0), (14, 4));
    let none = Retention {
        segments_kept: 0,
        ..limits
    };
    log.retain(&none).unwrap();
    assert_eq!(log.segments().0, 1, "the newest always stays");
}

#[test]
fn above_the_cap_needs_do_not_count_and_durability_still_does() {
    let capped = |durable| Retention {
        segments_max: 3,
        ..retention(durable, 0)
    };
    let mut log = long_log();
    assert_eq!(
        log.retain(&capped(14)).unwrap(),
        2,
        "as far as the store is"
    );
    assert_eq!(log.retain(&capped(14)).unwrap(), 0);
    assert_eq!(log.retain(&capped(40)).unwrap(), 1, "down to the cap");
    assert_eq!((log.base().0, log.segments().0), (22, 3));
}

#[test]
fn a_disk_of_a_fixed_size_carries_a_log_without_end() {
    let mut log = format();
    // Room for the cap, one spare that is being made, and nothing more.
    log.disk_mut().limit(Some(4 * options().segment_bytes));
    let limits = |durable| Retention {
        segments_max: 2,
        ..retention(durable, 0)
    };
    for index in 1..=400 {
        write(&mut log, [append(entries(index, index, 1))]);
        while log.prepare_step().unwrap() {}
        log.retain(&limits(index)).unwrap();
        let (live, spare) = log.segments();
        assert!(live + spare <= 4, "{live} and {spare}");
    }
    let (_, found) = reopen(log);
    assert_eq!(found.last_index, 400);
}

#[test]
fn a_crash_at_any_step_of_dropping_leaves_every_later_entry_vote_and_vow() {
    let limits = retention(35, u64::MAX);
    let steps = {
        let mut log = long_log();
        let before = log.disk_mut().calls();
        log.retain(&limits).unwrap();
        log.disk_mut().calls() - before
    };
    assert_eq!(steps, 4, "two renames to spares and two removals");
    for call in 0..steps {
        for fault in [Fault::Before, Fault::After] {
            let mut log = long_log();
            let at = log.disk_mut().calls() + call;
            log.disk_mut().fail_at(at, fault);
            assert!(matches!(log.retain(&limits), Err(LogError::Disk(_))));
            assert!(matches!(log.retain(&limits), Err(LogError::Poisoned)));
            let (mut log, found) = reopen(log);
            assert!(found.base_index <= 30);
            assert_eq!(found.entries, entries(found.first_index, 40, 1));
            assert_eq!(found.hard_state, vote(1, 2, 0));
            assert_eq!(found.newest_head, Some(head(3)));
            log.retain(&limits).unwrap();
            assert_eq!(log.base().0, 30, "it goes on where it was");
            write(&mut log, [append(entries(41, 60, 2))]);
            assert_eq!(reopen(log).1.last_index, 60);
        }
    }
}
