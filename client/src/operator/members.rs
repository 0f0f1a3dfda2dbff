//! Members: they are added as learners, promoted, removed; leadership is handed over.

use akashi_merkle::KeyHistory;
use akashi_proto::v1;
use akashi_proto::v1::cluster_service_client::ClusterServiceClient;

use super::Operator;
use crate::clock::Deadline;
use crate::error::Error;
use crate::request_id::RequestId;
use crate::trust;

/// A replica that is to belong to the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMember {
    /// Raft id: one that no member has or had.
    pub id: u64,
    /// Name of the node, also of its cosigning key.
    pub name: String,
    /// Where it stands.
    pub site: String,
    /// `host:port` for other replicas.
    pub peer_address: String,
    /// `host:port` for callers.
    pub client_address: String,
    /// Its Ed25519 cosigning key.
    pub cosigner: [u8; 32],
}

impl Operator {
    /// Adds a replica that learns: it gets the log, and neither votes nor cosigns.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn add_member(&self, member: &NewMember, deadline: Deadline) -> Result<(), Error> {
        let message = v1::AddMemberRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            member_id: member.id,
            name: member.name.clone(),
            site: member.site.clone(),
            peer_address: member.peer_address.clone(),
            client_address: member.client_address.clone(),
            cosigner: member.cosigner.to_vec().into(),
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                ClusterServiceClient::new(channel).add_member(request).await
            })
            .await?;
        Ok(())
    }

    /// Lets a learner vote and cosign. The key set changes.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it; [`Error::Rejected`] also while the last change of the key set
    /// is not sealed ([`is_changing`]).
    pub async fn promote_member(&self, id: u64, deadline: Deadline) -> Result<(), Error> {
        let message = v1::PromoteMemberRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            member_id: id,
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                ClusterServiceClient::new(channel)
                    .promote_member(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Takes a replica out; its id is never used again. One that is gone already is no error.
    ///
    /// # Errors
    ///
    /// As [`Operator::promote_member`].
    pub async fn remove_member(&self, id: u64, deadline: Deadline) -> Result<(), Error> {
        let message = v1::RemoveMemberRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            member_id: id,
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                ClusterServiceClient::new(channel)
                    .remove_member(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Hands leadership to a voter, or to the best follower. Gives who leads then, if that is known.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn transfer_leader(
        &self,
        to: Option<u64>,
        deadline: Deadline,
    ) -> Result<Option<u64>, Error> {
        let message = v1::TransferLeaderRequest {
            to_node_id: to.unwrap_or_default(),
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                ClusterServiceClient::new(channel)
                    .transfer_leader(request)
                    .await
            })
            .await?;
        Ok(Some(answer.leader_id).filter(|leader| *leader != 0))
    }

    /// The history of the cluster's key sets; nothing of it is believed yet ([`crate::Trust::learn`]).
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn key_history(&self, deadline: Deadline) -> Result<KeyHistory, Error> {
        trust::key_history(&self.connection, deadline).await
    }
}

/// Whether a change was refused because the last one is not sealed yet: asking again helps.
#[must_use]
pub fn is_changing(error: &Error) -> bool {
    let Error::Rejected { status } = error else {
        return false;
    };
    let reason = status.metadata().get("akashi-reason");
    reason.is_some_and(|reason| reason == "MEMBERS_CHANGING")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_change_under_way_is_worth_asking_again() {
        let refused = |reason: &str| {
            let mut status = tonic::Status::failed_precondition("no");
            status
                .metadata_mut()
                .insert("akashi-reason", reason.parse().unwrap());
            Error::Rejected {
                status: Box::new(status),
            }
        };
        assert!(is_changing(&refused("MEMBERS_CHANGING")));
        assert!(!is_changing(&refused("LAST_VOTER")));
        assert!(!is_changing(&Error::DeadlineExceeded));
    }
}
