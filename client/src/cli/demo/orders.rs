//! An order from the offer to the warehouse: approved on the phone, opened by whom it was sealed for, carried
//! out once and as approved; and what three of them cost together.

use super::holdings::{call, certify, predicate, put, rules};
use super::stage::{Person, Stage, act};
use crate::answer::{Outcome, Stage as Reached};
use crate::error::Error;
use crate::issuer::Issuer;
use crate::layout;
use crate::order::{Line, Order, RecipientSecret, Sheet};
use crate::phone::Means;
use crate::platform::{Announced, OfferedOrder};
use crate::policy::{ConsentRule, PolicyPurpose, Rules, Test};
use crate::processor::{ApprovedOrder, Desk, Execution, Processor, Step};

/// Reason number of an execution that is not the approved one.
const ORDER_DIFFERS: u32 = 170;
/// Reason number of a second execution.
const ORDER_EXECUTED: u32 = 171;
/// The name of the policy.
const PURCHASE: &str = "purchase";

pub(super) async fn run(stage: &mut Stage, desk: &Issuer) -> Result<(), Error> {
    let warehouse = stage.context().processor(layout::PROCESSOR)?;
    let covers = Test::CoversAmount {
        bits: 64,
        amount: 0,
    };
    let purchase = Rules {
        consent: Some(ConsentRule {
            recipient: warehouse.public(),
            max_payload_bytes: 16_384,
        }),
        ..rules(PolicyPurpose::Consent, vec![predicate(1, covers)])
    };
    put(stage, PURCHASE, &purchase).await?;
    let mut person = stage.person().await?;
    certify(stage, desk, &person.phone, (700, 500_000)).await?;
    let (contact, _) = call(stage, &mut person, "basic").await?;
    stage
        .expect_verdict(
            &contact,
            Outcome::Verified,
            "order: the caller is verified first",
        )
        .await?;
    let first = sheet(&[("rice, 5 kg", 2, 4_960), ("delivery", 1, 550)])?;
    let order = approve(stage, &mut person, &contact, first).await?;
    let mut shelf = Desk::open(&stage.cluster.directory().join("warehouse"))?;
    let mut orders = warehouse.orders(act());
    let approved = orders.next().await?;
    stage.expect(
        approved.order_hash == order.hash(),
        "order: the processor is told of it with the sealed receipt of the approval",
    );
    tampered(stage, &warehouse, &approved).await?;
    stranger(stage, &warehouse, &approved).await?;
    let step = shelf.take(&warehouse, approved.clone(), act()).await?;
    let executed = matches!(&step, Some(Step::Executed { total, .. }) if *total == 5_510);
    stage.expect(
        executed,
        "order: carried out as approved, and acted on with the receipt of a quorum",
    );
    let amounts = amounts(&order);
    let which = (&approved.contact_id, &approved.order_id);
    let again = warehouse
        .execute_as(which, &order.hash(), &amounts, act())
        .await?;
    let reason = ORDER_EXECUTED;
    stage.expect(
        again == Execution::Refused { reason },
        "order: a second execution is refused",
    );

    for (text, amount) in [("tea, 200 g", 1_200), ("soy sauce", 480)] {
        approve(stage, &mut person, &contact, sheet(&[(text, 1, amount)])?).await?;
        let approved = orders.next().await?;
        shelf.take(&warehouse, approved, act()).await?;
    }
    let campaign = 0;
    let through = warehouse.campaign(campaign, act()).await?.orders;
    let total = warehouse
        .prove_total(shelf.ledger(), campaign, through, act())
        .await?;
    let checked = total.check(&stage.context().key_set()?)?;
    stage.say(&format!(
        "the log has {} commitments and their sum; the firm that pays learns {} and no amount",
        checked.through, checked.total
    ));
    stage.expect(
        checked.total == 5_510 + 1_200 + 480,
        "order: what three orders cost together is proved, and checked offline",
    );
    Ok(())
}

fn sheet(lines: &[(&str, u32, u64)]) -> Result<Sheet, Error> {
    let lines = lines.iter().map(|(text, quantity, amount)| Line {
        text: (*text).to_owned(),
        quantity: *quantity,
        amount: *amount,
    });
    Sheet::new("JPY", lines.collect())
}

fn amounts(order: &Order) -> Vec<[u8; 32]> {
    let amounts = order.amounts();
    amounts.iter().map(|amount| amount.to_bytes()).collect()
}

/// Offers an order and has it approved on the phone.
async fn approve(
    stage: &mut Stage,
    person: &mut Person,
    contact: &Announced,
    sheet: Sheet,
) -> Result<Order, Error> {
    let order = Order::of(sheet)?;
    let subject = person.phone.subject().to_owned();
    let offered = OfferedOrder {
        contact_id: contact.contact_id,
        subject: &subject,
        policy: PURCHASE,
    };
    let announced = stage.platform.offer_order(&offered, &order, act()).await?;
    let notice = person.notice(&announced).await?;
    let changed = Order::of(order.sheet().clone())?;
    let swapped = person.phone.plan(&notice, Some(&changed));
    stage.expect(
        matches!(swapped, Err(Error::Integrity { .. })),
        "order: a phone shows no other order than the one that was sealed",
    );
    for line in person.phone.plan(&notice, Some(&order))?.lines() {
        stage.say(&format!("the phone proves {line}"));
    }
    let means = Means {
        pin: Some(&person.pin),
        order: Some((&order, b"ship to the address of this customer")),
        face: None,
    };
    let answer = person.phone.answer(&notice, &means)?;
    person.phone.submit(&answer.submission, act()).await?;
    let state = stage
        .platform
        .wait_order(
            &contact.contact_id,
            &order.order_id(),
            Reached::Committed,
            act(),
        )
        .await?;
    let sealed = answer.sealed.ok_or(Error::Answer { what: "payload" })?;
    let approved = state.verdict.outcome == Some(Outcome::Verified)
        && state.order_hash == order.hash()
        && state.sealed_digest == Some(sealed.sealed().digest());
    stage.expect(
        approved,
        "order: approved on the phone, and the credit limit covers it",
    );
    Ok(order)
}

/// What the platform, an agent or the processor itself would rather carry out.
async fn tampered(
    stage: &mut Stage,
    warehouse: &Processor,
    approved: &ApprovedOrder,
) -> Result<(), Error> {
    let (contact, order) = (&approved.contact_id, &approved.order_id);
    let opened = warehouse.open(contact, order, act()).await?;
    let sheet = opened.opened.order.sheet();
    stage.say(&format!(
        "the processor reads {} lines, {} {}; the cluster has seen a hash",
        sheet.lines().len(),
        sheet.total(),
        sheet.currency(),
    ));
    let dearer = Order::of(self::sheet(&[("rice, 5 kg", 20, 49_600)])?)?;
    let amounts = amounts(&dearer);
    let answer = warehouse
        .execute_as((contact, order), &dearer.hash(), &amounts, act())
        .await?;
    let reason = ORDER_DIFFERS;
    stage.expect(
        answer == Execution::Refused { reason },
        "order: an execution that is not what the customer approved is refused and recorded",
    );
    Ok(())
}

/// Another processor of the same tenant.
async fn stranger(
    stage: &mut Stage,
    warehouse: &Processor,
    approved: &ApprovedOrder,
) -> Result<(), Error> {
    let context = stage.context();
    let stranger = Processor::new(
        warehouse.connection().clone(),
        context.tenant().to_owned(),
        context.key_set()?,
        RecipientSecret::generate()?,
    );
    let (contact, order) = (&approved.contact_id, &approved.order_id);
    let opened = stranger.open(contact, order, act()).await;
    stage.expect(
        matches!(opened, Err(Error::Integrity { .. })),
        "order: nobody else can open it",
    );
    Ok(())
}
