//! The history of key sets, as everybody may see it.

use akashi_domain::answer::Rejection;
use akashi_proto::v1;

use super::replica::Replica;
use super::status::Refusal;

/// Changes of one answer: a few hundred kilobytes.
const CHANGES_PER_ANSWER_MAX: usize = 64;

/// A page of the history of key sets.
pub(super) fn key_history<R: Replica>(
    replica: &R,
    from_size: u64,
) -> Result<v1::GetKeySetHistoryResponse, Refusal> {
    let (history, more) = replica
        .key_history(from_size, CHANGES_PER_ANSWER_MAX)?
        .ok_or(Rejection::NotFounded)?;
    Ok(v1::GetKeySetHistoryResponse {
        history: history.to_text(),
        more,
    })
}
