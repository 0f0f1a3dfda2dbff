//! Single cases: starts, refusals, elections and reads.

use raft::eraftpb::{Message, MessageType};
use raft_prost::Message as _;

use super::super::{
    CoreConfig, HandoverError, Output, ProposeError, RaftCore, ReadError, Recovered, StartError,
};
use crate::entry::{EntryKind, HardState, LogEntry, NodeId};

#[test]
fn a_log_that_ends_before_what_was_applied_is_refused() {
    let recovered = Recovered {
        applied: 4,
        ..three_entries()
    };
    assert_eq!(
        RaftCore::new(config(1), recovered).err(),
        Some(StartError::LogLost)
    );
    let mut recovered = three_entries();
    recovered.hard_state.commit = 4;
    assert_eq!(
        RaftCore::new(config(1), recovered).err(),
        Some(StartError::LogLost)
    );
}

#[test]
fn a_broken_log_or_a_wrong_group_is_refused() {
    let start = |change: fn(&mut Recovered)| {
        let mut recovered = three_entries();
        change(&mut recovered);
        RaftCore::new(config(1), recovered).err()
    };
    assert_eq!(start(|_| {}), None);
    assert_eq!(
        start(|r| drop(r.entries.remove(1))),
        Some(StartError::BrokenLog)
    );
    assert_eq!(
        start(|r| r.entries[2].term = 1),
        Some(StartError::BrokenLog)
    );
    assert_eq!(
        start(|r| r.hard_state.term = 1),
        Some(StartError::BrokenLog)
    );
    assert_eq!(
        start(|r| r.compacted_index = 1),
        Some(StartError::BrokenLog)
    );
    for voters in [
        vec![],
        vec![2, 3],
        vec![1, 1],
        vec![1, 0],
        (1..=8).collect(),
    ] {
        let error = RaftCore::new(CoreConfig::new(1, voters), Recovered::default()).err();
        assert_eq!(error, Some(StartError::BadConfig));
    }
}

#[test]
fn a_compacted_log_starts_and_one_that_starts_too_late_does_not() {
    let compacted = |applied| {
        let mut recovered = three_entries();
        recovered.entries.remove(0);
        Recovered {
            compacted_index: 1,
            compacted_term: 1,
            applied,
            ..recovered
        }
    };
    assert_eq!(
        RaftCore::new(config(1), compacted(0)).err(),
        Some(StartError::StateLost)
    );
    let core = RaftCore::new(config(1), compacted(2)).unwrap();
    assert_eq!((core.commit_index(), core.last_index()), (2, 3));
    assert_eq!((core.term_at(1), core.term_at(3)), (Some(1), Some(2)));
}

#[test]
fn what_the_log_dropped_is_not_asked_for_and_a_follower_behind_it_gets_nothing() {
    let mut core = leader(CoreConfig {
        resident_bytes: 0,
        ..config(1)
    });
    commit_all(&mut core);
    let last = core.last_index();
    drain(&mut core);
    core.applied(last - 1);
    core.compacted(2);
    assert_eq!((core.term_at(1), core.term_at(2)), (None, Some(2)));
    core.compacted(u64::MAX);
    assert_eq!(
        (core.term_at(last - 2), core.term_at(last - 1)),
        (None, Some(2)),
        "never beyond what is applied"
    );
    core.compacted(1);
    // Replica 3 has nothing and says so.
    let behind = Message {
        index: last - 1,
        reject: true,
        reject_hint: 0,
        ..message(MessageType::MsgAppendResponse, 3, 1, core.role().term)
    };
    assert!(core.take_behind().is_empty());
    core.peer(3, &behind.encode_to_vec()).unwrap();
    for _ in 0..20 {
        core.tick();
        let answer = message(MessageType::MsgHeartbeatResponse, 3, 1, core.role().term);
        core.peer(3, &answer.encode_to_vec()).unwrap();
        for out in drain(&mut core) {
            assert!(out.fetch.is_empty());
            let appends = out.send.iter().filter(|(to, _)| *to == 3);
            for (_, bytes) in appends {
                let sent = Message::decode(bytes.as_slice()).unwrap();
                assert!(sent.entries.is_empty(), "{sent:?}");
            }
        }
    }
    assert!(core.role().is_leader);
    assert_eq!(core.take_behind().into_iter().collect::<Vec<_>>(), [3]);
    assert!(
        core.take_behind().is_empty(),
        "said once until it asks again"
    );
}

#[test]
fn a_start_hands_out_what_was_committed_and_not_applied() {
    let mut recovered = three_entries();
    recovered.hard_state.commit = 3;
    recovered.applied = 1;
    let mut core = RaftCore::new(config(1), recovered).unwrap();
    let out = core.drain().unwrap();
    assert_eq!(
        out.committed
            .iter()
            .map(|entry| entry.index)
            .collect::<Vec<_>>(),
        [2, 3]
    );
    assert_eq!(out.persist, None);
}

#[test]
fn committed_entries_are_held_back_while_too_many_wait_to_be_applied() {
    let mut recovered = three_entries();
    recovered.hard_state.commit = 3;
    let mut settings = config(1);
    settings.max_unapplied_bytes = 1;
    // One entry of the size limit per step, so that the three come one by one.
    recovered
        .entries
        .iter_mut()
        .for_each(|entry| entry.data = vec![0; 3 * 1024 * 1024]);
    let mut core = RaftCore::new(settings, recovered).unwrap();
    for index in 1..=3 {
        // Other work goes on meanwhile.
        core.campaign();
        let handed: Vec<_> = drain(&mut core)
            .into_iter()
            .flat_map(|out| out.committed)
            .collect();
        assert_eq!(
            handed.iter().map(|entry| entry.index).collect::<Vec<_>>(),
            [index]
        );
        core.campaign();
        assert!(drain(&mut core).iter().all(|out| out.committed.is_empty()));
        core.applied(index);
    }
}

#[test]
fn a_follower_refuses_proposals_reads_and_handovers() {
    let mut core = RaftCore::new(config(1), three_entries()).unwrap();
    let no_leader = Err(ProposeError::NotLeader { leader: None });
    assert_eq!(core.propose(vec![1]), no_leader);
    assert_eq!(
        core.read_index(1),
        Err(ReadError::NotLeader { leader: None })
    );
    assert_eq!(core.transfer_leader(2), Err(HandoverError::NotLeader));
    let heartbeat = message(MessageType::MsgHeartbeat, 3, 1, 2);
    core.peer(3, &heartbeat.encode_to_vec()).unwrap();
    assert_eq!(
        core.propose(vec![1]),
        Err(ProposeError::NotLeader { leader: Some(3) })
    );
    assert_eq!(
        core.read_index(1),
        Err(ReadError::NotLeader { leader: Some(3) })
    );
}

#[test]
fn a_leader_bounds_what_it_takes() {
    let mut settings = config(1);
    settings.max_entry_bytes = 100;
    settings.max_uncommitted_bytes = 250;
    settings.max_waiting_reads = 2;
    let mut core = leader(settings);
    assert_eq!(core.propose(Vec::new()), Err(ProposeError::Empty));
    assert_eq!(core.propose(vec![1; 101]), Err(ProposeError::TooLarge));
    let first = core.propose(vec![1; 100]).unwrap();
    let second = core.propose(vec![1; 100]).unwrap();
    assert_eq!((first.term, first.index + 1), (second.term, second.index));
    assert_eq!(core.propose(vec![1; 100]), Err(ProposeError::Overloaded));
    assert_eq!((core.read_index(1), core.read_index(2)), (Ok(()), Ok(())));
    assert_eq!(core.read_index(3), Err(ReadError::Overloaded));
    assert_eq!(core.transfer_leader(1), Err(HandoverError::NotAMember));
    assert_eq!(core.transfer_leader(9), Err(HandoverError::NotAMember));
    assert_eq!(core.transfer_leader(2), Ok(()));
    assert_eq!(
        core.propose(vec![1]),
        Err(ProposeError::NotLeader { leader: Some(2) })
    );
}

#[test]
fn long_appends_are_split_so_that_the_receiver_takes_them() {
    let mut settings = config(1);
    settings.max_entry_bytes = 1000;
    let mut core = leader(settings.clone());
    let acknowledge = Message {
        index: core.last_index(),
        ..message(MessageType::MsgAppendResponse, 2, 1, core.role().term)
    };
    core.peer(2, &acknowledge.encode_to_vec()).unwrap();
    drain(&mut core);
    for _ in 0..10 {
        core.propose(vec![1; 600]).unwrap();
    }
    let frames: Vec<Vec<u8>> = drain(&mut core)
        .into_iter()
        .flat_map(|out| out.send)
        .filter(|(to, _)| *to == 2)
        .map(|(_, bytes)| bytes)
        .collect();
    assert_eq!(frames.len(), 10, "two entries of 600 bytes exceed 1000");
    let first = core.last_index() - 9;
    for (index, frame) in (first..).zip(frames) {
        assert!(frame.len() < settings.max_frame_bytes());
        let append = Message::decode(frame.as_slice()).unwrap();
        assert_eq!((append.index + 1, append.entries[0].index), (index, index));
    }
}

#[test]
fn a_read_waits_for_the_first_commit_of_the_term_and_for_its_own_round() {
    let mut core = leader(config(1));
    let term = core.role().term;
    assert!(core.role().is_leader && !core.role().leader_ready);
    core.read_index(1).unwrap();
    let outs = drain(&mut core);
    assert!(
        heartbeat_context(&outs).is_none(),
        "no round before the term's commit"
    );

    sync(&mut core, &outs);
    commit_all(&mut core);
    let first_round = heartbeat_context(&drain(&mut core)).expect("the round begins");
    assert!(core.role().leader_ready);
    core.read_index(2).unwrap();
    assert!(
        heartbeat_context(&drain(&mut core)).is_none(),
        "one round at a time"
    );

    let answer = Message {
        context: first_round,
        ..message(MessageType::MsgHeartbeatResponse, 3, 1, term)
    };
    core.peer(3, &answer.encode_to_vec()).unwrap();
    let outs = drain(&mut core);
    let reads: Vec<_> = outs
        .iter()
        .flat_map(|out| &out.reads)
        .map(|read| read.ctx)
        .collect();
    assert_eq!(
        reads,
        [1],
        "the read that came during the round waits for the next"
    );
    assert!(heartbeat_context(&outs).is_some());
    core.peer(3, &answer.encode_to_vec()).unwrap();
    assert!(
        drain(&mut core).iter().all(|out| out.reads.is_empty()),
        "a late answer proves nothing"
    );
    assert_eq!(core.waiting_reads(), 1);
}

#[test]
fn reads_are_given_back_when_the_leadership_ends() {
    let mut core = leader(config(1));
    commit_all(&mut core);
    drain(&mut core);
    core.read_index(1).unwrap();
    drain(&mut core);
    core.read_index(2).unwrap();
    let newer = message(MessageType::MsgHeartbeat, 2, 1, core.role().term + 1);
    core.peer(2, &newer.encode_to_vec()).unwrap();
    let lost: Vec<u64> = drain(&mut core)
        .into_iter()
        .flat_map(|out| out.reads_lost)
        .collect();
    assert_eq!(lost, [1, 2]);
    assert_eq!(core.waiting_reads(), 0);
}

#[test]
fn a_vote_that_overtakes_the_sync_report_is_kept_until_the_report() {
    let mut core = RaftCore::new(config(1), three_entries()).unwrap();
    let vote_request = stand(&mut core);
    let vote = message(MessageType::MsgRequestVoteResponse, 2, 1, vote_request.term);
    core.peer(2, &vote.encode_to_vec()).unwrap();
    assert!(!core.role().is_leader, "our own vote is not on disk yet");
    core.persisted(vote_request.number);
    assert!(core.role().is_leader);
}

#[test]
fn a_fresh_replica_refuses_a_pre_vote_of_lower_priority() {
    let mut settings = config(1);
    settings.priority = 10;
    let mut core = RaftCore::new(settings, Recovered::default()).unwrap();
    let ask = message(MessageType::MsgRequestPreVote, 2, 1, 2);
    core.peer(2, &ask.encode_to_vec()).unwrap();
    let out = core.drain().unwrap();
    let answer = Message::decode(out.send[0].1.as_slice()).unwrap();
    assert!(answer.reject && answer.term == 1, "{answer:?}");
}

#[test]
fn a_preferred_replica_that_is_not_elected_three_times_lets_others_pass() {
    let mut settings = config(1);
    settings.priority = 10;
    let mut core = RaftCore::new(settings, three_entries()).unwrap();
    let answers_with = |core: &mut RaftCore| {
        let ask = Message {
            index: 3,
            log_term: 2,
            ..message(MessageType::MsgRequestPreVote, 2, 1, core.role().term + 1)
        };
        core.peer(2, &ask.encode_to_vec()).unwrap();
        let sent = drain(core).into_iter().flat_map(|out| {
            let after = out.persist.map(|persist| persist.messages_after);
            out.send.into_iter().chain(after.unwrap_or_default())
        });
        let mut answers = sent
            .map(|(_, bytes)| Message::decode(bytes.as_slice()).unwrap())
            .filter(|sent| sent.get_msg_type() == MessageType::MsgRequestPreVoteResponse);
        answers.next().unwrap().reject
    };
    assert!(answers_with(&mut core), "it is preferred");
    // Nobody answers its own candidacies.
    for _ in 0..80 {
        core.tick();
        drain(&mut core);
    }
    assert!(!answers_with(&mut core), "it lets the other pass");
    let heartbeat = message(MessageType::MsgHeartbeat, 3, 1, core.role().term);
    core.peer(3, &heartbeat.encode_to_vec()).unwrap();
    core.tick();
    drain(&mut core);
    // Somebody leads: the preference counts again, once the leader is forgotten.
    for _ in 0..10 {
        core.tick();
        drain(&mut core);
    }
    assert!(answers_with(&mut core));
}

// ---- below: what the cases are made of ------------------------------------------------------

pub(super) fn config(id: NodeId) -> CoreConfig {
    CoreConfig::new(id, vec![1, 2, 3])
}

pub(super) fn three_entries() -> Recovered {
    let entry = |index, term| LogEntry {
        index,
        term,
        kind: EntryKind::Normal,
        data: vec![1],
    };
    Recovered {
        hard_state: HardState {
            term: 2,
            vote: 0,
            commit: 0,
        },
        entries: vec![entry(1, 1), entry(2, 2), entry(3, 2)],
        ..Recovered::default()
    }
}

pub(super) fn message(kind: MessageType, from: NodeId, to: NodeId, term: u64) -> Message {
    let mut message = Message {
        from,
        to,
        term,
        ..Message::default()
    };
    message.set_msg_type(kind);
    message
}

pub(super) fn drain(core: &mut RaftCore) -> Vec<Output> {
    std::iter::from_fn(|| core.drain()).collect()
}

/// Syncs everything `outs` wants synced.
fn sync(core: &mut RaftCore, outs: &[Output]) {
    for persist in outs.iter().filter_map(|out| out.persist.as_ref()) {
        core.persisted(persist.number);
    }
}

struct Standing {
    term: u64,
    number: u64,
}

/// Brings a core to the point where its vote requests are written and not yet synced.
fn stand(core: &mut RaftCore) -> Standing {
    core.campaign();
    let outs = drain(core);
    sync(core, &outs);
    let term = core.role().term + 1;
    let grant = message(MessageType::MsgRequestPreVoteResponse, 2, 1, term);
    core.peer(2, &grant.encode_to_vec()).unwrap();
    let outs = drain(core);
    let persist = outs
        .iter()
        .find_map(|out| out.persist.as_ref())
        .expect("a vote to record");
    assert!(persist.must_sync && !persist.messages_after.is_empty());
    Standing {
        term,
        number: persist.number,
    }
}

pub(super) fn leader(settings: CoreConfig) -> RaftCore {
    let mut core = RaftCore::new(settings, three_entries()).unwrap();
    let standing = stand(&mut core);
    core.persisted(standing.number);
    let vote = message(MessageType::MsgRequestVoteResponse, 2, 1, standing.term);
    core.peer(2, &vote.encode_to_vec()).unwrap();
    assert!(core.role().is_leader);
    core
}

/// Makes the leader's whole log committed, with the help of replica 2.
pub(super) fn commit_all(core: &mut RaftCore) {
    let outs = drain(core);
    sync(core, &outs);
    let acknowledge = Message {
        index: core.last_index(),
        ..message(MessageType::MsgAppendResponse, 2, 1, core.role().term)
    };
    core.peer(2, &acknowledge.encode_to_vec()).unwrap();
}

fn heartbeat_context(outs: &[Output]) -> Option<Vec<u8>> {
    outs.iter()
        .flat_map(|out| &out.send)
        .map(|(_, bytes)| Message::decode(bytes.as_slice()).unwrap())
        .find(|sent| !sent.context.is_empty())
        .map(|sent| sent.context)
}
