//! Policies from TOML files. Every complaint names the field, with the number of its predicate.

use std::path::Path;

use akashi_proof::{Dimensions, SET_MAX, TAU_LIMIT};
use serde::Deserialize;

use super::grants_file::{AgentsEntry, GrantsEntry, agents, grants};
use super::{ConsentRule, FaceRule, PolicyPurpose, Predicate, Rules, Source, Test};
use crate::error::Error;
use crate::files;
use crate::layout::is_name;

/// Most predicates of one policy.
const PREDICATES_MAX: usize = 8;
/// Most issuers of one rule.
pub(super) const ISSUERS_MAX: usize = 8;
/// Longest verdict in seconds: a day.
const VERDICT_TTL_S_MAX: u32 = 86_400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default)]
    purpose: PurposeName,
    #[serde(default = "yes")]
    pin: bool,
    #[serde(default = "challenge_ttl")]
    challenge_ttl_s: u32,
    #[serde(default = "verdict_ttl")]
    verdict_ttl_s: u32,
    #[serde(default, rename = "predicate")]
    predicates: Vec<Entry>,
    face: Option<FaceEntry>,
    consent: Option<ConsentEntry>,
    #[serde(default)]
    grants: GrantsEntry,
    #[serde(default)]
    agents: AgentsEntry,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
enum PurposeName {
    #[default]
    CustomerCall,
    AgentLogin,
    Consent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    issuers: Vec<String>,
    schema: String,
    schema_version: u16,
    attribute: u16,
    #[serde(default = "bits")]
    bits: u8,
    at_least: Option<u64>,
    at_most: Option<u64>,
    within: Option<[u64; 2]>,
    one_of: Option<Vec<u64>>,
    equals: Option<u64>,
    covers_amount: Option<u8>,
    same_as: Option<SourceEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceEntry {
    issuers: Vec<String>,
    schema: String,
    schema_version: u16,
    attribute: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaceEntry {
    model_id: String,
    dimensions: u16,
    tau: u32,
    /// 1 unless the file says otherwise: no simulators.
    #[serde(default = "min_level")]
    min_level: u8,
    #[serde(default = "max_age")]
    max_age_s: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentEntry {
    recipient: String,
    #[serde(default = "payload_bytes")]
    max_payload_bytes: u32,
}

const fn yes() -> bool {
    true
}

const fn challenge_ttl() -> u32 {
    120
}

const fn verdict_ttl() -> u32 {
    3_600
}

const fn bits() -> u8 {
    64
}

const fn min_level() -> u8 {
    1
}

const fn max_age() -> u32 {
    60
}

const fn payload_bytes() -> u32 {
    16 * 1_024
}

/// Reads a policy file: its name and its rules.
///
/// # Errors
///
/// [`Error::File`]; [`Error::Malformed`] names the field.
pub fn read(path: &Path) -> Result<(String, Rules), Error> {
    parse(&files::read_text(path)?).map_err(|what| Error::malformed(path, what))
}

pub(super) fn parse(text: &str) -> Result<(String, Rules), String> {
    let file: File = toml::from_str(text).map_err(|bad| {
        let line = bad.span().map(|span| {
            text.get(..span.start)
                .unwrap_or_default()
                .lines()
                .count()
                .max(1)
        });
        let line = line.map_or_else(String::new, |line| format!("line {line}: "));
        format!("{line}{}", bad.message())
    })?;
    must(
        is_name(&file.name),
        "name: 1 to 32 of a-z, 0-9 and - are needed",
    )?;
    must(
        (10..=600).contains(&file.challenge_ttl_s),
        "challenge_ttl_s: 10 to 600 is needed",
    )?;
    must(
        (60..=VERDICT_TTL_S_MAX).contains(&file.verdict_ttl_s),
        "verdict_ttl_s: 60 to 86400 is needed",
    )?;
    must(
        file.predicates.len() <= PREDICATES_MAX,
        "predicate: at most 8",
    )?;
    let purpose = match file.purpose {
        PurposeName::CustomerCall => PolicyPurpose::CustomerCall,
        PurposeName::AgentLogin => PolicyPurpose::AgentLogin,
        PurposeName::Consent => PolicyPurpose::Consent,
    };
    let asks_consent = purpose == PolicyPurpose::Consent;
    must(
        file.consent.is_some() == asks_consent,
        "consent: needed for the purpose consent, and for no other",
    )?;
    let mut predicates = Vec::new();
    for (position, entry) in file.predicates.into_iter().enumerate() {
        let predicate = predicate(entry, asks_consent);
        predicates.push(predicate.map_err(|what| format!("predicate {position}: {what}"))?);
    }
    let rules = Rules {
        purpose,
        require_possession: true,
        require_knowledge: file.pin,
        predicates,
        face: file.face.map(face).transpose()?,
        consent: file.consent.as_ref().map(consent).transpose()?,
        challenge_ttl_s: file.challenge_ttl_s,
        verdict_ttl_s: file.verdict_ttl_s,
        grants: grants(&file.grants, purpose)?,
        agents: agents(&file.agents, purpose)?,
    };
    Ok((file.name, rules))
}

fn predicate(entry: Entry, asks_consent: bool) -> Result<Predicate, String> {
    let bits = entry.bits;
    must(matches!(bits, 32 | 64), "bits: 32 or 64 is needed")?;
    let limit = if bits == 32 { 1 << 32 } else { 1 << 63 };
    let bounded = |name: &str, bound: u64| {
        must(
            bound < limit,
            &format!(
                "{name}: below 2^{} is needed",
                if bits == 32 { 32 } else { 63 }
            ),
        )
        .map(|()| bound)
    };
    let mut tests = Vec::new();
    if let Some(bound) = entry.at_least {
        let bound = bounded("at_least", bound)?;
        tests.push(Test::AtLeast { bits, bound });
    }
    if let Some(bound) = entry.at_most {
        let bound = bounded("at_most", bound)?;
        tests.push(Test::AtMost { bits, bound });
    }
    if let Some([low, high]) = entry.within {
        let (low, high) = (bounded("within", low)?, bounded("within", high)?);
        must(
            low <= high,
            "within: the first must not be above the second",
        )?;
        tests.push(Test::Within { bits, low, high });
    }
    if let Some(values) = entry.one_of {
        let ascending = values.iter().zip(values.iter().skip(1)).all(|(a, b)| a < b);
        let counted = (1..=SET_MAX).contains(&values.len());
        must(
            counted && ascending,
            "one_of: 1 to 16 values, ascending, each once",
        )?;
        must(
            values.iter().all(|value| *value < 1 << 63),
            "one_of: below 2^63 is needed",
        )?;
        tests.push(Test::OneOf { values });
    }
    if let Some(value) = entry.equals {
        must(value < 1 << 63, "equals: below 2^63 is needed")?;
        tests.push(Test::Equals { value });
    }
    if let Some(amount) = entry.covers_amount {
        must(asks_consent, "covers_amount: only for the purpose consent")?;
        must(amount < 4, "covers_amount: 0 to 3 is needed")?;
        tests.push(Test::CoversAmount { bits, amount });
    }
    if let Some(other) = entry.same_as {
        tests.push(Test::SameAs(
            source(
                other.issuers,
                other.schema,
                other.schema_version,
                other.attribute,
            )
            .map_err(|what| format!("same_as.{what}"))?,
        ));
    }
    let count = tests.len();
    let one = tests.pop().filter(|_| count == 1);
    let test = one.ok_or(
        "exactly one of at_least, at_most, within, one_of, equals, covers_amount, same_as is needed",
    )?;
    Ok(Predicate {
        source: source(
            entry.issuers,
            entry.schema,
            entry.schema_version,
            entry.attribute,
        )?,
        test,
    })
}

fn source(
    mut issuers: Vec<String>,
    schema: String,
    schema_version: u16,
    attribute: u16,
) -> Result<Source, String> {
    issuers.sort();
    issuers.dedup();
    let counted = (1..=ISSUERS_MAX).contains(&issuers.len());
    must(
        counted && issuers.iter().all(|issuer| is_name(issuer)),
        "issuers: 1 to 8 names of a-z, 0-9 and - are needed",
    )?;
    must(
        is_name(&schema),
        "schema: 1 to 32 of a-z, 0-9 and - are needed",
    )?;
    must(attribute < 32, "attribute: 0 to 31 is needed")?;
    Ok(Source {
        issuers,
        schema,
        schema_version,
        attribute,
    })
}

fn face(entry: FaceEntry) -> Result<FaceRule, String> {
    must(
        is_name(&entry.model_id),
        "face.model_id: 1 to 32 of a-z, 0-9 and - are needed",
    )?;
    must(
        Dimensions::from_count(entry.dimensions).is_some(),
        "face.dimensions: 128, 256 or 512 is needed",
    )?;
    must(entry.tau < TAU_LIMIT, "face.tau: below 33554432 is needed")?;
    must(entry.min_level <= 2, "face.min_level: 0, 1 or 2 is needed")?;
    must(
        (5..=600).contains(&entry.max_age_s),
        "face.max_age_s: 5 to 600 is needed",
    )?;
    Ok(FaceRule {
        model_id: entry.model_id,
        dimensions: entry.dimensions,
        tau: entry.tau,
        min_level: entry.min_level,
        max_age_s: entry.max_age_s,
    })
}

fn consent(entry: &ConsentEntry) -> Result<ConsentRule, String> {
    let mut recipient = [0; 32];
    hex::decode_to_slice(&entry.recipient, &mut recipient).map_err(|_bad| {
        "consent.recipient: 64 hexadecimal digits are needed (`akashi order keygen` prints them)"
    })?;
    must(
        (1..=65_536).contains(&entry.max_payload_bytes),
        "consent.max_payload_bytes: 1 to 65536 is needed",
    )?;
    Ok(ConsentRule {
        recipient,
        max_payload_bytes: entry.max_payload_bytes,
    })
}

pub(super) fn must(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}
