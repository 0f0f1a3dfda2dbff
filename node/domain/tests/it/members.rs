//! Members come, vote and go: who may, and what the key set is afterwards.

use akashi_domain::answer::{Field, Rejection, Reply};
use akashi_domain::command::{AddMember, Command, Found, MeetMember, PromoteMember, RemoveMember};
use akashi_domain::ids::Digest;
use akashi_domain::records::{Members, Standing};
use akashi_domain::state::Records as _;
use akashi_merkle::CosignerSecret;

use crate::laws::{assert_rebuilds, assert_replays};
use crate::world::{ORIGIN, World, found};

/// Makes one thing wrong.
type Spoil = fn(&mut AddMember);

fn cosigner(id: u64) -> [u8; 32] {
    let name = format!("n{id}");
    let secret = CosignerSecret::from_seed(&name, &[u8::try_from(id).unwrap(); 32]).unwrap();
    *secret.public().public_key()
}

/// `count` voters with keys that sign, and heads sealed as soon as there is another entry.
fn world(count: u64, quorum: u8) -> World {
    let mut world = World::empty();
    let mut replicas = Vec::new();
    for id in 1..=count {
        let mut replica = found().replicas[0].clone();
        replica.id = id;
        replica.name = format!("n{id}");
        replica.cosigner = cosigner(id);
        replicas.push(replica);
    }
    world.done(Command::Found(Found {
        replicas,
        quorum,
        ..found()
    }));
    world.sealing = true;
    world
}

fn member(id: u64) -> AddMember {
    AddMember {
        id,
        name: format!("n{id}"),
        site: "b".into(),
        peer_address: format!("n{id}.example:7402"),
        client_address: "[2001:db8::1]:7401".into(),
        cosigner: cosigner(id),
    }
}

pub(crate) fn add(id: u64) -> Command {
    Command::AddMember(member(id))
}

fn promote(id: u64) -> Command {
    Command::PromoteMember(PromoteMember { id })
}

fn remove(id: u64) -> Command {
    Command::RemoveMember(RemoveMember { id })
}

fn meet(id: u64, life: u8) -> Command {
    Command::MeetMember(MeetMember {
        id,
        life: [life; 16],
    })
}

fn members(world: &World) -> Members {
    world.state.members().unwrap().unwrap()
}

fn ids(world: &World, standing: Standing) -> Vec<u64> {
    let members = members(world).members;
    let those = members.iter().filter(|member| member.standing == standing);
    those.map(|member| member.id).collect()
}

/// The digest of the key set in force, from the record and from the leaf that says so.
fn key_set(world: &World) -> (Digest, Vec<u8>) {
    let number = members(world).key_set;
    let change = world.state.key_set_change(number).unwrap().unwrap();
    let text = change.key_set(ORIGIN).unwrap().to_text();
    let mut recorded = world.applied.iter().flat_map(|applied| &applied.events);
    let leaf = recorded
        .find(|recorded| recorded.leaf_index == change.leaf)
        .unwrap();
    let (_, column) = leaf
        .leaf
        .extensions
        .iter()
        .find(|(column, _)| *column == 101)
        .unwrap();
    (Digest::of(text.as_bytes()), column.to_vec())
}

#[test]
fn as_founded_every_replica_votes_and_the_files_say_where_it_listens() {
    assert!(World::empty().state.members().unwrap().is_none());
    let world = world(3, 2);
    let members = members(&world);
    assert_eq!((members.version, members.key_set), (0, 0));
    assert_eq!((members.quorum, members.removed.len()), (2, 0));
    assert_eq!(ids(&world, Standing::Voter), [1, 2, 3]);
    for member in &members.members {
        assert!(member.peer_address.is_empty() && member.client_address.is_empty());
        assert_eq!(member.life, [0; 16]);
    }
    let stored = akashi_domain::kv::View::get(
        &world.state,
        akashi_domain::kv::Table::Meta,
        akashi_domain::keys::MEMBERS,
    );
    assert_eq!(stored.unwrap(), None, "nothing is stored before a change");
}

#[test]
fn a_machine_is_replaced_in_three_steps_and_each_is_a_leaf() {
    let mut world = world(3, 2);
    world.done(add(4));
    assert_eq!(world.last_kinds(), [83]);
    assert_eq!(ids(&world, Standing::Learner), [4]);
    assert_eq!(members(&world).key_set, 0, "learners do not sign");
    world.done(promote(4));
    assert_eq!(world.last_kinds(), [84]);
    assert_eq!(members(&world).quorum, 3);
    let (digest, column) = key_set(&world);
    assert_eq!(digest.0.as_slice(), column);
    world.done(remove(2));
    assert_eq!(world.last_kinds(), [85]);
    assert_eq!(ids(&world, Standing::Voter), [1, 3, 4]);
    let now = members(&world);
    assert_eq!((now.quorum, now.version, now.key_set), (2, 3, 2));
    assert_eq!(now.removed, [2]);
    let (digest, column) = key_set(&world);
    assert_eq!(digest.0.as_slice(), column);
    let change = world.state.key_set_change(2).unwrap().unwrap();
    assert_eq!(change.boundary(), change.leaf + 1);
    assert_eq!(change.replicas, now.cosigners());
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn a_key_set_changes_only_once_the_change_before_is_sealed() {
    let mut world = world(3, 2);
    for id in [4, 5] {
        world.done(add(id));
    }
    world.sealing = false;
    world.done(promote(4));
    for command in [promote(5), remove(1), remove(4)] {
        assert_eq!(world.run(command), Err(Rejection::MembersChanging));
    }
    // Whoever does not sign comes and goes at any time, and what is so already needs no change.
    world.done(add(6));
    world.done(remove(6));
    assert_eq!(world.done(promote(4)), Reply::Done);
    assert!(world.last().is_empty());
    // The entry itself brings the news of the seal.
    world.sealing = true;
    world.done(promote(5));
    assert_eq!(members(&world).key_set, 2);
    // Two in one entry: the second waits for the first.
    let both = vec![world.request(remove(4)), world.request(remove(5))];
    let answers = world.entry(both).answers;
    assert_eq!(answers[0].result, Ok(Reply::Done));
    assert_eq!(answers[1].result, Err(Rejection::MembersChanging));
}

#[test]
fn an_id_is_never_used_again_and_a_name_only_after_its_owner_is_gone() {
    let mut world = world(3, 2);
    let taken = |field| Err(Rejection::Exists(field));
    assert_eq!(world.run(add(3)), taken(Field::Member));
    let named = |id| AddMember {
        name: "n3".into(),
        ..member(id)
    };
    let again = Command::AddMember(named(4));
    assert_eq!(world.run(again.clone()), taken(Field::MemberName));
    let signing = Command::AddMember(AddMember {
        cosigner: cosigner(3),
        ..member(4)
    });
    assert_eq!(world.run(signing), taken(Field::Key));
    world.done(remove(3));
    assert_eq!(world.run(add(3)), taken(Field::Member));
    world.done(again);
    // A removal that is asked for again is done.
    assert_eq!(world.done(remove(3)), Reply::Done);
    assert!(world.last().is_empty());
}

#[test]
fn a_member_that_makes_no_sense_is_turned_away() {
    let broken: Vec<(Field, Spoil)> = vec![
        (Field::Member, |add| add.id = 0),
        (Field::MemberName, |add| add.name = "N4".into()),
        (Field::Site, |add| add.site = String::new()),
        (Field::Address, |add| add.peer_address = String::new()),
        (Field::Address, |add| add.peer_address = "n4".into()),
        (Field::Address, |add| add.peer_address = ":7402".into()),
        (Field::Address, |add| add.peer_address = "n4:0".into()),
        (Field::Address, |add| add.peer_address = "n4:65536".into()),
        (Field::Address, |add| add.peer_address = "n4:+80".into()),
        (Field::Address, |add| {
            add.peer_address = "2001:db8::1:80".into();
        }),
        (Field::Address, |add| add.client_address = "n 4:80".into()),
        (Field::Address, |add| add.client_address = "証:80".into()),
        (Field::Address, |add| {
            add.client_address = format!("{}:80", "x".repeat(98));
        }),
        (Field::Key, |add| add.cosigner = [0; 32]),
    ];
    for (field, spoil) in broken {
        let mut world = world(3, 2);
        let mut command = member(4);
        spoil(&mut command);
        let answer = world.run(Command::AddMember(command));
        assert_eq!(answer, Err(Rejection::Invalid(field)));
        assert!(world.last().is_empty());
    }
}

#[test]
fn there_are_nine_members_and_seven_voters_at_most() {
    let mut world = world(3, 2);
    for id in 4..=9 {
        world.done(add(id));
    }
    let full = Err(Rejection::Full(Field::Member));
    assert_eq!(world.run(add(10)), full);
    for id in 4..=7 {
        world.done(promote(id));
    }
    assert_eq!(members(&world).quorum, 4);
    assert_eq!(world.run(promote(8)), full);
    world.done(remove(1));
    world.done(promote(8));
    assert_eq!(ids(&world, Standing::Voter), [2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn somebody_always_votes() {
    let mut world = world(1, 1);
    world.done(add(2));
    assert_eq!(world.run(remove(1)), Err(Rejection::LastVoter));
    world.done(promote(2));
    assert_eq!(members(&world).quorum, 2);
    world.done(remove(1));
    assert_eq!(members(&world).quorum, 1);
    assert_eq!(world.run(remove(2)), Err(Rejection::LastVoter));
    for unknown in [promote(9), remove(9), meet(9, 1)] {
        assert_eq!(world.run(unknown), Err(Rejection::UnknownMember));
    }
}

#[test]
fn a_quorum_is_a_majority_or_what_the_founders_chose() {
    let mut world = world(4, 4);
    world.done(add(5));
    world.done(promote(5));
    assert_eq!(members(&world).quorum, 4);
    world.done(remove(5));
    world.done(remove(4));
    assert_eq!(members(&world).quorum, 3, "of three all three");
    for id in 6..=9 {
        world.done(add(id));
        world.done(promote(id));
    }
    assert_eq!(members(&world).quorum, 4, "of seven a majority");
}

#[test]
fn a_member_is_one_disk() {
    let mut world = world(3, 2);
    world.done(meet(2, 7));
    assert_eq!(world.last_kinds(), [86]);
    assert_eq!(members(&world).get(2).unwrap().life, [7; 16]);
    world.done(meet(2, 7));
    assert!(world.last().is_empty());
    assert_eq!(
        world.run(meet(2, 8)),
        Err(Rejection::Exists(Field::Life)),
        "another disk under a known id"
    );
    assert_eq!(world.run(meet(1, 0)), Err(Rejection::Invalid(Field::Life)));
    // A machine that is replaced by one of the same name has another id, and is met anew.
    world.done(remove(2));
    world.done(Command::AddMember(AddMember {
        name: "n2".into(),
        ..member(12)
    }));
    assert_eq!(members(&world).get(12).unwrap().life, [0; 16]);
    world.done(meet(12, 8));
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn only_the_leader_itself_meets_marks_and_records() {
    let digest = Digest::default();
    let record = akashi_domain::command::RecordStateDigest { index: 1, digest };
    for own in [
        meet(1, 1),
        Command::MarkState,
        Command::RecordStateDigest(record),
    ] {
        assert!(own.is_leaders_own());
    }
    for open in [add(1), promote(1), remove(1)] {
        assert!(!open.is_leaders_own());
    }
}
