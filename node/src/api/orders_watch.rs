//! Following the approved orders of one processor: those that wait, then new ones, each once sealed.
//!
//! Leaves are sealed in their order, so orders are told in the order of their approval, and what was told
//! need not be remembered: everything before one leaf was. Events only wake the watch; what is told is read
//! from the outbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use akashi_domain::answer::Rejection;
use akashi_domain::event::Event;
use akashi_domain::ids::{ContactId, OrderId};
use akashi_domain::keys;
use akashi_domain::kv::{Table, View as _};
use akashi_domain::records::SealedOrder;
use akashi_domain::state::Records as _;
use akashi_merkle::SignedHead;
use akashi_proto::v1;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tonic::Status;

use super::front::Front;
use super::replica::Replica;
use super::status::Refusal;
use crate::engine::{AppliedEntry, ReceiptError};

/// Waiting orders read at once: each may hold a payload of 64 KiB.
const PAGE: usize = 64;
/// Approved orders that are remembered until they are sealed or told; beyond that the outbox is read again.
const PENDING_MAX: usize = 4_096;

/// The orders of one processor, followed.
pub(super) struct OrdersWatch<R> {
    replica: R,
    tenant: u32,
    recipient: [u8; 32],
    /// By the leaf of their approval.
    pending: BTreeMap<u64, (ContactId, OrderId)>,
    /// Everything before this leaf was told.
    told: u64,
    /// The outbox must be read (again).
    unread: bool,
    events: broadcast::Receiver<Arc<AppliedEntry>>,
    sealed: watch::Receiver<Option<Arc<SignedHead>>>,
}

impl<R: Replica> OrdersWatch<R> {
    /// Starts to follow.
    pub(super) async fn open(
        front: &Front<R>,
        tenant: &str,
        recipient: [u8; 32],
        deadline: tokio::time::Instant,
    ) -> Result<Self, Refusal> {
        // Subscribed before the first look: whatever happens after it wakes the watch.
        let events = front.replica.subscribe();
        let sealed = front.replica.sealed();
        let found = front.find(deadline, |view| view.tenant(tenant)).await?;
        Ok(Self {
            replica: front.replica.clone(),
            tenant: found.ok_or(Rejection::UnknownTenant)?.number,
            recipient,
            pending: BTreeMap::new(),
            told: 0,
            unread: true,
            events,
            sealed,
        })
    }

    async fn next(&mut self) -> Result<v1::WatchOrdersResponse, Refusal> {
        loop {
            if self.unread && self.pending.is_empty() {
                self.read()?;
            }
            if let Some(order) = self.look()? {
                return Ok(order);
            }
            if !(self.unread && self.pending.is_empty()) {
                self.wait().await?;
            }
        }
    }

    /// Reads what waits in the outbox.
    fn read(&mut self) -> Result<(), Refusal> {
        self.unread = false;
        let view = self.replica.view();
        let mut from = keys::sealed_orders_from(self.tenant);
        let to = keys::sealed_orders_to(self.tenant);
        loop {
            let page = view.scan(Table::Outbox, &from, &to, PAGE)?;
            for (_, bytes) in &page {
                let waiting: SealedOrder =
                    borsh::from_slice(bytes).map_err(|_foreign| Refusal::Stopping)?;
                self.remember(&waiting);
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE => {
                    from.clone_from(last);
                    from.push(0);
                }
                Some(_) | None => return Ok(()),
            }
        }
    }

    /// Keeps an order for the moment when its approval is sealed; the newest give way to older ones.
    fn remember(&mut self, waiting: &SealedOrder) {
        if waiting.recipient != self.recipient || waiting.leaf < self.told {
            return;
        }
        let which = (waiting.contact, waiting.order);
        self.pending.insert(waiting.leaf, which);
        if self.pending.len() > PENDING_MAX {
            self.pending.pop_last();
            self.unread = true;
        }
    }

    /// The first order whose approval is sealed and whose payload still waits.
    fn look(&mut self) -> Result<Option<v1::WatchOrdersResponse>, Refusal> {
        let view = self.replica.view();
        while let Some((leaf, (contact, id))) = self.pending.pop_first() {
            let receipt = match self.replica.receipt(leaf) {
                Ok(receipt) => receipt.to_text(),
                Err(ReceiptError::NotSealed) => {
                    self.pending.insert(leaf, (contact, id));
                    return Ok(None);
                }
                Err(
                    error @ (ReceiptError::UnknownLeaf
                    | ReceiptError::Incomplete
                    | ReceiptError::Storage),
                ) => {
                    return Err(error.into());
                }
            };
            self.told = leaf.saturating_add(1);
            if view.sealed_order(self.tenant, contact, id)?.is_none() {
                continue;
            }
            let Some(order) = view.order(self.tenant, contact, id)? else {
                continue;
            };
            return Ok(Some(v1::WatchOrdersResponse {
                contact_id: contact.0.to_vec().into(),
                order_id: id.0.to_vec().into(),
                order_hash: order.terms.order_hash.to_vec().into(),
                payload_until_us: order.payload_until.0,
                receipt,
            }));
        }
        Ok(None)
    }

    /// Waits for an approval or, if one waits for it, for a seal.
    async fn wait(&mut self) -> Result<(), Refusal> {
        loop {
            tokio::select! {
                entry = self.events.recv() => match entry {
                    Ok(entry) => {
                        if self.take(&entry)? {
                            return Ok(());
                        }
                    }
                    Err(RecvError::Lagged(_)) => {
                        self.pending.clear();
                        self.unread = true;
                        return Ok(());
                    }
                    Err(RecvError::Closed) => return Err(Refusal::Stopping),
                },
                changed = self.sealed.changed(), if !self.pending.is_empty() => {
                    return changed.map_err(|_closed| Refusal::Stopping);
                }
            }
        }
    }

    /// Remembers the approvals of an entry; whether there were any.
    fn take(&mut self, entry: &AppliedEntry) -> Result<bool, Refusal> {
        let mut any = false;
        for recorded in &entry.events {
            if let Event::OrderApproved(fact) = &recorded.event
                && fact.tenant == self.tenant
            {
                let view = self.replica.view();
                let waiting = view.sealed_order(self.tenant, fact.contact, fact.order)?;
                if let Some(waiting) = waiting {
                    self.remember(&waiting);
                    any = true;
                }
            }
        }
        Ok(any)
    }
}

/// The watch as a stream of messages; it ends with a refusal.
pub(super) fn stream<R: Replica>(
    watch: OrdersWatch<R>,
) -> BoxStream<'static, Result<v1::WatchOrdersResponse, Status>> {
    let orders = stream::unfold(Some(watch), |watch| async move {
        let mut watch = watch?;
        match watch.next().await {
            Ok(order) => Some((Ok(order), Some(watch))),
            Err(refusal) => Some((Err(refusal.status()), None)),
        }
    });
    orders.boxed()
}
