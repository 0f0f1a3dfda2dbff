//! Golden vectors of what comes before any proof: which bytes are a statement and which fields a
//! context. 0 for what is one, the code of the first fault from the left for what is none.

use akashi_proof::{
    AnyStatement, Context, ContextFields, Kind, NAME_BYTES_MAX, Purpose, Reason, TAU_LIMIT,
};
use expect_test::expect_file;
use serde_json::{Value, json};

use crate::{
    kinds::{SAMPLES, opening},
    scene::fields,
    vectors::{describe_context, pretty},
};

/// Bytes offered as an instance.
type Offered = (Kind, String, Vec<u8>);

#[test]
fn statement_vectors() {
    let mut offered = Vec::new();
    for kind in Kind::ALL {
        every_kind(kind, &mut offered);
    }
    let mut named = |kind, cases: Vec<(&str, Vec<u8>)>| {
        offered.extend(
            cases
                .into_iter()
                .map(|(name, bytes)| (kind, name.to_owned(), bytes)),
        );
    };
    named(Kind::Range, ranges());
    named(Kind::InSet, sets());
    named(Kind::Proximity, proximities());
    let cases: Vec<Value> = offered
        .iter()
        .map(|(kind, name, instance)| {
            let read = AnyStatement::from_instance(*kind, instance);
            if let Ok(statement) = &read {
                assert_eq!(&statement.instance(), instance, "{name}");
                assert_eq!(statement.kind(), *kind);
            }
            json!({
                "kind": kind.code(),
                "name": name,
                "instance": hex::encode(instance),
                "code": read.err().map_or(0, Reason::code),
            })
        })
        .collect();
    let file = json!({ "suite": 1, "cases": cases });
    expect_file!["../vectors/decisions/statements.json"].assert_eq(&pretty(&file));
}

/// A good instance of a kind, cut, lengthened, and with each of its elements spoiled.
fn every_kind(kind: Kind, offered: &mut Vec<Offered>) {
    let sample = SAMPLES
        .iter()
        .find(|sample| sample.statement.kind() == kind)
        .unwrap();
    let good = sample.statement.instance();
    let elements: &[usize] = match kind {
        Kind::Possession | Kind::Equals | Kind::Consent => &[0],
        Kind::Knowledge | Kind::Same => &[0, 32],
        Kind::Range => &[2 + 1 + 8],
        Kind::InSet => &[good.len() - 32],
        Kind::Proximity => &[6, 38],
    };
    let mut offer = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        offered.push((kind, name.to_owned(), bytes));
    };
    offer("accepted", &|_| ());
    offer("empty", &Vec::clear);
    offer("one byte less", &|bytes| bytes.truncate(bytes.len() - 1));
    offer("one byte more", &|bytes| bytes.push(0));
    for at in elements {
        let fill = |value| move |bytes: &mut Vec<u8>| bytes[*at..][..32].fill(value);
        offer(
            &format!("the element at {at} is not canonical"),
            &fill(0xff),
        );
        offer(&format!("the element at {at} is the identity"), &fill(0));
        offer(
            &format!("it ends in the element at {at}, which would be bad"),
            &|bytes| {
                bytes[*at..].fill(0xff);
                bytes.truncate(at + 31);
            },
        );
    }
    if let [first, second] = elements {
        offer("the first of two bad elements counts", &|bytes| {
            bytes[*first..][..32].fill(0);
            bytes[*second..][..32].fill(0xff);
        });
    }
    offer("a bad element and a byte more", &|bytes| {
        bytes[elements[0]..][..32].fill(0);
        bytes.push(0);
    });
}

fn element(seed: u64) -> [u8; 32] {
    opening(seed, 70 + seed).commitment().to_bytes()
}

const IDENTITY: [u8; 32] = [0; 32];

/// One term of a range.
fn term(form: u8, bound: u64, elements: &[[u8; 32]]) -> Vec<u8> {
    [&[form][..], &bound.to_le_bytes(), &elements.concat()].concat()
}

fn range(n: u8, m: u8, terms: &[Vec<u8>]) -> Vec<u8> {
    [&[n, m][..], &terms.concat()].concat()
}

fn ranges() -> Vec<(&'static str, Vec<u8>)> {
    let (c, d) = (element(1), element(2));
    let (least, most) = (term(1, 18, &[c]), term(2, 42, &[c]));
    let (pair, other) = (term(3, 0, &[c, d]), term(1, 0, &[d]));
    let one = |n, form, bound| range(n, 1, &[term(form, bound, &[c])]);
    let two = |first: &Vec<u8>, second: &Vec<u8>| range(32, 2, &[first.clone(), second.clone()]);
    vec![
        ("accepted: at most", one(32, 2, 42)),
        ("accepted: an interval", two(&least, &most)),
        (
            "accepted: two tests that no value meets together",
            two(&term(1, 43, &[c]), &most),
        ),
        ("accepted: at least another", two(&pair, &other)),
        (
            "accepted: at least itself",
            two(&term(3, 0, &[c, c]), &term(1, 0, &[c])),
        ),
        (
            "accepted: four terms",
            range(
                64,
                4,
                &[pair.clone(), other.clone(), least.clone(), most.clone()],
            ),
        ),
        (
            "accepted: the largest bound of 32 bits",
            one(32, 1, (1 << 32) - 1),
        ),
        ("a bound of 2^32 for 32 bits", one(32, 1, 1 << 32)),
        (
            "accepted: the largest bound of 64 bits",
            one(64, 2, (1 << 63) - 1),
        ),
        ("a bound of 2^63 for 64 bits", one(64, 2, 1 << 63)),
        ("n is 0", one(0, 1, 1)),
        ("n is 16", one(16, 1, 1)),
        ("n is 128", one(128, 1, 1)),
        ("m is 0", range(32, 0, &[])),
        (
            "m is 3",
            range(32, 3, &[least.clone(), most.clone(), other.clone()]),
        ),
        ("m is 8", range(32, 8, &vec![least.clone(); 8])),
        (
            "fewer terms than m",
            range(32, 2, core::slice::from_ref(&least)),
        ),
        (
            "more terms than m",
            range(32, 1, &[least.clone(), most.clone()]),
        ),
        ("form 0", one(32, 0, 1)),
        ("form 4", one(32, 4, 1)),
        (
            "a difference with a bound",
            two(&term(3, 1, &[c, d]), &other),
        ),
        (
            "a difference alone",
            range(32, 1, core::slice::from_ref(&pair)),
        ),
        ("a difference in the last place", two(&least, &pair)),
        (
            "a difference, then a bound above zero on C2",
            two(&pair, &term(1, 1, &[d])),
        ),
        (
            "a difference, then at most on C2",
            two(&pair, &term(2, 0, &[d])),
        ),
        (
            "a difference, then a bound on C1",
            two(&pair, &term(1, 0, &[c])),
        ),
        (
            "a difference, then another difference",
            range(
                32,
                4,
                &[pair.clone(), pair.clone(), other.clone(), other.clone()],
            ),
        ),
        (
            "a difference, then something else, then C2",
            range(
                32,
                4,
                &[pair.clone(), least.clone(), other.clone(), most.clone()],
            ),
        ),
        (
            "C2 of a difference is the identity",
            two(&term(3, 0, &[c, IDENTITY]), &other),
        ),
        ("it ends in a bound", range(32, 1, &[least[..5].to_vec()])),
        (
            "it ends between C1 and C2",
            range(32, 2, &[pair[..41].to_vec()]),
        ),
        (
            "n and an element are bad",
            range(16, 1, &[term(1, 1, &[IDENTITY])]),
        ),
        (
            "a bound and its element are bad",
            range(32, 1, &[term(1, 1 << 32, &[IDENTITY])]),
        ),
        (
            "an element and the next form are bad",
            two(&term(1, 1, &[IDENTITY]), &term(9, 0, &[d])),
        ),
        (
            "a form and the next element are bad",
            two(&term(9, 1, &[c]), &term(1, 0, &[IDENTITY])),
        ),
        (
            "the term after a difference is another one, with a bad element",
            two(&pair, &term(1, 0, &[[0xff; 32]])),
        ),
    ]
}

fn sets() -> Vec<(&'static str, Vec<u8>)> {
    let set = |count: u8, values: &[u64], element: [u8; 32]| {
        let values: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        [&[count][..], &values, &element].concat()
    };
    let c = element(1);
    let many: Vec<u64> = (0..17).map(|i| i * i).collect();
    vec![
        ("accepted: one", set(1, &[7], c)),
        ("accepted: both ends", set(2, &[0, u64::MAX], c)),
        ("accepted: sixteen", set(16, &many[..16], c)),
        ("k is 0", set(0, &[], c)),
        ("k is 17", set(17, &many, c)),
        ("k is larger than the set", set(9, &[1, 2], c)),
        ("k is smaller than the set", set(1, &[1, 2], c)),
        ("the same value twice", set(3, &[1, 2, 2], c)),
        ("values descend", set(2, &[2, 1], c)),
        (
            "values descend and the element is bad",
            set(2, &[2, 1], IDENTITY),
        ),
        ("k is 17 and the element is bad", set(17, &many, IDENTITY)),
    ]
}

fn proximities() -> Vec<(&'static str, Vec<u8>)> {
    let near = |n: u16, tau: u32, elements: [[u8; 32]; 2]| {
        [&n.to_le_bytes()[..], &tau.to_le_bytes(), &elements.concat()].concat()
    };
    let (t, p) = (element(1), element(2));
    vec![
        ("accepted: 256", near(256, 1, [t, p])),
        ("accepted: 512", near(512, 1, [t, p])),
        ("accepted: tau is 0", near(128, 0, [t, p])),
        (
            "accepted: the largest tau",
            near(128, TAU_LIMIT - 1, [t, p]),
        ),
        ("accepted: one commitment twice", near(128, 1, [t, t])),
        ("tau is 2^25", near(128, TAU_LIMIT, [t, p])),
        ("n is 0", near(0, 1, [t, p])),
        ("n is 64", near(64, 1, [t, p])),
        ("n is 129", near(129, 1, [t, p])),
        ("n is 1024", near(1024, 1, [t, p])),
        ("n and an element are bad", near(64, 1, [IDENTITY, p])),
        (
            "tau and an element are bad",
            near(128, TAU_LIMIT, [[0xff; 32], p]),
        ),
    ]
}

#[test]
fn context_vectors() {
    let f = fields();
    let consent = ContextFields {
        purpose: Purpose::Consent,
        order_hash: [1; 32],
        ..f
    };
    let long = [b'x'; NAME_BYTES_MAX + 1];
    let longest = &long[..NAME_BYTES_MAX];
    let at = |purpose, contact_id| ContextFields {
        purpose,
        contact_id,
        ..f
    };
    let mut offered = vec![
        ("accepted", f),
        ("accepted: a consent", consent),
        (
            "accepted: the longest names",
            ContextFields {
                origin: longest,
                tenant: longest,
                contact_id: longest,
                ..f
            },
        ),
        (
            "accepted: names of one byte",
            ContextFields {
                origin: b"o",
                tenant: b"t",
                contact_id: b"c",
                ..f
            },
        ),
        ("no origin", ContextFields { origin: b"", ..f }),
        ("origin of 256 bytes", ContextFields { origin: &long, ..f }),
        ("no tenant", ContextFields { tenant: b"", ..f }),
        ("tenant of 256 bytes", ContextFields { tenant: &long, ..f }),
        (
            "contact of 256 bytes",
            ContextFields {
                contact_id: &long,
                ..f
            },
        ),
        (
            "contact of 256 bytes where none is needed",
            at(Purpose::Enrol, &long),
        ),
        ("no contact of a call", at(Purpose::CustomerCall, b"")),
        (
            "no contact of a consent",
            ContextFields {
                contact_id: b"",
                ..consent
            },
        ),
        (
            "accepted: one microsecond",
            ContextFields {
                expires_us: f.not_before_us + 1,
                ..f
            },
        ),
        (
            "expires as it begins",
            ContextFields {
                expires_us: f.not_before_us,
                ..f
            },
        ),
        (
            "expires before it begins",
            ContextFields {
                expires_us: f.not_before_us - 1,
                ..f
            },
        ),
        (
            "accepted: all of time",
            ContextFields {
                not_before_us: 0,
                expires_us: u64::MAX,
                ..f
            },
        ),
        (
            "a consent without an order",
            ContextFields {
                order_hash: [0; 32],
                ..consent
            },
        ),
        (
            "an order without a consent",
            ContextFields {
                order_hash: [1; 32],
                ..f
            },
        ),
    ];
    for purpose in [
        Purpose::AgentLogin,
        Purpose::AgentPresence,
        Purpose::Enrol,
        Purpose::PhoneSession,
    ] {
        offered.push(("accepted: no contact", at(purpose, b"")));
        offered.push(("accepted: a contact", at(purpose, b"c")));
        let order_hash = [1; 32];
        offered.push((
            "an order",
            ContextFields {
                order_hash,
                ..at(purpose, b"c")
            },
        ));
    }
    let cases: Vec<Value> = offered
        .iter()
        .map(|(name, fields)| {
            let context = Context::new(*fields);
            assert_eq!(context.is_ok(), name.starts_with("accepted"), "{name}");
            json!({
                "name": name,
                "context": describe_context(*fields),
                "context_bytes": context.ok().map(|context| hex::encode(context.bytes())),
            })
        })
        .collect();
    let file = json!({ "suite": 1, "cases": cases });
    expect_file!["../vectors/decisions/contexts.json"].assert_eq(&pretty(&file));
}
