//! `akashi issuer`: an issuer's desk, offline; and what the operator tells the cluster about it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Global;
use super::output::Output;
use crate::answer::Outcome;
use crate::clock;
use crate::error::Error;
use crate::issuer::{Basis, Issuer as Desk, Offer, Profile, Request, Schema, affected};

/// Seconds of a day.
const DAY_S: u64 = 86_400;

/// Issue credentials about hidden attributes
#[derive(Debug, Args)]
pub(super) struct Issuer {
    #[command(subcommand)]
    verb: IssuerVerb,
}

#[derive(Debug, Subcommand)]
enum IssuerVerb {
    /// Make an issuer: a new directory with a signing key
    #[command(after_help = "\
The context says for which cluster and tenant credentials are; nothing is sent.

Example:
  akashi issuer keygen ./bureau --name bureau-1")]
    Keygen(Keygen),
    /// Check a schema file and show its attributes
    #[command(after_help = "Example:\n  akashi issuer schema ops/samples/credit-schema.toml")]
    Schema(SchemaFile),
    /// Make an offer that one holder can answer
    #[command(after_help = "\
Example:
  akashi issuer offer ./bureau --schema ops/samples/credit-schema.toml --out offer.json")]
    Offer(MakeOffer),
    /// Answer a holder's request with a credential
    #[command(after_help = "\
Checks that the holder has its key, commits to the values, signs. The offer is then used up.

Example:
  akashi issuer issue ./bureau --request request.json --value score=700 --value limit=500000 \\
    --out credential.json")]
    Issue(Issue),
    /// Show an issuer's key and what it has issued; no values
    #[command(after_help = "Example:\n  akashi issuer show ./bureau")]
    Show(Home),
    /// Tell the cluster an issuer's key (operator)
    #[command(after_help = "Example:\n  akashi issuer register ./bureau --context ./dev")]
    Register(Home),
    /// List the contacts whose verdicts rested on an issuer's key, or on one credential (auditor)
    #[command(after_help = "\
Reads and verifies the whole log. Verdicts before a revocation stay as they are; this says which to
look at again.

Example:
  akashi issuer affected ./bureau --context ./dev")]
    Affected(Affected),
    /// Revoke an issuer's key: credentials registered from a moment on are dead (operator)
    #[command(after_help = "\
Example:
  akashi issuer revoke ./bureau --from 1795345200 --context ./dev")]
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Home {
    /// Directory of the issuer
    dir: PathBuf,
}

#[derive(Debug, Args)]
struct Keygen {
    /// Directory to make; must be absent or empty
    dir: PathBuf,
    /// Name of the issuer: a-z, 0-9 and -
    #[arg(long, value_name = "NAME")]
    name: String,
}

#[derive(Debug, Args)]
struct SchemaFile {
    /// Schema file, TOML or JSON
    file: PathBuf,
}

#[derive(Debug, Args)]
struct MakeOffer {
    #[command(flatten)]
    home: Home,
    /// Schema file, TOML or JSON
    #[arg(long, value_name = "FILE")]
    schema: PathBuf,
    /// Write the offer to this new file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Minutes that the offer is good for
    #[arg(long, default_value_t = 60, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=10_080))]
    minutes: u64,
}

#[derive(Debug, Args)]
struct Issue {
    #[command(flatten)]
    home: Home,
    /// The holder's request
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    /// A value; once for each attribute of the schema
    #[arg(long = "value", required = true, value_name = "NAME=NUMBER")]
    values: Vec<String>,
    /// Write the credential to this new file, readable by its owner only
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Days that the credential is good for
    #[arg(long, default_value_t = 365, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=3_660))]
    days: u64,
}

#[derive(Debug, Args)]
struct Revoke {
    #[command(flatten)]
    home: Home,
    /// Unix time in seconds: credentials registered from then on are dead; default: from now on
    #[arg(long, value_name = "SECONDS")]
    from: Option<u64>,
}

#[derive(Debug, Args)]
struct Affected {
    /// Directory of the issuer
    #[arg(required_unless_present_any = ["key", "credential"])]
    dir: Option<PathBuf>,
    /// The key's id instead of the directory, 64 hexadecimal digits
    #[arg(long, value_name = "DIGEST", conflicts_with_all = ["dir", "credential"])]
    key: Option<String>,
    /// One credential by the digest of what its issuer signed, 64 hexadecimal digits
    #[arg(long, value_name = "DIGEST", conflicts_with = "dir")]
    credential: Option<String>,
    /// Unix time in seconds: only proofs from then on
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    since: u64,
}

impl Affected {
    fn basis(&self) -> Result<Basis, Error> {
        match (&self.dir, &self.key, &self.credential) {
            (Some(dir), _, _) => Ok(Basis::Issuer(Profile::read(dir)?.key_id()?)),
            (None, Some(key), _) => Ok(Basis::Issuer(digest(key, "key")?)),
            (None, None, Some(credential)) => {
                Ok(Basis::Credential(digest(credential, "credential")?))
            }
            (None, None, None) => Err(Error::usage("whose key, or which credential?")),
        }
    }

    async fn run(&self, global: &Global, output: Output) -> Result<(), Error> {
        let auditor = global.context()?.auditor()?;
        let since_us = self.since.saturating_mul(1_000_000);
        let found = affected(&auditor, self.basis()?, global.long_deadline()).await?;
        let (mut rows, mut json) = (Vec::new(), Vec::new());
        for one in found.iter().filter(|one| one.stamp_us >= since_us) {
            let outcome = one.outcome.map_or("pending", Outcome::name);
            let contact = hex::encode(one.contact_id);
            let at = clock::rfc3339(one.stamp_us);
            json.push(
                json!({ "contactId": contact, "stamp": at, "outcome": outcome,
                              "challengeId": hex::encode(one.challenge_id),
                              "leafIndex": one.leaf_index }),
            );
            let leaf = one.leaf_index.to_string();
            rows.push(vec![contact, at, outcome.to_owned(), leaf]);
        }
        output.note(&format!("{} proofs rested on it", rows.len()));
        output.records(
            &["CONTACT", "CLUSTER TIME", "OUTCOME", "LEAF"],
            &rows,
            &json,
        );
        Ok(())
    }
}

/// Reads a digest of 64 hexadecimal digits.
fn digest(text: &str, name: &str) -> Result<[u8; 32], Error> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest)
        .map_err(|_bad| Error::usage(format!("{name}: 64 hexadecimal digits are needed")))?;
    Ok(digest)
}

impl Issuer {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        match self.verb {
            IssuerVerb::Keygen(verb) => {
                let context = global.context()?;
                let origin = context.key_set()?.origin().to_string();
                let desk = Desk::create(&verb.dir, &verb.name, &origin, context.tenant())?;
                show_profile(desk.profile(), output)?;
                output.note("next: the operator registers the key with `akashi issuer register`");
                Ok(())
            }
            IssuerVerb::Schema(verb) => {
                show_schema(&Schema::read(&verb.file)?, output);
                Ok(())
            }
            IssuerVerb::Offer(verb) => {
                let desk = Desk::open(&verb.home.dir)?;
                let schema = Schema::read(&verb.schema)?;
                super::must_be_new(&verb.out)?;
                let lifetime = Duration::from_secs(verb.minutes * 60);
                let offer = desk.offer(&schema, clock::unix_us(), lifetime)?;
                offer.write(&verb.out)?;
                show_offer(&offer, output);
                Ok(())
            }
            IssuerVerb::Issue(verb) => {
                let desk = Desk::open(&verb.home.dir)?;
                let request = Request::read(&verb.request)?;
                super::must_be_new(&verb.out)?;
                let validity = Duration::from_secs(verb.days * DAY_S);
                let issued = desk.issue(&request, &verb.values, clock::unix_us(), validity)?;
                issued.write(&verb.out)?;
                let serial = hex::encode(issued.serial.0);
                let until = clock::rfc3339(issued.expires_us);
                output.record(
                    &[("serial", serial.clone()), ("good until", until.clone())],
                    &json!({ "serial": serial, "expires": until }),
                );
                output.note("The file holds the values: it is for the holder only.");
                Ok(())
            }
            IssuerVerb::Show(home) => {
                show_profile(&Profile::read(&home.dir)?, output)?;
                show_entries(&home, output)
            }
            IssuerVerb::Register(home) => register(&home, global, output).await,
            IssuerVerb::Affected(verb) => verb.run(global, output).await,
            IssuerVerb::Revoke(verb) => {
                let context = global.context()?;
                let key_id = Profile::read(&verb.home.dir)?.key_id()?;
                let from_us = verb
                    .from
                    .map_or(0, |seconds| seconds.saturating_mul(1_000_000));
                context
                    .operator()?
                    .revoke_issuer(context.tenant(), &key_id, from_us, global.deadline())
                    .await?;
                output.note("The key is revoked; its older credentials stay good.");
                Ok(())
            }
        }
    }
}

async fn register(home: &Home, global: &Global, output: Output) -> Result<(), Error> {
    let context = global.context()?;
    let profile = Profile::read(&home.dir)?;
    let key_id = context
        .operator()?
        .register_issuer(
            context.tenant(),
            &profile.name,
            &profile.key.0,
            global.deadline(),
        )
        .await?;
    if key_id != profile.key_id()? {
        return Err(Error::integrity("the cluster registered another key"));
    }
    show_profile(&profile, output)
}

fn show_profile(profile: &Profile, output: Output) -> Result<(), Error> {
    let (key, id) = (hex::encode(profile.key.0), hex::encode(profile.key_id()?));
    output.record(
        &[
            ("issuer", profile.name.clone()),
            ("key", key.clone()),
            ("key id", id.clone()),
            ("log", profile.origin.clone()),
            ("tenant", profile.tenant.clone()),
        ],
        &json!({ "issuer": profile.name, "key": key, "keyId": id,
                 "origin": profile.origin, "tenant": profile.tenant }),
    );
    Ok(())
}

fn show_entries(home: &Home, output: Output) -> Result<(), Error> {
    let mut rows = Vec::new();
    let mut json = Vec::new();
    for entry in Desk::entries(&home.dir)? {
        let serial = hex::encode(entry.serial.0);
        let schema = format!("{} v{}", entry.schema, entry.schema_version);
        let until = clock::rfc3339(entry.expires_us);
        json.push(
            json!({ "serial": serial, "schema": schema, "expires": until,
                          "subjectHash": hex::encode(entry.subject_hash.0) }),
        );
        rows.push(vec![serial, schema, until]);
    }
    output.records(&["SERIAL", "SCHEMA", "GOOD UNTIL"], &rows, &json);
    Ok(())
}

fn show_schema(schema: &Schema, output: Output) {
    let attributes = schema.attributes.iter().enumerate();
    let rows: Vec<Vec<String>> = attributes
        .map(|(index, attribute)| {
            vec![
                index.to_string(),
                attribute.name.clone(),
                attribute.meaning.clone(),
                attribute.unit.clone(),
            ]
        })
        .collect();
    let json: Vec<serde_json::Value> = rows
        .iter()
        .map(|row| {
            json!({ "attribute": row.first(), "name": row.get(1),
                           "meaning": row.get(2), "unit": row.get(3) })
        })
        .collect();
    output.note(&format!(
        "schema {} version {}",
        schema.name, schema.version
    ));
    output.records(&["ATTRIBUTE", "NAME", "MEANING", "UNIT"], &rows, &json);
}

fn show_offer(offer: &Offer, output: Output) {
    let id = hex::encode(offer.offer_id.0);
    let until = clock::rfc3339(offer.expires_us);
    output.record(
        &[("offer", id.clone()), ("good until", until.clone())],
        &json!({ "offerId": id, "expires": until }),
    );
    output.note("next: the holder answers it with `akashi phone credential request`");
}
