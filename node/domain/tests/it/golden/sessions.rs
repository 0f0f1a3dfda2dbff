//! Sessions and what needs a second person: commands, facts and records, byte for byte.

use akashi_domain::command::{
    AttestPosture, BreakGlass, Command, DecideUnmask, Desk, EndSession, LockAgent, ObserveContact,
    OpenSession, PublishRules, RequestUnmask, RestoreSession, RevokeAgentCertificate, UnlockAgent,
};
use akashi_domain::entry::encode;
use akashi_domain::event::{self, Event};
use akashi_domain::ids::{Digest, SessionId, Stamp, UnmaskId};
use akashi_domain::policy::PresenceRule;
use akashi_domain::records::{
    Agent, LoginLevel, Observer, Posture, PresenceState, Session, SessionState, Told, Unmask,
    UnmaskState, WorkRules,
};

use super::questions::LOGIN;
use super::{AGENT, AGENT_TAG, CONTACT, STAMP, SUBJECT, TAG, TENANT};

pub(super) const SESSION: SessionId = SessionId([0x5e; 16]);
const UNMASK: UnmaskId = UnmaskId([0x0b; 16]);
const CERTIFICATE: Digest = Digest([0xce; 32]);
const LATER: Stamp = Stamp(STAMP.0 + 1);

pub(super) fn observer() -> Observer {
    Observer {
        agent: AGENT,
        session: SESSION,
    }
}

pub(super) fn told() -> Told {
    Told {
        leaf: 7,
        at: STAMP,
        contact: CONTACT,
        fields: 5,
        until: LATER,
        break_glass: true,
    }
}

fn posture() -> Posture {
    Posture {
        bits: 0b101,
        attested: STAMP,
        until: LATER,
    }
}

pub(super) fn agent() -> Agent {
    Agent {
        certificate: CERTIFICATE,
        supervisor: true,
        locked: true,
        session: Some(SESSION),
        posture: Some(posture()),
        revoked: vec![Digest([0xcf; 32])],
    }
}

fn desk() -> Desk {
    Desk {
        tenant: "retail".into(),
        agent: AGENT,
        certificate: CERTIFICATE,
    }
}

fn request() -> RequestUnmask {
    RequestUnmask {
        desk: desk(),
        session: SESSION,
        contact: CONTACT,
        unmask: UNMASK,
        fields: 5,
        reason: 12,
    }
}

pub(super) fn commands() -> Vec<(&'static str, Command)> {
    let tenant = || "retail".to_owned();
    vec![
        (
            "OpenSession",
            Command::OpenSession(OpenSession {
                desk: desk(),
                session: SESSION,
                login: LOGIN,
                rules_version: 3,
            }),
        ),
        (
            "EndSession",
            Command::EndSession(EndSession {
                desk: desk(),
                session: SESSION,
            }),
        ),
        (
            "RestoreSession",
            Command::RestoreSession(RestoreSession {
                desk: desk(),
                session: SESSION,
                login: LOGIN,
            }),
        ),
        (
            "LockAgent",
            Command::LockAgent(LockAgent {
                tenant: tenant(),
                agent: AGENT,
                reason: 9,
            }),
        ),
        (
            "UnlockAgent",
            Command::UnlockAgent(UnlockAgent {
                tenant: tenant(),
                agent: AGENT,
                certificate: CERTIFICATE,
            }),
        ),
        (
            "RevokeAgentCertificate",
            Command::RevokeAgentCertificate(RevokeAgentCertificate {
                tenant: tenant(),
                agent: AGENT,
                certificate: CERTIFICATE,
                reason: 9,
            }),
        ),
        (
            "AttestPosture",
            Command::AttestPosture(AttestPosture {
                tenant: tenant(),
                agent: AGENT,
                bits: 0b101,
                attested: STAMP,
                until: LATER,
                key_id: Digest([0x1d; 32]),
                signature: [0x51; 64],
            }),
        ),
        (
            "PublishRules",
            Command::PublishRules(PublishRules {
                tenant: tenant(),
                version: 3,
                text: Digest([0x7e; 32]),
            }),
        ),
        (
            "ObserveContact",
            Command::ObserveContact(ObserveContact {
                desk: desk(),
                session: SESSION,
                contact: CONTACT,
            }),
        ),
        ("RequestUnmask", Command::RequestUnmask(request())),
        (
            "DecideUnmask",
            Command::DecideUnmask(DecideUnmask {
                desk: desk(),
                session: SESSION,
                contact: CONTACT,
                unmask: UNMASK,
                grant: true,
            }),
        ),
        (
            "BreakGlass",
            Command::BreakGlass(BreakGlass { request: request() }),
        ),
    ]
}

fn admission() -> event::Admission {
    event::Admission {
        certificate: CERTIFICATE,
        login: LOGIN,
        level: LoginLevel::Face,
        policy: "login".into(),
        policy_version: 2,
        presence_rule: PresenceRule::default(),
        expires: LATER,
        training: true,
        posture: 0b101,
        posture_until: LATER,
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "a list; splitting it would hide what is missing"
)]
pub(super) fn events() -> Vec<(&'static str, Event)> {
    let (tenant, contact, agent_tag) = (TENANT, CONTACT, AGENT_TAG);
    let (session, certificate) = (SESSION, CERTIFICATE);
    vec![
        (
            "AgentReleased",
            Event::AgentReleased(event::AgentReleased {
                tenant,
                contact,
                session,
                agent_tag,
                reason: 125,
            }),
        ),
        (
            "BindingRefused",
            Event::BindingRefused(event::BindingRefused {
                tenant,
                contact,
                agent_tag,
                reason: 128,
            }),
        ),
        (
            "SupervisorJoined",
            Event::SupervisorJoined(event::SupervisorJoined {
                tenant,
                contact,
                agent: AGENT,
                session,
                agent_tag,
            }),
        ),
        (
            "UnmaskRequested",
            Event::UnmaskRequested(event::UnmaskRequested {
                tenant,
                contact,
                unmask: UNMASK,
                agent: AGENT,
                session,
                agent_tag,
                fields: 5,
                reason: 12,
                break_glass: true,
            }),
        ),
        (
            "UnmaskDecided",
            Event::UnmaskDecided(event::UnmaskDecided {
                tenant,
                contact,
                subject: SUBJECT,
                tag: TAG,
                unmask: UNMASK,
                decided_by: Some(AGENT),
                agent_tag,
                fields: 5,
                until: LATER,
                reason: 0,
                break_glass: false,
            }),
        ),
        (
            "SessionOpened",
            Event::SessionOpened(event::SessionOpened {
                tenant,
                session,
                agent: AGENT,
                agent_tag,
                admission: admission(),
                rules_version: 3,
            }),
        ),
        (
            "SessionRefused",
            Event::SessionRefused(event::SessionRefused {
                tenant,
                session,
                login: LOGIN,
                certificate,
                agent_tag,
                reason: 120,
            }),
        ),
        (
            "SessionEnded",
            Event::SessionEnded(event::SessionEnded {
                tenant,
                session,
                agent_tag,
                reason: 133,
            }),
        ),
        (
            "SessionSuspended",
            Event::SessionSuspended(event::SessionSuspended {
                tenant,
                session,
                agent_tag,
                reason: 125,
            }),
        ),
        (
            "SessionRestored",
            Event::SessionRestored(event::SessionRestored {
                tenant,
                session,
                agent_tag,
                admission: admission(),
            }),
        ),
        (
            "AgentLocked",
            Event::AgentLocked(event::AgentLocked {
                tenant,
                agent: AGENT,
                agent_tag,
                reason: 9,
            }),
        ),
        (
            "AgentUnlocked",
            Event::AgentUnlocked(event::AgentUnlocked {
                tenant,
                agent: AGENT,
                agent_tag,
                certificate,
            }),
        ),
        (
            "AgentCertificateRevoked",
            Event::AgentCertificateRevoked(event::AgentCertificateRevoked {
                tenant,
                agent: AGENT,
                agent_tag,
                certificate,
                reason: 9,
            }),
        ),
        (
            "PostureAttested",
            Event::PostureAttested(event::PostureAttested {
                tenant,
                agent: AGENT,
                agent_tag,
                posture: posture(),
                key_id: Digest([0x1d; 32]),
            }),
        ),
        (
            "RulesPublished",
            Event::RulesPublished(event::RulesPublished {
                tenant,
                version: 3,
                text: Digest([0x7e; 32]),
            }),
        ),
    ]
}

pub(super) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let session = Session {
        agent: AGENT,
        agent_tag: AGENT_TAG,
        certificate: CERTIFICATE,
        login: LOGIN,
        level: LoginLevel::Alternative,
        policy: "login".into(),
        policy_version: 2,
        presence_rule: PresenceRule::default(),
        opened: STAMP,
        expires: LATER,
        state: SessionState::Suspended,
        presence: PresenceState::Other,
        contacts: vec![CONTACT],
        training: true,
        posture: 0b101,
        posture_until: LATER,
        rules_version: 3,
        edge: 2,
    };
    let rules = WorkRules {
        version: 3,
        text: Digest([0x7e; 32]),
        published: STAMP,
    };
    let unmask = Unmask {
        agent: AGENT,
        session: SESSION,
        fields: 5,
        reason: 12,
        break_glass: true,
        state: UnmaskState::Granted,
        decided_by: Some(AGENT),
        until: LATER,
        leaf: 7,
    };
    vec![
        ("Session", encode(&session)),
        ("WorkRules", encode(&rules)),
        ("Unmask", encode(&unmask)),
    ]
}
