//! Members and marks: commands, facts and records, byte for byte.

use akashi_domain::command::{
    AddMember, Command, MeetMember, PromoteMember, RecordStateDigest, RemoveMember,
};
use akashi_domain::entry::encode;
use akashi_domain::event::{self, Event};
use akashi_domain::ids::Digest;
use akashi_domain::records::{KeySetChange, Members, Standing, StateMark};

use super::cluster;

const LIFE: [u8; 16] = [0x1f; 16];
const DIGEST: Digest = Digest([0xd9; 32]);

pub(super) fn commands() -> Vec<(&'static str, Command)> {
    vec![
        (
            "AddMember",
            Command::AddMember(AddMember {
                id: 4,
                name: "n4".into(),
                site: "b".into(),
                peer_address: "n4.example:7402".into(),
                client_address: "n4.example:7401".into(),
                cosigner: [4; 32],
            }),
        ),
        (
            "PromoteMember",
            Command::PromoteMember(PromoteMember { id: 4 }),
        ),
        (
            "RemoveMember",
            Command::RemoveMember(RemoveMember { id: 2 }),
        ),
        (
            "MeetMember",
            Command::MeetMember(MeetMember { id: 4, life: LIFE }),
        ),
        ("MarkState", Command::MarkState),
        (
            "RecordStateDigest",
            Command::RecordStateDigest(RecordStateDigest {
                index: 9,
                digest: DIGEST,
            }),
        ),
    ]
}

pub(super) fn events() -> Vec<(&'static str, Event)> {
    vec![
        (
            "MemberAdded",
            Event::MemberAdded(event::MemberAdded {
                id: 4,
                name: "n4".into(),
                site: "b".into(),
                peer_address: "n4.example:7402".into(),
                client_address: "n4.example:7401".into(),
                cosigner: [4; 32],
            }),
        ),
        (
            "MemberPromoted",
            Event::MemberPromoted(event::MemberPromoted {
                id: 4,
                quorum: 3,
                key_set: DIGEST,
            }),
        ),
        (
            "MemberRemoved",
            Event::MemberRemoved(event::MemberRemoved {
                id: 2,
                quorum: 2,
                key_set: Some(DIGEST),
            }),
        ),
        (
            "MemberRemoved-learner",
            Event::MemberRemoved(event::MemberRemoved {
                id: 5,
                quorum: 2,
                key_set: None,
            }),
        ),
        (
            "MemberMet",
            Event::MemberMet(event::MemberMet { id: 4, life: LIFE }),
        ),
        (
            "StateMarked",
            Event::StateMarked(event::StateMarked { index: 9 }),
        ),
        (
            "StateDigestRecorded",
            Event::StateDigestRecorded(event::StateDigestRecorded {
                index: 9,
                digest: DIGEST,
            }),
        ),
    ]
}

pub(super) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let mut members = Members::founding(&cluster());
    members.version = 3;
    members.key_set = 2;
    members.removed = vec![7];
    members.members[0].standing = Standing::Learner;
    members.members[0].life = LIFE;
    members.members[0].peer_address = "n1.example:7402".into();
    members.members[0].client_address = "n1.example:7401".into();
    let change = KeySetChange {
        number: 2,
        leaf: 11,
        replicas: members.cosigners(),
        quorum: 2,
    };
    let mark = StateMark {
        marked: 9,
        recorded: 8,
        digest: DIGEST,
        leaf: 12,
    };
    vec![
        ("Members", encode(&members)),
        ("KeySetChange", encode(&change)),
        ("StateMark", encode(&mark)),
    ]
}
