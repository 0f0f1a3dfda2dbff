//! Real nodes on machines that go wrong: clocks that jump, disks that are full or refuse, processes that
//! stand still or die, networks that part. Whatever was acknowledged stays.

mod clocks;
mod disks;
mod fences;
mod kills;
mod silence;

use std::time::Duration;

use akashi_client::clock::monotonic;
use akashi_client::operator::NodeStatus;
use akashi_client::{Deadline, Error, Outcome, Phone, Platform};
use akashi_proof::PinSecret;
use akashi_tests::asked::{ask, call};
use akashi_tests::real::{ACT, RealCluster};

/// One customer who calls again and again.
struct Customer {
    platform: Platform,
    phone: Phone,
    pin: PinSecret,
    /// Challenges with an acknowledged verdict.
    acknowledged: Vec<[u8; 16]>,
}

impl Customer {
    async fn of(cluster: &RealCluster, subject: &str) -> Self {
        // A subject may get a few notices an hour only; this is about nodes, not about people.
        let settings = akashi_proto::v1::Settings {
            notices_per_hour: 1_000,
            ..Default::default()
        };
        let operator = cluster.dev.operator().unwrap();
        operator
            .put_settings(settings, Deadline::after(ACT))
            .await
            .unwrap();
        let (phone, pin) = cluster.enrol(subject).await;
        Self {
            platform: cluster.dev.context().platform().unwrap(),
            phone,
            pin,
            acknowledged: Vec::new(),
        }
    }

    /// One call to its verdict. Gives how long it took.
    async fn call(&mut self) -> Result<Duration, Error> {
        let began = monotonic();
        let mut session = self.phone.open_session(Deadline::after(ACT)).await?;
        let asked = ask(&self.platform, &self.phone, &mut session, "basic").await?;
        let proof = self.phone.prove(&asked.notice, Some(&self.pin))?;
        let answer = self.phone.submit(&proof, Deadline::after(ACT)).await?;
        assert_eq!(answer.outcome, Some(Outcome::Verified));
        self.acknowledged.push(asked.challenge_id);
        Ok(began.elapsed())
    }

    /// Every replica has every acknowledged verdict, once, and all replicas agree.
    async fn is_believed_by(&self, cluster: &RealCluster) {
        let ends = cluster.converge().await;
        assert!(
            ends.windows(2).all(|pair| pair[0] == pair[1]),
            "one root, one state: {ends:?}"
        );
        for (position, verdicts) in cluster.verdicts_of_each().await.iter().enumerate() {
            for challenge in &self.acknowledged {
                let own = verdicts.iter().filter(|(id, ..)| id == challenge);
                assert_eq!(own.count(), 1, "replica {position} keeps its word");
            }
        }
    }
}

/// What the nodes that answer say of themselves.
async fn statuses(cluster: &RealCluster) -> Vec<NodeStatus> {
    let operator = cluster.dev.operator().unwrap();
    let answers = operator
        .status_of_all(Deadline::after(Duration::from_secs(1)))
        .await;
    answers
        .into_iter()
        .filter_map(|(_, status)| status.ok())
        .collect()
}

/// Waits until somebody else than the node at `position` leads.
async fn another_leads(cluster: &RealCluster, position: usize) -> usize {
    let id = u64::try_from(position + 1).unwrap();
    for _ in 0..200 {
        let found = statuses(cluster).await;
        let another = |status: &&NodeStatus| status.role == "leader" && status.node_id != id;
        if let Some(leader) = found.iter().find(another) {
            return usize::try_from(leader.node_id - 1).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("node {id} goes on leading");
}

/// Announces calls until one is refused for this reason.
async fn is_refused(customer: &Customer, reason: &str) -> Error {
    let mut last = None;
    for _ in 0..400 {
        let about = call(customer.phone.subject(), "basic");
        let deadline = Deadline::after(Duration::from_secs(3));
        match customer.platform.announce(&about, deadline).await {
            // What is about to be found out is looked at a few times a second.
            Ok(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) if error.reason() == Some(reason) => return error,
            Err(error) => last = Some(error),
        }
    }
    panic!("nobody says {reason}; the last error was {last:?}");
}
