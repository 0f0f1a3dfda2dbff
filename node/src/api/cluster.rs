//! `ClusterService`: operators set the cluster up and look at it.

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::Command;
use akashi_domain::ids::Digest;
use akashi_domain::records::ReplicaInfo;
use akashi_domain::state::Records as _;
use akashi_proof::{Assurance, SensorCertificate, SensorKey, Suite};
use akashi_proto::v1;
use akashi_proto::v1::cluster_service_server::ClusterService;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status};

use super::front::{Call, Front};
use super::node_status::node_status;
use super::replica::Replica;
use super::status::Refusal;
use super::{enforced, members};
use crate::wire::{self, Malformed};

/// The service.
#[derive(Debug)]
pub(super) struct Operators<R>(pub(super) Front<R>);

impl<R: Replica> Operators<R> {
    async fn command(
        &self,
        call: Result<Call, Refusal>,
        id: &[u8],
        command: Result<Command, Malformed>,
    ) -> Result<(v1::Placement, Reply), Status> {
        let answer = async {
            let id = wire::request_id(id)?;
            let (placement, reply) = self.0.command(&call?, id, command?).await?;
            Ok((wire::placement(&placement), reply))
        };
        answer.await.map_err(|refusal| self.0.refuse(refusal))
    }

    /// The replicas that this node's configuration names; the first entry puts them into the log.
    fn replicas(&self) -> Result<Vec<ReplicaInfo>, Refusal> {
        self.0
            .config
            .cluster
            .replicas
            .iter()
            .map(|replica| {
                let key = replica
                    .cosigner_key()
                    .map_err(|_checked_before| Refusal::Internal)?;
                Ok(ReplicaInfo {
                    id: replica.id,
                    name: replica.name.clone(),
                    site: replica.site.clone(),
                    cosigner: *key.public_key(),
                })
            })
            .collect()
    }

    /// The policy as it was activated by the command at `placement`.
    async fn activated(
        &self,
        call: &Call,
        placement: &v1::Placement,
        tenant: &str,
        name: &str,
    ) -> Result<Option<v1::Policy>, Refusal> {
        self.0
            .replica
            .wait_applied(placement.log_index, call.deadline)
            .await?;
        let view = self.0.replica.view();
        let tenant = view.tenant(tenant)?.ok_or(Rejection::UnknownTenant)?;
        Ok(view.policy(tenant.number, name)?.map(wire::policy_view))
    }

    /// The name under which a sensor is registered. Not looked at unless the registration was accepted.
    fn certificate_digest(&self, message: &v1::RegisterSensorRequest) -> Result<[u8; 32], Refusal> {
        let cluster = self
            .0
            .replica
            .view()
            .cluster()?
            .ok_or(Rejection::NotFounded)?;
        let field = |field| Malformed { field };
        let key = SensorKey::from_bytes(&wire::array(&message.key, "key")?);
        let level = u8::try_from(message.level)
            .ok()
            .and_then(Assurance::from_code);
        let certificate = SensorCertificate {
            key: key.map_err(|_not_a_key| field("key"))?,
            model_id: message.model_id.as_bytes().to_vec(),
            level: level.ok_or(field("level"))?,
            not_before_us: message.not_before_us,
            expires_us: message.expires_us,
        };
        let (origin, tenant) = (cluster.origin.as_bytes(), message.tenant.as_bytes());
        Ok(certificate.digest(Suite::V1, origin, tenant))
    }
}

#[tonic::async_trait]
impl<R: Replica> ClusterService for Operators<R> {
    type AwaitEnforcedStream = BoxStream<'static, Result<v1::AwaitEnforcedResponse, Status>>;

    async fn bootstrap(
        &self,
        request: Request<v1::BootstrapRequest>,
    ) -> Result<Response<v1::BootstrapResponse>, Status> {
        let call = Call::of(&request);
        let message = request.into_inner();
        let id = message.request_id.clone();
        let cluster = &self.0.config.cluster;
        let replicas = self.replicas().map_err(|refusal| self.0.refuse(refusal))?;
        let command = wire::bootstrap(
            message,
            cluster.name.clone(),
            replicas,
            self.0.config.quorum(),
        );
        let (placement, _done) = self.command(call, &id, command).await?;
        Ok(Response::new(v1::BootstrapResponse {
            placement: Some(placement),
        }))
    }

    async fn create_tenant(
        &self,
        request: Request<v1::CreateTenantRequest>,
    ) -> Result<Response<v1::CreateTenantResponse>, Status> {
        let call = Call::of(&request);
        let message = request.into_inner();
        let id = message.request_id.clone();
        let (placement, _done) = self
            .command(call, &id, wire::create_tenant(message))
            .await?;
        Ok(Response::new(v1::CreateTenantResponse {
            placement: Some(placement),
        }))
    }

    async fn put_policy(
        &self,
        request: Request<v1::PutPolicyRequest>,
    ) -> Result<Response<v1::PutPolicyResponse>, Status> {
        let call = Call::of(&request);
        let message = request.into_inner();
        let id = message.request_id.clone();
        let tenant = message.tenant.clone();
        let name = message
            .policy
            .as_ref()
            .map(|policy| policy.name.clone())
            .unwrap_or_default();
        let (placement, _done) = self
            .command(call.clone(), &id, wire::put_policy(message))
            .await?;
        let policy = match call {
            // Should this node not catch up in time, the answer stands all the same.
            Ok(call) => self
                .activated(&call, &placement, &tenant, &name)
                .await
                .ok()
                .flatten(),
            Err(_) => None,
        };
        Ok(Response::new(v1::PutPolicyResponse {
            placement: Some(placement),
            policy,
        }))
    }

    async fn retire_policy(
        &self,
        request: Request<v1::RetirePolicyRequest>,
    ) -> Result<Response<v1::RetirePolicyResponse>, Status> {
        let call = Call::of(&request);
        let message = request.into_inner();
        let id = message.request_id.clone();
        let answer = self
            .command(call, &id, wire::retire_policy(message))
            .await?;
        let (placement, Reply::PolicyRetired { version }) = answer else {
            return Err(Refusal::Internal.status());
        };
        Ok(Response::new(v1::RetirePolicyResponse {
            placement: Some(placement),
            version,
        }))
    }

    async fn register_agent(
        &self,
        request: Request<v1::RegisterAgentRequest>,
    ) -> Result<Response<v1::RegisterAgentResponse>, Status> {
        let call = Call::of(&request);
        let message = request.into_inner();
        let id = message.request_id.clone();
        let (placement, _done) = self
            .command(call, &id, wire::register_agent(message))
            .await?;
        Ok(Response::new(v1::RegisterAgentResponse {
            placement: Some(placement),
        }))
    }

    async fn register_issuer(
        &self,
        request: Request<v1::RegisterIssuerRequest>,
    ) -> Result<Response<v1::RegisterIssuerResponse>, Status> {
        let call = Call::of(&request);
        let message = request.into_inner();
        let id = message.request_id.clone();
        let key_id = Digest::of(&message.key);
        let (placement, _done) = self
            .command(call, &id, wire::register_issuer(message))
            .await?;
        Ok(Response::new(v1::RegisterIssuerResponse {
            placement: Some(placement),
            issuer_key_id: key_id.0.to_vec().into(),
        }))
    }

    async fn revoke_issuer(
        &self,
        request: Request<v1::RevokeIssuerRequest>,
    ) -> Result<Response<v1::RevokeIssuerResponse>, Status> {
        let call = Call::of(&request);
        let message = request.into_inner();
        let id = message.request_id.clone();
        let (placement, _done) = self
            .command(call, &id, wire::revoke_issuer(message))
            .await?;
        Ok(Response::new(v1::RevokeIssuerResponse {
            placement: Some(placement),
        }))
    }

    async fn register_sensor(
        &self,
        request: Request<v1::RegisterSensorRequest>,
    ) -> Result<Response<v1::RegisterSensorResponse>, Status> {
        let call = Call::of(&request);
        let message = request.into_inner();
        let id = message.request_id.clone();
        let certificate = self.certificate_digest(&message);
        let (placement, _done) = self
            .command(call, &id, wire::register_sensor(message))
            .await?;
        let certificate = certificate.map_err(|refusal| self.0.refuse(refusal))?;
        Ok(Response::new(v1::RegisterSensorResponse {
            placement: Some(placement),
            certificate_digest: certificate.to_vec().into(),
        }))
    }

    async fn revoke_sensor(
        &self,
        request: Request<v1::RevokeSensorRequest>,
    ) -> Result<Response<v1::RevokeSensorResponse>, Status> {
        let call = Call::of(&request);
        let message = request.into_inner();
        let id = message.request_id.clone();
        let (placement, _done) = self
            .command(call, &id, wire::revoke_sensor(message))
            .await?;
        Ok(Response::new(v1::RevokeSensorResponse {
            placement: Some(placement),
        }))
    }

    async fn put_settings(
        &self,
        request: Request<v1::PutSettingsRequest>,
    ) -> Result<Response<v1::PutSettingsResponse>, Status> {
        let call = Call::of(&request);
        let message = request.into_inner();
        let command = wire::put_settings(&message);
        let (placement, reply) = self.command(call, &message.request_id, command).await?;
        let (settings, sessions) =
            if let Reply::SessionSettingsActive { settings, sessions } = reply {
                (settings, sessions)
            } else if let Reply::SettingsActive(settings) = reply {
                // It left the limits of sessions as they are.
                let sessions = self.0.replica.view().session_settings();
                (
                    settings,
                    sessions.map_err(|fault| self.0.refuse(fault.into()))?,
                )
            } else {
                return Err(Refusal::Internal.status());
            };
        Ok(Response::new(v1::PutSettingsResponse {
            placement: Some(placement),
            settings: Some(wire::settings(&settings, sessions)),
        }))
    }

    async fn get_node_status(
        &self,
        _: Request<v1::GetNodeStatusRequest>,
    ) -> Result<Response<v1::GetNodeStatusResponse>, Status> {
        Ok(Response::new(node_status(
            &self.0.config,
            self.0.replica.status(),
        )))
    }

    async fn get_key_set(
        &self,
        _: Request<v1::GetKeySetRequest>,
    ) -> Result<Response<v1::GetKeySetResponse>, Status> {
        let keys = self
            .0
            .replica
            .key_set()
            .ok_or_else(|| self.0.refuse(Rejection::NotFounded.into()))?;
        Ok(Response::new(v1::GetKeySetResponse {
            key_set: keys.to_text(),
        }))
    }

    async fn get_key_set_history(
        &self,
        request: Request<v1::GetKeySetHistoryRequest>,
    ) -> Result<Response<v1::GetKeySetHistoryResponse>, Status> {
        let page = members::key_history(&self.0.replica, request.get_ref().from_size);
        page.map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn add_member(
        &self,
        request: Request<v1::AddMemberRequest>,
    ) -> Result<Response<v1::AddMemberResponse>, Status> {
        let call = Call::of(&request);
        let message = request.into_inner();
        let id = message.request_id.clone();
        let (placement, _done) = self.command(call, &id, wire::add_member(message)).await?;
        Ok(Response::new(v1::AddMemberResponse {
            placement: Some(placement),
        }))
    }

    async fn promote_member(
        &self,
        request: Request<v1::PromoteMemberRequest>,
    ) -> Result<Response<v1::PromoteMemberResponse>, Status> {
        let call = Call::of(&request);
        let message = request.into_inner();
        let command = wire::promote_member(&message);
        let (placement, _done) = self.command(call, &message.request_id, command).await?;
        Ok(Response::new(v1::PromoteMemberResponse {
            placement: Some(placement),
        }))
    }

    async fn remove_member(
        &self,
        request: Request<v1::RemoveMemberRequest>,
    ) -> Result<Response<v1::RemoveMemberResponse>, Status> {
        let call = Call::of(&request);
        let message = request.into_inner();
        let command = wire::remove_member(&message);
        let (placement, _done) = self.command(call, &message.request_id, command).await?;
        Ok(Response::new(v1::RemoveMemberResponse {
            placement: Some(placement),
        }))
    }

    async fn await_enforced(
        &self,
        request: Request<v1::AwaitEnforcedRequest>,
    ) -> Result<Response<Self::AwaitEnforcedStream>, Status> {
        let waiting = async {
            let call = Call::of(&request)?;
            enforced::open(&self.0, &call, request.get_ref().log_index).await
        };
        let stream = waiting.await.map_err(|refusal| self.0.refuse(refusal))?;
        Ok(Response::new(stream))
    }

    async fn transfer_leader(
        &self,
        request: Request<v1::TransferLeaderRequest>,
    ) -> Result<Response<v1::TransferLeaderResponse>, Status> {
        let moved = async {
            let call = Call::of(&request)?;
            let to = match request.get_ref().to_node_id {
                0 => None,
                id if self.0.replica.status().conf.voters.contains(&id) => Some(id),
                _ => {
                    return Err(Malformed {
                        field: "to_node_id",
                    }
                    .into());
                }
            };
            Ok::<_, Refusal>(self.0.replica.transfer_leader(to, call.deadline).await?)
        };
        let leader = moved.await.map_err(|refusal| self.0.refuse(refusal))?;
        Ok(Response::new(v1::TransferLeaderResponse {
            leader_id: leader.unwrap_or_default(),
        }))
    }
}
