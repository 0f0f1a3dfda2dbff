//! What can be claimed: the closed list of statement kinds, and what each must say about itself.
//!
//! A new kind gets a file beside `possession.rs` (its instance bytes, its proof's elements, its
//! equations), a variant in [`Kind`] and one in [`AnyStatement`], a prover in `prove/` and a vector
//! file; the compiler lists the rest. Nothing here accepts anything: a statement turns a proof into
//! equations, `check.rs` decides whether they hold.

mod knowledge;
mod possession;
mod schnorr;

use alloc::vec::Vec;
use core::fmt;

use crate::{
    Context, Reason,
    check::{Claim, Equation},
    transcript::Transcript,
};

pub use knowledge::Knowledge;
pub use possession::Possession;

/// The kind of a statement, numbered as in every stored or hashed place.
///
/// Numbers 3 to 8 are taken: equals, same, range, in-set, proximity, consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// 1: knowledge of the device secret x behind P.
    Possession,
    /// 2: knowledge of the PIN scalar w behind K.
    Knowledge,
}

impl Kind {
    /// The number of the kind.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Possession => 1,
            Self::Knowledge => 2,
        }
    }

    /// The kind with this number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Possession),
            2 => Some(Self::Knowledge),
            _ => None,
        }
    }

    /// The name that separates the sessions of different kinds.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Possession => "possession",
            Self::Knowledge => "knowledge",
        }
    }
}

/// A claim that can be proved and checked. Sealed: a new kind is a new suite.
pub trait Statement: sealed::Sealed + Clone {
    /// The kind of this statement.
    const KIND: Kind;
}

pub(crate) mod sealed {
    use super::{Equation, Reason, Transcript, Vec};

    /// What the verifier needs of a statement, out of reach for other crates.
    pub trait Sealed {
        /// A proof's elements, decoded.
        type Elements: Clone;

        /// The instance bytes, absorbed before anything else.
        fn instance(&self) -> Vec<u8>;

        /// Decodes a proof, left to right; the length is a function of the statement alone.
        ///
        /// # Errors
        /// 14, then 15, 16 or 26 at the first bad element.
        fn parse(&self, proof: &[u8]) -> Result<Self::Elements, Reason>;

        /// The equations that must hold; absorbs the prover's moves into `transcript`.
        fn equations(
            &self,
            elements: &Self::Elements,
            transcript: &mut Transcript,
        ) -> Vec<Equation>;
    }
}

/// A proof of `S`: well-formed, canonical, not yet checked against any context.
#[derive(Clone)]
pub struct Proof<S: Statement> {
    bytes: Vec<u8>,
    elements: S::Elements,
}

impl<S: Statement> Proof<S> {
    /// Reads a proof of `statement`.
    ///
    /// # Errors
    /// [`Reason::Malformed`] for any other length than the statement's, then
    /// [`Reason::NonCanonicalPoint`], [`Reason::IdentityPoint`] or [`Reason::NonCanonicalScalar`]
    /// at the first bad element from the left.
    pub fn parse(statement: &S, bytes: &[u8]) -> Result<Self, Reason> {
        let elements = statement.parse(bytes)?;
        Ok(Self {
            bytes: bytes.into(),
            elements,
        })
    }

    /// The bytes of the proof, the only ones that [`parse`](Self::parse) takes for it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// The bytes of the proof, borrowed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What must hold for this proof to be one of `statement` under `context`.
    pub(crate) fn claim(&self, context: &Context, statement: &S) -> Claim {
        let sid = context.session_id(S::KIND);
        let instance = statement.instance();
        let mut transcript = Transcript::new(&sid, &instance);
        let equations = statement.equations(&self.elements, &mut transcript);
        Claim {
            sid,
            instance,
            proof: self.bytes.clone(),
            equations,
        }
    }
}

impl<S: Statement> fmt::Debug for Proof<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof")
            .field("kind", &S::KIND)
            .finish_non_exhaustive()
    }
}

/// A statement of any kind, for callers that hold them by value of a field in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnyStatement {
    /// Kind 1.
    Possession(Possession),
    /// Kind 2.
    Knowledge(Knowledge),
}

impl AnyStatement {
    /// The kind of the statement.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Possession(_) => Kind::Possession,
            Self::Knowledge(_) => Kind::Knowledge,
        }
    }

    /// The instance bytes: what an evidence record keeps of a statement, beside context and proof.
    #[must_use]
    pub fn instance(&self) -> Vec<u8> {
        match self {
            Self::Possession(statement) => sealed::Sealed::instance(statement),
            Self::Knowledge(statement) => sealed::Sealed::instance(statement),
        }
    }

    /// Whether `proof` has the length and the canonical elements of a proof of this statement.
    ///
    /// Says nothing of whether it holds: for turning malformed bytes away before they enter the
    /// log.
    ///
    /// # Errors
    /// As [`Proof::parse`].
    pub fn well_formed(&self, proof: &[u8]) -> Result<(), Reason> {
        match self {
            Self::Possession(statement) => Proof::parse(statement, proof).map(drop),
            Self::Knowledge(statement) => Proof::parse(statement, proof).map(drop),
        }
    }

    /// Parses `proof` and states what must hold for it.
    ///
    /// # Errors
    /// As [`Proof::parse`].
    pub(crate) fn claim(&self, context: &Context, proof: &[u8]) -> Result<Claim, Reason> {
        match self {
            Self::Possession(statement) => {
                Ok(Proof::parse(statement, proof)?.claim(context, statement))
            }
            Self::Knowledge(statement) => {
                Ok(Proof::parse(statement, proof)?.claim(context, statement))
            }
        }
    }
}

impl From<Possession> for AnyStatement {
    fn from(statement: Possession) -> Self {
        Self::Possession(statement)
    }
}

impl From<Knowledge> for AnyStatement {
    fn from(statement: Knowledge) -> Self {
        Self::Knowledge(statement)
    }
}
