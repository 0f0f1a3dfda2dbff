//! Several announcements in one call: one message and one answer for what would be as many calls. Each is
//! a command of its own, with its own request id; the leader packs them into one entry if they fit.

use akashi_proto::v1;
use akashi_proto::v1::announce_contact_result::Result as Which;
use futures::future::join_all;
use tonic::Request;

use super::Asked;
use crate::api::front::{Call, Front};
use crate::api::replica::Replica;
use crate::api::status::Refusal;
use crate::wire::{self, Malformed};

/// Contacts of one call: four times what fills an entry well, and within the largest message.
const CONTACTS_MAX: usize = 256;

/// Has all of them decided, and waits for the last.
pub(super) async fn announce<R: Replica>(
    front: &Front<R>,
    request: Request<v1::AnnounceContactsRequest>,
) -> Result<v1::AnnounceContactsResponse, Refusal> {
    let call = Call::of(&request)?;
    let contacts = request.into_inner().contacts;
    if contacts.is_empty() || contacts.len() > CONTACTS_MAX {
        return Err(Malformed { field: "contacts" }.into());
    }
    let one_by_one = contacts
        .into_iter()
        .map(|contact| one(front, &call, contact));
    let results = join_all(one_by_one).await;
    let result = |which| v1::AnnounceContactResult {
        result: Some(which),
    };
    let results = results
        .into_iter()
        .map(|announced| result(announced.map_or_else(refused, Which::Announced)))
        .collect();
    Ok(v1::AnnounceContactsResponse { results })
}

async fn one<R: Replica>(
    front: &Front<R>,
    call: &Call,
    message: v1::AnnounceContactRequest,
) -> Result<v1::AnnounceContactResponse, Refusal> {
    call.of_tenant(&message.tenant)?;
    let id = wire::request_id(&message.request_id)?;
    let command = wire::announce_contact(message)?;
    let (placement, reply) = front.command(call, id, command).await?;
    let asked = Asked::of((wire::placement(&placement), reply));
    asked
        .map(Asked::announced)
        .map_err(|_another_reply| Refusal::Internal)
}

fn refused(refusal: Refusal) -> Which {
    Which::Refused(v1::AnnounceContactRefusal {
        code: u32::try_from(i32::from(refusal.code())).unwrap_or_default(),
        reason: refusal.reason().to_owned(),
        message: refusal.text(),
    })
}
