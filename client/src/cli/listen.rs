//! `akashi listen`: prints what happens in the cluster, as it happens, each leaf verified first.

use std::path::PathBuf;
use std::time::Duration;

use akashi_merkle::{CheckedHead, Leaf};
use bytes::Bytes;
use clap::Args;
use serde_json::Value;

use super::output::{Format, Output};
use super::{Global, dev, leaf, log};
use crate::auditor::{Auditor, Batch};
use crate::clock::{self, Deadline};
use crate::error::Error;
use crate::event::json;
use crate::webhook::Filter;
use crate::webhook::address::Target;
use crate::webhook::cloud_event;
use crate::webhook::send::{Attempt, Sender};
use crate::webhook::sign::Generation;

/// Seconds for which one question for new leaves stays open.
const READ_S: u64 = 60;
/// Seconds of listening when no --timeout is given: as good as for ever.
const FOR_EVER_S: u64 = 10 * 365 * 86_400;

/// Print events as they happen, each verified before it is printed
#[derive(Debug, Args)]
#[command(after_help = "\
Begins with the next event; --from begins at a leaf, and --state goes on where the last run stopped. The
log is verified from its beginning (or from the state) in any case, so the first line of a long log
takes a moment. Ends with Ctrl-C, after --count events or after --timeout seconds.

Example:
  akashi listen --event verdict.reached --event 'order.*' -o jsonl")]
pub(super) struct Listen {
    /// Only events of this name, or with this beginning (order.*); may be repeated
    #[arg(long = "event", value_name = "NAME")]
    events: Vec<String>,
    /// Only events of this contact, 32 hexadecimal digits
    #[arg(long, value_name = "ID")]
    contact: Option<String>,
    /// Only events of this challenge, 32 hexadecimal digits
    #[arg(long, value_name = "ID")]
    challenge: Option<String>,
    /// Only events of this tenant
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Index of the first leaf to print
    #[arg(long, value_name = "LEAF", conflicts_with = "state")]
    from: Option<u64>,
    /// File with the verified position, made if it is not there
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// End after so many events
    #[arg(long, value_name = "NUMBER", conflicts_with = "state")]
    count: Option<u64>,
    /// Print what a webhook would carry, one JSON object per line
    #[arg(long)]
    cloud_events: bool,
    /// Post each event, signed, to this address as well; for trying a receiver on this machine
    #[arg(long, value_name = "URL")]
    forward: Option<String>,
}

/// What passes.
struct Wanted {
    filter: Filter,
    from: u64,
    contact: Option<[u8; 16]>,
    challenge: Option<[u8; 16]>,
}

impl Wanted {
    fn passes(&self, index: u64, leaf: &Leaf) -> bool {
        index >= self.from
            && self.filter.passes(leaf)
            && self.contact.is_none_or(|id| id == leaf.contact_id)
            && self.challenge.is_none_or(|id| id == leaf.challenge_id)
    }
}

impl Listen {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        let id = |text: &Option<String>, name| {
            let text = text.as_deref();
            text.map(|text| super::id_from_text(text, name)).transpose()
        };
        let (contact, challenge) = (
            id(&self.contact, "contact")?,
            id(&self.challenge, "challenge")?,
        );
        let forward = self
            .forward
            .as_deref()
            .map(|url| forwarder(url, output))
            .transpose()?;
        let auditor = global.context()?.auditor()?;
        let tenant = match &self.tenant {
            Some(name) => Some(tenant_number(&auditor, name, global.deadline()).await?),
            None => None,
        };
        let known = self.state.as_deref().filter(|path| path.is_file());
        let follower = match known {
            Some(path) => log::resume(&auditor, path)?,
            None => auditor.follower(),
        };
        let from = match (self.from, known) {
            (Some(from), _) => from,
            (None, Some(_)) => 0,
            (None, None) => auditor.head(global.deadline()).await?.size(),
        };
        let wanted = Wanted {
            filter: Filter::new(self.events.clone(), tenant)?,
            from,
            contact,
            challenge,
        };
        let mut reader = auditor.reader(follower, true);
        let end = Deadline::after(Duration::from_secs(global.timeout.unwrap_or(FOR_EVER_S)));
        let mut left = self.count.unwrap_or(u64::MAX);
        let mut stop = std::pin::pin!(dev::interrupted());
        output.note(&format!("listening from leaf {from} on"));
        while left > 0 {
            let patience = end.remaining().min(Duration::from_secs(READ_S));
            let batch = tokio::select! {
                () = &mut stop => break,
                batch = reader.next(patience) => batch,
            };
            let batch = match batch {
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                Err(Error::DeadlineExceeded) if end.remaining().is_zero() => break,
                Err(Error::DeadlineExceeded) => continue,
                Err(error @ Error::Unavailable { .. }) if !end.remaining().is_zero() => {
                    output.note(&format!("{error}; asking again"));
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.print(&batch, &wanted, &mut left, forward.as_ref(), output)
                .await?;
            if let Some(path) = &self.state {
                log::save(path, &batch.frontier)?;
            }
        }
        Ok(())
    }

    async fn print(
        &self,
        batch: &Batch,
        wanted: &Wanted,
        left: &mut u64,
        forward: Option<&Sender>,
        output: Output,
    ) -> Result<(), Error> {
        for (index, bytes) in (batch.first_index..).zip(&batch.leaves) {
            let parsed = Leaf::decode(bytes).map_err(|_version| Error::Answer { what: "leaf" })?;
            if *left == 0 || !wanted.passes(index, &parsed) {
                continue;
            }
            *left = left.saturating_sub(1);
            output.data(&self.line(index, bytes, &parsed, &batch.head, output));
            if let Some(sender) = forward {
                let event = cloud_event::of_leaf(index, bytes, &parsed, &batch.head);
                let id = cloud_event::message_id(&batch.head.head().origin, index);
                let sent = sender
                    .attempt(&id, Bytes::from(cloud_event::body(event)))
                    .await;
                output.note(&format!(
                    "{} leaf {index}: {}",
                    mark(output, sent),
                    words(sent)
                ));
            }
        }
        Ok(())
    }

    fn line(
        &self,
        index: u64,
        bytes: &[u8],
        parsed: &Leaf,
        head: &CheckedHead,
        output: Output,
    ) -> String {
        if self.cloud_events {
            return cloud_event::of_leaf(index, bytes, parsed, head).to_string();
        }
        match output.format {
            Format::Table => leaf::leaf_row(index, parsed)
                .join("  ")
                .trim_end()
                .to_owned(),
            Format::Json | Format::Jsonl => {
                let object: Value = json::leaf_json(index, parsed);
                object.to_string()
            }
        }
    }
}

/// The number of a tenant that must be there.
pub(super) async fn tenant_number(
    auditor: &Auditor,
    name: &str,
    deadline: Deadline,
) -> Result<u32, Error> {
    let number = auditor.tenant_number(name, deadline).await?;
    number.ok_or_else(|| Error::usage(format!("tenant {name}: the log has none of this name")))
}

/// The sign of an attempt.
pub(super) fn mark(output: Output, attempt: Attempt) -> String {
    output.mark(attempt == Attempt::Delivered)
}

/// An attempt in words.
pub(super) fn words(attempt: Attempt) -> String {
    match attempt {
        Attempt::Delivered => "delivered".to_owned(),
        Attempt::Gone => "status 410: the receiver wants nothing more".to_owned(),
        Attempt::Failed(failure, _pause) => failure.to_string(),
    }
}

/// A sender to a receiver that somebody is writing: any address, plain http, keys of its own.
fn forwarder(url: &str, output: Output) -> Result<Sender, Error> {
    let keys = Generation::fresh(clock::unix_us() / 1_000_000)?;
    output.note(&format!(
        "forwarding to {url}; each event is tried once\n  secret      {}\n  public key  {}",
        *keys.secret_text(),
        keys.public_text()
    ));
    Sender::new(Target::parse(url, true)?, true, vec![keys], None)
}
