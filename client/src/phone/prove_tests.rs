//! What a phone answers, judged by the statements that a replica would build.

use akashi_proof::{
    Commitment, Consent, DeviceKey, Kind, Knowledge, Part, PinKey, Possession, Proof, Range,
    RangeBits, RangeTest, recipient_digest, submission_digest, verify,
};
use akashi_proto::v1;
use sha2::{Digest as _, Sha256};
use std::time::Duration;

use super::fixtures::{self, basic, honest, honest_for, phone};
use super::*;
use crate::clock;
use crate::issuer::{Attribute, Issuer, Schema};
use crate::order::{Order, RecipientSecret, Sealed, Sheet};
use crate::policy::{ConsentRule, PolicyPurpose, Predicate, Rules, Source, Test};

const HOUR: Duration = Duration::from_secs(3_600);

fn pin(text: &str) -> Pin {
    Pin::new(text.to_owned().into())
}

fn source(attribute: u16) -> Source {
    Source {
        issuers: vec!["bureau-1".to_owned()],
        schema: "credit".to_owned(),
        schema_version: 1,
        attribute,
    }
}

fn score_at_least(bound: u64) -> Rules {
    Rules {
        predicates: vec![Predicate {
            source: source(0),
            test: Test::AtLeast { bits: 32, bound },
        }],
        ..basic()
    }
}

/// Issues a credential to a phone and has it registered, as far as the phone knows.
fn give_credential(home: &std::path::Path, phone: &Phone, score: u64, limit: u64) -> [u8; 16] {
    let desk = home.join(format!("bureau-{score}"));
    let issuer = Issuer::create(&desk, "bureau-1", "dev/e1/g0", "demo").unwrap();
    let attribute = |name: &str, meaning: &str| Attribute {
        name: name.into(),
        meaning: meaning.into(),
        unit: String::new(),
    };
    let schema = Schema {
        name: "credit".into(),
        version: 1,
        attributes: vec![
            attribute("score", "credit score"),
            attribute("limit", "credit limit"),
        ],
    };
    let now = clock::unix_us();
    let offer = issuer.offer(&schema, now, HOUR).unwrap();
    let request = phone.request_credential(&offer).unwrap();
    let values = [format!("score={score}"), format!("limit={limit}")];
    let issued = issuer.issue(&request, &values, now, HOUR).unwrap();
    let mut holding = phone.take_credential(&issued, now).unwrap();
    phone.note_registered(&mut holding).unwrap();
    holding.serial()
}

fn part(proof: &v1::FactorProof, sealed_digest: [u8; 32]) -> Part<'_> {
    Part {
        kind: Kind::from_code(u8::try_from(proof.kind).unwrap()).unwrap(),
        slot: u8::try_from(proof.slot).unwrap(),
        credential_serial: proof.serial.as_ref().try_into().unwrap_or_default(),
        attribute_index: u16::try_from(proof.attribute).unwrap(),
        proof: &proof.proof,
        sealed_digest,
    }
}

fn digest_of(proof: &v1::FactorProof) -> [u8; 32] {
    match (proof.kind, proof.slot) {
        (2, 1) | (7, _) => Sha256::digest(&proof.attachment).into(),
        (8, _) => Sealed::parse(&proof.attachment).unwrap().digest(),
        _ => [0; 32],
    }
}

/// Checks possession over all other parts, and gives the parts.
fn possession_holds(
    phone: &Phone,
    notice: &CheckedNotice,
    sent: &Submission,
) -> Vec<v1::FactorProof> {
    let (first, rest) = sent.request.proofs.split_first().unwrap();
    assert_eq!((first.kind, first.slot), (1, 0));
    let parts: Vec<Part<'_>> = rest.iter().map(|p| part(p, digest_of(p))).collect();
    let order: Vec<(u32, u32)> = rest.iter().map(|p| (p.kind, p.slot)).collect();
    assert!(order.is_sorted(), "{order:?}");
    let statement = Possession {
        key: device(phone),
        submission_digest: submission_digest(&parts),
    };
    let proof = Proof::parse(&statement, &first.proof).unwrap();
    assert!(verify(notice.context(), &statement, &proof).is_ok());
    rest.to_vec()
}

fn device(phone: &Phone) -> DeviceKey {
    DeviceKey::from_bytes(&phone.device_key().unwrap()).unwrap()
}

fn knowledge_holds(
    phone: &Phone,
    notice: &CheckedNotice,
    proof: &v1::FactorProof,
    key: PinKey,
) -> bool {
    let statement = Knowledge {
        device: device(phone),
        pin: key,
    };
    let parsed = Proof::parse(&statement, &proof.proof).unwrap();
    verify(notice.context(), &statement, &parsed).is_ok()
}

#[tokio::test]
async fn an_answer_proves_the_pin_in_force_and_the_next_one() {
    let (_home, phone) = phone();
    let (notice, _) = honest(&phone);
    let checked = phone.check_notice(&notice).unwrap();
    let enrolled = phone.unlock("1234").unwrap().public();
    let one_two = pin("1234");
    let means = Means {
        pin: Some(&one_two),
        ..Means::default()
    };
    let answer = phone.answer(&checked, &means).unwrap();
    let rest = possession_holds(&phone, &checked, &answer.submission);
    assert_eq!(rest.len(), 2);
    assert!(knowledge_holds(&phone, &checked, &rest[0], enrolled));
    let next: [u8; 32] = rest[1].attachment.as_ref().try_into().unwrap();
    let next = PinKey::from_bytes(&next).unwrap();
    assert_ne!(next.to_bytes(), enrolled.to_bytes());
    assert!(knowledge_holds(&phone, &checked, &rest[1], next));

    // The success is known by the epoch of the next notice, and its PIN is the next one.
    let (notice, _) = honest_for(&phone, &basic(), None, 1, 1_000_000);
    let checked = phone.check_notice(&notice).unwrap();
    let answer = phone.answer(&checked, &means).unwrap();
    let rest = possession_holds(&phone, &checked, &answer.submission);
    assert!(knowledge_holds(&phone, &checked, &rest[0], next));
}

#[tokio::test]
async fn the_plain_proof_needs_the_pin_and_no_more_than_that() {
    let (_home, phone) = phone();
    let checked = phone.check_notice(&honest(&phone).0).unwrap();
    assert!(matches!(
        phone.prove(&checked, None),
        Err(Error::Proof { .. })
    ));
    let secret = phone.unlock("1234").unwrap();
    let sent = phone.prove(&checked, Some(&secret)).unwrap();
    let rest = possession_holds(&phone, &checked, &sent);
    assert!(knowledge_holds(&phone, &checked, &rest[0], secret.public()));
    let (notice, _) = honest_for(&phone, &score_at_least(650), None, 0, 1_000_000);
    let checked = phone.check_notice(&notice).unwrap();
    let refused = phone.prove(&checked, Some(&secret));
    assert!(matches!(refused, Err(Error::Lacking { .. })));
}

#[tokio::test]
async fn a_score_is_proved_with_the_credential_that_makes_it_true_and_is_not_told() {
    let (home, phone) = phone();
    give_credential(home.path(), &phone, 600, 0);
    let serial = give_credential(home.path(), &phone, 700, 0);
    let (notice, _) = honest_for(&phone, &score_at_least(650), None, 0, 1_000_000);
    let checked = phone.check_notice(&notice).unwrap();
    let plan = phone.plan(&checked, None).unwrap();
    let shown = plan.lines().join("\n");
    assert!(shown.contains("credit score is at least 650"), "{shown}");
    assert!(!shown.contains("700"), "{shown}");
    let one_two = pin("1234");
    let means = Means {
        pin: Some(&one_two),
        ..Means::default()
    };
    let answer = phone.answer(&checked, &means).unwrap();
    let rest = possession_holds(&phone, &checked, &answer.submission);
    let proof = rest.last().unwrap();
    assert_eq!((proof.kind, proof.slot, proof.attribute), (5, 0, 0));
    assert_eq!(proof.serial.as_ref(), serial);
    let holdings = phone.holdings().unwrap();
    let used = holdings.iter().find(|h| h.serial() == serial).unwrap();
    let value: Commitment = used.commitment(0).unwrap();
    let test = RangeTest::AtLeast { value, bound: 650 };
    let statement = Range::new(RangeBits::ThirtyTwo, &[test]).unwrap();
    let parsed = Proof::parse(&statement, &proof.proof).unwrap();
    assert!(verify(checked.context(), &statement, &parsed).is_ok());
}

#[tokio::test]
async fn a_score_that_is_too_low_is_said_to_be_lacking_without_being_told() {
    let (home, phone) = phone();
    let (notice, _) = honest_for(&phone, &score_at_least(650), None, 0, 1_000_000);
    let checked = phone.check_notice(&notice).unwrap();
    assert!(matches!(
        phone.plan(&checked, None),
        Err(Error::Lacking { .. })
    ));
    give_credential(home.path(), &phone, 600, 0);
    let error = phone.plan(&checked, None).unwrap_err();
    assert_eq!(error.code().explain().number, 1013);
    assert!(!error.to_string().contains("600"), "{error}");
}

fn purchase(recipient: [u8; 32]) -> Rules {
    Rules {
        purpose: PolicyPurpose::Consent,
        predicates: vec![Predicate {
            source: source(1),
            test: Test::CoversAmount {
                bits: 64,
                amount: 0,
            },
        }],
        consent: Some(ConsentRule {
            recipient,
            max_payload_bytes: 16_384,
        }),
        ..basic()
    }
}

fn order() -> Order {
    let sheet = "currency = \"JPY\"\n[[line]]\ntext = \"rice\"\nquantity = 1\namount = 4960\n";
    Order::of(Sheet::parse(sheet).unwrap()).unwrap()
}

#[tokio::test]
async fn a_consent_covers_the_order_its_sealed_payload_and_every_other_part() {
    let (home, phone) = phone();
    give_credential(home.path(), &phone, 700, 5_000);
    let processor = RecipientSecret::generate().unwrap();
    let (order, rules) = (order(), purchase(processor.public()));
    let (notice, _) = honest_for(&phone, &rules, Some(&order), 0, 1_000_000);
    let checked = phone.check_notice(&notice).unwrap();
    let one_two = pin("1234");
    let means = Means {
        pin: Some(&one_two),
        order: Some((&order, b"4-2-8 Shiba")),
        face: None,
    };
    let answer = phone.answer(&checked, &means).unwrap();
    let rest = possession_holds(&phone, &checked, &answer.submission);
    let (consent, others) = rest.split_last().unwrap();
    let parts: Vec<Part<'_>> = others.iter().map(|p| part(p, digest_of(p))).collect();
    let statement = Consent {
        key: device(&phone),
        order_hash: order.hash(),
        sealed_digest: digest_of(consent),
        recipient_digest: recipient_digest(&processor.public()),
        submission_digest: submission_digest(&parts),
    };
    let proof = Proof::parse(&statement, &consent.proof).unwrap();
    assert!(verify(checked.context(), &statement, &proof).is_ok());
    let opened = answer.sealed.unwrap().open(&processor).unwrap();
    assert_eq!(&*opened.data, b"4-2-8 Shiba");
    assert_eq!(opened.order.hash(), order.hash());
}

#[tokio::test]
async fn an_order_that_is_not_the_sealed_one_is_neither_shown_nor_approved() {
    let (home, phone) = phone();
    give_credential(home.path(), &phone, 700, 5_000);
    let processor = RecipientSecret::generate().unwrap();
    let (approved, other) = (order(), order());
    let rules = purchase(processor.public());
    let (notice, _) = honest_for(&phone, &rules, Some(&approved), 0, 1_000_000);
    let checked = phone.check_notice(&notice).unwrap();
    let refused = phone.plan(&checked, Some(&other)).unwrap_err();
    assert_eq!(refused.code().exit().number(), 7);
    assert!(matches!(
        phone.plan(&checked, None),
        Err(Error::Lacking { .. })
    ));
    // Commitments of another order beside the right hash.
    let (mut notice, _) = honest_for(&phone, &rules, Some(&approved), 0, 1_000_000);
    let swapped = other.amounts()[0].to_bytes().to_vec();
    notice.order.as_mut().unwrap().amounts = vec![swapped.into()];
    let checked = phone.check_notice(&notice).unwrap();
    assert!(phone.plan(&checked, Some(&approved)).is_err());
    // Another recipient than the policy's.
    notice.order.as_mut().unwrap().recipient = vec![9; 32].into();
    assert!(phone.check_notice(&notice).is_err());
}

#[tokio::test]
async fn a_limit_below_the_amount_cannot_be_proved() {
    let (home, phone) = phone();
    give_credential(home.path(), &phone, 700, 4_959);
    let order = order();
    let rules = purchase(RecipientSecret::generate().unwrap().public());
    let (notice, _) = honest_for(&phone, &rules, Some(&order), 0, 1_000_000);
    let checked = phone.check_notice(&notice).unwrap();
    let refused = phone.plan(&checked, Some(&order));
    assert!(matches!(refused, Err(Error::Lacking { .. })));
}

#[tokio::test]
async fn credentials_are_private_and_their_debug_output_says_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let (home, phone) = phone();
    let serial = give_credential(home.path(), &phone, 765, 43_210);
    let own = phone.directory().path().join("credentials");
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&own), 0o700);
    let file = own.join(format!("{}.json", hex::encode(serial)));
    assert_eq!(mode(&file), 0o600);
    let shown = format!("{:?}", phone.holdings().unwrap());
    assert!(
        !shown.contains("765") && !shown.contains("43210"),
        "{shown}"
    );
    assert_eq!(
        std::fs::read_dir(phone.directory().path().join("requests"))
            .unwrap()
            .count(),
        0,
        "an answered request is gone"
    );
}

#[tokio::test]
async fn an_offer_for_another_log_and_a_credential_for_another_phone_are_refused() {
    let (home, phone) = phone();
    let (_other_home, other) = fixtures::phone();
    let issuer = Issuer::create(&home.path().join("b"), "bureau-1", "dev/e1/g0", "demo").unwrap();
    let foreign = Issuer::create(&home.path().join("c"), "bureau-1", "evil/e1/g0", "demo").unwrap();
    let schema =
        Schema::parse("name = \"a\"\nversion = 1\n[[attribute]]\nname = \"b\"\nmeaning = \"c\"\n")
            .unwrap();
    let now = clock::unix_us();
    let offer = foreign.offer(&schema, now, HOUR).unwrap();
    let refused = phone.request_credential(&offer).unwrap_err();
    assert_eq!(refused.code().exit().number(), 7);
    let offer = issuer.offer(&schema, now, HOUR).unwrap();
    let request = phone.request_credential(&offer).unwrap();
    let issued = issuer
        .issue(&request, &["b=1".to_owned()], now, HOUR)
        .unwrap();
    assert!(other.take_credential(&issued, now).is_err());
    let mut changed = issued.clone();
    changed.values[0] = 2;
    assert!(phone.take_credential(&changed, now).is_err());
    assert!(phone.take_credential(&issued, now).is_ok());
}
