//! The personal data of somebody who does not exist, and every form in which it is looked for.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

/// A name, an address, telephone numbers and e-mail addresses, as people write them. None of them has 16,
/// 32 or 64 bytes: an id or a hash of just that length cannot be told from one (docs/privacy.md).
pub(super) const MARKS: [&str; 11] = [
    "山田金糸雀太郎",
    "ﾔﾏﾀﾞｶﾅﾘﾔﾀﾛｳ",
    "Yamada Kanariya Taro",
    "yamada.kanariya@example.jp",
    "Kanariya.Taro+calls@example.co.jp",
    "東京都千代田区金糸雀町一丁目二番三号",
    "090-5551-8642",
    "09055518642",
    "+819055518642",
    "０９０−５５５１−８６４２",
    "sub-090-5551-8642",
];

/// What is looked for, in every encoding.
pub(super) struct Marks(Vec<(String, Vec<u8>)>);

impl Marks {
    pub(super) fn all() -> Self {
        Self::of(&MARKS)
    }

    pub(super) fn of(texts: &[&str]) -> Self {
        let mut needles = Vec::new();
        for text in texts {
            let plain = text.as_bytes();
            let mut add = |form: &str, needle: Vec<u8>| {
                needles.push((format!("{text} ({form})"), needle));
            };
            add("plain", plain.to_vec());
            add("hexadecimal", hex::encode(plain).into_bytes());
            add("HEXADECIMAL", hex::encode_upper(plain).into_bytes());
            let units = || text.encode_utf16();
            add(
                "UTF-16, little endian",
                units().flat_map(u16::to_le_bytes).collect(),
            );
            add(
                "UTF-16, big endian",
                units().flat_map(u16::to_be_bytes).collect(),
            );
            add("percent", percent(plain));
            add("escaped", text.escape_default().to_string().into_bytes());
            add("as numbers", numbers(plain));
            for (form, alphabet) in [("base64", STANDARD), ("base64url", URL_SAFE)] {
                let engine = GeneralPurpose::new(&alphabet, NO_PAD);
                for shift in 0..3 {
                    add(form, inner(&engine, plain, shift));
                }
            }
        }
        needles.retain(|(_, needle)| needle.len() >= 5);
        Self(needles)
    }

    /// Which of them are in `bytes`, with the place.
    pub(super) fn found_in(&self, place: &str, bytes: &[u8]) -> Vec<String> {
        let mut firsts = [false; 256];
        for (_, needle) in &self.0 {
            firsts[usize::from(needle[0])] = true;
        }
        let mut found = Vec::new();
        for at in (0..bytes.len()).filter(|at| firsts[usize::from(bytes[*at])]) {
            for (name, needle) in &self.0 {
                if bytes[at..].starts_with(needle) {
                    let around = &bytes[at.saturating_sub(60)..bytes.len().min(at + 100)];
                    let around = String::from_utf8_lossy(around).into_owned();
                    found.push(format!("{name} in {place} at {at}: …{around}…"));
                }
            }
            if found.len() > 20 {
                break;
            }
        }
        found
    }
}

/// The characters of base64 that depend on nothing but `plain`, when it begins at `shift` of three.
fn inner(engine: &GeneralPurpose, plain: &[u8], shift: usize) -> Vec<u8> {
    let padded = [&vec![0; shift][..], plain].concat();
    let whole = padded.len() / 3 * 3;
    let text = engine.encode(&padded[..whole]).into_bytes();
    // The first group mixes in what stands before.
    let skip = if shift == 0 { 0 } else { 4 };
    text[skip.min(text.len())..].to_vec()
}

fn percent(plain: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for byte in plain {
        if byte.is_ascii_alphanumeric() || b"-._~@+".contains(byte) {
            text.push(*byte);
        } else {
            text.extend(format!("%{byte:02X}").into_bytes());
        }
    }
    text
}

/// As a list of bytes prints: `[228, 184, …`.
fn numbers(plain: &[u8]) -> Vec<u8> {
    let words: Vec<String> = plain.iter().map(u8::to_string).collect();
    words.join(", ").into_bytes()
}

#[test]
fn every_form_of_a_mark_is_found_wherever_it_begins() {
    let text = "kanariya@example.jp";
    let marks = Marks::of(&[text]);
    let standard = GeneralPurpose::new(&STANDARD, NO_PAD);
    for lead in 0..4 {
        let before = "x".repeat(lead);
        let around = format!("{before}{text} and more");
        for hidden in [
            around.clone().into_bytes(),
            hex::encode(&around).into_bytes(),
            standard.encode(&around).into_bytes(),
            around.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            format!("{:?}", around.as_bytes()).into_bytes(),
        ] {
            assert!(!marks.found_in("here", &hidden).is_empty(), "{hidden:?}");
        }
    }
    assert!(marks.found_in("here", b"nothing of it").is_empty());
}
