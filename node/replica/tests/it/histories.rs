//! The chain of key sets from a store: the heads with which sets ended stay, and lead from the first set to the newest.

use std::sync::Arc;

use akashi_domain::command::{AddMember, Command, Found, PromoteMember, RemoveMember, Request};
use akashi_domain::decide::Inline;
use akashi_domain::entry::{Entry, RULE_VERSION, Sealed};
use akashi_domain::ids::{ClientId, Digest, RequestId, Stamp};
use akashi_domain::policy::{AgentRule, Grants, PolicyBody, PolicyPurpose};
use akashi_domain::records::ReplicaInfo;
use akashi_domain::state::Records as _;
use akashi_merkle::{CosignerSecret, Head, KeyChain, KeyHistory, Origin, SignedHead};
use akashi_replica::entry::{EntryKind, LogEntry};
use akashi_replica::machine::Machine;
use akashi_replica::store::{MemStore, StateStore as _};
use akashi_replica::succession::{Page, boundary, change_at, changes, heads, history, key_set_at};

const START: u64 = 1_800_000_000_000_000;
const ORIGIN: &str = "bank/e1/g0";

fn secret(id: u64) -> CosignerSecret {
    let seed = [u8::try_from(id).unwrap(); 32];
    CosignerSecret::from_seed(&format!("n{id}"), &seed).unwrap()
}

fn found() -> Command {
    let replica = |id: u64| ReplicaInfo {
        id,
        name: format!("n{id}"),
        site: "a".into(),
        cosigner: *secret(id).public().public_key(),
    };
    Command::Found(Found {
        cluster: "bank".into(),
        replicas: (1..=3).map(replica).collect(),
        quorum: 2,
        tenant: "retail".into(),
        policy: "standard".into(),
        body: PolicyBody {
            purpose: PolicyPurpose::CustomerCall,
            require_possession: true,
            require_knowledge: true,
            predicates: Vec::new(),
            face: None,
            consent: None,
            challenge_ttl_s: 120,
            verdict_ttl_s: 600,
            grants: Grants::default(),
            agents: AgentRule::registered(),
        },
    })
}

fn add(id: u64) -> Command {
    Command::AddMember(AddMember {
        id,
        name: format!("n{id}"),
        site: "b".into(),
        peer_address: format!("n{id}:2"),
        client_address: format!("n{id}:1"),
        cosigner: *secret(id).public().public_key(),
    })
}

/// A replica that seals what it applies, with whatever keys are in force.
struct Host {
    machine: Machine<MemStore>,
    sealed: Option<Sealed>,
}

impl Host {
    fn new() -> Self {
        let machine = Machine::open(Arc::new(MemStore::default())).unwrap();
        Self {
            machine,
            sealed: None,
        }
    }

    /// Applies these commands as one entry; seals ends of key sets, and the end of the entry.
    fn run(&mut self, commands: Vec<Command>) {
        let index = self.machine.progress().log_index + 1;
        let request = |(at, command): (u8, Command)| {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&((START / 1_000) << 16).to_be_bytes());
            id[14] = u8::try_from(index).unwrap();
            id[15] = at;
            Request {
                id: RequestId(id),
                client: ClientId::of("tests"),
                not_after: Stamp(u64::MAX),
                command,
            }
        };
        let entry = Entry {
            rule_version: RULE_VERSION,
            stamp: Stamp(START + index),
            random: [1; 32],
            sealed: self.sealed,
            requests: (0..).zip(commands).map(request).collect(),
        };
        let entry = LogEntry {
            index,
            term: 1,
            kind: EntryKind::Normal,
            data: entry.encode(),
        };
        let outcome = self.machine.apply(&entry, &mut Inline).unwrap();
        for answer in &outcome.applied.answers {
            assert!(answer.result.is_ok(), "{answer:?}");
        }
        for recorded in &outcome.applied.events {
            if let Some(size) = boundary(&recorded.event, recorded.leaf_index) {
                assert_eq!(
                    change_at(self.machine.view(), size)
                        .unwrap()
                        .unwrap()
                        .boundary(),
                    size
                );
                self.seal(size);
            }
        }
        self.seal(outcome.applied.progress.leaves);
    }

    /// Signs the head of `size` with the keys in force there.
    fn seal(&mut self, size: u64) {
        let keys = key_set_at(self.machine.view(), size).unwrap().unwrap();
        let root = self.machine.root_of(size).unwrap().unwrap();
        let head = Head {
            origin: Origin::parse(ORIGIN).unwrap(),
            size,
            root,
        };
        let signatures: Vec<_> = keys
            .cosigners()
            .iter()
            .map(|cosigner| {
                let id = cosigner.name.trim_start_matches('n').parse().unwrap();
                secret(id).cosign(&head, 1).unwrap()
            })
            .collect();
        let note = SignedHead::new(head, &signatures).to_text();
        self.machine.keep_head(size, note).unwrap();
        self.sealed = Some(Sealed {
            size,
            root: Digest(root),
        });
    }

    fn page(&self, from_size: u64, limit: usize) -> Page {
        history(self.machine.view(), from_size, limit)
            .unwrap()
            .unwrap()
    }
}

/// 4 comes, 2 goes; entries with other commands around the changes.
fn changed() -> Host {
    let mut host = Host::new();
    host.run(vec![found()]);
    host.run(vec![add(4), add(5)]);
    host.run(vec![
        add(6),
        Command::PromoteMember(PromoteMember { id: 4 }),
        Command::RemoveMember(RemoveMember { id: 6 }),
    ]);
    host.run(vec![Command::MarkState]);
    host.run(vec![Command::RemoveMember(RemoveMember { id: 2 }), add(7)]);
    for _ in 0..3 {
        host.run(vec![Command::MarkState]);
    }
    host
}

#[test]
fn the_heads_with_which_key_sets_ended_stay_and_the_others_go() {
    let host = changed();
    let view = host.machine.view();
    let ends: Vec<u64> = changes(view)
        .unwrap()
        .iter()
        .map(|c| c.boundary())
        .collect();
    assert_eq!(ends.len(), 2);
    for size in &ends {
        assert!(view.head_at(*size).unwrap().is_some(), "{size}");
    }
    let newest = host.machine.progress().leaves;
    let kept = (1..=newest).filter(|size| view.head_at(*size).unwrap().is_some());
    // Besides: the first of all, and the newest.
    assert_eq!(kept.count(), 4);
}

#[test]
fn whoever_pinned_the_first_set_gets_to_the_newest_and_in_pages_too() {
    let host = changed();
    let view = host.machine.view();
    let cluster = view.cluster().unwrap().unwrap();
    let whole = host.page(0, 64);
    assert!(!whole.more && !whole.lacking);
    assert_eq!(whole.history.first(), &cluster.key_set().unwrap());
    let mut chain = KeyChain::pinned(cluster.key_set().unwrap());
    assert_eq!(chain.follow(&whole.history), Ok(2));
    assert_eq!(
        chain.newest(),
        &key_set_at(view, u64::MAX).unwrap().unwrap()
    );
    let names: Vec<_> = chain
        .newest()
        .cosigners()
        .iter()
        .map(|c| c.name.clone())
        .collect();
    assert_eq!(names, ["n1", "n3", "n4"]);
    // A head of any size is checked by the same set here and there.
    for size in 1..=host.machine.progress().leaves {
        assert_eq!(
            chain.at(size),
            &key_set_at(view, size).unwrap().unwrap(),
            "{size}"
        );
    }
    let mut pages: Option<KeyHistory> = None;
    let mut from = 0;
    loop {
        let page = host.page(from, 1);
        from = page
            .history
            .changes()
            .last()
            .map_or(from, |c| c.boundary() + 1);
        match &mut pages {
            None => pages = Some(page.history),
            Some(known) => assert!(known.append(page.history)),
        }
        if !page.more {
            break;
        }
    }
    assert_eq!(pages.unwrap(), whole.history);
}

#[test]
fn a_change_that_is_not_sealed_yet_is_left_out_and_one_that_is_lost_is_said() {
    let mut host = changed();
    let entry = |index, sealed| {
        let mut id = [9; 16];
        id[..8].copy_from_slice(&((START / 1_000) << 16).to_be_bytes());
        let entry = Entry {
            rule_version: RULE_VERSION,
            stamp: Stamp(START + index),
            random: [1; 32],
            sealed,
            requests: vec![Request {
                id: RequestId(id),
                client: ClientId::of("tests"),
                not_after: Stamp(u64::MAX),
                command: Command::PromoteMember(PromoteMember { id: 5 }),
            }],
        };
        LogEntry {
            index,
            term: 1,
            kind: EntryKind::Normal,
            data: entry.encode(),
        }
    };
    let index = host.machine.progress().log_index + 1;
    host.machine
        .apply(&entry(index, host.sealed), &mut Inline)
        .unwrap();
    let page = host.page(0, 64);
    assert_eq!((page.history.changes().len(), page.lacking), (2, false));
    // A replica that starts from another's state has no heads until it is given them.
    let first = host.page(0, 64).history;
    let bare = host.machine.view().0.fork();
    let mut gone = akashi_replica::store::Batch::default();
    for key in heads(&first).changes.into_keys() {
        gone.delete(key.0, key.1);
    }
    bare.write(gone).unwrap();
    let machine = Machine::open(Arc::new(bare)).unwrap();
    let page = history(machine.view(), 0, 64).unwrap().unwrap();
    assert!(page.lacking && page.history.changes().is_empty());
    machine.view().0.write(heads(&first)).unwrap();
    let page = history(machine.view(), 0, 64).unwrap().unwrap();
    assert_eq!((page.history, page.lacking), (first, false));
}
