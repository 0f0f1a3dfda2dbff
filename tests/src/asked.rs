//! One question to one phone, as the tests of real processes ask it again and again.

use akashi_client::phone::{CheckedNotice, Session};
use akashi_client::{Call, Deadline, Error, Initiator, Phone, Platform};

use crate::real::ACT;

/// A contact with the notice that its phone got.
#[derive(Debug)]
pub struct Asked {
    /// The contact.
    pub contact_id: [u8; 16],
    /// The question.
    pub challenge_id: [u8; 16],
    /// What the phone shows, checked.
    pub notice: CheckedNotice,
}

/// A call of `subject` under `policy`.
#[must_use]
pub const fn call<'a>(subject: &'a str, policy: &'a str) -> Call<'a> {
    Call {
        subject,
        initiator: Initiator::Customer,
        policy,
        call_reason: 1,
        agent: None,
        queue: 0,
        campaign: 0,
    }
}

/// Announces a call and waits for its notice.
///
/// # Errors
///
/// [`Error`] of the platform or the phone; [`Error::Refused`] if the contact ended at once.
pub async fn ask(
    platform: &Platform,
    phone: &Phone,
    session: &mut Session,
    policy: &str,
) -> Result<Asked, Error> {
    let announced = platform
        .announce(&call(phone.subject(), policy), Deadline::after(ACT))
        .await?;
    if announced.outcome.is_some() {
        return Err(Error::Refused {
            outcome: "the contact ended at once",
        });
    }
    let notice = phone
        .notice_of(session, &announced.challenge_id, Deadline::after(ACT))
        .await?;
    Ok(Asked {
        contact_id: announced.contact_id,
        challenge_id: announced.challenge_id,
        notice,
    })
}
