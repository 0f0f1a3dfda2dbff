//! When a decision is in force on every node.

use std::time::Duration;

use akashi_presence::ENFORCED_US;
use akashi_proto::v1;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::Status;

use super::front::{Call, Front};
use super::replica::Replica;
use super::status::Refusal;
use crate::clock;

/// Waits for the entry to be decided, then says so and how it comes into force.
pub(super) async fn open<R: Replica>(
    front: &Front<R>,
    call: &Call,
    log_index: u64,
) -> Result<BoxStream<'static, Result<v1::AwaitEnforcedResponse, Status>>, Refusal> {
    let began = clock::runtime();
    let by_all = front.replica.applied_by_all();
    front.replica.wait_applied(log_index, call.deadline).await?;
    // Decided now at the latest: no lease from before can outlive this moment by more than the bound.
    let bound = clock::runtime() + Duration::from_micros(ENFORCED_US);
    let say = move |enforcement: v1::Enforcement| v1::AwaitEnforcedResponse {
        enforcement: enforcement.into(),
        log_index,
        waited_ms: u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX),
    };
    let revoked = stream::once(async move { Ok(say(v1::Enforcement::Revoked)) });
    let enforced = stream::once(async move { Ok(say(in_force(by_all, log_index, bound).await)) });
    Ok(revoked.chain(enforced).boxed())
}

async fn in_force(
    mut by_all: watch::Receiver<u64>,
    log_index: u64,
    bound: Instant,
) -> v1::Enforcement {
    let applied = async {
        let reached = by_all
            .wait_for(|applied| *applied >= log_index)
            .await
            .is_ok();
        if !reached {
            // Nobody will say more: the bound decides.
            std::future::pending::<()>().await;
        }
    };
    match tokio::time::timeout_at(bound, applied).await {
        Ok(()) => v1::Enforcement::AllApplied,
        Err(_elapsed) => v1::Enforcement::LeaseBound,
    }
}
