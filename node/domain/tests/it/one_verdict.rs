//! Any sequence of commands, with real proofs: one verdict per contact at most, no challenge without
//! an end, one open challenge per subject, and the laws of replay.

use std::collections::{BTreeMap, BTreeSet};

use akashi_domain::command::{AnswerNotice, Command, NoticeAnswer, SubmitProof};
use akashi_domain::event::{self, Event};
use akashi_domain::ids::{ChallengeId, ContactId};
use akashi_domain::state::Records as _;
use proptest::prelude::*;

use crate::laws::{assert_rebuilds, assert_replays};
use crate::phone::{PIN, Phone};
use crate::world::{ORIGIN, SECOND, TENANT, World, id16};

#[derive(Clone, Debug)]
enum Act {
    Announce {
        subject: usize,
    },
    Prove {
        subject: usize,
        challenge: usize,
        pin: Pin,
    },
    Steal {
        challenge: usize,
    },
    Repeat {
        nth: usize,
    },
    Say {
        challenge: usize,
        answer: NoticeAnswer,
    },
    Close {
        contact: u64,
    },
    Revoke {
        subject: usize,
    },
    Enrol {
        subject: usize,
    },
    Wait {
        seconds: u64,
    },
    EndEntry,
}

#[derive(Clone, Copy, Debug)]
enum Pin {
    Right,
    Wrong,
    Missing,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let pin = prop_oneof![3 => Just(Pin::Right), 4 => Just(Pin::Wrong), 1 => Just(Pin::Missing)];
    let said = prop_oneof![
        Just(NoticeAnswer::Opened),
        Just(NoticeAnswer::Decline),
        Just(NoticeAnswer::Report)
    ];
    let act = prop_oneof![
        5 => (0_usize..2).prop_map(|subject| Act::Announce { subject }),
        9 => (0_usize..2, 0_usize..4, pin)
            .prop_map(|(subject, challenge, pin)| Act::Prove { subject, challenge, pin }),
        2 => (0_usize..3).prop_map(|challenge| Act::Steal { challenge }),
        3 => (0_usize..9).prop_map(|nth| Act::Repeat { nth }),
        2 => (0_usize..3, said).prop_map(|(challenge, answer)| Act::Say { challenge, answer }),
        2 => (1_u64..6).prop_map(|contact| Act::Close { contact }),
        1 => (0_usize..2).prop_map(|subject| Act::Revoke { subject }),
        1 => (0_usize..2).prop_map(|subject| Act::Enrol { subject }),
        2 => (0_u64..150).prop_map(|seconds| Act::Wait { seconds }),
        12 => Just(Act::EndEntry),
    ];
    proptest::collection::vec(act, 1..60)
}

struct Play {
    world: World,
    phones: Vec<Phone>,
    thief: Phone,
    contacts: u64,
    enrolments: u64,
    waiting: Vec<Command>,
    sent: Vec<Command>,
    tokens: BTreeMap<ChallengeId, [u8; 32]>,
}

impl Play {
    fn new() -> Self {
        let mut world = World::founded();
        let phones = vec![world.customer(1), world.customer(2)];
        let thief = Phone::new(ORIGIN, TENANT, "customer-1", 99);
        Self {
            world,
            phones,
            thief,
            contacts: 0,
            enrolments: 100,
            waiting: Vec::new(),
            sent: Vec::new(),
            tokens: BTreeMap::new(),
        }
    }

    /// The `nth` challenge from the newest.
    fn challenge(&self, nth: usize) -> Option<(ChallengeId, [u8; 32])> {
        let issued: Vec<ChallengeId> = self
            .world
            .events()
            .iter()
            .filter_map(|event| match event {
                Event::ChallengeIssued(event::ChallengeIssued { challenge, .. }) => {
                    Some(*challenge)
                }
                _ => None,
            })
            .collect();
        let challenge = *issued.iter().rev().nth(nth)?;
        Some((challenge, self.tokens[&challenge]))
    }

    fn submit(&mut self, challenge: usize, prove: impl FnOnce(&mut Self, ChallengeId) -> Parts) {
        if let Some((challenge, token)) = self.challenge(challenge) {
            let proofs = prove(self, challenge);
            let tenant = TENANT.into();
            let submission = SubmitProof {
                tenant,
                challenge,
                token,
                suite: 1,
                proofs,
                duress: false,
            };
            self.waiting.push(Command::SubmitProof(submission));
        }
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Announce { subject } => {
                self.contacts += 1;
                let subject = self.phones[subject].subject;
                let announce = self.world.announcement(subject, self.contacts);
                self.waiting.push(Command::AnnounceContact(announce));
            }
            Act::Prove {
                subject,
                challenge,
                pin,
            } => self.submit(challenge, |play, id| {
                let context = play.world.context(id);
                let phone = &mut play.phones[subject];
                match pin {
                    Pin::Right => phone.proofs(&context, PIN),
                    Pin::Wrong => phone.proofs(&context, "0000"),
                    Pin::Missing => phone.possession_only(&context),
                }
            }),
            Act::Steal { challenge } => self.submit(challenge, |play, id| {
                play.thief.proofs(&play.world.context(id), PIN)
            }),
            Act::Repeat { nth } => {
                if let Some(command) = self.sent.iter().rev().nth(nth) {
                    self.waiting.push(command.clone());
                }
            }
            Act::Say { challenge, answer } => {
                if let Some((challenge, token)) = self.challenge(challenge) {
                    let tenant = TENANT.into();
                    let command = AnswerNotice {
                        tenant,
                        challenge,
                        token,
                        answer,
                    };
                    self.waiting.push(Command::AnswerNotice(command));
                }
            }
            Act::Close { contact } => self.waiting.push(self.world.close(contact)),
            Act::Revoke { subject } => {
                let revoke = self.world.revoke(self.phones[subject].subject);
                self.waiting.push(revoke);
            }
            Act::Enrol { subject } => {
                self.end_entry();
                self.enrolments += 1;
                self.world.enrol(&mut self.phones[subject], self.enrolments);
            }
            Act::Wait { seconds } => drop(self.world.after(seconds * SECOND)),
            Act::EndEntry => self.end_entry(),
        }
    }

    fn end_entry(&mut self) {
        let commands = std::mem::take(&mut self.waiting);
        self.sent.extend(commands.iter().cloned());
        let requests = commands
            .into_iter()
            .map(|command| self.world.request(command))
            .collect();
        let applied = self.world.entry(requests);
        for recorded in &applied.events {
            if let Event::ChallengeIssued(event::ChallengeIssued {
                challenge, token, ..
            }) = &recorded.event
            {
                self.tokens.insert(*challenge, *token);
            }
        }
    }

    fn check(&self) {
        let mut verdicts: BTreeMap<ContactId, usize> = BTreeMap::new();
        let mut open: BTreeSet<ChallengeId> = BTreeSet::new();
        let mut duplicates: BTreeMap<ChallengeId, usize> = BTreeMap::new();
        for event in self.world.events() {
            match event {
                Event::ChallengeIssued(event::ChallengeIssued { challenge, .. }) => {
                    assert!(open.insert(challenge), "a challenge is issued once");
                    assert!(
                        open.len() <= self.phones.len(),
                        "one open challenge per subject"
                    );
                }
                Event::VerdictReached(event::VerdictReached {
                    challenge, contact, ..
                }) => {
                    open.remove(&challenge);
                    *verdicts.entry(contact).or_default() += 1;
                }
                Event::ProofHeld(event::ProofHeld { challenge, .. })
                | Event::ProofRefused(event::ProofRefused { challenge, .. }) => {
                    assert!(
                        open.contains(&challenge),
                        "nothing is judged after the verdict"
                    );
                }
                Event::DuplicateSubmission(event::DuplicateSubmission { challenge, .. }) => {
                    assert!(!open.contains(&challenge));
                    *duplicates.entry(challenge).or_default() += 1;
                }
                _ => {}
            }
        }
        assert!(verdicts.values().all(|count| *count == 1), "{verdicts:?}");
        assert!(
            duplicates.values().all(|count| *count == 1),
            "{duplicates:?}"
        );
        let announced = (1..=self.contacts)
            .filter_map(|c| self.world.state.contact(1, ContactId(id16(c))).unwrap());
        for contact in announced {
            let waits = open.contains(&contact.challenge);
            assert_eq!(contact.verdict.is_none(), waits, "either open or ended");
        }
    }
}

type Parts = Vec<akashi_domain::command::FactorProof>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_sequence_gives_each_contact_one_verdict_and_replays_alike(acts in acts()) {
        let mut play = Play::new();
        for act in acts {
            play.act(&act);
        }
        play.end_entry();
        play.check();
        play.world.after(10_000 * SECOND);
        play.end_entry();
        play.check();
        assert_replays(&play.world);
        assert_rebuilds(&play.world);
        let last = play.world.applied.last().unwrap().progress.leaves;
        prop_assert_eq!(play.world.events().len() as u64, last);
    }
}
