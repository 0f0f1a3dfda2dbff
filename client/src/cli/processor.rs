//! `akashi processor`: makes a processor of orders, carries out what customers approved, proves totals.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::Output;
use super::{Global, leaf};
use crate::clock;
use crate::error::Error;
use crate::files;
use crate::layout;
use crate::pki::Authority;
use crate::processor::{Desk, Step};

/// Carry out what customers approved: a reference processor of orders
#[derive(Debug, Args)]
pub(super) struct Processor {
    #[command(subcommand)]
    verb: ProcessorVerb,
}

#[derive(Debug, Subcommand)]
enum ProcessorVerb {
    /// Make a processor: its key and a certificate for that key; prints the public key for a policy
    #[command(after_help = "\
Needs the authority's key of the context. The processor is its key: with a new one it is another
processor, and a policy must name it.

Example:
  akashi processor init warehouse")]
    Init(Named),
    /// Open approved orders, check them, have them carried out once, leave them in DIR/done
    #[command(after_help = "\
An order is in DIR/done only when a quorum of replicas has signed that it was approved and given out
once. Orders that do not open, or are not the approved ones, are reported and not carried out.
Exit status 4 if --count orders did not come in time; 7 if one of them was not sound.

Example:
  akashi processor run warehouse --dir ./warehouse --count 1")]
    Run(Run),
    /// Prove what the orders of a campaign cost together since the last time
    #[command(after_help = "\
The cluster checks the sum and keeps no total. The file is for the firm that pays; it checks it with
`akashi order total`. Three orders at least.

Example:
  akashi processor total warehouse --dir ./warehouse --campaign 7 --out total.json")]
    Total(Total),
}

#[derive(Debug, Args)]
struct Named {
    /// Name of the processor: lower-case letters, digits, '-'
    name: String,
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    who: Named,
    /// The processor's directory, made if it is not there
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Stop after so many orders; default: go on until the timeout
    #[arg(long, value_name = "COUNT")]
    count: Option<u64>,
}

#[derive(Debug, Args)]
struct Total {
    #[command(flatten)]
    who: Named,
    /// The processor's directory
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The tenant's own number of the campaign
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    campaign: u32,
    /// Number of the period's last order; default: the last one carried out
    #[arg(long, value_name = "NUMBER")]
    through: Option<u64>,
    /// Write the total with what proves it to this new file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Processor {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        match self.verb {
            ProcessorVerb::Init(verb) => init(&verb, global, output),
            ProcessorVerb::Run(verb) => run(&verb, global, output).await,
            ProcessorVerb::Total(verb) => total(&verb, global, output).await,
        }
    }
}

fn init(verb: &Named, global: &Global, output: Output) -> Result<(), Error> {
    let context = global.context()?;
    let key = context
        .ca_key()
        .ok_or_else(|| Error::usage("the context names no ca_key: ask whoever has it"))?;
    let authority = Authority::from_key(context.cluster(), &files::read_text(key)?)?;
    let processors = context.processors();
    let public = layout::issue_processor(&authority, &processors, context.tenant(), &verb.name)?;
    output.data(&hex::encode(public));
    output.note("That is the public key: [consent] recipient of a policy file.");
    Ok(())
}

async fn run(verb: &Run, global: &Global, output: Output) -> Result<(), Error> {
    let processor = global.context()?.processor(&verb.who.name)?;
    let mut desk = Desk::open(&verb.dir)?;
    desk.resume(&processor, global.deadline()).await?;
    let mut orders = processor.orders(global.long_deadline());
    let mut left = verb.count;
    let mut unsound = None;
    while left != Some(0) {
        let order = match orders.next().await {
            Ok(order) => order,
            Err(Error::DeadlineExceeded) if left.is_none() => break,
            Err(Error::DeadlineExceeded) => return Err(Error::NoAnswer),
            Err(error) => return Err(error),
        };
        let Some(step) = desk.take(&processor, order, global.deadline()).await? else {
            continue;
        };
        show(&step, output);
        left = left.map(|left| left.saturating_sub(1));
        if let Step::Unsound { error, .. } = step {
            unsound = Some(error);
        }
    }
    unsound.map_or(Ok(()), Err)
}

fn show(step: &Step, output: Output) {
    let (order, what, mut json) = match step {
        Step::Executed {
            order,
            progress,
            total,
        } => (
            order,
            format!("executed, number {}", progress.number),
            json!({ "executed": true, "campaign": progress.campaign, "number": progress.number,
                    "leafIndex": progress.leaf_index, "total": total }),
        ),
        Step::Refused { order, reason } => {
            let words = leaf::reason(u16::try_from(*reason).unwrap_or(u16::MAX));
            let json = json!({ "executed": false, "reason": reason });
            (order, format!("refused: {words}"), json)
        }
        Step::Unsound { order, error } => (
            order,
            format!("not carried out: {error}"),
            json!({ "executed": false, "unsound": error.to_string() }),
        ),
    };
    let id = hex::encode(order.order_id);
    if let Value::Object(map) = &mut json {
        map.insert("orderId".to_owned(), json!(id));
    }
    output.record(&[("order", id), ("state", what)], &json);
}

async fn total(verb: &Total, global: &Global, output: Output) -> Result<(), Error> {
    super::must_be_new(&verb.out)?;
    let processor = global.context()?.processor(&verb.who.name)?;
    let desk = Desk::open(&verb.dir)?;
    let deadline = global.deadline();
    let through = match verb.through {
        Some(through) => through,
        None => processor.campaign(verb.campaign, deadline).await?.orders,
    };
    let proved = processor
        .prove_total(desk.ledger(), verb.campaign, through, deadline)
        .await?;
    let checked = proved.check(processor.key_set())?;
    proved.write(&verb.out)?;
    super::order::show_total(&checked, output);
    output.note(&format!(
        "{} proved at {}; the file is for the firm that pays",
        output.mark(true),
        clock::rfc3339(checked.stamp_us)
    ));
    Ok(())
}
