//! The three small lexical rules all our text formats share: decimals, base64, hexadecimal.
//!
//! Every value has exactly one spelling; a second spelling of the same value is refused, so that
//! no byte of a text can change without changing its meaning or making it malformed.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::tree::Hash;

/// Reads an ASCII decimal without sign, blanks or leading zeros.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let well_formed = match text.as_bytes() {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if well_formed { text.parse().ok() } else { None }
}

/// Writes standard base64 with padding (RFC 4648 section 4).
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads standard base64; refuses missing padding, blanks, and bits behind the last byte.
pub(crate) fn parse_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Reads one base64 line of exactly 32 bytes.
pub(crate) fn parse_hash(text: &str) -> Option<Hash> {
    parse_base64(text)?.try_into().ok()
}

/// Reads exactly eight lower-case hexadecimal digits.
pub(crate) fn parse_hex_id(text: &str) -> Option<[u8; 4]> {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 8 || !text.bytes().all(digit) {
        return None;
    }
    u32::from_str_radix(text, 16).ok().map(u32::to_be_bytes)
}

/// Takes the first `N` bytes off `bytes`.
pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_has_one_spelling() {
        assert_eq!(parse_decimal("0"), Some(0));
        assert_eq!(parse_decimal("18446744073709551615"), Some(u64::MAX));
        for bad in [
            "",
            "00",
            "01",
            "+1",
            "-1",
            " 1",
            "1 ",
            "1_0",
            "18446744073709551616",
            "１",
        ] {
            assert_eq!(parse_decimal(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(parse_base64("AQ=="), Some(alloc::vec![1]));
        for bad in [
            "AQ", "AQ=", "AR==", "AQ==\n", " AQ==", "AQ==AQ==", "A-==", "A_==",
        ] {
            assert_eq!(parse_base64(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_key_id_has_one_spelling() {
        assert_eq!(parse_hex_id("00ff10ab"), Some([0, 255, 16, 171]));
        for bad in ["", "00FF10AB", "0ff10ab", "+0ff10ab", "000ff10ab"] {
            assert_eq!(parse_hex_id(bad), None, "{bad:?}");
        }
    }
}
