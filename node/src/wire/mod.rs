//! Between the published language and the domain's: parses fields, names the one that does not parse.
//!
//! Nothing is decided here, and no value of a field is ever repeated. Handles of people end here: what
//! goes on is a hash bound to the tenant.

mod command;
mod customer;
mod handle;
mod life;
mod member;
mod phone;
mod policy;
mod presence;
mod processor;
mod session;
mod view;

pub use command::{
    announce_contact, bind_agent, bootstrap, close_contact, create_tenant, offer_order,
    open_agent_login, open_enrolment, put_policy, put_settings, register_agent, register_issuer,
    register_sensor, revoke_credential, revoke_device, revoke_issuer, revoke_sensor,
    revoke_template,
};
pub use customer::{
    attach_risk, grant_delegation, record_fallback, report_notice, revoke_delegation, risk,
    set_opt_out,
};
pub use life::{erase_subject, report_contact_event, resume_contact, retire_policy, step_up};
pub use member::{add_member, promote_member, remove_member};
pub use phone::{
    answer_notice, complete_enrolment, enrol_template, held, register_credential,
    submission_digest, submit_proof,
};
pub use policy::say as policy_view;
pub use presence::{rule_action, sample_class};
pub use processor::{
    campaign, execute_order, open_order, opened_order, order_execution, prove_total,
};
pub use session::{
    attest_posture, break_glass, decide_unmask, end_session, lock_agent, observe_contact,
    open_session, presence_state, publish_rules, request_unmask, restore_session,
    revoke_agent_certificate, screen_action, session, session_id, session_state, unlock_agent,
    unmask_id, unmask_state,
};
pub use view::{
    agent_view, as_of, enrolment, leg, limits_shown, match_words, notice, notice_state, outcome,
    placement, settings, stage, told, verdict,
};

use akashi_domain::ids::{
    AgentHash, ChallengeId, ContactId, EnrolmentId, LoginId, OrderId, RequestId, SubjectHash, Tag,
};
use akashi_domain::policy::is_name;
use akashi_proto::v1;
use akashi_proto::v1::phone_hello::Who;
use handle::is_handle;

/// A field that does not parse. The value is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is not acceptable")]
pub struct Malformed {
    /// The field's name, as in the `.proto` file.
    pub field: &'static str,
}

/// A request id: the 16 bytes of a `UUIDv7` (RFC 9562 §5.7).
///
/// # Errors
///
/// [`Malformed`] if it is something else.
pub fn request_id(bytes: &[u8]) -> Result<RequestId, Malformed> {
    let id: [u8; 16] = array(bytes, "request_id")?;
    let [.., version, _, variant, _, _, _, _, _, _, _] = id;
    if version >> 4 == 7 && variant >> 6 == 0b10 {
        Ok(RequestId(id))
    } else {
        Err(Malformed {
            field: "request_id",
        })
    }
}

/// A customer's handle, as a hash bound to the tenant.
///
/// # Errors
///
/// [`Malformed`] if it is no handle, or looks like a telephone number or an e-mail address.
pub fn subject(tenant: &str, handle: &str) -> Result<SubjectHash, Malformed> {
    if is_handle(handle) {
        Ok(SubjectHash::of(tenant, handle))
    } else {
        Err(Malformed { field: "subject" })
    }
}

/// An agent's handle, as a hash bound to the tenant.
///
/// # Errors
///
/// [`Malformed`], as for [`subject`].
pub fn agent(tenant: &str, handle: &str) -> Result<AgentHash, Malformed> {
    if is_handle(handle) {
        Ok(AgentHash::of(tenant, handle))
    } else {
        Err(Malformed { field: "agent" })
    }
}

/// Whose phone says hello.
///
/// # Errors
///
/// [`Malformed`], as for [`subject`] and [`agent`].
pub fn hello(hello: &v1::PhoneHello) -> Result<SubjectHash, Malformed> {
    match &hello.who {
        Some(Who::Subject(handle)) => subject(&hello.tenant, handle),
        Some(Who::Agent(handle)) => Ok(agent(&hello.tenant, handle)?.as_subject()),
        None => Err(Malformed { field: "subject" }),
    }
}

/// A contact's id.
///
/// # Errors
///
/// [`Malformed`] if it has not 16 bytes, or all of them are zero.
pub fn contact_id(bytes: &[u8]) -> Result<ContactId, Malformed> {
    Ok(ContactId(id16(bytes, "contact_id")?))
}

/// A challenge's id.
///
/// # Errors
///
/// [`Malformed`] if it has not 16 bytes, or all of them are zero.
pub fn challenge_id(bytes: &[u8]) -> Result<ChallengeId, Malformed> {
    Ok(ChallengeId(id16(bytes, "challenge_id")?))
}

/// An enrolment's id.
///
/// # Errors
///
/// [`Malformed`] if it has not 16 bytes, or all of them are zero.
pub fn enrolment_id(bytes: &[u8]) -> Result<EnrolmentId, Malformed> {
    Ok(EnrolmentId(id16(bytes, "enrolment_id")?))
}

/// An order's id.
///
/// # Errors
///
/// [`Malformed`] if it has not 16 bytes, or all of them are zero.
pub fn order_id(bytes: &[u8]) -> Result<OrderId, Malformed> {
    Ok(OrderId(id16(bytes, "order_id")?))
}

/// The id of an agent's login.
///
/// # Errors
///
/// [`Malformed`] if it has not 16 bytes, or all of them are zero.
pub fn login_id(bytes: &[u8]) -> Result<LoginId, Malformed> {
    Ok(LoginId(id16(bytes, "login_id")?))
}

/// A field of exactly `N` bytes.
///
/// # Errors
///
/// [`Malformed`] if it has another length.
pub fn array<const N: usize>(bytes: &[u8], field: &'static str) -> Result<[u8; N], Malformed> {
    bytes
        .try_into()
        .map_err(|_other_length| Malformed { field })
}

fn id16(bytes: &[u8], field: &'static str) -> Result<[u8; 16], Malformed> {
    let id = array(bytes, field)?;
    if id == [0; 16] {
        Err(Malformed { field })
    } else {
        Ok(id)
    }
}

fn tag(bytes: &[u8], field: &'static str) -> Result<Tag, Malformed> {
    if bytes.is_empty() {
        Ok(Tag::ZERO)
    } else {
        array(bytes, field).map(Tag)
    }
}

fn code(number: u32, field: &'static str) -> Result<u16, Malformed> {
    u16::try_from(number).map_err(|_too_large| Malformed { field })
}

/// The name of a tenant, a policy, an issuer, a schema or a model: what can never be one, or could be
/// dialled, stops here.
fn name(text: String, field: &'static str) -> Result<String, Malformed> {
    if is_name(&text) && !handle::names_a_telephone(&text) {
        Ok(text)
    } else {
        Err(Malformed { field })
    }
}

fn byte(number: u32, field: &'static str) -> Result<u8, Malformed> {
    u8::try_from(number).map_err(|_too_large| Malformed { field })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_a_version_seven_uuid() {
        let mut id = [0xff; 16];
        (id[6], id[8]) = (0x7f, 0xbf);
        assert!(request_id(&id).is_ok());
        for (byte, value) in [(6, 0x4f), (8, 0x3f), (8, 0xff)] {
            let mut other = id;
            other[byte] = value;
            assert_eq!(
                request_id(&other),
                Err(Malformed {
                    field: "request_id"
                })
            );
        }
        assert!(request_id(&id[..15]).is_err());
        assert!(request_id(&[]).is_err());
    }

    #[test]
    fn the_same_handle_of_two_tenants_gives_two_hashes() {
        assert_ne!(
            subject("a", "cust-0001").unwrap(),
            subject("b", "cust-0001").unwrap()
        );
    }

    #[test]
    fn zeros_are_no_id() {
        assert!(contact_id(&[0; 16]).is_err());
        assert!(challenge_id(&[0; 16]).is_err());
        assert!(contact_id(&[1; 16]).is_ok());
    }
}
