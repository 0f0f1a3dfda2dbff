//! The processor of orders: whoever ships, charges or prints what a customer approved.
//!
//! A processor is its X25519 key: orders are sealed to it, and its certificate names it. It believes no
//! node: that an order was approved, and that it may be carried out, are receipts under pinned keys; what
//! was ordered is what opens with its own key and hashes to what the receipt says.

mod desk;
mod ledger;
mod totals;

use std::sync::Arc;

use akashi_merkle::{KeySet, Leaf};
use akashi_proof::{Context, ContextFields, Purpose, Suite, seal_info};
use akashi_proto::v1;
use akashi_proto::v1::processor_service_client::ProcessorServiceClient;
use tonic::Streaming;

use crate::answer::{Stage, bytes32, id16};
use crate::clock::Deadline;
use crate::connection::Connection;
use crate::error::Error;
use crate::event;
use crate::order::{Opened, RecipientSecret, Sealed, SealedFile};
use crate::platform::{Heard, next_step, reopen_pause};
use crate::request_id::RequestId;
use crate::trust::Trust;

pub use desk::{Desk, Step};
pub use ledger::Ledger;
pub use totals::CampaignState;
pub(crate) use totals::{campaign_state, prove_total};

/// A processor with a connection made with its certificate.
#[derive(Clone, Debug)]
pub struct Processor {
    connection: Connection,
    tenant: String,
    trust: Trust,
    secret: Arc<RecipientSecret>,
}

/// An order that its customer approved, as its sealed receipt says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovedOrder {
    /// The contact.
    pub contact_id: [u8; 16],
    /// The order.
    pub order_id: [u8; 16],
    /// Its salted hash.
    pub order_hash: [u8; 32],
    /// Digest of the payload.
    pub sealed_digest: [u8; 32],
    /// Until when it can be opened and carried out, microseconds since 1970-01-01 UTC.
    pub until_us: u64,
}

/// An order that was opened and is the approved one.
#[derive(Debug)]
pub struct OpenedOrder {
    /// What the receipt says.
    pub approved: ApprovedOrder,
    /// What was inside.
    pub opened: Opened,
}

/// What the cluster says to carrying an order out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// It may be carried out, once it is sealed.
    Executed {
        /// The campaign to whose sum it was added.
        campaign: u32,
        /// Its number there, from 1; zero if it has no amount.
        number: u64,
    },
    /// It must not.
    Refused {
        /// Number of the reason: docs/reasons.md.
        reason: u32,
    },
}

/// How far an order is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderProgress {
    /// When the processor first fetched the payload, microseconds since 1970-01-01 UTC; zero if it did not.
    pub opened_us: u64,
    /// When it was carried out; zero if it was not.
    pub executed_us: u64,
    /// The leaf that says so.
    pub leaf_index: u64,
    /// The campaign to whose sum it was added.
    pub campaign: u32,
    /// Its number there, from 1; zero if it has no amount.
    pub number: u64,
    /// Recorded refusals to carry it out.
    pub refusals: u32,
    /// How far its execution has come.
    pub stage: Option<Stage>,
    /// The receipt of its execution, once sealed; empty before.
    pub receipt: String,
}

impl OrderProgress {
    pub(crate) fn from_wire(execution: v1::OrderExecution) -> Result<Self, Error> {
        Ok(Self {
            opened_us: execution.opened_us,
            executed_us: execution.executed_us,
            leaf_index: execution.leaf_index,
            campaign: execution.campaign,
            number: execution.number,
            refusals: execution.refusals,
            stage: Stage::from_number(execution.stage)?,
            receipt: execution.receipt,
        })
    }
}

impl Processor {
    /// A processor of `tenant`'s orders.
    #[must_use]
    pub fn new(
        connection: Connection,
        tenant: String,
        keys: impl Into<Trust>,
        secret: RecipientSecret,
    ) -> Self {
        Self {
            connection,
            tenant,
            trust: keys.into(),
            secret: Arc::new(secret),
        }
    }

    /// The pinned key set.
    #[must_use]
    pub fn key_set(&self) -> &KeySet {
        self.trust.key_set()
    }

    /// The public key, as a policy names it.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.secret.public()
    }

    /// The connection, for instance to prefer a node.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Approved orders that wait, and new ones as they come, until the deadline.
    #[must_use]
    pub fn orders(&self, deadline: Deadline) -> Orders {
        Orders {
            processor: self.clone(),
            deadline,
            stream: None,
        }
    }

    /// Fetches an order's payload, opens it, and holds it against the sealed approval.
    ///
    /// # Errors
    ///
    /// [`Error::Integrity`] if the receipt does not verify, or if what is inside is not what was approved:
    /// such an order must not be carried out. [`Error::Rejected`] if it is over, was not approved or is
    /// for another processor.
    pub async fn open(
        &self,
        contact_id: &[u8; 16],
        order_id: &[u8; 16],
        deadline: Deadline,
    ) -> Result<OpenedOrder, Error> {
        let message = v1::OpenOrderRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            contact_id: contact_id.to_vec().into(),
            order_id: order_id.to_vec().into(),
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                ProcessorServiceClient::new(channel)
                    .open_order(request)
                    .await
            })
            .await?;
        self.trust
            .prepare(&self.connection, &answer.receipt, deadline)
            .await?;
        let approved = self.approved(&answer.receipt)?;
        if (approved.contact_id, approved.order_id) != (*contact_id, *order_id) {
            return Err(Error::integrity("the receipt is about another order"));
        }
        let terms = answer.terms.ok_or(Error::Answer { what: "terms" })?;
        let context = answer.context.ok_or(Error::Answer { what: "context" })?;
        let sealed = Sealed::parse(&answer.payload).ok_or(Error::Answer { what: "payload" })?;
        if sealed.digest() != approved.sealed_digest {
            return Err(Error::integrity(
                "the payload is not the one that the customer sealed",
            ));
        }
        let amounts = terms
            .amounts
            .iter()
            .map(|amount| bytes32(amount, "amounts"))
            .collect::<Result<_, _>>()?;
        let info = seal_info(&self.context(&context, &approved)?);
        let file = SealedFile::new(*order_id, approved.order_hash, info, amounts, sealed);
        Ok(OpenedOrder {
            opened: file.open(&self.secret)?,
            approved,
        })
    }

    /// The context of the consent: the payload opens under it and under no other.
    fn context(
        &self,
        context: &v1::ConsentContext,
        approved: &ApprovedOrder,
    ) -> Result<Context, Error> {
        let group = u16::try_from(context.group).map_err(|_above| Error::Answer { what: "group" });
        Context::new(ContextFields {
            suite: Suite::V1,
            origin: context.origin.as_bytes(),
            group: group?,
            epoch: context.epoch,
            tenant: self.tenant.as_bytes(),
            challenge_id: id16(&context.challenge_id, "challenge_id")?,
            nonce: bytes32(&context.nonce, "nonce")?,
            purpose: Purpose::Consent,
            subject: bytes32(&context.subject_hash, "subject_hash")?,
            contact_id: &approved.contact_id,
            not_before_us: context.not_before_us,
            expires_us: context.expires_us,
            order_hash: approved.order_hash,
            policy_digest: bytes32(&context.policy_digest, "policy_digest")?,
        })
        .map_err(|_rule| Error::Answer { what: "context" })
    }

    /// What the receipt of an approval says.
    fn approved(&self, receipt: &str) -> Result<ApprovedOrder, Error> {
        let leaf = self.leaf(receipt, event::ORDER_APPROVED)?;
        Ok(ApprovedOrder {
            contact_id: leaf.contact_id,
            order_id: column(&leaf, event::ORDER_COLUMN)?,
            order_hash: column(&leaf, event::ORDER_HASH_COLUMN)?,
            sealed_digest: column(&leaf, event::SEALED_DIGEST_COLUMN)?,
            until_us: u64::from_be_bytes(column(&leaf, event::UNTIL_COLUMN)?),
        })
    }

    fn leaf(&self, receipt: &str, kind: u16) -> Result<Leaf, Error> {
        let checked = self.trust.receipt(receipt);
        let leaf = checked
            .map_err(|broken| Error::integrity(format!("receipt: {broken}")))?
            .leaf()
            .map_err(|_version| Error::Answer { what: "leaf" })?;
        if leaf.kind == kind {
            Ok(leaf)
        } else {
            Err(Error::integrity("the receipt is about something else"))
        }
    }

    /// Has an opened order carried out. Act on it only after [`Processor::wait_executed`].
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn execute(
        &self,
        order: &OpenedOrder,
        deadline: Deadline,
    ) -> Result<Execution, Error> {
        let opened = &order.opened.order;
        let amounts: Vec<[u8; 32]> = opened
            .amounts()
            .iter()
            .map(|amount| amount.to_bytes())
            .collect();
        let which = (&order.approved.contact_id, &order.approved.order_id);
        self.execute_as(which, &opened.hash(), &amounts, deadline)
            .await
    }

    /// Asks to carry out what has this hash and these amounts, whatever was opened. The cluster refuses
    /// what the customer did not approve, and records it.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn execute_as(
        &self,
        (contact_id, order_id): (&[u8; 16], &[u8; 16]),
        order_hash: &[u8; 32],
        amounts: &[[u8; 32]],
        deadline: Deadline,
    ) -> Result<Execution, Error> {
        let message = v1::ExecuteOrderRequest {
            request_id: RequestId::fresh()?.to_vec().into(),
            tenant: self.tenant.clone(),
            contact_id: contact_id.to_vec().into(),
            order_id: order_id.to_vec().into(),
            order_hash: order_hash.to_vec().into(),
            amounts: amounts
                .iter()
                .map(|amount| amount.to_vec().into())
                .collect(),
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                ProcessorServiceClient::new(channel)
                    .execute_order(request)
                    .await
            })
            .await?;
        Ok(if answer.executed {
            Execution::Executed {
                campaign: answer.campaign,
                number: answer.number,
            }
        } else {
            Execution::Refused {
                reason: answer.reason,
            }
        })
    }

    /// How far an order is on its way, as one node says.
    ///
    /// # Errors
    ///
    /// [`Error`], by what can be done about it.
    pub async fn progress(
        &self,
        contact_id: &[u8; 16],
        order_id: &[u8; 16],
        deadline: Deadline,
    ) -> Result<OrderProgress, Error> {
        self.ask(contact_id, order_id, false, deadline).await
    }

    /// Waits until an order's execution is sealed, and checks its receipt: from then on it may be acted on.
    ///
    /// # Errors
    ///
    /// [`Error::Integrity`] if the receipt does not verify or is about another order;
    /// [`Error::Refused`] if the order was not carried out.
    pub async fn wait_executed(
        &self,
        approved: &ApprovedOrder,
        deadline: Deadline,
    ) -> Result<OrderProgress, Error> {
        let (contact_id, order_id) = (&approved.contact_id, &approved.order_id);
        let progress = self.ask(contact_id, order_id, true, deadline).await?;
        if progress.executed_us == 0 {
            return Err(Error::Refused {
                outcome: "the order was not carried out",
            });
        }
        self.trust
            .prepare(&self.connection, &progress.receipt, deadline)
            .await?;
        let leaf = self.leaf(&progress.receipt, event::ORDER_EXECUTED)?;
        let same = leaf.contact_id == *contact_id
            && column::<16>(&leaf, event::ORDER_COLUMN)? == *order_id
            && column::<32>(&leaf, event::ORDER_HASH_COLUMN)? == approved.order_hash;
        if !same {
            return Err(Error::integrity("the receipt is about another order"));
        }
        Ok(progress)
    }

    async fn ask(
        &self,
        contact_id: &[u8; 16],
        order_id: &[u8; 16],
        wait: bool,
        deadline: Deadline,
    ) -> Result<OrderProgress, Error> {
        let message = v1::GetOrderExecutionRequest {
            tenant: self.tenant.clone(),
            contact_id: contact_id.to_vec().into(),
            order_id: order_id.to_vec().into(),
            wait,
        };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                ProcessorServiceClient::new(channel)
                    .get_order_execution(request)
                    .await
            })
            .await?;
        OrderProgress::from_wire(
            answer
                .execution
                .ok_or(Error::Answer { what: "execution" })?,
        )
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

    /// Proves what a campaign's executed orders cost together since the last time, up to order `through`,
    /// with the openings of `ledger`.
    ///
    /// # Errors
    ///
    /// [`Error::Lacking`] if the ledger lacks an order of the period; [`Error::Rejected`] if the period is
    /// too short or the sum does not open.
    pub async fn prove_total(
        &self,
        ledger: &Ledger,
        campaign: u32,
        through: u64,
        deadline: Deadline,
    ) -> Result<crate::order::ProvedTotal, Error> {
        let state = self.campaign(campaign, deadline).await?;
        let first = state.proved.saturating_add(1);
        let opening = ledger.opening(campaign, first..=through)?;
        let asked = (campaign, first, through);
        prove_total(
            &self.connection,
            (&self.tenant, &self.trust.newest()),
            asked,
            &opening,
            deadline,
        )
        .await
    }
}

/// The value of a column that the leaf must have.
pub(crate) fn column<const N: usize>(leaf: &Leaf, number: u16) -> Result<[u8; N], Error> {
    leaf.extensions
        .value(number)
        .and_then(|value| value.try_into().ok())
        .ok_or(Error::Answer {
            what: "column of a leaf",
        })
}

/// Approved orders, one after the other. After a broken stream everything that waits comes again.
#[derive(Debug)]
pub struct Orders {
    processor: Processor,
    deadline: Deadline,
    stream: Option<Streaming<v1::WatchOrdersResponse>>,
}

impl Orders {
    /// The next order, with its receipt checked.
    ///
    /// # Errors
    ///
    /// [`Error::DeadlineExceeded`] at the end of the time; [`Error::Integrity`] if a receipt does not hold.
    pub async fn next(&mut self) -> Result<ApprovedOrder, Error> {
        loop {
            if self.stream.is_none() {
                self.stream = Some(self.open().await?);
            }
            if let Some(stream) = &mut self.stream {
                match next_step(stream, self.deadline).await? {
                    Heard::Step(step) => {
                        let processor = &self.processor;
                        processor
                            .trust
                            .prepare(&processor.connection, &step.receipt, self.deadline)
                            .await?;
                        return self.checked(&step);
                    }
                    Heard::End | Heard::Broken => self.stream = None,
                }
            }
            self.processor.connection.avoid_preferred();
            reopen_pause(self.deadline).await?;
        }
    }

    async fn open(&self) -> Result<Streaming<v1::WatchOrdersResponse>, Error> {
        let message = v1::WatchOrdersRequest {
            tenant: self.processor.tenant.clone(),
        };
        self.processor
            .connection
            .open(self.deadline, &message, |channel, request| async move {
                ProcessorServiceClient::new(channel)
                    .watch_orders(request)
                    .await
            })
            .await
    }

    fn checked(&self, step: &v1::WatchOrdersResponse) -> Result<ApprovedOrder, Error> {
        let approved = self.processor.approved(&step.receipt)?;
        let same = approved.contact_id == id16(&step.contact_id, "contact_id")?
            && approved.order_id == id16(&step.order_id, "order_id")?
            && approved.order_hash == bytes32(&step.order_hash, "order_hash")?;
        if same {
            Ok(approved)
        } else {
            Err(Error::integrity("the receipt is about another order"))
        }
    }
}
