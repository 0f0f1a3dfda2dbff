//! The order sheet: lines and amounts as the customer reads them, and their one canonical encoding.
//!
//! Bytes: "akashi/v1/order-sheet" ‖ lv(currency) ‖ count u16 ‖ per line: lv(text) ‖ quantity u32 ‖ amount
//! u64 ‖ total u64; numbers little endian, lv with two bytes of length. Amounts are in minor units of
//! the currency; there are no floats.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::files;

/// Most lines of one order: more does not fit a phone's screen nor a sealed payload.
const LINES_MAX: usize = 64;
/// Longest text of a line, in bytes.
const TEXT_BYTES_MAX: usize = 200;

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What it is; one line of text.
    pub text: String,
    /// How many.
    pub quantity: u32,
    /// What the line costs altogether, in minor units.
    pub amount: u64,
}

/// What is ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    currency: String,
    line: Vec<Line>,
}

impl Sheet {
    /// Reads a sheet from a TOML file.
    ///
    /// # Errors
    ///
    /// [`Error::File`]; [`Error::Malformed`] names the field.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::parse(&files::read_text(path)?).map_err(|what| Error::malformed(path, what))
    }

    /// Reads a sheet from TOML.
    ///
    /// # Errors
    ///
    /// Names what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let sheet: Self = toml::from_str(text).map_err(|bad| bad.message().to_owned())?;
        sheet.check()?;
        Ok(sheet)
    }

    /// A sheet of these lines.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] names the field that is not admissible.
    pub fn new(currency: &str, lines: Vec<Line>) -> Result<Self, Error> {
        let sheet = Self {
            currency: currency.to_owned(),
            line: lines,
        };
        sheet.check().map_err(Error::usage)?;
        Ok(sheet)
    }

    /// Whether every field is admissible.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let currency = self.currency.as_bytes();
        if currency.len() != 3 || !currency.iter().all(u8::is_ascii_uppercase) {
            return Err("currency: three capital letters are needed");
        }
        if self.line.is_empty() || self.line.len() > LINES_MAX {
            return Err("line: 1 to 64 are needed");
        }
        for line in &self.line {
            let text = &line.text;
            if text.is_empty() || text.len() > TEXT_BYTES_MAX || text.contains(char::is_control) {
                return Err("line.text: 1 to 200 bytes without control characters are needed");
            }
            if line.quantity == 0 {
                return Err("line.quantity: at least 1 is needed");
            }
        }
        match self.sum() {
            Some(total) if total < 1 << 63 => Ok(()),
            Some(_) | None => Err("line.amount: the total must be below 2^63"),
        }
    }

    /// The currency, three capital letters.
    #[must_use]
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// The lines.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.line
    }

    /// What everything costs, in minor units; below 2⁶³.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.sum().unwrap_or(u64::MAX)
    }

    fn sum(&self) -> Option<u64> {
        self.line
            .iter()
            .try_fold(0_u64, |sum, line| sum.checked_add(line.amount))
    }

    /// The canonical bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::from(b"akashi/v1/order-sheet".as_slice());
        put(&mut bytes, &self.currency);
        // check() bounds the count and every text.
        let count = u16::try_from(self.line.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&count.to_le_bytes());
        for line in &self.line {
            put(&mut bytes, &line.text);
            bytes.extend_from_slice(&line.quantity.to_le_bytes());
            bytes.extend_from_slice(&line.amount.to_le_bytes());
        }
        bytes.extend_from_slice(&self.total().to_le_bytes());
        bytes
    }
}

fn put(bytes: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::tests::sheet;
    use super::*;

    #[test]
    fn the_bytes_of_a_sheet_are_as_written_down() {
        let written_down = concat!(
            "616b617368692f76312f6f726465722d7368656574",
            "03004a5059",
            "0200",
            "0a00726963652c2035206b67",
            "02000000",
            "6013000000000000",
            "080064656c6976657279",
            "01000000",
            "2602000000000000",
            "8615000000000000",
        );
        assert_eq!(hex::encode(sheet().bytes()), written_down);
        assert_eq!(sheet().total(), 5_510);
    }

    #[test]
    fn a_bad_sheet_names_its_field() {
        let line = "[[line]]\ntext = \"x\"\nquantity = 1\namount = 1\n";
        let head = "currency = \"JPY\"\n";
        for (text, field) in [
            (line.to_owned(), "currency"),
            (format!("currency = \"yen\"\n{line}"), "currency"),
            (head.to_owned(), "line"),
            (format!("{head}{}", line.replace("\"x\"", "\"\"")), "text"),
            (
                format!("{head}{}", line.replace("\"x\"", "\"a\\nb\"")),
                "text",
            ),
            (
                format!("{head}{}", line.replace("quantity = 1", "quantity = 0")),
                "quantity",
            ),
            (
                format!(
                    "{head}{}",
                    line.replace("amount = 1", "amount = 9223372036854775807\n")
                        .repeat(2)
                ),
                "amount",
            ),
            (format!("{head}note = \"x\"\n{line}"), "note"),
        ] {
            let error = Sheet::parse(&text).unwrap_err();
            assert!(error.contains(field), "{field}: {error}");
        }
    }
}
