//! Gates and supervisors: the sessions of a tenant's agents as they stand and as they change, and when a
//! lock is in force everywhere.
//!
//! A gate (a VPN, a virtual desktop, a CRM) lets a session through while the newest word about it allows
//! it, and nobody once it has heard nothing for as long as the last lease.

use std::time::Duration;

use akashi_proto::v1;
use akashi_proto::v1::cluster_service_client::ClusterServiceClient;
use akashi_proto::v1::platform_service_client::PlatformServiceClient;

use super::words::Cause;
use crate::agent::{Presence, ScreenAction};
use crate::answer::id16;
use crate::auditor::Flow;
use crate::clock::Deadline;
use crate::connection::Connection;
use crate::error::Error;
use crate::operator::Operator;
use crate::platform::{Heard, Platform, next_step, reopen_pause};

/// A session as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionNews {
    /// The session.
    pub session_id: [u8; 16],
    /// The agent: [`crate::tag::agent_hash`] of the handle.
    pub agent: [u8; 32],
    /// Not over.
    pub open: bool,
    /// Nothing is shown until a fresh login.
    pub suspended: bool,
    /// Who sits there.
    pub presence: Presence,
    /// What its screen does.
    pub action: ScreenAction,
    /// Why the presence changed, if that is the news.
    pub cause: Option<Cause>,
    /// Why it was suspended or ended, if that is the news; zero otherwise.
    pub reason: u16,
    /// Raft index of the change; zero for what stood before.
    pub log_index: u64,
}

/// What a watcher of sessions hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateWord {
    /// A session that changed, or stood when the stream was opened; none if only the lease is renewed.
    pub news: Option<SessionNews>,
    /// How long this may be relied on.
    pub lease: Duration,
    /// Every session that stood was said.
    pub complete: bool,
}

/// How a decision came into force everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InForce {
    /// Every node has applied it.
    AllApplied,
    /// A node did not say so, but no leave to speak from before can be running any more.
    LeaseBound,
}

impl InForce {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AllApplied => "all_applied",
            Self::LeaseBound => "lease_bound",
        }
    }
}

impl Platform {
    /// Follows the sessions of the tenant, or one of them, until `hear` has heard enough. After a broken
    /// stream everything that stands is said again, by another node.
    ///
    /// # Errors
    ///
    /// [`Error::DeadlineExceeded`], or what another node would say as well.
    pub async fn watch_sessions(
        &self,
        session: Option<[u8; 16]>,
        deadline: Deadline,
        mut hear: impl FnMut(GateWord) -> Flow,
    ) -> Result<(), Error> {
        let message = v1::WatchSessionsRequest {
            tenant: self.tenant().to_owned(),
            session_id: session.map(|id| id.to_vec()).unwrap_or_default().into(),
        };
        loop {
            let mut stream = self
                .connection()
                .open(deadline, &message, |channel, request| async move {
                    PlatformServiceClient::new(channel)
                        .watch_sessions(request)
                        .await
                })
                .await?;
            while let Heard::Step(step) = next_step(&mut stream, deadline).await? {
                let word = GateWord {
                    news: step.change.as_ref().map(news).transpose()?,
                    lease: Duration::from_millis(u64::from(step.lease_ms)),
                    complete: step.complete,
                };
                if hear(word) == Flow::Stop {
                    return Ok(());
                }
            }
            self.connection().avoid_preferred();
            reopen_pause(deadline).await?;
        }
    }

    /// Waits until the entry `log_index` (of a lock, a revocation) is in force on every node.
    ///
    /// # Errors
    ///
    /// [`Error::DeadlineExceeded`]: give it more than the ten seconds that a cut-off node may go on for.
    pub async fn await_enforced(
        &self,
        log_index: u64,
        deadline: Deadline,
    ) -> Result<InForce, Error> {
        await_enforced(self.connection(), log_index, deadline).await
    }
}

impl Operator {
    /// As [`Platform::await_enforced`].
    ///
    /// # Errors
    ///
    /// As [`Platform::await_enforced`].
    pub async fn await_enforced(
        &self,
        log_index: u64,
        deadline: Deadline,
    ) -> Result<InForce, Error> {
        await_enforced(self.connection(), log_index, deadline).await
    }
}

async fn await_enforced(
    connection: &Connection,
    log_index: u64,
    deadline: Deadline,
) -> Result<InForce, Error> {
    let message = v1::AwaitEnforcedRequest { log_index };
    loop {
        let mut stream = connection
            .open(deadline, &message, |channel, request| async move {
                ClusterServiceClient::new(channel)
                    .await_enforced(request)
                    .await
            })
            .await?;
        while let Heard::Step(step) = next_step(&mut stream, deadline).await? {
            match v1::Enforcement::try_from(step.enforcement) {
                Ok(v1::Enforcement::Revoked) => {}
                Ok(v1::Enforcement::AllApplied) => return Ok(InForce::AllApplied),
                Ok(v1::Enforcement::LeaseBound) => return Ok(InForce::LeaseBound),
                Ok(v1::Enforcement::Unspecified) | Err(_) => {
                    return Err(Error::Answer {
                        what: "enforcement",
                    });
                }
            }
        }
        connection.avoid_preferred();
        reopen_pause(deadline).await?;
    }
}

fn news(change: &v1::SessionChange) -> Result<SessionNews, Error> {
    let agent = change.agent.as_ref().try_into();
    Ok(SessionNews {
        session_id: id16(&change.session_id, "session_id")?,
        agent: agent.map_err(|_width| Error::Answer { what: "agent" })?,
        open: change.open,
        suspended: change.suspended,
        presence: Presence::from_number(change.presence)?,
        action: ScreenAction::from_number(change.action),
        cause: Cause::from_number(change.cause)?,
        reason: u16::try_from(change.reason).map_err(|_wide| Error::Answer { what: "reason" })?,
        log_index: change.log_index,
    })
}
