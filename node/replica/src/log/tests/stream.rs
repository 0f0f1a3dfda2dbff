//! What goes in comes out: round trips, truncation, hard states, rolls, releases, reading back.

use super::*;

#[test]
fn a_fresh_log_is_empty_and_starts_at_one() {
    let (_, found) = reopen(format());
    assert!(found.entries.is_empty());
    assert_eq!(
        (found.base_index, found.first_index, found.last_index),
        (0, 1, 0)
    );
    assert_eq!(found.hard_state, HardState::default());
    assert!(!found.truncated_torn_tail);
}

#[test]
fn a_disk_without_a_log_is_refused_and_a_log_is_not_formatted_over() {
    assert!(matches!(open(MemDisk::default()), Err(LogError::Missing)));
    let disk = format().into_disk();
    assert!(matches!(
        RaftLog::format(disk, options()),
        Err(LogError::Exists)
    ));
}

#[test]
fn everything_synced_comes_back() {
    let mut log = format();
    let membership = LogEntry {
        kind: EntryKind::Membership,
        ..entry(4, 2, b"conf")
    };
    write(
        &mut log,
        [
            append(entries(1, 3, 1)),
            FrameBody::HardState(vote(2, 3, 2)),
        ],
    );
    write(
        &mut log,
        [
            append(vec![membership.clone(), entry(5, 2, b"")]),
            FrameBody::Head(head(8)),
        ],
    );
    let (log, found) = reopen(log);
    let expected: Vec<_> = entries(1, 3, 1)
        .into_iter()
        .chain([membership, entry(5, 2, b"")])
        .collect();
    assert_eq!(found.entries, expected);
    assert_eq!(found.hard_state, vote(2, 3, 2));
    assert_eq!(found.newest_head, Some(head(8)));
    assert_eq!(log.last(), (5, 2));
    assert_eq!(
        (log.term(3), log.term(4), log.term(6)),
        (Some(1), Some(2), None)
    );
}

#[test]
fn several_appends_are_one_frame_and_one_sync() {
    let mut log = format();
    let before = log.disk_mut().calls();
    for index in 1..=20 {
        log.append(append(vec![entry(index, 1, b"x")])).unwrap();
        log.append(FrameBody::HardState(vote(1, 1, index))).unwrap();
    }
    let done = log.sync().unwrap();
    assert_eq!((done.frames, done.bytes), (1, 4096));
    assert_eq!(log.disk_mut().calls() - before, 2, "one write, one sync");
    assert_eq!(log.sync().unwrap().frames, 0);
}

#[test]
fn a_commit_index_alone_causes_no_write_and_rides_in_the_next_frame() {
    let mut log = format();
    write(
        &mut log,
        [
            append(entries(1, 2, 1)),
            FrameBody::HardState(vote(1, 1, 0)),
        ],
    );
    let before = log.disk_mut().calls();
    log.append(FrameBody::HardState(vote(1, 1, 2))).unwrap();
    assert!(!log.needs_sync());
    log.sync().unwrap();
    assert_eq!(log.disk_mut().calls(), before);
    write(&mut log, [append(entries(3, 3, 1))]);
    assert_eq!(reopen(log).1.hard_state, vote(1, 1, 2));
}

#[test]
fn the_newest_hard_state_and_head_win() {
    let mut log = format();
    write(
        &mut log,
        [
            FrameBody::HardState(vote(1, 1, 0)),
            FrameBody::Head(head(1)),
        ],
    );
    write(
        &mut log,
        [
            FrameBody::HardState(vote(2, 0, 0)),
            FrameBody::Head(head(2)),
        ],
    );
    write(&mut log, [FrameBody::HardState(vote(2, 3, 0))]);
    let (_, found) = reopen(log);
    assert_eq!(found.hard_state, vote(2, 3, 0));
    assert_eq!(found.newest_head, Some(head(2)));
}

#[test]
fn an_overlapping_append_cuts_the_log_and_the_cut_survives() {
    let mut log = format();
    write(&mut log, [append(entries(1, 10, 1))]);
    write(&mut log, [append(entries(11, 12, 2))]);
    write(&mut log, [append(entries(6, 7, 3))]);
    let expected: Vec<_> = entries(1, 5, 1)
        .into_iter()
        .chain(entries(6, 7, 3))
        .collect();
    assert_eq!(log.read_entries(1, 100, u64::MAX).unwrap(), expected);
    let (mut log, found) = reopen(log);
    assert_eq!(found.entries, expected);
    assert_eq!(log.read_entries(1, 100, u64::MAX).unwrap(), expected);
    assert_eq!(log.read_entries(5, 7, u64::MAX).unwrap(), expected[4..6]);
}

#[test]
fn a_cut_inside_one_frame_reads_back_as_it_recovers() {
    let mut log = format();
    write(
        &mut log,
        [
            append(entries(1, 4, 1)),
            append(entries(3, 6, 2)),
            append(entries(5, 5, 3)),
        ],
    );
    let expected: Vec<_> = entries(1, 2, 1)
        .into_iter()
        .chain(entries(3, 4, 2))
        .chain(entries(5, 5, 3))
        .collect();
    assert_eq!(log.read_entries(1, 9, u64::MAX).unwrap(), expected);
    assert_eq!(reopen(log).1.entries, expected);
}

#[test]
fn entries_that_do_not_continue_the_log_are_refused_and_stage_nothing() {
    let mut log = format();
    write(&mut log, [append(entries(1, 2, 1))]);
    assert!(matches!(
        log.append(append(entries(4, 5, 1))),
        Err(LogError::Gap)
    ));
    assert!(matches!(
        log.append(append(vec![entry(3, 1, b""), entry(5, 1, b"")])),
        Err(LogError::Gap)
    ));
    assert!(matches!(
        log.append(append(vec![entry(0, 1, b"")])),
        Err(LogError::Gap)
    ));
    let huge = vec![0; 64 << 10];
    assert!(matches!(
        log.append(append(vec![entry(3, 1, &huge)])),
        Err(LogError::TooLarge)
    ));
    assert!(!log.needs_sync());
    write(&mut log, [append(entries(3, 3, 1))]);
    assert_eq!(reopen(log).1.entries, entries(1, 3, 1));
}

#[test]
fn a_batch_larger_than_a_frame_becomes_several_frames() {
    let mut log = format();
    let data = vec![5; 5 * 1024];
    let batch: Vec<_> = (1..=12).map(|index| entry(index, 1, &data)).collect();
    log.append(FrameBody::Append {
        entries: batch.clone(),
        hard_state: Some(vote(1, 1, 12)),
    })
    .unwrap();
    assert_eq!(log.sync().unwrap().frames, 4);
    assert_eq!(
        log.segments().0,
        3,
        "four blocks a frame, and one block for the opening"
    );
    assert_eq!(
        log.read_entries(1, 13, 0).unwrap(),
        batch[..1],
        "at least one"
    );
    assert_eq!(log.read_entries(2, 13, 3 * 5 * 1024).unwrap(), batch[1..4]);
    assert_eq!(log.read_entries(2, 5, u64::MAX).unwrap(), batch[1..4]);
    let (_, found) = reopen(log);
    assert_eq!(found.entries, batch);
    assert_eq!(found.hard_state, vote(1, 1, 12));
}

/// A log of single-entry frames, one block each.
fn long_log(last: u64) -> RaftLog<MemDisk> {
    let mut log = format();
    write(
        &mut log,
        [
            FrameBody::HardState(vote(1, 2, 0)),
            FrameBody::Head(head(3)),
        ],
    );
    for index in 1..=last {
        write(&mut log, [append(entries(index, index, 1))]);
        while log.prepare_step().unwrap() {}
    }
    log
}

#[test]
fn a_log_goes_on_over_many_segments() {
    let mut log = long_log(40);
    assert_eq!(
        log.segments().0,
        6,
        "eight blocks each, one frame per block"
    );
    assert_eq!(
        log.read_entries(1, 41, u64::MAX).unwrap(),
        entries(1, 40, 1)
    );
    let (_, found) = reopen(log);
    assert_eq!(found.entries, entries(1, 40, 1));
}

#[test]
fn released_segments_go_and_vote_head_and_base_stay() {
    let mut log = long_log(40);
    assert_eq!(log.release_before(1).unwrap(), 0);
    assert_eq!(
        log.release_before(30).unwrap(),
        3,
        "eight blocks each, the first two for others"
    );
    assert_eq!(log.base(), (22, 1));
    assert!(matches!(
        log.read_entries(22, 30, u64::MAX),
        Err(LogError::Compacted)
    ));
    assert_eq!(
        log.read_entries(23, 41, u64::MAX).unwrap(),
        entries(23, 40, 1)
    );
    let (mut log, found) = reopen(log);
    assert_eq!(
        (found.base_index, found.base_term, found.first_index),
        (22, 1, 23)
    );
    assert_eq!(found.entries, entries(23, 40, 1));
    assert_eq!(found.hard_state, vote(1, 2, 0));
    assert_eq!(found.newest_head, Some(head(3)));
    assert_eq!(
        log.release_before(u64::MAX).unwrap(),
        2,
        "the newest segment always stays"
    );
    let (log, found) = reopen(log);
    assert_eq!(found.hard_state, vote(1, 2, 0));
    assert_eq!(log.last(), (40, 1));
}

#[test]
fn segments_are_used_again_and_their_old_frames_are_not_read() {
    let mut log = long_log(40);
    log.release_before(39).unwrap();
    assert_eq!(
        log.segments(),
        (1, 2),
        "two spares are kept, the rest is removed"
    );
    for index in 41..=80 {
        write(&mut log, [append(entries(index, index, 2))]);
        if index % 16 == 0 {
            let (again, found) = reopen(log);
            assert_eq!(found.last_index, index);
            assert!(!found.truncated_torn_tail);
            log = again;
            log.release_before(index).unwrap();
        }
    }
    assert_eq!(reopen(log).1.last_index, 80);
}

#[test]
fn the_next_segment_is_prepared_in_steps_once_the_newest_is_half_full() {
    let mut log = format();
    assert!(!log.prepare_step().unwrap());
    for index in 1..=4 {
        write(&mut log, [append(entries(index, index, 1))]);
    }
    let steps = (1..100).find(|_| !log.prepare_step().unwrap()).unwrap();
    assert_eq!(steps, 4, "four steps of two blocks");
    assert_eq!(log.segments(), (1, 1));
    let before = log.disk_mut().calls();
    for index in 5..=8 {
        write(&mut log, [append(entries(index, index, 1))]);
    }
    assert_eq!(
        log.disk_mut().calls() - before,
        9,
        "four writes, four syncs, one rename"
    );
    assert_eq!(reopen(log).1.last_index, 8);
}

#[test]
fn a_reset_starts_the_log_anew_behind_the_snapshot() {
    let mut log = long_log(20);
    write(
        &mut log,
        [FrameBody::Reset {
            index: 100,
            term: 7,
            hard_state: vote(8, 0, 100),
        }],
    );
    assert_eq!((log.base(), log.last()), ((100, 7), (100, 7)));
    let (mut log, found) = reopen(log);
    assert_eq!(
        (found.base_index, found.base_term, found.last_index),
        (100, 7, 100)
    );
    assert!(found.entries.is_empty());
    assert_eq!(
        found.newest_head,
        Some(head(3)),
        "a vow outlives a snapshot"
    );
    write(&mut log, [append(entries(101, 103, 8))]);
    assert_eq!(log.release_before(101).unwrap(), 2);
    let (mut log, found) = reopen(log);
    assert_eq!(found.entries, entries(101, 103, 8));
    assert_eq!((found.base_index, found.base_term), (100, 7));
    assert_eq!(found.hard_state, vote(8, 0, 100));
    assert_eq!(
        log.read_entries(101, 104, u64::MAX).unwrap(),
        entries(101, 103, 8)
    );
}

#[test]
fn a_cut_below_the_oldest_frame_left_moves_the_base_down_on_recovery() {
    let mut log = format();
    // Twelve entries of term 1 fill the first segment and more; then 5 and on are replaced.
    for index in 1..=12 {
        write(&mut log, [append(entries(index, index, 1))]);
    }
    assert_eq!(log.segments().0, 2);
    write(&mut log, [append(entries(5, 14, 2))]);
    assert_eq!(log.release_before(6).unwrap(), 1);
    assert_eq!(log.base(), (4, 1));
    let (_, found) = reopen(log);
    assert_eq!((found.base_index, found.base_term), (4, 1));
    assert_eq!(found.entries, entries(5, 14, 2));
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let small = LogOptions {
        segment_bytes: 4096,
        ..options()
    };
    assert!(matches!(
        RaftLog::format(MemDisk::default(), small),
        Err(LogError::Options)
    ));
    let odd = LogOptions {
        segment_bytes: 100_000,
        ..options()
    };
    assert!(matches!(
        RaftLog::format(MemDisk::default(), odd),
        Err(LogError::Options)
    ));
}
