//! What every service shares: the caller, the way to the replica, and fresh enough reads.

use std::sync::Arc;
use std::time::Duration;

use akashi_domain::answer::{Answer, Placement, Rejection, Reply};
use akashi_domain::command::{Command, Request};
use akashi_domain::ids::{ClientId, RequestId, Stamp};
use akashi_domain::kv::Fault;
use akashi_domain::records::{Cluster, Progress, Tenant};
use akashi_domain::state::Records as _;
use akashi_proto::v1;

use super::limits::Deadline;
use super::replica::Replica;
use super::status::Refusal;
use crate::clock;
use crate::config::Config;
use crate::edge::Edge;
use crate::net::{Identity, Peer};

/// Added to a command's last moment: clocks of the cluster agree within half a second.
const NOT_AFTER_SLACK: Duration = Duration::from_secs(1);

/// One call: by whom, and until when.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) peer: Peer,
    pub(super) deadline: tokio::time::Instant,
}

impl Call {
    /// Takes the call from the request that the door let through.
    pub(super) fn of<T>(request: &tonic::Request<T>) -> Result<Self, Refusal> {
        let peer = request
            .extensions()
            .get::<Peer>()
            .ok_or(Refusal::Internal)?
            .clone();
        let Deadline(deadline) = *request
            .extensions()
            .get::<Deadline>()
            .ok_or(Refusal::Internal)?;
        Ok(Self { peer, deadline })
    }

    /// The name under which request ids are remembered: zeros for phones.
    fn client(&self) -> ClientId {
        self.peer
            .identity
            .as_ref()
            .map_or(ClientId::ZERO, |who| ClientId::of(&who.path()))
    }

    /// Checks that a platform speaks for the tenant it names, or that an operator speaks, who runs the
    /// cluster for all of them.
    pub(super) fn of_tenant_or_operator(&self, tenant: &str) -> Result<(), Refusal> {
        match &self.peer.identity {
            Some(Identity::Operator { .. }) => Ok(()),
            Some(
                Identity::Platform { .. }
                | Identity::Agent { .. }
                | Identity::Processor { .. }
                | Identity::Auditor { .. }
                | Identity::Node { .. },
            )
            | None => self.of_tenant(tenant),
        }
    }

    /// Checks that a platform speaks for the tenant it names. Another tenant's name and one that
    /// does not exist look alike.
    pub(super) fn of_tenant(&self, tenant: &str) -> Result<(), Refusal> {
        match &self.peer.identity {
            Some(Identity::Platform { tenant: own, .. }) if own == tenant => Ok(()),
            Some(
                Identity::Platform { .. }
                | Identity::Agent { .. }
                | Identity::Processor { .. }
                | Identity::Operator { .. }
                | Identity::Auditor { .. }
                | Identity::Node { .. },
            )
            | None => Err(Rejection::UnknownTenant.into()),
        }
    }
}

impl Call {
    /// Checks that a platform or a processor speaks for the tenant it names: both may have the openings
    /// of its orders.
    pub(super) fn of_summer(&self, tenant: &str) -> Result<(), Refusal> {
        self.of_tenant(tenant)
            .or_else(|_not_a_platform| self.recipient(tenant).map(drop))
    }

    /// The key of a processor that speaks for its own tenant.
    pub(super) fn recipient(&self, tenant: &str) -> Result<[u8; 32], Refusal> {
        match &self.peer.identity {
            Some(Identity::Processor {
                tenant: own,
                recipient,
            }) if own == tenant => Ok(*recipient),
            Some(
                Identity::Platform { .. }
                | Identity::Agent { .. }
                | Identity::Processor { .. }
                | Identity::Operator { .. }
                | Identity::Auditor { .. }
                | Identity::Node { .. },
            )
            | None => Err(Rejection::UnknownTenant.into()),
        }
    }
}

/// The replica, the edge, and what this node is called.
#[derive(Debug)]
pub(super) struct Front<R> {
    pub(super) replica: R,
    pub(super) edge: Edge<R>,
    pub(super) config: Arc<Config>,
}

impl<R: Clone> Clone for Front<R> {
    fn clone(&self) -> Self {
        Self {
            replica: self.replica.clone(),
            edge: self.edge.clone(),
            config: Arc::clone(&self.config),
        }
    }
}

impl<R: Replica> Front<R> {
    pub(super) const fn new(replica: R, config: Arc<Config>, edge: Edge<R>) -> Self {
        Self {
            replica,
            edge,
            config,
        }
    }

    /// Cluster time as well as this node knows it: stamps stand still while nothing is decided, so
    /// the machine's clock helps them along. Good for deadlines, never for decisions.
    pub(super) fn now(&self) -> Stamp {
        self.replica.progress().stamp.max(Stamp(clock::unix_us()))
    }

    /// Has a command decided and says where it stands and what came of it.
    pub(super) async fn command(
        &self,
        call: &Call,
        id: RequestId,
        command: Command,
    ) -> Result<(Placement, Reply), Refusal> {
        let left = clock::left_until(call.deadline).saturating_add(NOT_AFTER_SLACK);
        let left_us = u64::try_from(left.as_micros()).unwrap_or(u64::MAX);
        let not_after = self.now().after_us(left_us);
        let request = Request {
            id,
            client: call.client(),
            not_after,
            command,
        };
        let Answer { placement, result } = self.replica.propose(request, call.deadline).await?;
        let reply = result?;
        // Recorded; and never an answer that somebody could take for a permission.
        if let Reply::Denied { reason } = reply {
            return Err(Refusal::Denied(reason));
        }
        Ok((placement, reply))
    }

    /// Looks something up in the state, and once more after catching up if it is not there: this
    /// node may lag behind the one that answered the caller before.
    pub(super) async fn find<T>(
        &self,
        deadline: tokio::time::Instant,
        look: impl Fn(&R::View) -> Result<Option<T>, Fault>,
    ) -> Result<Option<T>, Refusal> {
        let found = look(&self.replica.view())?;
        if found.is_some() {
            return Ok(found);
        }
        self.replica.read_index(deadline).await?;
        Ok(look(&self.replica.view())?)
    }

    /// Brings the state up to what the reader asks for, and says how far that is.
    pub(super) async fn freshen(
        &self,
        call: &Call,
        read: Option<v1::ReadOptions>,
    ) -> Result<(Progress, bool), Refusal> {
        let read = read.unwrap_or_default();
        if read.min_log_index > 0 {
            self.replica
                .wait_applied(read.min_log_index, call.deadline)
                .await?;
        }
        if read.stale {
            return Ok((self.replica.progress(), true));
        }
        Ok((self.replica.read_index(call.deadline).await?, false))
    }

    /// The cluster and a tenant, if both are known.
    pub(super) fn tenant(view: &R::View, name: &str) -> Result<Option<(Cluster, Tenant)>, Fault> {
        Ok(view.cluster()?.zip(view.tenant(name)?))
    }

    /// The status of a refusal, as of now.
    pub(super) fn refuse(&self, refusal: Refusal) -> tonic::Status {
        refusal.status_at(self.now())
    }
}
