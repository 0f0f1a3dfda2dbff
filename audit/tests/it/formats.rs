//! The texts and bytes we write: one spelling each, and a plain answer to every wrong one.

use akashi_merkle::{
    CosignError, Cosignature, CosignerKey, ENTRY_BYTES_MAX, Extensions, Head, HeadError, KeyError,
    LEAF_FIXED_BYTES, Leaf, LeafError, NoteError, NoteSignature, Origin, OriginError, SignedHead,
    empty_root, leaf_hash,
};
use proptest::prelude::*;

use crate::cluster::{Cluster, head, verdict, verdicts};

#[test]
fn a_leaf_is_read_back_as_it_was_written() {
    let leaf = verdict(9);
    assert_eq!(Leaf::decode(&leaf.encode()).unwrap(), leaf);
    assert_eq!(leaf.hash(), leaf_hash(&leaf.encode()));
    let bare = Leaf::default();
    assert_eq!(bare.encode().len(), LEAF_FIXED_BYTES);
    assert_eq!(Leaf::decode(&bare.encode()).unwrap(), bare);
}

#[test]
fn bytes_that_are_no_leaf_are_refused() {
    let good = verdict(9).encode();
    for end in 0..good.len() {
        assert_eq!(
            Leaf::decode(&good[..end]),
            Err(LeafError::Length),
            "cut at {end}"
        );
    }
    assert_eq!(
        Leaf::decode(&[&good[..], &[0]].concat()),
        Err(LeafError::Length)
    );
    let mut version = good;
    version[0] = 2;
    assert_eq!(Leaf::decode(&version), Err(LeafError::Version));
}

#[test]
fn extensions_are_ascending_short_and_few() {
    let with = |extensions: &[&[u8]]| {
        let extensions = extensions.concat();
        let mut bytes = Leaf::default().encode();
        bytes.truncate(LEAF_FIXED_BYTES - 2);
        bytes.extend_from_slice(&u16::try_from(extensions.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(&extensions);
        Leaf::decode(&bytes).map(|leaf| assert_eq!(leaf.encode(), bytes))
    };
    let (one, two): (&[u8], &[u8]) = (&[0, 1, 0, 1, 9], &[0, 2, 0, 0]);
    assert_eq!(with(&[one, two]), Ok(()));
    assert_eq!(with(&[two, one]), Err(LeafError::ExtensionOrder));
    assert_eq!(with(&[one, one]), Err(LeafError::ExtensionOrder));
    assert_eq!(with(&[&[0, 1, 0, 2, 9]]), Err(LeafError::Length));
    assert_eq!(with(&[&[0, 1, 0]]), Err(LeafError::Length));
    assert_eq!(with(&[&[0, 1, 0, 100], &[0; 100]]), Ok(()));
    assert_eq!(
        with(&[&[0, 1, 0, 101], &[0; 101]]),
        Err(LeafError::ExtensionTooLong)
    );

    let mut extensions = Extensions::default();
    assert_eq!(
        extensions.insert(1, &[0; 101]),
        Err(LeafError::ExtensionTooLong)
    );
    let mut kind = 0;
    while extensions.insert(kind, &[0; 100]).is_ok() {
        kind += 1;
    }
    assert_eq!(
        extensions.insert(kind, &[0; 100]),
        Err(LeafError::ExtensionsTooLong)
    );
    assert_eq!(extensions.insert(0, &[]), Err(LeafError::ExtensionOrder));
    let leaf = Leaf {
        extensions,
        ..Leaf::default()
    };
    let bytes = leaf.encode();
    assert!(bytes.len() <= ENTRY_BYTES_MAX && bytes.len() > ENTRY_BYTES_MAX - 105);
    assert_eq!(Leaf::decode(&bytes).unwrap(), leaf);
}

#[test]
fn an_origin_has_one_spelling() {
    for good in [
        "kagami.example/e1/g0",
        "a/e0/g65535",
        "example.com/akashi/e4294967295/g7",
    ] {
        assert_eq!(Origin::parse(good).unwrap().to_string(), good);
    }
    for (bad, error) in [
        ("", OriginError::Group),
        ("kagami.example/e1", OriginError::Group),
        ("kagami.example/e1/g00", OriginError::Group),
        ("kagami.example/e1/g65536", OriginError::Group),
        ("kagami.example/e1/g+1", OriginError::Group),
        ("e1/g0", OriginError::Epoch),
        ("kagami.example/E1/g0", OriginError::Epoch),
        ("kagami.example/e01/g0", OriginError::Epoch),
        ("kagami.example/e4294967296/g0", OriginError::Epoch),
        ("/e1/g0", OriginError::Cluster),
        ("a//b/e1/g0", OriginError::Cluster),
        ("Kagami.example/e1/g0", OriginError::Cluster),
        ("kagami example/e1/g0", OriginError::Cluster),
        ("kagami+example/e1/g0", OriginError::Cluster),
        ("鏡/e1/g0", OriginError::Cluster),
    ] {
        assert_eq!(Origin::parse(bad), Err(error), "{bad}");
    }
    assert_eq!(
        Origin::new(&"a".repeat(129), 0, 0),
        Err(OriginError::Cluster)
    );
}

#[test]
fn a_head_is_three_lines_and_nothing_else() {
    let text = head(7, leaf_hash(b"7")).to_text();
    assert_eq!(Head::parse(&text).unwrap().to_text(), text);
    let root = text.lines().nth(2).unwrap();
    for (bad, line) in [
        (String::new(), 4),
        (text[..text.len() - 1].to_owned(), 4),
        (format!("{text}\n"), 4),
        (format!("{text}extension\n"), 4),
        (text.replace("e1", "e"), 1),
        (text.replace("\n7\n", "\n07\n"), 2),
        (text.replace("\n7\n", "\n4611686018427387905\n"), 2),
        (text.replace("\n7\n", "\n0\n"), 3),
        (text.replace(root, "AAAA"), 3),
        (text.replace('\n', "\r\n"), 1),
    ] {
        assert_eq!(Head::parse(&bad).unwrap_err().line(), line, "{bad:?}");
    }
    assert_eq!(
        Head::parse(&head(0, empty_root()).to_text()).unwrap().size,
        0
    );
    assert!(matches!(
        Head::parse("x\n1\nx\n"),
        Err(HeadError::Origin(OriginError::Group))
    ));
}

#[test]
fn a_signed_head_names_the_line_that_is_wrong() {
    let text = Cluster::new(3).head_of(&verdicts(4)).to_text();
    assert_eq!(SignedHead::parse(&text).unwrap().to_text(), text);
    let (body, signatures) = text.split_once("\n\n").unwrap();
    let second = signatures.lines().nth(1).unwrap();
    for (bad, line) in [
        (format!("{body}\n"), 4),
        (format!("{body}\n\n"), 5),
        (text[..text.len() - 1].to_owned(), 6),
        (format!("{text}\n"), 7),
        (format!("{text}x"), 7),
        (text.replace("\n\n", "\n\n\n"), 5),
        (text.replace(second, &second.replace('—', "-")), 6),
        (
            text.replace(second, &second.replace("example ", "example")),
            6,
        ),
        (text.replace(second, &second.replace("n2.", "n2+")), 6),
        (text.replace(second, "— n2 AQIDBA=="), 6),
        (text.replace("\n4\n", "\nfour\n"), 2),
        (format!("{text}{}", format!("{second}\n").repeat(63)), 5),
    ] {
        let error = SignedHead::parse(&bad).unwrap_err();
        assert_eq!(error.line(), line, "{error} {bad}");
    }
    assert_eq!(SignedHead::parse_bytes(&[0xff]), Err(NoteError::Bytes));
}

#[test]
fn a_public_key_is_a_canonical_point_of_large_order() {
    let refused = |bytes: [u8; 32]| {
        assert_eq!(
            CosignerKey::new("n1", &bytes),
            Err(KeyError::Point),
            "{bytes:?}"
        );
    };
    // The neutral element, a point of order 8, no point at all.
    refused(first_byte(1, 0));
    refused([
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ]);
    refused(first_byte(2, 0));
    // y = 3 and y = 3 + p: the first is a point of large order, the second a second spelling of
    // one. p = 2^255 - 19 ends in 0xed.
    assert!(CosignerKey::new("n1", &first_byte(3, 0)).is_ok());
    let mut beyond_p = [0xff; 32];
    beyond_p[0] = 0xed + 3;
    beyond_p[31] = 0x7f;
    refused(beyond_p);
}

#[test]
fn a_cosignature_is_carried_in_one_line() {
    let cluster = Cluster::new(3);
    let head = head(1, leaf_hash(b"leaf"));
    let cosignature = cluster.secrets[0].cosign(&head, (1 << 63) - 1).unwrap();
    let line = cosignature.to_note_signature().to_line();
    let read = NoteSignature::parse_line(&line).unwrap();
    let read = Cosignature::from_note_signature(&read).unwrap();
    assert_eq!(read, cosignature);
    cluster.secrets[0].public().verify(&head, &read).unwrap();
    let other = cluster.secrets[1].public().verify(&head, &read);
    assert_eq!(other, Err(CosignError::OtherKey));
    assert_eq!(
        cluster.secrets[0].cosign(&head, 1 << 63),
        Err(CosignError::Time)
    );
    let mut late = cosignature.to_note_signature();
    late.body[0] |= 0x80;
    assert_eq!(
        Cosignature::from_note_signature(&late),
        Err(CosignError::Malformed)
    );
}

fn first_byte(first: u8, others: u8) -> [u8; 32] {
    let mut bytes = [others; 32];
    bytes[0] = first;
    bytes
}

proptest! {
    #[test]
    fn bytes_are_a_leaf_only_if_it_writes_them(
        mut bytes in prop::collection::vec(any::<u8>(), 201..260), first in 0_u8..3,
    ) {
        bytes[0] = first;
        let rest = u16::try_from(bytes.len() - LEAF_FIXED_BYTES).unwrap();
        bytes[LEAF_FIXED_BYTES - 2..LEAF_FIXED_BYTES].copy_from_slice(&rest.to_be_bytes());
        if let Ok(leaf) = Leaf::decode(&bytes) {
            prop_assert_eq!(leaf.encode(), bytes);
        }
    }

    #[test]
    fn one_changed_byte_of_a_leaf_gives_another_leaf_or_none(
        at in any::<prop::sample::Index>(), flip in 1_u8..,
    ) {
        let leaf = verdict(3);
        let mut bytes = leaf.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(other) = Leaf::decode(&bytes) {
            prop_assert_ne!(&other, &leaf);
            prop_assert_eq!(other.encode(), bytes);
        }
    }

    #[test]
    fn any_leaf_is_read_back(
        kind in any::<u16>(), stamp_us in any::<u64>(), flags in any::<u32>(),
        tag in any::<[u8; 16]>(),
        values in prop::collection::btree_map(
            any::<u16>(), prop::collection::vec(any::<u8>(), 0..=100), 0..20),
    ) {
        let mut extensions = Extensions::default();
        for (kind, value) in &values {
            extensions.insert(*kind, value).unwrap();
        }
        let leaf = Leaf {
            kind, stamp_us, flags, subject_tag: tag, extensions, ..Leaf::default()
        };
        prop_assert_eq!(Leaf::decode(&leaf.encode()).unwrap(), leaf);
    }

    #[test]
    fn any_text_is_a_signed_head_only_if_it_writes_it(text in "[a-z0-9/\n ]{0,80}|\\PC{0,40}") {
        if let Ok(signed) = SignedHead::parse(&text) {
            prop_assert_eq!(signed.to_text(), text);
        }
    }
}
