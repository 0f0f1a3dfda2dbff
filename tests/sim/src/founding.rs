//! What a simulated cluster is founded with: replicas, limits, policies, and the words that proofs are
//! bound to.

use akashi_domain::command::{Found, PutPolicy};
use akashi_domain::policy::{AgentRule, ConsentRule, Grants, PolicyBody, PolicyPurpose};
use akashi_domain::records::{ReplicaInfo, Settings};
use akashi_proof::{Context, ContextFields, Purpose, Suite};
use akashi_replica::cosigner::Cosigner as _;

use crate::clients::{ORIGIN, POLICY, TENANT};
use crate::cosign::Hand;

pub(crate) const LOGINS: &str = "logins";
pub(crate) const ORDERS: &str = "orders";
/// The X25519 key of the processor of orders.
pub(crate) const RECIPIENT: [u8; 32] = [0x4e; 32];
/// The salted hash of every order.
pub(crate) const ORDER_HASH: [u8; 32] = [0x0a; 32];

pub(crate) fn found(replicas: u64) -> Found {
    let replica = |id: u64| ReplicaInfo {
        id,
        name: format!("n{id}"),
        site: "a".into(),
        cosigner: *Hand::of(id, false).public().public_key(),
    };
    Found {
        cluster: "sim".into(),
        replicas: (1..=replicas).map(replica).collect(),
        quorum: u8::try_from(replicas / 2 + 1).unwrap(),
        tenant: TENANT.into(),
        policy: POLICY.into(),
        body: body(PolicyPurpose::CustomerCall),
    }
}

fn body(purpose: PolicyPurpose) -> PolicyBody {
    PolicyBody {
        purpose,
        predicates: Vec::new(),
        face: None,
        consent: None,
        require_possession: true,
        require_knowledge: true,
        challenge_ttl_s: 60,
        verdict_ttl_s: 600,
        grants: Grants::default(),
        agents: AgentRule::registered(),
    }
}

/// What agents are asked when they log in.
pub(crate) fn logins() -> PutPolicy {
    PutPolicy {
        tenant: TENANT.into(),
        policy: LOGINS.into(),
        body: body(PolicyPurpose::AgentLogin),
    }
}

/// What customers are asked to approve an order.
pub(crate) fn orders() -> PutPolicy {
    PutPolicy {
        tenant: TENANT.into(),
        policy: ORDERS.into(),
        body: PolicyBody {
            require_knowledge: false,
            consent: Some(ConsentRule {
                recipient: RECIPIENT,
                max_payload_bytes: 1_024,
            }),
            ..body(PolicyPurpose::Consent)
        },
    }
}

/// Enough notices for a busy run; everything else as it is.
pub(crate) const fn limits() -> Settings {
    Settings {
        notices_per_hour: 1_000,
        refusals_per_challenge: 0,
        pin_failures_soft: 0,
        pin_failures_hard: 0,
        pin_lock_first_s: 1,
        // Clocks are set by an hour; what was asked before must still count.
        request_horizon_s: 4 * 3_600,
        enrolment_ttl_s: 0,
        order_ttl_s: 0,
        cooling_s: 0,
        resume_grace_s: 0,
        report_freeze_s: 0,
        session_contacts_max: 0,
    }
}

pub(crate) fn context(fields: ContextFields<'_>) -> Context {
    Context::new(fields).unwrap()
}

pub(crate) const fn fields() -> ContextFields<'static> {
    ContextFields {
        suite: Suite::V1,
        origin: ORIGIN.as_bytes(),
        group: 0,
        epoch: 1,
        tenant: TENANT.as_bytes(),
        challenge_id: [0; 16],
        nonce: [0; 32],
        purpose: Purpose::CustomerCall,
        subject: [0; 32],
        contact_id: &[],
        not_before_us: 0,
        expires_us: 1,
        order_hash: [0; 32],
        policy_digest: [0; 32],
    }
}
