//! Approved orders to their end: opened by whom they were sealed for, carried out once and as approved,
//! summed without an amount being told.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::{Command, ExecuteOrder, NoticeAnswer, OpenOrder, ProveTotal};
use akashi_domain::event::Event;
use akashi_domain::ids::{ContactId, OrderId, Stamp};
use akashi_domain::kv::{Table, View as _};
use akashi_domain::limits::ORDER_REFUSALS_RECORDED_MAX;
use akashi_domain::outcome::reason;
use akashi_domain::records::{Order, SealedOrder};
use akashi_domain::state::Records as _;
use akashi_domain::{keys, records};
use akashi_proof::{Commitment, CommitmentSum, Opening, SumOpening};

use crate::laws::{assert_rebuilds, assert_replays};
use crate::phone::{PIN, Phone};
use crate::wallet::{ORDER_HASH, ORDER_POLICY, RECIPIENT, consent_body, openings};
use crate::world::{SECOND, TENANT, World, id16};

const TEXT: &[u8] = b"sealed for the processor";
const CAMPAIGN: u32 = 7;
const ORDER_TTL: u64 = 86_400 * SECOND;

fn contact() -> ContactId {
    ContactId(id16(1))
}

/// A customer on a verified call of a campaign; every entry from now on carries a seal of what was before.
fn verified_call() -> (World, Phone) {
    let mut world = World::founded();
    world.sealing = true;
    let mut phone = world.customer(1);
    world.put_policy(ORDER_POLICY, consent_body());
    let mut announce = world.announcement(phone.subject, 1);
    announce.campaign = CAMPAIGN;
    let Reply::Announced { challenge, .. } = world.done(Command::AnnounceContact(announce)) else {
        panic!("not announced");
    };
    world.prove(&mut phone, challenge, PIN).unwrap();
    (world, phone)
}

/// The customer approves the order `number` over these amounts.
fn approve(world: &mut World, phone: &mut Phone, number: u8, amounts: &[Commitment]) {
    let command = world.offer(1, number, amounts);
    let Reply::Announced { challenge, .. } = world.done(Command::OfferOrder(command)) else {
        panic!("not offered");
    };
    let consent = world.consent(phone, challenge, &[], TEXT);
    let reply = world.show(phone, challenge, vec![consent]).unwrap();
    assert!(matches!(reply, Reply::Verdict { .. }), "{reply:?}");
}

fn open(number: u8) -> OpenOrder {
    OpenOrder {
        tenant: TENANT.into(),
        contact: contact(),
        order: OrderId([number; 16]),
        recipient: RECIPIENT,
    }
}

fn execute(number: u8, amounts: &[Commitment]) -> ExecuteOrder {
    ExecuteOrder {
        tenant: TENANT.into(),
        contact: contact(),
        order: OrderId([number; 16]),
        recipient: RECIPIENT,
        order_hash: ORDER_HASH,
        amounts: amounts.iter().map(|amount| amount.to_bytes()).collect(),
    }
}

fn order(world: &World, number: u8) -> Order {
    let found = world.state.order(1, contact(), OrderId([number; 16]));
    found.unwrap().unwrap()
}

fn payload(world: &World, number: u8) -> Option<SealedOrder> {
    let found = world
        .state
        .sealed_order(1, contact(), OrderId([number; 16]));
    found.unwrap()
}

/// The one event of the last entry.
fn only(world: &World) -> Event {
    let events = world.last();
    assert_eq!(events.len(), 1);
    events.into_iter().next().unwrap()
}

fn refused(world: &mut World, command: ExecuteOrder) -> u16 {
    match world.done(Command::ExecuteOrder(command)) {
        Reply::OrderRefused { reason } => reason,
        other => panic!("not refused: {other:?}"),
    }
}

fn executed(world: &mut World, command: ExecuteOrder) -> u64 {
    match world.done(Command::ExecuteOrder(command)) {
        Reply::OrderExecuted { campaign, number } => {
            assert_eq!(campaign, CAMPAIGN);
            number
        }
        other => panic!("not executed: {other:?}"),
    }
}

/// One approved and opened order over one amount.
fn opened() -> (World, Phone, Commitment) {
    let (mut world, mut phone) = verified_call();
    let amount = openings(&[4_200])[0].commitment();
    approve(&mut world, &mut phone, 1, &[amount]);
    assert_eq!(world.done(Command::OpenOrder(open(1))), Reply::Done);
    (world, phone, amount)
}

#[test]
fn an_order_is_opened_and_carried_out_once_and_its_payload_is_gone() {
    let (mut world, _phone, amount) = opened();
    assert_eq!(world.last_kinds(), [53]);
    assert_eq!(order(&world, 1).opened, Some(Stamp(world.now)));
    // The payload may be fetched again until then, and that is no second fact.
    assert_eq!(world.done(Command::OpenOrder(open(1))), Reply::Done);
    assert!(world.last().is_empty());
    assert!(payload(&world, 1).is_some());
    assert_eq!(executed(&mut world, execute(1, &[amount])), 1);
    assert_eq!(world.last_kinds(), [54]);
    let leaf = world.applied.last().unwrap().events[0].leaf_index;
    let done = order(&world, 1).executed.unwrap();
    assert_eq!((done.leaf, done.campaign, done.number), (leaf, CAMPAIGN, 1));
    assert_eq!(payload(&world, 1), None);
    assert_eq!(
        world.run(Command::OpenOrder(open(1))),
        Err(Rejection::OrderOver)
    );
    assert_eq!(
        refused(&mut world, execute(1, &[amount])),
        reason::ORDER_EXECUTED
    );
    assert_eq!(world.last_kinds(), [55]);
    // Its time comes, and nothing more happens.
    assert!(world.after(ORDER_TTL + SECOND).tick().is_empty());
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn an_approval_that_is_not_sealed_opens_nothing() {
    let (mut world, mut phone) = verified_call();
    world.sealing = false;
    approve(&mut world, &mut phone, 1, &[]);
    assert_eq!(
        world.run(Command::OpenOrder(open(1))),
        Err(Rejection::NotSealed)
    );
    assert_eq!(order(&world, 1).opened, None);
    assert_eq!(
        refused(&mut world, execute(1, &[])),
        reason::ORDER_NOT_OPENED
    );
    world.sealing = true;
    assert_eq!(world.done(Command::OpenOrder(open(1))), Reply::Done);
    assert_replays(&world);
}

#[test]
fn f10_what_is_not_as_approved_is_refused_by_every_replica_and_recorded() {
    let (world, _phone, amount) = opened();
    let other = openings(&[4_201])[0].commitment();
    let spoiled = [
        ExecuteOrder {
            order_hash: [0x0b; 32],
            ..execute(1, &[amount])
        },
        execute(1, &[other]),
        execute(1, &[]),
        execute(1, &[amount, amount]),
    ];
    for command in spoiled {
        let mut world = world.clone();
        assert_eq!(refused(&mut world, command.clone()), reason::ORDER_DIFFERS);
        let Event::OrderRefused(fact) = only(&world) else {
            panic!("not recorded");
        };
        assert_eq!(fact.order_hash, command.order_hash);
        assert_eq!(order(&world, 1).executed, None);
        assert_eq!(order(&world, 1).refusals, 1);
        // The approved one can still be carried out.
        assert_eq!(executed(&mut world, execute(1, &[amount])), 1);
        assert_replays(&world);
        assert_rebuilds(&world);
    }
}

#[test]
fn a_reported_contact_stops_an_order_that_was_approved_and_opened() {
    let (mut world, phone, amount) = opened();
    // Another call rings, and the customer is on none: the verified one stops as well.
    let challenge = world.call(phone.subject, 2);
    let report = world.notice_answer(&phone, challenge, NoticeAnswer::Report);
    world.done(report);
    assert_eq!(
        refused(&mut world, execute(1, &[amount])),
        reason::ORDER_STOPPED
    );
    let Event::OrderRefused(fact) = only(&world) else {
        panic!("not recorded");
    };
    assert_eq!(
        (fact.reason, fact.contact),
        (reason::ORDER_STOPPED, contact())
    );
    assert_eq!(order(&world, 1).executed, None);
    assert_eq!(
        world.run(Command::OpenOrder(open(1))),
        Err(Rejection::ContactBlocked)
    );
    // What is not as approved is still the louder sign.
    let wrong = ExecuteOrder {
        order_hash: [0x0b; 32],
        ..execute(1, &[amount])
    };
    assert_eq!(refused(&mut world, wrong), reason::ORDER_DIFFERS);
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn refusals_without_end_are_answered_and_no_longer_recorded() {
    let (mut world, _phone, amount) = opened();
    let wrong = ExecuteOrder {
        order_hash: [0x0b; 32],
        ..execute(1, &[amount])
    };
    let mut recorded = 0;
    for _ in 0..20 {
        assert_eq!(refused(&mut world, wrong.clone()), reason::ORDER_DIFFERS);
        recorded += world.last().len();
    }
    assert_eq!(recorded, usize::from(ORDER_REFUSALS_RECORDED_MAX));
    assert_eq!(executed(&mut world, execute(1, &[amount])), 1);
}

#[test]
fn an_order_for_another_processor_is_no_order() {
    let (mut world, _phone, amount) = opened();
    let stranger = OpenOrder {
        recipient: [0x4f; 32],
        ..open(1)
    };
    let unknown = Err(Rejection::UnknownOrder);
    assert_eq!(world.run(Command::OpenOrder(stranger)), unknown);
    let stranger = ExecuteOrder {
        recipient: [0x4f; 32],
        ..execute(1, &[amount])
    };
    assert_eq!(world.run(Command::ExecuteOrder(stranger)), unknown);
    for missing in [
        Command::OpenOrder(open(2)),
        Command::ExecuteOrder(execute(2, &[])),
        Command::OpenOrder(OpenOrder {
            contact: ContactId(id16(9)),
            ..open(1)
        }),
    ] {
        assert_eq!(world.run(missing), unknown);
    }
    let foreign = OpenOrder {
        tenant: "insurance".into(),
        ..open(1)
    };
    assert_eq!(
        world.run(Command::OpenOrder(foreign)),
        Err(Rejection::UnknownTenant)
    );
}

#[test]
fn an_order_that_was_not_approved_is_neither_opened_nor_carried_out() {
    let (mut world, _phone) = verified_call();
    let command = world.offer(1, 1, &[]);
    world.done(Command::OfferOrder(command));
    assert_eq!(
        world.run(Command::OpenOrder(open(1))),
        Err(Rejection::NotApproved)
    );
    assert_eq!(
        refused(&mut world, execute(1, &[])),
        reason::ORDER_NOT_APPROVED
    );
    assert_eq!(world.last_kinds(), [55]);
    world.after(120 * SECOND).tick();
    assert_eq!(
        refused(&mut world, execute(1, &[])),
        reason::ORDER_NOT_APPROVED
    );
    assert_rebuilds(&world);
}

#[test]
fn after_its_time_an_order_is_over_although_it_was_opened() {
    let (mut world, _phone, amount) = opened();
    world.after(ORDER_TTL);
    assert_eq!(world.tick().len(), 1);
    assert_eq!(world.last_kinds(), [52]);
    assert_eq!(payload(&world, 1), None);
    assert_eq!(
        world.run(Command::OpenOrder(open(1))),
        Err(Rejection::OrderOver)
    );
    world.after(1);
    assert_eq!(
        refused(&mut world, execute(1, &[amount])),
        reason::ORDER_TOO_LATE
    );
    assert_rebuilds(&world);
}

#[test]
fn an_order_without_an_amount_is_carried_out_and_adds_nothing() {
    let (mut world, mut phone) = verified_call();
    approve(&mut world, &mut phone, 1, &[]);
    world.done(Command::OpenOrder(open(1)));
    let reply = world.done(Command::ExecuteOrder(execute(1, &[])));
    let nothing = Reply::OrderExecuted {
        campaign: 0,
        number: 0,
    };
    assert_eq!(reply, nothing);
    let campaign = world.state.campaign(1, CAMPAIGN).unwrap();
    assert_eq!(campaign, records::Campaign::default());
}

/// Orders over these amounts, carried out.
fn sold(values: &[u64]) -> (World, Phone, Vec<Opening>) {
    let (mut world, mut phone) = verified_call();
    let openings = openings(values);
    for (number, opening) in (1..).zip(&openings) {
        let amounts = [opening.commitment()];
        approve(&mut world, &mut phone, number, &amounts);
        world.done(Command::OpenOrder(open(number)));
        let place = executed(&mut world, execute(number, &amounts));
        assert_eq!(place, u64::from(number));
    }
    (world, phone, openings)
}

fn total(openings: &[Opening], through: u64) -> ProveTotal {
    let mut sum = SumOpening::default();
    for opening in openings {
        sum.add(opening).unwrap();
    }
    ProveTotal {
        tenant: TENANT.into(),
        campaign: CAMPAIGN,
        through,
        total: sum.total(),
        blinding: *sum.blinding(),
    }
}

fn summed(openings: &[Opening]) -> [u8; 32] {
    let sum = openings
        .iter()
        .fold(CommitmentSum::empty(), |sum, opening| {
            sum.plus(&opening.commitment())
        });
    sum.to_bytes()
}

#[test]
fn a_total_is_proved_over_the_orders_since_the_last_one() {
    let (mut world, _phone, openings) = sold(&[100, 200, 300, 400, 500, 600, 700]);
    let campaign = world.state.campaign(1, CAMPAIGN).unwrap();
    assert_eq!((campaign.orders, campaign.sum), (7, summed(&openings)));
    world.done(Command::ProveTotal(total(&openings[..3], 3)));
    let Event::TotalProved(fact) = only(&world) else {
        panic!("not proved");
    };
    assert_eq!((fact.first, fact.through), (1, 3));
    assert_eq!(fact.sum, summed(&openings[..3]));
    world.done(Command::ProveTotal(total(&openings[3..7], 7)));
    let Event::TotalProved(fact) = only(&world) else {
        panic!("not proved");
    };
    assert_eq!((fact.first, fact.through), (4, 7));
    assert_eq!(fact.sum, summed(&openings[3..7]));
    // No order's share is proved twice.
    for through in [0, 3, 7, 8] {
        assert_eq!(
            world.run(Command::ProveTotal(total(&openings, through))),
            Err(Rejection::TotalPeriod)
        );
    }
    assert_replays(&world);
    assert_rebuilds(&world);
}

#[test]
fn a_wrong_total_and_a_period_of_too_few_orders_are_turned_away() {
    let (mut world, _phone, openings) = sold(&[100, 200, 300, 400]);
    let good = total(&openings, 4);
    let differs = Err(Rejection::TotalDiffers);
    for wrong in [
        ProveTotal {
            total: 999,
            ..good.clone()
        },
        ProveTotal {
            total: 1_001,
            ..good.clone()
        },
        ProveTotal {
            blinding: [0; 32],
            ..good.clone()
        },
        ProveTotal {
            blinding: [0xff; 32],
            ..good.clone()
        },
        total(&openings[..3], 4),
        total(&openings, 3),
    ] {
        assert_eq!(world.run(Command::ProveTotal(wrong)), differs);
        assert!(world.last().is_empty());
    }
    for short in 0..3 {
        let few = total(&openings[..usize::try_from(short).unwrap()], short);
        assert_eq!(
            world.run(Command::ProveTotal(few)),
            Err(Rejection::TotalPeriod)
        );
    }
    let elsewhere = ProveTotal {
        campaign: 8,
        ..good.clone()
    };
    assert_eq!(
        world.run(Command::ProveTotal(elsewhere)),
        Err(Rejection::TotalPeriod)
    );
    world.done(Command::ProveTotal(good));
}

#[test]
fn no_leaf_says_what_orders_cost() {
    let value = 0x0123_4567_89ab_u64;
    let (mut world, _phone, openings) = sold(&[value, value + 1, value + 2]);
    let proved = total(&openings, 3);
    let blinding = proved.blinding;
    let sum = proved.total;
    world.done(Command::ProveTotal(proved));
    for applied in &world.applied {
        for recorded in &applied.events {
            let bytes = recorded.leaf.encode();
            for number in [value, value + 1, value + 2, sum] {
                for secret in [number.to_be_bytes(), number.to_le_bytes()] {
                    let found = bytes
                        .windows(6)
                        .any(|window| window == &secret[..6] || window == &secret[2..]);
                    assert!(!found, "{:?}", recorded.event.kind());
                }
            }
            assert!(!bytes.windows(32).any(|window| window == blinding));
        }
    }
    // The state of the outbox is empty, and the running sums are commitments.
    let from = keys::sealed_orders_from(1);
    let to = keys::sealed_orders_to(1);
    let waiting = world.state.scan(Table::Outbox, &from, &to, 9).unwrap();
    assert!(waiting.is_empty());
}

#[test]
fn the_outbox_is_read_by_tenant_and_names_what_waits() {
    let (mut world, mut phone) = verified_call();
    for number in [3, 1, 2] {
        approve(&mut world, &mut phone, number, &[]);
    }
    let from = keys::sealed_orders_from(1);
    let to = keys::sealed_orders_to(1);
    let waiting = world.state.scan(Table::Outbox, &from, &to, 9).unwrap();
    let found: Vec<u8> = waiting
        .iter()
        .map(|(_, bytes)| borsh::from_slice::<SealedOrder>(bytes).unwrap())
        .map(|waiting| {
            assert_eq!(waiting.contact, contact());
            assert_eq!(waiting.recipient, RECIPIENT);
            let approved = order(&world, waiting.order.0[0]).approved;
            assert_eq!(approved, Some(waiting.leaf));
            waiting.order.0[0]
        })
        .collect();
    assert_eq!(found, [1, 2, 3]);
    let from = keys::sealed_orders_from(2);
    let to = keys::sealed_orders_to(2);
    let none = world.state.scan(Table::Outbox, &from, &to, 9).unwrap();
    assert!(none.is_empty());
}
