//! Enrolment files: JSON Lines, one customer or agent per line, opaque handles only.
//!
//! The schema is documented in `ops/samples/README.md`. A file is read whole and checked before
//! anything is sent, so that a bad line leaves nothing behind.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::files;
use crate::layout::is_handle;

/// One line of the file.
#[derive(Debug)]
pub enum Entry {
    /// A customer, whose simulated phone is enrolled.
    Customer {
        /// Opaque handle.
        subject: String,
        /// The PIN that the customer would choose; never leaves the simulated phone.
        pin: Zeroizing<String>,
    },
    /// An agent, who is registered and gets a certificate.
    Agent {
        /// Opaque handle.
        agent: String,
        /// Whether the agent is a supervisor.
        supervisor: bool,
    },
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum Line {
    Customer {
        subject: String,
        pin: String,
    },
    Agent {
        agent: String,
        #[serde(default)]
        supervisor: bool,
    },
}

/// Fewest and most digits of a PIN.
const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=12;

/// Reads and checks an enrolment file.
///
/// # Errors
///
/// [`Error::File`], or [`Error::Malformed`] with the number of the first bad line; neither handles
/// nor PINs are repeated in the text.
pub fn read(path: &Path) -> Result<Vec<Entry>, Error> {
    let text = Zeroizing::new(files::read_text(path)?);
    parse(&text).map_err(|(line, what)| Error::malformed(path, format!("line {line}: {what}")))
}

fn parse(text: &str) -> Result<Vec<Entry>, (usize, String)> {
    let mut entries = Vec::new();
    let mut seen = BTreeSet::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let bad = |what: &str| (number, what.to_owned());
        // The parser's own text could repeat a value, so only its place is given.
        let parsed: Line = serde_json::from_str(line).map_err(|error| {
            (
                number,
                format!("column {}: not an entry of the schema", error.column()),
            )
        })?;
        let (handle, entry) = match parsed {
            Line::Customer { subject, pin } => {
                let pin = Zeroizing::new(pin);
                if !PIN_DIGITS.contains(&pin.len()) || !pin.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(bad("pin: 4 to 12 digits are needed"));
                }
                (subject.clone(), Entry::Customer { subject, pin })
            }
            Line::Agent { agent, supervisor } => {
                (agent.clone(), Entry::Agent { agent, supervisor })
            }
        };
        if !is_handle(&handle) {
            return Err(bad(
                "handle: 8 to 64 characters of [A-Za-z0-9._-] are needed, and nothing like a \
                 telephone number or an e-mail address",
            ));
        }
        if !seen.insert(handle) {
            return Err(bad("handle: occurs twice"));
        }
        entries.push(entry);
    }
    if entries.is_empty() {
        Err((1, "there are no entries".to_owned()))
    } else {
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_has_a_hundred_customers_and_five_agents() {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/samples/enrolment.jsonl");
        let entries = read(&sample).unwrap();
        let agents = entries
            .iter()
            .filter(|e| matches!(e, Entry::Agent { .. }))
            .count();
        assert_eq!((entries.len() - agents, agents), (100, 5));
    }

    #[test]
    fn a_bad_line_is_named_and_its_values_are_not_repeated() {
        let good = r#"{"kind":"customer","subject":"cust-0001","pin":"1234"}"#;
        for bad in [
            r#"{"kind":"customer","subject":"taro@example.com","pin":"1234"}"#,
            r#"{"kind":"customer","subject":"cust-0002","pin":"taro"}"#,
            r#"{"kind":"customer","subject":"cust-0002","pin":"1"}"#,
            r#"{"kind":"customer","subject":"cust-0002"}"#,
            r#"{"kind":"customer","subject":"cust-0002","pin":"1234","name":"Taro"}"#,
            r#"{"kind":"taro"}"#,
            r#"{"kind":"agent","agent":"090-1234-5678"}"#,
            "taro",
            good,
        ] {
            let (line, what) = parse(&format!("{good}\n\n{bad}\n")).unwrap_err();
            assert_eq!(line, 3, "{bad}");
            assert!(
                !what.to_lowercase().contains("taro") && !what.contains("1234"),
                "{what}"
            );
        }
        assert!(parse("\n\n").is_err());
    }
}
