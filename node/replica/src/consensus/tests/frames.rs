//! Single frames at the gate: what stops raft-rs when nobody looks, and what nobody honest sends.

use std::panic::{AssertUnwindSafe, catch_unwind};

use raft::eraftpb::{Entry, HardState as BareHardState, Message, MessageType};
use raft::storage::MemStorage;
use raft::{Config, RawNode};
use raft_prost::Message as _;

use super::super::{FrameRejected, RaftCore};
use super::cases::{config, drain, message, three_entries};

/// Each of these frames stops a bare raft-rs node; the gate refuses it and nothing changes.
#[test]
fn frames_that_stop_raft_are_refused() {
    let entry = |index, term| Entry {
        index,
        term,
        ..Entry::default()
    };
    let append = |index, log_term, entries| Message {
        index,
        log_term,
        entries,
        ..message(MessageType::MsgAppend, 2, 1, 2)
    };
    let unknown = Message {
        msg_type: 77,
        ..message(MessageType::MsgAppend, 2, 1, 2)
    };
    let beyond = Message {
        commit: 9,
        ..message(MessageType::MsgHeartbeat, 2, 1, 2)
    };
    let cases: [(&str, Message, FrameRejected); 9] = [
        ("an unknown kind", unknown, FrameRejected::UnknownKind),
        (
            "a commit beyond the log",
            beyond,
            FrameRejected::BadPosition,
        ),
        (
            "a gap behind the base",
            append(3, 2, vec![entry(8, 2)]),
            FrameRejected::BadEntries,
        ),
        (
            "a base of term 0 beyond the log",
            append(7, 0, vec![entry(8, 2)]),
            FrameRejected::BadPosition,
        ),
        (
            "an entry of unknown kind, then an election",
            append(
                3,
                2,
                vec![Entry {
                    entry_type: 9,
                    ..entry(4, 2)
                }],
            ),
            FrameRejected::BadEntries,
        ),
        (
            "a proposal with a term",
            message(MessageType::MsgPropose, 2, 1, 2),
            FrameRejected::UnknownKind,
        ),
        (
            "a read with a term",
            message(MessageType::MsgReadIndex, 2, 1, 2),
            FrameRejected::UnknownKind,
        ),
        (
            "a handover with a term",
            message(MessageType::MsgTransferLeader, 2, 1, 2),
            FrameRejected::UnknownKind,
        ),
        (
            "the last term there is",
            message(MessageType::MsgHeartbeat, 2, 1, u64::MAX),
            FrameRejected::BadTerm,
        ),
    ];
    for (name, frame, reason) in cases {
        let bare = catch_unwind(AssertUnwindSafe(|| {
            let mut node = bare_follower();
            let _any_answer_is_fine = node.step(frame.clone());
            // Whatever it took in must also survive the next commit and election.
            node.raft.raft_log.committed = node.raft.raft_log.last_index();
            let _any_answer_is_fine = node.campaign();
        }));
        assert!(
            bare.is_err(),
            "{name}: raft-rs has learned to live with it; relax the gate"
        );

        let mut core = follower_of_2();
        let before = (core.role(), core.last_index(), core.commit_index());
        assert_eq!(core.peer(2, &frame.encode_to_vec()), Err(reason), "{name}");
        assert_eq!(
            before,
            (core.role(), core.last_index(), core.commit_index()),
            "{name}"
        );
        core.campaign();
    }
}

#[test]
fn frames_that_no_honest_member_sends_are_refused() {
    use MessageType::{
        MsgAppend, MsgAppendResponse, MsgHeartbeat, MsgRequestVote, MsgRequestVoteResponse,
    };
    let mut core = follower_of_2();
    let mut refuses = |kind, reason, change: fn(&mut Message)| {
        let mut frame = message(kind, 2, 1, 2);
        (frame.index, frame.log_term) = (3, 2);
        if kind == MsgRequestVote {
            frame.term = 3;
        }
        core.peer(2, &frame.encode_to_vec())
            .expect("honest before the change");
        change(&mut frame);
        assert_eq!(
            core.peer(2, &frame.encode_to_vec()),
            Err(reason),
            "{frame:?}"
        );
    };
    let entries = FrameRejected::BadEntries;
    refuses(MsgAppend, entries, |m| {
        m.entries.push(Entry {
            index: 4,
            term: 1,
            ..Entry::default()
        });
    });
    refuses(MsgAppend, entries, |m| {
        m.entries.push(Entry {
            index: 4,
            term: 3,
            ..Entry::default()
        });
    });
    refuses(MsgHeartbeat, entries, |m| {
        m.entries.push(Entry {
            index: 4,
            term: 2,
            ..Entry::default()
        });
    });
    let position = FrameRejected::BadPosition;
    refuses(MsgAppend, position, |m| {
        m.log_term = 3;
    });
    refuses(MsgAppendResponse, position, |m| {
        (m.reject, m.reject_hint) = (true, 4);
    });
    refuses(MsgAppendResponse, position, |m| {
        m.index = u64::MAX;
    });
    let extra = FrameRejected::ExtraField;
    refuses(MsgAppendResponse, extra, |m| {
        m.request_snapshot = 1;
    });
    refuses(MsgAppend, extra, |m| {
        m.context = vec![1];
    });
    refuses(MsgHeartbeat, extra, |m| m.context = vec![1; 17]);
    refuses(MsgRequestVoteResponse, FrameRejected::BadTerm, |m| {
        m.term = 3;
    });
    refuses(MsgRequestVote, position, |m| {
        m.log_term = 3;
    });
    refuses(MsgRequestVote, position, |m| {
        m.commit = 4;
    });
    refuses(MsgRequestVote, position, |m| {
        m.commit_term = 3;
    });
}

#[test]
fn frames_of_strangers_and_impostors_are_refused() {
    let mut core = follower_of_2();
    let heartbeat =
        |from, to, term| message(MessageType::MsgHeartbeat, from, to, term).encode_to_vec();
    assert_eq!(
        core.peer(2, &heartbeat(3, 1, 2)),
        Err(FrameRejected::WrongSender)
    );
    // Whom a replica does not know may still lead it; not while somebody else does.
    assert_eq!(
        core.peer(4, &heartbeat(4, 1, 2)),
        Err(FrameRejected::SecondLeader)
    );
    assert_eq!(
        core.peer(0, &heartbeat(0, 1, 2)),
        Err(FrameRejected::WrongSender)
    );
    assert_eq!(
        core.peer(1, &heartbeat(1, 1, 2)),
        Err(FrameRejected::WrongSender)
    );
    assert_eq!(
        core.peer(2, &heartbeat(2, 3, 2)),
        Err(FrameRejected::NotForUs)
    );
    assert_eq!(
        core.peer(2, &heartbeat(2, 1, 0)),
        Err(FrameRejected::BadTerm)
    );
    assert_eq!(
        core.peer(3, &heartbeat(3, 1, 2)),
        Err(FrameRejected::SecondLeader)
    );
    assert_eq!(core.peer(2, &[0xff; 9]), Err(FrameRejected::Undecodable));
    assert_eq!(
        core.peer(2, &vec![0; 3 << 20]),
        Err(FrameRejected::TooLarge)
    );
    let many = [0x3a, 0x00].repeat(2000);
    assert_eq!(core.peer(2, &many), Err(FrameRejected::TooLarge));
    assert_eq!(core.peer(2, &heartbeat(2, 1, 2)), Ok(()));
}

fn follower_of_2() -> RaftCore {
    let mut core = RaftCore::new(config(1), three_entries()).unwrap();
    let heartbeat = message(MessageType::MsgHeartbeat, 2, 1, 2);
    core.peer(2, &heartbeat.encode_to_vec()).unwrap();
    drain(&mut core);
    core
}

/// raft-rs as it comes, in the state of [`follower_of_2`].
fn bare_follower() -> RawNode<MemStorage> {
    let storage = MemStorage::new_with_conf_state((vec![1, 2, 3], vec![]));
    let entry = |index, term| Entry {
        index,
        term,
        ..Entry::default()
    };
    storage
        .wl()
        .append(&[entry(1, 1), entry(2, 2), entry(3, 2)])
        .unwrap();
    storage.wl().set_hardstate(BareHardState {
        term: 2,
        ..BareHardState::default()
    });
    let settings = Config {
        pre_vote: true,
        check_quorum: true,
        ..Config::new(1)
    };
    let logger = slog::Logger::root(slog::Discard, slog::o!());
    let mut node = RawNode::new(&settings, storage, &logger).unwrap();
    node.step(message(MessageType::MsgHeartbeat, 2, 1, 2))
        .unwrap();
    node
}
