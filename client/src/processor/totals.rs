//! What a campaign's orders cost together, asked of the cluster by whoever has their openings.

use akashi_merkle::KeySet;
use akashi_proof::{CommitmentSum, SumOpening};
use akashi_proto::v1;
use akashi_proto::v1::processor_service_client::ProcessorServiceClient;

use crate::answer::bytes32;
use crate::clock::Deadline;
use crate::connection::Connection;
use crate::error::Error;
use crate::order::ProvedTotal;
use crate::request_id::RequestId;

/// Milliseconds between two looks whether a total is sealed.
const LOOK_MS: u64 = 50;

/// What is known of a campaign's sum, as one node says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignState {
    /// Executed orders so far, numbered from 1.
    pub orders: u64,
    /// The sum of their commitments.
    pub sum: CommitmentSum,
    /// Number of the last order whose total was proved; zero if none was.
    pub proved: u64,
    /// The receipt of the last proof, once sealed; empty before.
    pub receipt: String,
}

pub(crate) async fn campaign_state(
    connection: &Connection,
    tenant: &str,
    campaign: u32,
    deadline: Deadline,
) -> Result<CampaignState, Error> {
    let message = v1::GetCampaignRequest {
        tenant: tenant.to_owned(),
        campaign,
        read: None,
    };
    let answer = connection
        .call(deadline, &message, |channel, request| async move {
            ProcessorServiceClient::new(channel)
                .get_campaign(request)
                .await
        })
        .await?;
    let sum = CommitmentSum::from_bytes(&bytes32(&answer.sum, "sum")?);
    Ok(CampaignState {
        orders: answer.orders,
        sum: sum.map_err(|_not_a_point| Error::Answer { what: "sum" })?,
        proved: answer.proved,
        receipt: answer.receipt,
    })
}

/// Proves the total of the orders `first` to `through` of a campaign, and waits for the sealed receipt.
pub(crate) async fn prove_total(
    connection: &Connection,
    (tenant, keys): (&str, &KeySet),
    (campaign, first, through): (u32, u64, u64),
    opening: &SumOpening,
    deadline: Deadline,
) -> Result<ProvedTotal, Error> {
    let message = v1::ProveTotalRequest {
        request_id: RequestId::fresh()?.to_vec().into(),
        tenant: tenant.to_owned(),
        campaign,
        through,
        total: opening.total(),
        blinding: opening.blinding().to_vec().into(),
    };
    connection
        .call(deadline, &message, |channel, request| async move {
            ProcessorServiceClient::new(channel)
                .prove_total(request)
                .await
        })
        .await?;
    loop {
        let state = campaign_state(connection, tenant, campaign, deadline).await?;
        if state.proved == through && !state.receipt.is_empty() {
            let total = ProvedTotal::new(opening, state.receipt);
            let checked = total.check(keys)?;
            if (checked.campaign, checked.first, checked.through) != (campaign, first, through) {
                return Err(Error::integrity("the receipt is about another period"));
            }
            return Ok(total);
        }
        if state.proved > through {
            return Err(Error::Answer {
                what: "a later period was proved meanwhile",
            });
        }
        let pause = std::time::Duration::from_millis(LOOK_MS);
        if deadline.remaining() <= pause {
            return Err(Error::DeadlineExceeded);
        }
        tokio::time::sleep(pause).await;
    }
}
