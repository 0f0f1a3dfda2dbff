//! What raft-rs leaves to its driver, where no other case shows it; the list is docs/raft.md.

use raft::eraftpb::{Entry, Message, MessageType};
use raft_prost::Message as _;

use super::super::{RaftCore, Recovered};
use super::cases::{commit_all, config, drain, leader, message, three_entries};
use crate::entry::HardState;

#[test]
fn an_entry_is_handed_out_only_once_it_is_on_this_replicas_disk() {
    let mut core = RaftCore::new(config(1), three_entries()).unwrap();
    let append = Message {
        index: 3,
        log_term: 2,
        commit: 4,
        entries: vec![Entry {
            index: 4,
            term: 2,
            data: vec![1],
            ..Entry::default()
        }],
        ..message(MessageType::MsgAppend, 2, 1, 2)
    };
    core.peer(2, &append.encode_to_vec()).unwrap();
    let outs = drain(&mut core);
    let handed = |outs: &[super::super::Output]| {
        let entries = outs.iter().flat_map(|out| &out.committed);
        entries.map(|entry| entry.index).max().unwrap_or_default()
    };
    assert_eq!(core.commit_index(), 4, "the leader says that it is decided");
    assert!(handed(&outs) < 4, "and this replica has not synced it");
    let mut writes = outs.iter().filter_map(|out| out.persist.as_ref());
    core.persisted(writes.next_back().unwrap().number);
    assert_eq!(handed(&drain(&mut core)), 4);
}

#[test]
fn proposals_between_two_drains_are_one_append_per_follower() {
    let mut core = leader(config(1));
    commit_all(&mut core);
    drain(&mut core);
    for _ in 0..20 {
        core.propose(vec![7; 10]).unwrap();
    }
    let outs = drain(&mut core);
    let appends: Vec<usize> = outs
        .iter()
        .flat_map(|out| &out.send)
        .filter(|(to, _)| *to == 2)
        .map(|(_, bytes)| Message::decode(bytes.as_slice()).unwrap())
        .filter(|sent| sent.get_msg_type() == MessageType::MsgAppend)
        .map(|sent| sent.entries.len())
        .collect();
    assert_eq!(appends, [20]);
}

#[test]
fn a_commit_hint_behind_what_was_applied_is_raised_and_a_first_term_is_one() {
    let recovered = Recovered {
        applied: 3,
        hard_state: HardState {
            term: 2,
            vote: 0,
            commit: 1,
        },
        ..three_entries()
    };
    let mut core = RaftCore::new(config(1), recovered).unwrap();
    assert_eq!(core.commit_index(), 3);
    assert!(drain(&mut core).iter().all(|out| out.committed.is_empty()));
    let fresh = RaftCore::new(config(1), Recovered::default()).unwrap();
    assert_eq!(fresh.role().term, 1);
}
