//! Following one contact: its state now, then its verdict, then the verdict's receipt.
//!
//! Events only wake the watch; what is said is always read from the state, so that a reader that
//! lagged behind the events misses nothing.

use std::sync::Arc;
use std::time::Duration;

use akashi_domain::answer::Rejection;
use akashi_domain::ids::{ContactId, SessionId};
use akashi_domain::outcome::limit;
use akashi_domain::records::Contact;
use akashi_domain::state::Records as _;
use akashi_merkle::SignedHead;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tonic::Status;

use super::desk::{Watcher, concerns};
use super::front::Front;
use super::replica::Replica;
use super::status::Refusal;
use crate::clock;
use crate::edge::Lease;
use crate::engine::{AppliedEntry, ReceiptError};

/// How long a desktop's stream waits for a lease before it is sent elsewhere.
const LEASELESS_MAX: Duration = Duration::from_secs(3);

/// One thing to say about a contact.
#[derive(Debug)]
pub(super) struct Change {
    /// The contact as it stands.
    pub(super) contact: Contact,
    /// The receipt of its verdict, once sealed.
    pub(super) receipt: Option<String>,
}

/// What was said last: whoever follows hears of a change of any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    /// Leaf of the verdict.
    verdict: Option<u64>,
    sealed: bool,
    blocked: bool,
    scope: u32,
    limits: u8,
    closed: bool,
}

/// A contact that is followed.
#[derive(Debug)]
pub(super) struct ContactWatch<R> {
    replica: R,
    tenant: u32,
    id: ContactId,
    /// Only for this desktop, if set.
    desk: Option<Watcher>,
    /// The session in which that desktop has the contact.
    session: Option<SessionId>,
    wait_sealed: bool,
    events: broadcast::Receiver<Arc<AppliedEntry>>,
    sealed: watch::Receiver<Option<Arc<SignedHead>>>,
    /// Until the contact is closed, not only until its verdict.
    until_closed: bool,
    said: Option<Said>,
    over: bool,
    /// This node's leave to speak to desktops.
    lease: Lease,
}

impl<R: Replica> ContactWatch<R> {
    /// Starts to follow a contact.
    pub(super) async fn open(
        front: &Front<R>,
        tenant: &str,
        id: ContactId,
        wait_sealed: bool,
        deadline: tokio::time::Instant,
    ) -> Result<Self, Refusal> {
        // Subscribed before the first look: whatever happens after it wakes the watch.
        let events = front.replica.subscribe();
        let sealed = front.replica.sealed();
        let found = front
            .find(deadline, |view| {
                let Some(tenant) = view.tenant(tenant)? else {
                    return Ok(None);
                };
                Ok(view.contact(tenant.number, id)?.map(|_| tenant.number))
            })
            .await?;
        let tenant = found.ok_or(Rejection::UnknownContact)?;
        Ok(Self {
            replica: front.replica.clone(),
            tenant,
            id,
            desk: None,
            session: None,
            wait_sealed,
            events,
            sealed,
            until_closed: false,
            said: None,
            over: false,
            lease: front.edge.lease().clone(),
        })
    }

    /// Follows for one desktop only, and as long as the contact may be shown there.
    pub(super) fn for_desk(mut self, desk: Watcher) -> Self {
        self.desk = Some(desk);
        self
    }

    /// Follows until the contact is closed, not only until its verdict.
    pub(super) fn until_closed(mut self) -> Self {
        self.until_closed = true;
        self
    }

    pub(super) const fn contact_id(&self) -> ContactId {
        self.id
    }

    /// Waits for the next thing to say; none after the last.
    async fn next(&mut self) -> Result<Option<Change>, Refusal> {
        loop {
            if self.over {
                return Ok(None);
            }
            // The lease first: what is read after it is at least as fresh as it says.
            if self.desk.is_some() && !self.lease.held(clock::runtime() + LEASELESS_MAX).await {
                return Err(Refusal::NoLeader);
            }
            let contact = self.look()?;
            if let Some(change) = self.change(contact)? {
                return Ok(Some(change));
            }
            if !self.over {
                self.wait().await?;
            }
        }
    }

    /// The contact as it stands, if it may be shown here.
    fn look(&mut self) -> Result<Contact, Refusal> {
        let view = self.replica.view();
        let contact = view
            .contact(self.tenant, self.id)?
            .ok_or(Rejection::UnknownContact)?;
        if let Some(desk) = self.desk {
            desk.check(&view, self.tenant, &contact)?;
            self.session = desk.hold(&contact).flatten();
        }
        Ok(contact)
    }

    /// The change, if there is one since the last.
    fn change(&mut self, contact: Contact) -> Result<Option<Change>, Refusal> {
        let receipt = match contact.verdict.map(|verdict| verdict.leaf) {
            None => None,
            Some(leaf) => match self.replica.receipt(leaf) {
                Ok(receipt) => Some(receipt.to_text()),
                Err(ReceiptError::NotSealed) => None,
                Err(
                    error @ (ReceiptError::UnknownLeaf
                    | ReceiptError::Incomplete
                    | ReceiptError::Storage),
                ) => {
                    return Err(error.into());
                }
            },
        };
        let told = contact.verdict.is_none() || receipt.is_some() || !self.wait_sealed;
        self.over = match self.until_closed {
            true => contact.closed && told,
            false => (contact.closed || contact.verdict.is_some()) && told,
        };
        let said = Said {
            verdict: contact.verdict.map(|verdict| verdict.leaf),
            sealed: receipt.is_some() && self.wait_sealed,
            blocked: contact.blocked,
            scope: contact.scope_shown,
            limits: limit::shown(contact.limits),
            // An agent's screen has no word for it.
            closed: contact.closed && self.desk.is_none(),
        };
        let news = self.said != Some(said);
        self.said = Some(said);
        Ok(news.then_some(Change { contact, receipt }))
    }

    /// Whether a seal would be news.
    fn waits_for_seal(&self) -> bool {
        let unsealed = |said: Said| said.verdict.is_some() && !said.sealed;
        self.wait_sealed && self.said.is_some_and(unsealed)
    }

    /// Waits for anything that may change what there is to say.
    async fn wait(&mut self) -> Result<(), Refusal> {
        let unsealed = self.waits_for_seal();
        loop {
            tokio::select! {
                entry = self.events.recv() => match entry {
                    Ok(entry) => {
                        let about = |recorded: &akashi_domain::apply::Recorded| {
                            recorded.event.tenant() == self.tenant
                                && (recorded.event.contact() == Some(self.id)
                                    || self.desk.is_some_and(|desk| {
                                        concerns(&recorded.event, desk.agent(), self.session)
                                    }))
                        };
                        if entry.events.iter().any(about) {
                            return Ok(());
                        }
                    }
                    Err(RecvError::Lagged(_)) => return Ok(()),
                    Err(RecvError::Closed) => return Err(Refusal::Stopping),
                },
                changed = self.sealed.changed(), if unsealed => {
                    return changed.map_err(|_closed| Refusal::Stopping);
                }
            }
        }
    }
}

/// The watch as a stream of messages; it ends after the last, or after a refusal.
pub(super) fn stream<R: Replica, T: 'static>(
    watch: ContactWatch<R>,
    say: impl Fn(Change) -> T + Send + 'static,
) -> BoxStream<'static, Result<T, Status>> {
    let changes = stream::unfold(Some(watch), |watch| async move {
        let mut watch = watch?;
        match watch.next().await {
            Ok(Some(change)) => Some((Ok(change), Some(watch))),
            Ok(None) => None,
            Err(refusal) => Some((Err(refusal.status()), None)),
        }
    });
    changes.map(move |change| change.map(&say)).boxed()
}
