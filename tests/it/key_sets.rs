//! Real processes whose replicas are replaced: whoever pinned the first key set checks what the last one signed.

use std::path::{Path, PathBuf};
use std::process::Output;

use akashi_client::auditor::Flow;
use akashi_client::dev::basic_policy;
use akashi_client::layout::NodeSpec;
use akashi_client::{Deadline, Outcome, Trust};
use akashi_merkle::{KeyChain, KeySet};
use akashi_tests::asked::ask;
use akashi_tests::real::{ACT, RealCluster};

fn act() -> Deadline {
    Deadline::after(ACT)
}

/// Runs the command on this cluster and waits for its end.
async fn akashi(home: &Path, arguments: &[&str]) -> Output {
    let here = std::env::current_exe().unwrap();
    let profile = here.parent().and_then(Path::parent).unwrap();
    let mut command = tokio::process::Command::new(profile.join("akashi"));
    command.arg("--context").arg(home).args(arguments);
    command.env_remove("AKASHI_CONTEXT");
    command.output().await.unwrap()
}

/// Makes and starts a node that joins, and gives its directory.
fn join(cluster: &mut RealCluster, name: &str, position: u16) -> PathBuf {
    let first = cluster.dev.context().nodes()[0].clone();
    let (host, port) = first.rsplit_once(':').unwrap();
    let node = NodeSpec {
        name: name.to_owned(),
        site: "b".to_owned(),
        host: host.to_owned(),
        port: port.parse::<u16>().unwrap() + position * 10,
    };
    cluster.dev.join(&node).unwrap();
    cluster.home().join("nodes").join(name)
}

fn names(keys: &KeySet) -> Vec<&str> {
    let cosigners = keys.cosigners().iter();
    cosigners.map(|cosigner| cosigner.name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_machines_are_replaced_and_whoever_pinned_the_first_keys_follows() {
    let mut cluster = RealCluster::start().await;
    let (home, context) = (cluster.home(), cluster.dev.context().clone());
    let pinned = context.key_set().unwrap();
    let (phone, pin) = cluster.enrol("sub_keys_0001").await;
    let auditor = context.auditor().unwrap();
    let (early, _) = auditor.receipt(1, act()).await.unwrap();

    for (old, new, position) in [("n2", "n4", 3), ("n3", "n5", 4)] {
        let own = join(&mut cluster, new, position);
        let own = own.to_str().unwrap();
        let told = akashi(&home, &["cluster", "replace", old, own, "--timeout", "120"]).await;
        assert!(told.status.success(), "{new} for {old}: {told:?}");
        let gone = usize::from(position) - 2;
        cluster.dev.kill_node(gone).await.unwrap();
    }

    // The phone has the first keys, and its notice comes under the last ones.
    let platform = context.platform().unwrap();
    let mut session = phone.open_session(act()).await.unwrap();
    let policy = basic_policy().name;
    let asked = ask(&platform, &phone, &mut session, &policy).await.unwrap();
    let proofs = phone.prove(&asked.notice, Some(&pin)).unwrap();
    let answer = phone.submit(&proofs, act()).await.unwrap();
    assert_eq!(answer.outcome, Some(Outcome::Verified));
    assert!(phone.directory().path().join("cluster.history").is_file());

    // So does the auditor, and reads the whole log through four key sets.
    let mut follower = auditor.follower();
    let mut kinds = Vec::new();
    let read = auditor.tail(&mut follower, false, act(), |_, bytes, _| {
        kinds.push(akashi_merkle::Leaf::decode(bytes).unwrap().kind);
        Ok(Flow::Continue)
    });
    read.await.unwrap();
    for kind in [83, 84, 85] {
        assert_eq!(kinds.iter().filter(|k| **k == kind).count(), 2, "{kind}");
    }
    let trust = auditor.trust();
    assert_eq!(names(&trust.newest()), ["n1", "n4", "n5"]);
    assert!(
        trust.receipt(&early).is_ok(),
        "what the first set signed holds"
    );
    let (late, checked) = auditor.receipt(answer.leaf_index, act()).await.unwrap();
    assert!(checked.head().size() > trust.believed().newest_after());
    let first = Trust::from(pinned.clone());
    assert!(first.receipt(&late).is_err(), "the first set is not enough");

    // Offline, by the command and a file that anybody may hand on.
    let files = tempfile::tempdir().unwrap();
    let (receipt, history) = (files.path().join("late"), files.path().join("history"));
    std::fs::write(&receipt, &late).unwrap();
    let told = akashi(
        &home,
        &["cluster", "keys", "--file", history.to_str().unwrap()],
    )
    .await;
    assert!(told.status.success(), "{told:?}");
    let keys = context.keys_path().to_str().unwrap().to_owned();
    let receipt = receipt.to_str().unwrap();
    let alone = akashi(&home, &["verify", receipt, "--keys", &keys]).await;
    assert_eq!(alone.status.code(), Some(7));
    let with = ["--key-history", history.to_str().unwrap()];
    let told = akashi(
        &home,
        &["verify", receipt, "--keys", &keys, with[0], with[1]],
    )
    .await;
    assert!(told.status.success(), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voter_that_is_taken_out_signs_no_more_and_its_id_stays_used() {
    let cluster = RealCluster::start().await;
    let context = cluster.dev.context().clone();
    let operator = cluster.dev.operator().unwrap();
    let pinned = context.key_set().unwrap();
    let leader = u64::try_from(cluster.leader().await).unwrap() + 1;
    let out = if leader == 3 { 2 } else { 3 };
    operator.remove_member(out, act()).await.unwrap();
    operator.create_tenant("later", act()).await.unwrap();
    let auditor = context.auditor().unwrap();
    let mut history = operator.key_history(act()).await.unwrap();
    while history.changes().is_empty() {
        // The head with which the first set ends is sealed in a moment.
        auditor.head(act()).await.unwrap();
        history = operator.key_history(act()).await.unwrap();
    }
    let mut chain = KeyChain::pinned(pinned);
    assert_eq!(chain.follow(&history), Ok(1));
    let gone = format!("n{out}");
    assert!(!names(chain.newest()).contains(&gone.as_str()));
    assert_eq!(names(chain.newest()).len(), 2);
    // Again is done already.
    operator.remove_member(out, act()).await.unwrap();
    let (_, checked) = auditor.receipt(chain.newest_after(), act()).await.unwrap();
    let signers = checked.head().vouches();
    assert!(signers.iter().all(|vouch| vouch.name != gone));
}
