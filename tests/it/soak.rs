//! Five real nodes in a storm: leaders are killed, frozen, cut off and made mute, while the same proofs
//! and different ones for one challenge arrive everywhere at once, again and again. However it ends,
//! one proof was accepted, and every replica's log says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use akashi_client::operator::Policy;
use akashi_client::phone::{Session, Submission, submit_through};
use akashi_client::{Connection, Deadline, Error, Outcome, Phone, Platform};
use akashi_tests::asked::{Asked, ask};
use akashi_tests::effort;
use akashi_tests::real::{ACT, RealCluster, Setup, TENANT};
use tokio::task::JoinSet;

/// Callers at the same time.
const CALLERS: usize = 6;
/// Phones of one caller: none gets more notices an hour than the cluster allows at most.
const PHONES_EACH: usize = 4;
/// The most notices an hour that one subject can be allowed.
const NOTICES_PER_HOUR_MAX: u32 = 1_000;
/// Possession alone: what is tested here is the cluster, and such a proof is quickly made.
const POLICY: &str = "possession";
/// What one submission of the storm gets; shorter than the silence of a frozen node.
const IN_THE_STORM: Duration = Duration::from_secs(4);
/// Until when a challenge must be decided once nothing is pressing.
const AT_LAST: Duration = Duration::from_secs(60);

/// What is done to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// The leader dies at once and comes back.
    Kill,
    /// The leader stands still, and then goes on as if nothing had happened.
    Freeze,
    /// The leader and one more are on one side, three on the other; what was sent arrives late.
    Part,
    /// The same, and every connection between the sides is reset.
    Tear,
    /// The leader hears everybody and nobody hears it.
    Mute,
    /// Two followers die.
    KillTwo,
}

const FAULTS: [Fault; 6] = [
    Fault::Kill,
    Fault::Freeze,
    Fault::Part,
    Fault::Tear,
    Fault::Mute,
    Fault::KillTwo,
];

/// What the callers saw.
#[derive(Debug, Default)]
struct Seen {
    /// Which of two proofs each challenge accepted, by its own answers.
    accepted: BTreeMap<[u8; 16], BTreeSet<usize>>,
    /// Outcomes that were answered for each challenge.
    outcomes: BTreeMap<[u8; 16], BTreeSet<Outcome>>,
    /// Challenges that could not be asked in the storm.
    unasked: u64,
    /// Submissions that had no decision in their time, by the kind of their error.
    undecided: BTreeMap<u16, u64>,
    /// Answers that no storm explains.
    surprises: Vec<String>,
    /// The longest that one submission took.
    slowest: Duration,
}

impl Seen {
    fn note(&mut self, challenge: [u8; 16], which: usize, answer: Result<Option<Outcome>, Error>) {
        match answer {
            Ok(Some(outcome)) => {
                self.outcomes.entry(challenge).or_default().insert(outcome);
                if outcome == Outcome::Verified {
                    self.accepted.entry(challenge).or_default().insert(which);
                }
            }
            Ok(None) => self
                .surprises
                .push("a valid proof was refused, and the challenge is open".to_owned()),
            Err(error) if error.grpc_code() == Some(tonic::Code::FailedPrecondition) => {}
            Err(
                error @ (Error::Unavailable { .. }
                | Error::DeadlineExceeded
                | Error::Held { .. }
                | Error::OverLimit { .. }),
            ) => {
                *self
                    .undecided
                    .entry(error.code().explain().number)
                    .or_default() += 1;
            }
            Err(error) => self.surprises.push(format!("{error:?}")),
        }
    }

    fn add(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        self.outcomes.extend(other.outcomes);
        self.unasked += other.unasked;
        for (kind, count) in other.undecided {
            *self.undecided.entry(kind).or_default() += count;
        }
        self.surprises.extend(other.surprises);
        self.slowest = self.slowest.max(other.slowest);
    }
}

/// Who calls, and how far all of them have come.
struct Caller {
    platform: Arc<Platform>,
    phones: Vec<Phone>,
    nodes: Vec<Connection>,
    sent: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Caller {
    async fn run(self) -> Seen {
        let mut seen = Seen::default();
        let mut sessions: Vec<Option<Session>> = self.phones.iter().map(|_| None).collect();
        for at in (0..self.phones.len()).cycle() {
            if self.stop.load(Ordering::Acquire) {
                break;
            }
            let phone = &self.phones[at];
            match self.ask(phone, &mut sessions[at]).await {
                Ok(asked) => self.answer(phone, &asked, &mut seen).await,
                Err(_in_the_storm) => {
                    sessions[at] = None;
                    seen.unasked += 1;
                }
            }
        }
        seen
    }

    async fn ask(&self, phone: &Phone, session: &mut Option<Session>) -> Result<Asked, Error> {
        let mut open = match session.take() {
            Some(open) => open,
            None => phone.open_session(Deadline::after(ACT)).await?,
        };
        let asked = ask(&self.platform, phone, &mut open, POLICY).await?;
        *session = Some(open);
        Ok(asked)
    }

    /// Two proofs for one challenge, each to every node, twice under one id and once under another; and
    /// then, when nothing is pressing, each once more.
    async fn answer(&self, phone: &Phone, asked: &Asked, seen: &mut Seen) {
        let proofs = [(), ()].map(|()| phone.prove(&asked.notice, None).expect("proofs"));
        let mut storm = JoinSet::new();
        for (which, proof) in proofs.iter().enumerate() {
            for node in &self.nodes {
                let again = proof.under_new_request().expect("an id");
                for submission in [proof.clone(), proof.clone(), again] {
                    let node = node.clone();
                    storm.spawn(async move { (which, send(&node, &submission).await) });
                }
            }
        }
        while let Some(sent) = storm.join_next().await {
            let (which, (answer, took)) = sent.expect("a submission ends");
            seen.slowest = seen.slowest.max(took);
            self.sent.fetch_add(1, Ordering::Relaxed);
            seen.note(asked.challenge_id, which, answer);
        }
        for (which, proof) in proofs.iter().enumerate() {
            let end = Deadline::after(AT_LAST);
            let answer = loop {
                let answer = phone.submit(proof, Deadline::after(ACT)).await;
                let later = matches!(
                    answer,
                    Err(Error::Unavailable { .. }
                        | Error::DeadlineExceeded
                        | Error::Held { .. }
                        | Error::OverLimit { .. })
                );
                if !later || end.remaining().is_zero() {
                    break answer;
                }
            };
            seen.note(asked.challenge_id, which, answer.map(|one| one.outcome));
        }
    }
}

async fn send(
    node: &Connection,
    submission: &Submission,
) -> (Result<Option<Outcome>, Error>, Duration) {
    let began = akashi_client::clock::monotonic();
    let answer = submit_through(node, submission, Deadline::after(IN_THE_STORM)).await;
    (answer.map(|one| one.outcome), began.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_nodes_in_a_storm_accept_one_proof_for_one_challenge() {
    let mut cluster = RealCluster::of(&Setup {
        nodes: 5,
        proxied: true,
        ..Setup::default()
    })
    .await;
    prepare(&cluster).await;
    let (sent, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let mut callers = Vec::new();
    for number in 0..CALLERS {
        let caller = caller(&cluster, number, &sent, &stop).await;
        callers.push(tokio::spawn(caller.run()));
    }

    let wanted = effort::soak_submissions();
    let mut done: BTreeMap<Fault, u32> = BTreeMap::new();
    let mut turn = 0_u64;
    while sent.load(Ordering::Relaxed) < wanted || done.len() < FAULTS.len() {
        let fault = FAULTS[usize::try_from(turn).unwrap() % FAULTS.len()];
        // Uneven lengths, so that faults meet elections at different moments.
        let lasts = Duration::from_millis(900 + turn * 370 % 1_300);
        inflict(&mut cluster, fault, lasts).await;
        *done.entry(fault).or_default() += 1;
        turn += 1;
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    stop.store(true, Ordering::Release);
    let mut seen = Seen::default();
    for caller in callers {
        seen.add(caller.await.unwrap());
    }
    let ends = cluster.converge().await;
    let logs = cluster.verdicts_of_each().await;
    println!(
        "{} submissions, {} challenges, faults {done:?}, {} not asked, undecided {:?}, slowest {:?}",
        sent.load(Ordering::Relaxed),
        seen.outcomes.len(),
        seen.unasked,
        seen.undecided,
        seen.slowest,
    );
    judge(&seen, &logs);
    assert!(
        ends.windows(2).all(|pair| pair[0] == pair[1]),
        "one root, one state: {ends:?}"
    );
    cluster.dev.stop().await;
}

fn judge(seen: &Seen, logs: &[Vec<([u8; 16], u8, u64)>]) {
    assert!(seen.surprises.is_empty(), "{:?}", seen.surprises);
    assert!(!seen.outcomes.is_empty(), "calls went on");
    assert!(
        seen.slowest < IN_THE_STORM + Duration::from_secs(2),
        "no submission outlived its deadline: {:?}",
        seen.slowest
    );
    for (challenge, accepted) in &seen.accepted {
        assert_eq!(accepted.len(), 1, "two proofs accepted for {challenge:?}");
    }
    for (challenge, outcomes) in &seen.outcomes {
        assert_eq!(
            outcomes,
            &BTreeSet::from([Outcome::Verified]),
            "{challenge:?}"
        );
    }
    for (position, verdicts) in logs.iter().enumerate() {
        let by_challenge: BTreeMap<_, _> = verdicts.iter().map(|(c, o, _)| (*c, *o)).collect();
        assert_eq!(
            by_challenge.len(),
            verdicts.len(),
            "replica {position}: no challenge has two verdicts"
        );
        for challenge in seen.outcomes.keys() {
            assert_eq!(
                by_challenge.get(challenge),
                Some(&1),
                "replica {position}: what was answered is in the log"
            );
        }
        assert_eq!(verdicts, &logs[0], "every replica tells the same");
    }
}

async fn prepare(cluster: &RealCluster) {
    let operator = cluster.dev.operator().unwrap();
    let settings = akashi_proto::v1::Settings {
        notices_per_hour: NOTICES_PER_HOUR_MAX,
        ..Default::default()
    };
    operator
        .put_settings(settings, Deadline::after(ACT))
        .await
        .unwrap();
    let policy = Policy {
        name: POLICY.to_owned(),
        require_possession: true,
        challenge_ttl_s: 120,
        verdict_ttl_s: 3_600,
        ..Policy::default()
    };
    operator
        .put_policy(TENANT, policy, Deadline::after(ACT))
        .await
        .unwrap();
}

async fn caller(
    cluster: &RealCluster,
    number: usize,
    sent: &Arc<AtomicU64>,
    stop: &Arc<AtomicBool>,
) -> Caller {
    let mut phones = Vec::new();
    for phone in 0..PHONES_EACH {
        let subject = format!("sub-soak-{number}-{phone:02}");
        phones.push(cluster.enrol(&subject).await.0);
    }
    let nodes = phones[0].connection().each();
    Caller {
        platform: Arc::new(cluster.dev.context().platform().unwrap()),
        nodes: nodes.into_iter().map(|(_, node)| node).collect(),
        phones,
        sent: Arc::clone(sent),
        stop: Arc::clone(stop),
    }
}

/// Does one harm for a while, and makes it good.
async fn inflict(cluster: &mut RealCluster, fault: Fault, lasts: Duration) {
    let leader = cluster.leader().await;
    let others: Vec<usize> = (0..cluster.size()).filter(|at| *at != leader).collect();
    match fault {
        Fault::Kill => {
            cluster.dev.kill_node(leader).await.unwrap();
            tokio::time::sleep(lasts).await;
            cluster.dev.start_node(leader).unwrap();
        }
        Fault::KillTwo => {
            for at in &others[..2] {
                cluster.dev.kill_node(*at).await.unwrap();
            }
            tokio::time::sleep(lasts).await;
            for at in &others[..2] {
                cluster.dev.start_node(*at).unwrap();
            }
        }
        Fault::Freeze => {
            cluster.pause(leader);
            tokio::time::sleep(lasts).await;
            cluster.resume(leader);
        }
        Fault::Part | Fault::Tear => {
            cluster
                .network
                .part(&[leader, others[0]], fault == Fault::Tear);
            tokio::time::sleep(lasts).await;
            cluster.network.mend();
        }
        Fault::Mute => {
            cluster.network.mute(leader);
            tokio::time::sleep(lasts).await;
            cluster.network.mend();
        }
    }
    cluster
        .dev
        .wait_ready(Deadline::after(Duration::from_secs(60)))
        .await
        .unwrap();
}
