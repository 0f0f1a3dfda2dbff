//! Leaves and receipts in words and as JSON.

use akashi_merkle::{CheckedLeaf, Leaf};
use akashi_proof::Reason;
use serde_json::{Value, json};

use crate::clock;
use crate::error::Error;
use crate::event;
use crate::event::json::{ids, leaf_json, outcome};

/// One line of a listing.
pub(super) fn leaf_row(index: u64, leaf: &Leaf) -> Vec<String> {
    let challenge = if leaf.challenge_id == [0; 16] {
        String::new()
    } else {
        hex::encode(leaf.challenge_id.get(..4).unwrap_or_default())
    };
    vec![
        index.to_string(),
        clock::rfc3339(leaf.stamp_us),
        event::name(leaf.kind),
        challenge,
        outcome(leaf).map_or_else(String::new, |outcome| outcome.name().to_owned()),
        reason(leaf.reason),
    ]
}

/// Header of [`leaf_row`].
pub(super) const LEAF_HEADER: [&str; 6] = [
    "LEAF",
    "CLUSTER TIME",
    "EVENT",
    "CHALLENGE",
    "OUTCOME",
    "REASON",
];

/// Names and values of one record.
pub(super) type Fields = Vec<(&'static str, String)>;

/// A proved leaf, field by field, for people.
pub(super) fn proved_fields(checked: &CheckedLeaf) -> Result<(Fields, Value), Error> {
    let leaf = checked.leaf().map_err(|_version| Error::Answer {
        what: "leaf of another version",
    })?;
    let head = checked.head();
    let vouches: Vec<String> = head
        .vouches()
        .iter()
        .map(|vouch| {
            let at = clock::rfc3339(vouch.time_s.saturating_mul(1_000_000));
            format!("{}/{} at {at}", vouch.site, vouch.name)
        })
        .collect();
    let mut fields = vec![
        ("event", event::name(leaf.kind)),
        ("cluster time", clock::rfc3339(leaf.stamp_us)),
        ("leaf", checked.index().to_string()),
        (
            "tree",
            format!("{} leaves of {}", head.size(), head.head().origin),
        ),
    ];
    for (name, bytes) in ids(&leaf) {
        if bytes.iter().any(|byte| *byte != 0) {
            fields.push((name, hex::encode(bytes)));
        }
    }
    if let Some(outcome) = outcome(&leaf) {
        fields.push(("outcome", outcome.words().to_owned()));
    }
    if leaf.reason != 0 {
        fields.push(("reason", reason(leaf.reason)));
    }
    if leaf.policy_version != 0 {
        fields.push(("policy version", leaf.policy_version.to_string()));
    }
    fields.push(("vouched for by", vouches.join(", ")));
    let mut json = leaf_json(checked.index(), &leaf);
    if let Value::Object(map) = &mut json {
        map.insert("treeSize".to_owned(), json!(head.size()));
        map.insert("origin".to_owned(), json!(head.head().origin.to_string()));
        let names: Vec<String> = head
            .vouches()
            .iter()
            .map(|v| format!("{}/{}", v.site, v.name))
            .collect();
        map.insert("cosigners".to_owned(), json!(names));
    }
    Ok((fields, json))
}

/// A reason in words, with its number.
pub(super) fn reason(number: u16) -> String {
    let words = match number {
        0 => return String::new(),
        100 => "attempts used up".to_owned(),
        101 => "the customer declined".to_owned(),
        102 => "the customer reported it".to_owned(),
        103 => "time ran out".to_owned(),
        104 => "the contact was closed".to_owned(),
        105 => "a newer contact took its place".to_owned(),
        106 => "a newer device took its place".to_owned(),
        107 => "the device was revoked".to_owned(),
        108 => "too many notices".to_owned(),
        109 => "no enrolled device".to_owned(),
        110 => "a newer order took its place".to_owned(),
        111 => "a newer login took its place".to_owned(),
        112 => "the policy does not let these fields be seen".to_owned(),
        113 => "nobody lets himself in".to_owned(),
        114 => "not a supervisor".to_owned(),
        115 => "a supervisor said no".to_owned(),
        116 => "the agent does not have the contact".to_owned(),
        120 => "no verified login".to_owned(),
        121 => "the login is no longer good".to_owned(),
        122 => "the login was used before".to_owned(),
        123 => "another certificate is registered".to_owned(),
        124 => "the certificate is revoked".to_owned(),
        125 => "the agent is locked".to_owned(),
        126 => "the posture is not attested".to_owned(),
        127 => "the rules are not acknowledged".to_owned(),
        128 => "no open session".to_owned(),
        129 => "the session is suspended".to_owned(),
        130 => "the agent is not present".to_owned(),
        131 => "the training has ended".to_owned(),
        132 => "the session has as many contacts as it may".to_owned(),
        133 => "the session's time is over".to_owned(),
        134 => "a newer session took its place".to_owned(),
        135 => "somebody else was seen at the desktop".to_owned(),
        136 => "nobody could say who sits at the desktop".to_owned(),
        137 => "no camera has said yet who sits at the desktop".to_owned(),
        140 => "whoever has the phone is not the customer".to_owned(),
        141 => "the phone does not understand what is asked".to_owned(),
        142 => "the customer asks for a call later".to_owned(),
        143 => "the customer opted out on the phone".to_owned(),
        144 => "the customer opted out before".to_owned(),
        145 => "the customer reported another contact".to_owned(),
        146 => "the customer reported a contact a short while ago".to_owned(),
        147 => "a weaker way was taken instead".to_owned(),
        148 => "whoever proved may no longer act for the customer".to_owned(),
        160 => "a newer question took its place".to_owned(),
        161 => "the policy was retired".to_owned(),
        162 => "what was kept of the subject was deleted".to_owned(),
        163 => "the caller hung up in the queue".to_owned(),
        170 => "not the order that was approved".to_owned(),
        171 => "the order was carried out before".to_owned(),
        172 => "the order's time is over".to_owned(),
        173 => "the order was not opened".to_owned(),
        174 => "the customer reported the contact".to_owned(),
        175 => "the order is not approved".to_owned(),
        other => Reason::from_code(other).map_or_else(
            || "unknown to this version".to_owned(),
            |reason| reason.to_string(),
        ),
    };
    format!("{number} {words}")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn verdict() -> Leaf {
        Leaf {
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
        }
    }

    #[test]
    fn a_leaf_is_one_line_for_people() {
        expect![[
            r"7 | 2026-11-22T15:10:45.678Z | verdict.reached | 02020202 | not_verified | 100 attempts used up"
        ]]
        .assert_eq(&leaf_row(7, &verdict()).join(" | "));
    }

    #[test]
    fn an_unknown_number_is_shown_as_a_number() {
        let leaf = Leaf {
            kind: 999,
            reason: 9_999,
            ..Leaf::default()
        };
        let row = leaf_row(0, &leaf);
        assert_eq!(row.get(2).map(String::as_str), Some("event.999"));
        assert_eq!(
            row.get(5).map(String::as_str),
            Some("9999 unknown to this version")
        );
    }
}
