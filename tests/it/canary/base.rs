//! The plain request of every call: one that the node reads to its end. Most follow from the names of
//! their fields; the others are written out.

use akashi_client::RequestId;
use akashi_proto::v1;
use akashi_tests::asked::Asked;
use akashi_tests::real::TENANT;
use prost::Message as _;
use prost_types::DescriptorProto;
use prost_types::field_descriptor_proto::Type;

use super::forms::{Catalogue, whole_number};

/// An agent with a certificate.
pub(super) const AGENT: &str = "agent-canary-01";
/// What must be found afterwards, wherever is searched: the name of a policy.
pub(super) const CONTROL: &str = "looked-for-and-found";
const DAY_US: u64 = 86_400_000_000;
/// A point of ristretto255, as a commitment: the generator (RFC 9496, appendix A.1).
const POINT: &str = "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76";
/// An Ed25519 public key: that of RFC 8032, section 7.1, test 1.
const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

/// What there is to ask about.
pub(super) struct World {
    /// A contact with a verdict, and an order.
    pub(super) verified: Asked,
    /// A contact whose challenge is open.
    pub(super) open: Asked,
    /// Proofs for the open one, as they travel.
    pub(super) submission: Vec<u8>,
    /// The order.
    pub(super) order_id: [u8; 16],
}

/// The plain request of the method at `path`.
pub(super) fn request(
    path: &str,
    message: &DescriptorProto,
    catalogue: &Catalogue,
    world: &World,
) -> Vec<u8> {
    match path.trim_start_matches("/akashi.v1.") {
        "PhoneService/SubmitProof" => world.submission.clone(),
        "PhoneService/WatchNotices" => v1::WatchNoticesRequest {
            step: Some(v1::watch_notices_request::Step::Hello(v1::PhoneHello {
                tenant: TENANT.to_owned(),
                who: Some(v1::phone_hello::Who::Subject("sub-canary-0001".to_owned())),
            })),
        }
        .encode_to_vec(),
        "PhoneService/AnswerNotice" => v1::AnswerNoticeRequest {
            request_id: id(),
            tenant: TENANT.to_owned(),
            challenge_id: world.open.challenge_id.to_vec().into(),
            submit_token: v1::SubmitProofRequest::decode(world.submission.as_slice())
                .unwrap()
                .submit_token,
            answer: v1::NoticeAnswer::Opened.into(),
        }
        .encode_to_vec(),
        "ClusterService/Bootstrap" => v1::BootstrapRequest {
            request_id: id(),
            tenant: TENANT.to_owned(),
            policy: Some(policy()),
        }
        .encode_to_vec(),
        "ClusterService/PutPolicy" => v1::PutPolicyRequest {
            request_id: id(),
            tenant: TENANT.to_owned(),
            policy: Some(policy()),
        }
        .encode_to_vec(),
        // To whomever the leader chooses.
        "ClusterService/TransferLeader" => Vec::new(),
        "ClusterService/PutSettings" => v1::PutSettingsRequest {
            request_id: id(),
            settings: Some(v1::Settings {
                notices_per_hour: 1_000,
                ..v1::Settings::default()
            }),
        }
        .encode_to_vec(),
        "AuditService/GetReceipt" => v1::GetReceiptRequest {
            tenant: TENANT.to_owned(),
            target: Some(v1::get_receipt_request::Target::ChallengeId(
                world.verified.challenge_id.to_vec().into(),
            )),
            wait: true,
        }
        .encode_to_vec(),
        "AuditService/GetEvidence" => v1::GetEvidenceRequest {
            tenant: TENANT.to_owned(),
            challenge_id: world.verified.challenge_id.to_vec().into(),
        }
        .encode_to_vec(),
        "AuditService/Tail" => v1::TailRequest {
            batch_max: 1_024,
            ..v1::TailRequest::default()
        }
        .encode_to_vec(),
        "AuditService/GetConsistency" => v1::GetConsistencyRequest { from_size: 1 }.encode_to_vec(),
        path => catalogue.plausible(message, &|name, kind| by_name(path, name, kind, world)),
    }
}

fn policy() -> v1::Policy {
    v1::Policy {
        name: CONTROL.to_owned(),
        ..akashi_client::dev::basic_policy()
    }
}

/// What a field of this name usually holds.
fn by_name(path: &str, name: &str, kind: Type, world: &World) -> Option<Vec<u8>> {
    let about_nobody = path.contains("Revoke") || path.contains("Erase") || path.contains("Lock");
    let bytes = match (kind, name) {
        (Type::Bytes, "request_id") => id().to_vec(),
        (Type::Bytes, "previous_contact_id") => return None,
        (Type::Bytes, "contact_id") if announces(path) => fresh(),
        (Type::Bytes, "contact_id") if path.ends_with("CloseContact") => fresh(),
        (Type::Bytes, "contact_id") => world.verified.contact_id.to_vec(),
        (Type::Bytes, "challenge_id") => world.verified.challenge_id.to_vec(),
        (Type::Bytes, "order_id") if path.ends_with("OfferOrder") => fresh(),
        (Type::Bytes, "order_id") => world.order_id.to_vec(),
        (Type::Bytes, "key" | "cosigner") => hex::decode(KEY).unwrap(),
        (Type::Bytes, "amounts") => hex::decode(POINT).unwrap(),
        (Type::Bytes, "serial" | "second_serial") => fresh(),
        (Type::Bytes, name) if name.ends_with("_tag") => fresh(),
        (Type::Bytes, "signature" | "possession" | "proof") => vec![1; 64],
        (Type::Bytes, "body" | "capture" | "attachment") => vec![1; 40],
        (Type::Bytes, name) if name.ends_with("_id") && !name.ends_with("key_id") => fresh(),
        (Type::Bytes, _) => vec![5; 32],
        (Type::String, "tenant") if path.ends_with("CreateTenant") => b"canary-tenant".to_vec(),
        (Type::String, "tenant") => TENANT.into(),
        (Type::String, "agent" | "delegate") if announces(path) => return None,
        (Type::String, "delegate") => b"sub-canary-0002".to_vec(),
        (Type::String, "subject") if about_nobody => b"sub-canary-gone".to_vec(),
        (Type::String, "subject") => b"sub-canary-0001".to_vec(),
        // Where there is a subject too, exactly one of them is asked for.
        (Type::String, "agent") if both_parties(path) => return None,
        (Type::String, "agent") if about_nobody => b"agent-canary-gone".to_vec(),
        (Type::String, "agent") => AGENT.into(),
        // A policy that is retired is gone for the calls that come after.
        (Type::String, "policy") if path.ends_with("RetirePolicy") => b"canary-name".to_vec(),
        (Type::String, "policy") if path.ends_with("OfferOrder") => b"purchase".to_vec(),
        (Type::String, "policy") if path.ends_with("OpenAgentLogin") => b"agent-login".to_vec(),
        (Type::String, "policy") => b"basic".to_vec(),
        (Type::String, "peer_address" | "client_address") => b"canary.example:7402".to_vec(),
        (Type::String, _) => b"canary-name".to_vec(),
        (Type::Bool, _) => whole_number(0),
        // A replica that was taken out, or one that never was, would disturb what comes after.
        (Type::Uint64, "member_id") if path.ends_with("AddMember") => whole_number(1),
        (Type::Uint64, "member_id") => whole_number(99),
        // A part of a statement is asked for by numbers of contacts or by leaves, never by both.
        (Type::Uint64, "leaf_indices") => return None,
        (Type::Uint64, "not_before_us") => whole_number(1),
        (Type::Uint64, "expires_us" | "until_us") => whole_number(now_us() + DAY_US),
        (Type::Uint64, name) if name.ends_with("_us") => whole_number(now_us()),
        (Type::Message, "read") => return None,
        _ => whole_number(1),
    };
    Some(bytes)
}

/// Whether the request names a subject or an agent, and never both.
fn both_parties(path: &str) -> bool {
    [
        "OpenEnrolment",
        "RevokeDevice",
        "RevokeCredential",
        "RevokeTemplate",
        "EraseSubject",
    ]
    .iter()
    .any(|method| path.ends_with(method))
}

fn announces(path: &str) -> bool {
    path.ends_with("AnnounceContact") || path.ends_with("AnnounceContacts")
}

fn id() -> bytes::Bytes {
    RequestId::fresh().unwrap().to_vec().into()
}

/// Sixteen bytes that nobody has used.
fn fresh() -> Vec<u8> {
    id().to_vec()
}

fn now_us() -> u64 {
    akashi_client::clock::unix_us()
}
