//! Handles: what stands for a customer or an agent, and what must never.
//!
//! Nodes hold to the same rule; `tests/golden/handles.txt` is checked on both sides. The rule
//! catches what can be recognised: an e-mail address has a character that no handle has, and a
//! telephone number can be dialled. A romanised name cannot be told from an opaque word.

/// Digits from which a handle of digits and separators looks like a telephone number.
const TELEPHONE_DIGITS_MIN: usize = 9;
/// Digits of a Japanese number without its leading zero.
const NATIONAL_DIGITS: std::ops::RangeInclusive<usize> = 9..=10;
/// Words before a number that say what it is.
const LABELS: [&str; 5] = ["tel", "phone", "mobile", "fax", "sms"];

/// Opaque handles of subjects and agents: 8 to 64 characters of `[A-Za-z0-9._-]`, neither an e-mail
/// address nor a telephone number.
#[must_use]
pub fn is_handle(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let sound = (8..=64).contains(&text.len()) && text.bytes().all(plain);
    let starts_a_path = text.starts_with('.');
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    let number = letters == 0 && digits >= TELEPHONE_DIGITS_MIN;
    sound && !starts_a_path && !number && !names_a_telephone(text)
}

/// Whether words of digits, side by side, could be dialled: a Japanese number with its leading zero
/// or behind the country's code. Random identifiers have letters among their digits or other lengths.
#[must_use]
pub fn names_a_telephone(text: &str) -> bool {
    let mut run = String::new();
    for word in text.split(['.', '_', '-']) {
        let word = word.to_ascii_lowercase();
        let label = LABELS.iter().find_map(|label| word.strip_prefix(label));
        let (begins, word) = label.map_or((false, word.as_str()), |rest| (true, rest));
        if begins {
            if is_dialled(&run) {
                return true;
            }
            run.clear();
        }
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            run.push_str(word);
        } else {
            if is_dialled(&run) {
                return true;
            }
            run.clear();
        }
    }
    is_dialled(&run)
}

fn is_dialled(digits: &str) -> bool {
    let national = |rest: &str| NATIONAL_DIGITS.contains(&rest.len()) && !rest.starts_with('0');
    let abroad = ["01081", "0081", "81"]
        .iter()
        .filter_map(|code| digits.strip_prefix(code))
        .any(|rest| national(rest.strip_prefix('0').unwrap_or(rest)));
    abroad || digits.strip_prefix('0').is_some_and(national)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_golden_list_is_followed() {
        let list = include_str!("../../tests/golden/handles.txt");
        let mut seen = 0;
        for line in list.lines().filter(|line| !line.starts_with('#')) {
            let (verdict, handle) = line.split_once(' ').unwrap();
            assert_eq!(is_handle(handle), verdict == "yes", "{handle}");
            seen += 1;
        }
        assert!(seen > 30);
    }
}
