//! The prover: what runs on the phone. No replica ever calls it.
//!
//! Nonces are hedged: they depend on fresh randomness, on the witness and on everything that is
//! proved, so neither a broken random generator alone nor a repeated context alone reveals a
//! witness. Every proof is verified before it leaves, so that a fault while proving does not
//! either. Constant time in the witness.
//!
//! A new kind gets a file here with its `Provable` implementation; its equations stay in
//! `statement/`.

pub(crate) mod bulletproof;
mod consent;
mod equals;
mod in_set;
mod knowledge;
pub(crate) mod nonces;
mod possession;
mod proximity;
mod range;
mod same;
pub(crate) mod schnorr;

use alloc::vec::Vec;
use core::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{Context, Proof, Reason, Statement, transcript::Transcript, verify};
use nonces::Nonces;

/// A statement that this crate can prove. Sealed, as [`Statement`] is.
pub trait Provable: Statement + sealed::Prover {}

pub(crate) mod sealed {
    use super::{Nonces, Transcript, Vec, Zeroizing};

    /// What proving needs of a statement, out of reach for other crates.
    pub trait Prover {
        /// The secret input.
        type Witness;

        /// Whether `witness` makes the statement true.
        fn matches(&self, witness: &Self::Witness) -> bool;

        /// The bytes under which nonces depend on the witness.
        fn witness_bytes(witness: &Self::Witness) -> Zeroizing<Vec<u8>>;

        /// The bytes of a proof.
        fn make(
            &self,
            witness: &Self::Witness,
            transcript: &mut Transcript,
            nonces: &mut Nonces,
        ) -> Vec<u8>;
    }
}

/// Why there is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProveError {
    /// The secret is not the one behind the statement, or does not make it true.
    WitnessMismatch,
    /// The finished proof does not verify: a fault in this machine, or one chance in 2²⁵²; or the
    /// statement has no place in the context.
    SelfCheck(Reason),
}

impl fmt::Display for ProveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WitnessMismatch => "secret does not make the statement true",
            Self::SelfCheck(_) => "finished proof does not verify",
        })
    }
}

impl core::error::Error for ProveError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::WitnessMismatch => None,
            Self::SelfCheck(reason) => Some(reason),
        }
    }
}

/// Proves `statement` under `context`; takes 32 bytes from `rng`.
///
/// # Errors
/// [`ProveError::WitnessMismatch`]; [`ProveError::SelfCheck`] if the finished proof does not
/// verify.
pub fn prove<S: Provable>(
    context: &Context,
    statement: &S,
    witness: &S::Witness,
    rng: &mut impl CryptoRng,
) -> Result<Proof<S>, ProveError> {
    statement.admits(context).map_err(ProveError::SelfCheck)?;
    if !statement.matches(witness) {
        return Err(ProveError::WitnessMismatch);
    }
    let sid = context.session_id(S::KIND);
    let instance = statement.instance();
    let mut random = Zeroizing::new([0; 32]);
    rng.fill_bytes(random.as_mut_slice());

    let mut nonces = Nonces::new(&random, &S::witness_bytes(witness), &sid, &instance);
    let mut transcript = Transcript::new(&sid, &instance);
    let bytes = statement.make(witness, &mut transcript, &mut nonces);

    let proof = Proof::parse(statement, &bytes).map_err(ProveError::SelfCheck)?;
    drop(verify(context, statement, &proof).map_err(ProveError::SelfCheck)?);
    Ok(proof)
}
