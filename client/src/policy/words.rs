//! What a policy asks, in words for the person who is asked.

use super::{Predicate, Rules, Test};
use crate::issuer::Attribute;

/// What is proved by one predicate: "that your credit score is at least 650 points; not the credit
/// score". `attribute` says what the credential's schema calls it.
#[must_use]
pub fn wanted(predicate: &Predicate, attribute: &Attribute) -> String {
    let name = &attribute.meaning;
    let unit = if attribute.unit.is_empty() {
        String::new()
    } else {
        format!(" {}", attribute.unit)
    };
    match &predicate.test {
        Test::AtLeast { bound, .. } => {
            format!("that your {name} is at least {bound}{unit}; not the {name}")
        }
        Test::AtMost { bound, .. } => {
            format!("that your {name} is at most {bound}{unit}; not the {name}")
        }
        Test::Within { low, high, .. } => {
            format!("that your {name} is between {low} and {high}{unit}; not the {name}")
        }
        Test::OneOf { values } => {
            let values: Vec<String> = values.iter().map(u64::to_string).collect();
            format!(
                "that your {name} is one of {}{unit}; not which",
                values.join(", ")
            )
        }
        Test::Equals { value } => {
            format!("that your {name} is {value}{unit}: this value is DISCLOSED")
        }
        Test::CoversAmount { .. } => {
            format!(
                "that your {name} covers the amount of the order; neither the {name} nor the amount"
            )
        }
        Test::SameAs(other) => format!(
            "that your {name} is the same in your credential {}; not the {name}",
            other.schema
        ),
    }
}

/// What the rules ask, one line each, before any credential is chosen.
#[must_use]
pub fn asked(rules: &Rules) -> Vec<String> {
    let mut lines = vec!["that you have this phone".to_owned()];
    if rules.require_knowledge {
        lines.push("that you know the PIN; not the PIN".to_owned());
    }
    for predicate in &rules.predicates {
        let source = &predicate.source;
        let attribute = Attribute {
            name: String::new(),
            meaning: format!(
                "{} v{} attribute {}",
                source.schema, source.schema_version, source.attribute
            ),
            unit: String::new(),
        };
        lines.push(format!(
            "{} (issued by {})",
            wanted(predicate, &attribute),
            source.issuers.join(" or ")
        ));
    }
    if let Some(face) = &rules.face {
        let level = match face.min_level {
            0 => "a software SIMULATOR is accepted",
            1 => "by an attested app at least",
            _ => "by a secure sensor",
        };
        lines.push(format!(
            "that your face is the enrolled one ({level}); not the face"
        ));
    }
    if let Some(consent) = &rules.consent {
        lines.push(format!(
            "that you approve the order, readable for the processor {} only",
            hex::encode(consent.recipient.get(..4).unwrap_or_default())
        ));
    }
    lines
}
