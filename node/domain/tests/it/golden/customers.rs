//! What is said of customers besides calls: its commands, facts and records, byte for byte.

use akashi_domain::command::{
    AttachRisk, Command, GrantDelegation, RecordFallback, RevokeDelegation, SetOptOut,
};
use akashi_domain::entry::encode;
use akashi_domain::event::{self, Event};
use akashi_domain::ids::SubjectHash;
use akashi_domain::records::{Delegation, FallbackKind, Risk};

use super::{AGENT_TAG, CHALLENGE, CONTACT, STAMP, SUBJECT, TAG, TENANT};

const DELEGATE: SubjectHash = SubjectHash([0x5d; 32]);
const RISK: Risk = Risk {
    sim_age: 1,
    line_type: 2,
    flags: 3,
    attestation: 0,
};

pub(super) fn commands() -> Vec<(&'static str, Command)> {
    let tenant = || "retail".to_owned();
    vec![
        (
            "SetOptOut",
            Command::SetOptOut(SetOptOut {
                tenant: tenant(),
                subject: SUBJECT,
                until: STAMP,
                subject_tag: TAG,
            }),
        ),
        (
            "GrantDelegation",
            Command::GrantDelegation(GrantDelegation {
                tenant: tenant(),
                principal: SUBJECT,
                delegate: DELEGATE,
                scope: 5,
                until: STAMP,
                principal_tag: TAG,
                delegate_tag: AGENT_TAG,
            }),
        ),
        (
            "RevokeDelegation",
            Command::RevokeDelegation(RevokeDelegation {
                tenant: tenant(),
                principal: SUBJECT,
                delegate: DELEGATE,
            }),
        ),
        (
            "AttachRisk",
            Command::AttachRisk(AttachRisk {
                tenant: tenant(),
                contact: CONTACT,
                risk: RISK,
            }),
        ),
        (
            "RecordFallback",
            Command::RecordFallback(RecordFallback {
                tenant: tenant(),
                contact: CONTACT,
                kind: FallbackKind::Knowledge,
                passed: true,
            }),
        ),
    ]
}

pub(super) fn events() -> Vec<(&'static str, Event)> {
    let (tenant, contact, challenge, tag) = (TENANT, CONTACT, CHALLENGE, TAG);
    vec![
        (
            "DelegationGranted",
            Event::DelegationGranted(event::DelegationGranted {
                tenant,
                principal: SUBJECT,
                delegate: DELEGATE,
                scope: 5,
                until: STAMP,
                tag,
                delegate_tag: AGENT_TAG,
            }),
        ),
        (
            "DelegationRevoked",
            Event::DelegationRevoked(event::DelegationRevoked {
                tenant,
                principal: SUBJECT,
                delegate: DELEGATE,
                tag,
                delegate_tag: AGENT_TAG,
            }),
        ),
        (
            "OptOutChanged",
            Event::OptOutChanged(event::OptOutChanged {
                tenant,
                contact,
                subject: SUBJECT,
                until: STAMP,
                tag,
            }),
        ),
        (
            "ContactBlocked",
            Event::ContactBlocked(event::ContactBlocked {
                tenant,
                contact,
                subject: SUBJECT,
                frozen_until: STAMP,
                tag,
            }),
        ),
        (
            "RiskAttached",
            Event::RiskAttached(event::RiskAttached {
                tenant,
                contact,
                subject: SUBJECT,
                risk: RISK,
                scope: 15,
                limits: 2,
                tag,
            }),
        ),
        (
            "FallbackUsed",
            Event::FallbackUsed(event::FallbackUsed {
                tenant,
                contact,
                kind: FallbackKind::OfflineCode,
                passed: true,
                agent_tag: AGENT_TAG,
                tag,
            }),
        ),
        (
            "DuressSignalled",
            Event::DuressSignalled(event::DuressSignalled {
                tenant,
                challenge,
                contact,
                scope: 15,
                tag,
            }),
        ),
        (
            "WrongParty",
            Event::WrongParty(event::WrongParty {
                tenant,
                challenge,
                contact,
                subject: SUBJECT,
                tag,
            }),
        ),
    ]
}

pub(super) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let delegation = Delegation {
        scope: 5,
        until: STAMP,
        granted: STAMP,
        leaf: 9,
        tag: TAG,
        delegate_tag: AGENT_TAG,
    };
    vec![("Delegation", encode(&delegation))]
}
