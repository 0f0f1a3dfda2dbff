//! What a webhook says: one leaf of the audit log as a `CloudEvents` 1.0 JSON object.
//!
//! `source` is the log's origin and `id` the leaf's index: together they name one event for ever, and
//! a receiver that has seen the pair drops the message. `sequence` orders events, since messages may
//! overtake each other. `akashitree` and `akashiroot` name the sealed head under which the leaf was
//! verified before it was sent; `data.leaf` has the canonical bytes that a receipt is about.

use akashi_merkle::{CheckedHead, Leaf, Origin};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::clock;
use crate::entropy;
use crate::error::Error;
use crate::event;

/// Most bytes of a body: Standard Webhooks asks for less than 20 KB.
pub const BODY_BYTES_MAX: usize = 20_000;
/// Type of the message that `akashi webhook test` sends.
pub const TEST_TYPE: &str = "jp.akashi.webhook.test.v1";

/// The `CloudEvents` type of an event: `jp.akashi.verdict.reached.v1`.
#[must_use]
pub fn type_of(kind: u16) -> String {
    format!("jp.akashi.{}.v1", event::name(kind))
}

/// The id of the message about a leaf, in every attempt and every replay the same: 64 bits of
/// SHA-256 over the origin, then the index.
#[must_use]
pub fn message_id(origin: &Origin, index: u64) -> String {
    let digest = Sha256::digest(origin.to_string());
    let log = hex::encode(digest.get(..8).unwrap_or_default());
    format!("msg_{log}_{index}")
}

/// A leaf as an event.
#[must_use]
pub fn of_leaf(index: u64, bytes: &[u8], leaf: &Leaf, head: &CheckedHead) -> Value {
    let mut data = event::json::leaf_json(index, leaf);
    if let Value::Object(map) = &mut data {
        map.insert("leaf".to_owned(), json!(STANDARD.encode(bytes)));
    }
    let mut object = json!({
        "specversion": "1.0",
        "type": type_of(leaf.kind),
        "source": head.head().origin.to_string(),
        "id": index.to_string(),
        "time": clock::rfc3339(leaf.stamp_us),
        "datacontenttype": "application/json",
        // As text, with the width of the largest number, so that it sorts as it counts.
        "sequence": format!("{index:020}"),
        "akashitree": head.size().to_string(),
        "akashiroot": hex::encode(head.root()),
        "data": data,
    });
    let subject = [leaf.contact_id, leaf.challenge_id]
        .into_iter()
        .find(|id| *id != [0; 16]);
    if let (Value::Object(map), Some(subject)) = (&mut object, subject) {
        map.insert("subject".to_owned(), json!(hex::encode(subject)));
    }
    object
}

/// The body of a message; one that would be too large goes without the leaf's bytes and columns,
/// and says so.
#[must_use]
pub fn body(mut event: Value) -> String {
    let text = event.to_string();
    if text.len() <= BODY_BYTES_MAX {
        return text;
    }
    if let Some(Value::Object(data)) = event.get_mut("data") {
        data.remove("leaf");
        data.remove("columns");
        data.insert("truncated".to_owned(), json!(true));
    }
    event.to_string()
}

/// A message that is about nothing, to try an endpoint with: its id and its body.
///
/// # Errors
///
/// [`Error::Entropy`].
pub fn test_message(source: &str) -> Result<(String, String), Error> {
    let id = hex::encode(entropy::random::<16>()?);
    let event = json!({
        "specversion": "1.0",
        "type": TEST_TYPE,
        "source": source,
        "id": format!("test-{id}"),
        "time": clock::rfc3339(clock::unix_us()),
        "datacontenttype": "application/json",
        "data": {},
    });
    Ok((format!("msg_test_{id}"), event.to_string()))
}

#[cfg(test)]
mod tests {
    use akashi_merkle::{Cosigner, CosignerSecret, Head, KeySet, SignedHead, leaf_hash};
    use expect_test::expect;

    use super::*;

    fn head(leaf: &[u8]) -> CheckedHead {
        let secret = CosignerSecret::from_seed("n1", &[1; 32]).unwrap();
        let cosigner = Cosigner {
            name: "n1".to_owned(),
            site: "a".to_owned(),
            key: secret.public().clone(),
        };
        let origin = Origin::new("dev", 1, 0).unwrap();
        let keys = KeySet::new(origin.clone(), vec![cosigner], 1).unwrap();
        let head = Head {
            origin,
            size: 1,
            root: leaf_hash(leaf),
        };
        let signature = secret.cosign(&head, 1_795_000_000).unwrap();
        SignedHead::new(head, [&signature]).check(&keys).unwrap()
    }

    fn verdict() -> Leaf {
        let mut leaf = Leaf {
            kind: event::VERDICT_REACHED,
            stamp_us: 1_795_360_245_678_901,
            tenant: 1,
            contact_id: [1; 16],
            challenge_id: [2; 16],
            outcome: 1,
            ..Leaf::default()
        };
        leaf.extensions.insert(7, &[3]).unwrap();
        leaf
    }

    #[test]
    fn an_event_is_written_as_reviewed() {
        let (leaf, bytes) = (verdict(), verdict().encode());
        let mut event = of_leaf(0, &bytes, &leaf, &head(&bytes));
        let written = STANDARD.decode(event["data"]["leaf"].as_str().unwrap());
        assert_eq!(written.unwrap(), bytes);
        event["data"]["leaf"] = json!("…");
        assert_eq!(event["akashiroot"], hex::encode(leaf_hash(&bytes)));
        event["akashiroot"] = json!("…");
        expect![[r#"
            {
              "akashiroot": "…",
              "akashitree": "1",
              "data": {
                "challengeId": "02020202020202020202020202020202",
                "columns": {
                  "factors": 3
                },
                "contactId": "01010101010101010101010101010101",
                "event": "verdict.reached",
                "leaf": "…",
                "leafIndex": 0,
                "logIndex": 0,
                "ordinal": 0,
                "outcome": "verified",
                "stamp": "2026-11-22T15:10:45.678Z",
                "tenant": 1
              },
              "datacontenttype": "application/json",
              "id": "0",
              "sequence": "00000000000000000000",
              "source": "dev/e1/g0",
              "specversion": "1.0",
              "subject": "01010101010101010101010101010101",
              "time": "2026-11-22T15:10:45.678Z",
              "type": "jp.akashi.verdict.reached.v1"
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&event).unwrap());
    }

    #[test]
    fn a_message_has_one_id_for_ever_and_no_dot_in_it() {
        let origin = Origin::new("dev", 1, 0).unwrap();
        assert_eq!(message_id(&origin, 42), message_id(&origin, 42));
        assert_ne!(message_id(&origin, 42), message_id(&origin, 43));
        let other = Origin::new("dev", 2, 0).unwrap();
        assert_ne!(message_id(&origin, 42), message_id(&other, 42));
        assert!(!message_id(&origin, u64::MAX).contains('.'));
    }

    #[test]
    fn a_body_stays_below_20_kb() {
        let mut leaf = verdict();
        for kind in 100..500 {
            leaf.extensions.insert(kind, &[0xff; 100]).unwrap();
        }
        let bytes = leaf.encode();
        let text = body(of_leaf(0, &bytes, &leaf, &head(&bytes)));
        assert!(text.len() < BODY_BYTES_MAX, "{}", text.len());
        let event: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(event["data"]["truncated"], json!(true));
        assert_eq!(event["data"]["outcome"], json!("verified"));
    }
}
