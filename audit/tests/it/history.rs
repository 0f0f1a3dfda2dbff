//! Key sets that follow one another: who pinned any of them believes the later ones, and nobody can bend the chain.

use akashi_merkle::{
    Cosigner, Extensions, Hash, Head, KEY_SET_COLUMN, KeyChain, KeyChange, KeyChangeFault,
    KeyHistory, KeyHistoryError, KeySet, Leaf, MEMBER_PROMOTED, MEMBER_REMOVED, Receipt,
    ReceiptError, SignedHead, inclusion_proof, key_set_digest,
};
use expect_test::expect_file;
use proptest::prelude::*;

use crate::cluster::{Cluster, TIME_S, head, origin, verdicts};
use crate::oracle::{Nodes, grow};

/// Four replicas: three at first, then all of them, then without the second.
struct Succession {
    cluster: Cluster,
    leaves: Vec<Vec<u8>>,
    sets: [KeySet; 3],
}

const FIRST_END: u64 = 12;
const SECOND_END: u64 = 20;

impl Succession {
    fn new() -> Self {
        let cluster = Cluster::new(4);
        let sets = [
            set(&cluster, &[0, 1, 2], 2),
            set(&cluster, &[0, 1, 2, 3], 3),
            set(&cluster, &[0, 2, 3], 2),
        ];
        let mut leaves = verdicts(FIRST_END - 1);
        leaves.push(change(MEMBER_PROMOTED, Some(&sets[1])));
        leaves.extend(verdicts(SECOND_END - FIRST_END - 1));
        leaves.push(change(MEMBER_REMOVED, Some(&sets[2])));
        leaves.extend(verdicts(5));
        Self {
            cluster,
            leaves,
            sets,
        }
    }

    /// The head over the first `size` leaves, signed by these replicas.
    fn sign(&self, size: u64, signers: &[usize]) -> SignedHead {
        let (frontier, _) = grow(&self.leaves[..usize::try_from(size).unwrap()]);
        self.cluster.sign(&head(size, frontier.root()), signers)
    }

    fn receipt(&self, index: u64, size: u64, signers: &[usize]) -> Receipt {
        let leaves = &self.leaves[..usize::try_from(size).unwrap()];
        let (_, nodes): (_, Nodes) = grow(leaves);
        Receipt {
            leaf: leaves[usize::try_from(index).unwrap()].clone(),
            index,
            path: inclusion_proof(&nodes, index, size).unwrap(),
            signed_head: self.sign(size, signers),
        }
    }

    fn step(&self, end: u64, signers: &[usize], keys: &KeySet) -> KeyChange {
        KeyChange {
            receipt: self.receipt(end - 1, end, signers),
            keys: keys.clone(),
        }
    }

    fn history(&self) -> KeyHistory {
        let steps = vec![
            self.step(FIRST_END, &[0, 2], &self.sets[1]),
            self.step(SECOND_END, &[0, 1, 3], &self.sets[2]),
        ];
        KeyHistory::new(self.sets[0].clone(), steps)
    }
}

fn set(cluster: &Cluster, who: &[usize], quorum: usize) -> KeySet {
    let cosigners: Vec<Cosigner> = who
        .iter()
        .map(|at| cluster.keys.cosigners()[*at].clone())
        .collect();
    KeySet::new(origin(), cosigners, quorum).unwrap()
}

fn change(kind: u16, keys: Option<&KeySet>) -> Vec<u8> {
    let mut extensions = Extensions::default();
    extensions.insert(100, &4_u64.to_be_bytes()).unwrap();
    if let Some(keys) = keys {
        extensions
            .insert(KEY_SET_COLUMN, &key_set_digest(keys))
            .unwrap();
    }
    Leaf {
        kind,
        stamp_us: TIME_S * 1_000_000,
        extensions,
        ..Leaf::default()
    }
    .encode()
}

fn follow(keys: &KeySet, history: &KeyHistory) -> Result<KeyChain, KeyHistoryError> {
    let mut chain = KeyChain::pinned(keys.clone());
    chain.follow(history)?;
    Ok(chain)
}

#[test]
fn the_form_is_pinned() {
    expect_file!["../golden/key-history.txt"].assert_eq(&Succession::new().history().to_text());
}

#[test]
fn whoever_pinned_any_set_gets_to_the_newest() {
    let these = Succession::new();
    let history = KeyHistory::parse(&these.history().to_text()).unwrap();
    assert_eq!(history, these.history());
    assert_eq!(history.newest(), &these.sets[2]);
    for (at, keys) in these.sets.iter().enumerate() {
        let chain = follow(keys, &history).unwrap();
        assert_eq!(chain.first(), keys);
        assert_eq!(chain.newest(), &these.sets[2]);
        assert_eq!(chain.sets().count(), 3 - at);
    }
}

#[test]
fn a_head_is_checked_by_the_set_of_its_size() {
    let these = Succession::new();
    let chain = follow(&these.sets[0], &these.history()).unwrap();
    let holds = |size, signers: &[usize]| these.sign(size, signers).check(chain.at(size)).is_ok();
    assert_eq!(chain.newest_after(), SECOND_END);
    assert!(holds(1, &[0, 1]) && holds(FIRST_END, &[1, 2]));
    assert!(holds(FIRST_END + 1, &[1, 2, 3]) && holds(SECOND_END, &[0, 1, 3]));
    assert!(holds(SECOND_END + 1, &[2, 3]) && holds(u64::from(25_u8), &[0, 3]));
    // A set that was replaced signs nothing more.
    assert!(!holds(FIRST_END + 1, &[0, 1]));
    assert!(!holds(SECOND_END + 1, &[0, 1]));
    // And one that is not in force yet signs nothing.
    assert!(!holds(FIRST_END, &[0, 3]));
    // A receipt from before and one from after are both checked by one chain.
    for (index, size, signers) in [(3, 9, [0, 1]), (22, 25, [2, 3])] {
        let receipt = these.receipt(index, size, &signers);
        let keys = chain.at(receipt.signed_head.head.size);
        assert_eq!(receipt.verify(keys).unwrap().index(), index);
    }
}

#[test]
fn a_chain_goes_on_where_it_stands() {
    let these = Succession::new();
    let whole = these.history();
    let mut chain = KeyChain::pinned(these.sets[0].clone());
    let first = KeyHistory::new(these.sets[0].clone(), whole.changes()[..1].to_vec());
    assert_eq!(chain.follow(&first), Ok(1));
    assert_eq!(chain.follow(&first), Ok(0), "nothing new");
    assert_eq!(chain.follow(&whole), Ok(1));
    assert_eq!(chain.follow(&whole), Ok(0));
    assert_eq!(chain.newest(), &these.sets[2]);
    // In pages.
    let second = KeyHistory::new(these.sets[1].clone(), whole.changes()[1..].to_vec());
    let mut pages = first;
    assert!(pages.append(second.clone()));
    assert_eq!(pages, whole);
    assert!(!pages.append(second), "it continues another set");
}

#[test]
fn the_same_replicas_may_come_back() {
    let mut these = Succession::new();
    these.sets[2] = these.sets[0].clone();
    let at = usize::try_from(SECOND_END - 1).unwrap();
    these.leaves[at] = change(MEMBER_REMOVED, Some(&these.sets[2]));
    let history = these.history();
    let mut chain = follow(&these.sets[0], &history).unwrap();
    assert_eq!(
        (chain.sets().count(), chain.newest_after()),
        (3, SECOND_END)
    );
    // What was walked is not walked again.
    assert_eq!(chain.follow(&history), Ok(0));
    assert!(
        these
            .sign(FIRST_END + 1, &[0, 1])
            .check(chain.at(FIRST_END + 1))
            .is_err()
    );
}

#[test]
fn a_history_of_other_sets_says_nothing() {
    let these = Succession::new();
    let stranger = set(&these.cluster, &[1, 2, 3], 2);
    assert_eq!(
        follow(&stranger, &these.history()),
        Err(KeyHistoryError::Unconnected)
    );
}

/// What comes of the first step if it is this one; a failed step changes nothing.
fn first_step(these: &Succession, step: KeyChange) -> KeyChangeFault {
    let mut chain = KeyChain::pinned(these.sets[0].clone());
    let before = chain.clone();
    let history = KeyHistory::new(these.sets[0].clone(), vec![step]);
    let refused = chain.follow(&history).unwrap_err();
    assert_eq!(chain, before);
    let KeyHistoryError::Step { step: 1, fault } = refused else {
        panic!("{refused}");
    };
    fault
}

#[test]
fn a_step_needs_the_old_quorum_the_change_as_last_leaf_and_the_set_that_it_names() {
    let these = Succession::new();
    let good = these.step(FIRST_END, &[0, 2], &these.sets[1]);
    // Signed by too few, or by the new set only.
    for signers in [vec![0], vec![0, 3]] {
        let step = these.step(FIRST_END, &signers, &these.sets[1]);
        assert!(matches!(
            first_step(&these, step),
            KeyChangeFault::Receipt(ReceiptError::Head(_))
        ));
    }
    // Another set than the leaf says.
    let step = KeyChange {
        keys: these.sets[2].clone(),
        ..good.clone()
    };
    assert_eq!(first_step(&these, step), KeyChangeFault::OtherKeys);
    // A set of another log.
    let other = akashi_merkle::Origin::new("elsewhere.example", 1, 0).unwrap();
    let keys = KeySet::new(other, these.sets[1].cosigners().to_vec(), 3).unwrap();
    let step = KeyChange {
        keys,
        ..good.clone()
    };
    assert_eq!(first_step(&these, step), KeyChangeFault::Origin);
    // The leaf is there, but the head goes on behind it.
    let step = KeyChange {
        receipt: these.receipt(FIRST_END - 1, FIRST_END + 2, &[0, 1]),
        ..good.clone()
    };
    assert_eq!(first_step(&these, step), KeyChangeFault::Boundary);
    // The path leads elsewhere.
    let mut step = good;
    step.receipt.path[0] = Hash::default();
    assert!(matches!(
        first_step(&these, step),
        KeyChangeFault::Receipt(ReceiptError::Inclusion(_))
    ));
}

#[test]
fn only_a_change_of_the_key_set_ends_one() {
    let at = usize::try_from(FIRST_END - 1).unwrap();
    for other in [
        change(MEMBER_REMOVED, None),
        change(83, Some(&Succession::new().sets[1])),
        verdicts(1).remove(0),
        b"no leaf".to_vec(),
    ] {
        let mut these = Succession::new();
        these.leaves[at] = other;
        let step = these.step(FIRST_END, &[0, 1], &these.sets[1]);
        assert_eq!(first_step(&these, step), KeyChangeFault::Leaf);
    }
}

#[test]
fn steps_go_forward() {
    let these = Succession::new();
    let mut chain = follow(&these.sets[0], &these.history()).unwrap();
    // The same leaf once more, signed by a later set.
    let back = these.step(FIRST_END, &[0, 2, 3], &these.sets[1]);
    let history = KeyHistory::new(these.sets[2].clone(), vec![back]);
    let refused = chain.follow(&history);
    assert!(matches!(
        refused,
        Err(KeyHistoryError::Step {
            step: 1,
            fault: KeyChangeFault::Boundary
        })
    ));
}

#[test]
fn texts_have_one_spelling() {
    let text = Succession::new().history().to_text();
    assert!(KeyHistory::parse_bytes(text.as_bytes()).is_ok());
    for (what, bent) in [
        ("another header", text.replacen("v1", "v2", 1)),
        ("a comment", text.replacen("group", "# note\ngroup", 1)),
        ("a wrong count", text.replacen("keys 6", "keys 5", 1)),
        ("another count", text.replacen("keys 6", "keys 06", 1)),
        ("no sets", "akashi/v1/key-history\n".to_owned()),
        (
            "a half step",
            text[..text.rfind("keys ").unwrap()].to_owned(),
        ),
        ("an empty line", format!("{text}\n")),
    ] {
        assert!(KeyHistory::parse(&bent).is_err(), "{what}");
    }
    assert!(KeyHistory::parse_bytes(&[0xff]).is_err());
}

#[test]
fn no_byte_of_a_history_can_change() {
    let these = Succession::new();
    let text = these.history().to_text().into_bytes();
    let believed = follow(&these.sets[0], &these.history()).unwrap();
    let sound = |bytes: &[u8]| {
        let history = KeyHistory::parse_bytes(bytes).ok()?;
        follow(&these.sets[0], &history).ok()
    };
    assert_eq!(sound(&text), Some(believed));
    for at in 0..text.len() {
        let mut changed = text.clone();
        changed[at] ^= 0x01;
        assert_eq!(sound(&changed), None, "byte {at} goes unnoticed");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_two_bytes_of_a_history_can_change(
        one in any::<prop::sample::Index>(), two in any::<prop::sample::Index>(),
        flips in (1_u8.., 1_u8..),
    ) {
        let these = Succession::new();
        let mut text = these.history().to_text().into_bytes();
        let (one, two) = (one.index(text.len()), two.index(text.len()));
        prop_assume!(one != two);
        text[one] ^= flips.0;
        text[two] ^= flips.1;
        let chain = KeyHistory::parse_bytes(&text)
            .ok()
            .and_then(|history| follow(&these.sets[0], &history).ok());
        prop_assert_eq!(chain, None);
    }
}

#[test]
fn a_head_that_names_itself_is_no_step() {
    // An empty tree has no last leaf.
    let these = Succession::new();
    let mut step = these.step(FIRST_END, &[0, 1], &these.sets[1]);
    let empty = Head {
        origin: origin(),
        size: 0,
        root: akashi_merkle::empty_root(),
    };
    step.receipt.signed_head = these.cluster.sign(&empty, &[0, 1]);
    step.receipt.index = 0;
    let fault = first_step(&these, step);
    assert!(matches!(
        fault,
        KeyChangeFault::Receipt(ReceiptError::Inclusion(_))
    ));
}
