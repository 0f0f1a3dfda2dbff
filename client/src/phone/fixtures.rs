//! What the tests of a phone share: a key set, a phone under it, an honest notice.

use akashi_merkle::{
    Cosigner, CosignerSecret, Head, KeySet, Leaf, Origin, Receipt, SignedHead, empty_root,
    leaf_hash,
};
use akashi_proof::Purpose;
use akashi_proto::v1;

use super::{Bound, Phone, PhoneDirectory, Profile};
use crate::connection::Connection;
use crate::event;
use crate::identity::Identity;
use crate::pki::Authority;
use crate::tag::subject_hash;

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
        key_epoch: 0,
        nodes,
    }
}

/// A phone that nobody answers.
pub(super) fn phone() -> Phone {
    let (_, ca, _) = Authority::create("dev").unwrap();
    phone_of(&profile(vec!["127.0.0.1:1".to_owned()]), &ca)
}

/// A phone with fresh secrets.
pub(super) fn phone_of(profile: &Profile, ca: &str) -> Phone {
    let directory = tempfile::tempdir().unwrap();
    let own = PhoneDirectory::of(directory.path(), &profile.subject);
    own.create(profile, &keys(), ca).unwrap();
    let identity = Identity::phone(&own.path().join("ca.pem")).unwrap();
    let connection = Connection::new(&profile.nodes, &identity).unwrap();
    Phone::with_connection(&own, connection).unwrap()
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

/// A notice as an honest node sends it, with the leaf that was sealed.
pub(super) fn honest(phone: &Phone) -> (v1::Notice, Leaf) {
    let mut notice = v1::Notice {
        tenant: "demo".to_owned(),
        contact_id: vec![1; 16].into(),
        challenge_id: vec![2; 16].into(),
        initiator: 2,
        call_reason: 7,
        policy: "basic".to_owned(),
        policy_version: 1,
        require_knowledge: true,
        origin: "dev/e1/g0".to_owned(),
        group: 0,
        epoch: 1,
        nonce: vec![3; 32].into(),
        subject_hash: subject_hash("demo", SUBJECT).to_vec().into(),
        policy_digest: vec![4; 32].into(),
        not_before_us: 1_000_000,
        expires_us: 121_000_000,
        submit_token: vec![5; 32].into(),
        receipt: String::new(),
        agent_bound: true,
    };
    let context = phone
        .context(&Bound {
            challenge_id: [2; 16],
            nonce: [3; 32],
            purpose: Purpose::CustomerCall,
            contact_id: &[1; 16],
            not_before_us: 1_000_000,
            expires_us: 121_000_000,
            policy_digest: [4; 32],
        })
        .unwrap();
    let mut leaf = Leaf {
        kind: event::CHALLENGE_ISSUED,
        stamp_us: 1_000_000,
        contact_id: [1; 16],
        challenge_id: [2; 16],
        statement_hash: context.digest(),
        ..Leaf::default()
    };
    leaf.extensions
        .insert(event::CALL_REASON_COLUMN, &[0, 7])
        .unwrap();
    leaf.extensions
        .insert(event::INITIATOR_COLUMN, &[2])
        .unwrap();
    notice.receipt = receipt(&leaf, 2);
    (notice, leaf)
}
