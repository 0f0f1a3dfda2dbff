//! Requests about members to commands, one function each.

use akashi_domain::command::{AddMember, Command, PromoteMember, RemoveMember};
use akashi_domain::records::is_address;
use akashi_merkle::CosignerKey;
use akashi_proto::v1;

use super::{Malformed, array, name};

/// `AddMember`.
///
/// # Errors
///
/// [`Malformed`].
pub fn add_member(request: v1::AddMemberRequest) -> Result<Command, Malformed> {
    let id = member_id(request.member_id)?;
    let node = name(request.name, "name")?;
    let cosigner = array(&request.cosigner, "cosigner")?;
    CosignerKey::new(&node, &cosigner).map_err(|_unusable| Malformed { field: "cosigner" })?;
    Ok(Command::AddMember(AddMember {
        id,
        name: node,
        site: name(request.site, "site")?,
        peer_address: address(request.peer_address, "peer_address")?,
        client_address: address(request.client_address, "client_address")?,
        cosigner,
    }))
}

/// `PromoteMember`.
///
/// # Errors
///
/// [`Malformed`].
pub fn promote_member(request: &v1::PromoteMemberRequest) -> Result<Command, Malformed> {
    let id = member_id(request.member_id)?;
    Ok(Command::PromoteMember(PromoteMember { id }))
}

/// `RemoveMember`.
///
/// # Errors
///
/// [`Malformed`].
pub fn remove_member(request: &v1::RemoveMemberRequest) -> Result<Command, Malformed> {
    let id = member_id(request.member_id)?;
    Ok(Command::RemoveMember(RemoveMember { id }))
}

const fn member_id(id: u64) -> Result<u64, Malformed> {
    if id == 0 {
        return Err(Malformed { field: "member_id" });
    }
    Ok(id)
}

fn address(text: String, field: &'static str) -> Result<String, Malformed> {
    if is_address(&text) {
        Ok(text)
    } else {
        Err(Malformed { field })
    }
}
