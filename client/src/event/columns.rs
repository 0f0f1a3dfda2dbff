//! The extensions of a leaf by name: `docs/events.md` has the same table.
//!
//! A column that this version does not know is shown as `column<number>` in hexadecimal; so is one
//! whose bytes do not have the documented form.

use akashi_merkle::Extensions;
use serde_json::{Map, Value, json};

use crate::clock;

/// What the bytes of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A number of one, two, four or eight bytes, big-endian.
    Number,
    /// A moment: eight bytes, big-endian microseconds; zeros for none, all ones for ever.
    Moment,
    /// UTF-8.
    Text,
    /// An id, a digest: shown in hexadecimal.
    Bytes,
}

/// Number, name as `docs/events.md` spells it, shape.
pub const COLUMNS: &[(u16, &str, Shape)] = &[
    (1, "call reason", Shape::Number),
    (2, "initiator", Shape::Number),
    (3, "disposition", Shape::Number),
    (4, "name", Shape::Text),
    (5, "policy digest", Shape::Bytes),
    (6, "failed kind", Shape::Number),
    (7, "factors", Shape::Number),
    (8, "until", Shape::Moment),
    (9, "digest", Shape::Bytes),
    (10, "fingerprint", Shape::Bytes),
    (11, "purpose", Shape::Number),
    (12, "PIN epoch", Shape::Number),
    (13, "order hash", Shape::Bytes),
    (14, "order", Shape::Bytes),
    (15, "login", Shape::Bytes),
    (16, "failed slot", Shape::Number),
    (17, "predicates", Shape::Number),
    (18, "level", Shape::Number),
    (19, "enrolment kind", Shape::Number),
    (20, "party", Shape::Number),
    (21, "sealed digest", Shape::Bytes),
    (30, "session", Shape::Bytes),
    (31, "login level", Shape::Number),
    (32, "training", Shape::Number),
    (33, "posture", Shape::Number),
    (34, "rules version", Shape::Number),
    (35, "fields", Shape::Number),
    (36, "unmask", Shape::Bytes),
    (45, "presence", Shape::Number),
    (46, "presence before", Shape::Number),
    (47, "presence cause", Shape::Number),
    (48, "heard", Shape::Bytes),
    (49, "edge", Shape::Bytes),
    (50, "scope", Shape::Number),
    (51, "limits", Shape::Number),
    (52, "aal", Shape::Number),
    (53, "campaign", Shape::Number),
    (54, "queue", Shape::Number),
    (55, "previous", Shape::Bytes),
    (56, "risk", Shape::Bytes),
    (57, "fallback", Shape::Number),
    (58, "delegate tag", Shape::Bytes),
    (65, "call event", Shape::Number),
    (66, "leg", Shape::Number),
    (67, "step", Shape::Number),
    (68, "issuers", Shape::Bytes),
    (69, "credentials", Shape::Bytes),
    (70, "count", Shape::Number),
    (80, "processor", Shape::Bytes),
    (81, "number", Shape::Number),
    (82, "amount", Shape::Bytes),
    (83, "sum", Shape::Bytes),
    (84, "period first", Shape::Number),
    (85, "period sum", Shape::Bytes),
    (90, "contact number", Shape::Number),
    (91, "announced contacts", Shape::Number),
    (92, "times", Shape::Bytes),
    (93, "assurance", Shape::Bytes),
    (94, "care", Shape::Bytes),
    (100, "member", Shape::Number),
    (101, "key set", Shape::Bytes),
    (102, "life", Shape::Bytes),
    (103, "log index", Shape::Number),
];

/// The field name of a column: `PIN epoch` becomes `pinEpoch`.
#[must_use]
pub fn field_name(name: &str) -> String {
    let mut field = String::new();
    for (position, word) in name.split_whitespace().enumerate() {
        let word = word.to_lowercase();
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if position > 0 => {
                field.extend(first.to_uppercase());
                field.push_str(letters.as_str());
            }
            Some(_) | None => field.push_str(&word),
        }
    }
    field
}

/// All columns of a leaf as one object.
#[must_use]
pub fn as_json(extensions: &Extensions) -> Value {
    let mut object = Map::new();
    for (kind, bytes) in extensions.iter() {
        let known = COLUMNS.iter().find(|(number, _, _)| *number == kind);
        let (name, value) = match known {
            Some((_, name, shape)) => (field_name(name), value(*shape, bytes)),
            None => (format!("column{kind}"), None),
        };
        object.insert(name, value.unwrap_or_else(|| json!(hex::encode(bytes))));
    }
    Value::Object(object)
}

fn value(shape: Shape, bytes: &[u8]) -> Option<Value> {
    match shape {
        Shape::Number => number(bytes).map(|number| json!(number)),
        Shape::Moment => match number(bytes)? {
            0 => Some(Value::Null),
            u64::MAX => Some(json!("forever")),
            stamp => Some(json!(clock::rfc3339(stamp))),
        },
        Shape::Text => std::str::from_utf8(bytes).ok().map(|text| json!(text)),
        Shape::Bytes => None,
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    if !matches!(bytes.len(), 1 | 2 | 4 | 8) {
        return None;
    }
    let mut number = 0_u64;
    for byte in bytes {
        number = (number << 8) | u64::from(*byte);
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_shown_by_name_in_the_form_they_have() {
        let mut extensions = Extensions::default();
        extensions.insert(1, &[1, 2]).unwrap();
        extensions.insert(4, "証".as_bytes()).unwrap();
        extensions.insert(8, &u64::MAX.to_be_bytes()).unwrap();
        extensions.insert(12, &[0, 0, 1]).unwrap();
        extensions.insert(14, &[7; 16]).unwrap();
        let expected = json!({ "callReason": 258, "name": "証", "until": "forever",
                               "pinEpoch": "000001", "order": "07".repeat(16) });
        assert_eq!(as_json(&extensions), expected);
    }

    #[test]
    fn no_column_has_two_names_and_no_name_two_columns() {
        let numbers: std::collections::BTreeSet<u16> = COLUMNS.iter().map(|c| c.0).collect();
        let names: std::collections::BTreeSet<String> =
            COLUMNS.iter().map(|c| field_name(c.1)).collect();
        assert_eq!((numbers.len(), names.len()), (COLUMNS.len(), COLUMNS.len()));
    }
}
