//! Bytes from anywhere: they decode to what they say or to nothing, and nothing panics.

use akashi_domain::answer::Answer;
use akashi_domain::command::{Command, CreateTenant, Request};
use akashi_domain::entry::{Entry, EntryError, RULE_VERSION};
use akashi_domain::ids::{ClientId, RequestId, Stamp};
use akashi_domain::limits::REQUESTS_PER_ENTRY_MAX;
use proptest::prelude::*;

fn request() -> Request {
    Request {
        id: RequestId([1; 16]),
        client: ClientId([2; 16]),
        not_after: Stamp(3),
        command: Command::CreateTenant(CreateTenant { tenant: "t".into() }),
    }
}

fn entry(requests: usize) -> Entry {
    Entry {
        rule_version: RULE_VERSION,
        stamp: Stamp(1),
        random: [2; 32],
        sealed: None,
        requests: vec![request(); requests],
    }
}

proptest! {
    #[test]
    fn any_bytes_decode_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(entry) = Entry::decode(&bytes) {
            prop_assert_eq!(entry.encode(), bytes.clone());
        }
        if let Some(request) = Request::decode(&bytes) {
            prop_assert_eq!(request.encode(), bytes.clone());
        }
        if let Some(answer) = Answer::decode(&bytes) {
            prop_assert_eq!(answer.encode(), bytes);
        }
    }

    #[test]
    fn an_entry_with_a_changed_byte_decodes_to_itself_or_to_nothing(
        place in 0_usize..400, byte in any::<u8>(), cut in 0_usize..400,
    ) {
        let mut bytes = entry(3).encode();
        let at = place % bytes.len();
        bytes[at] = byte;
        if let Ok(entry) = Entry::decode(&bytes) {
            prop_assert_eq!(entry.encode(), bytes.clone());
        }
        bytes.truncate(cut);
        if let Ok(entry) = Entry::decode(&bytes) {
            prop_assert_eq!(entry.encode(), bytes);
        }
    }
}

#[test]
fn an_entry_says_that_it_is_unknown_malformed_or_too_long() {
    let mut bytes = entry(1).encode();
    assert_eq!(Entry::decode(&[]), Err(EntryError::Malformed));
    assert_eq!(Entry::decode(&bytes[..9]), Err(EntryError::Malformed));
    let most = entry(REQUESTS_PER_ENTRY_MAX);
    assert_eq!(Entry::decode(&most.encode()), Ok(most));
    let more = entry(REQUESTS_PER_ENTRY_MAX + 1).encode();
    assert_eq!(Entry::decode(&more), Err(EntryError::TooMany));
    bytes[0] = 2;
    assert_eq!(Entry::decode(&bytes), Err(EntryError::UnknownRule));
    bytes.truncate(2);
    assert_eq!(Entry::decode(&bytes), Err(EntryError::UnknownRule));
}

#[test]
fn a_length_that_lies_allocates_nothing() {
    let mut bytes = entry(0).encode();
    let at = bytes.len() - 4;
    bytes[at..].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(Entry::decode(&bytes), Err(EntryError::Malformed));
}
