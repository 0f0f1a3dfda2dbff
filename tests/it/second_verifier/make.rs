//! Good proofs to start from: fresh ones of a few phones under contexts of every shape, and the
//! accepted ones of the vector files for the kinds that are slow to make. Every proof is good
//! before it is changed.

use std::path::Path;

use akashi_proof::{
    DeviceSecret, Kind, Knowledge, Part, PinKdf, PinSecret, Possession, RootSecret, Suite, prove,
    submission_digest,
};
use serde_json::{Map, Value, json};

use super::case::Case;
use super::change::change;
use super::dice::Dice;

/// Phones whose proofs are changed.
const PHONES: u8 = 12;
/// Names that fit their length prefix, in bytes.
const NAME_BYTES_MAX: usize = 255;
/// One in so many cases starts from a vector of a kind; the slow kinds cost Python seconds.
const SHARES: &[(&str, usize)] = &[("possession", 64), ("knowledge", 64)];

/// Everything that good proofs come from.
pub(super) struct Makers {
    phones: Vec<(DeviceSecret, PinSecret)>,
    /// Per vector file: its share, its accepted cases.
    frozen: Vec<(usize, Vec<Case>)>,
    /// The case made last: others borrow from it.
    last: Case,
}

impl Makers {
    /// Phones of `dice`, and the accepted cases under `vectors`.
    pub(super) fn new(vectors: &Path, dice: &mut Dice) -> Self {
        let phones: Vec<_> = (0..PHONES).map(|_| phone(dice)).collect();
        let frozen = SHARES
            .iter()
            .filter_map(|(name, share)| Some((*share, accepted(vectors, name)?)))
            .collect();
        let last = fresh(&phones[0], dice);
        Self {
            phones,
            frozen,
            last,
        }
    }

    /// A good proof with one change, or now and then with none.
    pub(super) fn changed_proof(&mut self, dice: &mut Dice) -> Case {
        let frozen = self.frozen.iter().find(|(share, _)| dice.one_in(*share));
        let good = match frozen {
            Some((_, cases)) => cases[dice.below(cases.len())].clone(),
            None => fresh(&self.phones[dice.below(self.phones.len())], dice),
        };
        let changed = change(&good, &self.last, dice);
        self.last = good;
        changed
    }
}

fn phone(dice: &mut Dice) -> (DeviceSecret, PinSecret) {
    let device = RootSecret::from_bytes(dice.array())
        .device_secret(Suite::V1, b"second/e1/g0", b"retail", 0)
        .unwrap();
    let cheap = PinKdf::with_cost(8, 1).unwrap();
    let pin = PinSecret::derive(cheap, b"4711", &dice.array(), &dice.array()).unwrap();
    (device, pin)
}

/// A proof of possession or knowledge, made now.
fn fresh((device, pin): &(DeviceSecret, PinSecret), dice: &mut Dice) -> Case {
    let mut case = Case {
        kind: 1,
        context: any_context(dice),
        statement: Map::new(),
        proof: Vec::new(),
        change: String::new(),
    };
    let digest = if dice.one_in(2) {
        submission_digest(&[])
    } else {
        submission_digest(&[Part::plain(Kind::Knowledge, 0, &dice.bytes(64))])
    };
    case.statement
        .insert("P".into(), hex::encode(device.public().to_bytes()).into());
    case.statement
        .insert("submission_digest".into(), hex::encode(digest).into());
    let (context, _) = case.read().ok().expect("a good context and key");
    if dice.one_in(2) {
        let statement = Possession {
            key: device.public(),
            submission_digest: digest,
        };
        case.proof = prove(&context, &statement, device, dice)
            .unwrap()
            .to_bytes();
    } else {
        let statement = Knowledge {
            device: device.public(),
            pin: pin.public(),
        };
        case.kind = 2;
        case.statement.remove("submission_digest");
        case.statement
            .insert("K".into(), hex::encode(pin.public().to_bytes()).into());
        case.proof = prove(&context, &statement, pin, dice).unwrap().to_bytes();
    }
    case
}

/// A context that keeps every rule, with lengths and numbers at and between their bounds.
fn any_context(dice: &mut Dice) -> Map<String, Value> {
    let purpose = 1 + dice.below(6);
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

/// The accepted cases of a vector file, if there is such a file.
fn accepted(vectors: &Path, name: &str) -> Option<Vec<Case>> {
    let path = vectors.join(format!("{name}.json"));
    path.exists().then(|| cases_of(&path))
}

fn cases_of(path: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(path).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let cases: Vec<Case> = document["cases"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| case["code"] == 0)
        .map(|case| Case {
            kind: document["kind"].as_u64().unwrap(),
            context: case["context"].as_object().unwrap().clone(),
            statement: case["statement"].as_object().unwrap().clone(),
            proof: hex::decode(case["proof"].as_str().unwrap()).unwrap(),
            change: String::new(),
        })
        .collect();
    assert!(
        !cases.is_empty(),
        "{} holds an accepted proof",
        path.display()
    );
    cases
}
