//! Good proofs made now, of every kind, with secrets that dice choose. The numbers proved about
//! are at the bounds as often as between them.

use akashi_proof::{
    AnyStatement, Consent, DeviceSecret, Equals, InSet, Kind, Knowledge, Opening, Part, PinKdf,
    PinSecret, Possession, Proximity, ProximityWitness, Range, RangeBits, RangeTest, RangeWitness,
    RootSecret, Same, SameWitness, Suite, TemplateOpening, prove, submission_digest,
};
use akashi_proof::{Context, Provable};
use serde_json::{Map, Value, json};

use super::case::{Case, NothingToVerify, Spoiled, bytes};
use super::dice::Dice;
use super::terms;

/// A phone's secrets.
pub(super) struct Phone {
    device: DeviceSecret,
    pin: PinSecret,
}

impl Phone {
    /// Secrets that `dice` choose.
    pub(super) fn new(dice: &mut Dice) -> Self {
        let device = RootSecret::from_bytes(dice.array())
            .device_secret(Suite::V1, b"second/e1/g0", b"retail", 0)
            .unwrap();
        let cheap = PinKdf::with_cost(8, 1).unwrap();
        let pin = PinSecret::derive(cheap, b"4711", &dice.array(), &dice.array()).unwrap();
        Self { device, pin }
    }
}

/// A good proof of a kind under a good context.
pub(super) fn fresh(
    kind: u64,
    phone: &Phone,
    context: Map<String, Value>,
    dice: &mut Dice,
) -> Case {
    let mut case = Case {
        kind,
        context,
        statement: Map::new(),
        proof: Vec::new(),
        change: String::new(),
        spoiled: Spoiled::Nothing,
    };
    let bound = case.read_context().expect("a good context");
    let (statement, proof) = match kind {
        1 => possession(&bound, phone, dice),
        2 => knowledge(&bound, phone, dice),
        3 => equals(&bound, dice),
        4 => same(&bound, dice),
        5 => range(&bound, dice),
        6 => in_set(&bound, dice),
        7 => proximity(&bound, dice),
        _ => consent(&bound, phone, bytes(&case.context, "order_hash"), dice),
    };
    let Value::Object(statement) = statement else {
        unreachable!("an object was written")
    };
    case.statement = statement;
    case.proof = proof;
    // What was written is what was proved.
    assert!(
        !matches!(case.read(), Err(NothingToVerify::Statement(_))),
        "{}",
        case.line()
    );
    case
}

type Made = (Value, Vec<u8>);

fn possession(context: &Context, phone: &Phone, dice: &mut Dice) -> Made {
    let key = phone.device.public();
    let statement = Possession {
        key,
        submission_digest: digest_of_parts(dice),
    };
    let written = json!({
        "P": hex::encode(key.to_bytes()),
        "submission_digest": hex::encode(statement.submission_digest),
    });
    (written, made(context, &statement, &phone.device, dice))
}

fn digest_of_parts(dice: &mut Dice) -> [u8; 32] {
    if dice.one_in(2) {
        submission_digest(&[])
    } else {
        submission_digest(&[Part::plain(Kind::Knowledge, 0, &dice.bytes(64))])
    }
}

fn knowledge(context: &Context, phone: &Phone, dice: &mut Dice) -> Made {
    let statement = Knowledge {
        device: phone.device.public(),
        pin: phone.pin.public(),
    };
    let written = json!({
        "P": hex::encode(statement.device.to_bytes()),
        "K": hex::encode(statement.pin.to_bytes()),
    });
    (written, made(context, &statement, &phone.pin, dice))
}

fn equals(context: &Context, dice: &mut Dice) -> Made {
    let opening = committed(value(63, dice), dice);
    let statement = Equals {
        commitment: opening.commitment(),
        value: opening.value(),
    };
    let written = json!({
        "C": hex::encode(statement.commitment.to_bytes()),
        "value": statement.value,
    });
    (written, made(context, &statement, &opening, dice))
}

fn same(context: &Context, dice: &mut Dice) -> Made {
    let first = committed(value(63, dice), dice);
    let second = committed(first.value(), dice);
    let statement = Same {
        first: first.commitment(),
        second: second.commitment(),
    };
    let written = json!({
        "C1": hex::encode(statement.first.to_bytes()),
        "C2": hex::encode(statement.second.to_bytes()),
    });
    (
        written,
        made(
            context,
            &statement,
            &SameWitness::new(&first, &second),
            dice,
        ),
    )
}

fn in_set(context: &Context, dice: &mut Dice) -> Made {
    let size = if dice.one_in(4) {
        1 + dice.below(16)
    } else {
        1 + dice.below(5)
    };
    let mut set: Vec<u64> = (0..size).map(|_| value(64, dice)).collect();
    set.sort_unstable();
    set.dedup();
    let opening = committed(set[dice.below(set.len())], dice);
    let statement = InSet::new(opening.commitment(), &set).unwrap();
    let written = json!({ "C": hex::encode(opening.commitment().to_bytes()), "set": set });
    (written, made(context, &statement, &opening, dice))
}

fn range(context: &Context, dice: &mut Dice) -> Made {
    // Four terms of 64 bits cost Python a tenth of a second.
    let (bits, width) = if dice.one_in(3) {
        (RangeBits::SixtyFour, 63)
    } else {
        (RangeBits::ThirtyTwo, 32)
    };
    let low = committed(value(width, dice) >> 1, dice);
    let high = committed(low.value() + (value(width, dice) >> 1), dice);
    let (small, large) = (low.commitment(), high.commitment());
    let (v, w) = (low.value(), high.value());
    let at_least = RangeTest::AtLeast {
        value: large,
        bound: v,
    };
    let at_most = RangeTest::AtMost {
        value: small,
        bound: w,
    };
    let within = RangeTest::Within {
        value: large,
        low: v,
        high: w,
    };
    let other = RangeTest::AtLeastOther {
        value: large,
        other: small,
    };
    let (tests, openings) = match dice.below(9) {
        0 | 1 => (vec![at_least], vec![&high]),
        2 | 3 => (vec![at_most], vec![&low]),
        4 => (vec![within], vec![&high]),
        5 | 6 => (vec![other], vec![&high, &low]),
        7 => (vec![at_most, at_least], vec![&low, &high]),
        _ => (vec![within, other], vec![&high, &high, &low]),
    };
    let statement = Range::new(bits, &tests).unwrap();
    let written = json!({
        "n": bits.bits(),
        "m": statement.values(),
        "terms": hex::encode(terms::write(&tests)),
    });
    (
        written,
        made(context, &statement, &RangeWitness::new(&openings), dice),
    )
}

fn proximity(context: &Context, dice: &mut Dice) -> Made {
    let size = [128, 128, 128, 256, 512][dice.below(5)];
    let template: Vec<i8> = dice.bytes(size).into_iter().map(u8::cast_signed).collect();
    let probe: Vec<i8> = template
        .iter()
        .map(|entry| entry.saturating_add(i8::try_from(dice.below(4)).unwrap()))
        .collect();
    let distance: u32 = template
        .iter()
        .zip(&probe)
        .map(|(t, p)| u32::from(t.abs_diff(*p)) * u32::from(t.abs_diff(*p)))
        .sum();
    let enrolled = TemplateOpening::commit(&template, dice).unwrap();
    let probed = TemplateOpening::commit(&probe, dice).unwrap();
    let tau = distance + [0, 0, 1, 5_000][dice.below(4)];
    let (c_t, c_p) = (enrolled.commitment(), probed.commitment());
    let statement = Proximity::new(enrolled.dimensions(), tau, c_t, c_p).unwrap();
    let written = json!({
        "n": size,
        "tau": tau,
        "C_t": hex::encode(c_t.to_bytes()),
        "C_p": hex::encode(c_p.to_bytes()),
    });
    let witness = ProximityWitness::new(&enrolled, &probed).unwrap();
    (written, made(context, &statement, &witness, dice))
}

fn consent(context: &Context, phone: &Phone, order_hash: Vec<u8>, dice: &mut Dice) -> Made {
    let statement = Consent {
        key: phone.device.public(),
        order_hash: order_hash.try_into().unwrap(),
        sealed_digest: dice.array(),
        recipient_digest: dice.array(),
        submission_digest: digest_of_parts(dice),
    };
    let written = json!({
        "P": hex::encode(statement.key.to_bytes()),
        "order_hash": hex::encode(statement.order_hash),
        "sealed_digest": hex::encode(statement.sealed_digest),
        "recipient_digest": hex::encode(statement.recipient_digest),
        "submission_digest": hex::encode(statement.submission_digest),
    });
    (written, made(context, &statement, &phone.device, dice))
}

fn made<S>(context: &Context, statement: &S, witness: &S::Witness, dice: &mut Dice) -> Vec<u8>
where
    S: Provable + Into<AnyStatement>,
{
    prove(context, statement, witness, dice)
        .expect("a true statement")
        .to_bytes()
}

fn committed(value: u64, dice: &mut Dice) -> Opening {
    Opening::commit(value, dice).unwrap()
}

/// A number below 2^width: small, large, or one of the ends.
fn value(width: usize, dice: &mut Dice) -> u64 {
    let largest = u64::MAX >> (64 - width);
    match dice.below(8) {
        0 => 0,
        1 => largest,
        _ => (dice.next() & largest) >> dice.below(width),
    }
}
