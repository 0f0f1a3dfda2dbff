//! Match words: one per submission, the same on both sides, told apart by ear.

use std::collections::BTreeSet;

use akashi_proof::{Context, ContextFields, MATCH_WORDS, Purpose, Suite, match_code, match_words};

fn context(nonce: u8) -> Context {
    Context::new(ContextFields {
        suite: Suite::V1,
        origin: b"bank/e1/g0",
        group: 0,
        epoch: 1,
        tenant: b"retail",
        challenge_id: [1; 16],
        nonce: [nonce; 32],
        purpose: Purpose::CustomerCall,
        subject: [3; 32],
        contact_id: &[4; 16],
        not_before_us: 1,
        expires_us: 2,
        order_hash: [0; 32],
        policy_digest: [5; 32],
    })
    .unwrap()
}

#[test]
fn another_question_or_another_proof_gives_other_words() {
    let code = match_code(&context(1), &[7; 64]);
    assert_eq!(code, match_code(&context(1), &[7; 64]));
    assert_ne!(code, match_code(&context(2), &[7; 64]));
    assert_ne!(code, match_code(&context(1), &[8; 64]));
    assert!(code > 0 && code < 1 << 24);
}

#[test]
fn a_code_names_three_words_by_its_bytes() {
    let words = match_words(0x00_01_ff).unwrap();
    assert_eq!(words, [MATCH_WORDS[0], MATCH_WORDS[1], MATCH_WORDS[255]]);
    assert_eq!(match_words(0), None);
    assert_eq!(words[0].to_string(), "あおぞら (aozora)");
}

/// Sounds without voicing: か and が count as one.
fn sounds(kana: &str) -> Vec<char> {
    const VOICED: &str = "がぎぐげござじずぜぞだぢづでどばびぶべぼぱぴぷぺぽ";
    const PLAIN: &str = "かきくけこさしすせそたちつてとはひふへほはひふへほ";
    let plain = |c| {
        VOICED
            .chars()
            .position(|v| v == c)
            .and_then(|at| PLAIN.chars().nth(at))
    };
    kana.chars().map(|c| plain(c).unwrap_or(c)).collect()
}

/// Insertions, removals and changes between two words.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let change = row[j] + usize::from(a != b);
            next.push(change.min(row[j + 1] + 1).min(next[j] + 1));
        }
        row = next;
    }
    row[other.len()]
}

#[test]
fn no_two_words_sound_alike() {
    let romaji: BTreeSet<&str> = MATCH_WORDS.iter().map(|word| word.romaji).collect();
    assert_eq!(romaji.len(), 256);
    for (at, word) in MATCH_WORDS.iter().enumerate() {
        assert!(
            word.romaji.bytes().all(|b| b.is_ascii_lowercase()),
            "{word}"
        );
        for other in &MATCH_WORDS[..at] {
            let apart = distance(&sounds(word.kana), &sounds(other.kana));
            assert!(apart >= 2, "{word} and {other}");
        }
    }
}

#[test]
fn the_page_lists_the_same_words() {
    let page = include_str!("../../../docs/match-words.md");
    for (number, word) in MATCH_WORDS.iter().enumerate() {
        let row = format!("| {number} | {} | {} |", word.kana, word.romaji);
        assert!(page.contains(&row), "{row}");
    }
}
