//! What a tenant's platform does about its agents: locks, certificates, posture, rules.

use akashi_proof::Posture;
use akashi_proto::v1;
use akashi_proto::v1::platform_service_client::PlatformServiceClient;
use sha2::{Digest as _, Sha256};

use super::Platform;
use crate::agent::SessionView;
use crate::answer::bytes32;
use crate::clock::Deadline;
use crate::error::Error;
use crate::request_id::RequestId;
use crate::tag::agent_hash;

/// An agent as the cluster knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentView {
    /// Whether the agent may not work.
    pub locked: bool,
    /// Whether the agent may listen in, and decide what others ask to see.
    pub supervisor: bool,
    /// The open session, if there is one.
    pub session: Option<SessionView>,
    /// Points of the checklist that are attested, one bit each.
    pub posture: u32,
    /// Until when they count; zero if nothing was attested.
    pub posture_until_us: u64,
    /// The version of the tenant's rules in force; zero if there are none.
    pub rules_version: u32,
    /// SHA-256 of their text; none if there are none.
    pub rules_sha256: Option<[u8; 32]>,
}

/// The checklist of an agent's machine, as an issuer signed it.
#[derive(Clone, Debug)]
pub struct Attestation {
    /// Points that hold, as the tenant numbers them, one bit each.
    pub bits: u32,
    /// When it was looked at, microseconds since 1970-01-01 UTC.
    pub attested_us: u64,
    /// Last moment at which it counts.
    pub until_us: u64,
    /// SHA-256 of the issuer's key.
    pub issuer_key_id: [u8; 32],
    /// The issuer's signature over [`posture_message`].
    pub signature: [u8; 64],
}

/// What an issuer signs about the machine of `agent`.
#[must_use]
pub fn posture_message(
    origin: &str,
    tenant: &str,
    agent: &str,
    (bits, attested_us, until_us): (u32, u64, u64),
) -> Vec<u8> {
    Posture {
        origin: origin.as_bytes(),
        tenant: tenant.as_bytes(),
        agent: agent_hash(tenant, agent),
        bits,
        attested_us,
        until_us,
    }
    .message()
}

impl Platform {
    /// Locks an agent: the session is suspended, every contact goes back to the queue. Gives the Raft index
    /// of the lock: [`Platform::await_enforced`] tells when it is in force on every node.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn lock_agent(
        &self,
        agent: &str,
        reason: u32,
        deadline: Deadline,
    ) -> Result<u64, Error> {
        let message = v1::LockAgentRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            agent: agent.to_owned(),
            reason,
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .lock_agent(request)
                    .await
            })
            .await?;
        Ok(answer.placement.map_or(0, |placement| placement.log_index))
    }

    /// Lets a locked agent work again, after a fresh login; `certificate_sha256` names the certificate
    /// that serves from now on, if it is another one.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn unlock_agent(
        &self,
        agent: &str,
        certificate_sha256: Option<[u8; 32]>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::UnlockAgentRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            agent: agent.to_owned(),
            certificate_sha256: certificate_sha256
                .map(|digest| digest.to_vec())
                .unwrap_or_default()
                .into(),
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .unlock_agent(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Ends every use of one certificate of an agent, and a session under it.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn revoke_agent_certificate(
        &self,
        agent: &str,
        certificate_sha256: &[u8; 32],
        reason: u32,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::RevokeAgentCertificateRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            agent: agent.to_owned(),
            certificate_sha256: certificate_sha256.to_vec().into(),
            reason,
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .revoke_agent_certificate(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Hands in what an issuer signed about an agent's machine.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn attest_posture(
        &self,
        agent: &str,
        attestation: &Attestation,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::AttestPostureRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            agent: agent.to_owned(),
            bits: attestation.bits,
            attested_us: attestation.attested_us,
            until_us: attestation.until_us,
            issuer_key_id: attestation.issuer_key_id.to_vec().into(),
            signature: attestation.signature.to_vec().into(),
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .attest_posture(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Puts a version of the tenant's written rules into force. Only the hash of `text` leaves the caller.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn publish_rules(
        &self,
        version: u32,
        text: &[u8],
        deadline: Deadline,
    ) -> Result<(), Error> {
        let message = v1::PublishRulesRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            version,
            text_sha256: Sha256::digest(text).to_vec().into(),
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .publish_rules(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Reads an agent as it stands.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn agent(&self, agent: &str, deadline: Deadline) -> Result<AgentView, Error> {
        let message = v1::GetAgentRequest {
            tenant: self.tenant.clone(),
            agent: agent.to_owned(),
            read: None,
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel).get_agent(request).await
            })
            .await?;
        let rules = &answer.rules_sha256;
        Ok(AgentView {
            locked: answer.locked,
            supervisor: answer.supervisor,
            session: answer
                .session
                .as_ref()
                .map(SessionView::from_wire)
                .transpose()?,
            posture: answer.posture,
            posture_until_us: answer.posture_until_us,
            rules_version: answer.rules_version,
            rules_sha256: if rules.is_empty() {
                None
            } else {
                Some(bytes32(rules, "rules_sha256")?)
            },
        })
    }
}
