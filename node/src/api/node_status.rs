//! What a node says of itself and of the others: `GetNodeStatus`.

use akashi_domain::records::Standing;
use akashi_proto::v1;
use akashi_replica::entry::NodeId;

use crate::config::Config;
use crate::engine::Status;
use crate::members::Member;

/// The answer as of `status`.
pub(super) fn node_status(config: &Config, status: Status) -> v1::GetNodeStatusResponse {
    let role = match (status.is_leader, status.leader) {
        (true, _) => "leader",
        (false, Some(_)) => "follower",
        (false, None) => "candidate",
    };
    let (sealed_size, sealed_root, sealed_signatures) = status.sealed.unwrap_or((0, [0; 32], 0));
    let others = status.members.members().iter();
    let peers = others
        .filter(|(id, member)| **id != config.node.id && !member.name.is_empty())
        .map(|(id, member)| peer(&status, *id, member))
        .collect();
    let own = status.members.get(config.node.id);
    let standing = own.and_then(|member| member.standing).map_or("", word);
    v1::GetNodeStatusResponse {
        cluster: config.cluster.name.clone(),
        node_id: config.node.id,
        name: config.node.name.clone(),
        site: config.node.site.clone(),
        role: role.to_owned(),
        leader_id: status.leader.unwrap_or_default(),
        term: status.term,
        committed_index: status.committed_index,
        applied_index: status.progress.log_index,
        durable_index: status.durable_index,
        tree_size: status.progress.leaves,
        tree_root: status.tree_root.to_vec().into(),
        sealed_size,
        sealed_root: sealed_root.to_vec().into(),
        sealed_signatures,
        stamp_us: status.progress.stamp.0,
        state_hash: status.state_hash.to_vec().into(),
        fenced: status.fenced.is_some(),
        fence_reason: status.fenced.unwrap_or_default(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        peers,
        standing: standing.to_owned(),
        history_complete: status.history_missing.is_none(),
        joint: status.conf.is_joint(),
        conf_voters: status.conf.voters,
        conf_learners: status.conf.learners,
    }
}

fn peer(status: &Status, id: NodeId, member: &Member) -> v1::PeerStatus {
    let followers = status.followers.iter();
    let held = followers
        .filter(|(other, _)| *other == id)
        .map(|(_, at)| *at)
        .next();
    v1::PeerStatus {
        node_id: id,
        name: member.name.clone(),
        site: member.site.clone(),
        client_address: member.client_address.clone(),
        connected: status.connected.contains(&id),
        standing: member.standing.map_or("", word).to_owned(),
        peer_address: member.peer_address.clone(),
        match_index: held.unwrap_or_default(),
        life: member.life.unwrap_or_default().to_vec().into(),
    }
}

const fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Learner => "learner",
        Standing::Voter => "voter",
    }
}
