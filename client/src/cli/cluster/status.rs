//! `akashi cluster status`: every member, as it sees itself and as the others see it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::output::Output;
use crate::clock::{self, Deadline};
use crate::context::Context;
use crate::error::Error;
use crate::operator::{NodeStatus, Operator};

/// Seconds after which a node that says nothing is shown as such: the others are there to be read.
pub(super) const STATUS_S_MAX: u64 = 3;

/// What the nodes answered, by address.
pub(super) type Answer = (String, Result<NodeStatus, Error>);
type Answers = [Answer];

/// Members that are asked besides the nodes of the context.
const MORE_MAX: usize = 9;

/// Asks the nodes of the context, and members that only they know of.
pub(super) async fn ask(context: &Context, seconds: u64) -> Result<Vec<Answer>, Error> {
    let deadline = Deadline::after(Duration::from_secs(seconds.min(STATUS_S_MAX)));
    let mut answers = context.operator()?.status_of_all(deadline).await;
    let others = unasked(&answers);
    if !others.is_empty() {
        // An address that makes no sense is shown by the node that has it.
        let operator = context.operator_at(&others);
        let deadline = Deadline::after(Duration::from_secs(seconds.min(STATUS_S_MAX)));
        answers.extend(more(operator.ok(), deadline).await);
    }
    Ok(answers)
}

async fn more(operator: Option<Operator>, deadline: Deadline) -> Vec<Answer> {
    match operator {
        Some(operator) => operator.status_of_all(deadline).await,
        None => Vec::new(),
    }
}

/// Where members listen that have not been asked: neither by this address nor by another.
fn unasked(answers: &Answers) -> Vec<String> {
    let asked: BTreeSet<&str> = answers
        .iter()
        .map(|(address, _)| address.as_str())
        .collect();
    let answered: BTreeSet<u64> = statuses(answers).map(|status| status.node_id).collect();
    let mut others = BTreeSet::new();
    for peer in statuses(answers).flat_map(|status| &status.peers) {
        let address = peer.client_address.as_str();
        let known = answered.contains(&peer.node_id) || asked.contains(address);
        if !known && !address.is_empty() {
            others.insert(address.to_owned());
        }
    }
    others.into_iter().take(MORE_MAX).collect()
}

fn statuses(answers: &Answers) -> impl Iterator<Item = &NodeStatus> {
    answers
        .iter()
        .filter_map(|(_, answer)| answer.as_ref().ok())
}

/// The members that the nodes of the context know of: id, name, whether it votes. None if none answers.
pub(super) async fn known_members(context: &Context, seconds: u64) -> Vec<(u64, String, bool)> {
    let deadline = Deadline::after(Duration::from_secs(seconds));
    let answers = match context.operator() {
        Ok(operator) => operator.status_of_all(deadline).await,
        Err(_unusable) => Vec::new(),
    };
    members_in(&answers)
}

/// Every member that anybody names, in the order of the ids.
fn members_in(answers: &Answers) -> Vec<(u64, String, bool)> {
    let mut members = BTreeMap::new();
    // Whoever has applied most knows best; the others must not bring back what was removed.
    let newest = statuses(answers).max_by_key(|status| status.applied_index);
    if let Some(status) = newest {
        if !status.standing.is_empty() {
            let votes = status.standing == "voter";
            members.insert(status.node_id, (status.name.clone(), votes));
        }
        for peer in &status.peers {
            let votes = peer.standing == "voter";
            members.insert(peer.node_id, (peer.name.clone(), votes));
        }
    }
    let of = |(id, (name, votes))| (id, name, votes);
    members.into_iter().map(of).collect()
}

/// How many of the nodes that answer have a connection to this one.
fn seen_by(answers: &Answers, node_id: u64) -> (usize, usize) {
    let others = statuses(answers).filter(|status| status.node_id != node_id);
    others.fold((0, 0), |(seen, all), status| {
        let sees = status
            .peers
            .iter()
            .any(|peer| peer.node_id == node_id && peer.connected);
        (seen + usize::from(sees), all + 1)
    })
}

/// Writes one row per node.
pub(super) fn show(answers: &Answers, output: Output) {
    let newest = answers
        .iter()
        .filter_map(|(_, answer)| answer.as_ref().ok())
        .map(|status| status.committed_index)
        .max()
        .unwrap_or(0);
    let mut rows = Vec::new();
    let mut json = Vec::new();
    for (address, answer) in answers {
        match answer {
            Ok(status) => {
                rows.push(row(
                    status,
                    newest,
                    seen_by(answers, status.node_id),
                    output,
                ));
                json.push(node_json(address, status));
            }
            Err(error) => {
                let mut row = vec!["?".to_owned(), String::new(), "no answer".to_owned()];
                row.extend(std::iter::repeat_n(String::new(), 8));
                row.push(format!("{} {address}: {error}", output.mark(false)));
                rows.push(row);
                json.push(json!({ "address": address, "error": error.to_string() }));
            }
        }
    }
    let header = [
        "NODE", "SITE", "ROLE", "STANDING", "TERM", "APPLIED", "LAG", "LEAVES", "SEALED", "ROOT",
        "SEEN", "STATE",
    ];
    output.records(&header, &rows, &json);
}

fn row(
    status: &NodeStatus,
    newest: u64,
    (seen, others): (usize, usize),
    output: Output,
) -> Vec<String> {
    let lag = newest.saturating_sub(status.applied_index);
    let state = if status.fenced {
        format!("{} fenced: {}", output.mark(false), status.fence_reason)
    } else if !status.history_complete && status.standing == "learner" {
        format!("{} learning", output.mark(true))
    } else if lag > 0 {
        format!("{} serving (behind)", output.mark(true))
    } else {
        format!("{} serving", output.mark(true))
    };
    vec![
        status.name.clone(),
        status.site.clone(),
        status.role.clone(),
        status.standing.clone(),
        status.term.to_string(),
        status.applied_index.to_string(),
        lag.to_string(),
        status.tree_size.to_string(),
        format!("{} by {}", status.sealed_size, status.sealed_signatures),
        short(&status.tree_root),
        format!("by {seen} of {others}"),
        state,
    ]
}

fn node_json(address: &str, status: &NodeStatus) -> Value {
    json!({
        "address": address,
        "nodeId": status.node_id,
        "name": status.name,
        "site": status.site,
        "role": status.role,
        "leaderId": status.leader_id,
        "term": status.term,
        "committedIndex": status.committed_index,
        "appliedIndex": status.applied_index,
        "durableIndex": status.durable_index,
        "treeSize": status.tree_size,
        "treeRoot": hex::encode(&status.tree_root),
        "sealedSize": status.sealed_size,
        "sealedRoot": hex::encode(&status.sealed_root),
        "sealedSignatures": status.sealed_signatures,
        "stamp": clock::rfc3339(status.stamp_us),
        "stateHash": hex::encode(&status.state_hash),
        "fenced": status.fenced,
        "fenceReason": status.fence_reason,
        "version": status.version,
        "standing": status.standing,
        "historyComplete": status.history_complete,
        "confVoters": status.conf_voters,
        "confLearners": status.conf_learners,
        "joint": status.joint,
        "peers": status.peers.iter().map(|peer| json!({
            "nodeId": peer.node_id,
            "name": peer.name,
            "site": peer.site,
            "standing": peer.standing,
            "clientAddress": peer.client_address,
            "peerAddress": peer.peer_address,
            "connected": peer.connected,
            "matchIndex": peer.match_index,
            "life": hex::encode(&peer.life),
        })).collect::<Vec<_>>(),
    })
}

/// Whether the cluster can work, and whether its replicas agree.
pub(super) fn judge(answers: &Answers) -> Result<(), Error> {
    let statuses: Vec<&NodeStatus> = answers
        .iter()
        .filter_map(|(_, answer)| answer.as_ref().ok())
        .collect();
    if statuses.iter().any(|status| status.fenced) {
        return Err(Error::integrity(
            "a node is fenced: its root differs from a quorum's",
        ));
    }
    disagreement(&statuses)?;
    let leads = statuses.iter().any(|status| status.leader_id != 0);
    if !is_quorum(answers) || !leads {
        let status = tonic::Status::unavailable("no quorum answers, or there is no leader");
        return Err(Error::Unavailable {
            status: Box::new(status),
        });
    }
    Ok(())
}

/// Whether more than half of those who vote answer; of all nodes, where none says who votes.
fn is_quorum(answers: &Answers) -> bool {
    let answering: BTreeSet<u64> = statuses(answers).map(|status| status.node_id).collect();
    let members = members_in(answers);
    let voters: Vec<u64> = members
        .iter()
        .filter(|(_, _, votes)| *votes)
        .map(|(id, _, _)| *id)
        .collect();
    if voters.is_empty() {
        return statuses(answers).count() * 2 > answers.len();
    }
    let there = voters.iter().filter(|id| answering.contains(id)).count();
    there * 2 > voters.len()
}

/// Compares replicas at the same applied index: state and tree must be the same.
pub(in crate::cli) fn disagreement(statuses: &[&NodeStatus]) -> Result<(), Error> {
    let mut seen: BTreeMap<u64, &NodeStatus> = BTreeMap::new();
    for status in statuses {
        let other = seen.entry(status.applied_index).or_insert(status);
        if other.tree_root != status.tree_root || other.state_hash != status.state_hash {
            return Err(Error::integrity(format!(
                "{} and {} differ at index {}",
                other.name, status.name, status.applied_index
            )));
        }
    }
    Ok(())
}

/// The first four bytes of a hash, for people.
fn short(hash: &[u8]) -> String {
    let start = hash.get(..4).unwrap_or(hash);
    format!("{}…", hex::encode(start))
}

#[cfg(test)]
mod tests {
    use akashi_proto::v1::PeerStatus;

    use super::*;

    fn node(name: &str, applied_index: u64, root: u8) -> NodeStatus {
        NodeStatus {
            name: name.to_owned(),
            leader_id: 1,
            applied_index,
            tree_root: vec![root; 32].into(),
            ..NodeStatus::default()
        }
    }

    fn exit(answers: &Answers) -> u8 {
        judge(answers).map_or_else(|error| error.code().exit().number(), |()| 0)
    }

    #[test]
    fn a_healthy_cluster_may_have_replicas_that_are_behind() {
        let answers = [
            ("a".to_owned(), Ok(node("n1", 9, 1))),
            ("b".to_owned(), Ok(node("n2", 9, 1))),
            ("c".to_owned(), Ok(node("n3", 7, 2))),
        ];
        assert_eq!(exit(&answers), 0);
    }

    #[test]
    fn different_roots_at_one_index_are_an_integrity_failure() {
        let answers = [
            ("a".to_owned(), Ok(node("n1", 9, 1))),
            ("b".to_owned(), Ok(node("n2", 9, 2))),
        ];
        assert_eq!(exit(&answers), 7);
    }

    #[test]
    fn a_minority_is_unavailable() {
        let gone = || Err(Error::DeadlineExceeded);
        let answers = [
            ("a".to_owned(), Ok(node("n1", 9, 1))),
            ("b".to_owned(), gone()),
            ("c".to_owned(), gone()),
        ];
        assert_eq!(exit(&answers), 6);
    }

    fn member(id: u64, standing: &str, peers: &[(u64, &str)]) -> NodeStatus {
        let peer = |(id, standing): &(u64, &str)| PeerStatus {
            node_id: *id,
            name: format!("n{id}"),
            client_address: format!("n{id}:1"),
            standing: (*standing).to_owned(),
            connected: *id != 4,
            ..PeerStatus::default()
        };
        NodeStatus {
            node_id: id,
            standing: standing.to_owned(),
            peers: peers.iter().map(peer).collect(),
            ..node(&format!("n{id}"), 9, 1)
        }
    }

    #[test]
    fn learners_are_no_part_of_a_quorum() {
        let peers = [(2, "voter"), (3, "voter"), (4, "learner")];
        let one = || Ok(member(1, "voter", &peers));
        let learner = || {
            Ok(member(
                4,
                "learner",
                &[(1, "voter"), (2, "voter"), (3, "voter")],
            ))
        };
        let gone = || Err(Error::DeadlineExceeded);
        let answers = [("n1:1".to_owned(), one()), ("n4:1".to_owned(), learner())];
        assert_eq!(exit(&answers), 6, "one of three voters");
        let two = Ok(member(2, "voter", &[(1, "voter"), (3, "voter")]));
        let answers = [
            ("n1:1".to_owned(), one()),
            ("n2:1".to_owned(), two),
            ("n3:1".to_owned(), gone()),
            ("n4:1".to_owned(), gone()),
        ];
        assert_eq!(exit(&answers), 0, "two of three");
    }

    #[test]
    fn members_that_the_context_does_not_name_are_asked_once() {
        let peers = [(2, "voter"), (3, "voter"), (4, "learner")];
        let others = [(1, "voter"), (3, "voter"), (4, "learner")];
        let answers = [
            ("n1:1".to_owned(), Ok(member(1, "voter", &peers))),
            ("elsewhere:1".to_owned(), Ok(member(2, "voter", &others))),
            ("n3:1".to_owned(), Err(Error::DeadlineExceeded)),
        ];
        assert_eq!(unasked(&answers), ["n4:1"]);
        let members = members_in(&answers);
        assert_eq!(
            members.iter().map(|m| m.0).collect::<Vec<_>>(),
            [1, 2, 3, 4]
        );
        assert_eq!(seen_by(&answers, 3), (2, 2));
        assert_eq!(seen_by(&answers, 4), (0, 2));
    }
}
