//! Bits that turn over: refused in what was promised, cut off in what was not.

use super::super::disk::{Disk, SegmentName};
use super::*;

/// Frames at blocks 0 (the opening), 1 to 6, and 0 to 2 of the second segment.
fn nine_frames() -> MemDisk {
    let mut log = format();
    for index in 1..=6 {
        write(&mut log, [append(entries(index, index, 1))]);
    }
    write(
        &mut log,
        [
            append(vec![entry(7, 1, &[1; 5000])]),
            FrameBody::Head(head(4)),
        ],
    );
    for index in 8..=9 {
        write(&mut log, [append(entries(index, index, 1))]);
    }
    assert_eq!(log.segments().0, 2);
    log.into_disk()
}

#[test]
fn a_bit_flipped_anywhere_before_the_last_frame_is_refused() {
    let whole = nine_frames();
    let mut flips = 0;
    for (segment, blocks) in [(1, 7_u64), (2, 3)] {
        for block in 0..blocks {
            // Header, checksums and records; the padding carries nothing.
            for at in (0..60).chain([100, 150, 2000, 4095]) {
                let mut disk = whole.clone();
                let name = SegmentName::Live(segment);
                let byte = usize::try_from(block * 4096 + at).unwrap();
                if disk.bytes(name).unwrap()[byte] == 0 && at >= 100 {
                    continue;
                }
                assert!(disk.flip(name, block * 4096 + at, 3));
                match open(disk) {
                    Err(LogError::BitRot { .. }) => flips += 1,
                    other => panic!("segment {segment} block {block} byte {at}: {other:?}"),
                }
            }
        }
    }
    assert!(flips > 500, "{flips}");
}

#[test]
fn a_bit_flipped_in_the_last_frame_cuts_it_off() {
    let whole = nine_frames();
    let at = 3 * 4096;
    for byte in 0..60 {
        let mut disk = whole.clone();
        disk.flip(SegmentName::Live(2), at + byte, 0);
        let (mut log, found) = open(disk).unwrap();
        assert_eq!(found.last_index, 8, "byte {byte}");
        assert_eq!(
            found.truncated_torn_tail,
            byte >= 4,
            "without its magic it is just bytes"
        );
        write(&mut log, [append(entries(9, 10, 2))]);
        assert_eq!(reopen(log).1.last_index, 10);
    }
}

#[test]
fn a_missing_segment_in_the_middle_is_refused() {
    let mut log = format();
    for index in 1..=20 {
        write(&mut log, [append(entries(index, index, 1))]);
    }
    let mut disk = log.into_disk();
    disk.remove(SegmentName::Live(2)).unwrap();
    assert!(matches!(
        open(disk),
        Err(LogError::SegmentMissing { segment: 2 })
    ));
}

#[test]
fn a_segment_put_in_the_place_of_another_is_refused() {
    let mut log = format();
    for index in 1..=30 {
        write(&mut log, [append(entries(index, index, 1))]);
    }
    let mut disk = log.into_disk();
    disk.rename(SegmentName::Live(2), SegmentName::Spare(90))
        .unwrap();
    disk.rename(SegmentName::Live(3), SegmentName::Live(2))
        .unwrap();
    disk.rename(SegmentName::Spare(90), SegmentName::Live(3))
        .unwrap();
    assert!(matches!(
        open(disk),
        Err(LogError::BitRot { segment: 1, .. })
    ));
}

#[test]
fn the_log_of_another_replica_is_refused() {
    let disk = nine_frames();
    let other = LogOptions {
        log_id: [8; 16],
        ..options()
    };
    assert!(matches!(
        RaftLog::open(disk, other),
        Err(LogError::BitRot { .. })
    ));
}

#[test]
fn an_emptied_oldest_segment_is_refused() {
    let mut disk = MemDisk::default();
    disk.extend(SegmentName::Live(1), options().segment_bytes)
        .unwrap();
    assert!(matches!(
        open(disk),
        Err(LogError::BitRot {
            segment: 1,
            offset: 0
        })
    ));
}

#[test]
fn a_frame_that_does_not_follow_on_the_one_before_is_refused() {
    let ended = |middle: &[u8]| {
        let mut log = format();
        write(&mut log, [append(vec![entry(1, 1, middle)])]);
        write(&mut log, [append(entries(2, 2, 1))]);
        log.into_disk()
    };
    let (mut disk, other) = (ended(b"this"), ended(b"that"));
    let name = SegmentName::Live(1);
    // Number, log and checksums of the frame are right; it stood behind another one.
    disk.write_at(
        name,
        2 * 4096,
        &other.bytes(name).unwrap()[2 * 4096..3 * 4096],
    )
    .unwrap();
    let found = open(disk);
    assert!(
        matches!(
            found,
            Err(LogError::BitRot {
                segment: 1,
                offset: 8192
            })
        ),
        "{found:?}"
    );
}

#[test]
fn one_segment_without_frames_may_stand_at_the_end_and_two_may_not() {
    let mut disk = nine_frames();
    disk.extend(SegmentName::Live(3), options().segment_bytes)
        .unwrap();
    let (mut log, found) = open(disk.clone()).unwrap();
    assert_eq!(found.last_index, 9);
    write(&mut log, [append(entries(10, 10, 1))]);
    assert_eq!(reopen(log).1.last_index, 10);
    disk.extend(SegmentName::Live(4), options().segment_bytes)
        .unwrap();
    assert!(matches!(
        open(disk),
        Err(LogError::BitRot { segment: 2, .. })
    ));
}

#[test]
fn bytes_of_a_client_that_look_like_a_frame_are_not_taken_for_one() {
    // A frame of another log, with a number far ahead, as the data of an entry, so placed that it
    // starts at a block; then the frame around it is torn.
    let mut encoder = super::super::frame::Encoder::new(0);
    encoder.hard_state(vote(9, 9, 9));
    let (forged, _) = encoder.finish(&[1; 16], 1_000, [0; 16]);
    let before = 4096 - super::super::frame::HEADER_BYTES - 8 - 20 - 13;
    let data: Vec<u8> = vec![0; before].into_iter().chain(forged).collect();
    let mut log = format();
    write(&mut log, [append(vec![entry(1, 1, &data)])]);
    let mut disk = log.into_disk();
    assert!(disk.bytes(SegmentName::Live(1)).unwrap()[2 * 4096..].starts_with(b"AKLG"));
    disk.flip(SegmentName::Live(1), 4096 + 80, 1);
    let (_, found) = open(disk).unwrap();
    assert_eq!((found.last_index, found.truncated_torn_tail), (0, true));
}

#[test]
fn reading_back_a_rotten_frame_closes_the_log() {
    let mut log = format();
    write(&mut log, [append(entries(1, 3, 1))]);
    log.disk_mut().flip(SegmentName::Live(1), 4096 + 60, 1);
    assert!(matches!(
        log.read_entries(1, 2, 10),
        Err(LogError::BitRot { .. })
    ));
    assert!(matches!(log.sync(), Err(LogError::Poisoned)));
}
