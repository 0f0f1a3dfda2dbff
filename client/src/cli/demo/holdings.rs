//! Step 6: what customers and agents hold beside a phone: credentials, orders, faces.
//!
//! The face comes from a SOFTWARE sensor, level 0; the demonstration shows that a policy with the
//! default level refuses it.

use std::path::PathBuf;
use std::time::Duration;

use super::super::{enrol, leaf};
use super::stage::{ACT_S, Person, Stage, act, inbound, ms_since};
use crate::answer::{Outcome, Stage as Reached};
use crate::clock;
use crate::error::Error;
use crate::issuer::{Attribute, Issuer, Schema};
use crate::order::{Line, Order, RecipientSecret, Sheet};
use crate::phone::{Means, Phone, PhoneDirectory, Pin, Session, Submitted};
use crate::platform::{Announced, InvitedTo, OfferedOrder, Party};
use crate::policy::{
    AgentRule, ConsentRule, FaceRule, Grants, PolicyPurpose, Predicate, Rules, Source, Test,
};
use crate::sensor::{Face, SoftwareSensor};

/// The score that the policy `credit` asks for.
const SCORE_MIN: u64 = 650;
/// Seconds of a day: how long the demonstration's papers are good.
const DAY_S: u64 = 86_400;
/// Reason number of a revoked credential.
const CREDENTIAL_REVOKED: u32 = 28;
/// Reason number of a sensor below the policy's level.
const ASSURANCE_TOO_LOW: u32 = 24;

pub(super) async fn run(stage: &mut Stage) -> Result<(), Error> {
    stage.title(
        6,
        "Credentials, orders, faces: what is proved is true, and nobody learns more",
    );
    let began = clock::monotonic();
    let before = stage.ledger.held;
    let desk = open_desk(stage).await?;
    score(stage, &desk).await?;
    order(stage, &desk).await?;
    face(stage).await?;
    let shown = stage.ledger.held - before;
    stage.sum(
        "credentials, orders, faces",
        format!("{shown} expectations held in {} ms", ms_since(began)),
    );
    Ok(())
}

/// A directory of this scene, beside the nodes'.
fn home(stage: &Stage, name: &str) -> PathBuf {
    stage.cluster.directory().join(name)
}

async fn open_desk(stage: &Stage) -> Result<Issuer, Error> {
    let context = stage.context();
    let origin = context.key_set()?.origin().to_string();
    let desk = Issuer::create(
        &home(stage, "bureau"),
        "bureau-1",
        &origin,
        context.tenant(),
    )?;
    let profile = desk.profile();
    stage
        .cluster
        .operator()?
        .register_issuer(context.tenant(), &profile.name, &profile.key.0, act())
        .await?;
    Ok(desk)
}

fn schema() -> Schema {
    let attribute = |name: &str, meaning: &str, unit: &str| Attribute {
        name: name.to_owned(),
        meaning: meaning.to_owned(),
        unit: unit.to_owned(),
    };
    Schema {
        name: "credit".to_owned(),
        version: 1,
        attributes: vec![
            attribute("score", "credit score", "points"),
            attribute("limit", "credit limit", "JPY"),
        ],
    }
}

fn predicate(attribute: u16, test: Test) -> Predicate {
    Predicate {
        source: Source {
            issuers: vec!["bureau-1".to_owned()],
            schema: "credit".to_owned(),
            schema_version: 1,
            attribute,
        },
        test,
    }
}

fn rules(purpose: PolicyPurpose, predicates: Vec<Predicate>) -> Rules {
    Rules {
        purpose,
        require_possession: true,
        require_knowledge: true,
        predicates,
        face: None,
        consent: None,
        challenge_ttl_s: 120,
        verdict_ttl_s: 3_600,
        grants: Grants::default(),
        agents: AgentRule::registered(),
    }
}

async fn put(stage: &Stage, name: &str, rules: &Rules) -> Result<(), Error> {
    let tenant = stage.context().tenant();
    stage
        .cluster
        .operator()?
        .put_policy(tenant, rules.to_wire(name), act())
        .await?;
    Ok(())
}

/// From the offer to the registration: gives the serial.
async fn certify(
    stage: &Stage,
    desk: &Issuer,
    phone: &Phone,
    (score, limit): (u64, u64),
) -> Result<[u8; 16], Error> {
    let now = clock::unix_us();
    let day = Duration::from_secs(DAY_S);
    let offer = desk.offer(&schema(), now, day)?;
    let request = phone.request_credential(&offer)?;
    let values = [format!("score={score}"), format!("limit={limit}")];
    let issued = desk.issue(&request, &values, now, day)?;
    let mut holding = phone.take_credential(&issued, now)?;
    let owner = Party::Customer(phone.subject());
    let invitation = stage
        .platform
        .invite(owner, InvitedTo::Credential, act())
        .await?;
    phone
        .register_credential(&mut holding, &invitation, act())
        .await?
        .to_result("the credential is not registered")?;
    Ok(holding.serial())
}

/// Calls a person under a policy and answers with everything it asks.
async fn call(
    stage: &Stage,
    person: &mut Person,
    policy: &str,
) -> Result<(Announced, Submitted), Error> {
    let subject = person.phone.subject().to_owned();
    let announced = stage
        .platform
        .announce(&inbound(&subject, policy), act())
        .await?;
    let notice = person.notice(&announced).await?;
    for line in person.phone.plan(&notice, None)?.lines() {
        stage.say(&format!("the phone proves {line}"));
    }
    let means = Means {
        pin: Some(&person.pin),
        ..Means::default()
    };
    let answer = person.phone.answer(&notice, &means)?;
    let submitted = person.phone.submit(&answer.submission, act()).await?;
    Ok((announced, submitted))
}

async fn score(stage: &mut Stage, desk: &Issuer) -> Result<(), Error> {
    let at_least = |bound| vec![predicate(0, Test::AtLeast { bits: 32, bound })];
    let asked = rules(PolicyPurpose::CustomerCall, at_least(SCORE_MIN));
    put(stage, "credit", &asked).await?;
    let lower = rules(PolicyPurpose::CustomerCall, at_least(500));
    put(stage, "credit-low", &lower).await?;

    let mut good = stage.person().await?;
    let serial = certify(stage, desk, &good.phone, (700, 0)).await?;
    stage.say("bureau-1 certifies a credit score to a phone; the cluster gets a commitment");
    let (announced, _) = call(stage, &mut good, "credit").await?;
    let verdict = stage.verdict(&announced).await?;
    let held = verdict.outcome == Some(Outcome::Verified) && verdict.predicates == 1;
    stage.expect(
        held,
        "score 700: verified as at least 650, and the score is not told",
    );

    let mut poor = stage.person().await?;
    certify(stage, desk, &poor.phone, (600, 0)).await?;
    let announced = stage
        .platform
        .announce(&inbound(poor.phone.subject(), "credit"), act())
        .await?;
    let notice = poor.notice(&announced).await?;
    let plan = poor.phone.plan(&notice, None);
    let lacking = matches!(plan, Err(Error::Lacking { .. }));
    stage.expect(lacking, "score 600: the phone has nothing that proves 650");
    low_proof_for_a_high_bound(stage, desk).await?;

    let owner = good.phone.subject().to_owned();
    stage
        .platform
        .revoke_credential(Party::Customer(&owner), &serial, 1, act())
        .await?;
    let (_, refused) = call(stage, &mut good, "credit").await?;
    say_reason(stage, &refused);
    let revoked = refused.outcome.is_none() && refused.reason == CREDENTIAL_REVOKED;
    stage.expect(
        revoked,
        "revoked: the same credential is refused, and the log says why",
    );
    Ok(())
}

/// A proof of "at least 500", sent where 650 is asked.
async fn low_proof_for_a_high_bound(stage: &mut Stage, desk: &Issuer) -> Result<(), Error> {
    let mut person = stage.person().await?;
    certify(stage, desk, &person.phone, (600, 0)).await?;
    let subject = person.phone.subject().to_owned();
    let low = stage
        .platform
        .announce(&inbound(&subject, "credit-low"), act())
        .await?;
    let notice = person.notice(&low).await?;
    let means = Means {
        pin: Some(&person.pin),
        ..Means::default()
    };
    let answer = person.phone.answer(&notice, &means)?;
    let high = stage
        .platform
        .announce(&inbound(&subject, "credit"), act())
        .await?;
    let notice = person.notice(&high).await?;
    let aimed = answer.submission.aimed_at(&notice)?;
    let refused = person.phone.submit(&aimed, act()).await?;
    stage.expect(
        refused.outcome.is_none(),
        "score 600: a proof of \"at least 500\" is worth nothing where 650 is asked",
    );
    Ok(())
}

async fn order(stage: &mut Stage, desk: &Issuer) -> Result<(), Error> {
    let processor = RecipientSecret::generate()?;
    let covers = Test::CoversAmount {
        bits: 64,
        amount: 0,
    };
    let purchase = Rules {
        consent: Some(ConsentRule {
            recipient: processor.public(),
            max_payload_bytes: 16_384,
        }),
        ..rules(PolicyPurpose::Consent, vec![predicate(1, covers)])
    };
    put(stage, "purchase", &purchase).await?;
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

    let line = |text: &str, quantity, amount| Line {
        text: text.to_owned(),
        quantity,
        amount,
    };
    let lines = vec![line("rice, 5 kg", 2, 4_960), line("delivery", 1, 550)];
    let order = Order::of(Sheet::new("JPY", lines)?)?;
    let subject = person.phone.subject().to_owned();
    let offered = OfferedOrder {
        contact_id: contact.contact_id,
        subject: &subject,
        policy: "purchase",
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
    let approved =
        state.verdict.outcome == Some(Outcome::Verified) && state.order_hash == order.hash();
    stage.expect(
        approved,
        "order: approved on the phone, and the credit limit covers it",
    );
    let sealed = answer.sealed.ok_or(Error::Answer { what: "payload" })?;
    let same = state.sealed_digest == Some(sealed.sealed().digest());
    let opened = sealed.open(&processor)?;
    stage.say(&format!(
        "the processor reads {} lines, {} {}; the cluster has seen a hash",
        opened.order.sheet().lines().len(),
        opened.order.sheet().total(),
        opened.order.sheet().currency(),
    ));
    stage.expect(
        same && opened.order.hash() == order.hash(),
        "order: the processor opens what the consent covers, and it is the approved order",
    );
    let stranger = RecipientSecret::generate()?;
    stage.expect(
        sealed.open(&stranger).is_err(),
        "order: nobody else can open it",
    );
    Ok(())
}

/// The phone of an agent, with the session open.
struct AgentAtWork {
    phone: Phone,
    session: Session,
    pin: Pin,
    sensor: SoftwareSensor,
    face: Face,
}

async fn face(stage: &mut Stage) -> Result<(), Error> {
    let agent = stage.agents.first().cloned();
    let agent = agent.ok_or_else(|| Error::usage("the enrolment file has no agents"))?;
    let mut at_work = equip(stage, &agent).await?;
    let face_rule = |min_level| FaceRule {
        model_id: "synthetic-1".to_owned(),
        dimensions: 128,
        tau: 2_000,
        min_level,
        max_age_s: 60,
    };
    for (name, min_level) in [("agent-face", 1), ("agent-face-dev", 0)] {
        let asked = Rules {
            face: Some(face_rule(min_level)),
            ..rules(PolicyPurpose::AgentLogin, Vec::new())
        };
        put(stage, name, &asked).await?;
    }
    let (_, refused) = login(stage, &mut at_work, &agent, "agent-face").await?;
    say_reason(stage, &refused);
    let low = refused.outcome.is_none() && refused.reason == ASSURANCE_TOO_LOW;
    stage.expect(
        low,
        "face: the default policy refuses a SOFTWARE sensor, whatever it shows",
    );
    let (login_id, accepted) = login(stage, &mut at_work, &agent, "agent-face-dev").await?;
    let verdict = stage
        .platform
        .wait_login(&login_id, Reached::Committed, act())
        .await?;
    let verified = accepted.outcome == Some(Outcome::Verified)
        && verdict.outcome == Some(Outcome::Verified)
        && verdict.level == Some(0);
    stage.expect(
        verified,
        "face: a policy that says it accepts simulators takes it, and the verdict says level 0",
    );
    at_work.face = Face::named("somebody else");
    let stranger = login(stage, &mut at_work, &agent, "agent-face-dev").await;
    stage.expect(
        matches!(stranger, Err(Error::Lacking { .. })),
        "face: another face in front of the same sensor proves nothing",
    );
    Ok(())
}

/// A registered software sensor and an agent's phone with an enrolled face.
async fn equip(stage: &Stage, agent: &str) -> Result<AgentAtWork, Error> {
    let context = stage.context();
    let now = clock::unix_us();
    let day_us = DAY_S * 1_000_000;
    let home = home(stage, "sensor");
    let validity = (now - day_us, now + day_us);
    let sensor = SoftwareSensor::create(&home, "synthetic-1", 128, validity)?;
    stage
        .cluster
        .operator()?
        .register_sensor(context.tenant(), sensor.profile(), act())
        .await?;
    let pin = zeroize::Zeroizing::new("246813".to_owned());
    let each = Duration::from_secs(ACT_S);
    enrol::agents_phone(context, agent, pin.clone(), each).await?;
    let directory = PhoneDirectory::of(context.phones(), agent);
    let phone = Phone::with_connection(&directory, stage.phones.clone())?;
    let invitation = stage
        .platform
        .invite(Party::Agent(agent), InvitedTo::Template, act())
        .await?;
    let face = Face::named(agent);
    phone
        .enrol_face((&sensor, &home), &face, &invitation, act())
        .await?
        .to_result("the face is not enrolled")?;
    let session = phone.open_session(act()).await?;
    stage.say("an agent's phone has enrolled a face from a SOFTWARE sensor, level 0");
    Ok(AgentAtWork {
        phone,
        session,
        pin: Pin::new(pin),
        sensor,
        face,
    })
}

async fn login(
    stage: &Stage,
    at_work: &mut AgentAtWork,
    agent: &str,
    policy: &str,
) -> Result<([u8; 16], Submitted), Error> {
    let opened = stage.platform.open_login(agent, policy, act()).await?;
    let notice = at_work
        .phone
        .notice_of(&mut at_work.session, &opened.challenge_id, act())
        .await?;
    let means = Means {
        pin: Some(&at_work.pin),
        face: Some((&at_work.sensor, &at_work.face)),
        order: None,
    };
    let answer = at_work.phone.answer(&notice, &means)?;
    let submitted = at_work.phone.submit(&answer.submission, act()).await?;
    Ok((opened.login_id, submitted))
}

fn say_reason(stage: &Stage, submitted: &Submitted) {
    stage.say(&format!(
        "refused: reason {}",
        leaf::reason(u16::try_from(submitted.reason).unwrap_or(u16::MAX))
    ));
}
