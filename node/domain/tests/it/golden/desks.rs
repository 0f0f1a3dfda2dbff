//! What came to sessions and reports later: commands, facts and records, byte for byte.

use akashi_domain::command::{
    Command, Delivery, PresenceCause, PutPolicy, PutSessionSettings, ReportNotice, ReportPresence,
    SessionPresence,
};
use akashi_domain::entry::encode;
use akashi_domain::event::{self, Event};
use akashi_domain::ids::SessionId;
use akashi_domain::policy::{AgentRule, PolicyBody, PolicyPurpose, UnmaskRule};
use akashi_domain::records::{PresenceState, Refusals, Reported, Sent, SessionSettings};

use super::sessions::SESSION;
use super::{AGENT_TAG, CHALLENGE, CONTACT, STAMP, TAG, TENANT, settings};
use crate::world::body;

pub(super) const SESSIONS: SessionSettings = SessionSettings {
    refusals_per_hour: 13,
};

/// A login with named issuers, with and without a rule to unmask behind them.
fn named(unmask: Option<UnmaskRule>) -> PolicyBody {
    PolicyBody {
        purpose: PolicyPurpose::AgentLogin,
        agents: AgentRule {
            posture: 5,
            posture_issuers: vec!["bureau".into(), "health".into()],
            unmask,
            ..AgentRule::default()
        },
        ..body()
    }
}

pub(super) fn commands() -> Vec<(&'static str, Command)> {
    let put = |unmask| {
        Command::PutPolicy(PutPolicy {
            tenant: "retail".into(),
            policy: "login".into(),
            body: named(unmask),
        })
    };
    vec![
        (
            "PutSessionSettings",
            Command::PutSessionSettings(PutSessionSettings {
                settings: settings(),
                sessions: SESSIONS,
            }),
        ),
        ("PutPolicy-posture-issuers", put(None)),
        (
            "PutPolicy-posture-issuers-unmask",
            put(Some(UnmaskRule {
                fields: 9,
                ttl_s: 10,
                break_glass: true,
            })),
        ),
        (
            "ReportPresence-unseen",
            Command::ReportPresence(ReportPresence {
                node: 2,
                sessions: vec![SessionPresence {
                    tenant: TENANT,
                    session: SESSION,
                    state: PresenceState::Unseen,
                    cause: PresenceCause::Samples,
                }],
            }),
        ),
        (
            "ReportNotice",
            Command::ReportNotice(ReportNotice {
                tenant: "retail".into(),
                challenge: CHALLENGE,
                delivery: Delivery::Failed,
                reason: 7,
            }),
        ),
    ]
}

pub(super) fn events() -> Vec<(&'static str, Event)> {
    vec![
        (
            "SessionSettingsChanged",
            Event::SessionSettingsChanged(event::SessionSettingsChanged { settings: SESSIONS }),
        ),
        (
            "AgentReleased-without-session",
            Event::AgentReleased(event::AgentReleased {
                tenant: TENANT,
                contact: CONTACT,
                session: SessionId::ZERO,
                agent_tag: AGENT_TAG,
                reason: 125,
            }),
        ),
        (
            "PresenceChanged-unseen",
            Event::PresenceChanged(event::PresenceChanged {
                tenant: TENANT,
                session: SESSION,
                agent_tag: AGENT_TAG,
                node: 2,
                from: PresenceState::Unseen,
                to: PresenceState::Present,
                cause: PresenceCause::Samples,
            }),
        ),
        (
            "NoticeDelivered",
            Event::NoticeDelivered(event::NoticeDelivered {
                tenant: TENANT,
                challenge: CHALLENGE,
                contact: CONTACT,
                reason: 0,
                tag: TAG,
            }),
        ),
        (
            "NoticeFailed",
            Event::NoticeFailed(event::NoticeFailed {
                tenant: TENANT,
                challenge: CHALLENGE,
                contact: CONTACT,
                reason: 7,
                tag: TAG,
            }),
        ),
    ]
}

pub(super) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let refusals = Refusals {
        recorded: vec![STAMP],
    };
    let reported = Reported {
        at: STAMP,
        frozen_until: STAMP,
    };
    let sent = Sent {
        delivered: true,
        failures: 2,
    };
    vec![
        ("SessionSettings", encode(&SESSIONS)),
        ("Refusals", encode(&refusals)),
        ("Reported", encode(&reported)),
        ("Sent", encode(&sent)),
    ]
}
