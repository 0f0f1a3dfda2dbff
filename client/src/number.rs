//! Telephone numbers, only ever as keyed pseudonyms.
//!
//! A plain hash of a telephone number is no pseudonym: all numbers of a country can be tried in
//! minutes. A platform that must recognise a number again makes a pseudonym with a key of its
//! tenant, which never leaves the platform; the cluster sees the result at most, as a handle.
//!
//! The pseudonym of a number is `n<epoch>-<32 hexadecimal digits>`, the digits being the first 16
//! bytes of
//!
//! ```text
//! HMAC-SHA-256(k, number),  k = HMAC-SHA-256(key, "akashi/v1/number" 0 tenant 0 epoch)
//! ```
//!
//! with the number in E.164 form (`+819012345678`) and the epoch as eight bytes, big-endian. An
//! epoch lasts 90 days unless the platform counts otherwise: pseudonyms of two epochs, of two
//! tenants or under two keys are unrelated. Who destroys the key has made all of them meaningless.
//!
//! # Sources
//!
//! RFC 2104 (HMAC), ITU-T E.164.

use std::fmt;

use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use crate::error::Error;
use crate::tag::hmac_sha256;

/// Days of one epoch.
pub const EPOCH_DAYS: u64 = 90;
/// Country code of numbers that are written with their leading zero: Japan.
const HOME: &str = "81";
/// Digits of a number with its country code (E.164: at most 15).
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

/// The tenant's key for pseudonyms of telephone numbers: 32 bytes, kept by the platform.
pub struct NumberKey([u8; 32]);

impl Drop for NumberKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for NumberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NumberKey([redacted])")
    }
}

impl NumberKey {
    /// Takes the 32 bytes of a key.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The pseudonym of a number in an epoch; itself a handle.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if `number` is no telephone number; it is not repeated.
    pub fn pseudonym(&self, tenant: &str, epoch: u64, number: &str) -> Result<String, Error> {
        let number = normal_form(number)
            .ok_or_else(|| Error::usage("not a telephone number with 8 to 15 digits"))?;
        let mut label = b"akashi/v1/number\0".to_vec();
        label.extend_from_slice(tenant.as_bytes());
        label.push(0);
        label.extend_from_slice(&epoch.to_be_bytes());
        let key = Zeroizing::new(hmac_sha256(&self.0, &label));
        let mac = hmac_sha256(&key, number.as_bytes());
        let half = mac.get(..16).unwrap_or_default();
        Ok(format!("n{epoch}-{}", hex::encode(half)))
    }

    /// Which key this is, without giving it away: the first four bytes of a hash.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hash = Sha256::new()
            .chain_update(b"akashi/v1/number-key\0")
            .chain_update(self.0)
            .finalize();
        hex::encode(hash.get(..4).unwrap_or_default())
    }
}

/// The epoch of a moment, in microseconds since 1970-01-01 UTC.
#[must_use]
pub const fn epoch_of(unix_us: u64) -> u64 {
    unix_us / (EPOCH_DAYS * 86_400 * 1_000_000)
}

/// A number as `+` and digits, however people write it: full-width digits, hyphens and dashes of
/// any kind, blanks, brackets, a leading zero, `+81`, `0081` or `010-81`.
#[must_use]
pub fn normal_form(text: &str) -> Option<Zeroizing<String>> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    for (at, sign) in text.trim().chars().enumerate() {
        match sign {
            '0'..='9' => plain.push(sign),
            // U+FF10 to U+FF19.
            '０'..='９' => {
                let digit = u32::from(sign).wrapping_sub(u32::from('０'));
                plain.push(char::from_digit(digit, 10)?);
            }
            '+' | '＋' if at == 0 => plain.push('+'),
            '-' | '.' | ' ' | '(' | ')' | '　' | '‐' | '‑' | '–' | '—' | '−' | 'ー' | '－'
            | '（' | '）' | '．' => {}
            _ => return None,
        }
    }
    let abroad = plain
        .strip_prefix('+')
        .or_else(|| plain.strip_prefix("010"))
        .or_else(|| plain.strip_prefix("00"));
    let number = match (abroad, plain.strip_prefix('0')) {
        (Some(abroad), _) => match abroad.strip_prefix(HOME) {
            // +81 (0)90 …: the zero is for callers inside the country.
            Some(home) => format!("{HOME}{}", home.strip_prefix('0').unwrap_or(home)),
            None => abroad.to_owned(),
        },
        (None, Some(home)) => format!("{HOME}{home}"),
        (None, None) => return None,
    };
    let number = Zeroizing::new(number);
    if !DIGITS.contains(&number.len()) || number.starts_with('0') {
        return None;
    }
    Some(Zeroizing::new(format!("+{}", number.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handle::is_handle;

    #[test]
    fn one_number_has_one_form_however_it_is_written() {
        for text in [
            "09012345678",
            "090-1234-5678",
            "０９０−１２３４−５６７８",
            "（０９０）１２３４ー５６７８",
            "+81 90 1234 5678",
            "+81 (0)90-1234-5678",
            "＋８１９０１２３４５６７８",
            "0081-90-1234-5678",
            "010-81-90-1234-5678",
            " 090 1234 5678 ",
        ] {
            let form = normal_form(text);
            assert_eq!(
                form.as_ref().map(|f| f.as_str()),
                Some("+819012345678"),
                "{text}"
            );
        }
        for text in [
            "",
            "+",
            "110",
            "90-1234-5678",
            "taro@example.jp",
            "090-1234-567a",
            "0+9012345678",
            "+0819012345678",
            "+1234567890123456",
            "٠٩٠١٢٣٤٥٦٧٨",
        ] {
            assert!(normal_form(text).is_none(), "{text}");
        }
    }

    #[test]
    fn pseudonyms_depend_on_key_tenant_and_epoch_and_are_handles() {
        let key = NumberKey::from_bytes([1; 32]);
        let one = key.pseudonym("demo", 229, "090-1234-5678").unwrap();
        assert!(is_handle(&one) && one.starts_with("n229-"), "{one}");
        assert_eq!(one.len(), 5 + 32);
        assert_eq!(key.pseudonym("demo", 229, "+81 90-1234-5678").unwrap(), one);
        let others = [
            key.pseudonym("demo", 230, "090-1234-5678"),
            key.pseudonym("dem", 229, "090-1234-5678"),
            key.pseudonym("demo", 229, "090-1234-5679"),
            NumberKey::from_bytes([2; 32]).pseudonym("demo", 229, "090-1234-5678"),
        ];
        for other in others {
            assert_ne!(other.unwrap().split_once('-'), one.split_once('-'));
        }
    }

    #[test]
    fn a_pseudonym_can_be_made_with_another_tool() {
        // Python: hmac.new(hmac.new(bytes([1])*32, b"akashi/v1/number\0demo\0" +
        // (229).to_bytes(8, "big"), "sha256").digest(), b"+819012345678", "sha256").hexdigest()[:32]
        let key = NumberKey::from_bytes([1; 32]);
        assert_eq!(
            key.pseudonym("demo", 229, "09012345678").unwrap(),
            "n229-b149f6e4d227b48d2e3a15aeb9d14e9c"
        );
    }

    #[test]
    fn what_is_no_number_is_not_repeated() {
        let key = NumberKey::from_bytes([1; 32]);
        let error = key.pseudonym("demo", 1, "Taro Yamada").unwrap_err();
        assert!(!error.to_string().contains("Taro"), "{error}");
        assert_eq!(format!("{key:?}"), "NumberKey([redacted])");
        assert_eq!(key.fingerprint().len(), 8);
    }

    #[test]
    fn an_epoch_is_ninety_days() {
        let day_us = 86_400 * 1_000_000;
        assert_eq!(epoch_of(90 * day_us - 1), 0);
        assert_eq!(epoch_of(90 * day_us), 1);
    }
}
