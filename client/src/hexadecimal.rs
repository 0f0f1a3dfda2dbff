//! Bytes inside JSON files: hexadecimal digits, with a type of its own for what nobody may read.
//!
//! A [`Secret`] is wiped when dropped, has no `Debug` that shows it and is written only into files of
//! mode 0600; texts that hold one are wiped as well.

use std::fmt;
use std::path::Path;

use serde::de::{DeserializeOwned, Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::Error;
use crate::files;

/// `N` public bytes, written as hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hex<const N: usize>(pub [u8; N]);

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Digits).map(Self)
    }
}

/// Public bytes of any length, written as hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HexBytes(pub Vec<u8>);

impl Serialize for HexBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text)
            .map(Self)
            .map_err(|_bad| D::Error::custom("not hexadecimal digits"))
    }
}

/// 32 bytes that must stay where they are: a blinding, a salt, a private key.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

impl Secret {
    /// Takes the bytes. The caller wipes its own copy.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(hex::encode(self.0)))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Digits).map(Self)
    }
}

/// Reads `2·N` digits without a copy of the text.
struct Digits<const N: usize>;

impl<const N: usize> Visitor<'_> for Digits<N> {
    type Value = [u8; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} hexadecimal digits", 2 * N)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<[u8; N], E> {
        let mut bytes = [0; N];
        // The digits may be a secret: they are not repeated.
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_bad| E::custom(format_args!("not {} hexadecimal digits", 2 * N)))?;
        Ok(bytes)
    }
}

/// Reads a JSON file; the text is wiped afterwards, and no value of it is repeated in an error.
///
/// # Errors
///
/// [`Error::File`] and [`Error::Malformed`].
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = Zeroizing::new(files::read_text(path)?);
    serde_json::from_str(&text).map_err(|bad| Error::malformed(path, place_of(&bad)))
}

/// Writes JSON as text that is wiped when dropped.
///
/// # Errors
///
/// [`Error::Malformed`] if the value has no JSON form.
pub fn to_json<T: Serialize>(value: &T, path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut text = serde_json::to_vec_pretty(value)
        .map(Zeroizing::new)
        .map_err(|_unwritable| Error::malformed(path, "has no JSON form"))?;
    text.push(b'\n');
    Ok(text)
}

/// What is wrong with a JSON text, without the words around it: they may hold values.
fn place_of(bad: &serde_json::Error) -> String {
    let what = match bad.classify() {
        serde_json::error::Category::Io => "cannot be read",
        serde_json::error::Category::Syntax => "not JSON",
        serde_json::error::Category::Eof => "cut short",
        // serde names the field; values of the wrong type are shortened to their type.
        serde_json::error::Category::Data => {
            let text = bad.to_string();
            let named = ["missing field", "unknown field", "duplicate field", "not "]
                .iter()
                .any(|start| text.starts_with(start));
            if named {
                return text;
            }
            "a field is of another type"
        }
    };
    format!("{what} at line {} column {}", bad.line(), bad.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Both {
        public: Hex<2>,
        secret: Secret,
    }

    #[test]
    fn bytes_come_back_as_they_were_and_a_secret_is_not_shown() {
        let both = Both {
            public: Hex([1, 0xab]),
            secret: Secret::new([0x5e; 32]),
        };
        assert!(!format!("{both:?}").contains("5e5e"));
        let text = to_json(&both, Path::new("x")).unwrap();
        let text = std::str::from_utf8(&text).unwrap();
        assert!(text.contains("\"01ab\"") && text.contains("5e5e"));
        let again: Both = serde_json::from_str(text).unwrap();
        assert_eq!(again.secret.expose(), &[0x5e; 32]);
        assert_eq!(again.public, both.public);
    }

    #[test]
    fn a_bad_file_is_named_without_what_it_holds() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bad.json");
        for bad in [
            r#"{"public":"01ab","secret":"taro"}"#,
            r#"{"public":"01ab","secret":90}"#,
            r#"{"public":"01ab"}"#,
            r#"{"public":"01ab","secret":"taro""#,
            "taro",
        ] {
            std::fs::write(&path, bad).unwrap();
            let error = read_json::<Both>(&path).unwrap_err().to_string();
            assert!(
                error.contains("bad.json") && !error.contains("taro"),
                "{error}"
            );
        }
    }
}
