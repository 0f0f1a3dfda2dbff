//! Presence: commands and facts, byte for byte.

use akashi_domain::command::{
    Command, PresenceCause, PresenceSummary, ReportPresence, SessionPresence,
};
use akashi_domain::event::{self, Event};
use akashi_domain::ids::{Digest, Stamp};
use akashi_domain::records::PresenceState;

use super::sessions::SESSION;
use super::{AGENT_TAG, STAMP, TENANT};

const LATER: Stamp = Stamp(STAMP.0 + 30_000_000);

pub(super) fn commands() -> Vec<(&'static str, Command)> {
    let line = |state, cause| SessionPresence {
        tenant: TENANT,
        session: SESSION,
        state,
        cause,
    };
    vec![
        (
            "ReportPresence",
            Command::ReportPresence(ReportPresence {
                node: 2,
                sessions: vec![
                    line(PresenceState::Present, PresenceCause::Attached),
                    line(PresenceState::Other, PresenceCause::Samples),
                ],
            }),
        ),
        (
            "PresenceSummary",
            Command::PresenceSummary(PresenceSummary {
                node: 2,
                from: STAMP,
                until: LATER,
                sessions: 3,
                heartbeats: 18,
                root: Digest([0x3e; 32]),
            }),
        ),
    ]
}

pub(super) fn events() -> Vec<(&'static str, Event)> {
    vec![
        (
            "PresenceChanged",
            Event::PresenceChanged(event::PresenceChanged {
                tenant: TENANT,
                session: SESSION,
                agent_tag: AGENT_TAG,
                node: 2,
                from: PresenceState::Present,
                to: PresenceState::CameraLost,
                cause: PresenceCause::Silence,
            }),
        ),
        (
            "PresenceSummarised",
            Event::PresenceSummarised(event::PresenceSummarised {
                node: 2,
                from: STAMP,
                until: LATER,
                sessions: 3,
                heartbeats: 18,
                root: Digest([0x3e; 32]),
            }),
        ),
    ]
}
