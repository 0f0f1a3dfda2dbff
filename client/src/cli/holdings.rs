//! `akashi phone credential` and `akashi phone face`: what a phone holds beside its keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::Output;
use super::phone::open;
use super::platform::{party, read_invitation};
use super::{Global, leaf};
use crate::clock;
use crate::context::Context;
use crate::error::Error;
use crate::issuer::{Issued, Offer};
use crate::phone::{Accepted, Holding, Phone};
use crate::platform::{Invitation, InvitedTo};
use crate::sensor::{Face as Seen, SoftwareSensor};

/// Keep credentials on a phone
#[derive(Debug, Args)]
pub(super) struct Credential {
    #[command(subcommand)]
    verb: CredentialVerb,
}

#[derive(Debug, Subcommand)]
enum CredentialVerb {
    /// Answer an issuer's offer
    #[command(after_help = "\
The request holds secret blindings: it goes to the issuer and nowhere else.

Example:
  akashi phone credential request cust-demo-1 --offer offer.json --out request.json")]
    Request(Request),
    /// Take an issued credential and register it with the cluster
    #[command(after_help = "\
Without --invitation the context's platform opens one. The cluster gets commitments, no values.

Example:
  akashi phone credential add cust-demo-1 credential.json")]
    Add(Add),
    /// List the credentials on a phone; no values
    #[command(after_help = "Example:\n  akashi phone credential list cust-demo-1")]
    List(Owner),
}

/// Enrol a face with a software sensor
#[derive(Debug, Args)]
pub(super) struct Face {
    #[command(subcommand)]
    verb: FaceVerb,
}

#[derive(Debug, Subcommand)]
enum FaceVerb {
    /// Capture a synthetic face and enrol its template
    #[command(after_help = "\
A SOFTWARE sensor, level 0: policies refuse it unless they accept simulators. The cluster gets a
commitment to the template, the phone keeps the template.

Example:
  akashi phone face enrol cust-demo-1 --sensor ./sensor --face taro")]
    Enrol(EnrolFace),
}

#[derive(Debug, Args)]
struct Owner {
    /// Handle of the phone's owner
    subject: String,
}

#[derive(Debug, Args)]
struct Request {
    #[command(flatten)]
    owner: Owner,
    /// The issuer's offer
    #[arg(long, value_name = "FILE")]
    offer: PathBuf,
    /// Write the request to this new file, readable by its owner only
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Args)]
struct Add {
    #[command(flatten)]
    owner: Owner,
    /// The issued credential
    file: PathBuf,
    /// An invitation of the kind `credential`
    #[arg(long, value_name = "FILE")]
    invitation: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct EnrolFace {
    #[command(flatten)]
    owner: Owner,
    /// Directory of the software sensor
    #[arg(long, value_name = "DIR")]
    sensor: PathBuf,
    /// Name of the synthetic face in front of it
    #[arg(long, value_name = "NAME")]
    face: String,
    /// An invitation of the kind `template`
    #[arg(long, value_name = "FILE")]
    invitation: Option<PathBuf>,
    /// TESTS ONLY: sign the level of the sensor's certificate instead of 0
    #[arg(long)]
    pretend_level_for_tests: bool,
}

impl Credential {
    pub(super) async fn run(
        self,
        context: &Context,
        global: &Global,
        output: Output,
    ) -> Result<(), Error> {
        match self.verb {
            CredentialVerb::Request(verb) => {
                let device = open(context, &verb.owner.subject)?;
                let offer = Offer::read(&verb.offer)?;
                super::must_be_new(&verb.out)?;
                device.request_credential(&offer)?.write(&verb.out)?;
                let meanings: Vec<&str> = offer
                    .schema
                    .attributes
                    .iter()
                    .map(|attribute| attribute.meaning.as_str())
                    .collect();
                output.note(&format!(
                    "{} would certify: {}",
                    offer.issuer,
                    meanings.join(", ")
                ));
                output.data(&verb.out.display().to_string());
                Ok(())
            }
            CredentialVerb::Add(verb) => add(context, &verb, global, output).await,
            CredentialVerb::List(owner) => {
                list(&open(context, &owner.subject)?.holdings()?, output);
                Ok(())
            }
        }
    }
}

async fn add(context: &Context, verb: &Add, global: &Global, output: Output) -> Result<(), Error> {
    let device = open(context, &verb.owner.subject)?;
    let issued = Issued::read(&verb.file)?;
    // A credential that was taken but not yet registered is registered now.
    let kept = device.holdings()?;
    let mut holding = match kept.into_iter().find(|h| h.serial() == issued.serial.0) {
        Some(holding) if holding.registered() => {
            output.note("The credential was registered before.");
            return Ok(());
        }
        Some(holding) => holding,
        None => device.take_credential(&issued, clock::unix_us())?,
    };
    let given = verb.invitation.as_deref();
    let invitation = invitation(context, &device, given, InvitedTo::Credential, global).await?;
    let accepted = device
        .register_credential(&mut holding, &invitation, global.deadline())
        .await?;
    report(accepted, output);
    accepted.to_result("the credential is not registered")?;
    list(&[holding], output);
    Ok(())
}

impl Face {
    pub(super) async fn run(
        self,
        context: &Context,
        global: &Global,
        output: Output,
    ) -> Result<(), Error> {
        let FaceVerb::Enrol(verb) = self.verb;
        let device = open(context, &verb.owner.subject)?;
        let home = std::fs::canonicalize(&verb.sensor).map_err(Error::file(&verb.sensor))?;
        let mut sensor = SoftwareSensor::open(&home)?;
        if verb.pretend_level_for_tests {
            sensor = sensor.pretend();
            output.note("A TEST: this software signs the level of its certificate.");
        }
        let given = verb.invitation.as_deref();
        let invitation = invitation(context, &device, given, InvitedTo::Template, global).await?;
        let face = Seen::named(&verb.face);
        let accepted = device
            .enrol_face((&sensor, &home), &face, &invitation, global.deadline())
            .await?;
        report(accepted, output);
        accepted.to_result("the face is not enrolled")?;
        output.note("The face is enrolled; the cluster has a commitment to its template only.");
        Ok(())
    }
}

/// The given invitation, or one that the context's platform opens.
async fn invitation(
    context: &Context,
    device: &Phone,
    given: Option<&std::path::Path>,
    to: InvitedTo,
    global: &Global,
) -> Result<Invitation, Error> {
    match given {
        Some(path) => read_invitation(path),
        None => {
            let owner = party(device.subject(), device.is_agents())?;
            context
                .platform()?
                .invite(owner, to, global.deadline())
                .await
        }
    }
}

fn report(accepted: Accepted, output: Output) {
    if !accepted.accepted {
        let reason = leaf::reason(u16::try_from(accepted.reason).unwrap_or(u16::MAX));
        output.note(&format!(
            "refused ({reason}); see `akashi explain {}`",
            accepted.reason
        ));
    }
}

fn list(holdings: &[Holding], output: Output) {
    let mut rows = Vec::new();
    let mut json = Vec::new();
    for holding in holdings {
        let serial = hex::encode(holding.serial());
        let schema = format!("{} v{}", holding.schema(), holding.schema_version());
        let until = clock::rfc3339(holding.expires_us());
        let state = if holding.registered() {
            "registered"
        } else {
            "not registered"
        };
        json.push(
            json!({ "serial": serial, "issuer": holding.issuer(), "schema": schema,
                          "expires": until, "registered": holding.registered() }),
        );
        rows.push(vec![
            serial,
            holding.issuer().to_owned(),
            schema,
            until,
            state.to_owned(),
        ]);
    }
    let header = ["SERIAL", "ISSUER", "SCHEMA", "GOOD UNTIL", "STATE"];
    output.records(&header, &rows, &json);
}
