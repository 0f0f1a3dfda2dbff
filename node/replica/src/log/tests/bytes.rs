//! The bytes of a frame: pinned, and safe to decode whatever they are.

use proptest::prelude::*;

use super::super::frame::{self, Encoder, HEADER_BYTES, Header, Record};
use super::*;

/// A frame with a record of every kind.
fn every_kind() -> (Vec<u8>, frame::Chain) {
    let mut encoder = Encoder::new(3);
    encoder.open(2, (9, 4), vote(5, 1, 8), Some(&head(6)));
    encoder.append(10, 4, &[entry(10, 5, b"first"), entry(11, 5, b"")]);
    encoder.hard_state(vote(5, 1, 10));
    encoder.head(&head(7));
    encoder.reset(20, 6, vote(6, 0, 20));
    encoder.finish(&LOG_ID, 42, [0xAB; 16])
}

#[test]
fn the_bytes_of_a_frame_are_pinned() {
    let (bytes, chain) = every_kind();
    assert_eq!(bytes.len(), 4096);
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let text = bytes[..used]
        .chunks(32)
        .map(hex)
        .collect::<Vec<_>>()
        .join("\n");
    assert_eq!(text, GOLDEN);
    assert_eq!(hex(&chain), GOLDEN_CHAIN);
    assert_eq!(hex(&frame::genesis(&LOG_ID)), GOLDEN_GENESIS);
}

#[test]
fn a_frame_decodes_to_what_was_encoded() {
    let (bytes, chain) = every_kind();
    let header = Header::decode(&LOG_ID, &bytes).unwrap();
    let used = HEADER_BYTES + usize::try_from(header.records_len).unwrap();
    assert!(header.matches(&bytes[HEADER_BYTES..used]));
    assert_eq!((header.batch_no, header.prev_chain), (42, [0xAB; 16]));
    assert_eq!(header.frame_len(), 4096);
    assert_eq!(frame::chain_of(&bytes[..used]), chain);
    let records = frame::decode_records(&header, 3, &bytes[HEADER_BYTES..used]).unwrap();
    let entries = vec![entry(10, 5, b"first"), entry(11, 5, b"")];
    assert_eq!(
        records,
        [
            Record::Open {
                segment: 2,
                last_index: 9,
                last_term: 4,
                hard_state: vote(5, 1, 8),
                head: Some(head(6)),
            },
            Record::Append {
                prev_term: 4,
                first_index: 10,
                entries
            },
            Record::HardState(vote(5, 1, 10)),
            Record::Head(head(7)),
            Record::Reset {
                index: 20,
                term: 6,
                hard_state: vote(6, 0, 20)
            },
        ]
    );
    assert!(
        frame::decode_records(&header, 0, &bytes[HEADER_BYTES..used]).is_err(),
        "other group"
    );
    assert!(Header::decode(&[0; 16], &bytes).is_none(), "other log");
}

proptest! {
    #[test]
    fn any_bytes_decode_or_are_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        kinds in any::<u8>(),
    ) {
        let header =
            Header { kinds, batch_no: 1, prev_chain: [0; 16], records_len: 0, records_crc: 0 };
        prop_assert!(Header::decode(&LOG_ID, &bytes).is_none());
        drop(frame::decode_records(&header, 0, &bytes));
    }

    #[test]
    fn a_frame_with_changed_bytes_decodes_or_is_refused(
        changes in prop::collection::vec((48_usize..400, any::<u8>()), 1..6),
        cut in 48_usize..400,
    ) {
        let (mut bytes, _) = every_kind();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let header = Header::decode(&LOG_ID, &bytes).unwrap();
        drop(frame::decode_records(&header, 3, &bytes[48..cut]));
    }

    #[test]
    fn a_disk_full_of_any_bytes_is_refused(seed in prop::collection::vec(any::<u8>(), 64)) {
        let mut disk = MemDisk::default();
        let name = crate::log::SegmentName::Live(1);
        let block: Vec<u8> = seed.iter().copied().cycle().take(4096).collect();
        crate::log::Disk::extend(&mut disk, name, 32 << 10).unwrap();
        crate::log::Disk::write_at(&mut disk, name, 4096, &block).unwrap();
        prop_assert!(open(disk).is_err());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 32 bytes a line; compare with the layout in `frame`.
const GOLDEN: &str = "\
414b4c4701001f002a00000000000000abababababababababababababababab\n\
4401000092c24d22000000003899c59c010003006d0000000200000000000000\n\
0900000000000000040000000000000005000000000000000100000000000000\n\
0800000000000000010600000000000000090909090909090909090909090909\n\
09090909090909090909090909090909091200746573742e6578616d706c652f\n\
65312f673002000300330000000a000000000000000400000000000000020000\n\
0005000000000000000005000000666972737405000000000000000000000000\n\
0400030018000000050000000000000001000000000000000a00000000000000\n\
080003003c000000070000000000000009090909090909090909090909090909\n\
090909090909090909090909090909091200746573742e6578616d706c652f65\n\
312f673010000300280000001400000000000000060000000000000006000000\n\
00000000000000000000000014";
const GOLDEN_CHAIN: &str = "1efcda4c2059e094c5fc90052f9f2157";
const GOLDEN_GENESIS: &str = "ff13b4645e2c836f1fe4a408150ac7cd";
