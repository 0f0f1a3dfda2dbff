//! The operator's side: sets a cluster up, adds tenants, policies and agents, looks at the nodes.

mod members;

use akashi_proto::v1;
use akashi_proto::v1::cluster_service_client::ClusterServiceClient;

use crate::answer::bytes32;
use crate::clock::Deadline;
use crate::connection::Connection;
use crate::error::Error;
use crate::request_id::RequestId;
use crate::sensor::Profile;

pub use akashi_proto::v1::{GetNodeStatusResponse as NodeStatus, Policy, Settings};
pub use members::{NewMember, is_changing};

/// An operator of one cluster.
#[derive(Clone, Debug)]
pub struct Operator {
    connection: Connection,
}

impl Operator {
    /// An operator with a connection made with an operator's certificate.
    #[must_use]
    pub const fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// The connection, for instance to prefer a node.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Writes the first entry of an empty cluster: its first tenant and that tenant's first policy.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn bootstrap(
        &self,
        tenant: &str,
        policy: Policy,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::BootstrapRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: tenant.to_owned(),
            policy: Some(policy),
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                ClusterServiceClient::new(channel).bootstrap(request).await
            })
            .await?;
        Ok(())
    }

    /// Creates a tenant.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn create_tenant(&self, tenant: &str, deadline: Deadline) -> Result<(), Error> {
        let message = v1::CreateTenantRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: tenant.to_owned(),
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                ClusterServiceClient::new(channel)
                    .create_tenant(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Activates a new version of a policy and gives it back with its version and digest.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn put_policy(
        &self,
        tenant: &str,
        policy: Policy,
        deadline: Deadline,
    ) -> Result<Policy, Error> {
        let message = v1::PutPolicyRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: tenant.to_owned(),
            policy: Some(policy),
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                ClusterServiceClient::new(channel).put_policy(request).await
            })
            .await?;
        answer.policy.ok_or(Error::Answer { what: "policy" })
    }

    /// Ends a version of a policy, zero meaning the newest; gives the version.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn retire_policy(
        &self,
        tenant: &str,
        policy: &str,
        version: u32,
        deadline: Deadline,
    ) -> Result<u32, Error> {
        let message = v1::RetirePolicyRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: tenant.to_owned(),
            policy: policy.to_owned(),
            version,
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                ClusterServiceClient::new(channel)
                    .retire_policy(request)
                    .await
            })
            .await?;
        Ok(answer.version)
    }

    /// Registers an agent; `certificate_sha256` ties the agent to one certificate.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn register_agent(
        &self,
        tenant: &str,
        agent: &str,
        certificate_sha256: Option<[u8; 32]>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        self.register_staff((tenant, agent), certificate_sha256, false, deadline)
            .await
    }

    /// Registers an agent, who may be a supervisor: who listens in, and decides what others ask to see.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn register_staff(
        &self,
        (tenant, agent): (&str, &str),
        certificate_sha256: Option<[u8; 32]>,
        supervisor: bool,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::RegisterAgentRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: tenant.to_owned(),
            agent: agent.to_owned(),
            certificate_sha256: certificate_sha256
                .map(|d| d.to_vec())
                .unwrap_or_default()
                .into(),
            supervisor,
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                ClusterServiceClient::new(channel)
                    .register_agent(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Registers a key by which an issuer signs credentials; gives the key's id.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn register_issuer(
        &self,
        tenant: &str,
        name: &str,
        key: &[u8; 32],
        deadline: Deadline,
    ) -> Result<[u8; 32], Error> {
        let message = v1::RegisterIssuerRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: tenant.to_owned(),
            name: name.to_owned(),
            key: key.to_vec().into(),
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                ClusterServiceClient::new(channel)
                    .register_issuer(request)
                    .await
            })
            .await?;
        bytes32(&answer.issuer_key_id, "issuer_key_id")
    }

    /// Revokes an issuer's key: credentials registered from `from_us` on are dead; zero means now.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn revoke_issuer(
        &self,
        tenant: &str,
        key_id: &[u8; 32],
        from_us: u64,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::RevokeIssuerRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: tenant.to_owned(),
            issuer_key_id: key_id.to_vec().into(),
            from_us,
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                ClusterServiceClient::new(channel)
                    .revoke_issuer(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Registers a sensor's certificate; gives its digest.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn register_sensor(
        &self,
        tenant: &str,
        sensor: &Profile,
        deadline: Deadline,
    ) -> Result<[u8; 32], Error> {
        let message = v1::RegisterSensorRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: tenant.to_owned(),
            key: sensor.key.0.to_vec().into(),
            model_id: sensor.model_id.clone(),
            level: sensor.level.into(),
            not_before_us: sensor.not_before_us,
            expires_us: sensor.expires_us,
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                ClusterServiceClient::new(channel)
                    .register_sensor(request)
                    .await
            })
            .await?;
        bytes32(&answer.certificate_digest, "certificate_digest")
    }

    /// Revokes a sensor's certificate: its captures count no more.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn revoke_sensor(
        &self,
        tenant: &str,
        certificate: &[u8; 32],
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::RevokeSensorRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: tenant.to_owned(),
            certificate_digest: certificate.to_vec().into(),
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                ClusterServiceClient::new(channel)
                    .revoke_sensor(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Changes cluster-wide limits; zero leaves one as it is.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn put_settings(
        &self,
        settings: Settings,
        deadline: Deadline,
    ) -> Result<Settings, Error> {
        let message = v1::PutSettingsRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            settings: Some(settings),
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                ClusterServiceClient::new(channel)
                    .put_settings(request)
                    .await
            })
            .await?;
        answer.settings.ok_or(Error::Answer { what: "settings" })
    }

    /// Asks one node how it stands. With several addresses: any node that answers.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn node_status(&self, deadline: Deadline) -> Result<NodeStatus, Error> {
        self.connection
            .call(
                deadline,
                &v1::GetNodeStatusRequest {},
                |channel, request| async move {
                    ClusterServiceClient::new(channel)
                        .get_node_status(request)
                        .await
                },
            )
            .await
    }

    /// Asks every node how it stands, all at the same time, in the order of the addresses.
    pub async fn status_of_all(
        &self,
        deadline: Deadline,
    ) -> Vec<(String, Result<NodeStatus, Error>)> {
        let asked = self
            .connection
            .each()
            .into_iter()
            .map(|(address, connection)| async move {
                let status = Self::new(connection).node_status(deadline).await;
                (address, status)
            });
        futures::future::join_all(asked).await
    }

    /// The cluster's key set, by which receipts are checked.
    ///
    /// Whoever already has a key set must compare: this answer is one node's word.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn key_set(&self, deadline: Deadline) -> Result<String, Error> {
        let answer = self
            .connection
            .call(
                deadline,
                &v1::GetKeySetRequest {},
                |channel, request| async move {
                    ClusterServiceClient::new(channel)
                        .get_key_set(request)
                        .await
                },
            )
            .await?;
        Ok(answer.key_set)
    }
}
