//! `ProcessorService`: approved orders go to whom they were sealed for, and are carried out once.

use std::time::Duration;

use akashi_domain::answer::{Rejection, Reply};
use akashi_domain::command::Command;
use akashi_domain::ids::{ContactId, OrderId};
use akashi_domain::kv::Fault;
use akashi_domain::records::{Order, Tenant};
use akashi_domain::state::Records as _;
use akashi_proto::v1;
use akashi_proto::v1::processor_service_server::ProcessorService;
use tokio::time::timeout_at;
use tonic::{Request, Response, Status};

use super::front::{Call, Front};
use super::orders_watch::{self, OrdersWatch};
use super::replica::Replica;
use super::status::Refusal;
use crate::engine::ReceiptError;
use crate::{clock, wire};

/// Pause before a leader that has not heard of a seal yet is asked again: a few entries later.
const SEAL_PAUSE: Duration = Duration::from_millis(10);

/// The service.
#[derive(Debug)]
pub(super) struct Processor<R>(pub(super) Front<R>);

/// An order of a processor.
struct Found {
    tenant: Tenant,
    order: Order,
}

impl<R: Replica> Processor<R> {
    /// An order that is for this processor; any other looks as if it did not exist.
    async fn order(
        &self,
        call: &Call,
        tenant: &str,
        (contact, order): (ContactId, OrderId),
    ) -> Result<Found, Refusal> {
        let recipient = call.recipient(tenant)?;
        let look = |view: &R::View| Self::look(view, tenant, (contact, order), &recipient);
        let found = self.0.find(call.deadline, look).await?;
        Ok(found.ok_or(Rejection::UnknownOrder)?)
    }

    fn look(
        view: &R::View,
        tenant: &str,
        (contact, order): (ContactId, OrderId),
        recipient: &[u8; 32],
    ) -> Result<Option<Found>, Fault> {
        let Some(tenant) = view.tenant(tenant)? else {
            return Ok(None);
        };
        let order = view
            .order(tenant.number, contact, order)?
            .filter(|order| order.terms.recipient == *recipient);
        Ok(order.map(|order| Found { tenant, order }))
    }

    /// The receipt of a leaf, once it is sealed.
    async fn sealed(&self, leaf: u64, call: &Call) -> Result<String, Refusal> {
        let mut sealed = self.0.replica.sealed();
        loop {
            match self.0.replica.receipt(leaf) {
                Ok(receipt) => return Ok(receipt.to_text()),
                Err(ReceiptError::NotSealed) => {
                    timeout_at(call.deadline, sealed.changed())
                        .await
                        .map_err(|_elapsed| Refusal::Deadline)?
                        .map_err(|_closed| Refusal::Stopping)?;
                }
                Err(
                    error @ (ReceiptError::UnknownLeaf
                    | ReceiptError::Incomplete
                    | ReceiptError::Storage),
                ) => {
                    return Err(error.into());
                }
            }
        }
    }

    async fn open(
        &self,
        request: Request<v1::OpenOrderRequest>,
    ) -> Result<v1::OpenOrderResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let recipient = call.recipient(&message.tenant)?;
        let id = wire::request_id(&message.request_id)?;
        let command = wire::open_order(message, recipient)?;
        let which = (command.contact, command.order);
        let mut found = self.order(&call, &command.tenant, which).await?;
        if found.order.approved.is_none() {
            // This node may lag behind the one on which the customer approved.
            self.0.replica.read_index(call.deadline).await?;
            found = self.order(&call, &command.tenant, which).await?;
        }
        let approved = found.order.approved.ok_or(Rejection::NotApproved)?;
        let receipt = self.sealed(approved, &call).await?;
        let placement = loop {
            let asked = Command::OpenOrder(command.clone());
            match self.0.command(&call, id, asked).await {
                Ok((placement, _done)) => break placement,
                // The leader writes the newest seal it knows into each entry; it may not know this one yet.
                Err(Refusal::Rejected(Rejection::NotSealed))
                    if clock::left_until(call.deadline) > SEAL_PAUSE =>
                {
                    tokio::time::sleep(SEAL_PAUSE).await;
                }
                Err(refusal) => return Err(refusal),
            }
        };
        self.0
            .replica
            .wait_applied(placement.log_index, call.deadline)
            .await?;
        let view = self.0.replica.view();
        let number = found.tenant.number;
        let waiting = view
            .sealed_order(number, which.0, which.1)?
            .ok_or(Rejection::OrderOver)?;
        let cluster = view.cluster()?.ok_or(Rejection::NotFounded)?;
        let challenge = view
            .challenge(number, waiting.challenge)?
            .ok_or(Refusal::Internal)?;
        Ok(v1::OpenOrderResponse {
            placement: Some(wire::placement(&placement)),
            receipt,
            ..wire::opened_order(cluster, &found.order, &challenge, waiting.payload)
        })
    }

    async fn execute(
        &self,
        request: Request<v1::ExecuteOrderRequest>,
    ) -> Result<v1::ExecuteOrderResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let recipient = call.recipient(&message.tenant)?;
        let id = wire::request_id(&message.request_id)?;
        let command = wire::execute_order(message, recipient)?;
        let (placement, reply) = self.0.command(&call, id, command).await?;
        let placement = Some(wire::placement(&placement));
        if let Reply::OrderExecuted { campaign, number } = reply {
            return Ok(v1::ExecuteOrderResponse {
                placement,
                executed: true,
                reason: 0,
                campaign,
                number,
            });
        }
        let Reply::OrderRefused { reason } = reply else {
            return Err(Refusal::Internal);
        };
        Ok(v1::ExecuteOrderResponse {
            placement,
            executed: false,
            reason: u32::from(reason),
            campaign: 0,
            number: 0,
        })
    }

    async fn execution(
        &self,
        request: Request<v1::GetOrderExecutionRequest>,
    ) -> Result<v1::GetOrderExecutionResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let which = (
            wire::contact_id(&message.contact_id)?,
            wire::order_id(&message.order_id)?,
        );
        let progress = self.0.replica.read_index(call.deadline).await?;
        let found = self.order(&call, &message.tenant, which).await?;
        let receipt = match found.order.executed {
            Some(executed) if message.wait => Some(self.sealed(executed.leaf, &call).await?),
            Some(executed) => self
                .0
                .replica
                .receipt(executed.leaf)
                .ok()
                .map(|receipt| receipt.to_text()),
            None => None,
        };
        Ok(v1::GetOrderExecutionResponse {
            execution: Some(wire::order_execution(&found.order, receipt)),
            as_of: Some(wire::as_of(&progress, false)),
        })
    }

    async fn campaign(
        &self,
        request: Request<v1::GetCampaignRequest>,
    ) -> Result<v1::GetCampaignResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        call.of_summer(&message.tenant)?;
        let (progress, stale) = self.0.freshen(&call, message.read).await?;
        let view = self.0.replica.view();
        let tenant = view
            .tenant(&message.tenant)?
            .ok_or(Rejection::UnknownTenant)?;
        let campaign = view.campaign(tenant.number, message.campaign)?;
        let proved = (campaign.proved > 0).then_some(campaign.proved_leaf);
        let receipt = proved
            .and_then(|leaf| self.0.replica.receipt(leaf).ok())
            .map(|receipt| receipt.to_text());
        Ok(wire::campaign(&campaign, receipt, (&progress, stale)))
    }

    async fn total(
        &self,
        request: Request<v1::ProveTotalRequest>,
    ) -> Result<v1::ProveTotalResponse, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        call.of_summer(&message.tenant)?;
        let id = wire::request_id(&message.request_id)?;
        let command = wire::prove_total(message)?;
        let (placement, _done) = self.0.command(&call, id, command).await?;
        Ok(v1::ProveTotalResponse {
            placement: Some(wire::placement(&placement)),
        })
    }

    async fn watch(
        &self,
        request: Request<v1::WatchOrdersRequest>,
    ) -> Result<OrdersWatch<R>, Refusal> {
        let call = Call::of(&request)?;
        let message = request.into_inner();
        let recipient = call.recipient(&message.tenant)?;
        OrdersWatch::open(&self.0, &message.tenant, recipient, call.deadline).await
    }
}

#[tonic::async_trait]
impl<R: Replica> ProcessorService for Processor<R> {
    type WatchOrdersStream =
        futures::stream::BoxStream<'static, Result<v1::WatchOrdersResponse, Status>>;

    async fn watch_orders(
        &self,
        request: Request<v1::WatchOrdersRequest>,
    ) -> Result<Response<Self::WatchOrdersStream>, Status> {
        let watch = self
            .watch(request)
            .await
            .map_err(|refusal| self.0.refuse(refusal))?;
        Ok(Response::new(orders_watch::stream(watch)))
    }

    async fn open_order(
        &self,
        request: Request<v1::OpenOrderRequest>,
    ) -> Result<Response<v1::OpenOrderResponse>, Status> {
        let answer = self.open(request).await;
        answer
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn execute_order(
        &self,
        request: Request<v1::ExecuteOrderRequest>,
    ) -> Result<Response<v1::ExecuteOrderResponse>, Status> {
        let answer = self.execute(request).await;
        answer
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn get_order_execution(
        &self,
        request: Request<v1::GetOrderExecutionRequest>,
    ) -> Result<Response<v1::GetOrderExecutionResponse>, Status> {
        let answer = self.execution(request).await;
        answer
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn get_campaign(
        &self,
        request: Request<v1::GetCampaignRequest>,
    ) -> Result<Response<v1::GetCampaignResponse>, Status> {
        let answer = self.campaign(request).await;
        answer
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }

    async fn prove_total(
        &self,
        request: Request<v1::ProveTotalRequest>,
    ) -> Result<Response<v1::ProveTotalResponse>, Status> {
        let answer = self.total(request).await;
        answer
            .map(Response::new)
            .map_err(|refusal| self.0.refuse(refusal))
    }
}
