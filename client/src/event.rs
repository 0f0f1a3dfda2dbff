//! The event catalogue as a reader of the log sees it: numbers and names.
//!
//! A number that this version does not know is shown as a number; the leaf is proved all the same.

/// Number of `device.enrolled`: one per enrolled phone.
pub const DEVICE_ENROLLED: u16 = 11;
/// Number of `challenge.issued`, whose statement hash a phone compares with its own context.
pub const CHALLENGE_ISSUED: u16 = 22;
/// Number of `verdict.reached`: what a receipt is usually about.
pub const VERDICT_REACHED: u16 = 33;
/// Extension column with the call reason shown to the customer (`u16`, big-endian).
pub const CALL_REASON_COLUMN: u16 = 1;
/// Extension column with who placed the call (1 customer, 2 centre).
pub const INITIATOR_COLUMN: u16 = 2;
/// Extension column with what a challenge is for: the purpose of the proof context (`u8`).
pub const PURPOSE_COLUMN: u16 = 11;
/// Extension column with how often the subject's PIN key was replaced (`u32`, big-endian).
pub const PIN_EPOCH_COLUMN: u16 = 12;
/// Extension column with the salted hash of an order (32 bytes).
pub const ORDER_HASH_COLUMN: u16 = 13;

/// The stable name of an event, or `event.<number>`.
#[must_use]
pub fn name(kind: u16) -> String {
    let known = match kind {
        1 => "cluster.founded",
        2 => "tenant.created",
        3 => "policy.activated",
        4 => "settings.changed",
        5 => "agent.registered",
        6 => "issuer.registered",
        7 => "issuer.revoked",
        8 => "sensor.registered",
        9 => "sensor.revoked",
        10 => "enrolment.opened",
        DEVICE_ENROLLED => "device.enrolled",
        12 => "enrolment.refused",
        13 => "enrolment.expired",
        14 => "device.revoked",
        15 => "pin.locked",
        16 => "pin.key_replaced",
        20 => "contact.announced",
        21 => "agent.bound",
        CHALLENGE_ISSUED => "challenge.issued",
        23 => "notice.opened",
        30 => "proof.refused",
        31 => "proof.held",
        32 => "challenge.consumed",
        VERDICT_REACHED => "verdict.reached",
        34 => "submission.duplicate",
        40 => "contact.closed",
        41 => "contact.processed",
        50 => "order.offered",
        51 => "order.approved",
        52 => "order.payload_expired",
        60 => "credential.registered",
        61 => "credential.refused",
        62 => "credential.revoked",
        65 => "template.enrolled",
        66 => "template.refused",
        67 => "template.revoked",
        70 => "agent_login.opened",
        other => return format!("event.{other}"),
    };
    known.to_owned()
}
