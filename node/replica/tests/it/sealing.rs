//! Sealing among three replicas: a quorum seals, lost messages are made good, and whoever computes
//! another root than a quorum, or than itself, stops.

use std::collections::BTreeMap;

use akashi_domain::records::{Cluster, ReplicaInfo};
use akashi_merkle::{Cosigner, CosignerKey, CosignerSecret, Hash, KeySet, Origin, SignedHead};
use akashi_replica::entry::NodeId;
use akashi_replica::log::HeadVow;
use akashi_replica::seal::{
    Effect, FenceReason, HALT_AFTER_MS, SEAL_ASK_MS, SEAL_INTERVAL_MS, SEAL_RETRY_MS, SealMessage,
    Sealer,
};

const ORIGIN: &str = "bank/e1/g0";

fn secret(id: NodeId) -> CosignerSecret {
    let seed = [u8::try_from(id).unwrap(); 32];
    CosignerSecret::from_seed(&format!("n{id}"), &seed).unwrap()
}

fn cluster() -> Cluster {
    let replica = |id: NodeId| ReplicaInfo {
        id,
        name: format!("n{id}"),
        site: "a".into(),
        cosigner: *secret(id).public().public_key(),
    };
    Cluster {
        origin: ORIGIN.into(),
        epoch: 1,
        group: 0,
        replicas: (1..=3).map(replica).collect(),
        quorum: 2,
        tenants: 0,
    }
}

fn keys() -> KeySet {
    let cosigner = |id: NodeId| Cosigner {
        site: "a".into(),
        name: format!("n{id}"),
        key: CosignerKey::new(&format!("n{id}"), secret(id).public().public_key()).unwrap(),
    };
    KeySet::new(
        Origin::parse(ORIGIN).unwrap(),
        (1..=3).map(cosigner).collect(),
        2,
    )
    .unwrap()
}

fn root(size: u64) -> Hash {
    [u8::try_from(size).unwrap(); 32]
}

/// Three sealers, what they asked for, and what is under way.
struct Trio {
    sealers: BTreeMap<NodeId, Sealer>,
    now_ms: u64,
    vows: BTreeMap<NodeId, Vec<HeadVow>>,
    unsynced: Vec<(NodeId, u64)>,
    mail: Vec<(NodeId, NodeId, SealMessage)>,
    said: Vec<(NodeId, SealMessage)>,
    sealed: BTreeMap<NodeId, Vec<SignedHead>>,
    fenced: BTreeMap<NodeId, FenceReason>,
    /// Who stands still.
    halted: Vec<NodeId>,
    /// Who hears nothing.
    deaf: Vec<NodeId>,
}

impl Trio {
    fn new() -> Self {
        let mut trio = Self {
            sealers: BTreeMap::new(),
            now_ms: 1_000,
            vows: BTreeMap::new(),
            unsynced: Vec::new(),
            mail: Vec::new(),
            said: Vec::new(),
            sealed: BTreeMap::new(),
            fenced: BTreeMap::new(),
            halted: Vec::new(),
            deaf: Vec::new(),
        };
        for id in 1..=3 {
            trio.start(id, None, None);
        }
        trio.sealers.get_mut(&1).unwrap().role(true);
        trio
    }

    fn start(&mut self, id: NodeId, vow: Option<(u64, Hash)>, sealed: Option<SignedHead>) {
        let mut sealer = Sealer::new(id, secret(id), vow, sealed);
        sealer.founded(&cluster());
        assert_eq!(sealer.applied(0, [0; 32], self.now_ms), []);
        self.sealers.insert(id, sealer);
    }

    fn with(&mut self, id: NodeId, input: impl FnOnce(&mut Sealer, u64) -> Vec<Effect>) {
        let effects = input(self.sealers.get_mut(&id).unwrap(), self.now_ms);
        for effect in effects {
            match effect {
                Effect::Vow(vow) => {
                    self.unsynced.push((id, vow.size));
                    self.vows.entry(id).or_default().push(vow);
                }
                Effect::Broadcast(message) => {
                    if let SealMessage::Cosign { size, root, .. } = &message {
                        let vowed = self.vows[&id]
                            .iter()
                            .any(|v| (v.size, &v.root) == (*size, root));
                        let synced = !self.unsynced.contains(&(id, *size));
                        assert!(
                            vowed && synced,
                            "{id} signs {size} before its vow is synced"
                        );
                    }
                    self.said.push((id, message.clone()));
                    for to in (1..=3).filter(|to| *to != id && !self.deaf.contains(to)) {
                        self.mail.push((id, to, message.clone()));
                    }
                }
                Effect::Sealed(head) => self.sealed.entry(id).or_default().push(head),
                Effect::Halt => {
                    assert!(!self.halted.contains(&id), "halted once");
                    self.halted.push(id);
                }
                Effect::Resume => {
                    assert!(self.halted.contains(&id), "resumed after a halt");
                    self.halted.retain(|other| *other != id);
                }
                Effect::Fence(reason) => {
                    assert!(self.fenced.insert(id, reason).is_none(), "fenced once");
                }
            }
        }
    }

    fn apply(&mut self, id: NodeId, size: u64, root: Hash) {
        self.with(id, |sealer, now| sealer.applied(size, root, now));
    }

    fn apply_everywhere(&mut self, size: u64) {
        for id in 1..=3 {
            self.apply(id, size, root(size));
        }
    }

    fn sync(&mut self) {
        for (id, size) in std::mem::take(&mut self.unsynced) {
            self.with(id, |sealer, now| sealer.vowed(size, now));
        }
    }

    fn deliver(&mut self) {
        for (from, to, message) in std::mem::take(&mut self.mail) {
            self.with(to, |sealer, now| sealer.message(from, &message, now));
        }
    }

    fn tick(&mut self, ms: u64) {
        self.now_ms += ms;
        for id in 1..=3 {
            self.with(id, Sealer::tick);
        }
    }

    /// Until nothing is under way.
    fn settle(&mut self) {
        while !self.mail.is_empty() || !self.unsynced.is_empty() {
            self.sync();
            self.deliver();
        }
    }

    fn sealed_size(&self, id: NodeId) -> u64 {
        self.sealers[&id].sealed().map_or(0, |head| head.head.size)
    }

    fn newest(&self, id: NodeId) -> &SignedHead {
        self.sealed[&id].last().unwrap()
    }
}

#[test]
fn a_quorum_seals_and_every_replica_gets_to_know() {
    let mut trio = Trio::new();
    trio.apply_everywhere(5);
    trio.settle();
    for id in 1..=3 {
        let head = trio.newest(id);
        assert_eq!((head.head.size, head.head.root), (5, root(5)));
        assert!(head.check(&keys()).is_ok());
    }
    assert!(trio.fenced.is_empty());
}

#[test]
fn one_replica_alone_seals_nothing_and_two_do() {
    let mut trio = Trio::new();
    trio.deaf = vec![2, 3];
    trio.apply_everywhere(5);
    trio.settle();
    assert_eq!(trio.sealed_size(1), 0);
    trio.deaf = vec![3];
    trio.tick(SEAL_RETRY_MS);
    trio.settle();
    assert_eq!(
        (
            trio.sealed_size(1),
            trio.sealed_size(2),
            trio.sealed_size(3)
        ),
        (5, 5, 0)
    );
}

#[test]
fn nothing_is_signed_before_its_vow_is_synced() {
    let mut trio = Trio::new();
    trio.apply_everywhere(5);
    for _ in 0..3 {
        trio.deliver();
        trio.tick(SEAL_RETRY_MS);
    }
    assert!(
        trio.said
            .iter()
            .all(|(_, said)| matches!(said, SealMessage::Announce { .. }))
    );
    trio.settle();
    assert_eq!(trio.sealed_size(1), 5);
}

#[test]
fn one_seal_is_in_flight_and_the_next_begins_with_the_newest_size() {
    let mut trio = Trio::new();
    trio.apply_everywhere(5);
    for size in 6..20 {
        trio.apply_everywhere(size);
    }
    let announced = |trio: &Trio| -> Vec<u64> {
        let sizes = trio.said.iter().filter_map(|(_, said)| match said {
            SealMessage::Announce { size } => Some(*size),
            SealMessage::Cosign { .. } | SealMessage::Handover(_) => None,
        });
        sizes.collect()
    };
    assert_eq!(announced(&trio), [5]);
    trio.settle();
    assert_eq!(announced(&trio), [5], "not sooner than the interval");
    trio.tick(SEAL_INTERVAL_MS);
    trio.settle();
    assert_eq!(announced(&trio), [5, 19]);
    assert_eq!(trio.sealed_size(2), 19);
}

#[test]
fn lost_messages_are_asked_for_again() {
    let mut trio = Trio::new();
    trio.apply_everywhere(5);
    trio.sync();
    trio.mail.clear();
    trio.tick(SEAL_RETRY_MS);
    trio.sync();
    trio.deliver();
    trio.sync();
    // The followers' signatures are lost this time.
    trio.mail.clear();
    trio.tick(SEAL_RETRY_MS);
    trio.settle();
    for id in 1..=3 {
        assert_eq!(trio.sealed_size(id), 5);
    }
}

#[test]
fn a_replica_that_heard_nothing_of_the_last_seal_learns_of_it_while_nothing_else_happens() {
    let mut trio = Trio::new();
    trio.deaf = vec![3];
    trio.apply_everywhere(5);
    trio.settle();
    assert_eq!((trio.sealed_size(1), trio.sealed_size(3)), (5, 0));
    trio.deaf.clear();
    trio.tick(SEAL_RETRY_MS);
    trio.settle();
    assert_eq!(trio.sealed_size(3), 5);
    assert_eq!(trio.newest(1).signatures.len(), 3);
    let said = trio.said.len();
    trio.tick(SEAL_RETRY_MS);
    assert_eq!(trio.said.len(), said, "and then there is silence");
}

#[test]
fn a_follower_that_forgot_the_newest_seal_in_a_crash_asks_for_it_while_nothing_else_happens() {
    let mut trio = Trio::new();
    trio.apply_everywhere(5);
    trio.settle();
    // The newest sealed head was not flushed; the vow is in the log, and the log gives the state.
    trio.start(3, Some((5, root(5))), None);
    trio.apply(3, 5, root(5));
    trio.settle();
    assert_eq!(trio.sealed_size(3), 0);
    trio.tick(SEAL_ASK_MS);
    trio.settle();
    assert_eq!(trio.sealed_size(3), 5);
    let said = trio.said.len();
    trio.tick(SEAL_ASK_MS);
    trio.tick(SEAL_ASK_MS);
    trio.settle();
    assert_eq!(trio.said.len(), said, "and asks no more");
}

#[test]
fn a_clock_that_is_set_back_does_not_hold_up_the_next_seal() {
    let mut trio = Trio::new();
    trio.now_ms = 1_000_000;
    trio.apply_everywhere(5);
    trio.settle();
    trio.now_ms = 1_000;
    trio.apply_everywhere(6);
    trio.settle();
    assert_eq!(trio.sealed_size(2), 6);
}

#[test]
fn a_slow_replica_seals_what_it_heard_of_once_it_gets_there() {
    let mut trio = Trio::new();
    trio.apply(1, 5, root(5));
    trio.apply(2, 5, root(5));
    trio.settle();
    assert_eq!((trio.sealed_size(1), trio.sealed_size(3)), (5, 0));
    trio.apply(3, 3, root(3));
    trio.apply(3, 5, root(5));
    assert_eq!(trio.sealed_size(3), 5);
}

#[test]
fn a_replica_never_signs_a_smaller_size_than_before() {
    let mut trio = Trio::new();
    for size in [3, 5] {
        trio.apply_everywhere(size);
        trio.tick(SEAL_RETRY_MS);
        trio.settle();
    }
    trio.with(2, |sealer, now| {
        sealer.message(1, &SealMessage::Announce { size: 3 }, now)
    });
    trio.settle();
    for id in 1..=3 {
        let sizes: Vec<u64> = trio.vows[&id].iter().map(|vow| vow.size).collect();
        assert!(sizes.is_sorted(), "{sizes:?}");
    }
}

#[test]
fn a_replica_whose_root_differs_from_a_quorums_is_fenced_and_says_no_more() {
    let mut trio = Trio::new();
    trio.apply(1, 5, root(5));
    trio.apply(2, 5, root(5));
    trio.apply(3, 5, [0xbd; 32]);
    trio.settle();
    assert_eq!(trio.fenced, BTreeMap::from([(3, FenceReason::OtherRoot)]));
    assert_eq!(trio.newest(1).head.root, root(5));
    let said = trio.said.iter().filter(|(id, _)| *id == 3).count();
    for size in 6..9 {
        trio.apply_everywhere(size);
        trio.tick(SEAL_RETRY_MS);
        trio.settle();
    }
    assert_eq!(trio.said.iter().filter(|(id, _)| *id == 3).count(), said);
    assert_eq!(trio.sealed_size(1), 8);
}

#[test]
fn a_leader_whose_root_differs_from_a_quorums_is_fenced() {
    let mut trio = Trio::new();
    trio.apply(1, 5, [0xbd; 32]);
    trio.apply(2, 5, root(5));
    trio.apply(3, 5, root(5));
    trio.settle();
    assert_eq!(trio.fenced, BTreeMap::from([(1, FenceReason::OtherRoot)]));
    assert_eq!(trio.sealed_size(2), 5);
}

#[test]
fn a_replica_that_made_more_leaves_of_an_entry_is_fenced_although_it_never_has_that_size() {
    for odd in [2, 1] {
        let mut trio = Trio::new();
        // The same two entries: 5 and 8 leaves here, 7 and 10 there.
        for id in 1..=3 {
            let more = if id == odd { 2 } else { 0 };
            trio.apply(id, 5 + more, if id == odd { [0xbd; 32] } else { root(5) });
            trio.apply(id, 8 + more, if id == odd { [0xbe; 32] } else { root(8) });
        }
        trio.settle();
        for size in [12, 14] {
            trio.tick(SEAL_RETRY_MS);
            trio.settle();
            for id in 1..=3 {
                let more = if id == odd { 2 } else { 0 };
                trio.apply(
                    id,
                    size + more,
                    if id == odd { [0xbf; 32] } else { root(size) },
                );
            }
        }
        trio.tick(SEAL_RETRY_MS);
        trio.settle();
        assert_eq!(
            trio.fenced,
            BTreeMap::from([(odd, FenceReason::OtherRoot)]),
            "{odd} is odd"
        );
    }
}

#[test]
fn without_a_quorum_root_everybody_halts() {
    let mut trio = Trio::new();
    for id in 1..=3 {
        trio.apply(id, 5, [u8::try_from(id).unwrap(); 32]);
    }
    trio.settle();
    let halted = FenceReason::NoQuorumRoot;
    assert_eq!(
        trio.fenced,
        BTreeMap::from([(1, halted), (2, halted), (3, halted)])
    );
    assert!(trio.sealed.is_empty());
}

#[test]
fn a_replay_that_gives_another_root_than_was_vowed_is_fenced() {
    let mut trio = Trio::new();
    trio.start(2, Some((5, root(5))), None);
    trio.apply(2, 3, root(3));
    trio.apply(2, 5, [0xbd; 32]);
    assert_eq!(trio.fenced, BTreeMap::from([(2, FenceReason::OwnVow)]));
    // As is one that passes the vowed size without ever having it.
    trio.start(3, Some((5, root(5))), None);
    trio.apply(3, 4, root(4));
    trio.apply(3, 6, root(6));
    assert_eq!(trio.fenced[&3], FenceReason::OwnVow);
}

#[test]
fn after_a_restart_the_vowed_head_may_be_signed_again_and_nothing_else_of_that_size() {
    let mut trio = Trio::new();
    trio.apply(2, 5, root(5));
    trio.with(2, |sealer, now| {
        sealer.message(1, &SealMessage::Announce { size: 5 }, now)
    });
    trio.unsynced.clear();
    trio.start(2, Some((5, root(5))), None);
    trio.apply_everywhere(5);
    trio.settle();
    assert_eq!(trio.sealed_size(2), 5);
    assert!(trio.vows[&2].iter().all(|vow| vow.root == root(5)));
}

#[test]
fn signatures_that_do_not_hold_and_senders_that_are_nobody_count_for_nothing() {
    let mut trio = Trio::new();
    trio.deaf = vec![1, 2, 3];
    trio.apply_everywhere(5);
    trio.settle();
    let forged = SealMessage::Cosign {
        size: 5,
        root: root(5),
        time_s: 1,
        signature: [7; 64],
    };
    trio.with(1, |sealer, now| sealer.message(2, &forged, now));
    trio.with(1, |sealer, now| sealer.message(9, &forged, now));
    // What replica 1 signed itself is no signature of replica 2.
    let own = trio
        .said
        .iter()
        .find(|(id, said)| *id == 1 && matches!(said, SealMessage::Cosign { .. }));
    let own = own.unwrap().1.clone();
    trio.with(1, |sealer, now| sealer.message(2, &own, now));
    assert_eq!(trio.sealed_size(1), 0);
    assert!(trio.fenced.is_empty());
}

/// Replica 3 is down, and the two others have signed different roots.
fn two_that_disagree() -> Trio {
    let mut trio = Trio::new();
    trio.deaf = vec![3];
    trio.apply(1, 5, root(5));
    trio.apply(2, 5, [0xbd; 32]);
    trio.settle();
    trio.tick(HALT_AFTER_MS - 1);
    assert!(trio.halted.is_empty(), "the third may be on its way");
    trio.tick(1);
    trio.halted.sort_unstable();
    trio.halted.dedup();
    trio
}

#[test]
fn while_two_disagree_and_the_third_is_silent_both_stand_still_and_neither_is_fenced() {
    let mut trio = two_that_disagree();
    assert_eq!(trio.halted, [1, 2]);
    assert!(trio.fenced.is_empty());
    for _ in 0..10 {
        trio.tick(HALT_AFTER_MS);
        trio.settle();
    }
    assert_eq!(trio.halted.len(), 2, "and go on standing still");
    assert_eq!((trio.sealed_size(1), trio.sealed_size(2)), (0, 0));
}

#[test]
fn when_the_third_speaks_the_quorum_goes_on_and_the_one_that_is_wrong_is_fenced() {
    let mut trio = two_that_disagree();
    trio.deaf.clear();
    trio.apply(3, 5, root(5));
    for _ in 0..3 {
        trio.tick(SEAL_ASK_MS);
        trio.settle();
    }
    assert_eq!(trio.fenced, BTreeMap::from([(2, FenceReason::OtherRoot)]));
    assert_eq!(trio.halted, [2]);
    assert_eq!((trio.sealed_size(1), trio.sealed_size(3)), (5, 5));
}

#[test]
fn a_replica_that_is_wrong_stops_nobody_while_a_quorum_agrees() {
    let mut trio = Trio::new();
    for size in 5..30 {
        for id in [1, 2] {
            trio.apply(id, size, root(size));
        }
        trio.apply(3, size, [0xbd; 32]);
        trio.tick(HALT_AFTER_MS);
        trio.settle();
        trio.tick(HALT_AFTER_MS);
        assert!(!trio.halted.contains(&1) && !trio.halted.contains(&2));
    }
    assert!(trio.sealed_size(1) > 5);
}
