//! Step 3: everything that must be refused, and is.

use std::time::Duration;

use tonic::Code;

use super::stage::{Person, Stage, act, inbound, unlock};
use crate::answer::Outcome;
use crate::connection::Connection;
use crate::error::Error;
use crate::operator::Policy;
use crate::phone::{CheckedNotice, Phone, PhoneDirectory, Reply, Submission, submit_through};
use crate::platform::Announced;
use crate::policy::AgentRule;

/// Seconds that the challenge of the policy `quick` is open: the least that a policy may say.
const QUICK_S: u32 = 10;

pub(super) async fn run(stage: &mut Stage) -> Result<(), Error> {
    stage.title(
        3,
        "Refusals: what does not prove who calls gets no verdict that says so",
    );
    let before = stage.ledger.held;
    let late = open_challenge_that_will_expire(stage).await?;
    wrong_pin(stage).await?;
    replays(stage).await?;
    other_call(stage).await?;
    declines_and_reports(stage).await?;
    two_nodes_at_once(stage).await?;
    expired(stage, late).await?;
    let shown = stage.ledger.held - before;
    stage.sum("refusals", format!("{shown} expectations held"));
    Ok(())
}

/// A challenge that runs out while the other refusals are shown.
struct Late {
    person: Person,
    announced: Announced,
    notice: CheckedNotice,
    submission: Submission,
}

async fn open_challenge_that_will_expire(stage: &mut Stage) -> Result<Late, Error> {
    let quick = Policy {
        name: "quick".to_owned(),
        require_possession: true,
        require_knowledge: true,
        challenge_ttl_s: QUICK_S,
        verdict_ttl_s: 60,
        agents: Some(AgentRule::registered().to_wire()),
        ..Policy::default()
    };
    let tenant = stage.context().tenant().to_owned();
    stage
        .cluster
        .operator()?
        .put_policy(&tenant, quick, act())
        .await?;
    let mut person = stage.person().await?;
    let call = inbound(person.phone.subject(), "quick");
    let announced = stage.platform.announce(&call, act()).await?;
    let notice = person.notice(&announced).await?;
    let submission = person.phone.prove(&notice, Some(&person.secret))?;
    Ok(Late {
        person,
        announced,
        notice,
        submission,
    })
}

async fn expired(stage: &mut Stage, late: Late) -> Result<(), Error> {
    let deadline = crate::clock::Deadline::after(Duration::from_secs(u64::from(QUICK_S) + 10));
    let reached = crate::answer::Stage::Committed;
    let verdict = stage
        .platform
        .wait_verdict(&late.announced.contact_id, reached, deadline, |_| {})
        .await?;
    let ended = verdict.outcome == Some(Outcome::Expired);
    stage.expect(
        ended,
        "expired: a challenge that nobody answers ends by the cluster's own clock",
    );
    let answer = late.person.phone.submit(&late.submission, act()).await;
    stage.expect_refusal(
        &answer,
        Code::FailedPrecondition,
        "expired: a perfect proof that comes too late is turned away",
    );
    let answer = late
        .person
        .phone
        .reply(&late.notice, Reply::Decline, act())
        .await;
    stage.expect(
        !matches!(answer, Ok(Some(Outcome::DeclinedByCustomer))),
        "expired: no later answer changes the verdict",
    );
    stage
        .expect_verdict(
            &late.announced,
            Outcome::Expired,
            "expired: the verdict stands",
        )
        .await
}

async fn wrong_pin(stage: &mut Stage) -> Result<(), Error> {
    let mut person = stage.person().await?;
    let announced = stage.ring(&person).await?;
    let notice = person.notice(&announced).await?;
    let directory = PhoneDirectory::of(stage.context().phones(), person.phone.subject());
    let same_phone = Phone::with_connection(&directory, stage.phones.clone())?;
    let (_, wrong) = unlock(same_phone, "000000000000".to_owned().into()).await?;
    let attempt = person.phone.prove(&notice, Some(&wrong))?;
    let answer = person.phone.submit(&attempt, act()).await?;
    stage.say(&format!(
        "the right phone with a wrong PIN: reason {}, {} attempts left",
        super::super::leaf::reason(u16::try_from(answer.reason).unwrap_or(u16::MAX)),
        answer.attempts_left
    ));
    let refused = answer.outcome.is_none() && answer.reason != 0 && answer.attempts_left > 0;
    stage.expect(
        refused,
        "wrong PIN: refused, recorded and counted; the challenge stays open",
    );
    let right = person.phone.prove(&notice, Some(&person.secret))?;
    person.phone.submit(&right, act()).await?;
    stage
        .expect_verdict(
            &announced,
            Outcome::Verified,
            "wrong PIN: the right one still works",
        )
        .await
}

async fn replays(stage: &mut Stage) -> Result<(), Error> {
    let mut person = stage.person().await?;
    let announced = stage.ring(&person).await?;
    let notice = person.notice(&announced).await?;
    let submission = person.phone.prove(&notice, Some(&person.secret))?;
    let first = person.phone.submit(&submission, act()).await?;
    let again = person.phone.submit(&submission, act()).await?;
    let same = first.outcome == Some(Outcome::Verified) && again.outcome == first.outcome;
    stage.expect(
        same,
        "replay: the same request again gives the same verdict",
    );
    let copied = submission.under_new_request()?;
    let copied = person.phone.submit(&copied, act()).await?;
    let same = copied.outcome == first.outcome;
    stage.expect(
        same,
        "replay: the same proof under a new request gives the stored verdict",
    );
    let other = person.phone.prove(&notice, Some(&person.secret))?;
    let answer = person.phone.submit(&other, act()).await;
    stage.expect_refusal(
        &answer,
        Code::FailedPrecondition,
        "replay: a different proof for the answered challenge is refused",
    );
    Ok(())
}

async fn other_call(stage: &mut Stage) -> Result<(), Error> {
    let mut person = stage.person().await?;
    let first = stage.ring(&person).await?;
    let first_notice = person.notice(&first).await?;
    let overheard = person.phone.prove(&first_notice, Some(&person.secret))?;
    person
        .phone
        .reply(&first_notice, Reply::Decline, act())
        .await?;
    let second = stage.ring(&person).await?;
    let second_notice = person.notice(&second).await?;
    let aimed = overheard.aimed_at(&second_notice)?;
    let answer = person.phone.submit(&aimed, act()).await?;
    let refused = answer.outcome.is_none() && answer.reason == 0;
    stage.expect(
        refused,
        "other call: a proof made for one call is worth nothing in another",
    );
    let right = person.phone.prove(&second_notice, Some(&person.secret))?;
    person.phone.submit(&right, act()).await?;
    stage
        .expect_verdict(
            &second,
            Outcome::Verified,
            "other call: the customer is not locked out by it",
        )
        .await
}

async fn declines_and_reports(stage: &mut Stage) -> Result<(), Error> {
    for (reply, outcome, what) in [
        (
            Reply::Decline,
            Outcome::DeclinedByCustomer,
            "decline: \"not now\" is a verdict of its own",
        ),
        (
            Reply::Report,
            Outcome::ReportedByCustomer,
            "report: \"I am not on a call\" ends the contact and tells the fraud team",
        ),
    ] {
        let mut person = stage.person().await?;
        let announced = stage.ring(&person).await?;
        let notice = person.notice(&announced).await?;
        person.phone.reply(&notice, reply, act()).await?;
        stage.expect_verdict(&announced, outcome, what).await?;
        let proof = person.phone.prove(&notice, Some(&person.secret))?;
        let answer = person.phone.submit(&proof, act()).await;
        stage.expect_refusal(
            &answer,
            Code::FailedPrecondition,
            "… and no proof changes it",
        );
    }
    Ok(())
}

async fn two_nodes_at_once(stage: &mut Stage) -> Result<(), Error> {
    let nodes: Vec<Connection> = stage
        .phones
        .each()
        .into_iter()
        .map(|(_, connection)| connection)
        .collect();
    let [a, b, ..] = nodes.as_slice() else {
        return Err(Error::usage("two nodes are needed"));
    };

    let mut person = stage.person().await?;
    let announced = stage.ring(&person).await?;
    let notice = person.notice(&announced).await?;
    let one = person.phone.prove(&notice, Some(&person.secret))?;
    let (left, right) = tokio::join!(
        submit_through(a, &one, act()),
        submit_through(b, &one, act())
    );
    let (left, right) = (left?, right?);
    let agree = left.outcome == Some(Outcome::Verified)
        && right.outcome == left.outcome
        && left.leaf_index == right.leaf_index;
    stage.expect(
        agree,
        "two nodes, same proof, same moment: both give the one verdict",
    );

    let announced = stage.ring(&person).await?;
    let notice = person.notice(&announced).await?;
    let one = person.phone.prove(&notice, Some(&person.secret))?;
    let two = person.phone.prove(&notice, Some(&person.secret))?;
    let (left, right) = tokio::join!(
        submit_through(a, &one, act()),
        submit_through(b, &two, act())
    );
    let accepted = [&left, &right]
        .iter()
        .filter(|answer| {
            answer
                .as_ref()
                .is_ok_and(|answer| answer.outcome == Some(Outcome::Verified))
        })
        .count();
    let refused = [&left, &right]
        .iter()
        .filter(|answer| {
            answer.as_ref().err().and_then(Error::grpc_code) == Some(Code::FailedPrecondition)
        })
        .count();
    stage.expect(
        (accepted, refused) == (1, 1),
        "two nodes, two proofs, same moment: exactly one is accepted, the other refused",
    );
    stage
        .expect_verdict(
            &announced,
            Outcome::Verified,
            "two nodes: one challenge, one verdict",
        )
        .await
}
