//! Hedged nonces: k = wide-reduce(SHAKE256("akashi/v1/prover-nonce" ‖ random \[32\] ‖ lv(witness) ‖
//! sid ‖ lv(instance) ‖ counter u32, 64 bytes)).
//!
//! They never enter the log and no verifier depends on how they are made; the rule may change
//! without a new suite.

use curve25519_dalek::Scalar;
use shake::{ExtendableOutput, Shake256, Update, XofReader};
use zeroize::Zeroizing;

use crate::{encode, transcript::SESSION_ID_BYTES};

/// A stream of nonces for one proof. The hash states are wiped when dropped.
pub struct Nonces {
    absorbed: Shake256,
    counter: u32,
}

impl Nonces {
    pub(crate) fn new(
        random: &[u8; 32],
        witness: &[u8],
        sid: &[u8; SESSION_ID_BYTES],
        instance: &[u8],
    ) -> Self {
        let mut absorbed = Shake256::default();
        absorbed.update(b"akashi/v1/prover-nonce");
        absorbed.update(random);
        absorbed.update(&encode::lv_prefix(witness));
        absorbed.update(witness);
        absorbed.update(sid);
        absorbed.update(&encode::lv_prefix(instance));
        absorbed.update(instance);
        Self {
            absorbed,
            counter: 0,
        }
    }

    /// The next nonce; the same one never comes twice within 2³² calls.
    pub(super) fn next(&mut self) -> Zeroizing<Scalar> {
        let mut shake = self.absorbed.clone();
        shake.update(&self.counter.to_le_bytes());
        self.counter = self.counter.wrapping_add(1);
        let mut wide = Zeroizing::new([0; 64]);
        shake.finalize_xof().read(wide.as_mut_slice());
        Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide))
    }
}

#[cfg(test)]
mod tests {
    use super::Nonces;

    #[test]
    fn nonces_depend_on_randomness_witness_session_instance_and_counter() {
        let first = |random, witness: &[u8], sid, instance: &[u8]| {
            Nonces::new(&[random; 32], witness, &[sid; 32], instance)
                .next()
                .to_bytes()
        };
        let usual = || Nonces::new(&[1; 32], b"witness", &[2; 32], b"instance");
        let mut second = usual();
        assert_eq!(
            second.next().to_bytes(),
            first(1, b"witness", 2, b"instance")
        );
        let mut drawn = [
            first(1, b"witness", 2, b"instance"),
            first(0, b"witness", 2, b"instance"),
            first(1, b"witless", 2, b"instance"),
            first(1, b"witness", 0, b"instance"),
            first(1, b"witness", 2, b"instant"),
            second.next().to_bytes(),
        ];
        drawn.sort_unstable();
        assert!(drawn.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
