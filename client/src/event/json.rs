//! A leaf as a JSON object: what scripts, `akashi listen` and webhooks get.
//!
//! Field names and their meaning are an interface; new ones may come, none goes away.

use akashi_merkle::Leaf;
use serde_json::{Value, json};

use super::columns;
use crate::answer::Outcome;
use crate::clock;
use crate::event;

/// A leaf as a JSON object; only the fields that are set. Ids and hashes are hexadecimal, `stamp` is
/// RFC 3339 in UTC, `columns` holds the extensions.
#[must_use]
pub fn leaf_json(index: u64, leaf: &Leaf) -> Value {
    let mut object = json!({
        "leafIndex": index,
        "event": event::name(leaf.kind),
        "stamp": clock::rfc3339(leaf.stamp_us),
        "logIndex": leaf.log_index,
        "ordinal": leaf.ordinal,
        "tenant": leaf.tenant,
    });
    if let Value::Object(map) = &mut object {
        for (name, bytes) in ids(leaf) {
            if bytes.iter().any(|byte| *byte != 0) {
                map.insert(name.to_owned(), json!(hex::encode(bytes)));
            }
        }
        if let Some(outcome) = outcome(leaf) {
            map.insert("outcome".to_owned(), json!(outcome.name()));
        }
        for (name, number) in [
            ("reason", u64::from(leaf.reason)),
            ("flags", u64::from(leaf.flags)),
            ("policyVersion", u64::from(leaf.policy_version)),
            ("suite", u64::from(leaf.suite)),
        ] {
            if number != 0 {
                map.insert(name.to_owned(), json!(number));
            }
        }
        if !leaf.extensions.is_empty() {
            map.insert("columns".to_owned(), columns::as_json(&leaf.extensions));
        }
    }
    object
}

/// The outcome of a leaf; none if it has none, or one that this version does not know.
#[must_use]
pub fn outcome(leaf: &Leaf) -> Option<Outcome> {
    Outcome::from_number(i32::from(leaf.outcome)).ok().flatten()
}

/// Ids and hashes of a leaf with their field names; zeros where there is none.
#[must_use]
pub fn ids(leaf: &Leaf) -> [(&'static str, &[u8]); 7] {
    [
        ("contactId", &leaf.contact_id),
        ("challengeId", &leaf.challenge_id),
        ("subjectTag", &leaf.subject_tag),
        ("actorTag", &leaf.actor_tag),
        ("deviceTag", &leaf.device_tag),
        ("statementHash", &leaf.statement_hash),
        ("evidenceCommitment", &leaf.evidence_commitment),
    ]
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_leaf_is_written_for_scripts_with_the_fields_that_are_set() {
        let mut leaf = Leaf {
            kind: event::VERDICT_REACHED,
            stamp_us: 1_795_360_245_678_901,
            term: 3,
            log_index: 42,
            ordinal: 1,
            tenant: 1,
            contact_id: [1; 16],
            challenge_id: [2; 16],
            subject_tag: [3; 16],
            outcome: 2,
            reason: 100,
            policy_version: 1,
            ..Leaf::default()
        };
        leaf.extensions.insert(7, &[3]).unwrap();
        leaf.extensions.insert(65_000, &[0xab, 0xcd]).unwrap();
        expect![[r#"{"challengeId":"02020202020202020202020202020202","columns":{"column65000":"abcd","factors":3},"contactId":"01010101010101010101010101010101","event":"verdict.reached","leafIndex":7,"logIndex":42,"ordinal":1,"outcome":"not_verified","policyVersion":1,"reason":100,"stamp":"2026-11-22T15:10:45.678Z","subjectTag":"03030303030303030303030303030303","tenant":1}"#]]
            .assert_eq(&leaf_json(7, &leaf).to_string());
    }
}
