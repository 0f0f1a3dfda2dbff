//! Commands from anywhere, applied: bytes that decode as entries, requests and answers, and commands
//! that are nearly right, on the state of a small cluster in memory.
//!
//! Laws: what decodes reads back as it was; applying never faults and never panics; the same entry on
//! the same state gives the same answers, facts, leaves and writes; a refused command leaves no fact.

use std::sync::LazyLock;

use akashi_domain::answer::Answer;
use akashi_domain::apply::{Applied, apply};
use akashi_domain::command::{Command, NoticeAnswer, Request};
use akashi_domain::decide::Inline;
use akashi_domain::entry::{Entry, RULE_VERSION, Sealed, encode};
use akashi_domain::ids::{ClientId, Digest, RequestId, Stamp};
use akashi_domain::kv::Changes;
use akashi_domain::leaf::LeafPlace;

use crate::input::Input;
use crate::phone::PIN;
use crate::world::{World, write};

const STEPS_MAX: usize = 24;

/// Commands as other versions, other programs and this one's own golden files write them.
const GOLDEN: &str = include_str!("../../golden/domain/commands.txt");

/// Runs one input: a first byte that says whether to decode or to apply.
pub fn request(data: &[u8]) {
    let mut input = Input::new(data);
    if input.flag() {
        decoded(input.rest());
    } else {
        applied(&mut input);
    }
}

fn decoded(bytes: &[u8]) {
    if let Ok(entry) = Entry::decode(bytes) {
        assert_eq!(entry.encode(), bytes);
        on(&mut BASE.world.clone(), &entry);
    }
    if let Some(request) = Request::decode(bytes) {
        assert_eq!(request.encode(), bytes);
    }
    if let Some(answer) = Answer::decode(bytes) {
        assert_eq!(answer.encode(), bytes);
    }
}

/// A founded cluster with two customers, one of them called, and commands that make sense in it.
struct Base {
    world: World,
    commands: Vec<Vec<u8>>,
}

static BASE: LazyLock<Base> = LazyLock::new(|| {
    let mut world = World::founded();
    let mut called = world.customer(1);
    let idle = world.customer(2);
    let challenge = world.call(called.subject, 100);
    let open = world.open_enrolment(idle.subject, 9);
    world.done(Command::OpenEnrolment(open));
    let mut other =
        crate::phone::Phone::new(crate::world::ORIGIN, crate::world::TENANT, "customer-2", 3);
    let mut commands = vec![
        Command::SubmitProof(world.answer(&mut called, challenge, PIN)),
        Command::SubmitProof(world.answer(&mut called, challenge, "0000")),
        Command::CompleteEnrolment(world.complete(&mut other, 9)),
        Command::AnnounceContact(world.announcement(idle.subject, 101)),
        Command::AnnounceContact(world.announcement(called.subject, 100)),
        world.close(100),
        world.revoke(called.subject),
        world.revoke(idle.subject),
    ];
    for answer in [
        NoticeAnswer::Opened,
        NoticeAnswer::Decline,
        NoticeAnswer::Report,
    ] {
        commands.push(world.notice_answer(&called, challenge, answer));
    }
    let golden = GOLDEN
        .lines()
        .filter_map(|line| unhex(line.split(' ').next_back()?));
    Base {
        commands: commands.iter().map(encode).chain(golden).collect(),
        world,
    }
});

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits?;
    let pairs = digits.chunks(2);
    pairs
        .map(|pair| Some((pair[0] * 16 + pair.get(1)?) as u8))
        .collect()
}

fn applied(input: &mut Input<'_>) {
    let mut world = BASE.world.clone();
    let mut sent: Vec<Request> = Vec::new();
    for step in 0..STEPS_MAX {
        if input.is_empty() {
            break;
        }
        let choice = input.byte();
        world.now = world.now.saturating_add(match choice & 7 {
            0 => u64::from(input.u32()) * 1_000,
            1 => input.u64(),
            _ => 1_000,
        });
        let mut requests = Vec::new();
        for _ in 0..choice >> 3 & 3 {
            if let Some(request) = made(&world, step, &sent, input) {
                sent.push(request.clone());
                requests.push(request);
            }
        }
        let entry = Entry {
            rule_version: RULE_VERSION,
            stamp: Stamp(if choice & 0x20 == 0 {
                world.now
            } else {
                input.u64()
            }),
            random: [step as u8; 32],
            sealed: (choice & 0x40 != 0).then(|| Sealed {
                size: input.u64(),
                root: Digest(input.array()),
            }),
            requests,
        };
        assert_eq!(Entry::decode(&entry.encode()).as_ref(), Ok(&entry));
        on(&mut world, &entry);
    }
}

/// A request: one of before, a command that makes sense with a few bytes changed, or raw bytes.
fn made(world: &World, step: usize, sent: &[Request], input: &mut Input<'_>) -> Option<Request> {
    let choice = input.byte();
    if choice >= 0xf0 {
        return Request::decode(input.piece());
    }
    if choice >= 0xe0 {
        return sent.get(input.below(sent.len().max(1))).cloned();
    }
    let mut command = if choice >= 0xc0 {
        input.piece().to_vec()
    } else {
        BASE.commands[usize::from(choice) % BASE.commands.len()].clone()
    };
    for _ in 0..input.below(4) {
        let at = usize::from(input.u16()) % command.len().max(1);
        let change = input.byte();
        if let Some(byte) = command.get_mut(at) {
            *byte ^= change;
        }
    }
    let mut id = [0; 16];
    let made_ms =
        (world.now / 1_000).wrapping_add(u64::from(input.u16()) * u64::from(input.byte()));
    id[..8].copy_from_slice(&(made_ms << 16).to_be_bytes());
    id[8] = step as u8;
    id[9] = input.byte();
    Some(Request {
        id: RequestId(id),
        client: ClientId::of("fuzz"),
        not_after: Stamp(if input.flag() { input.u64() } else { u64::MAX }),
        command: borsh::from_slice(&command).ok()?,
    })
}

/// Applies one entry twice and keeps the result.
fn on(world: &mut World, entry: &Entry) {
    let index = world.log.len() as u64 + 1;
    let holds = entry.sealed.is_some_and(|sealed| sealed.size & 1 == 1);
    let run = |state: &Changes| -> Applied {
        apply(state, index, 1, Some(entry), holds, &mut Inline).expect("nothing faults in memory")
    };
    let applied = run(&world.state);
    assert_eq!(applied, run(&world.state), "one entry, one outcome");
    assert_eq!(applied.answers.len(), entry.requests.len());
    for (ordinal, recorded) in applied.events.iter().enumerate() {
        let place = LeafPlace {
            stamp: applied.progress.stamp,
            term: 1,
            log_index: index,
            ordinal: ordinal as u32,
        };
        assert_eq!(
            akashi_domain::leaf::leaf(&recorded.event, place),
            recorded.leaf
        );
        let bytes = recorded.leaf.encode();
        assert_eq!(
            akashi_merkle::Leaf::decode(&bytes).as_ref(),
            Ok(&recorded.leaf)
        );
    }
    for answer in &applied.answers {
        assert_eq!(Answer::decode(&answer.encode()).as_ref(), Some(answer));
        if answer.result.is_err() {
            assert_eq!(answer.placement.leaf_count, 0, "a rejection leaves nothing");
        }
    }
    write(&mut world.state, &applied.changes);
    world.log.push(entry.clone());
}
