//! Held receipts: what a node says when nobody can decide, and that it says no more.

use akashi_merkle::{
    Cosigner, CosignerKey, CosignerSecret, Held, HeldError, HeldReceipt, KeySet, Origin,
};
use expect_test::expect;

fn secret(name: &str) -> CosignerSecret {
    CosignerSecret::from_seed(name, &[u8::try_from(name.len()).unwrap(); 32]).unwrap()
}

fn keys() -> KeySet {
    let cosigners = ["n1", "two"].map(|name| Cosigner {
        name: name.to_owned(),
        site: "a".to_owned(),
        key: secret(name).public().clone(),
    });
    KeySet::new(Origin::parse("dev/e1/g0").unwrap(), cosigners.to_vec(), 2).unwrap()
}

fn held() -> Held {
    Held {
        origin: Origin::parse("dev/e1/g0").unwrap(),
        challenge_id: [1; 16],
        request_id: [2; 16],
        submission: [3; 32],
        received_us: 1_790_000_000_000_000,
    }
}

#[test]
fn the_statement_and_its_note_are_these_bytes() {
    let receipt = secret("n1").hold(held());
    expect![[r#"
        akashi/v1/held
        dev/e1/g0
        challenge 01010101010101010101010101010101
        request 02020202020202020202020202020202
        submission 0303030303030303030303030303030303030303030303030303030303030303
        received 1790000000000000
    "#]]
    .assert_eq(&receipt.held.to_text());
    let note = receipt.to_note(secret("n1").public());
    let (text, line) = note.split_once("\n\n").unwrap();
    assert_eq!(format!("{text}\n"), receipt.held.to_text());
    assert!(
        line.starts_with("\u{2014} n1 ") && line.ends_with('\n'),
        "{line}"
    );
    assert_eq!(receipt.verify(&keys()), Ok(secret("n1").public()));
}

#[test]
fn any_other_statement_or_signer_is_refused() {
    let good = secret("n1").hold(held());
    let origin = Origin::parse("dev/e2/g0").unwrap();
    let other = |held: Held| HeldReceipt {
        held,
        ..good.clone()
    };
    let tampered = [
        other(Held { origin, ..held() }),
        other(Held {
            challenge_id: [9; 16],
            ..held()
        }),
        other(Held {
            request_id: [9; 16],
            ..held()
        }),
        other(Held {
            submission: [9; 32],
            ..held()
        }),
        other(Held {
            received_us: 1,
            ..held()
        }),
        HeldReceipt {
            node: "two".to_owned(),
            ..good.clone()
        },
    ];
    for bad in tampered {
        assert_eq!(bad.verify(&keys()), Err(HeldError::DoesNotHold), "{bad:?}");
    }
    for bit in 0..512 {
        let mut bad = good.clone();
        bad.signature[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(bad.verify(&keys()), Err(HeldError::DoesNotHold));
    }
    let stranger = secret("stranger").hold(held());
    assert_eq!(stranger.verify(&keys()), Err(HeldError::UnknownNode));
}

#[test]
fn the_two_kinds_of_signature_of_one_key_bear_different_ids() {
    let receipt = secret("n1").hold(held());
    let note = receipt.to_note(secret("n1").public());
    let line = note.lines().last().unwrap();
    let parsed = akashi_merkle::NoteSignature::parse_line(line).unwrap();
    let key: CosignerKey = keys().cosigners()[0].key.clone();
    assert_eq!(parsed.body, receipt.signature);
    assert_ne!(parsed.key_id, key.key_id());
    // The line is no cosignature of anything either: its body has no time.
    assert!(akashi_merkle::Cosignature::from_note_signature(&parsed).is_err());
}
