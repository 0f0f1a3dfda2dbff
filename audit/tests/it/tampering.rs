//! What a receipt survives: nothing. And what a quorum is: distinct, known, honest to itself.

use akashi_merkle::{
    CheckError, Cosigner, CosignerSecret, InclusionError, KeySet, KeySetFault, Origin, Receipt,
    ReceiptError, find_equivocation, leaf_hash,
};
use proptest::prelude::*;

use crate::cluster::{Cluster, TIME_S, head, origin, verdict, verdicts};

#[test]
fn a_receipt_proves_its_leaf_and_says_who_vouches() {
    let cluster = Cluster::new(3);
    let text = cluster.receipt(&verdicts(300), 123, &[0, 2]).to_text();
    let proved = Receipt::parse(&text)
        .unwrap()
        .verify(&cluster.keys)
        .unwrap();
    assert_eq!(proved.index(), 123);
    assert_eq!(proved.leaf().unwrap(), verdict(123));
    assert_eq!(proved.head().size(), 300);
    let who: Vec<_> = proved
        .head()
        .vouches()
        .iter()
        .map(|v| (v.site.as_str(), v.name.as_str(), v.time_s))
        .collect();
    assert_eq!(who, [("tokyo", "n1", TIME_S), ("osaka", "n3", TIME_S + 1)]);
}

#[test]
fn no_byte_of_a_receipt_can_change() {
    let cluster = Cluster::new(3);
    let receipt = cluster.receipt(&verdicts(13), 5, &[0, 1]);
    let text = receipt.to_text().into_bytes();
    verify(&cluster.keys, &text).unwrap();
    for at in 0..text.len() {
        for flip in [0x01, 0x02, 0x04, 0x20, 0x80, 0xff] {
            let mut changed = text.clone();
            changed[at] ^= flip;
            let refused = verify(&cluster.keys, &changed);
            assert!(refused.is_err(), "byte {at} xor {flip:#x} goes unnoticed");
        }
        let mut shorter = text.clone();
        shorter.remove(at);
        assert!(
            verify(&cluster.keys, &shorter).is_err(),
            "byte {at} can be left out"
        );
    }
    for end in 0..text.len() {
        assert!(
            verify(&cluster.keys, &text[..end]).is_err(),
            "it can end at {end}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_byte_of_any_receipt_can_change(
        size in 1_u64..100, index in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(), flip in 1_u8..,
    ) {
        let cluster = Cluster::new(3);
        let index = index.index(usize::try_from(size).unwrap());
        let receipt = cluster.receipt(&verdicts(size), index.try_into().unwrap(), &[1, 2]);
        let mut text = receipt.to_text().into_bytes();
        prop_assert!(verify(&cluster.keys, &text).is_ok());
        let at = at.index(text.len());
        text[at] ^= flip;
        prop_assert!(verify(&cluster.keys, &text).is_err());
    }

    /// With more signatures than needed, a spoilt name makes that line foreign: the receipt may
    /// still hold, but only ever for the same leaf, index and head.
    #[test]
    fn a_spare_signature_can_be_spoilt_but_nothing_else_changes(
        at in any::<prop::sample::Index>(), flip in 1_u8..,
    ) {
        let cluster = Cluster::new(3);
        let receipt = cluster.receipt(&verdicts(9), 4, &[0, 1, 2]);
        let mut text = receipt.to_text().into_bytes();
        let at = at.index(text.len());
        text[at] ^= flip;
        if let Ok(read) = Receipt::parse_bytes(&text)
            && let Ok(proved) = read.verify(&cluster.keys)
        {
            prop_assert_eq!(proved.bytes(), &receipt.leaf);
            prop_assert_eq!(proved.index(), receipt.index);
            prop_assert_eq!(proved.head().head(), &receipt.signed_head.head);
            prop_assert_eq!(proved.head().vouches().len(), 2);
        }
    }

    #[test]
    fn parsers_end_well_on_anything(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(read) = Receipt::parse_bytes(&bytes) {
            prop_assert_eq!(read.to_text().into_bytes(), bytes.clone());
        }
        if let Ok(read) = KeySet::parse(&String::from_utf8_lossy(&bytes)) {
            prop_assert_eq!(KeySet::parse(&read.to_text()), Ok(read));
        }
    }

    #[test]
    fn parsers_end_well_on_mangled_texts(
        cuts in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 1..4),
    ) {
        let cluster = Cluster::new(3);
        let receipt = cluster.receipt(&verdicts(9), 4, &[0, 1, 2]).to_text();
        for text in [receipt, cluster.keys.to_text()] {
            let mut lines: Vec<&str> = text.split('\n').collect();
            for (a, b) in &cuts {
                let (a, b) = (a.index(lines.len()), b.index(lines.len()));
                lines.swap(a, b);
            }
            let mangled = lines.join("\n");
            if let Ok(read) = KeySet::parse(&mangled) {
                prop_assert_eq!(KeySet::parse(&read.to_text()), Ok(read));
            }
            if let Ok(read) = Receipt::parse(&mangled) {
                prop_assert_eq!(read.to_text(), mangled);
            }
        }
    }
}

#[test]
fn each_reason_to_refuse_has_its_name() {
    let cluster = Cluster::new(3);
    let receipt = cluster.receipt(&verdicts(20), 7, &[0, 1]);
    let refused = |receipt: &Receipt| receipt.verify(&cluster.keys).unwrap_err();

    let mut other = receipt.clone();
    other.leaf = verdict(8).encode();
    assert_eq!(
        refused(&other),
        ReceiptError::Inclusion(InclusionError::RootMismatch)
    );
    let mut other = receipt.clone();
    other.index = 20;
    assert_eq!(
        refused(&other),
        ReceiptError::Inclusion(InclusionError::OutOfRange)
    );
    let mut other = receipt.clone();
    other.path.pop();
    assert_eq!(
        refused(&other),
        ReceiptError::Inclusion(InclusionError::PathLength)
    );
    let mut other = receipt.clone();
    other.signed_head.signatures.pop();
    let needed = CheckError::NoQuorum { held: 1, needed: 2 };
    assert_eq!(refused(&other), ReceiptError::Head(needed));
    let mut other = receipt.clone();
    other.signed_head.head.size += 1;
    assert_eq!(
        refused(&other),
        ReceiptError::Head(CheckError::BadSignature)
    );
    let mut other = receipt;
    other.signed_head.head.origin = Origin::new("kagami.example", 2, 0).unwrap();
    assert_eq!(refused(&other), ReceiptError::Head(CheckError::WrongOrigin));
}

#[test]
fn a_quorum_is_made_of_distinct_known_cosigners() {
    let cluster = Cluster::new(5);
    let head = head(1, leaf_hash(b"leaf"));
    let check = |signers: &[usize]| cluster.sign(&head, signers).check(&cluster.keys);
    assert_eq!(check(&[0, 1, 4]).unwrap().vouches().len(), 3);
    assert_eq!(
        check(&[0, 1, 0, 1]),
        Err(CheckError::NoQuorum { held: 2, needed: 3 })
    );
    assert_eq!(check(&[]), Err(CheckError::NoQuorum { held: 0, needed: 3 }));

    let stranger = CosignerSecret::from_seed("n3.kagami.example", &[99; 32]).unwrap();
    let mut signed = cluster.sign(&head, &[0, 1]);
    signed
        .signatures
        .push(stranger.cosign(&head, TIME_S).unwrap().to_note_signature());
    assert_eq!(
        signed.check(&cluster.keys),
        Err(CheckError::NoQuorum { held: 2, needed: 3 })
    );
    signed.signatures.push(
        cluster.secrets[4]
            .cosign(&head, TIME_S)
            .unwrap()
            .to_note_signature(),
    );
    assert_eq!(signed.check(&cluster.keys).unwrap().vouches().len(), 3);
}

#[test]
fn what_can_grow_has_a_limit() {
    let cluster = Cluster::new(3);
    let receipt = cluster.receipt(&verdicts(2), 0, &[0, 1]);
    let mut long_path = receipt.clone();
    long_path.path = vec![[0; 32]; 63];
    let refused = Receipt::parse(&long_path.to_text());
    assert_eq!(refused, Err(ReceiptError::Malformed { line: 3 + 63 }));
    let mut long_leaf = receipt.clone();
    long_leaf.leaf = vec![0; 65_535];
    assert_eq!(Receipt::parse(&long_leaf.to_text()).unwrap(), long_leaf);
    long_leaf.leaf.push(0);
    let refused = Receipt::parse(&long_leaf.to_text());
    assert_eq!(refused, Err(ReceiptError::Malformed { line: 2 }));
    let mut many = receipt.signed_head;
    many.signatures = vec![many.signatures[0].clone(); 65];
    assert_eq!(
        many.check(&cluster.keys),
        Err(CheckError::TooManySignatures)
    );
}

#[test]
fn one_bad_signature_of_a_known_key_spoils_the_head() {
    let cluster = Cluster::new(3);
    let signed = cluster.sign(&head(1, leaf_hash(b"leaf")), &[0, 1, 2]);
    for at in 0..signed.signatures[2].body.len() {
        let mut spoilt = signed.clone();
        spoilt.signatures[2].body[at] ^= 1;
        assert_eq!(
            spoilt.check(&cluster.keys),
            Err(CheckError::BadSignature),
            "byte {at}"
        );
    }
    let mut short = signed;
    short.signatures[2].body.pop();
    assert_eq!(short.check(&cluster.keys), Err(CheckError::BadSignature));
}

#[test]
fn signatures_do_not_pass_from_one_head_to_another() {
    let cluster = Cluster::new(3);
    let mut signed = cluster.sign(&head(2, leaf_hash(b"leaf")), &[0, 1]);
    signed.head.root = leaf_hash(b"other");
    assert_eq!(signed.check(&cluster.keys), Err(CheckError::BadSignature));
}

#[test]
fn the_same_key_cannot_sit_in_a_set_twice() {
    let make = |name: &str, key_name: &str, seed: u8| Cosigner {
        name: name.to_owned(),
        site: "tokyo".to_owned(),
        key: CosignerSecret::from_seed(key_name, &[seed; 32])
            .unwrap()
            .public()
            .clone(),
    };
    let set = |cosigners| KeySet::new(origin(), cosigners, 2).map(|_set| ());
    assert_eq!(set(vec![make("n1", "a", 1), make("n2", "b", 2)]), Ok(()));
    let again = vec![make("n1", "a", 1), make("n2", "b", 1)];
    assert_eq!(set(again), Err(KeySetFault::Repeated));
    let named = vec![make("n1", "a", 1), make("n1", "b", 2)];
    assert_eq!(set(named), Err(KeySetFault::Repeated));
    assert_eq!(set(vec![]), Err(KeySetFault::CosignerCount));
    assert_eq!(set(vec![make("n1", "a", 1)]), Err(KeySetFault::Quorum));
    assert_eq!(
        set(vec![make("N1", "a", 1), make("n2", "b", 2)]),
        Err(KeySetFault::Name)
    );
    let four = (1..=4).map(|n| make(&format!("n{n}"), "a", n)).collect();
    assert_eq!(
        set(four),
        Err(KeySetFault::Quorum),
        "two of four do not always meet"
    );
}

#[test]
fn a_cosigner_that_signs_two_roots_of_one_size_is_convicted_by_itself() {
    let cluster = Cluster::new(3);
    let (a, b) = (head(9, leaf_hash(b"a")), head(9, leaf_hash(b"b")));
    let (first, second) = (cluster.sign(&a, &[0, 1]), cluster.sign(&b, &[1, 2]));
    let found = find_equivocation(&first, &second, &cluster.keys);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].cosigner.name, "n2");
    assert_eq!(found[0].first.signatures.len(), 1);
    let again = find_equivocation(&found[0].first, &found[0].second, &cluster.keys);
    assert_eq!(again, found, "the evidence stands alone");

    assert!(find_equivocation(&first, &first, &cluster.keys).is_empty());
    let later = cluster.sign(&head(10, leaf_hash(b"b")), &[1, 2]);
    assert!(find_equivocation(&first, &later, &cluster.keys).is_empty());
    let mut forged = cluster.sign(&a, &[1, 2]);
    forged.head = b;
    assert!(find_equivocation(&first, &forged, &cluster.keys).is_empty());
}

#[test]
fn a_receipt_is_made_with_no_more_signatures_than_needed() {
    let cluster = Cluster::new(5);
    let signed = cluster.sign(&head(1, leaf_hash(b"leaf")), &[4, 4, 1, 0, 2]);
    let trimmed = signed.to_quorum(&cluster.keys).unwrap();
    assert_eq!(trimmed.signatures.len(), 3);
    assert_eq!(trimmed.check(&cluster.keys).unwrap().vouches().len(), 3);
}

fn verify(keys: &KeySet, text: &[u8]) -> Result<(), ReceiptError> {
    Receipt::parse_bytes(text)?.verify(keys).map(|_proved| ())
}
