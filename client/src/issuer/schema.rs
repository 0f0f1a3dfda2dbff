//! Schemas: what each attribute of a credential means.
//!
//! A credential carries numbers below 2⁶³ and the name and version of its schema; only the schema says
//! that attribute 0 is a score in points. A version is never changed: make the next one.

use std::path::Path;

use akashi_proof::ATTRIBUTES_MAX;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::files;
use crate::layout::is_name;

/// Longest meaning or unit, in bytes: a phone shows it on one line.
const WORDS_BYTES_MAX: usize = 100;

/// The first number that is too large for a value: range proofs rely on it.
pub const VALUE_LIMIT: u64 = 1 << 63;

/// What one attribute means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// Its name on the command line: lower-case letters, digits, `-`.
    pub name: String,
    /// What it is, in a few words, as the phone shows it: "credit score".
    pub meaning: String,
    /// What it is counted in: "points", "JPY", "year". Empty if nothing.
    #[serde(default)]
    pub unit: String,
}

/// A named and numbered list of attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Its name: lower-case letters, digits, `-`.
    pub name: String,
    /// Its version.
    pub version: u16,
    /// Its attributes, counted from 0.
    #[serde(rename = "attribute")]
    pub attributes: Vec<Attribute>,
}

impl Schema {
    /// Reads a schema file, TOML or JSON.
    ///
    /// # Errors
    ///
    /// [`Error::File`]; [`Error::Malformed`] names the field.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::parse(&files::read_text(path)?).map_err(|what| Error::malformed(path, what))
    }

    /// Reads a schema from TOML or, if it begins with a brace, from JSON.
    ///
    /// # Errors
    ///
    /// Names what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let schema: Self = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|bad| bad.to_string())?
        } else {
            toml::from_str(text).map_err(|bad| bad.message().to_owned())?
        };
        schema.check()?;
        Ok(schema)
    }

    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if !is_name(&self.name) {
            return Err("name: 1 to 32 of a-z, 0-9 and - are needed");
        }
        if self.attributes.is_empty() || self.attributes.len() > ATTRIBUTES_MAX {
            return Err("attribute: 1 to 32 are needed");
        }
        for (position, attribute) in self.attributes.iter().enumerate() {
            if !is_name(&attribute.name) {
                return Err("attribute.name: 1 to 32 of a-z, 0-9 and - are needed");
            }
            if self.index(&attribute.name) != Some(position) {
                return Err("attribute.name: each name is needed once");
            }
            let sound =
                |text: &str| text.len() <= WORDS_BYTES_MAX && !text.contains(char::is_control);
            if attribute.meaning.is_empty() || !sound(&attribute.meaning) {
                return Err("attribute.meaning: 1 to 100 bytes on one line are needed");
            }
            if !sound(&attribute.unit) {
                return Err("attribute.unit: at most 100 bytes on one line");
            }
        }
        Ok(())
    }

    /// Where the attribute with this name stands.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<usize> {
        self.attributes
            .iter()
            .position(|attribute| attribute.name == name)
    }

    /// Reads `name=value` for every attribute, each once, into the order of the schema.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] names the attribute, never its value.
    pub fn values(&self, given: &[String]) -> Result<Vec<u64>, Error> {
        let mut values = vec![None; self.attributes.len()];
        for pair in given {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| Error::usage("a value is written NAME=NUMBER"))?;
            let place = self.index(name).and_then(|index| values.get_mut(index));
            let place = place.ok_or_else(|| {
                Error::usage(format!("the schema has no attribute of the name {name}"))
            })?;
            let value = value.parse().ok().filter(|value| *value < VALUE_LIMIT);
            let value = value.ok_or_else(|| {
                Error::usage(format!("{name}: a whole number below 2^63 is needed"))
            })?;
            if place.replace(value).is_some() {
                return Err(Error::usage(format!("{name}: given twice")));
            }
        }
        let named = self.attributes.iter().zip(values);
        named
            .map(|(attribute, value)| {
                value.ok_or_else(|| Error::usage(format!("{}: no value was given", attribute.name)))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        Schema::parse(
            "name = \"credit\"\nversion = 1\n[[attribute]]\nname = \"score\"\n\
             meaning = \"credit score\"\nunit = \"points\"\n[[attribute]]\nname = \"limit\"\n\
             meaning = \"credit limit\"\nunit = \"JPY\"\n",
        )
        .unwrap()
    }

    fn given(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn a_schema_says_the_same_in_toml_and_in_json() {
        let json = serde_json::to_string(&schema()).unwrap();
        assert_eq!(Schema::parse(&json).unwrap(), schema());
    }

    #[test]
    fn values_are_put_into_the_order_of_the_schema() {
        let values = schema().values(&given(&["limit=500000", "score=700"]));
        assert_eq!(values.unwrap(), [700, 500_000]);
    }

    #[test]
    fn bad_values_name_the_attribute_and_not_the_value() {
        for (values, named) in [
            (vec!["score=700"], "limit"),
            (vec!["score=700", "limit=1", "score=701"], "score"),
            (vec!["score=taro", "limit=1"], "score"),
            (vec!["score=9223372036854775808", "limit=1"], "score"),
            (vec!["score=-1", "limit=1"], "score"),
            (vec!["age=1"], "age"),
            (vec!["700"], "NAME=NUMBER"),
        ] {
            let error = schema().values(&given(&values)).unwrap_err().to_string();
            assert!(error.contains(named), "{values:?}: {error}");
            assert!(!error.contains("taro") && !error.contains("700"), "{error}");
        }
    }

    #[test]
    fn a_bad_schema_names_its_field() {
        let good = "name = \"a\"\nversion = 1\n[[attribute]]\nname = \"b\"\nmeaning = \"c\"\n";
        assert!(Schema::parse(good).is_ok());
        for (from, to, field) in [
            ("name = \"a\"", "name = \"A b\"", "name"),
            ("version = 1", "version = 70000", "70000"),
            ("version = 1\n", "version = 1\nissuer = \"x\"\n", "issuer"),
            ("name = \"b\"", "name = \"\"", "attribute.name"),
            ("meaning = \"c\"", "meaning = \"\"", "attribute.meaning"),
            (
                "meaning = \"c\"\n",
                "meaning = \"c\"\n[[attribute]]\nname = \"b\"\nmeaning = \"d\"\n",
                "attribute.name",
            ),
        ] {
            let error = Schema::parse(&good.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(field), "{field}: {error}");
        }
    }
}
