//! Entries that are not taken yet, and leadership that is not wanted.

use akashi_domain::entry::{Entry, RULE_VERSION};
use akashi_domain::ids::Stamp;
use raft::eraftpb::{Entry as RaftEntry, Message, MessageType};
use raft_prost::Message as _;

use super::super::{Output, RaftCore, Recovered};
use super::cases::{config, drain, leader, message, three_entries};

const TERM: u64 = 2;

fn stamped(index: u64, stamp: u64) -> RaftEntry {
    let data = Entry {
        rule_version: RULE_VERSION,
        stamp: Stamp(stamp),
        random: [0; 32],
        sealed: None,
        requests: Vec::new(),
    };
    RaftEntry {
        index,
        term: TERM,
        data: data.encode(),
        ..RaftEntry::default()
    }
}

/// An append of replica 3, which leads, after the three entries there are.
fn append(previous: u64, entries: Vec<RaftEntry>) -> Vec<u8> {
    let append = Message {
        index: previous,
        log_term: TERM,
        commit: 3,
        entries,
        ..message(MessageType::MsgAppend, 3, 1, TERM)
    };
    append.encode_to_vec()
}

/// What the replica answers to its leader once everything is synced: index, and whether it rejects.
fn answers(core: &mut RaftCore) -> Vec<(u64, bool)> {
    let outs = drain(core);
    let mut sent = Vec::new();
    for out in &outs {
        let Output { send, persist, .. } = out;
        sent.extend(send.iter().cloned());
        if let Some(persist) = persist {
            sent.extend(persist.messages_after.iter().cloned());
            core.persisted(persist.number);
        }
    }
    sent.iter()
        .map(|(_, bytes)| Message::decode(bytes.as_slice()).unwrap())
        .filter(|sent| sent.msg_type == kind(MessageType::MsgAppendResponse))
        .map(|sent| (sent.index, sent.reject))
        .collect()
}

fn kind(kind: MessageType) -> i32 {
    let mut message = Message::default();
    message.set_msg_type(kind);
    message.msg_type
}

#[test]
fn an_entry_from_the_future_is_acknowledged_when_its_time_comes_and_never_rejected() {
    let mut core = RaftCore::new(config(1), three_entries()).unwrap();
    core.take_entries(1_000, true);
    core.peer(3, &append(3, vec![stamped(4, 900)])).unwrap();
    assert_eq!(answers(&mut core), [(4, false)]);
    core.peer(3, &append(4, vec![stamped(5, 1_001)])).unwrap();
    // What follows it waits behind it: before it, it would be rejected.
    core.peer(3, &append(5, vec![stamped(6, 950)])).unwrap();
    core.peer(3, &append(6, vec![])).unwrap();
    assert_eq!(answers(&mut core), []);
    assert_eq!((core.last_index(), core.waiting_stamp()), (4, Some(1_001)));
    core.take_entries(1_000, true);
    assert_eq!(answers(&mut core), []);
    core.take_entries(1_001, true);
    assert_eq!(answers(&mut core), [(5, false), (6, false), (6, false)]);
    assert_eq!(core.waiting_stamp(), None);
    // The time of the log has come that far: an entry that is not later moves nothing.
    core.take_entries(10, true);
    core.peer(3, &append(6, vec![stamped(7, 1_001)])).unwrap();
    assert_eq!(answers(&mut core), [(7, false)]);
}

#[test]
fn heartbeats_and_votes_go_on_while_entries_are_withheld() {
    let mut core = RaftCore::new(config(1), three_entries()).unwrap();
    core.take_entries(0, true);
    core.peer(3, &append(3, vec![stamped(4, 1)])).unwrap();
    assert_eq!(answers(&mut core), []);
    let beat = message(MessageType::MsgHeartbeat, 3, 1, TERM);
    core.peer(3, &beat.encode_to_vec()).unwrap();
    let beats = drain(&mut core);
    assert!(beats.iter().any(|out| {
        !out.send.is_empty()
            || out
                .persist
                .as_ref()
                .is_some_and(|p| !p.messages_after.is_empty())
    }));
    // A candidate without those entries wins this vote, and what its rival wanted is forgotten.
    for _ in 0..20 {
        core.tick();
    }
    drop(drain(&mut core));
    let ask = Message {
        index: 3,
        log_term: TERM,
        ..message(MessageType::MsgRequestVote, 2, 1, TERM + 5)
    };
    core.peer(2, &ask.encode_to_vec()).unwrap();
    let votes = drain(&mut core).iter().any(|out| {
        let votes = out.persist.as_ref().map(|persist| &persist.messages_after);
        votes.into_iter().flatten().any(|(_, bytes)| {
            let sent = Message::decode(bytes.as_slice()).unwrap();
            sent.msg_type == kind(MessageType::MsgRequestVoteResponse) && !sent.reject
        })
    });
    assert!(votes);
    core.take_entries(u64::MAX, true);
    assert_eq!(core.last_index(), 3);
    assert_eq!(core.waiting_stamp(), None);
}

#[test]
fn without_room_entries_wait_and_what_is_kept_is_bounded() {
    let mut core = RaftCore::new(config(1), three_entries()).unwrap();
    core.take_entries(u64::MAX, false);
    for index in 4..1_000 {
        core.peer(3, &append(index - 1, vec![stamped(index, 1)]))
            .unwrap();
    }
    assert_eq!(answers(&mut core), []);
    assert_eq!(
        core.waiting_stamp(),
        None,
        "it is not the time they wait for"
    );
    core.take_entries(u64::MAX, true);
    let acknowledged = answers(&mut core);
    assert!(acknowledged.iter().all(|(_, rejects)| !rejects));
    assert_eq!(core.last_index(), 3 + 128, "no more than were kept");
    // Anything from there on is taken again.
    core.peer(3, &append(131, vec![stamped(132, 1)])).unwrap();
    assert_eq!(answers(&mut core), [(132, false)]);
}

#[test]
fn the_log_on_disk_says_how_far_time_has_come() {
    let mut recovered = three_entries();
    recovered.entries[2].data = stamped(3, 5_000).data;
    let mut core = RaftCore::new(config(1), recovered).unwrap();
    core.take_entries(10, true);
    core.peer(3, &append(3, vec![stamped(4, 5_000)])).unwrap();
    assert_eq!(answers(&mut core), [(4, false)]);
    core.peer(3, &append(4, vec![stamped(5, 5_001)])).unwrap();
    assert_eq!(answers(&mut core), []);
}

#[test]
fn who_abstains_never_stands_takes_no_leadership_and_still_votes() {
    let mut core = RaftCore::new(config(1), three_entries()).unwrap();
    core.abstain(true);
    for _ in 0..200 {
        core.tick();
        assert!(drain(&mut core).iter().all(|out| out.send.is_empty()));
    }
    let beat = message(MessageType::MsgHeartbeat, 3, 1, TERM);
    core.peer(3, &beat.encode_to_vec()).unwrap();
    let take_over = message(MessageType::MsgTimeoutNow, 3, 1, TERM);
    core.peer(3, &take_over.encode_to_vec()).unwrap();
    assert_eq!(core.role().term, TERM);
    // While it hears its leader nobody else gets its voice; when the leader falls silent, others do.
    let ask = Message {
        index: 3,
        log_term: TERM,
        ..message(MessageType::MsgRequestPreVote, 2, 1, TERM + 1)
    };
    let grants = |core: &mut RaftCore| {
        core.peer(2, &ask.encode_to_vec()).unwrap();
        drain(core)
            .into_iter()
            .flat_map(|out| out.send)
            .any(|(_, bytes)| {
                let sent = Message::decode(bytes.as_slice()).unwrap();
                sent.msg_type == kind(MessageType::MsgRequestPreVoteResponse) && !sent.reject
            })
    };
    assert!(!grants(&mut core));
    for _ in 0..30 {
        core.tick();
    }
    assert!(grants(&mut core));
    core.peer(3, &beat.encode_to_vec()).unwrap();
    core.abstain(false);
    core.peer(3, &take_over.encode_to_vec()).unwrap();
    assert_eq!(core.role().term, TERM + 1, "now it stands");
    core.abstain(true);
    let term = core.role().term;
    assert!(!core.role().is_leader);
    let vote = message(MessageType::MsgRequestVoteResponse, 2, 1, term);
    let outs = drain(&mut core);
    for persist in outs.iter().filter_map(|out| out.persist.as_ref()) {
        core.persisted(persist.number);
    }
    core.peer(2, &vote.encode_to_vec()).unwrap();
    assert!(
        !core.role().is_leader,
        "a candidacy that is given up wins nothing"
    );
}

#[test]
fn a_leader_that_steps_down_leads_no_more_and_keeps_its_term() {
    let mut core = leader(config(1));
    let term = core.role().term;
    core.abstain(true);
    assert!(core.role().is_leader, "until it has handed over");
    core.step_down();
    let role = core.role();
    assert_eq!(
        (role.is_leader, role.leader, role.term),
        (false, None, term)
    );
    for _ in 0..200 {
        core.tick();
    }
    assert!(!core.role().is_leader);
    assert_eq!(core.role().term, term);
    let mut alone = RaftCore::new(config(1), Recovered::default()).unwrap();
    alone.step_down();
    assert!(!alone.role().is_leader);
}
