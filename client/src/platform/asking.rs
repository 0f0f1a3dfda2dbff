//! What a platform asks of phones beside calls: invitations, orders, logins; and what it revokes.

use akashi_merkle::KeySet;
use akashi_proof::{Commitment, SumOpening};
use akashi_proto::v1;
use akashi_proto::v1::platform_service_client::PlatformServiceClient;
use sha2::{Digest as _, Sha256};

use super::{Announced, Invitation, Platform};
use crate::answer::{Outcome, Stage, Verdict, bytes32, id16};
use crate::clock::Deadline;
use crate::entropy;
use crate::error::Error;
use crate::order::{Order, ProvedTotal};
use crate::processor::{CampaignState, OrderProgress, campaign_state, prove_total};
use crate::request_id::RequestId;

/// Whose phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party<'a> {
    /// A customer's, by handle.
    Customer(&'a str),
    /// A registered agent's, by handle.
    Agent(&'a str),
}

impl<'a> Party<'a> {
    /// The handle.
    #[must_use]
    pub const fn handle(self) -> &'a str {
        match self {
            Self::Customer(handle) | Self::Agent(handle) => handle,
        }
    }

    /// The handle in the field of its kind: subject, then agent.
    pub(super) fn fields(self) -> (String, String) {
        match self {
            Self::Customer(handle) => (handle.to_owned(), String::new()),
            Self::Agent(handle) => (String::new(), handle.to_owned()),
        }
    }
}

/// What an invitation is good for: one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitedTo {
    /// Enrol a phone.
    Device,
    /// Register one credential.
    Credential,
    /// Enrol the template of a face.
    Template,
}

/// An order to be offered.
#[derive(Clone, Copy, Debug)]
pub struct OfferedOrder<'a> {
    /// The contact, verified and open.
    pub contact_id: [u8; 16],
    /// The customer of the contact.
    pub subject: &'a str,
    /// A policy whose purpose is consent.
    pub policy: &'a str,
}

/// An order as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderState {
    /// Verified means approved.
    pub verdict: Verdict,
    /// The order's salted hash.
    pub order_hash: [u8; 32],
    /// Digest of the payload that was sealed for the processor, once approved.
    pub sealed_digest: Option<[u8; 32]>,
    /// How far it is on its way to the processor and out of it.
    pub progress: OrderProgress,
}

/// An agent's login that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login {
    /// The login, chosen by the platform.
    pub login_id: [u8; 16],
    /// Its challenge; zeros if there is none.
    pub challenge_id: [u8; 16],
    /// End of the challenge in cluster time, microseconds since 1970-01-01 UTC.
    pub expires_us: u64,
    /// Set when it ended at once.
    pub outcome: Option<Outcome>,
}

/// Milliseconds between two looks at something that has no stream.
const LOOK_MS: u64 = 100;

impl Platform {
    /// Opens an invitation and makes its token.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn invite(
        &self,
        party: Party<'_>,
        to: InvitedTo,
        deadline: Deadline,
    ) -> Result<Invitation, Error> {
        let invitation = Invitation {
            enrolment_id: entropy::random()?,
            token: entropy::random()?,
        };
        let (subject, agent) = party.fields();
        let kind = match to {
            InvitedTo::Device => v1::EnrolmentKind::Device,
            InvitedTo::Credential => v1::EnrolmentKind::Credential,
            InvitedTo::Template => v1::EnrolmentKind::Template,
        };
        let message = v1::OpenEnrolmentRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            subject,
            agent,
            kind: kind.into(),
            enrolment_id: invitation.enrolment_id.to_vec().into(),
            token_hash: Sha256::digest(invitation.token).to_vec().into(),
            subject_tag: self.tags.tag(party.handle()).into(),
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .open_enrolment(request)
                    .await
            })
            .await?;
        Ok(invitation)
    }

    /// Revokes somebody's device.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn revoke_device(
        &self,
        party: Party<'_>,
        reason: u32,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let (subject, agent) = party.fields();
        let message = v1::RevokeDeviceRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            subject,
            agent,
            reason,
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .revoke_device(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Revokes one registered credential.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn revoke_credential(
        &self,
        party: Party<'_>,
        serial: &[u8; 16],
        reason: u32,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let (subject, agent) = party.fields();
        let message = v1::RevokeCredentialRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            subject,
            agent,
            serial: serial.to_vec().into(),
            reason,
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .revoke_credential(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Revokes the enrolled template of a face.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn revoke_template(
        &self,
        party: Party<'_>,
        reason: u32,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let (subject, agent) = party.fields();
        let message = v1::RevokeTemplateRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            subject,
            agent,
            reason,
        };
        self.connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .revoke_template(request)
                    .await
            })
            .await?;
        Ok(())
    }

    /// Asks the customer of a verified contact to approve an order. Only its hash and the commitments
    /// to its amounts are sent; the tenant's own app brings the order to the phone.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn offer_order(
        &self,
        offered: &OfferedOrder<'_>,
        order: &Order,
        deadline: Deadline,
    ) -> Result<Announced, Error> {
        let amounts = order.amounts();
        let bytes = |amount: &Commitment| amount.to_bytes().to_vec().into();
        let message = v1::OfferOrderRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            contact_id: offered.contact_id.to_vec().into(),
            order_id: order.order_id().to_vec().into(),
            policy: offered.policy.to_owned(),
            order_hash: order.hash().to_vec().into(),
            amounts: amounts.iter().map(bytes).collect(),
            subject_tag: self.tags.tag(offered.subject).into(),
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .offer_order(request)
                    .await
            })
            .await?;
        let outcome = Outcome::from_number(answer.outcome)?;
        let placement = answer.placement.unwrap_or_default();
        Ok(Announced {
            contact_id: offered.contact_id,
            challenge_id: challenge_of(&answer.challenge_id, outcome)?,
            expires_us: answer.expires_us,
            outcome,
            log_index: placement.log_index,
            stamp_us: placement.stamp_us,
        })
    }

    /// Reads an order as it stands.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn order(
        &self,
        contact_id: &[u8; 16],
        order_id: &[u8; 16],
        deadline: Deadline,
    ) -> Result<OrderState, Error> {
        let message = v1::GetOrderRequest {
            tenant: self.tenant.clone(),
            contact_id: contact_id.to_vec().into(),
            order_id: order_id.to_vec().into(),
            read: None,
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel).get_order(request).await
            })
            .await?;
        let sealed = &answer.sealed_digest;
        Ok(OrderState {
            order_hash: bytes32(&answer.order_hash, "order_hash")?,
            sealed_digest: if sealed.is_empty() {
                None
            } else {
                Some(bytes32(sealed, "sealed_digest")?)
            },
            verdict: Verdict::from_wire(answer.verdict.ok_or(Error::Answer { what: "verdict" })?)?,
            progress: OrderProgress::from_wire(answer.execution.unwrap_or_default())?,
        })
    }

    /// What is known of a campaign's hidden sum.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn campaign(
        &self,
        campaign: u32,
        deadline: Deadline,
    ) -> Result<CampaignState, Error> {
        campaign_state(&self.connection, &self.tenant, campaign, deadline).await
    }

    /// Proves what a campaign's executed orders cost together since the last time, up to order `through`.
    /// `opening` opens the sum of exactly these orders: the platform made them.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn prove_total(
        &self,
        keys: &KeySet,
        (campaign, through): (u32, u64),
        opening: &SumOpening,
        deadline: Deadline,
    ) -> Result<ProvedTotal, Error> {
        let state = self.campaign(campaign, deadline).await?;
        let asked = (campaign, state.proved.saturating_add(1), through);
        prove_total(
            &self.connection,
            (&self.tenant, keys),
            asked,
            opening,
            deadline,
        )
        .await
    }

    /// Waits until an order has its verdict at `stage` or later.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn wait_order(
        &self,
        contact_id: &[u8; 16],
        order_id: &[u8; 16],
        stage: Stage,
        deadline: Deadline,
    ) -> Result<OrderState, Error> {
        loop {
            let state = self.order(contact_id, order_id, deadline).await?;
            if has_come(&state.verdict, stage) {
                return Ok(state);
            }
            look_again(deadline).await?;
        }
    }

    /// Asks an agent's phone to prove who logs in.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn open_login(
        &self,
        agent: &str,
        policy: &str,
        deadline: Deadline,
    ) -> Result<Login, Error> {
        let login_id = entropy::random::<16>()?;
        let message = v1::OpenAgentLoginRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            login_id: login_id.to_vec().into(),
            agent: agent.to_owned(),
            policy: policy.to_owned(),
            agent_tag: self.tags.tag(agent).into(),
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .open_agent_login(request)
                    .await
            })
            .await?;
        let outcome = Outcome::from_number(answer.outcome)?;
        Ok(Login {
            login_id,
            challenge_id: challenge_of(&answer.challenge_id, outcome)?,
            expires_us: answer.expires_us,
            outcome,
        })
    }

    /// Waits until a login has its verdict at `stage` or later.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn wait_login(
        &self,
        login_id: &[u8; 16],
        stage: Stage,
        deadline: Deadline,
    ) -> Result<Verdict, Error> {
        let message = v1::GetAgentLoginRequest {
            tenant: self.tenant.clone(),
            login_id: login_id.to_vec().into(),
            read: None,
        };
        loop {
            let answer = self
                .connection
                .call(deadline, &message, |channel, request| async move {
                    PlatformServiceClient::new(channel)
                        .get_agent_login(request)
                        .await
                })
                .await?;
            let verdict =
                Verdict::from_wire(answer.verdict.ok_or(Error::Answer { what: "verdict" })?)?;
            if has_come(&verdict, stage) {
                return Ok(verdict);
            }
            look_again(deadline).await?;
        }
    }
}

fn has_come(verdict: &Verdict, stage: Stage) -> bool {
    verdict.outcome.is_some() && verdict.stage >= Some(stage)
}

/// The challenge's id; zeros if something ended without one.
fn challenge_of(bytes: &[u8], outcome: Option<Outcome>) -> Result<[u8; 16], Error> {
    if bytes.is_empty() && outcome.is_some() {
        return Ok([0; 16]);
    }
    id16(bytes, "challenge_id")
}

pub(super) async fn look_again(deadline: Deadline) -> Result<(), Error> {
    let pause = std::time::Duration::from_millis(LOOK_MS);
    if deadline.remaining() <= pause {
        return Err(Error::DeadlineExceeded);
    }
    tokio::time::sleep(pause).await;
    Ok(())
}
