//! Members as an operator sees them, and the history of key sets as everybody may.

use akashi_domain::answer::Rejection;
use akashi_domain::kv::{Fault, View};
use akashi_domain::records::{Member, Standing};
use akashi_domain::state::Records as _;
use akashi_proto::v1;
use akashi_replica::entry::NodeId;

use super::replica::Replica;
use super::status::Refusal;
use crate::config::{Config, Replica as Configured};
use crate::engine::Status;

/// Changes of one answer: a few hundred kilobytes.
const CHANGES_PER_ANSWER_MAX: usize = 64;

/// A page of the history of key sets.
pub(super) fn key_history<R: Replica>(
    replica: &R,
    from_size: u64,
) -> Result<v1::GetKeySetHistoryResponse, Refusal> {
    let (history, more) = replica
        .key_history(from_size, CHANGES_PER_ANSWER_MAX)?
        .ok_or(Rejection::NotFounded)?;
    Ok(v1::GetKeySetHistoryResponse {
        history: history.to_text(),
        more,
    })
}

/// The members as they are recorded; as configured before the first entry.
pub(super) fn members<V: View>(view: &V, config: &Config) -> Result<Vec<Member>, Fault> {
    let members = match view.members()? {
        Some(recorded) => recorded.members,
        None => config.cluster.replicas.iter().map(configured).collect(),
    };
    Ok(located(members, config))
}

fn configured(replica: &Configured) -> Member {
    let key = replica.cosigner_key().ok();
    Member {
        id: replica.id,
        name: replica.name.clone(),
        site: replica.site.clone(),
        peer_address: String::new(),
        client_address: String::new(),
        cosigner: key.map_or([0; 32], |key| *key.public_key()),
        standing: Standing::Voter,
        life: [0; 16],
    }
}

/// Fills in from the configuration where members listen, if the record does not say it.
fn located(mut members: Vec<Member>, config: &Config) -> Vec<Member> {
    for member in &mut members {
        let mut known = config.cluster.replicas.iter();
        if let Some(replica) = known.find(|replica| replica.id == member.id) {
            if member.peer_address.is_empty() {
                member.peer_address.clone_from(&replica.peer_address);
            }
            if member.client_address.is_empty() {
                member.client_address.clone_from(&replica.client_address);
            }
        }
    }
    members
}

/// What a standing is called.
pub(super) fn standing(member: &Member) -> String {
    let word = if member.is_voter() {
        "voter"
    } else {
        "learner"
    };
    word.to_owned()
}

/// The members other than `me`.
pub(super) fn peers(members: &[Member], me: NodeId, status: &Status) -> Vec<v1::PeerStatus> {
    let others = members.iter().filter(|member| member.id != me);
    others
        .map(|peer| v1::PeerStatus {
            node_id: peer.id,
            name: peer.name.clone(),
            site: peer.site.clone(),
            client_address: peer.client_address.clone(),
            connected: status.connected.contains(&peer.id),
            standing: standing(peer),
            peer_address: peer.peer_address.clone(),
            match_index: 0,
            life: peer.life.to_vec().into(),
        })
        .collect()
}
