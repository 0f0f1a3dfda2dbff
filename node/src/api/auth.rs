//! Who may call what: one table, and what is not in it is refused.

use crate::net::{Identity, Peer};

use super::limits::{MESSAGE_BYTES_MAX, SUBMISSION_BYTES_MAX};
use super::status::Refusal;

/// What a caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// No client certificate: a phone, or anybody.
    Anyone,
    /// A contact-centre platform of one tenant.
    Platform,
    /// An agent of one tenant.
    Agent,
    /// A processor of orders of one tenant.
    Processor,
    /// Someone who runs the cluster.
    Operator,
    /// Someone who checks the log.
    Auditor,
    /// A replica: it has its own port, and no business on this one.
    Node,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Anyone,
        Self::Platform,
        Self::Agent,
        Self::Processor,
        Self::Operator,
        Self::Auditor,
        Self::Node,
    ];

    /// The role of a caller.
    ///
    /// # Errors
    ///
    /// [`Refusal::CertificateUnusable`] if there is a certificate that names nobody: it is not
    /// taken for no certificate.
    pub const fn of(peer: &Peer) -> Result<Self, Refusal> {
        match (&peer.identity, &peer.certificate_sha256) {
            (None, None) => Ok(Self::Anyone),
            (None, Some(_)) => Err(Refusal::CertificateUnusable),
            (Some(Identity::Platform { .. }), _) => Ok(Self::Platform),
            (Some(Identity::Agent { .. }), _) => Ok(Self::Agent),
            (Some(Identity::Processor { .. }), _) => Ok(Self::Processor),
            (Some(Identity::Operator { .. }), _) => Ok(Self::Operator),
            (Some(Identity::Auditor { .. }), _) => Ok(Self::Auditor),
            (Some(Identity::Node { .. }), _) => Ok(Self::Node),
        }
    }
}

/// How messages flow in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// One request, one answer.
    Unary,
    /// One request, many answers.
    Answers,
    /// Many of both.
    Both,
}

/// One method and who may call it.
#[derive(Clone, Copy, Debug)]
pub struct Rpc {
    /// Its path.
    pub path: &'static str,
    /// How messages flow.
    pub flow: Flow,
    /// Who may call it.
    pub roles: &'static [Role],
    /// Whether a fenced or stopping node still answers.
    pub always: bool,
    /// Largest request in bytes.
    pub bytes_max: usize,
}

const fn rpc(path: &'static str, flow: Flow, roles: &'static [Role]) -> Rpc {
    Rpc {
        path,
        flow,
        roles,
        always: false,
        bytes_max: MESSAGE_BYTES_MAX,
    }
}

const fn always(path: &'static str, flow: Flow, roles: &'static [Role]) -> Rpc {
    Rpc {
        always: true,
        ..rpc(path, flow, roles)
    }
}

const fn large(path: &'static str, flow: Flow, roles: &'static [Role]) -> Rpc {
    Rpc {
        bytes_max: SUBMISSION_BYTES_MAX,
        ..rpc(path, flow, roles)
    }
}

const PLATFORM: &[Role] = &[Role::Platform];
const PHONE: &[Role] = &[Role::Anyone];
const AGENT: &[Role] = &[Role::Agent];
const OPERATOR: &[Role] = &[Role::Operator];
const AUDITOR: &[Role] = &[Role::Auditor];
const READERS: &[Role] = &[Role::Auditor, Role::Operator];
const STAFFING: &[Role] = &[Role::Platform, Role::Operator];
const PROCESSOR: &[Role] = &[Role::Processor];
const SUMMERS: &[Role] = &[Role::Platform, Role::Processor];
const CERTIFIED: &[Role] = &[
    Role::Platform,
    Role::Agent,
    Role::Processor,
    Role::Operator,
    Role::Auditor,
];

const EVERYBODY: &[Role] = &[
    Role::Anyone,
    Role::Platform,
    Role::Agent,
    Role::Processor,
    Role::Operator,
    Role::Auditor,
];

/// Every method of the client port.
pub static RPCS: &[Rpc] = &[
    rpc(
        "/akashi.v1.PlatformService/AnnounceContact",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/AnnounceContacts",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/OpenEnrolment",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/BindAgent",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/ReportContactEvent",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/ResumeContact",
        Flow::Unary,
        PLATFORM,
    ),
    rpc("/akashi.v1.PlatformService/StepUp", Flow::Unary, PLATFORM),
    rpc(
        "/akashi.v1.PlatformService/EraseSubject",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/CloseContact",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/RevokeDevice",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/RevokeCredential",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/RevokeTemplate",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/OfferOrder",
        Flow::Unary,
        PLATFORM,
    ),
    rpc("/akashi.v1.PlatformService/GetOrder", Flow::Unary, PLATFORM),
    rpc(
        "/akashi.v1.PlatformService/OpenAgentLogin",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/GetAgentLogin",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/ReportNotice",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/AttachRisk",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/RecordFallback",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/SetOptOut",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/GrantDelegation",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/RevokeDelegation",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/GetContact",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/WatchContact",
        Flow::Answers,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/WatchSessions",
        Flow::Answers,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/LockAgent",
        Flow::Unary,
        STAFFING,
    ),
    rpc(
        "/akashi.v1.PlatformService/UnlockAgent",
        Flow::Unary,
        STAFFING,
    ),
    rpc(
        "/akashi.v1.PlatformService/RevokeAgentCertificate",
        Flow::Unary,
        STAFFING,
    ),
    rpc(
        "/akashi.v1.PlatformService/AttestPosture",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/GetProcessingReceipt",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/FindProcessed",
        Flow::Unary,
        PLATFORM,
    ),
    rpc(
        "/akashi.v1.PlatformService/PublishRules",
        Flow::Unary,
        STAFFING,
    ),
    rpc("/akashi.v1.PlatformService/GetAgent", Flow::Unary, PLATFORM),
    rpc(
        "/akashi.v1.PlatformService/GetStatementPart",
        Flow::Unary,
        PLATFORM,
    ),
    rpc("/akashi.v1.PhoneService/GetEnrolment", Flow::Unary, PHONE),
    rpc(
        "/akashi.v1.PhoneService/CompleteEnrolment",
        Flow::Unary,
        PHONE,
    ),
    rpc(
        "/akashi.v1.PhoneService/RegisterCredential",
        Flow::Unary,
        PHONE,
    ),
    rpc("/akashi.v1.PhoneService/EnrolTemplate", Flow::Unary, PHONE),
    rpc("/akashi.v1.PhoneService/WatchNotices", Flow::Both, PHONE),
    large("/akashi.v1.PhoneService/SubmitProof", Flow::Unary, PHONE),
    rpc("/akashi.v1.PhoneService/AnswerNotice", Flow::Unary, PHONE),
    rpc("/akashi.v1.AgentService/WatchVerdict", Flow::Answers, AGENT),
    rpc("/akashi.v1.AgentService/KeepPresence", Flow::Both, AGENT),
    rpc("/akashi.v1.AgentService/OpenSession", Flow::Unary, AGENT),
    rpc("/akashi.v1.AgentService/EndSession", Flow::Unary, AGENT),
    rpc("/akashi.v1.AgentService/RestoreSession", Flow::Unary, AGENT),
    rpc("/akashi.v1.AgentService/GetSession", Flow::Unary, AGENT),
    rpc("/akashi.v1.AgentService/ObserveContact", Flow::Unary, AGENT),
    rpc("/akashi.v1.AgentService/RequestUnmask", Flow::Unary, AGENT),
    rpc("/akashi.v1.AgentService/BreakGlass", Flow::Unary, AGENT),
    rpc("/akashi.v1.AgentService/DecideUnmask", Flow::Unary, AGENT),
    rpc("/akashi.v1.AgentService/GetUnmask", Flow::Unary, AGENT),
    rpc(
        "/akashi.v1.ProcessorService/WatchOrders",
        Flow::Answers,
        PROCESSOR,
    ),
    rpc(
        "/akashi.v1.ProcessorService/OpenOrder",
        Flow::Unary,
        PROCESSOR,
    ),
    rpc(
        "/akashi.v1.ProcessorService/ExecuteOrder",
        Flow::Unary,
        PROCESSOR,
    ),
    rpc(
        "/akashi.v1.ProcessorService/GetOrderExecution",
        Flow::Unary,
        PROCESSOR,
    ),
    rpc(
        "/akashi.v1.ProcessorService/GetCampaign",
        Flow::Unary,
        SUMMERS,
    ),
    rpc(
        "/akashi.v1.ProcessorService/ProveTotal",
        Flow::Unary,
        SUMMERS,
    ),
    rpc("/akashi.v1.AuditService/GetHead", Flow::Unary, READERS),
    rpc("/akashi.v1.AuditService/GetLeaf", Flow::Unary, READERS),
    rpc("/akashi.v1.AuditService/GetReceipt", Flow::Unary, READERS),
    rpc(
        "/akashi.v1.AuditService/GetConsistency",
        Flow::Unary,
        READERS,
    ),
    rpc("/akashi.v1.AuditService/Tail", Flow::Answers, READERS),
    rpc("/akashi.v1.AuditService/GetEvidence", Flow::Unary, AUDITOR),
    rpc("/akashi.v1.ClusterService/Bootstrap", Flow::Unary, OPERATOR),
    rpc(
        "/akashi.v1.ClusterService/CreateTenant",
        Flow::Unary,
        OPERATOR,
    ),
    rpc("/akashi.v1.ClusterService/PutPolicy", Flow::Unary, OPERATOR),
    rpc(
        "/akashi.v1.ClusterService/RetirePolicy",
        Flow::Unary,
        OPERATOR,
    ),
    rpc(
        "/akashi.v1.ClusterService/RegisterAgent",
        Flow::Unary,
        OPERATOR,
    ),
    rpc(
        "/akashi.v1.ClusterService/RegisterIssuer",
        Flow::Unary,
        OPERATOR,
    ),
    rpc(
        "/akashi.v1.ClusterService/RevokeIssuer",
        Flow::Unary,
        OPERATOR,
    ),
    rpc(
        "/akashi.v1.ClusterService/RegisterSensor",
        Flow::Unary,
        OPERATOR,
    ),
    rpc(
        "/akashi.v1.ClusterService/RevokeSensor",
        Flow::Unary,
        OPERATOR,
    ),
    rpc(
        "/akashi.v1.ClusterService/PutSettings",
        Flow::Unary,
        OPERATOR,
    ),
    always(
        "/akashi.v1.ClusterService/GetNodeStatus",
        Flow::Unary,
        OPERATOR,
    ),
    rpc(
        "/akashi.v1.ClusterService/GetKeySet",
        Flow::Unary,
        CERTIFIED,
    ),
    rpc(
        "/akashi.v1.ClusterService/GetKeySetHistory",
        Flow::Unary,
        EVERYBODY,
    ),
    rpc("/akashi.v1.ClusterService/AddMember", Flow::Unary, OPERATOR),
    rpc(
        "/akashi.v1.ClusterService/PromoteMember",
        Flow::Unary,
        OPERATOR,
    ),
    rpc(
        "/akashi.v1.ClusterService/RemoveMember",
        Flow::Unary,
        OPERATOR,
    ),
    rpc(
        "/akashi.v1.ClusterService/TransferLeader",
        Flow::Unary,
        OPERATOR,
    ),
    rpc(
        "/akashi.v1.ClusterService/AwaitEnforced",
        Flow::Answers,
        STAFFING,
    ),
    always("/grpc.health.v1.Health/Check", Flow::Unary, &Role::ALL),
    always("/grpc.health.v1.Health/Watch", Flow::Answers, &Role::ALL),
    rpc(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        Flow::Both,
        &Role::ALL,
    ),
    rpc(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        Flow::Both,
        &Role::ALL,
    ),
];

/// The row of a path.
#[must_use]
pub fn find(path: &str) -> Option<&'static Rpc> {
    RPCS.iter().find(|rpc| rpc.path == path)
}

/// Decides whether `peer` may call `rpc`.
///
/// # Errors
///
/// [`Refusal::CertificateMissing`], [`Refusal::CertificateUnusable`] or [`Refusal::RoleNotAllowed`].
pub fn allow(rpc: &Rpc, peer: &Peer) -> Result<Role, Refusal> {
    let role = Role::of(peer)?;
    if rpc.roles.contains(&role) {
        return Ok(role);
    }
    Err(match role {
        Role::Anyone => Refusal::CertificateMissing,
        Role::Platform
        | Role::Agent
        | Role::Processor
        | Role::Operator
        | Role::Auditor
        | Role::Node => Refusal::RoleNotAllowed,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;

    use super::*;

    #[test]
    fn the_table_has_a_row_for_every_method_and_no_other() {
        let set = prost_types::FileDescriptorSet::decode(akashi_proto::DESCRIPTORS).unwrap();
        let mut published = BTreeSet::new();
        for file in set.file.iter().filter(|file| file.package() == "akashi.v1") {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/akashi.v1.{}/{}", service.name(), method.name());
                    let flow = match (method.client_streaming(), method.server_streaming()) {
                        (false, false) => Flow::Unary,
                        (false, true) => Flow::Answers,
                        (true, _) => Flow::Both,
                    };
                    let row = find(&path).unwrap_or_else(|| panic!("no row for {path}"));
                    assert_eq!(row.flow, flow, "{path}");
                    assert!(!row.roles.is_empty(), "{path}");
                    published.insert(path);
                }
            }
        }
        for row in RPCS.iter().filter(|row| row.path.starts_with("/akashi.")) {
            assert!(
                published.contains(row.path),
                "{} is not published",
                row.path
            );
        }
    }

    /// Written out by hand, so that a slip in the table is not repeated here.
    #[test]
    fn every_role_may_call_exactly_its_own_methods() {
        for row in RPCS.iter().filter(|row| row.path.starts_with("/akashi.")) {
            for role in Role::ALL {
                let (service, method) = row
                    .path
                    .trim_start_matches("/akashi.v1.")
                    .split_once('/')
                    .unwrap();
                let may = match (service, method, role) {
                    ("PlatformService", _, Role::Platform)
                    | ("PhoneService", _, Role::Anyone)
                    | ("AgentService", _, Role::Agent)
                    | ("ProcessorService", _, Role::Processor)
                    | ("ProcessorService", "GetCampaign" | "ProveTotal", Role::Platform)
                    | ("AuditService", _, Role::Auditor)
                    | ("ClusterService", _, Role::Operator) => true,
                    ("PlatformService", method, Role::Operator) => [
                        "LockAgent",
                        "UnlockAgent",
                        "RevokeAgentCertificate",
                        "PublishRules",
                    ]
                    .contains(&method),
                    ("AuditService", method, Role::Operator) => method != "GetEvidence",
                    ("ClusterService", "AwaitEnforced", Role::Platform) => true,
                    ("ClusterService", "GetKeySetHistory", role) => role != Role::Node,
                    ("ClusterService", "GetKeySet", role) => {
                        role != Role::Anyone && role != Role::Node
                    }
                    _ => false,
                };
                let allowed = allow(row, &peer(role)).is_ok();
                assert_eq!(allowed, may, "{} by {role:?}", row.path);
            }
        }
    }

    #[test]
    fn a_certificate_that_names_nobody_is_not_no_certificate() {
        let peer = Peer {
            certificate_sha256: Some([1; 32]),
            ..peer(Role::Anyone)
        };
        let row = find("/akashi.v1.PhoneService/SubmitProof").unwrap();
        assert_eq!(allow(row, &peer), Err(Refusal::CertificateUnusable));
    }

    fn peer(role: Role) -> Peer {
        let tenant = || "retail".to_owned();
        let name = || "someone-1".to_owned();
        let identity = match role {
            Role::Anyone => None,
            Role::Platform => Some(Identity::Platform {
                tenant: tenant(),
                name: name(),
            }),
            Role::Agent => Some(Identity::Agent {
                tenant: tenant(),
                agent: name(),
            }),
            Role::Processor => Some(Identity::Processor {
                tenant: tenant(),
                recipient: [7; 32],
            }),
            Role::Operator => Some(Identity::Operator { name: name() }),
            Role::Auditor => Some(Identity::Auditor { name: name() }),
            Role::Node => Some(Identity::Node { id: 1 }),
        };
        let certificate_sha256 = identity.as_ref().map(|_| [7; 32]);
        Peer {
            identity,
            certificate_sha256,
            addr: ([127, 0, 0, 1], 1).into(),
        }
    }
}
