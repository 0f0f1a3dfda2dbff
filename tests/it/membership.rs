//! Real processes whose members change: one joins, one leaves while it leads, and disks that come back
//! emptied or older than they were.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use akashi_client::Deadline;
use akashi_client::layout::{self, NodeSpec};
use akashi_client::operator::NodeStatus;
use akashi_tests::real::{ACT, RealCluster, call_until};

/// How often the tests look again.
const LOOK: Duration = Duration::from_millis(100);
/// Looks before they give up: a minute.
const LOOKS: usize = 600;

fn act() -> Deadline {
    Deadline::after(ACT)
}

/// The status of every founding node, by position; none of those that do not answer.
async fn statuses(cluster: &RealCluster) -> Vec<Option<NodeStatus>> {
    let operator = cluster.dev.operator().unwrap();
    let all = operator.status_of_all(Deadline::after(Duration::from_secs(1)));
    let all = all.await.into_iter();
    all.map(|(_, status)| status.ok()).collect()
}

/// Waits until the leader's status is as it shall be; one that was founded with the cluster leads.
async fn until_leader(cluster: &RealCluster, what: &str, is: impl Fn(&NodeStatus) -> bool) {
    until(cluster, what, |status| {
        status.role == "leader" && is(status)
    })
    .await;
}

/// Waits until the status of some founding node is as it shall be.
async fn until(cluster: &RealCluster, what: &str, is: impl Fn(&NodeStatus) -> bool) {
    for _ in 0..LOOKS {
        let mut found = statuses(cluster).await.into_iter().flatten();
        if found.any(|status| is(&status)) {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("never: {what}");
}

/// Waits until a node has logged this.
async fn until_logged(cluster: &RealCluster, name: &str, text: &str) {
    let file = cluster.dev.log_file(name);
    for _ in 0..LOOKS {
        if std::fs::read_to_string(&file).unwrap().contains(text) {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("{name} never says: {text}");
}

/// Starts a node that joins, at the next free place, and adds it; gives its id.
async fn add(cluster: &mut RealCluster, name: &str) -> u64 {
    let first = cluster.dev.context().nodes()[0].clone();
    let (host, port) = first.rsplit_once(':').unwrap();
    let place = u16::try_from(cluster.size()).unwrap();
    let node = NodeSpec {
        name: name.to_owned(),
        site: "b".to_owned(),
        host: host.to_owned(),
        port: port.parse::<u16>().unwrap() + place * 10,
    };
    cluster.dev.join(&node).unwrap();
    let own = cluster.home().join("nodes").join(name);
    let member = layout::join::read(&own).unwrap();
    let operator = cluster.dev.operator().unwrap();
    operator.add_member(&member, act()).await.unwrap();
    member.id
}

fn copy_directory(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fourth_node_joins_and_votes_and_the_leader_leaves_under_load() {
    let mut cluster = RealCluster::start().await;
    let platform = Arc::new(cluster.dev.context().platform().unwrap());
    let stop = Arc::new(AtomicBool::new(false));
    let phones = vec![cluster.enrol("sub_member_0001").await];
    // Nobody gets that many notices: most of these calls end at once, and are commands all the same.
    let load = tokio::spawn(call_until(Arc::clone(&platform), phones, Arc::clone(&stop)));

    let fourth = add(&mut cluster, "n4").await;
    until_leader(&cluster, "the fourth learns", |status| {
        let peer = status.peers.iter().find(|peer| peer.node_id == fourth);
        status.conf_learners == [fourth]
            && peer.is_some_and(|peer| peer.match_index >= status.applied_index)
    })
    .await;
    let operator = cluster.dev.operator().unwrap();
    operator.promote_member(fourth, act()).await.unwrap();
    until_leader(&cluster, "the fourth votes", |status| {
        status.conf_voters == [1, 2, 3, fourth] && !status.joint
    })
    .await;

    let gone = cluster.leader().await;
    let id = u64::try_from(gone).unwrap() + 1;
    let stays: Vec<u64> = [1, 2, 3, fourth].into_iter().filter(|m| *m != id).collect();
    for _ in 0..LOOKS {
        // The last change of the key set has to be sealed first.
        if operator.remove_member(id, act()).await.is_ok() {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    until(
        &cluster,
        "the leader has left, and somebody leads",
        |status| {
            let led = status.leader_id != 0 && status.leader_id != id;
            led && status.conf_voters == stays && status.node_id != id
        },
    )
    .await;
    cluster.dev.kill_node(gone).await.unwrap();
    stop.store(true, Ordering::Release);
    let seen = load.await.unwrap();
    assert!(!seen.acknowledged.is_empty());

    // The founders who stay come together, on one state; the fourth may lead them.
    for _ in 0..LOOKS {
        let found: Vec<NodeStatus> = statuses(&cluster).await.into_iter().flatten().collect();
        let level = found.len() == 2
            && found
                .windows(2)
                .all(|pair| pair[0].applied_index == pair[1].applied_index);
        if level {
            let hashes: Vec<_> = found.iter().map(|status| &status.state_hash).collect();
            assert!(hashes.windows(2).all(|pair| pair[0] == pair[1]));
            cluster.dev.stop().await;
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("the replicas do not come together");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_comes_back_emptied_or_older_than_it_was_is_turned_away() {
    let mut cluster = RealCluster::start().await;
    until_leader(&cluster, "every disk is recorded", |status| {
        status
            .peers
            .iter()
            .all(|peer| peer.life.iter().any(|byte| *byte != 0))
    })
    .await;
    let leader = cluster.leader().await;
    let victim = (0..3).find(|position| *position != leader).unwrap();
    let leader_name = format!("n{}", leader + 1);
    let data = cluster.home().join(format!("nodes/n{}/data", victim + 1));
    let copies = tempfile::tempdir().unwrap();
    let (old, newest) = (copies.path().join("old"), copies.path().join("newest"));

    // A copy, and then more that the replica acknowledges.
    cluster.dev.kill_node(victim).await.unwrap();
    copy_directory(&data, &old);
    cluster.dev.start_node(victim).unwrap();
    let operator = cluster.dev.operator().unwrap();
    for tenant in ["later-a", "later-b", "later-c"] {
        operator.create_tenant(tenant, act()).await.unwrap();
    }
    let id = u64::try_from(victim).unwrap() + 1;
    until_leader(&cluster, "the replica has it all", |status| {
        let peer = status.peers.iter().find(|peer| peer.node_id == id);
        peer.is_some_and(|peer| peer.match_index >= status.applied_index)
    })
    .await;

    // An emptied disk under the known id.
    cluster.dev.kill_node(victim).await.unwrap();
    std::fs::rename(&data, &newest).unwrap();
    cluster.dev.start_node(victim).unwrap();
    until_logged(
        &cluster,
        &leader_name,
        "another disk is known under this id",
    )
    .await;
    operator.create_tenant("without-it", act()).await.unwrap();

    // The older copy of the right disk, while the same leader leads.
    cluster.dev.kill_node(victim).await.unwrap();
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::rename(&old, &data).unwrap();
    assert_eq!(cluster.leader().await, leader);
    cluster.dev.start_node(victim).unwrap();
    until_logged(
        &cluster,
        &leader_name,
        "ends before what it has acknowledged",
    )
    .await;

    // The right disk is taken.
    cluster.dev.kill_node(victim).await.unwrap();
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::rename(&newest, &data).unwrap();
    cluster.dev.start_node(victim).unwrap();
    let ends = cluster.converge().await;
    assert!(ends.windows(2).all(|pair| pair[0] == pair[1]));
    cluster.dev.stop().await;
}
