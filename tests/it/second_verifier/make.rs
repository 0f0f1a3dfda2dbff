//! Good proofs to start from: fresh ones of a few phones under contexts of every shape, and now and
//! then an accepted one of the vector files. Every proof is good before it is changed.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::case::Case;
use super::change::change;
use super::dice::Dice;
use super::fresh::{Phone, fresh};

/// Phones whose proofs are changed.
const PHONES: u8 = 12;
/// Names that fit their length prefix, in bytes.
const NAME_BYTES_MAX: usize = 255;
/// The vector files, one per kind.
const NAMES: &[&str] = &[
    "possession.json",
    "knowledge.json",
    "equals.json",
    "same.json",
    "range.json",
    "in-set.json",
    "proximity.json",
    "consent.json",
];
/// One in so many cases starts from a frozen vector instead of a fresh proof.
const FROZEN: usize = 32;
/// One in so many cases is changed twice.
const TWICE: usize = 3;
/// Of a hundred thousand cases, how many are of each kind: those that are slow in Python are few.
const SHARES: &[(u64, usize)] = &[
    (1, 25_000),
    (2, 25_000),
    (3, 12_000),
    (4, 12_000),
    (5, 4_500),
    (6, 7_000),
    (7, 2_500),
    (8, 12_000),
];

/// Everything that good proofs come from.
pub(super) struct Makers {
    phones: Vec<Phone>,
    /// The accepted cases of the vector files, by kind.
    frozen: Vec<(u64, Vec<Case>)>,
    /// The case made last: others borrow from it.
    last: Case,
}

impl Makers {
    /// Phones of `dice`, and the accepted cases under `vectors`.
    pub(super) fn new(vectors: &Path, dice: &mut Dice) -> Self {
        let phones: Vec<_> = (0..PHONES).map(|_| Phone::new(dice)).collect();
        let frozen = NAMES
            .iter()
            .map(|name| accepted(&vectors.join(name)))
            .collect();
        let last = fresh(1, &phones[0], any_context(1, dice), dice);
        Self {
            phones,
            frozen,
            last,
        }
    }

    /// A good proof with a change or two, or now and then with none.
    pub(super) fn changed_proof(&mut self, dice: &mut Dice) -> Case {
        let kind = kind(dice);
        let good = if dice.one_in(FROZEN) {
            let (_, cases) = self
                .frozen
                .iter()
                .find(|(of, _)| *of == kind)
                .expect("its vectors");
            cases[dice.below(cases.len())].clone()
        } else {
            let phone = &self.phones[dice.below(self.phones.len())];
            fresh(kind, phone, any_context(kind, dice), dice)
        };
        let mut changed = change(&good, &self.last, dice);
        if dice.one_in(TWICE) {
            // Two faults at once: which of them counts is the order of checks.
            let once = changed.change.clone();
            changed = change(&changed, &self.last, dice);
            changed.change = format!("{once}; {}", changed.change);
        }
        self.last = good;
        changed
    }
}

fn kind(dice: &mut Dice) -> u64 {
    let mut left = dice.below(SHARES.iter().map(|(_, share)| share).sum());
    for (kind, share) in SHARES {
        match left.checked_sub(*share) {
            Some(rest) => left = rest,
            None => return *kind,
        }
    }
    unreachable!("the shares add up")
}

/// A context that keeps every rule, with lengths and numbers at and between their bounds.
/// Consent is asked for by its purpose alone, so that kind 8 is always under it.
fn any_context(kind: u64, dice: &mut Dice) -> Map<String, Value> {
    let purpose = if kind == 8 { 4 } else { 1 + dice.below(6) };
    let with_contact = matches!(purpose, 1 | 4) || dice.one_in(2);
    let contact = if with_contact { name(dice) } else { Vec::new() };
    let order = if purpose == 4 { dice.array() } else { [0; 32] };
    let start = dice.next() >> dice.below(64);
    let not_before = start.min(u64::MAX - 1);
    let lasts = (dice.next() >> dice.below(64)).max(1);
    let Value::Object(context) = json!({
        "suite": 1,
        "origin": hex::encode(name(dice)),
        "group": dice.below(1 << 16) >> dice.below(16),
        "epoch": dice.below(1 << 32) >> dice.below(32),
        "tenant": hex::encode(name(dice)),
        "challenge_id": hex::encode(dice.array::<16>()),
        "nonce": hex::encode(dice.array::<32>()),
        "purpose": purpose,
        "subject": hex::encode(dice.array::<32>()),
        "contact_id": hex::encode(contact),
        "not_before_us": not_before,
        "expires_us": not_before.saturating_add(lasts),
        "order_hash": hex::encode(order),
        "policy_digest": hex::encode(dice.array::<32>()),
    }) else {
        unreachable!("an object was written")
    };
    context
}

fn name(dice: &mut Dice) -> Vec<u8> {
    let length = match dice.below(16) {
        0 => 1,
        1 => NAME_BYTES_MAX,
        2 => 1 + dice.below(NAME_BYTES_MAX),
        _ => 1 + dice.below(24),
    };
    dice.bytes(length)
}

/// The kind of a vector file and its accepted cases.
fn accepted(path: &Path) -> (u64, Vec<Case>) {
    let text = std::fs::read_to_string(path).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let kind = document["kind"].as_u64().unwrap();
    let cases: Vec<Case> = document["cases"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| case["code"] == 0)
        .map(|case| {
            let mut case = case.clone();
            case["kind"] = kind.into();
            Case::from_json(&case)
        })
        .collect();
    assert!(
        !cases.is_empty(),
        "{} holds an accepted proof",
        path.display()
    );
    (kind, cases)
}
