//! The audit log's texts and proofs: everything reads back as it was written or is refused, and
//! nothing but the one signed leaf is ever believed under the pinned keys.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::LazyLock;

use akashi_merkle::{
    CosignerKey, Follower, Frontier, Hash, Head, KeyChain, KeyHistory, KeySet, Leaf, NodeReader,
    NoteSignature, Origin, Receipt, SignedHead, consistency_proof, inclusion_proof, leaf_hash,
    root_at, verify_consistency, verify_inclusion,
};

use crate::input::Input;

const KEYS: &str = include_str!("../../../audit/tests/golden/keys.txt");
const RECEIPT: &str = include_str!("../../../audit/tests/golden/receipt.tlog-proof");

static PINNED: LazyLock<(KeySet, Receipt)> = LazyLock::new(|| {
    let keys = KeySet::parse(KEYS).expect("the golden key set");
    (keys, Receipt::parse(RECEIPT).expect("the golden receipt"))
});

/// Runs one input: a first byte that says which reader, then its bytes.
pub fn receipt(data: &[u8]) {
    let mut input = Input::new(data);
    match input.below(8) {
        0 => texts(input.rest()),
        1 => {
            let leaf = input.rest();
            if let Ok(read) = Leaf::decode(leaf) {
                assert_eq!(read.encode(), leaf);
                assert_eq!(read.hash(), leaf_hash(leaf));
            }
            if let Ok(read) = Frontier::decode(leaf) {
                assert_eq!(read.encode(), leaf);
                let again = Frontier::from_peaks(read.size(), read.peaks().to_vec());
                assert_eq!(again.map(|again| again.root()), Ok(read.root()));
            }
        }
        2 => trees(&mut input),
        3 => paths(&mut input),
        4 => follows(&mut input),
        _ => near_receipt(&mut input),
    }
}

/// Every reader of text, on the same bytes.
fn texts(bytes: &[u8]) {
    if let Ok(read) = Receipt::parse_bytes(bytes) {
        assert_eq!(read.to_text().as_bytes(), bytes, "one receipt, one text");
        believed(&read);
    }
    if let Ok(read) = SignedHead::parse_bytes(bytes) {
        assert_eq!(read.to_text().as_bytes(), bytes);
        let checked = read.check(&PINNED.0);
        if let Ok(head) = &checked {
            assert_eq!(head.head(), &PINNED.1.signed_head.head);
        }
        let quorum = read.to_quorum(&PINNED.0);
        assert_eq!(quorum.is_ok(), checked.is_ok());
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(read) = KeySet::parse(text) {
        let written = read.to_text();
        assert_eq!(KeySet::parse(&written).as_ref(), Ok(&read));
    }
    if let Ok(read) = KeyHistory::parse(text) {
        assert_eq!(read.to_text(), text);
        // Whatever it says: nothing is believed that the pinned set did not sign for.
        let mut chain = KeyChain::pinned(PINNED.0.clone());
        if chain.follow(&read) == Ok(0) {
            assert_eq!(chain.newest(), &PINNED.0);
        }
    }
    if let Ok(read) = Head::parse(text) {
        assert_eq!(read.to_text(), text);
    }
    if let Ok(read) = Origin::parse(text) {
        assert_eq!(read.to_string(), text);
    }
    if let Some(read) = NoteSignature::parse_line(text) {
        assert_eq!(read.to_line(), text);
    }
    if let Ok(read) = CosignerKey::from_vkey(text) {
        assert_eq!(read.to_vkey(), text);
    }
}

/// What the pinned keys vouch for is one leaf of one head.
fn believed(receipt: &Receipt) {
    if let Ok(leaf) = receipt.verify(&PINNED.0) {
        let golden = &PINNED.1;
        assert_eq!(leaf.head().head(), &golden.signed_head.head);
        assert_eq!((leaf.bytes(), leaf.index()), (&*golden.leaf, golden.index));
    }
}

/// The golden receipt with a few changes.
fn near_receipt(input: &mut Input<'_>) {
    let mut bytes = RECEIPT.as_bytes().to_vec();
    while !input.is_empty() {
        let at = usize::from(input.u16()) % bytes.len();
        match input.below(4) {
            0 => bytes[at] = input.byte(),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, input.byte()),
            _ => {
                let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
                let (from, to) = (input.below(lines.len()), input.below(lines.len()));
                let mut moved = lines.clone();
                let line = moved.remove(from);
                moved.insert(to, line);
                bytes = moved.concat();
            }
        }
        if bytes.is_empty() {
            return;
        }
    }
    texts(&bytes);
    if let Ok(mut read) = Receipt::parse_bytes(&bytes) {
        read.path.truncate(input.below(64));
        believed(&read);
    }
}

/// A small tree in memory.
struct Nodes(BTreeMap<(u8, u64), Hash>);

impl NodeReader for Nodes {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.0.get(&(level, index)).copied().unwrap_or_default())
    }
}

/// Honest proofs of a tree hold; proofs with a change do not, unless the change changed nothing.
fn trees(input: &mut Input<'_>) {
    let size = u64::from(input.byte());
    let mut nodes = Nodes(BTreeMap::new());
    let mut frontier = Frontier::new();
    for i in 0..size {
        frontier.append(leaf_hash(&i.to_le_bytes()), &mut |id, hash| {
            nodes.0.insert((id.level, id.index), hash);
        });
    }
    let root = frontier.root();
    assert_eq!(root_at(&nodes, size), Ok(root));
    let index = u64::from(input.byte());
    if let Ok(mut path) = inclusion_proof(&nodes, index, size) {
        let leaf = leaf_hash(&index.to_le_bytes());
        assert_eq!(verify_inclusion(&leaf, index, size, &path, &root), Ok(()));
        let other = input.near(index);
        let held = verify_inclusion(&leaf, other, size, &path, &root).is_ok();
        assert_eq!(held, other == index, "a path belongs to one index");
        if changed(&mut path, input) {
            assert!(verify_inclusion(&leaf, index, size, &path, &root).is_err());
        }
    }
    let old = u64::from(input.byte());
    if let Ok(mut path) = consistency_proof(&nodes, old, size) {
        let before = root_at(&nodes, old).expect("memory does not fail");
        assert_eq!(verify_consistency(old, size, &before, &root, &path), Ok(()));
        if changed(&mut path, input) {
            assert!(verify_consistency(old, size, &before, &root, &path).is_err());
        }
    }
}

fn changed(path: &mut Vec<Hash>, input: &mut Input<'_>) -> bool {
    let before = path.clone();
    match input.below(4) {
        0 => drop(path.pop()),
        1 => path.push(input.array()),
        2 => {
            let at = input.below(path.len().max(1));
            if let Some(hash) = path.get_mut(at) {
                hash[0] ^= input.byte();
            }
        }
        _ => path.reverse(),
    }
    *path != before
}

/// Paths from nowhere: no size and no length may do harm.
fn paths(input: &mut Input<'_>) {
    let (first, second): (Hash, Hash) = (input.array(), input.array());
    let (old, new) = (input.u64(), input.u64());
    let path: Vec<Hash> = (0..input.below(130)).map(|_| input.array()).collect();
    let _any_answer = verify_inclusion(&first, old, new, &path, &second);
    let held = verify_consistency(old, new, &first, &second, &path);
    if old == new && path.is_empty() && held.is_ok() {
        assert_eq!(first, second);
    }
    drop(Frontier::from_peaks(old, path));
}

/// A follower that is fed anything stays where it was.
fn follows(input: &mut Input<'_>) {
    let (keys, golden) = &*PINNED;
    let mut follower = Follower::new(keys.origin().clone());
    let leaves: Vec<Vec<u8>> = (0..input.below(9)).map(|_| input.piece().into()).collect();
    let consistency: Vec<Hash> = (0..input.below(8)).map(|_| input.array()).collect();
    let first = input.near(0);
    let result = follower.advance(first, &leaves, &consistency, &golden.signed_head, keys);
    if result.is_err() {
        assert_eq!(follower.size(), 0);
    }
    // Somebody else's leaves never reach the golden root; none at all reaches it by any path.
    let empty = leaves.is_empty();
    assert!(result.is_err() || empty, "leaves that nobody signed");
}
