//! Proofs of every kind, read against statements that the input itself chooses.
//!
//! Laws: an instance reads back to its statement; a proof that parses gives its own bytes back; one byte more or less never parses; what does
//! not parse never holds, and for the reason that parsing gave.

use std::sync::LazyLock;

use akashi_proof::{
    AnyStatement, Commitment, Consent, DeviceKey, Dimensions, Equals, InSet, Kind, Knowledge,
    PinKey, Possession, Proof, Proximity, Purpose, Range, RangeBits, RangeTest, Reason, Same,
    TemplateCommitment, check,
};

use crate::input::Input;
use crate::scene::{self, device};

/// Runs one input: a statement, then a proof.
pub fn parse(data: &[u8]) {
    let mut input = Input::new(data);
    let Some(statement) = statement(&mut input) else {
        return;
    };
    let again = AnyStatement::from_instance(statement.kind(), &statement.instance());
    assert_eq!(again.as_ref(), Ok(&statement), "an instance reads back");
    let proof = input.rest();
    let read = statement.well_formed(proof);
    let purpose = match statement {
        AnyStatement::Consent(_) => Purpose::Consent,
        AnyStatement::Possession(_)
        | AnyStatement::Knowledge(_)
        | AnyStatement::Equals(_)
        | AnyStatement::Same(_)
        | AnyStatement::Range(_)
        | AnyStatement::InSet(_)
        | AnyStatement::Proximity(_) => Purpose::CustomerCall,
    };
    let verdict = check(&scene::context(purpose), &statement, proof);
    match read {
        Err(reason) => assert_eq!(verdict, Err(reason), "parsing decides first"),
        Ok(()) => {
            assert!(matches!(verdict, Ok(()) | Err(Reason::EquationFailed)));
            let longer = [proof, &[0]].concat();
            assert_eq!(statement.well_formed(&longer), Err(Reason::Malformed));
            let shorter = &proof[..proof.len() - 1];
            assert_eq!(statement.well_formed(shorter), Err(Reason::Malformed));
            assert_eq!(written(&statement, proof), proof);
        }
    }
}

/// The bytes that the parsed proof writes.
fn written(statement: &AnyStatement, proof: &[u8]) -> Vec<u8> {
    macro_rules! of {
        ($statement:expr) => {{
            let read = Proof::parse($statement, proof).expect("it was well-formed");
            assert_eq!(read.as_bytes(), read.to_bytes());
            read.to_bytes()
        }};
    }
    match statement {
        AnyStatement::Possession(statement) => of!(statement),
        AnyStatement::Knowledge(statement) => of!(statement),
        AnyStatement::Equals(statement) => of!(statement),
        AnyStatement::Same(statement) => of!(statement),
        AnyStatement::Range(statement) => of!(statement),
        AnyStatement::InSet(statement) => of!(statement),
        AnyStatement::Proximity(statement) => of!(statement),
        AnyStatement::Consent(statement) => of!(statement),
    }
}

static KEY: LazyLock<DeviceKey> = LazyLock::new(|| device(7).public());
static COMMITMENTS: LazyLock<[Commitment; 3]> = LazyLock::new(|| {
    [0, 1, 2].map(|choice| scene::commitment(choice, [0; 32]).expect("a fixed one"))
});
static TEMPLATES: LazyLock<[TemplateCommitment; 2]> = LazyLock::new(|| {
    let (enrolled, probe) = scene::templates(128);
    [enrolled.commitment(), probe.commitment()]
});

fn key(input: &mut Input<'_>) -> Option<DeviceKey> {
    if input.flag() {
        DeviceKey::from_bytes(&input.array()).ok()
    } else {
        Some(*KEY)
    }
}

fn commitment(input: &mut Input<'_>) -> Option<Commitment> {
    let choice = input.below(4);
    match COMMITMENTS.get(choice) {
        Some(known) => Some(*known),
        None => Commitment::from_bytes(&input.array()).ok(),
    }
}

fn template(input: &mut Input<'_>) -> Option<TemplateCommitment> {
    let choice = input.below(3);
    match TEMPLATES.get(choice) {
        Some(known) => Some(*known),
        None => TemplateCommitment::from_bytes(&input.array()).ok(),
    }
}

/// A statement of any kind, from the first bytes.
fn statement(input: &mut Input<'_>) -> Option<AnyStatement> {
    let choice = input.byte();
    if choice & 8 != 0 {
        // From the bytes that an evidence record keeps.
        let kind = Kind::from_code(choice % 8 + 1)?;
        let instance = input.piece();
        let read = AnyStatement::from_instance(kind, instance).ok()?;
        assert_eq!(read.instance(), instance, "one instance, one statement");
        return Some(read);
    }
    Some(match choice % 8 {
        0 => Possession {
            key: key(input)?,
            submission_digest: input.array(),
        }
        .into(),
        1 => Knowledge {
            device: key(input)?,
            pin: PinKey::from_bytes(&input.array()).ok()?,
        }
        .into(),
        2 => Equals {
            commitment: commitment(input)?,
            value: input.u64(),
        }
        .into(),
        3 => Same {
            first: commitment(input)?,
            second: commitment(input)?,
        }
        .into(),
        4 => range(input)?.into(),
        5 => {
            let commitment = commitment(input)?;
            let set: Vec<u64> = (0..input.below(18)).map(|_| input.u64()).collect();
            let built = InSet::new(commitment, &set);
            let ascending = set.windows(2).all(|pair| pair[0] < pair[1]);
            assert_eq!(built.is_ok(), ascending && (1..=16).contains(&set.len()));
            built.ok()?.into()
        }
        6 => {
            let sizes = [Dimensions::D128, Dimensions::D256, Dimensions::D512];
            let (size, tau) = (input.one_of(&sizes), input.u32());
            let built = Proximity::new(size, tau, template(input)?, template(input)?);
            assert_eq!(built.is_ok(), tau < 1 << 25);
            built.ok()?.into()
        }
        _ => Consent {
            key: key(input)?,
            order_hash: scene::fields(Purpose::Consent).order_hash,
            sealed_digest: input.array(),
            recipient_digest: input.array(),
            submission_digest: input.array(),
        }
        .into(),
    })
}

fn range(input: &mut Input<'_>) -> Option<Range> {
    let bits = input.one_of(&[RangeBits::ThirtyTwo, RangeBits::SixtyFour]);
    let mut tests = Vec::new();
    for _ in 0..input.below(6) {
        let form = input.below(4);
        let value = commitment(input)?;
        tests.push(match form {
            0 => RangeTest::AtLeast {
                value,
                bound: input.u64(),
            },
            1 => RangeTest::AtMost {
                value,
                bound: input.u64(),
            },
            2 => RangeTest::Within {
                value,
                low: input.u64(),
                high: input.u64(),
            },
            _ => RangeTest::AtLeastOther {
                value,
                other: commitment(input)?,
            },
        });
    }
    let range = Range::new(bits, &tests).ok()?;
    assert!([1, 2, 4].contains(&range.values()));
    Some(range)
}
