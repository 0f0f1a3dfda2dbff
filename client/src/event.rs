//! The event catalogue as a reader of the log sees it: numbers and names.
//!
//! A number that this version does not know is shown as a number; the leaf is proved all the same.

pub mod columns;
pub mod json;

/// Number of `tenant.created`: a tenant's number and its name.
pub const TENANT_CREATED: u16 = 2;
/// Number of `device.enrolled`: one per enrolled phone.
pub const DEVICE_ENROLLED: u16 = 11;
/// Number of `challenge.issued`, whose statement hash a phone compares with its own context.
pub const CHALLENGE_ISSUED: u16 = 22;
/// Number of `proof.held`, which names what the proof rests on.
pub const PROOF_HELD: u16 = 31;
/// Extension column with the issuers' keys that a proof rests on: the first eight bytes of each id.
pub const ISSUERS_COLUMN: u16 = 68;
/// Extension column with the credentials that a proof rests on: the first eight bytes of each digest.
pub const CREDENTIALS_COLUMN: u16 = 69;
/// Number of `verdict.reached`: what a receipt is usually about.
pub const VERDICT_REACHED: u16 = 33;
/// Number of `unmask.decided`, which a customer is told about.
pub const UNMASK_DECIDED: u16 = 48;
/// Number of `order.approved`: what a processor asks for.
pub const ORDER_APPROVED: u16 = 51;
/// Number of `order.executed`.
pub const ORDER_EXECUTED: u16 = 54;
/// Number of `total.proved`.
pub const TOTAL_PROVED: u16 = 56;
/// Extension column with a name (UTF-8): of a tenant, a policy, a cluster.
pub const NAME_COLUMN: u16 = 4;
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
/// Extension column with a stamp: the end of something (`u64`, big-endian microseconds).
pub const UNTIL_COLUMN: u16 = 8;
/// Extension column with an order's id (16 bytes).
pub const ORDER_COLUMN: u16 = 14;
/// Extension column with the digest of a sealed payload (32 bytes).
pub const SEALED_DIGEST_COLUMN: u16 = 21;
/// Extension column with the tenant's number of a campaign (`u32`, big-endian).
pub const CAMPAIGN_COLUMN: u16 = 53;
/// Extension column with the number of an executed order, or of a period's last (`u64`, big-endian).
pub const ORDER_NUMBER_COLUMN: u16 = 81;
/// Extension column with the commitment to an order's amount (32 bytes).
pub const AMOUNT_COLUMN: u16 = 82;
/// Extension column with a campaign's running sum (32 bytes).
pub const AMOUNT_SUM_COLUMN: u16 = 83;
/// Extension column with the number of a period's first order (`u64`, big-endian).
pub const PERIOD_FIRST_COLUMN: u16 = 84;
/// Extension column with the sum of a period (32 bytes).
pub const PERIOD_SUM_COLUMN: u16 = 85;

/// Most that an event number of this version can be: what [`named`] looks through.
const NUMBERS_LOOKED_AT: u16 = 256;

/// The names of all events that this version knows, in the order of their numbers.
pub fn named() -> impl Iterator<Item = String> {
    (0..NUMBERS_LOOKED_AT).filter_map(|kind| {
        let name = name(kind);
        (name != format!("event.{kind}")).then_some(name)
    })
}

/// The stable name of an event, or `event.<number>`.
#[must_use]
pub fn name(kind: u16) -> String {
    let known = match kind {
        1 => "cluster.founded",
        TENANT_CREATED => "tenant.created",
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
        17 => "delegation.granted",
        18 => "delegation.revoked",
        19 => "opt_out.changed",
        20 => "contact.announced",
        21 => "agent.bound",
        CHALLENGE_ISSUED => "challenge.issued",
        23 => "notice.opened",
        24 => "contact.blocked",
        25 => "risk.attached",
        26 => "fallback.used",
        27 => "contact.resumed",
        28 => "leg.changed",
        29 => "agent.released",
        30 => "proof.refused",
        PROOF_HELD => "proof.held",
        32 => "challenge.consumed",
        VERDICT_REACHED => "verdict.reached",
        34 => "submission.duplicate",
        35 => "duress.signalled",
        36 => "wrong_party.said",
        37 => "notice.reminded",
        38 => "step_up.asked",
        39 => "binding.refused",
        40 => "contact.closed",
        41 => "contact.processed",
        42 => "subject.erased",
        43 => "policy.retired",
        44 => "state.marked",
        45 => "state.digest_recorded",
        46 => "supervisor.joined",
        47 => "unmask.requested",
        UNMASK_DECIDED => "unmask.decided",
        50 => "order.offered",
        ORDER_APPROVED => "order.approved",
        52 => "order.payload_expired",
        53 => "order.opened",
        ORDER_EXECUTED => "order.executed",
        55 => "order.refused",
        TOTAL_PROVED => "total.proved",
        60 => "credential.registered",
        61 => "credential.refused",
        62 => "credential.revoked",
        65 => "template.enrolled",
        66 => "template.refused",
        67 => "template.revoked",
        70 => "agent_login.opened",
        71 => "session.opened",
        72 => "session.refused",
        73 => "session.ended",
        74 => "session.suspended",
        75 => "session.restored",
        76 => "presence.changed",
        77 => "presence.summarised",
        78 => "agent.locked",
        79 => "agent.unlocked",
        80 => "agent.certificate_revoked",
        81 => "posture.attested",
        82 => "rules.published",
        83 => "member.added",
        84 => "member.promoted",
        85 => "member.removed",
        86 => "member.met",
        90 => "session_settings.changed",
        91 => "notice.delivered",
        92 => "notice.failed",
        other => return format!("event.{other}"),
    };
    known.to_owned()
}
