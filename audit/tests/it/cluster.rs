//! A cluster without machines: three cosigners, a log, and receipts from it.

use akashi_merkle::{
    Cosigner, CosignerSecret, Extensions, Head, KeySet, Leaf, Origin, Receipt, SignedHead,
    inclusion_proof,
};

use crate::oracle::{Nodes, grow};

/// 2026-11-22 00:00:00 UTC.
pub(crate) const TIME_S: u64 = 1_795_305_600;

pub(crate) struct Cluster {
    pub(crate) secrets: Vec<CosignerSecret>,
    pub(crate) keys: KeySet,
}

impl Cluster {
    /// `count` replicas over two sites, with a majority quorum.
    pub(crate) fn new(count: u8) -> Self {
        let secrets: Vec<CosignerSecret> = (1..=count)
            .map(|n| CosignerSecret::from_seed(&format!("n{n}.kagami.example"), &[n; 32]).unwrap())
            .collect();
        let cosigners = secrets
            .iter()
            .enumerate()
            .map(|(at, secret)| Cosigner {
                name: format!("n{}", at + 1),
                site: if at % 3 == 2 {
                    "osaka".into()
                } else {
                    "tokyo".into()
                },
                key: secret.public().clone(),
            })
            .collect();
        let quorum = usize::from(count) / 2 + 1;
        let keys = KeySet::new(origin(), cosigners, quorum).unwrap();
        Self { secrets, keys }
    }

    /// A head signed by the replicas at these positions, each a second later than the one before.
    pub(crate) fn sign(&self, head: &Head, signers: &[usize]) -> SignedHead {
        let cosignatures: Vec<_> = signers
            .iter()
            .zip(TIME_S..)
            .map(|(at, time_s)| self.secrets[*at].cosign(head, time_s).unwrap())
            .collect();
        SignedHead::new(head.clone(), &cosignatures)
    }

    /// The head of a log with these leaves, signed by replicas 0 and 1 of three.
    pub(crate) fn head_of(&self, leaves: &[Vec<u8>]) -> SignedHead {
        let (frontier, _) = grow(leaves);
        self.sign(&head(frontier.size(), frontier.root()), &[0, 1])
    }

    pub(crate) fn receipt(&self, leaves: &[Vec<u8>], index: u64, signers: &[usize]) -> Receipt {
        let (frontier, nodes): (_, Nodes) = grow(leaves);
        let at = usize::try_from(index).unwrap();
        Receipt {
            leaf: leaves[at].clone(),
            index,
            path: inclusion_proof(&nodes, index, frontier.size()).unwrap(),
            signed_head: self.sign(&head(frontier.size(), frontier.root()), signers),
        }
    }
}

pub(crate) fn origin() -> Origin {
    Origin::new("kagami.example", 1, 0).unwrap()
}

pub(crate) fn head(size: u64, root: [u8; 32]) -> Head {
    Head {
        origin: origin(),
        size,
        root,
    }
}

/// Leaves as a replica would write them.
pub(crate) fn verdicts(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|i| verdict(i).encode()).collect()
}

/// A leaf with every field set, so that no two fields can be swapped unnoticed.
pub(crate) fn verdict(i: u64) -> Leaf {
    let mut extensions = Extensions::default();
    extensions.insert(1, b"fee").unwrap();
    extensions.insert(0x8001, &i.to_be_bytes()).unwrap();
    Leaf {
        kind: 0x0102,
        stamp_us: 1_795_305_600_000_000 + i,
        term: 7,
        log_index: 1000 + i,
        ordinal: 3,
        tenant: 42,
        site: 2,
        queue: 11,
        contact_id: [0xc0; 16],
        challenge_id: [0xc1; 16],
        subject_tag: [0x50; 16],
        actor_tag: [0xa0; 16],
        device_tag: [0xd0; 16],
        outcome: 1,
        reason: 0x0203,
        flags: 0x8000_0001,
        suite: 4,
        rule_version: 0x0506,
        policy_version: 0x0708_090a,
        statement_hash: [0x5a; 32],
        evidence_commitment: [0xec; 32],
        extensions,
    }
}
