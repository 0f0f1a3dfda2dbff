//! `akashi webhook`: endpoints, their keys, and the process that delivers to them.

use std::path::PathBuf;

use bytes::Bytes;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::Output;
use super::{Global, dev, listen};
use crate::clock;
use crate::error::Error;
use crate::files;
use crate::webhook::cloud_event;
use crate::webhook::send::Attempt;
use crate::webhook::sign::Generation;
use crate::webhook::state::State;
use crate::webhook::{Ask, Endpoint, Filter, Home, Report, Runner, Schedule};

/// Deliver the audit log to other systems, signed, until they have it
#[derive(Debug, Args)]
pub(super) struct Webhook {
    /// Directory of the endpoints, their keys and what waits for them
    #[arg(
        long,
        global = true,
        env = "AKASHI_WEBHOOKS",
        hide_env_values = true,
        default_value = "./webhooks",
        value_name = "DIR"
    )]
    dir: PathBuf,
    #[command(subcommand)]
    verb: WebhookVerb,
}

#[derive(Debug, Subcommand)]
enum WebhookVerb {
    /// Deliver to every endpoint until stopped; endpoints may be added meanwhile
    #[command(after_help = "\
Reads the log with the context's auditor certificate and verifies every leaf before it is sent. One
process per directory. After a crash it goes on where it was; a message may then come twice, under
the same id.

Example:
  akashi webhook run --dir /var/lib/akashi-webhooks")]
    Run,
    /// Add an endpoint; prints its secret and its public key
    #[command(after_help = "\
Only events of the context's tenant are sent, from the next one on. Addresses of this machine and its
network, plain http and redirects are refused; the first two can be allowed.

Example:
  akashi webhook add crm --url https://hooks.example/akashi --event verdict.reached")]
    Add(Add),
    /// List the endpoints, and what was given up
    #[command(after_help = "Example:\n  akashi webhook list --dead crm")]
    List(List),
    /// Send a range of leaves again, or what was given up, or try at once what waits
    #[command(after_help = "\
The messages have the ids that they had, so a receiver that has them already drops them.

Example:
  akashi webhook replay crm --from 120 --to 180")]
    Replay(Replay),
    /// Make new keys; the old ones sign as well for a while
    #[command(after_help = "Example:\n  akashi webhook rotate crm --overlap-hours 48")]
    Rotate(Rotate),
    /// Send one message of type jp.akashi.webhook.test.v1 and say what came back
    #[command(after_help = "Example:\n  akashi webhook test crm")]
    Test(Named),
    /// Print an endpoint's secret and public key again
    #[command(after_help = "Example:\n  akashi webhook keys crm")]
    Keys(Named),
    /// Go on with an endpoint that had answered 410
    #[command(after_help = "Example:\n  akashi webhook enable crm")]
    Enable(Named),
    /// Take an endpoint away, with its keys and what waits for it
    #[command(after_help = "Example:\n  akashi webhook remove crm")]
    Remove(Named),
}

#[derive(Debug, Args)]
struct Add {
    /// Name of the endpoint: lower-case letters, digits, hyphens
    name: String,
    /// Where messages are posted, an https URL
    #[arg(long, value_name = "URL")]
    url: String,
    /// Only events of this name, or with this beginning (order.*); may be repeated
    #[arg(long = "event", value_name = "NAME")]
    events: Vec<String>,
    /// Index of the first leaf to send
    #[arg(long, value_name = "LEAF")]
    from: Option<u64>,
    /// Send the events of every tenant, and those of the cluster itself
    #[arg(long)]
    all_tenants: bool,
    /// Allow loopback, private and link-local addresses
    #[arg(long)]
    allow_private: bool,
    /// Allow plain http
    #[arg(long)]
    allow_http: bool,
    /// Trust these authorities (PEM) instead of the machine's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct List {
    /// List the messages of this endpoint that were given up
    #[arg(long, value_name = "NAME")]
    dead: Option<String>,
}

#[derive(Debug, Args)]
struct Replay {
    /// Name of the endpoint
    name: String,
    /// Index of the first leaf
    #[arg(long, value_name = "LEAF", required_unless_present_any = ["dead", "waiting"])]
    from: Option<u64>,
    /// Index behind the last leaf; default: everything up to now
    #[arg(long, value_name = "LEAF", requires = "from")]
    to: Option<u64>,
    /// What was given up
    #[arg(long, conflicts_with_all = ["from", "waiting"])]
    dead: bool,
    /// What waits for its next attempt
    #[arg(long, conflicts_with = "from")]
    waiting: bool,
}

#[derive(Debug, Args)]
struct Rotate {
    /// Name of the endpoint
    name: String,
    /// Hours for which the old keys sign beside the new ones; 0 ends them at once
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u64).range(0..=8_760))]
    overlap_hours: u64,
}

#[derive(Debug, Args)]
struct Named {
    /// Name of the endpoint
    name: String,
}

impl Webhook {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let home = Home::at(self.dir);
        match self.verb {
            WebhookVerb::Run => run(home, global, output).await,
            WebhookVerb::Add(verb) => verb.run(&home, global, output).await,
            WebhookVerb::List(verb) => match &verb.dead {
                Some(name) => {
                    list_dead(&home.state(name)?, output);
                    Ok(())
                }
                None => list(&home, output),
            },
            WebhookVerb::Replay(verb) => replay(&verb, &home, output),
            WebhookVerb::Rotate(verb) => rotate(&verb, &home, output),
            WebhookVerb::Test(verb) => test(&verb.name, &home, output).await,
            WebhookVerb::Keys(verb) => {
                show_keys(&home.endpoint(&verb.name)?, output);
                Ok(())
            }
            WebhookVerb::Enable(verb) => {
                home.ask(&verb.name, &Ask::Enable)?;
                output.note("asked for; what waits is tried at once, in a second or when the process starts");
                Ok(())
            }
            WebhookVerb::Remove(verb) => home.remove(&verb.name),
        }
    }
}

async fn run(home: Home, global: &Global, output: Output) -> Result<(), Error> {
    let auditor = global.context()?.auditor()?;
    output.note(&format!(
        "delivering from {} ({} endpoints)",
        home.path().display(),
        home.names()?.len()
    ));
    let runner = Runner::new(home, auditor, Schedule::default(), move |report| {
        output.note(&told(report, output));
    });
    runner.run(dev::interrupted()).await
}

/// A report as a line for people.
fn told(report: &Report, output: Output) -> String {
    let now = clock::rfc3339(clock::unix_us());
    let (yes, no) = (output.mark(true), output.mark(false));
    match report {
        Report::Started {
            endpoint,
            next,
            waiting,
        } => format!("{now} {endpoint}: from leaf {next} on, {waiting} waiting"),
        Report::Delivered {
            endpoint,
            index,
            attempts,
        } => format!("{now} {endpoint}: {yes} leaf {index} delivered, attempt {attempts}"),
        Report::Failed {
            endpoint,
            index,
            attempts,
            again_ms,
            why,
        } => format!(
            "{now} {endpoint}: {no} leaf {index}, attempt {attempts}: {why}; again in {} s",
            again_ms.div_ceil(1_000)
        ),
        Report::GivenUp {
            endpoint,
            index,
            attempts,
            why,
        } => {
            format!("{now} {endpoint}: {no} leaf {index} given up after {attempts} attempts: {why}")
        }
        Report::Disabled { endpoint } => format!(
            "{now} {endpoint}: {no} status 410, nothing is sent until `akashi webhook enable {endpoint}`"
        ),
        Report::NotReading { endpoint, why } => {
            format!("{now} {endpoint}: {no} not reading: {why}")
        }
        Report::NotChanged { endpoint, why } => {
            format!("{now} {endpoint}: {no} its file is not usable, the earlier one stays: {why}")
        }
    }
}

impl Add {
    async fn run(self, home: &Home, global: &Global, output: Output) -> Result<(), Error> {
        let context = global.context()?;
        let auditor = context.auditor()?;
        let mut endpoint = Endpoint {
            url: self.url,
            filter: Filter::new(self.events, None)?,
            from: 0,
            allow_private: self.allow_private,
            allow_http: self.allow_http,
            ca: self.ca.as_deref().map(files::read_text).transpose()?,
            keys: vec![Generation::fresh(now_s())?],
        };
        // Whatever is wrong with URL and authorities is said before the cluster is asked.
        endpoint.sender()?;
        endpoint.filter.tenant = if self.all_tenants {
            None
        } else {
            Some(listen::tenant_number(&auditor, context.tenant(), global.deadline()).await?)
        };
        endpoint.from = match self.from {
            Some(from) => from,
            None => auditor.head(global.deadline()).await?.size(),
        };
        home.add(&self.name, &endpoint)?;
        show_keys(&endpoint, output);
        output.note(&format!(
            "{} hears from leaf {} on, while `akashi webhook run` runs on {}",
            self.name,
            endpoint.from,
            home.path().display()
        ));
        Ok(())
    }
}

/// What a receiver needs: the newest secret and public key.
fn show_keys(endpoint: &Endpoint, output: Output) {
    let Some(keys) = endpoint.newest() else {
        return;
    };
    let (secret, public) = (keys.secret_text(), keys.public_text());
    output.record(
        &[
            ("secret", secret.to_string()),
            ("public key", public.clone()),
        ],
        &json!({ "secret": *secret, "publicKey": public }),
    );
}

fn list(home: &Home, output: Output) -> Result<(), Error> {
    let (mut rows, mut json) = (Vec::new(), Vec::new());
    for name in home.names()? {
        let (endpoint, state) = (home.endpoint(&name)?, home.state(&name)?);
        let read = state.cursor().map_or(0, akashi_merkle::Frontier::size);
        let status = if state.disabled_ms().is_some() {
            "disabled"
        } else if state.waiting().values().any(|waiting| waiting.attempts > 0) {
            "failing"
        } else {
            "good"
        };
        rows.push(vec![
            name.clone(),
            status.to_owned(),
            state.waiting().len().to_string(),
            state.delivered().to_string(),
            state.dead().len().to_string(),
            read.to_string(),
            state.last_failure().to_owned(),
            endpoint.url.clone(),
        ]);
        json.push(json!({
            "name": name, "status": status, "url": endpoint.url, "events": endpoint.filter.events,
            "tenant": endpoint.filter.tenant, "from": endpoint.from, "read": read,
            "waiting": state.waiting().len(), "delivered": state.delivered(),
            "lastDelivered": moment(state.last_delivered_ms()), "dead": state.dead().len(),
            "lastFailure": state.last_failure(), "replaying": state.replay().is_some(),
            "generations": endpoint.keys.iter().filter(|keys| keys.in_force(now_s())).count(),
        }));
    }
    let header = [
        "NAME",
        "STATUS",
        "WAITING",
        "DELIVERED",
        "DEAD",
        "READ",
        "LAST FAILURE",
        "URL",
    ];
    output.records(&header, &rows, &json);
    Ok(())
}

fn list_dead(state: &State, output: Output) {
    let (mut rows, mut json) = (Vec::new(), Vec::new());
    for (index, dead) in state.dead() {
        let at = clock::rfc3339(dead.at_ms.saturating_mul(1_000));
        rows.push(vec![
            index.to_string(),
            at.clone(),
            dead.attempts.to_string(),
            dead.why.clone(),
        ]);
        json.push(
            json!({ "leafIndex": index, "givenUp": at, "attempts": dead.attempts,
                          "why": dead.why }),
        );
    }
    output.records(
        &["LEAF", "GIVEN UP", "ATTEMPTS", "LAST FAILURE"],
        &rows,
        &json,
    );
}

fn moment(at_ms: u64) -> Value {
    if at_ms == 0 {
        return Value::Null;
    }
    json!(clock::rfc3339(at_ms.saturating_mul(1_000)))
}

fn replay(verb: &Replay, home: &Home, output: Output) -> Result<(), Error> {
    let ask = match verb.from {
        Some(from) if verb.to.is_some_and(|to| to <= from) => {
            return Err(Error::usage(
                "--to lies behind the last leaf, so above --from",
            ));
        }
        Some(from) => Ask::Replay { from, to: verb.to },
        None if verb.dead => Ask::ReplayDead,
        None => Ask::Hurry,
    };
    home.ask(&verb.name, &ask)?;
    output.note("asked for; the process does it within a second, or when it starts");
    Ok(())
}

fn rotate(verb: &Rotate, home: &Home, output: Output) -> Result<(), Error> {
    let mut endpoint = home.endpoint(&verb.name)?;
    endpoint.rotate(now_s(), verb.overlap_hours.saturating_mul(3_600))?;
    home.update(&verb.name, &endpoint)?;
    show_keys(&endpoint, output);
    output.note(&format!(
        "every message has signatures of both generations for {} hours: tell the receiver now",
        verb.overlap_hours
    ));
    Ok(())
}

async fn test(name: &str, home: &Home, output: Output) -> Result<(), Error> {
    let endpoint = home.endpoint(name)?;
    let state = home.state(name)?;
    let source = if state.origin().is_empty() {
        "akashi"
    } else {
        state.origin()
    };
    let (id, body) = cloud_event::test_message(source)?;
    let attempt = endpoint.sender()?.attempt(&id, Bytes::from(body)).await;
    let words = listen::words(attempt);
    output.record(
        &[("message", id.clone()), ("answer", words.clone())],
        &json!({ "message": id, "delivered": attempt == Attempt::Delivered, "answer": words }),
    );
    match attempt {
        Attempt::Delivered => Ok(()),
        Attempt::Gone | Attempt::Failed(..) => Err(Error::NotDelivered { what: words }),
    }
}

fn now_s() -> u64 {
    clock::unix_us() / 1_000_000
}
