//! Between the published language and the domain's: parses fields, names the one that does not parse.
//!
//! Nothing is decided here, and no value of a field is ever repeated. Handles of people end here: what
//! goes on is a hash bound to the tenant.

mod command;
mod phone;
mod policy;
mod session;
mod view;

pub use command::{
    announce_contact, bind_agent, bootstrap, close_contact, create_tenant, offer_order,
    open_agent_login, open_enrolment, put_policy, put_settings, register_agent, register_issuer,
    register_sensor, revoke_credential, revoke_device, revoke_issuer, revoke_sensor,
    revoke_template,
};
pub use phone::{
    answer_notice, complete_enrolment, enrol_template, register_credential, submit_proof,
};
pub use policy::say as policy_view;
pub use session::{
    attest_posture, break_glass, decide_unmask, end_session, lock_agent, observe_contact,
    open_session, presence_state, publish_rules, request_unmask, restore_session,
    revoke_agent_certificate, screen_action, session, session_id, session_state, unlock_agent,
    unmask_id, unmask_state,
};
pub use view::{
    agent_view, as_of, enrolment, notice, outcome, placement, settings, stage, told, verdict,
};

use akashi_domain::ids::{
    AgentHash, ChallengeId, ContactId, EnrolmentId, LoginId, OrderId, RequestId, SubjectHash, Tag,
};
use akashi_domain::policy::is_name;
use akashi_proto::v1;
use akashi_proto::v1::phone_hello::Who;

/// A field that does not parse. The value is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is not acceptable")]
pub struct Malformed {
    /// The field's name, as in the `.proto` file.
    pub field: &'static str,
}

/// Shortest handle: below that, all of them can be listed.
const HANDLE_CHARS_MIN: usize = 8;
/// Longest handle: a UUID with a prefix.
const HANDLE_CHARS_MAX: usize = 64;
/// Digits from which a handle of digits and separators looks like a telephone number.
const TELEPHONE_DIGITS_MIN: usize = 9;

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

/// The name of a tenant, a policy, an issuer, a schema or a model: what can never be one stops here.
fn name(text: String, field: &'static str) -> Result<String, Malformed> {
    if is_name(&text) {
        Ok(text)
    } else {
        Err(Malformed { field })
    }
}

fn byte(number: u32, field: &'static str) -> Result<u8, Malformed> {
    u8::try_from(number).map_err(|_too_large| Malformed { field })
}

/// Whether `text` is an opaque handle: long enough, of plain characters, and not what people are
/// called by. An `@` is no plain character, so e-mail addresses fall out.
fn is_handle(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let length = text.len();
    if !(HANDLE_CHARS_MIN..=HANDLE_CHARS_MAX).contains(&length) || !text.bytes().all(plain) {
        return false;
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    letters > 0 || digits < TELEPHONE_DIGITS_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_that_people_are_called_by_are_refused() {
        for handle in [
            "cust-000001",
            "a1b2c3d4",
            "550e8400-e29b-41d4-a716-446655440000",
            "12345678",
        ] {
            assert!(is_handle(handle), "{handle}");
        }
        for handle in [
            "",
            "short",
            "1234567",
            "090-1234-5678",
            "0312345678",
            "49.30.1234567",
            "taro@example.jp",
            "taro yamada",
            "山田太郎-12345",
            "cust-0001\0",
            &"x".repeat(65),
        ] {
            assert!(!is_handle(handle), "{handle:?}");
        }
    }

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
