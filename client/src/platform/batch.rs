//! Several announcements in one call.

use akashi_proto::v1;
use akashi_proto::v1::announce_contact_result::Result as Which;
use akashi_proto::v1::platform_service_client::PlatformServiceClient;

use super::{Announced, Call, Details, Platform};
use crate::clock::Deadline;
use crate::error::Error;

/// Why one contact of several was not announced: what the call alone would have been refused with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The gRPC code.
    pub code: u32,
    /// The reason for software (docs/errors.md).
    pub reason: String,
    /// The text for people: names a field, never its value.
    pub message: String,
}

impl Platform {
    /// Announces up to 256 contacts in one call; the answers come in their order. Each has its own request
    /// id, so that a call that is sent again announces nothing twice.
    ///
    /// # Errors
    ///
    /// [`Error`] of the whole call, by what can be done about it.
    pub async fn announce_all(
        &self,
        calls: &[Call<'_>],
        deadline: Deadline,
    ) -> Result<Vec<Result<Announced, Refused>>, Error> {
        let mut ids = Vec::with_capacity(calls.len());
        let mut contacts = Vec::with_capacity(calls.len());
        for call in calls {
            let (id, message) = self.announcement(call, Details::default())?;
            ids.push(id);
            contacts.push(message);
        }
        let message = v1::AnnounceContactsRequest { contacts };
        let answer = self
            .connection
            .call(deadline, &message, |channel, request| async move {
                PlatformServiceClient::new(channel)
                    .announce_contacts(request)
                    .await
            })
            .await?;
        if answer.results.len() != ids.len() {
            return Err(Error::Answer { what: "results" });
        }
        let each = ids.into_iter().zip(answer.results);
        each.map(|(id, one)| match one.result {
            Some(Which::Announced(announced)) => Announced::of(id, &announced).map(Ok),
            Some(Which::Refused(refused)) => Ok(Err(Refused {
                code: refused.code,
                reason: refused.reason,
                message: refused.message,
            })),
            None => Err(Error::Answer { what: "result" }),
        })
        .collect()
    }
}
