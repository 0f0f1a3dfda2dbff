//! A statement: that it holds, and that nothing in it can be changed, left out, swapped or borrowed.

use akashi_merkle::processed::{
    CONTACT_PROCESSED, Care, Processed, ProcessedError, TENANT_CREATED, TOTAL_PROVED, column, flag,
};
use akashi_merkle::statement::{
    CheckedStatement, Figure, Part, StatementError, StatementScope, Totals, Verifier,
    verify_statement,
};
use akashi_merkle::{
    CheckError, Extensions, KeySet, Leaf, MultiInclusionError, SignedHead, multi_inclusion_proof,
};
use expect_test::expect_file;
use proptest::prelude::*;

use crate::cluster::{Cluster, head, verdict};
use crate::oracle::{Nodes, grow};

const DAY_US: u64 = 86_400_000_000;
pub(crate) const FROM_US: u64 = 1_795_305_600_000_000;
const TENANT: u32 = 7;
const SERVICE_S: u32 = 20;

/// A log of two tenants: each contact of ours is followed by two leaves of others.
pub(crate) struct Log {
    pub(crate) cluster: Cluster,
    leaves: Vec<Vec<u8>>,
    nodes: Nodes,
    signed: SignedHead,
    /// Index of each contact of ours, by number from 1.
    indices: Vec<u64>,
}

/// Contact `number` closes `number` seconds into the day.
pub(crate) fn processed(number: u64) -> Processed {
    let closed_us = FROM_US + number * 1_000_000;
    Processed {
        tenant: TENANT,
        contact_id: [u8::try_from(number % 251).unwrap(); 16],
        closed_us,
        number,
        announced: number + 3,
        outcome: if number.is_multiple_of(5) { 6 } else { 1 },
        reason: if number.is_multiple_of(5) { 101 } else { 0 },
        policy_version: 2,
        queue: 4,
        campaign: u32::try_from(number % 3).unwrap(),
        agent_tag: [0xa6; 16],
        announced_us: closed_us - 90_000_000,
        verdict_ms: Some(u32::try_from(number % 4).unwrap() * 8_000),
        aal: 2,
        factors: 3,
        limits: if number.is_multiple_of(7) { 4 } else { 0 },
        scope: 0xffff_ffff,
        call_reason: 1,
        initiator: 2,
        disposition: 10,
        care: Care {
            agents: 1,
            presence: if number.is_multiple_of(11) { 3 } else { 1 },
            level: 2,
            unmasked: 0,
            rules_version: 5,
        },
        flags: flag::TRAINING | flag::POSTURE,
    }
}

pub(crate) fn leaf_of(contact: &Processed) -> Vec<u8> {
    let mut leaf = Leaf {
        kind: CONTACT_PROCESSED,
        stamp_us: contact.closed_us,
        term: 1,
        log_index: contact.number,
        tenant: contact.tenant,
        contact_id: contact.contact_id,
        rule_version: 1,
        ..Leaf::default()
    };
    contact.fill(&mut leaf);
    leaf.encode()
}

fn tenant_leaf(tenant: u32, name: &str) -> Vec<u8> {
    let mut extensions = Extensions::default();
    extensions.insert(column::NAME, name.as_bytes()).unwrap();
    let leaf = Leaf {
        kind: TENANT_CREATED,
        stamp_us: FROM_US - DAY_US,
        tenant,
        extensions,
        ..Leaf::default()
    };
    leaf.encode()
}

impl Log {
    pub(crate) fn of(contacts: u64) -> Self {
        Self::with(contacts, |_number, leaf| leaf)
    }

    pub(crate) fn with(contacts: u64, change: impl Fn(u64, Vec<u8>) -> Vec<u8>) -> Self {
        Self::made(contacts, change, |number| verdict(number).encode())
    }

    fn with_verdicts(contacts: u64, between: impl Fn(u64) -> Vec<u8>) -> Self {
        Self::made(contacts, |_number, leaf| leaf, between)
    }

    fn made(
        contacts: u64,
        change: impl Fn(u64, Vec<u8>) -> Vec<u8>,
        between: impl Fn(u64) -> Vec<u8>,
    ) -> Self {
        let mut leaves = vec![tenant_leaf(8, "travel"), tenant_leaf(TENANT, "retail")];
        let mut indices = Vec::new();
        for number in 1..=contacts {
            indices.push(leaves.len().try_into().unwrap());
            leaves.push(change(number, leaf_of(&processed(number))));
            leaves.push(between(number));
            let foreign = Processed {
                tenant: 8,
                ..processed(number)
            };
            leaves.push(leaf_of(&foreign));
        }
        let cluster = Cluster::new(3);
        let (frontier, nodes) = grow(&leaves);
        let signed = cluster.sign(&head(frontier.size(), frontier.root()), &[0, 2]);
        Self {
            cluster,
            leaves,
            nodes,
            signed,
            indices,
        }
    }

    pub(crate) fn scope(first: u64, last: u64) -> StatementScope {
        StatementScope {
            tenant: TENANT,
            name: "retail".into(),
            from_us: FROM_US + first * 1_000_000,
            until_us: FROM_US + (last + 1) * 1_000_000,
            first,
            last,
            service_s: SERVICE_S,
        }
    }

    fn part(&self, indices: &[u64]) -> Part {
        let leaf = |index: &u64| {
            (
                *index,
                self.leaves[usize::try_from(*index).unwrap()].clone(),
            )
        };
        Part {
            leaves: indices.iter().map(leaf).collect(),
            path: multi_inclusion_proof(&self.nodes, indices, self.signed.head.size).unwrap(),
        }
    }

    fn index(&self, number: u64) -> Option<u64> {
        let at = usize::try_from(number.checked_sub(1)?).unwrap();
        self.indices.get(at).copied()
    }

    fn frame(&self, first: u64, last: u64) -> Part {
        let mut indices = vec![1];
        indices.extend(self.index(first - 1));
        indices.extend(self.index(last + 1));
        self.part(&indices)
    }

    /// Parts of at most `width` contacts with these numbers.
    fn parts(&self, numbers: &[u64], width: usize) -> Vec<Part> {
        numbers
            .chunks(width)
            .map(|numbers| {
                let indices: Vec<u64> = numbers.iter().map(|n| self.index(*n).unwrap()).collect();
                self.part(&indices)
            })
            .collect()
    }

    pub(crate) fn text(&self, scope: &StatementScope, width: usize) -> String {
        let numbers: Vec<u64> = (scope.first..=scope.last).collect();
        let frame = self.frame(scope.first, scope.last);
        let parts = self.parts(&numbers, width);
        self.joined(scope, &frame, &parts, &totals(&numbers))
    }

    fn joined(
        &self,
        scope: &StatementScope,
        frame: &Part,
        parts: &[Part],
        totals: &Totals,
    ) -> String {
        let mut blocks = vec![scope.to_text(&self.signed), frame.to_frame_text()];
        blocks.extend(parts.iter().map(Part::to_part_text));
        blocks.push(totals.to_text());
        blocks.join("\n")
    }

    pub(crate) fn verify(&self, text: &str) -> Result<CheckedStatement, StatementError> {
        verify_statement(text, &self.cluster.keys, Some("retail"))
    }
}

fn totals(numbers: &[u64]) -> Totals {
    let mut totals = Totals::default();
    for number in numbers {
        totals.add(&processed(*number), SERVICE_S);
    }
    totals
}

#[test]
fn a_statement_holds_and_its_figures_are_those_of_the_leaves() {
    let log = Log::of(2_000);
    let scope = Log::scope(101, 1_900);
    let checked = log.verify(&log.text(&scope, 512)).unwrap();
    assert_eq!(checked.scope, scope);
    assert!(checked.end_shown);
    assert_eq!(checked.head.vouches().len(), 2);
    let totals = checked.totals;
    assert_eq!(totals.contacts, 1_800);
    assert_eq!(totals.outcomes.get(&1), Some(&1_440));
    assert_eq!(totals.outcomes.get(&6), Some(&360));
    assert_eq!((totals.decided, totals.within), (1_800, 1_350));
    assert_eq!(totals.exceptions.fallback, 257);
    assert_eq!(totals.exceptions.presence, 163);
    assert_eq!(totals.exceptions.training, 0);
    assert_eq!(totals.campaigns.len(), 3);
    assert_eq!(totals.campaigns[&0].contacts, 600);
    assert_eq!(totals.open, 3);
}

#[test]
fn the_form_is_the_one_that_was_agreed() {
    let log = Log::of(6);
    let text = log.text(&Log::scope(2, 5), 2);
    expect_file!["../golden/statement.txt"].assert_eq(&text);
    log.verify(&text).unwrap();
}

#[test]
fn a_statement_at_the_edges_of_the_numbers_says_what_it_does_not_show() {
    let log = Log::of(20);
    let whole = log.verify(&log.text(&Log::scope(1, 20), 64)).unwrap();
    assert!(!whole.end_shown, "nothing closed behind the period yet");
    let empty = StatementScope {
        from_us: FROM_US + 10_000_001,
        until_us: FROM_US + 10_999_999,
        ..Log::scope(11, 10)
    };
    let none = log.verify(&log.text(&empty, 64)).unwrap();
    assert_eq!(none.totals, Totals::default());
    assert!(none.end_shown);
}

#[test]
fn a_contact_left_out_shows_as_a_gap() {
    let log = Log::of(30);
    let scope = Log::scope(1, 30);
    let frame = log.frame(1, 30);
    for missing in [1, 17, 30] {
        let numbers: Vec<u64> = (1..=30).filter(|number| *number != missing).collect();
        let text = log.joined(&scope, &frame, &log.parts(&numbers, 8), &totals(&numbers));
        let gap = Err(StatementError::Gap { number: missing });
        assert_eq!(log.verify(&text).map(|_| ()), gap);
    }
}

#[test]
fn contacts_left_out_at_the_ends_show_by_their_neighbours() {
    let log = Log::of(30);
    let day = Log::scope(1, 30);
    let claim = |first, last| StatementScope {
        first,
        last,
        ..day.clone()
    };
    let early = log.text(&claim(4, 30), 64);
    assert_eq!(refused(&log, &early), StatementError::Beginning);
    let late = log.text(&claim(1, 27), 64);
    assert_eq!(refused(&log, &late), StatementError::End);
    let numbers: Vec<u64> = (4..=30).collect();
    let bare = log.joined(
        &Log::scope(4, 30),
        &log.part(&[1]),
        &log.parts(&numbers, 64),
        &totals(&numbers),
    );
    assert_eq!(refused(&log, &bare), StatementError::Beginning);
    let outside = StatementScope {
        until_us: FROM_US + 20_000_000,
        ..Log::scope(1, 25)
    };
    let text = log.text(&outside, 64);
    assert_eq!(
        refused(&log, &text),
        StatementError::OutsidePeriod { number: 20 }
    );
}

#[test]
fn contacts_that_are_swapped_or_repeated_are_refused() {
    let log = Log::of(30);
    let (scope, frame) = (Log::scope(1, 30), log.frame(1, 30));
    let numbers: Vec<u64> = (1..=30).collect();
    let good = log.parts(&numbers, 10);

    let mut lines = good.clone();
    lines[1].leaves.swap(3, 4);
    let text = log.joined(&scope, &frame, &lines, &totals(&numbers));
    assert_eq!(refused(&log, &text), StatementError::Swapped { number: 15 });

    let mut bytes = good.clone();
    let (a, b) = (bytes[1].leaves[3].1.clone(), bytes[1].leaves[4].1.clone());
    (bytes[1].leaves[3].1, bytes[1].leaves[4].1) = (b, a);
    let text = log.joined(&scope, &frame, &bytes, &totals(&numbers));
    assert_eq!(refused(&log, &text), StatementError::Swapped { number: 15 });

    let mut parts = good.clone();
    parts.swap(0, 1);
    let text = log.joined(&scope, &frame, &parts, &totals(&numbers));
    assert_eq!(refused(&log, &text), StatementError::Gap { number: 1 });

    let mut again = good.clone();
    again.insert(1, good[0].clone());
    let text = log.joined(&scope, &frame, &again, &totals(&numbers));
    assert_eq!(refused(&log, &text), StatementError::Swapped { number: 1 });

    // Numbers in order, places not: only a log with a number twice could offer that.
    let mut places = good;
    places[2].leaves[0].0 = 1;
    let text = log.joined(&scope, &frame, &places, &totals(&numbers));
    assert_eq!(refused(&log, &text), StatementError::Swapped { number: 21 });
}

#[test]
fn an_altered_leaf_is_not_in_the_tree() {
    let log = Log::of(30);
    let (scope, frame) = (Log::scope(1, 30), log.frame(1, 30));
    let numbers: Vec<u64> = (1..=30).collect();
    let mut parts = log.parts(&numbers, 64);
    let better = Processed {
        outcome: 1,
        reason: 0,
        ..processed(10)
    };
    parts[0].leaves[9].1 = leaf_of(&better);
    let mut figures = Totals::default();
    for number in &numbers {
        let contact = if *number == 10 {
            better.clone()
        } else {
            processed(*number)
        };
        figures.add(&contact, SERVICE_S);
    }
    let text = log.joined(&scope, &frame, &parts, &figures);
    assert!(matches!(
        refused(&log, &text),
        StatementError::Inclusion {
            source: MultiInclusionError::RootMismatch,
            ..
        }
    ));
}

#[test]
fn every_altered_figure_is_found_by_its_name() {
    let log = Log::of(30);
    let text = log.text(&Log::scope(1, 30), 64);
    for (line, altered, figure) in [
        ("contacts 30", "contacts 31", Figure::Contacts),
        ("outcome 1 24", "outcome 1 25", Figure::Outcome),
        ("outcome 6 6\n", "", Figure::Outcome),
        ("decided 30", "decided 29", Figure::Decided),
        ("within 23", "within 24", Figure::Within),
        ("presence 2", "presence 1", Figure::Exceptions),
        ("fallback 4", "fallback 0", Figure::Exceptions),
        ("campaign 2 10 8", "campaign 2 10 9", Figure::Campaign),
        ("open 3", "open 0", Figure::Open),
    ] {
        let changed = text.replacen(line, altered, 1);
        assert_ne!(changed, text, "{line}");
        assert_eq!(refused(&log, &changed), StatementError::Figure(figure));
    }
    // The agreed time is part of what is claimed.
    let strict = text.replacen("service 20", "service 30", 1);
    let figure = StatementError::Figure(Figure::Within);
    assert_eq!(refused(&log, &strict), figure);
}

#[test]
fn another_tenants_leaf_and_another_tenants_name_are_refused() {
    let log = Log::of(30);
    let (scope, frame) = (Log::scope(1, 30), log.frame(1, 30));
    let numbers: Vec<u64> = (1..=30).collect();
    let foreign: Vec<u64> = log.indices.iter().map(|index| index + 2).collect();
    let parts = [log.part(&foreign)];
    let text = log.joined(&scope, &frame, &parts, &totals(&numbers));
    assert_eq!(refused(&log, &text), StatementError::OtherTenant);
    let other_kind: Vec<u64> = vec![log.indices[0] + 1];
    let text = log.joined(&scope, &frame, &[log.part(&other_kind)], &totals(&numbers));
    assert_eq!(refused(&log, &text), StatementError::OtherTenant);

    let good = log.text(&scope, 64);
    let asked = verify_statement(&good, &log.cluster.keys, Some("travel"));
    assert_eq!(asked, Err(StatementError::OtherTenantAsked));
    verify_statement(&good, &log.cluster.keys, None).unwrap();
    let renamed = good.replacen("tenant 7 retail", "tenant 7 travel", 1);
    let named = verify_statement(&renamed, &log.cluster.keys, Some("travel"));
    assert_eq!(named, Err(StatementError::TenantName));
    let mut unnamed = frame;
    unnamed.leaves.remove(0);
    let text = log.joined(
        &scope,
        &unnamed,
        &log.parts(&numbers, 64),
        &totals(&numbers),
    );
    assert_ne!(log.verify(&text).map(|_| ()), Ok(()));
}

#[test]
fn a_proved_total_stands_in_the_frame_and_is_read() {
    let mut extensions = Extensions::default();
    extensions
        .insert(column::CAMPAIGN, &3_u32.to_be_bytes())
        .unwrap();
    extensions
        .insert(column::ORDER_NUMBER, &40_u64.to_be_bytes())
        .unwrap();
    extensions
        .insert(column::PERIOD_FIRST, &11_u64.to_be_bytes())
        .unwrap();
    extensions.insert(column::PERIOD_SUM, &[0x50; 32]).unwrap();
    let total = Leaf {
        kind: TOTAL_PROVED,
        tenant: TENANT,
        extensions,
        ..Leaf::default()
    };
    // In the place of a leaf of somebody else.
    let log = Log::with_verdicts(4, |number| match number {
        2 => total.encode(),
        _ => verdict(number).encode(),
    });
    let at = log.indices[1] + 1;
    let numbers: Vec<u64> = (1..=4).collect();
    let text = log.joined(
        &Log::scope(1, 4),
        &log.part(&[1, at]),
        &log.parts(&numbers, 64),
        &totals(&numbers),
    );
    let checked = log.verify(&text).unwrap();
    assert_eq!(checked.proved.len(), 1);
    let proved = checked.proved[0];
    assert_eq!((proved.campaign, proved.first, proved.last), (3, 11, 40));
    assert_eq!(proved.sum, [0x50; 32]);
}

#[test]
fn leaves_of_other_kinds_and_odd_columns_are_refused() {
    let other = Log::with(3, |number, leaf| {
        let mut leaf = Leaf::decode(&leaf).unwrap();
        if number == 2 {
            leaf.kind = 40;
        }
        leaf.encode()
    });
    let text = other.text(&Log::scope(1, 3), 64);
    assert_eq!(
        refused(&other, &text),
        StatementError::Foreign(ProcessedError::Kind)
    );
    let short = Log::with(3, |number, bytes| {
        let leaf = Leaf::decode(&bytes).unwrap();
        let mut extensions = Extensions::default();
        for (kind, value) in leaf.extensions.iter() {
            let cut = kind == column::TIMES && number == 3;
            let value = if cut { &value[1..] } else { value };
            extensions.insert(kind, value).unwrap();
        }
        Leaf { extensions, ..leaf }.encode()
    });
    let text = short.text(&Log::scope(1, 3), 64);
    assert_eq!(
        refused(&short, &text),
        StatementError::Foreign(ProcessedError::Column)
    );
}

#[test]
fn wrong_heads_and_wrong_keys_are_refused() {
    let log = Log::of(30);
    let text = log.text(&Log::scope(1, 30), 64);

    let strangers = {
        let mut cosigners = Cluster::new(5).keys.cosigners().to_vec();
        cosigners.drain(..2);
        let origin = log.cluster.keys.origin().clone();
        KeySet::new(origin, cosigners, 3).unwrap()
    };
    let asked = verify_statement(&text, &strangers, None);
    let short = CheckError::NoQuorum { held: 1, needed: 3 };
    assert_eq!(asked, Err(StatementError::Head(short)));

    // A head of the same log, a leaf later: signed, and not the one that the leaves were proved under.
    let mut longer = log.leaves.clone();
    longer.push(b"later".to_vec());
    let later = Log {
        signed: log.cluster.head_of(&longer),
        ..Log::of(30)
    };
    let borrowed = text.replacen(&log.signed.to_text(), &later.signed.to_text(), 1);
    assert!(matches!(
        refused(&log, &borrowed),
        StatementError::Inclusion { .. }
    ));

    let forged = text.replacen(&log.signed.head.to_text(), &later.signed.head.to_text(), 1);
    assert_eq!(
        refused(&log, &forged),
        StatementError::Head(CheckError::BadSignature)
    );
    let renamed = text.replacen("kagami.example/e1/g0", "kagami.example/e2/g0", 1);
    assert_eq!(
        refused(&log, &renamed),
        StatementError::Head(CheckError::WrongOrigin)
    );
}

#[test]
fn no_byte_of_a_statement_can_change() {
    let log = Log::of(5);
    let text = log.text(&Log::scope(2, 4), 2).into_bytes();
    for at in 0..text.len() {
        for flip in [0x01, 0x04, 0x20, 0xff] {
            let mut changed = text.clone();
            changed[at] ^= flip;
            let Ok(changed) = String::from_utf8(changed) else {
                continue;
            };
            // The period and the agreed time are claims that other values could fulfil as well.
            if let Ok(checked) = log.verify(&changed) {
                let line = text[..at].iter().filter(|byte| **byte == b'\n').count();
                assert!(
                    line == 2 || line == 4,
                    "byte {at} xor {flip:#x} goes unnoticed"
                );
                assert_ne!(checked.scope, Log::scope(2, 4));
            }
        }
        let mut shorter = text.clone();
        shorter.remove(at);
        if let Ok(shorter) = String::from_utf8(shorter)
            && let Ok(checked) = log.verify(&shorter)
        {
            assert_ne!(checked.scope, Log::scope(2, 4), "byte {at} can be left out");
        }
        let cut = String::from_utf8_lossy(&text[..at]).into_owned();
        assert!(log.verify(&cut).is_err(), "it can end at {at}");
    }
    let more = [text.as_slice(), b"\npart\n"].concat();
    let more = String::from_utf8(more).unwrap();
    assert_eq!(refused(&log, &more), StatementError::Ending);
}

#[test]
fn a_refused_verifier_stays_refused() {
    let log = Log::of(3);
    let mut verifier = Verifier::new(&log.cluster.keys, None);
    verifier.block("nothing\n").unwrap_err();
    assert_eq!(
        verifier.block("akashi/statement/v1\n"),
        Err(StatementError::Ending)
    );
    assert_eq!(verifier.finish().map(|_| ()), Err(StatementError::Ending));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn verifiers_end_well_on_mangled_texts(
        cuts in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 1..4),
    ) {
        let log = Log::of(7);
        let text = log.text(&Log::scope(1, 6), 3);
        let mut lines: Vec<&str> = text.split('\n').collect();
        for (a, b) in &cuts {
            let (a, b) = (a.index(lines.len()), b.index(lines.len()));
            lines.swap(a, b);
        }
        let mangled = lines.join("\n");
        prop_assert!(log.verify(&mangled).is_err() || mangled == text);
    }

    #[test]
    fn a_leaf_reads_as_it_was_written(
        number in any::<u64>(), verdict_ms in prop::option::of(0..u32::MAX), aal in any::<u8>(),
        scope in any::<u32>(), rules_version in any::<u32>(), disposition in any::<u16>(),
    ) {
        let care = Care { rules_version, ..Care::default() };
        let contact = Processed {
            number, verdict_ms, aal, scope, disposition, care, ..processed(1)
        };
        let leaf = Leaf::decode(&leaf_of(&contact)).unwrap();
        prop_assert_eq!(Processed::read(&leaf), Ok(contact));
    }
}

fn refused(log: &Log, text: &str) -> StatementError {
    log.verify(text).unwrap_err()
}
