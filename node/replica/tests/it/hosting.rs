//! The host of the state machine: in order, once, all or nothing, and the same after a crash.

use std::sync::Arc;

use akashi_domain::command::{Command, CreateTenant, Found, Request};
use akashi_domain::decide::Inline;
use akashi_domain::entry::{Entry, RULE_VERSION, Sealed};
use akashi_domain::ids::{ClientId, Digest, RequestId, Stamp};
use akashi_domain::policy::{AgentRule, Grants, PolicyBody, PolicyPurpose};
use akashi_domain::records::ReplicaInfo;
use akashi_domain::state::Records as _;
use akashi_merkle::{leaf_hash, verify_inclusion};
use akashi_replica::conf::Conf;
use akashi_replica::entry::{EntryKind, LogEntry};
use akashi_replica::machine::{Machine, MachineError};
use akashi_replica::store::{MemStore, StateStore as _, Table};

const START: u64 = 1_800_000_000_000_000;

fn entry(index: u64, commands: Vec<Command>, sealed: Option<Sealed>) -> LogEntry {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&((START / 1_000) << 16).to_be_bytes());
    id[15] = u8::try_from(index).unwrap();
    let request = |command| Request {
        id: RequestId(id),
        client: ClientId::of("tests"),
        not_after: Stamp(u64::MAX),
        command,
    };
    let entry = Entry {
        rule_version: RULE_VERSION,
        stamp: Stamp(START + index),
        random: [u8::try_from(index).unwrap(); 32],
        sealed,
        requests: commands.into_iter().map(request).collect(),
    };
    LogEntry {
        index,
        term: 1,
        kind: EntryKind::Normal,
        data: entry.encode(),
    }
}

fn found() -> Command {
    let replica = |id: u64| ReplicaInfo {
        id,
        name: format!("n{id}"),
        site: "a".into(),
        cosigner: [7; 32],
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

fn tenant(name: &str) -> Command {
    Command::CreateTenant(CreateTenant {
        tenant: name.into(),
    })
}

fn log() -> Vec<LogEntry> {
    let no_op = LogEntry {
        index: 1,
        term: 1,
        ..LogEntry::default()
    };
    let mut log = vec![no_op, entry(2, vec![found()], None)];
    log.extend((3..30).map(|index| entry(index, vec![tenant(&format!("t{index}"))], None)));
    log
}

fn machine() -> Machine<MemStore> {
    Machine::open(Arc::new(MemStore::default())).unwrap()
}

fn run(machine: &mut Machine<MemStore>, log: &[LogEntry]) {
    for entry in log {
        machine.apply(entry, &mut Inline).unwrap();
    }
}

#[test]
fn replicas_that_apply_the_same_log_agree_in_root_and_state_hash() {
    let (mut one, mut two) = (machine(), machine());
    run(&mut one, &log());
    run(&mut two, &log());
    assert_eq!(
        (one.root(), one.state_hash()),
        (two.root(), two.state_hash())
    );
    assert_eq!(one.progress(), two.progress());
    let mut three = machine();
    run(&mut three, &log()[..28]);
    let before = three.state_hash();
    run(&mut three, &[entry(29, vec![tenant("other")], None)]);
    assert_ne!(three.state_hash(), one.state_hash());
    assert_ne!(three.root(), one.root());
    assert_ne!(before, three.state_hash());
}

#[test]
fn a_crash_at_any_batch_boundary_replays_to_the_same_state() {
    let store = Arc::new(MemStore::default());
    let mut live = Machine::open(Arc::clone(&store)).unwrap();
    let mut forks = vec![(0, store.fork())];
    for entry in log() {
        live.apply(&entry, &mut Inline).unwrap();
        forks.push((entry.index, store.fork()));
    }
    for (index, fork) in forks {
        let mut again = Machine::open(Arc::new(fork)).unwrap();
        assert_eq!(again.progress().log_index, index);
        run(&mut again, &log()[usize::try_from(index).unwrap()..]);
        assert_eq!(
            (again.root(), again.state_hash()),
            (live.root(), live.state_hash())
        );
    }
}

#[test]
fn entries_out_of_order_are_refused_and_change_nothing() {
    let mut machine = machine();
    let log = log();
    run(&mut machine, &log[..3]);
    let (progress, hash) = (machine.progress(), machine.state_hash());
    for entry in [&log[2], &log[1], &log[4]] {
        let refused = machine.apply(entry, &mut Inline);
        assert!(matches!(refused, Err(MachineError::OutOfOrder)));
    }
    assert_eq!((machine.progress(), machine.state_hash()), (progress, hash));
    run(&mut machine, &log[3..]);
}

#[test]
fn every_leaf_is_under_the_root_and_earlier_roots_can_still_be_had() {
    let mut machine = machine();
    let mut roots = Vec::new();
    for entry in log() {
        let outcome = machine.apply(&entry, &mut Inline).unwrap();
        roots.push((machine.progress().leaves, outcome.root));
    }
    let size = machine.progress().leaves;
    let view = machine.view();
    for index in 0..size {
        let leaf = view.leaf(index).unwrap().unwrap();
        let path = akashi_merkle::inclusion_proof(view, index, size).unwrap();
        verify_inclusion(&leaf_hash(&leaf), index, size, &path, &machine.root()).unwrap();
    }
    assert_eq!(view.leaf(size).unwrap(), None);
    // From memory, and, after a restart, from the stored nodes.
    let again = Machine::open(Arc::clone(&view.0)).unwrap();
    for (size, root) in roots {
        assert_eq!(machine.root_of(size).unwrap(), Some(root));
        assert_eq!(again.root_of(size).unwrap(), Some(root));
    }
    assert_eq!(again.root_of(size + 1).unwrap(), None);
}

#[test]
fn a_sealed_head_is_believed_only_if_this_replica_computed_its_root() {
    let mut machine = machine();
    run(&mut machine, &log());
    let size = machine.progress().leaves - 3;
    let right = machine.root_of(size).unwrap().unwrap();
    let claims = [
        (30, size, [9; 32], 0),
        (31, size + 100, right, 0),
        (32, size, right, size),
        (
            33,
            size - 1,
            machine.root_of(size - 1).unwrap().unwrap(),
            size,
        ),
    ];
    for (index, claimed, root, expected) in claims {
        let sealed = Sealed {
            size: claimed,
            root: Digest(root),
        };
        run(&mut machine, &[entry(index, Vec::new(), Some(sealed))]);
        assert_eq!(machine.progress().sealed.size, expected, "entry {index}");
    }
}

#[test]
fn bytes_that_no_version_wrote_are_the_same_nothing_everywhere_and_a_newer_rule_stops() {
    let mut machine = machine();
    run(&mut machine, &log());
    let leaves = machine.progress().leaves;
    let junk = LogEntry {
        index: 30,
        term: 1,
        kind: EntryKind::Normal,
        data: vec![1, 0, 9],
    };
    let membership = LogEntry {
        index: 31,
        term: 2,
        kind: EntryKind::Membership,
        data: vec![7, 7],
    };
    run(&mut machine, &[junk, membership]);
    let progress = machine.progress();
    assert_eq!(
        (progress.log_index, progress.term, progress.leaves),
        (31, 2, leaves)
    );
    let newer = LogEntry {
        index: 32,
        term: 2,
        kind: EntryKind::Normal,
        data: vec![2, 0],
    };
    let stopped = machine.apply(&newer, &mut Inline);
    assert!(matches!(stopped, Err(MachineError::UnknownRule)));
    assert_eq!(machine.view().progress().unwrap(), progress);
}

#[test]
fn the_group_is_kept_in_the_batch_of_the_entry_that_changed_it_and_counts_as_state() {
    let mut machine = machine();
    run(&mut machine, &log());
    assert_eq!(machine.view().conf().unwrap(), None);
    let before = machine.state_hash();
    let at = |index, data| LogEntry {
        index,
        term: 2,
        kind: EntryKind::Membership,
        data,
    };
    let conf = Conf {
        learners: vec![4],
        ..Conf::of(vec![1, 2, 3])
    };
    let (next, leaves) = (machine.progress().log_index + 1, machine.progress().leaves);
    run(&mut machine, &[at(next, conf.encode())]);
    assert_eq!(machine.view().conf().unwrap(), Some(conf.clone()));
    assert_eq!(machine.progress().log_index, next);
    assert_eq!(machine.progress().leaves, leaves, "it leaves no leaf");
    assert_ne!(machine.state_hash(), before);
    // What is no group changes nothing.
    run(&mut machine, &[at(next + 1, vec![7, 7])]);
    let again = Machine::open(Arc::clone(&machine.view().0)).unwrap();
    assert_eq!(again.view().conf().unwrap(), Some(conf));
}

#[test]
fn the_newest_head_is_kept_over_a_restart_and_an_older_one_is_not_taken() {
    let mut machine = machine();
    assert_eq!(machine.view().newest_head().unwrap(), None);
    machine.keep_head(300, "newer".into()).unwrap();
    machine.keep_head(2, "older".into()).unwrap();
    let again = Machine::open(Arc::clone(&machine.view().0)).unwrap();
    assert_eq!(
        again.view().newest_head().unwrap().as_deref(),
        Some("newer")
    );
    assert_eq!(heads(&again), [300]);
}

#[test]
fn of_many_heads_the_newest_stays_and_the_first_of_every_65536_leaves() {
    let sizes = [
        1, 2, 500, 65_535, 65_536, 65_537, 131_071, 131_072, 200_000, 400_000, 400_000, 400_001,
    ];
    let stay = [1, 65_536, 131_072, 200_000, 400_000];
    let mut machine = machine();
    for (count, size) in sizes.into_iter().enumerate() {
        machine.keep_head(size, format!("{size}/{count}")).unwrap();
        let mut expected: Vec<u64> = stay.into_iter().filter(|kept| *kept < size).collect();
        expected.push(size);
        assert_eq!(heads(&machine), expected);
        // It goes on the same way after a restart.
        machine = Machine::open(Arc::clone(&machine.view().0)).unwrap();
    }
    assert_eq!(
        machine.view().newest_head().unwrap().as_deref(),
        Some("400001/11")
    );
}

#[test]
fn keeping_heads_changes_nothing_that_replicas_compare() {
    let (mut one, mut two) = (machine(), machine());
    for (at, entry) in log().into_iter().enumerate() {
        one.apply(&entry, &mut Inline).unwrap();
        two.apply(&entry, &mut Inline).unwrap();
        if at % 3 == 0 {
            let size = one.progress().leaves;
            one.keep_head(size, "a head of its own".into()).unwrap();
        }
        assert_eq!(
            (one.root(), one.state_hash(), one.progress()),
            (two.root(), two.state_hash(), two.progress())
        );
    }
}

fn heads(machine: &Machine<MemStore>) -> Vec<u64> {
    let found = machine
        .view()
        .0
        .scan(Table::Heads, &[], &[u8::MAX; 11], usize::MAX)
        .unwrap();
    found
        .into_iter()
        .map(|(key, _)| u64::from_be_bytes(*key.last_chunk().unwrap()))
        .collect()
}
