//! Our sponge against crate `spongefish`: the same calls in any order and size give the same bytes.
//!
//! The vectors that crate publishes are run beside the sponge itself; this goes where they do not,
//! over block borders and through many turns.

use proptest::prelude::*;
use spongefish::{DuplexSpongeInit, DuplexSpongeInterface, instantiations::Shake128};

use crate::transcript::Sponge;

proptest! {
    #[test]
    fn any_conversation_gives_the_same_bytes(
        sid in any::<[u8; 32]>(),
        calls in proptest::collection::vec(
            (any::<bool>(), proptest::collection::vec(any::<u8>(), 1..400)), 1..12,
        ),
    ) {
        let mut ours = Sponge::init(&sid);
        let mut theirs = Shake128::init(&sid);
        for (absorbs, bytes) in calls {
            if absorbs {
                ours.absorb(&bytes);
                theirs.absorb(&bytes);
            } else {
                let read: Vec<u8> = bytes.iter().flat_map(|_| ours.squeeze::<1>()).collect();
                prop_assert_eq!(read, theirs.squeeze_boxed(bytes.len()).into_vec());
            }
        }
    }
}

#[test]
fn nothing_absorbed_changes_nothing() {
    let mut ours = Sponge::init(&[7; 32]);
    let mut theirs = Shake128::init(&[7; 32]);
    for part in [&b""[..], b"akashi", b"", b"oracle", b""] {
        ours.absorb(part);
    }
    theirs.absorb(b"akashioracle");
    assert_eq!(ours.squeeze::<64>(), theirs.squeeze_array::<64>());
}
