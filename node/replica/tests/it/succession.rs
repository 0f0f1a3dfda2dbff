//! Sealing while the replicas change: the old set seals exactly the head that names its successor, nothing larger
//! is signed before that head is safe, and whoever missed it gets it.

use std::collections::{BTreeMap, BTreeSet};

use akashi_domain::records::{Cluster, KeySetChange, ReplicaInfo, key_set};
use akashi_merkle::{CosignerSecret, Hash, SignedHead};
use akashi_replica::entry::NodeId;
use akashi_replica::seal::{Effect, FenceReason, SEAL_ASK_MS, SEAL_RETRY_MS, SealMessage, Sealer};

const ORIGIN: &str = "bank/e1/g0";
/// The tree ends with the change at this size.
const END: u64 = 7;

fn secret(id: NodeId) -> CosignerSecret {
    let seed = [u8::try_from(id).unwrap(); 32];
    CosignerSecret::from_seed(&format!("n{id}"), &seed).unwrap()
}

fn replica(id: NodeId) -> ReplicaInfo {
    ReplicaInfo {
        id,
        name: format!("n{id}"),
        site: "a".into(),
        cosigner: *secret(id).public().public_key(),
    }
}

fn cluster() -> Cluster {
    Cluster {
        origin: ORIGIN.into(),
        epoch: 1,
        group: 0,
        replicas: (1..=3).map(replica).collect(),
        quorum: 2,
        tenants: 0,
    }
}

/// The set behind `END`, in which 4 signs in the place of 3.
fn change() -> KeySetChange {
    KeySetChange {
        number: 1,
        leaf: END - 1,
        replicas: [1, 2, 4].map(replica).to_vec(),
        quorum: 2,
    }
}

fn root(size: u64) -> Hash {
    [u8::try_from(size % 251).unwrap(); 32]
}

/// Whether a quorum of the old set, and whether one of the new set signed.
fn sealed_by(head: &SignedHead) -> (bool, bool) {
    let old = cluster().key_set().unwrap();
    let new = key_set(ORIGIN, &change().replicas, 2).unwrap();
    (head.check(&old).is_ok(), head.check(&new).is_ok())
}

/// Four sealers, of which 4 is a learner until the change.
struct Four {
    sealers: BTreeMap<NodeId, Sealer>,
    now_ms: u64,
    unsynced: Vec<(NodeId, u64)>,
    mail: Vec<(NodeId, NodeId, SealMessage)>,
    vowed: BTreeMap<NodeId, BTreeSet<u64>>,
    sealed: BTreeMap<NodeId, Vec<SignedHead>>,
    /// Heads that are to be brought to disk before their replica goes on.
    unkept: Vec<(NodeId, u64)>,
    fenced: BTreeMap<NodeId, FenceReason>,
    /// Who hears nothing, and says nothing.
    away: Vec<NodeId>,
}

impl Four {
    fn new() -> Self {
        let mut four = Self {
            sealers: BTreeMap::new(),
            now_ms: 1_000,
            unsynced: Vec::new(),
            mail: Vec::new(),
            vowed: BTreeMap::new(),
            sealed: BTreeMap::new(),
            unkept: Vec::new(),
            fenced: BTreeMap::new(),
            away: Vec::new(),
        };
        for id in 1..=4 {
            four.start(id, None, None);
            four.with(id, |sealer, now| sealer.applied(0, [0; 32], now));
        }
        four.sealers.get_mut(&1).unwrap().role(true);
        four
    }

    fn start(&mut self, id: NodeId, vow: Option<(u64, Hash)>, sealed: Option<SignedHead>) {
        let mut sealer = Sealer::new(id, secret(id), vow, sealed);
        sealer.founded(&cluster());
        self.sealers.insert(id, sealer);
    }

    fn with(&mut self, id: NodeId, input: impl FnOnce(&mut Sealer, u64) -> Vec<Effect>) {
        for effect in input(self.sealers.get_mut(&id).unwrap(), self.now_ms) {
            match effect {
                Effect::Vow(vow) => {
                    self.unsynced.push((id, vow.size));
                    self.vowed.entry(id).or_default().insert(vow.size);
                }
                Effect::Broadcast(message) => {
                    for to in (1..=4).filter(|to| *to != id) {
                        self.mail.push((id, to, message.clone()));
                    }
                }
                Effect::Sealed(head) => {
                    if head.head.size == END {
                        self.unkept.push((id, END));
                    }
                    self.sealed.entry(id).or_default().push(head);
                }
                Effect::Fence(reason) => drop(self.fenced.insert(id, reason)),
                // What replicas disagree about is the other file's subject.
                Effect::Halt | Effect::Resume => {}
            }
        }
    }

    fn apply(&mut self, id: NodeId, size: u64) {
        self.with(id, |sealer, now| sealer.applied(size, root(size), now));
    }

    /// The entry that holds the change: it ends behind it.
    fn apply_change(&mut self, id: NodeId, size: u64) {
        self.with(id, |sealer, now| {
            sealer.succeeded(&change());
            sealer.applied(END, root(END), now)
        });
        self.apply(id, size);
    }

    fn keep(&mut self) {
        for (id, size) in std::mem::take(&mut self.unkept) {
            self.with(id, |sealer, now| sealer.kept(size, now));
        }
    }

    /// Until nothing is under way; what is to be kept is not.
    fn settle(&mut self) {
        while !self.mail.is_empty() || !self.unsynced.is_empty() {
            for (id, size) in std::mem::take(&mut self.unsynced) {
                self.with(id, |sealer, now| sealer.vowed(size, now));
            }
            for (from, to, message) in std::mem::take(&mut self.mail) {
                if !self.away.contains(&to) && !self.away.contains(&from) {
                    self.with(to, |sealer, now| sealer.message(from, &message, now));
                }
            }
        }
    }

    /// A while in which everything is kept.
    fn pass(&mut self, ms: u64) {
        for _ in 0..4 {
            self.now_ms += ms;
            for id in (1..=4)
                .filter(|id| !self.away.contains(id))
                .collect::<Vec<_>>()
            {
                self.with(id, Sealer::tick);
            }
            self.settle();
            self.keep();
            self.settle();
        }
    }

    fn sealed_size(&self, id: NodeId) -> u64 {
        self.sealers[&id].sealed().map_or(0, |head| head.head.size)
    }

    /// The sealed heads of `id` by size, each with who sealed it.
    fn seals(&self, id: NodeId) -> BTreeMap<u64, (bool, bool)> {
        let heads = self.sealed.get(&id).into_iter().flatten();
        heads
            .map(|head| (head.head.size, sealed_by(head)))
            .collect()
    }
}

#[test]
fn a_learner_collects_and_does_not_sign() {
    let mut four = Four::new();
    for id in 1..=4 {
        four.apply(id, 5);
    }
    four.pass(SEAL_RETRY_MS);
    assert_eq!(four.sealed_size(4), 5);
    assert!(!four.vowed.contains_key(&4));
    assert_eq!(four.vowed[&3], BTreeSet::from([5]));
}

#[test]
fn the_old_set_seals_the_head_that_ends_with_the_change_and_the_new_one_what_follows() {
    let mut four = Four::new();
    for id in 1..=4 {
        four.apply_change(id, 9);
    }
    four.settle();
    for id in 1..=4 {
        assert_eq!(four.sealed_size(id), END, "{id} goes no further");
    }
    assert!(
        four.vowed
            .values()
            .all(|sizes| sizes.iter().all(|size| *size <= END))
    );
    four.pass(SEAL_RETRY_MS);
    for id in 1..=4 {
        let seals = four.seals(id);
        assert_eq!(seals.keys().copied().collect::<Vec<_>>(), [END, 9]);
        assert!(seals[&END].0, "by the old set");
        assert!(seals[&9].1, "by the new set");
    }
    assert!(!four.vowed[&4].contains(&END), "4 was not of the old set");
    assert!(!four.vowed[&3].contains(&9), "3 is not of the new set");
    assert!(four.fenced.is_empty());
}

#[test]
fn nothing_larger_is_signed_before_the_end_is_kept() {
    let mut four = Four::new();
    for id in 1..=4 {
        four.apply_change(id, 9);
    }
    for _ in 0..5 {
        four.settle();
        four.now_ms += SEAL_ASK_MS;
        for id in 1..=4 {
            four.with(id, Sealer::tick);
        }
    }
    assert!(
        four.vowed
            .values()
            .all(|sizes| sizes.iter().all(|size| *size <= END))
    );
    four.pass(SEAL_RETRY_MS);
    assert_eq!(four.sealed_size(2), 9);
}

#[test]
fn without_a_quorum_of_the_old_set_nothing_behind_the_change_is_sealed() {
    let mut four = Four::new();
    four.away = vec![2, 3];
    for id in [1, 4] {
        four.apply_change(id, 9);
    }
    four.pass(SEAL_ASK_MS);
    assert_eq!((four.sealed_size(1), four.sealed_size(4)), (0, 0));
    // 1 and 4 would be a quorum of the new set.
    four.away = vec![3];
    four.apply_change(2, 9);
    four.pass(SEAL_ASK_MS);
    for id in [1, 2, 4] {
        assert_eq!(four.sealed_size(id), 9);
        assert!(four.seals(id)[&END].0);
    }
}

#[test]
fn a_replica_that_missed_the_end_gets_it_although_its_signers_went_on() {
    for late in [3, 4] {
        let mut four = Four::new();
        four.away = vec![late];
        for id in (1..=4).filter(|id| *id != late) {
            four.apply_change(id, 9);
        }
        four.pass(SEAL_RETRY_MS);
        assert_eq!(four.sealed_size(1), 9);
        // 2 signs no more; 1 signed larger heads and cannot sign the end again, but has it.
        four.away = vec![2];
        four.apply_change(late, 9);
        four.pass(SEAL_ASK_MS);
        let seals = four.seals(late);
        assert!(seals[&END].0, "{late} has the end");
        assert!(four.fenced.is_empty());
    }
}

#[test]
fn a_replica_that_starts_behind_an_unsealed_end_seals_it_first() {
    let mut four = Four::new();
    four.away = vec![3];
    for id in [2, 4] {
        four.apply_change(id, 9);
    }
    // The leader starts again with everything applied: the end lies inside its tree.
    four.start(1, None, None);
    let leader = four.sealers.get_mut(&1).unwrap();
    leader.succeeded(&change());
    leader.ends(END, root(END));
    leader.role(true);
    four.apply(1, 12);
    for id in [2, 4] {
        four.apply(id, 12);
    }
    four.pass(SEAL_RETRY_MS);
    let seals = four.seals(1);
    assert_eq!(seals.keys().copied().collect::<Vec<_>>(), [END, 12]);
    assert!(seals[&END].0 && seals[&12].1);
    assert!(four.fenced.is_empty());
}

#[test]
fn a_replica_that_starts_behind_two_unsealed_ends_passes_both() {
    let second = KeySetChange {
        number: 2,
        leaf: 9,
        replicas: (1..=3).map(replica).collect(),
        quorum: 2,
    };
    let mut sealer = Sealer::new(4, secret(4), None, None);
    sealer.founded(&cluster());
    for change in [change(), second] {
        sealer.succeeded(&change);
        sealer.ends(change.boundary(), root(change.boundary()));
    }
    assert!(sealer.applied(20, root(20), 0).is_empty());
    for size in [END, 10] {
        let head = akashi_merkle::Head {
            origin: akashi_merkle::Origin::parse(ORIGIN).unwrap(),
            size,
            root: root(size),
        };
        let signatures = [1, 2].map(|id| secret(id).cosign(&head, 1).unwrap());
        let handed = SealMessage::Handover(SignedHead::new(head, &signatures));
        let effects = sealer.message(1, &handed, 0);
        assert!(
            matches!(effects.as_slice(), [Effect::Sealed(sealed)] if sealed.head.size == size),
            "{size}: {effects:?}"
        );
        drop(sealer.kept(size, 0));
    }
}

#[test]
fn an_end_that_was_kept_before_the_start_holds_nothing_up() {
    let mut four = Four::new();
    for id in 1..=4 {
        four.apply_change(id, 9);
    }
    four.pass(SEAL_RETRY_MS);
    let newest = four.sealed[&2].last().unwrap().clone();
    four.start(2, Some((9, root(9))), Some(newest));
    let again = four.sealers.get_mut(&2).unwrap();
    again.succeeded(&change());
    four.apply(2, 9);
    for id in 1..=4 {
        four.apply(id, 11);
    }
    four.pass(SEAL_RETRY_MS);
    assert_eq!(four.sealed_size(2), 11);
}

#[test]
fn another_root_where_the_key_set_ends_fences() {
    let mut four = Four::new();
    for id in [1, 2] {
        four.apply_change(id, 9);
    }
    four.away = vec![4];
    four.with(3, |sealer, now| {
        sealer.succeeded(&change());
        sealer.applied(END, [0xbd; 32], now)
    });
    four.pass(SEAL_RETRY_MS);
    assert_eq!(four.fenced, BTreeMap::from([(3, FenceReason::OtherRoot)]));
    // A learner that only hears of the end finds out too.
    four.away.clear();
    four.with(4, |sealer, now| {
        sealer.succeeded(&change());
        sealer.applied(END, [0xbe; 32], now)
    });
    four.pass(SEAL_ASK_MS);
    assert_eq!(four.fenced[&4], FenceReason::OtherRoot);
}

#[test]
fn what_is_handed_over_counts_only_with_a_quorum_of_the_old_set() {
    let mut four = Four::new();
    four.apply_change(4, 9);
    let origin = akashi_merkle::Origin::parse(ORIGIN).unwrap();
    let head = akashi_merkle::Head {
        origin,
        size: END,
        root: root(END),
    };
    let by = |ids: &[NodeId]| {
        let signatures: Vec<_> = ids
            .iter()
            .map(|id| secret(*id).cosign(&head, 1).unwrap())
            .collect();
        SealMessage::Handover(SignedHead::new(head.clone(), &signatures))
    };
    for few in [vec![1], vec![1, 4], vec![1, 1], vec![2, 4]] {
        let message = by(&few);
        four.with(4, |sealer, now| sealer.message(1, &message, now));
        assert_eq!(four.sealed_size(4), 0, "{few:?}");
    }
    let message = by(&[1, 2, 4]);
    four.with(4, |sealer, now| sealer.message(9, &message, now));
    assert_eq!(four.sealed_size(4), END, "whoever brings it");
    assert_eq!(four.sealers[&4].sealed().unwrap().signatures.len(), 2);
}
