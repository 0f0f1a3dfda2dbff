//! `akashi order`: offers an order for consent, follows it, opens what was sealed for the processor.

use std::path::PathBuf;

use akashi_merkle::Leaf;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Global;
use super::output::Output;
use crate::answer::{Outcome, Stage};
use crate::auditor::{self, Flow};
use crate::clock;
use crate::context;
use crate::error::Error;
use crate::files::{self, Mode};
use crate::layout::is_handle;
use crate::order::{
    CheckedTotal, Order as Sheeted, PeriodSum, ProvedTotal, RecipientSecret, SealedFile, Sheet,
};
use crate::platform::{OfferedOrder, OrderState};

/// Have an order approved on the customer's phone, and open it
#[derive(Debug, Args)]
pub(super) struct Order {
    #[command(subcommand)]
    verb: OrderVerb,
}

#[derive(Debug, Subcommand)]
enum OrderVerb {
    /// Make the key of a processor of orders; prints the public key for a policy
    #[command(after_help = "Example:\n  akashi order keygen --out processor.key")]
    Keygen(Keygen),
    /// Ask the customer of a verified contact to approve an order
    #[command(after_help = "\
The cluster gets a salted hash and commitments to amounts. The order file goes to the customer's
phone by the tenant's own app.

Example:
  akashi order offer cust-demo-1 --contact 6f1c… --policy purchase \\
    --sheet ops/samples/order.toml --out order.json")]
    Offer(Offer),
    /// Show an order as it stands
    #[command(after_help = "Example:\n  akashi order show order.json --contact 6f1c…")]
    Show(Show),
    /// Open a sealed payload and check it against the approved order (processor)
    #[command(after_help = "\
Exit status 7 if it does not open, is another order, or an amount differs from its commitment.

Example:
  akashi order open sealed.json --key processor.key --data-out customer.txt")]
    Open(Open),
    /// Check what the orders of a campaign cost together (the firm that pays)
    #[command(after_help = "\
Offline, nothing is needed but the cluster's public keys: the receipt's leaf has the hidden sum of the
orders, and the file opens it. With --receipts the commitments of the orders, from the receipts of
their execution, are added up as well. Without --offline they are read from the audit log.
Exit status 7 if anything does not hold.

Example:
  akashi order total total.json --offline --keys cluster.keys")]
    Total(Total),
}

#[derive(Debug, Args)]
struct Total {
    /// The file that `akashi processor total` wrote
    file: PathBuf,
    /// Open no connection
    #[arg(long)]
    offline: bool,
    /// The key set of the cluster; default: the context's
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Receipts of the executed orders, in the order of their numbers
    #[arg(long, value_name = "FILE", num_args = 1..)]
    receipts: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct Keygen {
    /// Write the private key to this new file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Args)]
struct Offer {
    /// Handle of the customer
    subject: String,
    /// The contact, 32 hexadecimal digits, as printed by `akashi call`
    #[arg(long, value_name = "ID")]
    contact: String,
    /// A policy whose purpose is consent
    #[arg(long, value_name = "NAME")]
    policy: String,
    /// Order sheet, TOML
    #[arg(long, value_name = "FILE")]
    sheet: PathBuf,
    /// Write the order with its salt and openings to this new file, for the phone
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Wait for the customer's answer
    #[arg(long)]
    wait: bool,
}

#[derive(Debug, Args)]
struct Show {
    /// The order file that `akashi order offer` wrote
    order: PathBuf,
    /// The contact, 32 hexadecimal digits
    #[arg(long, value_name = "ID")]
    contact: String,
}

#[derive(Debug, Args)]
struct Open {
    /// The sealed payload
    payload: PathBuf,
    /// The processor's private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Write the customer's data to this new file, readable by its owner only
    #[arg(long, value_name = "FILE")]
    data_out: Option<PathBuf>,
}

impl Order {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Error> {
        match self.verb {
            OrderVerb::Keygen(verb) => {
                let secret = RecipientSecret::generate()?;
                secret.write(&verb.out)?;
                output.data(&hex::encode(secret.public()));
                output.note("That is the public key: [consent] recipient of a policy file.");
                Ok(())
            }
            OrderVerb::Offer(verb) => offer(&verb, global, output).await,
            OrderVerb::Show(verb) => {
                let order = Sheeted::read(&verb.order)?;
                let contact = super::id_from_text(&verb.contact, "contact")?;
                let platform = global.context()?.platform()?;
                let state = platform
                    .order(&contact, &order.order_id(), global.deadline())
                    .await?;
                if state.order_hash != order.hash() {
                    return Err(Error::integrity(
                        "the order of the file is not the one that was offered",
                    ));
                }
                show_state(&order, &state, output);
                Ok(())
            }
            OrderVerb::Open(verb) => open(&verb, output),
            OrderVerb::Total(verb) => total(&verb, global, output).await,
        }
    }
}

async fn offer(verb: &Offer, global: &Global, output: Output) -> Result<(), Error> {
    if !is_handle(&verb.subject) {
        return Err(Error::usage(
            "subject: not an opaque handle of 8 to 64 characters",
        ));
    }
    let contact_id = super::id_from_text(&verb.contact, "contact")?;
    let order = Sheeted::of(Sheet::read(&verb.sheet)?)?;
    let platform = global.context()?.platform()?;
    order.write(&verb.out)?;
    let offered = OfferedOrder {
        contact_id,
        subject: &verb.subject,
        policy: &verb.policy,
    };
    let answer = platform
        .offer_order(&offered, &order, global.deadline())
        .await;
    let announced = match answer {
        Ok(announced) => announced,
        // Whether it was offered is not known after a timeout: then the file is still needed.
        Err(error @ Error::DeadlineExceeded) => return Err(error),
        Err(error) => {
            std::fs::remove_file(&verb.out).map_err(Error::file(&verb.out))?;
            return Err(error);
        }
    };
    let id = hex::encode(order.order_id());
    let hash = hex::encode(order.hash());
    output.record(
        &[("order", id.clone()), ("hash", hash.clone())],
        &json!({ "orderId": id, "orderHash": hash,
                 "challengeId": hex::encode(announced.challenge_id) }),
    );
    if let Some(outcome) = announced.outcome {
        return outcome.to_result();
    }
    if !verb.wait {
        return Ok(());
    }
    let waited = platform
        .wait_order(
            &contact_id,
            &order.order_id(),
            Stage::Committed,
            global.long_deadline(),
        )
        .await;
    if matches!(waited, Err(Error::DeadlineExceeded)) {
        let until = clock::rfc3339(announced.expires_us);
        output.note(&format!(
            "no answer yet; the challenge is open until {until}"
        ));
        return Err(Error::NoAnswer);
    }
    let state = waited?;
    show_state(&order, &state, output);
    state.verdict.outcome.map_or(Ok(()), Outcome::to_result)
}

fn show_state(order: &Sheeted, state: &OrderState, output: Output) {
    let outcome = state.verdict.outcome.map_or("open", Outcome::words);
    let sealed = state.sealed_digest.map(hex::encode).unwrap_or_default();
    let progress = &state.progress;
    let executed = match (progress.executed_us, progress.opened_us) {
        (0, 0) => "no".to_owned(),
        (0, _) => "opened by the processor".to_owned(),
        (at, _) => format!("at {}", clock::rfc3339(at)),
    };
    output.record(
        &[
            ("order", hex::encode(order.order_id())),
            ("outcome", outcome.to_owned()),
            ("predicates", format!("{:08b}", state.verdict.predicates)),
            ("sealed payload", sealed.clone()),
            ("executed", executed),
            ("refused executions", progress.refusals.to_string()),
        ],
        &json!({ "orderId": hex::encode(order.order_id()),
                 "outcome": state.verdict.outcome.map_or("open", Outcome::name),
                 "reason": state.verdict.reason,
                 "predicates": state.verdict.predicates,
                 "sealedDigest": sealed,
                 "openedUs": progress.opened_us,
                 "executedUs": progress.executed_us,
                 "campaign": progress.campaign,
                 "number": progress.number,
                 "refusals": progress.refusals }),
    );
}

async fn total(verb: &Total, global: &Global, output: Output) -> Result<(), Error> {
    let keys = match &verb.keys {
        Some(path) => context::key_set(path)?,
        None => global.context()?.key_set()?,
    };
    let checked = ProvedTotal::read(&verb.file)?.check(&keys)?;
    let mut period = PeriodSum::of(&checked);
    let mut added = false;
    for path in &verb.receipts {
        let leaf = auditor::verify_receipt(&files::read_text(path)?, &keys)?;
        let leaf = leaf
            .leaf()
            .map_err(|_version| Error::Answer { what: "leaf" })?;
        period.add(&leaf)?;
        added = true;
    }
    if !verb.offline && !added {
        let auditor = global.context()?.auditor()?;
        let mut follower = auditor.follower();
        auditor
            .tail(
                &mut follower,
                false,
                global.deadline(),
                |_index, bytes, _head| {
                    let leaf = Leaf::decode(bytes);
                    period.add(&leaf.map_err(|_version| Error::Answer { what: "leaf" })?)?;
                    Ok(Flow::Continue)
                },
            )
            .await?;
        added = true;
    }
    if added {
        let orders = period.finish(&checked)?;
        output.note(&format!(
            "{} the commitments of {orders} orders add up to the proved sum",
            output.mark(true)
        ));
    }
    show_total(&checked, output);
    Ok(())
}

/// A checked total, for people and for scripts.
pub(super) fn show_total(total: &CheckedTotal, output: Output) {
    output.record(
        &[
            ("campaign", total.campaign.to_string()),
            ("orders", format!("{} to {}", total.first, total.through)),
            ("total, in minor units", total.total.to_string()),
            ("proved", clock::rfc3339(total.stamp_us)),
        ],
        &json!({ "tenant": total.tenant, "campaign": total.campaign, "first": total.first,
                 "through": total.through, "total": total.total,
                 "sum": hex::encode(total.sum.to_bytes()),
                 "proved": clock::rfc3339(total.stamp_us) }),
    );
}

fn open(verb: &Open, output: Output) -> Result<(), Error> {
    if let Some(path) = &verb.data_out {
        super::must_be_new(path)?;
    }
    let opened = SealedFile::read(&verb.payload)?.open(&RecipientSecret::read(&verb.key)?)?;
    if let Some(path) = &verb.data_out {
        files::write_new(path, &opened.data, Mode::Private)?;
    }
    let (rows, json) = sheet_rows(opened.order.sheet());
    output.records(&["QUANTITY", "TEXT", "AMOUNT"], &rows, &json);
    output.note(&format!(
        "{} The order is the approved one, and its amounts open their commitments; {} bytes of the \
         customer's data.",
        output.mark(true),
        opened.data.len()
    ));
    Ok(())
}

/// The lines of an order and its total, for people and for scripts.
pub(super) fn sheet_rows(sheet: &Sheet) -> (Vec<Vec<String>>, Vec<Value>) {
    let currency = sheet.currency();
    let mut rows = Vec::new();
    let mut json = Vec::new();
    for line in sheet.lines() {
        rows.push(vec![
            line.quantity.to_string(),
            line.text.clone(),
            format!("{} {currency}", line.amount),
        ]);
        json.push(json!({ "quantity": line.quantity, "text": line.text,
                          "amount": line.amount, "currency": currency }));
    }
    rows.push(vec![
        String::new(),
        "total, in minor units".to_owned(),
        format!("{} {currency}", sheet.total()),
    ]);
    json.push(json!({ "total": sheet.total(), "currency": currency }));
    (rows, json)
}
