//! `akashi enrol`: enrols the customers and registers the agents of a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::Global;
use super::output::Output;
use crate::clock::{self, Deadline};
use crate::connection::Connection;
use crate::context::Context;
use crate::enrolment::{self, Entry};
use crate::error::Error;
use crate::files;
use crate::layout;
use crate::operator::Operator;
use crate::phone::{Phone, PhoneDirectory, Profile};
use crate::pki::Authority;
use crate::platform::{InvitedTo, Party, Platform};

/// Most phones enrolled at the same time: each holds 64 MiB while its PIN is turned into a key.
const PARALLEL_MAX: u16 = 64;

/// Enrol the customers and register the agents of a file (JSON Lines)
#[derive(Debug, Args)]
#[command(after_help = "\
One object per line: {\"kind\":\"customer\",\"subject\":HANDLE,\"pin\":DIGITS} or
{\"kind\":\"agent\",\"agent\":HANDLE} (\"supervisor\":true for one); see ops/samples/README.md. A simulated phone is made for each
customer; the cluster receives its public keys only. Customers whose phone is there are skipped.

Example:
  akashi enrol ops/samples/enrolment.jsonl --context DIR")]
pub(super) struct Enrol {
    /// The enrolment file
    file: PathBuf,
    /// Phones enrolled at the same time; default: one per processor
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=i64::from(PARALLEL_MAX)))]
    parallel: Option<u16>,
}

/// What an enrolment run did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Enrolled {
    /// Customers whose phone was enrolled.
    pub(super) customers: usize,
    /// Agents registered.
    pub(super) agents: usize,
    /// Customers whose phone was there already, and agents who were registered.
    pub(super) skipped: usize,
}

impl Enrol {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let context = global.context()?;
        let began = clock::monotonic();
        let entries = enrolment::read(&self.file)?;
        let each = Duration::from_secs(global.seconds());
        let done = run(&context, entries, self.parallel, each, output).await?;
        let seconds = (clock::monotonic() - began).as_millis();
        output.record(
            &[
                ("customers enrolled", done.customers.to_string()),
                ("agents registered", done.agents.to_string()),
                ("skipped, enrolled before", done.skipped.to_string()),
                ("phones", context.phones().display().to_string()),
                ("milliseconds", seconds.to_string()),
            ],
            &json!({ "customers": done.customers, "agents": done.agents,
                     "skipped": done.skipped, "milliseconds": u64::try_from(seconds).ok() }),
        );
        Ok(())
    }
}

/// Enrols entries; each may take `each` at most.
pub(super) async fn run(
    context: &Context,
    entries: Vec<Entry>,
    parallel: Option<u16>,
    each: Duration,
    output: Output,
) -> Result<Enrolled, Error> {
    let parallel = parallel.map_or_else(processors, usize::from);
    let bar = progress_bar(entries.len(), output);
    let shared = Arc::new(Shared::of(context)?);
    let mut results = futures::stream::iter(entries)
        .map(|entry| {
            let shared = Arc::clone(&shared);
            async move { shared.enrol(entry, Deadline::after(each)).await }
        })
        .buffer_unordered(parallel);
    let mut done = Enrolled::default();
    while let Some(result) = results.next().await {
        match result? {
            Step::Customer => done.customers += 1,
            Step::Agent => done.agents += 1,
            Step::Skipped => done.skipped += 1,
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(done)
}

/// Makes and enrols the phone of a registered agent.
pub(super) async fn agents_phone(
    context: &Context,
    agent: &str,
    pin: zeroize::Zeroizing<String>,
    each: Duration,
) -> Result<(), Error> {
    let directory = PhoneDirectory::of(context.phones(), agent);
    let made = Shared::of(context)?
        .make_phone(&directory, Party::Agent(agent), &pin, Deadline::after(each))
        .await;
    if made.is_err() && directory.path().is_dir() {
        directory.discard()?;
    }
    made
}

enum Step {
    Customer,
    Agent,
    Skipped,
}

struct Shared {
    operator: Operator,
    platform: Platform,
    phones: Connection,
    context: Context,
    authority: Option<Authority>,
    ca_pem: String,
}

impl Shared {
    fn of(context: &Context) -> Result<Self, Error> {
        Ok(Self {
            operator: context.operator()?,
            platform: context.platform()?,
            phones: context.phone_connection()?,
            context: context.clone(),
            authority: authority(context)?,
            ca_pem: files::read_text(context.ca())?,
        })
    }

    async fn enrol(&self, entry: Entry, deadline: Deadline) -> Result<Step, Error> {
        match entry {
            Entry::Agent { agent, supervisor } => {
                match self.register_agent(&agent, supervisor, deadline).await {
                    Ok(()) => Ok(Step::Agent),
                    // Registered by an earlier run of the same file.
                    Err(error) if error.grpc_code() == Some(tonic::Code::AlreadyExists) => {
                        Ok(Step::Skipped)
                    }
                    Err(error) => Err(error),
                }
            }
            Entry::Customer { subject, pin } => {
                let directory = PhoneDirectory::of(self.context.phones(), &subject);
                if directory.is_there() {
                    return Ok(Step::Skipped);
                }
                let made = self
                    .make_phone(&directory, Party::Customer(&subject), &pin, deadline)
                    .await;
                if made.is_err() && directory.path().is_dir() {
                    directory.discard()?;
                }
                made.map(|()| Step::Customer)
            }
        }
    }

    async fn register_agent(
        &self,
        agent: &str,
        supervisor: bool,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let agents = self.context.agents();
        let have = agents.join(format!("{agent}.pem")).is_file();
        let tenant = self.context.tenant();
        if let (Some(authority), false) = (&self.authority, have) {
            layout::issue_agent(authority, &agents, tenant, agent)?;
        }
        self.operator
            .register_staff((tenant, agent), None, supervisor, deadline)
            .await
    }

    async fn make_phone(
        &self,
        directory: &PhoneDirectory,
        owner: Party<'_>,
        pin: &str,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let profile = Profile {
            tenant: self.context.tenant().to_owned(),
            subject: owner.handle().to_owned(),
            agent: matches!(owner, Party::Agent(_)),
            key_epoch: 0,
            nodes: self.context.nodes().to_vec(),
        };
        directory.create(&profile, &self.context.key_set()?, &self.ca_pem)?;
        let phone = Phone::with_connection(directory, self.phones.clone())?;
        // Argon2id is meant to be slow: off the threads that talk to the cluster.
        let pin = zeroize::Zeroizing::new(pin.to_owned());
        let derived = tokio::task::spawn_blocking(move || {
            let secret = phone.unlock(&pin);
            (phone, secret)
        });
        let (phone, secret) = derived.await.map_err(|_stopped| Error::Proof {
            what: "the PIN's key",
        })?;
        let invitation = self
            .platform
            .invite(owner, InvitedTo::Device, deadline)
            .await?;
        phone.enrol(&invitation, &secret?, deadline).await
    }
}

/// Takes up the authority if its key is at hand.
fn authority(context: &Context) -> Result<Option<Authority>, Error> {
    let Some(path) = context.ca_key().filter(|path| path.is_file()) else {
        return Ok(None);
    };
    let key = zeroize::Zeroizing::new(files::read_text(Path::new(path))?);
    Authority::from_key(context.cluster(), &key).map(Some)
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZeroUsize::get)
}

fn progress_bar(length: usize, output: Output) -> ProgressBar {
    if !output.progress() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(length).unwrap_or(u64::MAX));
    match ProgressStyle::with_template("  enrolling {bar:30} {pos}/{len} {elapsed}") {
        Ok(style) => bar.with_style(style),
        Err(_template) => bar,
    }
}
