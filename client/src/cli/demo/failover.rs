//! Step 4: the leader is killed in the middle of a stream of calls.
//!
//! Callers note every verdict that was acknowledged to them. Afterwards every replica's log must
//! contain each of them once, with the same outcome, under the same root.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;

use super::super::cluster::disagreement;
use super::stage::{Person, Stage, act, inbound, ms_since};
use crate::answer::Outcome;
use crate::auditor::{Auditor, Flow};
use crate::clock::{self, Deadline};
use crate::error::Error;
use crate::event;
use crate::operator::NodeStatus;
use crate::platform::Platform;

/// Callers at the same time.
const CALLERS: usize = 8;
/// Seconds of calls before the kill.
const BEFORE_S: u64 = 2;
/// Seconds of calls after the kill.
const AFTER_S: u64 = 6;
/// Longest acceptable pause between two verdicts, in milliseconds. The figures proper come from the
/// benches; this bound only has to hold on a busy two-core machine.
const PAUSE_MS_MAX: u64 = 5_000;
/// Seconds for the killed node to come back and catch up.
const CATCH_UP_S: u64 = 30;

/// A verdict that was acknowledged to a caller.
struct Acknowledged {
    challenge_id: [u8; 16],
    outcome: Outcome,
    at: Instant,
}

/// What one caller saw.
#[derive(Default)]
struct Seen {
    verdicts: Vec<Acknowledged>,
    errors: Vec<String>,
}

pub(super) async fn run(stage: &mut Stage) -> Result<(), Error> {
    stage.title(4, "The leader dies in the middle of a stream of calls");
    let people = stage.people(CALLERS).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = people
        .into_iter()
        .map(|person| {
            tokio::spawn(keep_calling(
                Arc::clone(&stage.platform),
                person,
                Arc::clone(&stop),
            ))
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(BEFORE_S)).await;

    let leader = leader_position(stage).await?;
    let killed = stage
        .cluster
        .names()
        .get(leader)
        .copied()
        .unwrap_or_default()
        .to_owned();
    let killed_at = clock::monotonic();
    stage.cluster.kill_node(leader).await?;
    stage.say(&format!("{killed}, the leader, was killed with SIGKILL"));
    tokio::time::sleep(Duration::from_secs(AFTER_S)).await;
    stop.store(true, Ordering::Relaxed);
    let mut seen = Seen::default();
    for caller in join_all(callers).await {
        let mut part = caller.map_err(|_stopped| Error::StreamEnded { what: "caller" })?;
        seen.verdicts.append(&mut part.verdicts);
        seen.errors.append(&mut part.errors);
    }
    seen.verdicts.sort_by_key(|verdict| verdict.at);
    judge_stream(stage, &seen, killed_at);

    stage.cluster.start_node(leader)?;
    let began = clock::monotonic();
    let statuses = caught_up(stage).await?;
    stage.say(&format!(
        "{killed} was started again and has caught up after {} ms",
        ms_since(began)
    ));
    let refs: Vec<&NodeStatus> = statuses.iter().collect();
    let agree = disagreement(&refs).is_ok() && refs.iter().all(|status| !status.fenced);
    stage.expect(
        agree,
        "all replicas have the same state and the same root at the same index",
    );
    compare_logs(stage, &seen).await
}

fn judge_stream(stage: &mut Stage, seen: &Seen, killed_at: Instant) {
    let after = seen
        .verdicts
        .iter()
        .filter(|verdict| verdict.at > killed_at)
        .count();
    let pause = longest_pause_ms(&seen.verdicts);
    stage.say(&format!(
        "{} verdicts acknowledged, {after} of them after the kill; longest pause {pause} ms",
        seen.verdicts.len()
    ));
    for error in seen.errors.iter().take(5) {
        stage.say(&format!("a caller got: {error}"));
    }
    stage.expect(
        seen.errors.is_empty(),
        "no caller got an error: the SDK rode over the fail-over",
    );
    let verified = seen
        .verdicts
        .iter()
        .all(|verdict| verdict.outcome == Outcome::Verified);
    stage.expect(verified, "every acknowledged verdict says verified");
    stage.expect(after > 0, "calls went on after the kill");
    stage.expect(
        pause <= PAUSE_MS_MAX,
        &format!("the pause was {pause} ms (at most {PAUSE_MS_MAX})"),
    );
    stage.sum(
        "calls in the stream",
        format!("{} verdicts acknowledged", seen.verdicts.len()),
    );
    stage.sum(
        "leader killed",
        format!("longest pause between two verdicts {pause} ms"),
    );
}

fn longest_pause_ms(verdicts: &[Acknowledged]) -> u64 {
    verdicts
        .windows(2)
        .filter_map(|pair| match pair {
            [a, b] => u64::try_from((b.at - a.at).as_millis()).ok(),
            _ => None,
        })
        .max()
        .unwrap_or(0)
}

/// One caller after the other on one phone, until told to stop; an error ends it.
async fn keep_calling(platform: Arc<Platform>, mut person: Person, stop: Arc<AtomicBool>) -> Seen {
    let mut seen = Seen::default();
    while !stop.load(Ordering::Relaxed) {
        match one_call(&platform, &mut person).await {
            Ok(verdict) => seen.verdicts.push(verdict),
            Err(error) => seen.errors.push(error.to_string()),
        }
    }
    seen
}

async fn one_call(platform: &Platform, person: &mut Person) -> Result<Acknowledged, Error> {
    let announced = platform
        .announce(&inbound(person.phone.subject(), "basic"), act())
        .await?;
    let notice = person.notice(&announced).await?;
    let submission = person.phone.prove(&notice, Some(&person.secret))?;
    let answer = person.phone.submit(&submission, act()).await?;
    let outcome = answer.outcome.ok_or(Error::Refused {
        outcome: "the proofs did not hold",
    })?;
    Ok(Acknowledged {
        challenge_id: announced.challenge_id,
        outcome,
        at: clock::monotonic(),
    })
}

async fn leader_position(stage: &Stage) -> Result<usize, Error> {
    let operator = stage.cluster.operator()?;
    let deadline = act();
    loop {
        let answers = operator
            .status_of_all(Deadline::after(Duration::from_secs(2)))
            .await;
        let leader = answers.iter().position(|(_, answer)| {
            answer
                .as_ref()
                .is_ok_and(|status| status.leader_id == status.node_id)
        });
        if let Some(position) = leader {
            return Ok(position);
        }
        if deadline.remaining().is_zero() {
            return Err(Error::DeadlineExceeded);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until every node has applied and sealed the same, and says how they stand.
async fn caught_up(stage: &Stage) -> Result<Vec<NodeStatus>, Error> {
    let operator = stage.cluster.operator()?;
    let deadline = Deadline::after(Duration::from_secs(CATCH_UP_S));
    let nodes = stage.cluster.names().len();
    loop {
        let attempt = Deadline::after(Duration::from_secs(2));
        let answers = operator.status_of_all(attempt).await;
        let statuses: Vec<NodeStatus> = answers
            .into_iter()
            .filter_map(|(_, answer)| answer.ok())
            .collect();
        let first = statuses
            .first()
            .map(|status| (status.applied_index, status.tree_size));
        let level = statuses.len() == nodes
            && statuses.iter().all(|s| {
                Some((s.applied_index, s.tree_size)) == first && s.sealed_size == s.tree_size
            });
        if level {
            return Ok(statuses);
        }
        if deadline.remaining().is_zero() {
            return Err(Error::Process {
                what: "the killed node did not catch up".to_owned(),
            });
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Reads the whole log from every replica by itself and looks for each acknowledged verdict.
async fn compare_logs(stage: &mut Stage, seen: &Seen) -> Result<(), Error> {
    let mut roots = Vec::new();
    let (mut lost, mut contradicted, mut doubled) = (0, 0, 0);
    for (_, auditor) in stage.context().auditor()?.each() {
        let (verdicts, root) = read_verdicts(&auditor).await?;
        roots.push(root);
        doubled += verdicts
            .values()
            .filter(|outcomes| outcomes.len() > 1)
            .count();
        for acknowledged in &seen.verdicts {
            match verdicts.get(&acknowledged.challenge_id).map(Vec::as_slice) {
                Some([outcome, ..]) if *outcome == Some(acknowledged.outcome) => {}
                Some(_) => contradicted += 1,
                None => lost += 1,
            }
        }
    }
    let replicas = roots.len();
    stage.expect(
        lost == 0,
        &format!("no acknowledged verdict is missing on any of {replicas} replicas"),
    );
    stage.expect(contradicted == 0, "no acknowledged verdict is contradicted");
    stage.expect(doubled == 0, "no challenge has two verdicts");
    stage.sum(
        "after the kill",
        format!("{lost} verdicts lost, {contradicted} contradicted, {doubled} doubled"),
    );
    let same = roots
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if a == b));
    stage.expect(
        same,
        "each replica's log, read and hashed here, has the same signed root",
    );
    Ok(())
}

/// The outcomes of each challenge in a log.
type Verdicts = BTreeMap<[u8; 16], Vec<Option<Outcome>>>;

async fn read_verdicts(auditor: &Auditor) -> Result<(Verdicts, (u64, [u8; 32])), Error> {
    let mut follower = auditor.follower();
    let mut verdicts = Verdicts::new();
    auditor
        .tail(&mut follower, false, act(), |_index, bytes, _head| {
            let leaf = akashi_merkle::Leaf::decode(bytes)
                .map_err(|_version| Error::Answer { what: "leaf" })?;
            if leaf.kind == event::VERDICT_REACHED && leaf.challenge_id != [0; 16] {
                let outcome = Outcome::from_number(i32::from(leaf.outcome))?;
                verdicts.entry(leaf.challenge_id).or_default().push(outcome);
            }
            Ok(Flow::Continue)
        })
        .await?;
    let token = follower.token();
    Ok((verdicts, (token.size, token.root)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pause_is_found() {
        let start = clock::monotonic();
        let verdicts: Vec<Acknowledged> = [0, 10, 700, 720]
            .into_iter()
            .map(|ms| Acknowledged {
                challenge_id: [0; 16],
                outcome: Outcome::Verified,
                at: start + Duration::from_millis(ms),
            })
            .collect();
        assert_eq!(longest_pause_ms(&verdicts), 690);
        assert_eq!(longest_pause_ms(&[]), 0);
    }
}
