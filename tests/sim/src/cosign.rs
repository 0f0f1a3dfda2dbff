//! The signatures of a simulation: Ed25519 in a few runs, a keyed hash in the others.
//!
//! The hash keeps nobody out; it only tells apart what signatures tell apart here: signer, size, root
//! and time. What is tested is who signs what and when.

use akashi_merkle::{CosignError, Cosignature, CosignerKey, CosignerSecret, Head};
use akashi_replica::cosigner::Cosigner;
use akashi_replica::entry::NodeId;

/// One replica's way to sign.
pub enum Hand {
    /// As a node.
    Real(Box<CosignerSecret>),
    /// A keyed hash under the same public key.
    StandIn(Box<CosignerKey>),
}

impl std::fmt::Debug for Hand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Hand").field(self.public()).finish()
    }
}

impl Hand {
    /// The hand of a replica; real, if signatures are.
    #[must_use]
    pub fn of(id: NodeId, real: bool) -> Self {
        let seed = [u8::try_from(id).unwrap(); 32];
        let secret = CosignerSecret::from_seed(&format!("n{id}"), &seed).unwrap();
        if real {
            Self::Real(Box::new(secret))
        } else {
            Self::StandIn(Box::new(secret.public().clone()))
        }
    }

    /// The same hand once more.
    #[must_use]
    pub fn again(&self, id: NodeId) -> Self {
        match self {
            Self::Real(_) => Self::of(id, true),
            Self::StandIn(key) => Self::StandIn(key.clone()),
        }
    }
}

/// 64 bytes that follow from who signs what.
fn stand_in(key: &CosignerKey, head: &Head, time_s: u64) -> [u8; 64] {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    let mut take = |bytes: &[u8]| {
        for byte in bytes {
            state = (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    take(&key.key_id());
    take(&head.size.to_le_bytes());
    take(&head.root);
    take(&time_s.to_le_bytes());
    let mut signature = [0; 64];
    for (at, part) in (0_u64..).zip(signature.chunks_mut(8)) {
        part.copy_from_slice(&state.rotate_left(7).wrapping_add(at).to_le_bytes());
    }
    signature
}

impl Cosigner for Hand {
    fn public(&self) -> &CosignerKey {
        match self {
            Self::Real(secret) => CosignerSecret::public(secret),
            Self::StandIn(key) => key,
        }
    }

    fn cosign(&self, head: &Head, time_s: u64) -> Result<Cosignature, CosignError> {
        match self {
            Self::Real(secret) => CosignerSecret::cosign(secret, head, time_s),
            Self::StandIn(key) => Ok(Cosignature {
                name: key.name().to_owned(),
                key_id: key.key_id(),
                time_s,
                signature: stand_in(key, head, time_s),
            }),
        }
    }

    fn check(
        &self,
        key: &CosignerKey,
        head: &Head,
        cosignature: &Cosignature,
    ) -> Result<(), CosignError> {
        match self {
            Self::Real(_) => key.verify(head, cosignature),
            Self::StandIn(_) => {
                if cosignature.key_id != key.key_id() {
                    return Err(CosignError::OtherKey);
                }
                if cosignature.signature != stand_in(key, head, cosignature.time_s) {
                    return Err(CosignError::DoesNotHold);
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use akashi_merkle::Origin;

    use super::*;

    #[test]
    fn a_stand_in_tells_signers_sizes_roots_and_times_apart() {
        let (one, two) = (Hand::of(1, false), Hand::of(2, false));
        let head = |size, root| Head {
            origin: Origin::parse("sim/e1/g0").unwrap(),
            size,
            root: [root; 32],
        };
        let signed = one.cosign(&head(7, 7), 9).unwrap();
        let check = |key: &Hand, head, signed: &Cosignature| two.check(key.public(), &head, signed);
        assert_eq!(check(&one, head(7, 7), &signed), Ok(()));
        assert!(check(&two, head(7, 7), &signed).is_err());
        assert!(check(&one, head(8, 7), &signed).is_err());
        assert!(check(&one, head(7, 8), &signed).is_err());
        let later = Cosignature {
            time_s: 10,
            ..signed
        };
        assert!(check(&one, head(7, 7), &later).is_err());
    }
}
