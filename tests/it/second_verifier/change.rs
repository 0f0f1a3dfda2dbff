//! What is done to good proofs: bits, lengths, elements, encodings, statements, instances, contexts, kinds.
//! Fields of fixed length keep it, because our types cannot say anything else.

use serde_json::{Map, Value};

use super::case::{Case, Spoiled, bytes};
use super::dice::Dice;

/// Bytes of a group element or a scalar.
const ELEMENT_BYTES: usize = 32;

/// 2^255 - 19, little endian: the field of the curve.
const FIELD: [u8; 32] = {
    let mut p = [0xff; 32];
    p[0] = 0xed;
    p[31] = 0x7f;
    p
};

/// 2^252 + 27742317777372353535851937790883648493, little endian: the order of the group.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Fields of a context whose length is free.
const FREE_FIELDS: &[&str] = &["origin", "tenant", "contact_id"];

/// One change of a good proof; `other` is a good proof to borrow from.
pub(super) fn change(good: &Case, other: &Case, dice: &mut Dice) -> Case {
    let mut case = good.clone();
    // Kinds with parameters get more of their statements changed.
    let of_statement = matches!(case.kind, 5..=7) && dice.one_in(3);
    case.change = match dice.below(32) {
        _ if of_statement => statement(&mut case, other, dice),
        0 | 1 => "nothing".to_owned(),
        2..=7 => flip(&mut case.proof, dice),
        8 | 9 => cut_or_grow(&mut case.proof, other, dice),
        10..=18 => element(&mut case.proof, other, dice),
        19 | 20 => swap_elements(&mut case.proof, dice),
        21 => {
            case.proof.clone_from(&other.proof);
            "another proof".to_owned()
        }
        22..=25 => statement(&mut case, other, dice),
        26..=29 => context(&mut case.context, other, dice),
        30 => {
            case.context.clone_from(&other.context);
            "another context".to_owned()
        }
        _ => other_kind(&mut case, dice),
    };
    case
}

fn flip(proof: &mut [u8], dice: &mut Dice) -> String {
    if proof.is_empty() {
        return "nothing to flip".to_owned();
    }
    let times = if dice.one_in(4) { 1 + dice.below(8) } else { 1 };
    let mut places = Vec::new();
    for _ in 0..times {
        let bit = dice.below(8 * proof.len());
        proof[bit / 8] ^= 1 << (bit % 8);
        places.push(bit);
    }
    format!("bits {places:?} of the proof flipped")
}

fn cut_or_grow(proof: &mut Vec<u8>, other: &Case, dice: &mut Dice) -> String {
    match dice.below(5) {
        0 => proof.truncate(dice.below(proof.len() + 1)),
        1 => proof.truncate(proof.len().saturating_sub(ELEMENT_BYTES)),
        2 => {
            let more = 1 + dice.below(40);
            proof.extend(dice.bytes(more));
        }
        3 => proof.extend_from_slice(&other.proof),
        _ => {
            proof.rotate_left(1);
            proof.pop();
        }
    }
    format!("the proof has {} bytes", proof.len())
}

/// One element in another encoding, out of its range, special, or foreign.
fn element(proof: &mut [u8], other: &Case, dice: &mut Dice) -> String {
    let count = proof.len() / ELEMENT_BYTES;
    if count == 0 {
        return "no element".to_owned();
    }
    let place = dice.below(count);
    let at = ELEMENT_BYTES * place;
    let old: [u8; 32] = proof[at..at + ELEMENT_BYTES].try_into().unwrap();
    let (name, new) = match dice.below(18) {
        0 => ("zero, the identity", [0; 32]),
        1 => ("one", small(1)),
        2 => ("all ones", [0xff; 32]),
        3 => ("the order", ORDER),
        4 => ("the order less one", less(&ORDER, &small(1))),
        5 => ("itself plus the order", plus(&old, &ORDER)),
        6 => ("the order less itself", less(&ORDER, &old)),
        7 => ("the field's prime", FIELD),
        8 => (
            "the prime plus a small number",
            plus(&FIELD, &small(dice.array::<1>()[0])),
        ),
        9 => ("itself plus the prime", plus(&old, &FIELD)),
        10 => ("the prime less itself", less(&FIELD, &old)),
        11 => ("itself with its top bit changed", top_bit(old)),
        12 => ("itself plus one", plus(&old, &small(1))),
        13 => ("itself plus two", plus(&old, &small(2))),
        14 => ("chance", dice.array()),
        15 => ("a small even number", small(dice.array::<1>()[0] & 0xfe)),
        16 => {
            let from = ELEMENT_BYTES * dice.below(count);
            (
                "a neighbour",
                proof[from..from + ELEMENT_BYTES].try_into().unwrap(),
            )
        }
        _ => ("a foreign one", foreign(other, dice).unwrap_or(old)),
    };
    proof[at..at + ELEMENT_BYTES].copy_from_slice(&new);
    format!("element {place} of the proof is {name}")
}

/// An element of another proof, or a key or commitment of its statement.
fn foreign(other: &Case, dice: &mut Dice) -> Option<[u8; 32]> {
    if dice.one_in(2) {
        let elements: Vec<_> = other.proof.chunks_exact(ELEMENT_BYTES).collect();
        return elements
            .get(dice.below(elements.len().max(1)))?
            .to_vec()
            .try_into()
            .ok();
    }
    let names: Vec<_> = other.statement.keys().collect();
    let value = other.statement[names[dice.below(names.len())]].as_str()?;
    hex::decode(value).ok()?.try_into().ok()
}

fn swap_elements(proof: &mut [u8], dice: &mut Dice) -> String {
    let count = proof.len() / ELEMENT_BYTES;
    if count < 2 {
        return "no two elements".to_owned();
    }
    let (one, two) = (dice.below(count), dice.below(count));
    for byte in 0..ELEMENT_BYTES {
        proof.swap(ELEMENT_BYTES * one + byte, ELEMENT_BYTES * two + byte);
    }
    format!("elements {one} and {two} of the proof swapped")
}

/// One field of the statement, among them keys and parameters that no replica would store.
fn statement(case: &mut Case, other: &Case, dice: &mut Dice) -> String {
    if dice.one_in(8) {
        return spoil(case, dice);
    }
    let names: Vec<String> = case.statement.keys().cloned().collect();
    let name = &names[dice.below(names.len())];
    let how = match case.statement[name].clone() {
        Value::String(_) if dice.one_in(6) => {
            let from = other.statement.get(name).cloned();
            offer(case, name, from);
            "another statement's".to_owned()
        }
        Value::String(_) if dice.one_in(4) => {
            let from = case.statement[&names[dice.below(names.len())]].clone();
            offer(case, name, Some(from));
            "a neighbour's".to_owned()
        }
        Value::String(_) => {
            let mut value = bytes(&case.statement, name);
            let how = match dice.below(8) {
                0..=3 => flip(&mut value, dice),
                4 if name == "terms" => cut_or_grow(&mut value, other, dice),
                6 | 7 if name == "terms" => term(&mut value, dice),
                5 => {
                    value.fill(0);
                    "zeros".to_owned()
                }
                _ => element(&mut value, other, dice),
            };
            case.statement
                .insert(name.clone(), hex::encode(value).into());
            how
        }
        Value::Number(old) => {
            let new = parameter(case.kind, name, old.as_u64().unwrap(), dice);
            case.statement.insert(name.clone(), new.into());
            format!("{new}")
        }
        Value::Array(old) => {
            let set = set(old.iter().map(|s| s.as_u64().unwrap()).collect(), dice);
            case.statement.insert(name.clone(), set.clone().into());
            format!("{set:?}")
        }
        odd @ (Value::Null | Value::Bool(_) | Value::Object(_)) => {
            panic!("no field of a statement is {odd}")
        }
    };
    format!("statement, {name}: {how}")
}

/// The bytes of the instance, whatever its fields say.
fn spoil(case: &mut Case, dice: &mut Dice) -> String {
    let (spoiled, how) = match dice.below(4) {
        0 => {
            let length = dice.below(200);
            (Spoiled::Cut(length), format!("cut to {length} bytes"))
        }
        1 => {
            let more = 1 + dice.below(40);
            (
                Spoiled::Grown(dice.bytes(more)),
                format!("{more} more bytes"),
            )
        }
        _ => {
            let bit = dice.below(8 * 200);
            (Spoiled::Flipped(bit), format!("bit {bit} flipped"))
        }
    };
    case.spoiled = spoiled;
    format!("instance: {how}")
}

/// The form or the bound of one term of a range.
fn term(terms: &mut [u8], dice: &mut Dice) -> String {
    let mut starts = Vec::new();
    let mut at = 0;
    while at + 9 <= terms.len() {
        starts.push(at);
        at += if terms[at] == 3 { 73 } else { 41 };
    }
    if starts.is_empty() {
        return "no term".to_owned();
    }
    let at = starts[dice.below(starts.len())];
    if dice.one_in(4) {
        terms[at] = dice.array::<1>()[0] & 3;
        return format!("the form at {at} is {}", terms[at]);
    }
    let bound = [
        0,
        1,
        (1 << 32) - 1,
        1 << 32,
        (1 << 63) - 1,
        1 << 63,
        dice.next(),
    ];
    let bound: u64 = bound[dice.below(bound.len())];
    terms[at + 1..at + 9].copy_from_slice(&bound.to_le_bytes());
    format!("the bound at {at} is {bound}")
}

/// Another value for a field, if it has the same length.
fn offer(case: &mut Case, name: &str, from: Option<Value>) {
    let length = |value: &Value| value.as_str().map(str::len);
    if let Some(from) = from.filter(|from| length(from) == length(&case.statement[name])) {
        case.statement.insert(name.to_owned(), from);
    }
}

/// Another number within the width of its field.
fn parameter(kind: u64, name: &str, old: u64, dice: &mut Dice) -> u64 {
    let new = match dice.below(6) {
        0 => old.wrapping_add(1),
        1 => old.wrapping_sub(1),
        2 => old ^ 1 << dice.below(64),
        3 => [
            0, 1, 2, 3, 4, 5, 8, 16, 31, 32, 33, 63, 64, 65, 128, 256, 512,
        ][dice.below(17)],
        4 => 1 << 25,
        _ => dice.next() >> dice.below(64),
    };
    match (kind, name) {
        (3, _) => new,
        (7, "tau") => new & 0xffff_ffff,
        (7, _) => new & 0xffff,
        _ => new & 0xff,
    }
}

/// A set that is no set, too large, empty, or another one.
fn set(mut set: Vec<u64>, dice: &mut Dice) -> Vec<u64> {
    if set.is_empty() {
        return set;
    }
    let place = dice.below(set.len());
    match dice.below(9) {
        0 => set.clear(),
        1 => set.reverse(),
        2 => set.push(set[place]),
        3 | 7 | 8 => {
            // Around the largest size, ascending.
            let size = 15 + dice.below(4);
            set.extend((0..20).map(|more| u64::MAX - 20 + more));
            set.sort_unstable();
            set.truncate(size);
        }
        4 => set[place] ^= 1 << dice.below(64),
        5 => {
            set.remove(place);
        }
        _ => set.push(set[set.len() - 1].wrapping_add(1)),
    }
    set
}

/// One field of the context, within what its type can hold.
fn context(of: &mut Map<String, Value>, other: &Case, dice: &mut Dice) -> String {
    let names: Vec<String> = of.keys().cloned().collect();
    let name = &names[dice.below(names.len())];
    let new: Value = match name.as_str() {
        "suite" => dice.below(4).into(),
        "purpose" => dice.below(9).into(),
        "group" => dice.below(1 << 16).into(),
        "epoch" => dice.below(1 << 32).into(),
        "not_before_us" | "expires_us" => near(of, dice).into(),
        _ if dice.one_in(4) => other.context[name].clone(),
        "order_hash" if dice.one_in(2) => hex::encode([0; 32]).into(),
        free if FREE_FIELDS.contains(&free) && dice.one_in(2) => resized(of, free, dice),
        _ => {
            let mut value = bytes(of, name);
            flip(&mut value, dice);
            hex::encode(value).into()
        }
    };
    of.insert(name.clone(), new);
    format!("context, {name} changed")
}

/// A time at, beside or away from one of the two times of a context.
fn near(of: &Map<String, Value>, dice: &mut Dice) -> u64 {
    let from = if dice.one_in(2) {
        "not_before_us"
    } else {
        "expires_us"
    };
    let time = of[from].as_u64().unwrap();
    match dice.below(6) {
        0 => time,
        1 => time.wrapping_add(1),
        2 => time.wrapping_sub(1),
        3 => 0,
        4 => u64::MAX,
        _ => dice.next(),
    }
}

/// A name with another length, up to one byte too many and down to none.
fn resized(of: &Map<String, Value>, name: &str, dice: &mut Dice) -> Value {
    let length = match dice.below(5) {
        0 => 0,
        1 => 255,
        2 => 256,
        _ => dice.below(300),
    };
    let mut value = bytes(of, name);
    value.resize(length, 0);
    hex::encode(value).into()
}

/// The same bytes as a proof of another kind with the same length, over the same keys.
fn other_kind(case: &mut Case, dice: &mut Dice) -> String {
    let of = &mut case.statement;
    match case.kind {
        1 => {
            case.kind = 2;
            of.remove("submission_digest");
            of.insert("K".into(), of["P"].clone());
        }
        2 => {
            case.kind = 1;
            let pin = of.remove("K").unwrap();
            of.insert("submission_digest".into(), pin.clone());
            if dice.one_in(2) {
                of.insert("P".into(), pin);
            }
        }
        3 => {
            case.kind = 6;
            let value = of.remove("value").unwrap();
            of.insert("set".into(), vec![value].into());
        }
        6 if case.proof.len() == 2 * ELEMENT_BYTES && of["set"][0].is_u64() => {
            case.kind = 3;
            let set = of.remove("set").unwrap();
            of.insert("value".into(), set[0].clone());
        }
        8 => {
            case.kind = 1;
            of.retain(|name, _| name == "P" || name == "submission_digest");
        }
        _ => return "nothing".to_owned(),
    }
    format!("offered as kind {}", case.kind)
}

fn small(value: u8) -> [u8; 32] {
    let mut number = [0; 32];
    number[0] = value;
    number
}

fn top_bit(mut number: [u8; 32]) -> [u8; 32] {
    number[31] ^= 0x80;
    number
}

/// Sum of two little-endian numbers modulo 2^256.
fn plus(one: &[u8; 32], other: &[u8; 32]) -> [u8; 32] {
    let mut sum = [0; 32];
    let mut carry = 0;
    for (to, (a, b)) in sum.iter_mut().zip(one.iter().zip(other)) {
        let total = u16::from(*a) + u16::from(*b) + carry;
        *to = total.to_le_bytes()[0];
        carry = total >> 8;
    }
    sum
}

/// Difference of two little-endian numbers modulo 2^256.
fn less(one: &[u8; 32], other: &[u8; 32]) -> [u8; 32] {
    plus(&plus(one, &other.map(|byte| !byte)), &small(1))
}
