//! Vectors made by others: transparency-dev/merkle, transparency-dev/formats, C2SP.
//!
//! Sources, commits and licences stand in `tests/vectors/README.md`.

use akashi_merkle::{
    CosignError, Cosignature, CosignerKey, Hash, KeyError, KeySet, KeySetFault, NoteSignature,
    OriginError, Receipt, ReceiptError, SignedHead, verify_consistency, verify_inclusion,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::cluster::verdicts;

const MERKLE: &str = include_str!("../vectors/transparency-dev-merkle.json");

#[test]
fn inclusion_vectors_are_judged_as_they_say() {
    let tally = judge("inclusion", |v| {
        verify_inclusion(
            &hash(&v["leafHash"])?,
            number(&v["leafIdx"]),
            number(&v["treeSize"]),
            &path(&v["proof"])?,
            &hash(&v["root"])?,
        )
        .is_ok()
        .into()
    });
    assert_eq!(
        tally,
        Tally {
            vectors: 98,
            accepted: 6,
            refused_by_type: 26,
            refused_though_good: 0
        }
    );
}

#[test]
fn consistency_vectors_are_judged_as_they_say() {
    let tally = judge("consistency", |v| {
        verify_consistency(
            number(&v["size1"]),
            number(&v["size2"]),
            &hash(&v["root1"])?,
            &hash(&v["root2"])?,
            &path(&v["proof"])?,
        )
        .is_ok()
        .into()
    });
    // The one refused though good has roots of 14 bytes, which a `Hash` cannot hold.
    assert_eq!(
        tally,
        Tally {
            vectors: 98,
            accepted: 5,
            refused_by_type: 27,
            refused_though_good: 1
        }
    );
}

#[test]
fn subtree_inclusion_vectors_are_judged_as_they_say() {
    // A leaf in the subtree [start, end) is a leaf of a tree of its own (draft-ietf-plants
    // section on subtrees); which ranges are subtrees is checked here, as the crate has no use
    // for them.
    let tally = judge("subtreeinclusion", |v| {
        let (start, end, index) = (
            number(&v["start"]),
            number(&v["end"]),
            number(&v["leafIdx"]),
        );
        if !is_subtree(start, end) || index < start {
            return Some(false);
        }
        let (leaf, root) = (hash(&v["leafHash"])?, hash(&v["root"])?);
        verify_inclusion(
            &leaf,
            index - start,
            end - start,
            &path(&v["proof"])?,
            &root,
        )
        .is_ok()
        .into()
    });
    assert_eq!(
        tally,
        Tally {
            vectors: 204,
            accepted: 12,
            refused_by_type: 44,
            refused_though_good: 0
        }
    );
}

#[test]
fn subtree_consistency_vectors_from_the_left_end_are_judged_as_they_say() {
    let tally = judge("subtreeconsistency", |v| {
        if number(&v["start"]) != 0 {
            return None;
        }
        verify_consistency(
            number(&v["end"]),
            number(&v["size"]),
            &hash(&v["root1"])?,
            &hash(&v["root2"])?,
            &path(&v["proof"])?,
        )
        .is_ok()
        .into()
    });
    assert_eq!(tally.vectors, 118);
}

/// `note/note_cosigv1_test.go`, `TestCoSigV1NewVerifier`.
#[test]
fn verifier_keys_of_others_are_judged_as_they_say() {
    let remora = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
    let key = CosignerKey::from_vkey(remora).unwrap();
    assert_eq!(key.to_vkey(), remora);
    assert_eq!(key.name(), "remora.n621.de");
    assert_eq!(key.key_id(), [0xda, 0x77, 0xad, 0xe7]);

    // That library turns plain Ed25519 keys into cosigner keys; we want them spelled out.
    let plain = "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6";
    assert_eq!(CosignerKey::from_vkey(plain), Err(KeyError::Type));
    for (text, error) in [
        ("bananas.sigstore.dev+12344556", KeyError::Syntax),
        (
            "rekor.sigstore.dev+12345678+THIS_IS_NOT_BASE64!",
            KeyError::Syntax,
        ),
        ("rekor.sigstore.dev+12345678+AwEB", KeyError::Type),
        (
            "remora.n621.de+DA77ADE7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
            KeyError::Syntax,
        ),
        (
            "remora.n621.de+00000000+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
            KeyError::KeyId,
        ),
        (
            "remora.n621.dE+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
            KeyError::KeyId,
        ),
        (
            "+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
            KeyError::Name,
        ),
        (
            "a b+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
            KeyError::Name,
        ),
        ("", KeyError::Syntax),
    ] {
        assert_eq!(CosignerKey::from_vkey(text), Err(error), "{text}");
    }
}

/// `note/note_cosigv1_test.go`, `TestCoSigV1Timestamp`.
#[test]
fn the_time_of_a_cosignature_of_others_is_read() {
    let line = |blob: &str| {
        let blob = STANDARD.decode(blob).unwrap();
        let (id, body) = blob.split_first_chunk().unwrap();
        NoteSignature {
            name: "w".into(),
            key_id: *id,
            body: body.to_vec(),
        }
    };
    let good = line(
        "ZGhGuQAAAABm/qTPeyKXD+R2rzyQsxPiP8mXum7qq/iF0u4vanlqJyocWODBt97w9uL+8qT7S5gxEHWWOworDcFiEBYJXORmnFBOBA==",
    );
    let cosignature = Cosignature::from_note_signature(&good).unwrap();
    assert_eq!(cosignature.time_s, 1_727_964_367);
    assert_eq!(cosignature.to_note_signature(), good);
    let of_another_type = line(
        "eQjRQm6eSKzFoiYalgwCPXu2y3ijtg68is9M46JKxuZB+dRfTmeQeDBoXnvxZx2ugnkyV+MUMLXpWs1hPb/W/4xkNQY=",
    );
    assert_eq!(
        Cosignature::from_note_signature(&of_another_type),
        Err(CosignError::Malformed)
    );
}

/// `proof/tlog_proof_test.go`, `TestUnmarshalErrors`, and two lines more.
#[test]
fn malformed_proofs_of_others_are_refused_at_their_line() {
    let long_hash = STANDARD.encode([0; 64]);
    let big = format!(
        "c2sp.org/tlog-proof@v1\nextra AQ==\nindex 0\n{}\n",
        "a".repeat(65 * 1024)
    );
    let head = "c2sp.org/tlog-proof@v1\nextra AQ==\nindex 0\n";
    for (text, line) in [
        ("wrong-header\nindex 0\n\ncheckpoint\n".to_owned(), 1),
        (
            "c2sp.org/tlog-proof@v1\nextra !!notbase64!!\nindex 0\n\ncheckpoint\n".to_owned(),
            2,
        ),
        ("c2sp.org/tlog-proof@v1\n\n\ncheckpoint\n".to_owned(), 2),
        (
            "c2sp.org/tlog-proof@v1\nextra AQ==\n\n\ncheckpoint\n".to_owned(),
            3,
        ),
        (
            "c2sp.org/tlog-proof@v1\nextra AQ==\nindex notanumber\n\ncheckpoint\n".to_owned(),
            3,
        ),
        (
            "c2sp.org/tlog-proof@v1\nextra AQ==\nindex -5\n\ncheckpoint\n".to_owned(),
            3,
        ),
        (
            "c2sp.org/tlog-proof@v1\nextra AQ==\nindex 05\n\ncheckpoint\n".to_owned(),
            3,
        ),
        (format!("{head}!!notbase64!!\n\ncheckpoint\n"), 4),
        (format!("{head}{long_hash}\n\ncheckpoint\n"), 4),
        (big, 4),
        (head.to_owned(), 4),
    ] {
        assert_eq!(
            Receipt::parse(&text),
            Err(ReceiptError::Malformed { line }),
            "{text:.60}"
        );
    }
    let no_head = Receipt::parse(&format!("{head}\ncheckpoint\n")).unwrap_err();
    assert!(
        matches!(no_head, ReceiptError::Note { line: 8, .. }),
        "{no_head:?}"
    );
}

/// The example of C2SP tlog-checkpoint and tlog-cosignature: a note of a log that is not ours.
#[test]
fn the_example_of_the_specification_is_a_note_but_not_of_our_log() {
    let text = "example.com/behind-the-sofa\n20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    assert_eq!(
        SignedHead::parse(text).unwrap_err().line(),
        1,
        "its origin names no epoch"
    );
    let ours = text.replace("behind-the-sofa\n2", "behind-the-sofa/e0/g0\n2");
    let signed = SignedHead::parse(&ours).unwrap();
    assert_eq!(signed.to_text(), ours);
    let times: Vec<u64> = signed.cosignatures().map(|c| c.time_s).collect();
    assert_eq!(
        times,
        [1_679_315_147],
        "the log's own signature is no cosignature"
    );
}

/// `witness/witness_policy_test.go`: what a policy may look like, with keys of the right type.
#[test]
fn policies_in_the_style_of_others_are_read() {
    let cluster = Cluster::new(3);
    let vkeys: Vec<String> = cluster
        .keys
        .cosigners()
        .iter()
        .map(|c| c.key.to_vkey())
        .collect();
    let [a, b, c] = [&vkeys[0], &vkeys[1], &vkeys[2]];
    let untidy = format!(
        "\n\n# comment\n\t# akashi-origin  kagami.example/e1/g0\n#no blank\n\
         witness   tokyo/n1      {a}     \n  witness tokyo/n2            {b}\n\n\t  \n\
         \t#comment\n witness\tosaka/n3\t{c}\ngroup      g1    2     tokyo/n1  tokyo/n2 osaka/n3\n\n\
         \t quorum      g1"
    );
    assert_eq!(KeySet::parse(&untidy).unwrap(), cluster.keys);

    let tidy = cluster.keys.to_text();
    assert_eq!(
        KeySet::parse(&tidy.replace("s 2 ", "s all "))
            .unwrap()
            .quorum(),
        3
    );
}

/// The same source, `TestParsePolicy_Errors`, and what only our files can get wrong.
#[test]
fn policies_that_say_too_much_or_too_little_are_refused_at_their_line() {
    let tidy = Cluster::new(3).keys.to_text();
    for (from, to, line, fault) in [
        ("replicas 2", "replicas -1", 5, KeySetFault::Quorum),
        ("replicas 2", "replicas 0", 5, KeySetFault::Quorum),
        ("replicas 2", "replicas any", 5, KeySetFault::Quorum),
        ("replicas 2", "replicas 4", 5, KeySetFault::Quorum),
        (" osaka/n3\n", "\n", 5, KeySetFault::Group),
        ("osaka/n3\n", "osaka/n3 osaka/n3\n", 5, KeySetFault::Group),
        ("osaka/n3\n", "osaka/n4\n", 5, KeySetFault::Group),
        ("group replicas", "group none", 5, KeySetFault::Name),
        (
            "quorum replicas",
            "quorum others",
            6,
            KeySetFault::QuorumLine,
        ),
        ("quorum replicas", "quorum none", 6, KeySetFault::QuorumLine),
        ("quorum replicas\n", "", 6, KeySetFault::QuorumLine),
        (
            "quorum replicas\n",
            "quorum replicas\nquorum replicas\n",
            7,
            KeySetFault::QuorumLine,
        ),
        (
            "group",
            "log kagami.example\ngroup",
            5,
            KeySetFault::Keyword,
        ),
        (
            "witness osaka/n3",
            "witness osaka/n2 osaka/n3",
            4,
            KeySetFault::Items,
        ),
        ("witness tokyo/n1", "witness n1", 2, KeySetFault::Name),
        (
            "witness tokyo/n2",
            "witness tokyo/n1",
            3,
            KeySetFault::Repeated,
        ),
        (
            "n1.kagami",
            "n9.kagami",
            2,
            KeySetFault::Key(KeyError::KeyId),
        ),
        ("# akashi-origin", "# origin", 7, KeySetFault::OriginCount),
        (
            "\n",
            "\n# akashi-origin kagami.example/e1/g0\n",
            2,
            KeySetFault::OriginCount,
        ),
        ("e1/g0", "e1", 1, KeySetFault::Origin(OriginError::Group)),
        ("\n", "\r\n", 1, KeySetFault::Control),
    ] {
        let text = tidy.replace(from, to);
        let error = KeySet::parse(&text).unwrap_err();
        assert_eq!((error.line, error.fault), (line, fault), "{text}");
    }
    let error = KeySet::parse("").unwrap_err();
    assert_eq!(
        error.to_string(),
        "key set line 1: exactly one origin comment is needed"
    );
}

/// Signatures of unknown keys of any type stay in the note and do no harm.
#[test]
fn foreign_signatures_are_kept_and_ignored() {
    let cluster = Cluster::new(3);
    let mut signed = cluster.head_of(&verdicts(5));
    let post_quantum = NoteSignature {
        name: "証人.example".into(),
        key_id: [1, 2, 3, 4],
        body: vec![7; 2428],
    };
    signed.signatures.insert(0, post_quantum);
    let read = SignedHead::parse(&signed.to_text()).unwrap();
    assert_eq!(read, signed);
    assert_eq!(read.check(&cluster.keys).unwrap().vouches().len(), 2);
    assert_eq!(
        read.to_quorum(&cluster.keys).unwrap().signatures,
        signed.signatures[1..]
    );
}

#[derive(Debug, Default, PartialEq)]
struct Tally {
    vectors: usize,
    accepted: usize,
    /// Hashes that are not 32 bytes, which our types cannot even express.
    refused_by_type: usize,
    refused_though_good: usize,
}

/// Runs all vectors of a kind. The verdict is `None` when a vector cannot be expressed.
fn judge(kind: &str, verdict: impl Fn(&Value) -> Option<bool>) -> Tally {
    let all: Value = serde_json::from_str(MERKLE).unwrap();
    let mut tally = Tally::default();
    for vector in all["vectors"][kind].as_array().unwrap() {
        tally.vectors += 1;
        let good = !vector["wantErr"].as_bool().unwrap();
        match verdict(vector) {
            Some(accepted) => {
                assert_eq!(accepted, good, "{}", vector["name"]);
                tally.accepted += usize::from(accepted);
            }
            None => {
                tally.refused_by_type += 1;
                tally.refused_though_good += usize::from(good);
            }
        }
    }
    tally
}

/// Whether `[start, end)` is a subtree: start is a multiple of the power of two that holds it.
fn is_subtree(start: u64, end: u64) -> bool {
    let width = end.checked_sub(start).filter(|width| *width > 0);
    width
        .and_then(u64::checked_next_power_of_two)
        .is_some_and(|holds| start.is_multiple_of(holds))
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn hash(value: &Value) -> Option<Hash> {
    STANDARD.decode(value.as_str()?).unwrap().try_into().ok()
}

fn path(value: &Value) -> Option<Vec<Hash>> {
    value
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(hash)
        .collect()
}
