//! Members come, vote, lead, leave, and find their group again after a crash.

use raft::eraftpb::{
    ConfChangeSingle, ConfChangeTransition, ConfChangeV2, Entry, EntryType, Message, MessageType,
};
use raft_prost::Message as _;

use super::super::{
    ConfError, CoreConfig, FrameRejected, HandoverError, RaftCore, Recovered, StartError,
};
use super::cases::{config, drain, message, three_entries};
use super::group::{Group, wanted};
use crate::conf::{Conf, Standing};

#[test]
fn a_learner_gets_the_log_and_is_neither_asked_for_a_vote_nor_stands() {
    let mut group = Group::of(&[1, 2, 3]);
    group.decide(b"before");
    group.join(4);
    group.become_group(&[1, 2, 3], &[4]);
    let index = group.decide(b"after");
    group.run(10);
    assert!(group.members[&4].applied >= index);
    assert_eq!(group.core(4).standing(), Standing::Learner);
    // Its leader falls silent: the voters elect, the learner waits.
    let leader = group.leader().unwrap();
    group.asked.clear();
    group.cut.insert(leader);
    group.core(4).campaign();
    let next = group.elect();
    assert_ne!(next, 4);
    assert!(!group.asked.is_empty());
    let with_learner = group.asked.iter().find(|(from, to)| *from == 4 || *to == 4);
    assert_eq!(with_learner, None);
    // And when both other voters are gone too, it still does not.
    group.cut.extend([1, 2, 3]);
    group.run(200);
    assert!(!group.core(4).role().is_leader);
}

#[test]
fn a_vote_that_a_learner_gives_is_not_counted() {
    let conf = Conf {
        learners: vec![4],
        ..Conf::of(vec![1, 2, 3])
    };
    let recovered = Recovered {
        conf: Some(conf),
        ..three_entries()
    };
    let mut core = RaftCore::new(config(1), recovered).unwrap();
    core.campaign();
    for out in drain(&mut core) {
        if let Some(persist) = out.persist {
            core.persisted(persist.number);
        }
    }
    let term = core.role().term + 1;
    let grant = message(MessageType::MsgRequestPreVoteResponse, 4, 1, term);
    core.peer(4, &grant.encode_to_vec()).unwrap();
    drain(&mut core);
    assert_eq!(core.role().term, term - 1, "still only asking");
    let grant = message(MessageType::MsgRequestPreVoteResponse, 2, 1, term);
    core.peer(2, &grant.encode_to_vec()).unwrap();
    drain(&mut core);
    assert_eq!(core.role().term, term, "a voter's counts");
}

#[test]
fn one_becomes_three_becomes_five_becomes_three_under_commands() {
    let mut group = Group::of(&[1]);
    group.decide(b"alone");
    for id in 2..=5 {
        group.join(id);
    }
    group.become_group(&[1], &[2, 3]);
    group.decide(b"with learners");
    group.become_group(&[1, 2, 3], &[]);
    group.decide(b"three");
    group.become_group(&[1, 2, 3], &[4, 5]);
    group.become_group(&[1, 2, 3, 4, 5], &[]);
    // Two of five may be away.
    group.cut.extend([1, 2]);
    group.decide(b"five");
    group.cut.clear();
    group.run(40);
    group.become_group(&[3, 4, 5], &[]);
    group.decide(b"three others");
    group.run(10);
    assert!(group.agrees(&[3, 4, 5]));
    assert_eq!(group.core(3).conf(), &Conf::of(vec![3, 4, 5]));
    // And down to one, which decides alone.
    group.become_group(&[4], &[]);
    group.decide(b"alone again");
}

#[test]
fn a_leader_that_removes_itself_stops_leading_and_the_others_go_on() {
    let mut group = Group::of(&[1, 2, 3]);
    let leader = group.elect();
    let rest: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    for command in 0..5 {
        group.core(leader).propose(vec![command; 100]).unwrap();
    }
    let proposed = group.core(leader).propose_conf(&wanted(&rest, &[]));
    assert!(matches!(proposed, Ok(Some(_))));
    for command in 5..10 {
        group.core(leader).propose(vec![command; 100]).unwrap();
    }
    group.pump(leader);
    group.run(2);
    assert!(!group.core(leader).role().is_leader);
    assert_eq!(group.core(leader).standing(), Standing::Outside);
    let next = group.elect();
    assert_ne!(next, leader);
    let term = group.core(next).role().term;
    group.decide(b"without it");
    // It has gone, knows it, and asks nobody for anything.
    group.asked.clear();
    group.run(200);
    assert!(group.asked.is_empty());
    assert_eq!(group.core(next).role().term, term);
}

#[test]
fn a_removed_replica_that_was_not_told_disturbs_nobody() {
    let mut group = Group::of(&[1, 2, 3]);
    let leader = group.elect();
    let gone = if leader == 3 { 2 } else { 3 };
    let rest: Vec<u64> = (1..=3).filter(|id| *id != gone).collect();
    group.cut.insert(gone);
    group.become_group(&rest, &[]);
    group.decide(b"without it");
    let (leader, term) = (group.leader().unwrap(), group.core(leader).role().term);
    // It believes that it still votes, and asks for votes again and again.
    group.run(100);
    group.cut.clear();
    group.asked.clear();
    group.run(300);
    assert!(group.asked.iter().any(|(from, _)| *from == gone));
    assert_eq!(group.leader(), Some(leader));
    assert_eq!(group.core(leader).role().term, term);
    assert!(!group.core(gone).role().is_leader);
}

#[test]
fn a_change_that_a_crash_interrupts_is_completed_by_the_next_leader() {
    // The leader ends after every number of messages of a joint change.
    let mut interrupted = 0;
    for after in 0..60 {
        let mut group = Group::of(&[1, 2, 3]);
        group.join(4);
        group.join(5);
        group.become_group(&[1, 2, 3], &[4, 5]);
        let leader = group.leader().unwrap();
        let stays = group.members[&leader].applied;
        let change = wanted(&[3, 4, 5], &[]);
        group.core(leader).propose_conf(&change).unwrap();
        group.pump(leader);
        for step in 0..after {
            if step % 8 == 7 {
                group.tick();
            }
            group.deliver();
        }
        let conf = group.core(leader).conf();
        interrupted += u32::from(conf.is_joint());
        group.crash(leader, stays);
        group.run(60);
        group.start(leader);
        group.become_group(&[3, 4, 5], &[]);
        group.decide(b"afterwards");
    }
    assert!(interrupted > 3, "{interrupted}");
}

#[test]
fn the_group_survives_a_restart_and_the_compaction_of_the_entry_that_made_it() {
    let mut group = Group::of(&[1, 2, 3]);
    group.join(4);
    group.become_group(&[1, 2, 3], &[4]);
    group.become_group(&[2, 3, 4], &[]);
    group.decide(b"compact me");
    group.run(10);
    for id in [2, 3, 4] {
        group.compact(id);
        let applied = group.members[&id].applied;
        group.crash(id, applied);
    }
    for id in [2, 3, 4] {
        group.start(id);
        assert_eq!(group.core(id).conf(), &Conf::of(vec![2, 3, 4]));
    }
    group.crash(1, 0);
    group.decide(b"with what was kept");
}

#[test]
fn a_replica_that_replays_its_log_goes_through_the_groups_again() {
    let mut group = Group::of(&[1, 2, 3]);
    group.join(4);
    group.become_group(&[1, 2, 3], &[4]);
    group.become_group(&[1, 2, 3, 4], &[]);
    group.decide(b"after it");
    group.run(10);
    let before = group.members[&4].confs.clone();
    group.crash(4, 0);
    group.members.get_mut(&4).unwrap().confs.clear();
    group.start(4);
    group.run(20);
    assert_eq!(group.members[&4].confs, before);
    assert_eq!(group.core(4).conf(), &Conf::of(vec![1, 2, 3, 4]));
}

#[test]
fn one_change_waits_for_the_one_before_and_the_wanted_group_needs_none() {
    let mut group = Group::of(&[1, 2, 3]);
    let leader = group.elect();
    group.run(10);
    let same = group.core(leader).propose_conf(&wanted(&[3, 2, 1], &[]));
    assert_eq!(same, Ok(None));
    let first = group.core(leader).propose_conf(&wanted(&[1, 2, 3], &[4]));
    assert!(matches!(first, Ok(Some(_))));
    assert!(group.core(leader).is_changing());
    let second = group.core(leader).propose_conf(&wanted(&[1, 2, 3], &[5]));
    assert_eq!(second, Err(ConfError::Pending));
    group.pump(leader);
    group.run(10);
    assert!(!group.core(leader).is_changing());
    assert_eq!(group.core(leader).conf().learners, [4]);
    let follower = (1..=3).find(|id| *id != leader).unwrap();
    let refused = group.core(follower).propose_conf(&wanted(&[1], &[]));
    assert_eq!(refused, Err(ConfError::NotLeader));
}

#[test]
fn a_group_that_cannot_be_is_not_proposed() {
    let mut group = Group::of(&[1, 2, 3]);
    let leader = group.elect();
    group.run(10);
    let eight: Vec<u64> = (1..=8).collect();
    let many: Vec<u64> = (4..40).collect();
    for impossible in [
        wanted(&[], &[1, 2, 3]),
        wanted(&eight, &[]),
        wanted(&[1, 2, 3], &many),
        wanted(&[1, 1, 2], &[]),
        wanted(&[1, 2, 3], &[3]),
        wanted(&[0, 1, 2], &[]),
    ] {
        let refused = group.core(leader).propose_conf(&impossible);
        assert_eq!(refused, Err(ConfError::Impossible), "{impossible:?}");
    }
}

#[test]
fn only_a_voter_is_handed_the_lead() {
    let mut group = Group::of(&[1, 2, 3]);
    group.join(4);
    group.become_group(&[1, 2, 3], &[4]);
    let leader = group.leader().unwrap();
    let mut others: Vec<u64> = vec![1, 2, 3];
    others.retain(|id| *id != leader);
    assert_eq!(group.core(leader).successors(), others);
    for to in [4, 9, leader] {
        let refused = group.core(leader).transfer_leader(to);
        assert_eq!(refused, Err(HandoverError::NotAMember), "{to}");
    }
    let followers: Vec<u64> = group.core(leader).followers().iter().map(|f| f.0).collect();
    assert!(
        followers.contains(&4),
        "what it holds is known all the same"
    );
    group.core(leader).transfer_leader(others[0]).unwrap();
    group.pump(leader);
    group.run(4);
    assert!(group.core(others[0]).role().is_leader);
}

#[test]
fn a_replica_that_lags_follows_a_leader_that_it_never_heard_of() {
    let mut group = Group::of(&[1, 2, 3]);
    let late = 1;
    group.elect();
    group.cut.insert(late);
    group.join(4);
    group.join(5);
    group.become_group(&[1, 2, 3], &[4, 5]);
    group.become_group(&[1, 4, 5], &[]);
    group.crash(2, 0);
    group.crash(3, 0);
    group.decide(b"while it is away");
    assert_eq!(group.core(late).conf(), &Conf::of(vec![1, 2, 3]));
    group.cut.clear();
    group.run(60);
    assert_eq!(group.core(late).conf(), &Conf::of(vec![1, 4, 5]));
    assert!(group.agrees(&[1, 4, 5]));
}

#[test]
fn the_last_voter_of_a_group_does_not_lead_before_its_log_is_on_disk() {
    let conf = Conf::of(vec![1]);
    let recovered = Recovered {
        conf: Some(conf),
        ..three_entries()
    };
    let mut core = RaftCore::new(config(1), recovered).unwrap();
    // Its former leader still sends, and the disk is slow.
    let mut append = Message {
        index: 3,
        log_term: 2,
        ..message(MessageType::MsgAppend, 2, 1, 2)
    };
    append.entries.push(Entry {
        term: 2,
        index: 4,
        data: vec![1],
        ..Entry::default()
    });
    core.peer(2, &append.encode_to_vec()).unwrap();
    let number = drain(&mut core)
        .into_iter()
        .find_map(|out| out.persist)
        .unwrap()
        .number;
    core.campaign();
    for _ in 0..50 {
        core.tick();
        drain(&mut core);
    }
    assert!(!core.role().is_leader);
    core.persisted(number);
    for _ in 0..50 {
        core.tick();
        for out in drain(&mut core) {
            if let Some(persist) = out.persist {
                core.persisted(persist.number);
            }
        }
    }
    assert!(core.role().is_leader);
}

#[test]
fn a_membership_entry_that_would_stop_raft_is_refused_at_the_gate() {
    let single = |kind| ConfChangeSingle {
        change_type: kind,
        node_id: 4,
    };
    let change = |transition, kinds: &[i32]| ConfChangeV2 {
        transition,
        changes: kinds.iter().map(|kind| single(*kind)).collect(),
        ..ConfChangeV2::default()
    };
    let implicit = ConfChangeTransition::Implicit;
    let implicit = (0..3)
        .find(|number| ConfChangeTransition::from_i32(*number) == Some(implicit))
        .unwrap();
    for (sent, taken) in [
        (change(0, &[0]), true),
        (change(implicit, &[0, 1, 2]), true),
        (change(0, &[]), true),
        (change(3, &[0]), false),
        (change(0, &[3]), false),
        (change(0, &[-1]), false),
        (change(0, &[0; 99]), false),
        (
            ConfChangeV2 {
                context: vec![1],
                ..change(0, &[0])
            },
            false,
        ),
    ] {
        let mut core = RaftCore::new(config(1), three_entries()).unwrap();
        let mut entry = Entry {
            term: 2,
            index: 4,
            data: sent.encode_to_vec(),
            ..Entry::default()
        };
        entry.set_entry_type(EntryType::EntryConfChangeV2);
        let mut append = Message {
            index: 3,
            log_term: 2,
            ..message(MessageType::MsgAppend, 2, 1, 2)
        };
        append.entries.push(entry);
        let answer = core.peer(2, &append.encode_to_vec());
        let expected = if taken {
            Ok(())
        } else {
            Err(FrameRejected::BadEntries)
        };
        assert_eq!(answer, expected, "{sent:?}");
    }
}

#[test]
fn who_is_no_founder_starts_only_to_join_or_with_a_group_on_disk() {
    let outside = CoreConfig::new(4, vec![1, 2, 3]);
    let start = |config: &CoreConfig, conf: Option<Conf>| {
        let recovered = Recovered {
            conf,
            ..Recovered::default()
        };
        RaftCore::new(config.clone(), recovered).map(|core| core.standing())
    };
    assert_eq!(
        start(&outside, None).err(),
        Some(StartError::BadConfig),
        "it never belonged to this group"
    );
    let joins = CoreConfig {
        joins: true,
        ..outside.clone()
    };
    assert_eq!(start(&joins, None).ok(), Some(Standing::Outside));
    let with_it = Conf::of(vec![2, 3, 4]);
    assert_eq!(start(&outside, Some(with_it)).ok(), Some(Standing::Voter));
    let broken = Conf {
        learners: vec![1],
        ..Conf::of(vec![1, 2, 3])
    };
    let refused = start(&config(1), Some(broken));
    assert_eq!(refused.err(), Some(StartError::BadConfig));
}
