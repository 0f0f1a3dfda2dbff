//! Credentials, orders and processors on three real nodes, through the client alone: every kind of predicate,
//! and an order from the offer to the receipt of its execution while a leader dies.

use std::path::Path;
use std::time::Duration;

use akashi_client::auditor::Flow;
use akashi_client::clock;
use akashi_client::issuer::{Attribute, Issuer, Schema};
use akashi_client::order::{Line, Order, PeriodSum, Sheet};
use akashi_client::phone::{Means, Session};
use akashi_client::platform::{InvitedTo, OfferedOrder, Party};
use akashi_client::policy::{
    AgentRule, ConsentRule, Grants, PolicyPurpose, Predicate, Rules, Source, Test,
};
use akashi_client::processor::{Desk, Execution, Step};
use akashi_client::{
    Announced, Call, Deadline, Error, Initiator, Outcome, Phone, Platform, Stage, layout,
};
use akashi_merkle::Leaf;
use akashi_tests::real::{ACT, RealCluster, TENANT};

const DAY: Duration = Duration::from_secs(86_400);
const ISSUER: &str = "bureau-1";

fn act() -> Deadline {
    Deadline::after(ACT)
}

fn source(schema: &str, attribute: u16) -> Source {
    Source {
        issuers: vec![ISSUER.to_owned()],
        schema: schema.to_owned(),
        schema_version: 1,
        attribute,
    }
}

fn rules(purpose: PolicyPurpose, predicates: Vec<Predicate>) -> Rules {
    Rules {
        purpose,
        require_possession: true,
        require_knowledge: false,
        predicates,
        face: None,
        consent: None,
        grants: Grants::default(),
        agents: AgentRule::registered(),
        challenge_ttl_s: 120,
        verdict_ttl_s: 3_600,
    }
}

/// A cluster with an issuer, and a phone that is open.
struct Scene {
    cluster: RealCluster,
    platform: Platform,
    desk: Issuer,
    phone: Phone,
    session: Session,
    _directory: tempfile::TempDir,
}

impl Scene {
    async fn open() -> Self {
        let cluster = RealCluster::start().await;
        let directory = tempfile::tempdir().unwrap();
        let context = cluster.dev.context();
        let origin = context.key_set().unwrap().origin().to_string();
        let home = directory.path().join("bureau");
        let desk = Issuer::create(&home, ISSUER, &origin, TENANT).unwrap();
        let profile = desk.profile();
        let operator = cluster.dev.operator().unwrap();
        operator
            .register_issuer(TENANT, &profile.name, &profile.key.0, act())
            .await
            .unwrap();
        let (phone, _pin) = cluster.enrol("cust-orders-1").await;
        let session = phone.open_session(act()).await.unwrap();
        let platform = context.platform().unwrap();
        Self {
            cluster,
            platform,
            desk,
            phone,
            session,
            _directory: directory,
        }
    }

    async fn put(&self, name: &str, rules: &Rules) {
        let operator = self.cluster.dev.operator().unwrap();
        operator
            .put_policy(TENANT, rules.to_wire(name), act())
            .await
            .unwrap();
    }

    /// A credential with these values in the phone's wallet.
    async fn hold(&self, schema: &str, values: &[(&str, u64)]) {
        let schema = Schema {
            name: schema.to_owned(),
            version: 1,
            attributes: values
                .iter()
                .map(|(name, _)| Attribute {
                    name: (*name).to_owned(),
                    meaning: (*name).to_owned(),
                    unit: "1".to_owned(),
                })
                .collect(),
        };
        let now = clock::unix_us();
        let offer = self.desk.offer(&schema, now, DAY).unwrap();
        let request = self.phone.request_credential(&offer).unwrap();
        let said: Vec<String> = values.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let issued = self.desk.issue(&request, &said, now, DAY).unwrap();
        let mut holding = self.phone.take_credential(&issued, now).unwrap();
        let owner = Party::Customer(self.phone.subject());
        let invitation = self
            .platform
            .invite(owner, InvitedTo::Credential, act())
            .await
            .unwrap();
        self.phone
            .register_credential(&mut holding, &invitation, act())
            .await
            .unwrap()
            .to_result("the credential is not registered")
            .unwrap();
    }

    async fn announce(&self, policy: &str) -> Announced {
        let call = Call {
            subject: self.phone.subject(),
            initiator: Initiator::Customer,
            policy,
            call_reason: 1,
            agent: None,
            ..Call::default()
        };
        self.platform.announce(&call, act()).await.unwrap()
    }

    /// Calls under a policy; the phone answers with what it holds.
    async fn call(&mut self, policy: &str) -> Result<Announced, Error> {
        let announced = self.announce(policy).await;
        let id = &announced.challenge_id;
        let notice = self.phone.notice_of(&mut self.session, id, act()).await?;
        let answer = self.phone.answer(&notice, &Means::default())?;
        let submitted = self.phone.submit(&answer.submission, act()).await?;
        assert_eq!(submitted.outcome, Some(Outcome::Verified));
        Ok(announced)
    }

    /// Offers an order of one line and has it approved.
    async fn approve(&mut self, contact: &Announced, amount: u64) -> Order {
        let line = Line {
            text: "rice, 5 kg".to_owned(),
            quantity: 1,
            amount,
        };
        let order = Order::of(Sheet::new("JPY", vec![line]).unwrap()).unwrap();
        let subject = self.phone.subject().to_owned();
        let offered = OfferedOrder {
            contact_id: contact.contact_id,
            subject: &subject,
            policy: "purchase",
        };
        let announced = self.platform.offer_order(&offered, &order, act()).await;
        let id = announced.unwrap().challenge_id;
        let notice = self.phone.notice_of(&mut self.session, &id, act()).await;
        let means = Means {
            order: Some((&order, b"the address of a customer")),
            ..Means::default()
        };
        let answer = self.phone.answer(&notice.unwrap(), &means).unwrap();
        let submitted = self.phone.submit(&answer.submission, act()).await.unwrap();
        assert_eq!(submitted.outcome, Some(Outcome::Verified));
        order
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in one piece")]
async fn every_kind_of_predicate_is_proved_by_a_phone_and_checked_by_real_nodes() {
    let mut scene = Scene::open().await;
    // More notices than a customer should get in an hour.
    let settings = akashi_proto::v1::Settings {
        notices_per_hour: 100,
        ..Default::default()
    };
    let operator = scene.cluster.dev.operator().unwrap();
    operator.put_settings(settings, act()).await.unwrap();
    scene
        .hold("credit", &[("score", 700), ("country", 392)])
        .await;
    scene.hold("identity", &[("country", 392)]).await;
    let at = |attribute, test| Predicate {
        source: source("credit", attribute),
        test,
    };
    let same = |attribute| Test::SameAs(source("identity", attribute));
    let values = vec![36, 392, 840];
    let few = vec![36, 840];
    // What holds of score 700 and country 392, and its neighbour that does not.
    let pairs = [
        (
            "at-least",
            at(
                0,
                Test::AtLeast {
                    bits: 32,
                    bound: 700,
                },
            ),
            at(
                0,
                Test::AtLeast {
                    bits: 32,
                    bound: 701,
                },
            ),
        ),
        (
            "at-most",
            at(
                0,
                Test::AtMost {
                    bits: 64,
                    bound: 700,
                },
            ),
            at(
                0,
                Test::AtMost {
                    bits: 64,
                    bound: 699,
                },
            ),
        ),
        (
            "within",
            at(
                0,
                Test::Within {
                    bits: 32,
                    low: 700,
                    high: 750,
                },
            ),
            at(
                0,
                Test::Within {
                    bits: 32,
                    low: 600,
                    high: 699,
                },
            ),
        ),
        (
            "one-of",
            at(1, Test::OneOf { values }),
            at(1, Test::OneOf { values: few }),
        ),
        (
            "equals",
            at(1, Test::Equals { value: 392 }),
            at(1, Test::Equals { value: 393 }),
        ),
        ("same-as", at(1, same(0)), at(0, same(0))),
    ];
    let every: Vec<Predicate> = pairs.iter().map(|(_, holds, _)| holds.clone()).collect();
    for (name, holds, fails) in pairs {
        let asked = rules(PolicyPurpose::CustomerCall, vec![holds]);
        scene.put(name, &asked).await;
        let announced = scene.call(name).await.unwrap();
        let contact = &announced.contact_id;
        let verdict = scene
            .platform
            .wait_verdict(contact, Stage::Committed, act(), |_| {})
            .await
            .unwrap();
        assert_eq!(
            (verdict.outcome, verdict.predicates),
            (Some(Outcome::Verified), 1)
        );
        let asked = rules(PolicyPurpose::CustomerCall, vec![fails]);
        let name = format!("{name}-not");
        scene.put(&name, &asked).await;
        let lacking = scene.call(&name).await;
        assert!(matches!(lacking, Err(Error::Lacking { .. })), "{name}");
    }
    let asked = rules(PolicyPurpose::CustomerCall, every);
    scene.put("everything", &asked).await;
    scene.call("everything").await.unwrap();
    scene.cluster.dev.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in one piece")]
async fn f10_an_order_reaches_its_end_once_and_as_approved_while_a_leader_dies() {
    let mut scene = Scene::open().await;
    let directory = tempfile::tempdir().unwrap();
    let context = scene.cluster.dev.context().clone();
    let warehouse = context.processor(layout::PROCESSOR).unwrap();
    scene.hold("credit", &[("limit", 500_000)]).await;
    let covers = Predicate {
        source: source("credit", 0),
        test: Test::CoversAmount {
            bits: 64,
            amount: 0,
        },
    };
    let purchase = Rules {
        consent: Some(ConsentRule {
            recipient: warehouse.public(),
            max_payload_bytes: 16_384,
        }),
        ..rules(PolicyPurpose::Consent, vec![covers])
    };
    scene.put("purchase", &purchase).await;
    scene
        .put("plain", &rules(PolicyPurpose::CustomerCall, Vec::new()))
        .await;
    let contact = scene.call("plain").await.unwrap();
    let mut shelf = Desk::open(&directory.path().join("warehouse")).unwrap();
    let mut orders = warehouse.orders(Deadline::after(Duration::from_secs(120)));

    // Changed on the way: refused, recorded, and the approved one is still there.
    let order = scene.approve(&contact, 4_960).await;
    let approved = orders.next().await.unwrap();
    assert_eq!(approved.order_hash, order.hash());
    let which = (&approved.contact_id, &approved.order_id);
    let opened = warehouse.open(which.0, which.1, act()).await.unwrap();
    assert_eq!(&*opened.opened.data, b"the address of a customer");
    let mut changed = order.hash();
    changed[0] ^= 1;
    let amounts: Vec<[u8; 32]> = order.amounts().iter().map(|a| a.to_bytes()).collect();
    let tampered = warehouse.execute_as(which, &changed, &amounts, act()).await;
    assert_eq!(tampered.unwrap(), Execution::Refused { reason: 170 });

    // The leader dies under the execution; it happens once all the same.
    let leader = scene.cluster.leader().await;
    let (executed, killed) = tokio::join!(
        shelf.take(&warehouse, approved.clone(), act()),
        scene.cluster.dev.kill_node(leader),
    );
    killed.unwrap();
    let Some(Step::Executed {
        progress, total, ..
    }) = executed.unwrap()
    else {
        panic!("the order was not carried out");
    };
    assert_eq!((progress.number, progress.refusals, total), (1, 1, 4_960));
    let again = warehouse
        .execute_as(which, &order.hash(), &amounts, act())
        .await
        .unwrap();
    assert_eq!(again, Execution::Refused { reason: 171 });
    scene.cluster.dev.start_node(leader).unwrap();
    scene
        .cluster
        .dev
        .wait_ready(Deadline::after(Duration::from_secs(60)))
        .await
        .unwrap();

    // A second desk over the same directory finds nothing to do; a total needs three orders.
    drop(shelf);
    let mut shelf = Desk::open(&directory.path().join("warehouse")).unwrap();
    shelf.resume(&warehouse, act()).await.unwrap();
    assert!(
        shelf
            .take(&warehouse, approved, act())
            .await
            .unwrap()
            .is_none()
    );
    for amount in [1_200, 480] {
        scene.approve(&contact, amount).await;
        let approved = orders.next().await.unwrap();
        let step = shelf.take(&warehouse, approved, act()).await.unwrap();
        assert!(matches!(step, Some(Step::Executed { .. })));
    }
    let keys = context.key_set().unwrap();
    let early = warehouse.prove_total(shelf.ledger(), 0, 2, act()).await;
    assert!(matches!(early, Err(Error::Rejected { .. })));
    let proved = warehouse
        .prove_total(shelf.ledger(), 0, 3, act())
        .await
        .unwrap();
    let checked = proved.check(&keys).unwrap();
    assert_eq!(
        (checked.first, checked.through, checked.total),
        (1, 3, 6_640)
    );

    // The firm that pays: from receipts alone, and from the whole log.
    let done = directory.path().join("warehouse").join("done");
    let mut leaves = receipts(&done, &keys);
    leaves.sort_by_key(|leaf| leaf.log_index);
    let mut period = PeriodSum::of(&checked);
    for leaf in &leaves {
        period.add(leaf).unwrap();
    }
    assert_eq!(period.finish(&checked).unwrap(), 3);
    let mut period = PeriodSum::of(&checked);
    let auditor = context.auditor().unwrap();
    let mut follower = auditor.follower();
    auditor
        .tail(&mut follower, false, act(), |_, bytes, _| {
            period.add(&Leaf::decode(bytes).unwrap())?;
            Ok(Flow::Continue)
        })
        .await
        .unwrap();
    assert_eq!(period.finish(&checked).unwrap(), 3);
    let ends = scene.cluster.converge().await;
    assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{ends:?}");
    scene.cluster.dev.stop().await;
}

/// The leaves of the receipts in the directories of a shelf.
fn receipts(done: &Path, keys: &akashi_merkle::KeySet) -> Vec<Leaf> {
    std::fs::read_dir(done)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path().join("receipt.tlog-proof");
            let text = std::fs::read_to_string(path).unwrap();
            let receipt = akashi_client::auditor::verify_receipt(&text, keys).unwrap();
            receipt.leaf().unwrap()
        })
        .collect()
}
