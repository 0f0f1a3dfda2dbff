//! What the tests of a phone share: a key set, a phone under it, an honest notice.

use akashi_merkle::{
    Cosigner, CosignerSecret, Head, KeySet, Leaf, Origin, Receipt, SignedHead, empty_root,
    leaf_hash,
};
use akashi_proto::v1;

use super::{Bound, Phone, PhoneDirectory, Profile};
use crate::connection::Connection;
use crate::event;
use crate::identity::Identity;
use crate::order::Order;
use crate::pki::Authority;
use crate::policy::{AgentRule, Grants, PolicyPurpose, Rules};

pub(super) const SUBJECT: &str = "cust-0001";

pub(super) fn secrets() -> [CosignerSecret; 3] {
    [("n1", 1), ("n2", 2), ("n3", 3)]
        .map(|(name, seed)| CosignerSecret::from_seed(name, &[seed; 32]).unwrap())
}

pub(super) fn keys() -> KeySet {
    let cosigners = secrets().into_iter().map(|secret| Cosigner {
        name: secret.public().name().to_owned(),
        site: "a".to_owned(),
        key: secret.public().clone(),
    });
    KeySet::new(Origin::new("dev", 1, 0).unwrap(), cosigners.collect(), 2).unwrap()
}

/// The profile of the test's subject.
pub(super) fn profile(nodes: Vec<String>) -> Profile {
    Profile {
        tenant: "demo".to_owned(),
        subject: SUBJECT.to_owned(),
        agent: false,
        key_epoch: 0,
        nodes,
    }
}

/// A phone that nobody answers.
pub(super) fn phone() -> (tempfile::TempDir, Phone) {
    let (_, ca, _) = Authority::create("dev").unwrap();
    phone_of(&profile(vec!["127.0.0.1:1".to_owned()]), &ca)
}

/// A phone with fresh secrets, which are gone with the directory.
pub(super) fn phone_of(profile: &Profile, ca: &str) -> (tempfile::TempDir, Phone) {
    let directory = tempfile::tempdir().unwrap();
    let own = PhoneDirectory::of(directory.path(), &profile.subject);
    own.create(profile, &keys(), ca).unwrap();
    let identity = Identity::phone(&own.path().join("ca.pem")).unwrap();
    let connection = Connection::new(&profile.nodes, &identity).unwrap();
    let phone = Phone::with_connection(&own, connection).unwrap();
    (directory, phone)
}

/// A leaf alone in a tree, cosigned by the first `cosigners` replicas.
pub(super) fn receipt(leaf: &Leaf, cosigners: usize) -> String {
    let root = leaf_hash(&leaf.encode());
    assert_ne!(root, empty_root());
    let head = Head {
        origin: Origin::new("dev", 1, 0).unwrap(),
        size: 1,
        root,
    };
    let signatures: Vec<_> = secrets()
        .iter()
        .take(cosigners)
        .map(|secret| secret.cosign(&head, 1_795_000_000).unwrap())
        .collect();
    let signed_head = SignedHead::new(head, &signatures);
    Receipt {
        leaf: leaf.encode(),
        index: 0,
        path: vec![],
        signed_head,
    }
    .to_text()
}

/// What the policy `basic` asks.
pub(super) fn basic() -> Rules {
    Rules {
        purpose: PolicyPurpose::CustomerCall,
        require_possession: true,
        require_knowledge: true,
        predicates: Vec::new(),
        face: None,
        consent: None,
        challenge_ttl_s: 120,
        verdict_ttl_s: 3_600,
        grants: Grants::default(),
        agents: AgentRule::registered(),
    }
}

/// A notice as an honest node sends it, with the leaf that was sealed.
pub(super) fn honest(phone: &Phone) -> (v1::Notice, Leaf) {
    honest_for(phone, &basic(), None, 0, 1_000_000)
}

/// A notice for certain rules, with the order that they are about, issued at `now_us`.
pub(super) fn honest_for(
    phone: &Phone,
    rules: &Rules,
    order: Option<&Order>,
    pin_epoch: u32,
    now_us: u64,
) -> (v1::Notice, Leaf) {
    let policy_digest = rules.digest("demo", "basic", 1);
    let order_hash = order.map_or([0; 32], Order::hash);
    let login = rules.purpose == PolicyPurpose::AgentLogin;
    let contact: &[u8] = if login { &[] } else { &[1; 16] };
    let expires_us = now_us + 120_000_000;
    let mut notice = v1::Notice {
        tenant: "demo".to_owned(),
        contact_id: contact.to_vec().into(),
        challenge_id: vec![2; 16].into(),
        initiator: 2,
        call_reason: 7,
        policy: "basic".to_owned(),
        policy_version: 1,
        require_knowledge: rules.require_knowledge,
        origin: "dev/e1/g0".to_owned(),
        group: 0,
        epoch: 1,
        nonce: vec![3; 32].into(),
        subject_hash: phone.subject_hash().to_vec().into(),
        policy_digest: policy_digest.to_vec().into(),
        not_before_us: now_us,
        expires_us,
        submit_token: vec![5; 32].into(),
        receipt: String::new(),
        agent_bound: true,
        purpose: rules.purpose.of_context().code().into(),
        asked: Some(rules.to_wire("basic")),
        order: order.map(|order| v1::OrderTerms {
            order_id: order.order_id().to_vec().into(),
            order_hash: order_hash.to_vec().into(),
            amounts: order
                .amounts()
                .iter()
                .map(|a| a.to_bytes().to_vec().into())
                .collect(),
            recipient: rules.consent.unwrap().recipient.to_vec().into(),
        }),
        pin_epoch,
        template: None,
        login_id: Vec::new().into(),
        ..v1::Notice::default()
    };
    let context = phone
        .context(&Bound {
            challenge_id: [2; 16],
            nonce: [3; 32],
            purpose: rules.purpose.of_context(),
            contact_id: contact,
            not_before_us: now_us,
            expires_us,
            policy_digest,
            order_hash,
        })
        .unwrap();
    let mut leaf = Leaf {
        kind: event::CHALLENGE_ISSUED,
        stamp_us: now_us,
        contact_id: if login { [0; 16] } else { [1; 16] },
        challenge_id: [2; 16],
        statement_hash: context.digest(),
        ..Leaf::default()
    };
    let columns = &mut leaf.extensions;
    columns.insert(event::CALL_REASON_COLUMN, &[0, 7]).unwrap();
    columns.insert(event::INITIATOR_COLUMN, &[2]).unwrap();
    let purpose = [rules.purpose.of_context().code()];
    columns.insert(event::PURPOSE_COLUMN, &purpose).unwrap();
    columns
        .insert(event::PIN_EPOCH_COLUMN, &pin_epoch.to_be_bytes())
        .unwrap();
    if order.is_some() {
        columns
            .insert(event::ORDER_HASH_COLUMN, &order_hash)
            .unwrap();
    }
    notice.receipt = receipt(&leaf, 2);
    (notice, leaf)
}
