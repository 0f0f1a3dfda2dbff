//! `akashi sensor`: software sensors, level 0, for tests and development.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Global;
use super::output::Output;
use crate::clock;
use crate::error::Error;
use crate::sensor::{Profile, SoftwareSensor};

/// Microseconds of a day.
const DAY_US: u64 = 86_400_000_000;

/// Use a SOFTWARE sensor: assurance level 0, for tests; the default policy refuses it
#[derive(Debug, Args)]
pub(super) struct Sensor {
    #[command(subcommand)]
    verb: SensorVerb,
}

#[derive(Debug, Subcommand)]
enum SensorVerb {
    /// Make a software sensor: a new directory with a signing key
    #[command(after_help = "\
Example:
  akashi sensor keygen ./sensor --model synthetic-1 --dimensions 128")]
    Keygen(Keygen),
    /// Tell the cluster a sensor's certificate (operator)
    #[command(after_help = "\
A software sensor is registered with level 0. A test that needs another level must say so with
--pretend-level-for-tests; captures then still carry level 0, unless the phone pretends as well.

Example:
  akashi sensor register ./sensor --context ./dev")]
    Register(Register),
    /// Revoke a sensor's certificate: its captures count no more (operator)
    #[command(after_help = "Example:\n  akashi sensor revoke ./sensor --context ./dev")]
    Revoke(Home),
}

#[derive(Debug, Args)]
struct Home {
    /// Directory of the sensor
    dir: PathBuf,
}

#[derive(Debug, Args)]
struct Keygen {
    /// Directory to make; must be absent or empty
    dir: PathBuf,
    /// Model of the templates: a-z, 0-9 and -
    #[arg(long, default_value = "synthetic-1", value_name = "NAME")]
    model: String,
    /// Entries of a template: 128, 256 or 512
    #[arg(long, default_value_t = 128, value_name = "COUNT")]
    dimensions: u16,
    /// Days that the certificate is good for
    #[arg(long, default_value_t = 30, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=366))]
    days: u64,
}

#[derive(Debug, Args)]
struct Register {
    #[command(flatten)]
    home: Home,
    /// TESTS ONLY: register this software as if it were level 1 or 2
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(1..=2))]
    pretend_level_for_tests: Option<u8>,
}

impl Sensor {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        match self.verb {
            SensorVerb::Keygen(verb) => {
                let now = clock::unix_us();
                // A machine whose clock is a little behind the cluster's must not be too early.
                let validity = (
                    now.saturating_sub(DAY_US),
                    now.saturating_add(verb.days.saturating_mul(DAY_US)),
                );
                let made =
                    SoftwareSensor::create(&verb.dir, &verb.model, verb.dimensions, validity)?;
                show(made.profile(), None, output);
                output.note(
                    "A SOFTWARE sensor: level 0, refused unless a policy accepts simulators.",
                );
                Ok(())
            }
            SensorVerb::Register(verb) => register(&verb, global, output).await,
            SensorVerb::Revoke(home) => {
                let context = global.context()?;
                let origin = context.key_set()?.origin().to_string();
                let profile = Profile::read(&home.dir)?;
                let digest = profile.certificate_digest(&origin, context.tenant())?;
                context
                    .operator()?
                    .revoke_sensor(context.tenant(), &digest, global.deadline())
                    .await?;
                output.note("The certificate is revoked.");
                Ok(())
            }
        }
    }
}

async fn register(verb: &Register, global: &Global, output: Output) -> Result<(), Error> {
    let context = global.context()?;
    let mut profile = Profile::read(&verb.home.dir)?;
    if let Some(level) = verb.pretend_level_for_tests {
        profile.level = level;
        profile.write(&verb.home.dir)?;
        output.note(&format!(
            "A TEST: this software is registered as if it were of level {level}."
        ));
    }
    let digest = context
        .operator()?
        .register_sensor(context.tenant(), &profile, global.deadline())
        .await?;
    let origin = context.key_set()?.origin().to_string();
    if digest != profile.certificate_digest(&origin, context.tenant())? {
        return Err(Error::integrity(
            "the cluster registered another certificate",
        ));
    }
    show(&profile, Some(digest), output);
    Ok(())
}

fn show(profile: &Profile, digest: Option<[u8; 32]>, output: Output) {
    let until = clock::rfc3339(profile.expires_us);
    let mut fields = vec![
        ("model", profile.model_id.clone()),
        ("dimensions", profile.dimensions.to_string()),
        ("level", format!("{} (software)", profile.level)),
        ("good until", until.clone()),
    ];
    let mut json = json!({ "modelId": profile.model_id, "dimensions": profile.dimensions,
                           "level": profile.level, "software": true, "expires": until });
    if let (Some(digest), Some(map)) = (digest, json.as_object_mut()) {
        let digest = hex::encode(digest);
        fields.push(("certificate", digest.clone()));
        map.insert("certificate".to_owned(), json!(digest));
    }
    output.record(&fields, &json);
}
