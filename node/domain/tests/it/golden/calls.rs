//! The life of a call, retired policies and erasures: commands, facts and records, byte for byte.

use akashi_domain::command::{
    CallEvent, Command, EraseSubject, RecordLeg, ResumeContact, RetirePolicy, StepUp,
};
use akashi_domain::entry::encode;
use akashi_domain::event::{self, Event};
use akashi_domain::outcome::Outcome;
use akashi_domain::records::{History, LegState, Past};

use super::{AGENT, AGENT_TAG, CHALLENGE, CONTACT, STAMP, SUBJECT, TAG, TENANT};

pub(super) fn commands() -> Vec<(&'static str, Command)> {
    let tenant = || "retail".to_owned();
    vec![
        (
            "EraseSubject",
            Command::EraseSubject(EraseSubject {
                tenant: tenant(),
                subject: SUBJECT,
                reason: 9,
            }),
        ),
        (
            "StepUp",
            Command::StepUp(StepUp {
                tenant: tenant(),
                contact: CONTACT,
                policy: "standard".into(),
                subject_tag: TAG,
            }),
        ),
        (
            "ResumeContact",
            Command::ResumeContact(ResumeContact {
                tenant: tenant(),
                contact: CONTACT,
                queue: 3,
            }),
        ),
        (
            "RecordLeg",
            Command::RecordLeg(RecordLeg {
                tenant: tenant(),
                contact: CONTACT,
                event: CallEvent::Abandoned,
                queue: 3,
                agent: Some(AGENT),
                agent_tag: AGENT_TAG,
            }),
        ),
        (
            "RetirePolicy",
            Command::RetirePolicy(RetirePolicy {
                tenant: tenant(),
                policy: "standard".into(),
                version: 2,
            }),
        ),
    ]
}

pub(super) fn events() -> Vec<(&'static str, Event)> {
    let (tenant, contact, tag) = (TENANT, CONTACT, TAG);
    vec![
        (
            "ContactResumed",
            Event::ContactResumed(event::ContactResumed {
                tenant,
                contact,
                queue: 3,
                released: Some(AGENT),
                agent_tag: AGENT_TAG,
            }),
        ),
        (
            "LegChanged",
            Event::LegChanged(event::LegChanged {
                tenant,
                contact,
                event: CallEvent::Diverted,
                state: LegState::Ringing,
                queue: 3,
                agent_tag: AGENT_TAG,
            }),
        ),
        (
            "NoticeReminded",
            Event::NoticeReminded(event::NoticeReminded {
                tenant,
                challenge: CHALLENGE,
                contact,
                subject: SUBJECT,
                tag,
            }),
        ),
        (
            "StepUpAsked",
            Event::StepUpAsked(event::StepUpAsked {
                tenant,
                contact,
                step: 2,
                policy: "standard".into(),
                policy_version: 2,
                tag,
            }),
        ),
        (
            "SubjectErased",
            Event::SubjectErased(event::SubjectErased {
                tenant,
                subject: SUBJECT,
                reason: 9,
                evidence: 5,
                tag,
            }),
        ),
        (
            "PolicyRetired",
            Event::PolicyRetired(event::PolicyRetired {
                tenant,
                policy: "standard".into(),
                version: 2,
            }),
        ),
    ]
}

pub(super) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let past = Past {
        leaf: 42,
        decided: STAMP,
        outcome: Outcome::Expired,
        purpose: 1,
    };
    vec![("History", encode(&History { past: vec![past] }))]
}
