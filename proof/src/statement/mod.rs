//! What can be claimed: the closed list of statement kinds, and what each must say about itself.
//!
//! A new kind gets a file beside `possession.rs` (its instance bytes, its proof's elements, its
//! equations), a variant in [`Kind`] and one in [`AnyStatement`], a prover in `prove/` and a vector
//! file; the compiler lists the rest. Nothing here accepts anything: a statement turns a proof into
//! equations, `check.rs` decides whether they hold.

mod consent;
mod equals;
mod in_set;
mod knowledge;
mod possession;
mod proximity;
mod range;
mod same;
pub(crate) mod schnorr;

use alloc::vec::Vec;
use core::fmt;

use crate::{
    Context, Reason,
    check::{Claim, Equation},
    group::ELEMENT_BYTES,
    transcript::Transcript,
};

pub(crate) use range::Term;
pub(crate) use schnorr::Base;

pub use consent::Consent;
pub use equals::Equals;
pub use in_set::{InSet, SET_MAX};
pub use knowledge::Knowledge;
pub use possession::Possession;
pub(crate) use proximity::{DISTANCE_BITS, LAST};
pub use proximity::{Dimensions, Proximity, TAU_LIMIT};
pub use range::{Range, RangeBits, RangeTest};
pub use same::Same;

/// The kind of a statement, numbered as in every stored or hashed place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// 1: knowledge of the device secret x behind P.
    Possession,
    /// 2: knowledge of the PIN scalar w behind K.
    Knowledge,
    /// 3: a commitment hides the disclosed value.
    Equals,
    /// 4: two commitments hide one value.
    Same,
    /// 5: committed values lie within bounds.
    Range,
    /// 6: a commitment hides one value of a set.
    InSet,
    /// 7: two committed templates are close.
    Proximity,
    /// 8: knowledge of x, over an order.
    Consent,
}

impl Kind {
    /// Every kind, in the order of its numbers: the order in which factors are checked.
    pub const ALL: [Self; 8] = [
        Self::Possession,
        Self::Knowledge,
        Self::Equals,
        Self::Same,
        Self::Range,
        Self::InSet,
        Self::Proximity,
        Self::Consent,
    ];

    /// The number of the kind.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Possession => 1,
            Self::Knowledge => 2,
            Self::Equals => 3,
            Self::Same => 4,
            Self::Range => 5,
            Self::InSet => 6,
            Self::Proximity => 7,
            Self::Consent => 8,
        }
    }

    /// The kind with this number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Possession),
            2 => Some(Self::Knowledge),
            3 => Some(Self::Equals),
            4 => Some(Self::Same),
            5 => Some(Self::Range),
            6 => Some(Self::InSet),
            7 => Some(Self::Proximity),
            8 => Some(Self::Consent),
            _ => None,
        }
    }

    /// The name that separates the sessions of different kinds.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Possession => "possession",
            Self::Knowledge => "knowledge",
            Self::Equals => "equals",
            Self::Same => "same",
            Self::Range => "range",
            Self::InSet => "in-set",
            Self::Proximity => "proximity",
            Self::Consent => "consent",
        }
    }
}

/// A claim that can be proved and checked. Sealed: a new kind is a new suite.
pub trait Statement: sealed::Sealed + Clone {
    /// The kind of this statement.
    const KIND: Kind;
}

pub(crate) mod sealed {
    use super::{Context, Equation, Reason, Transcript, Vec, schnorr};

    /// What the verifier needs of a statement, out of reach for other crates.
    pub trait Sealed {
        /// A proof's elements, decoded.
        type Elements: Clone;

        /// Whether the statement has a place in `context`: checked before a proof is looked at.
        ///
        /// # Errors
        /// 30 or 8, for the kind that goes with one purpose.
        fn admits(&self, _context: &Context) -> Result<(), Reason> {
            Ok(())
        }

        /// The instance bytes, absorbed before anything else.
        fn instance(&self) -> Vec<u8>;

        /// The length of a proof in elements of 32 bytes: a function of the statement alone.
        fn size(&self) -> usize {
            schnorr::SIZE
        }

        /// Decodes a proof of [`size`](Self::size) elements, left to right.
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
    ///
    /// # Errors
    /// 30 or 8 where the context does not admit the statement; 14 where its proofs have another length.
    pub(crate) fn claim(&self, context: &Context, statement: &S) -> Result<Claim, Reason> {
        statement.admits(context)?;
        // Parsed for a statement of another size, its elements would not be those of this one.
        if self.bytes.len() != statement.size() * ELEMENT_BYTES {
            return Err(Reason::Malformed);
        }
        Ok(claim(context, statement, &self.elements, &self.bytes))
    }
}

fn claim<S: Statement>(
    context: &Context,
    statement: &S,
    elements: &S::Elements,
    proof: &[u8],
) -> Claim {
    let sid = context.session_id(S::KIND);
    let instance = statement.instance();
    let mut transcript = Transcript::new(&sid, &instance);
    let equations = statement.equations(elements, &mut transcript);
    Claim {
        sid,
        instance,
        proof: proof.into(),
        equations,
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
    /// Kind 3.
    Equals(Equals),
    /// Kind 4.
    Same(Same),
    /// Kind 5.
    Range(Range),
    /// Kind 6.
    InSet(InSet),
    /// Kind 7.
    Proximity(Proximity),
    /// Kind 8.
    Consent(Consent),
}

/// One expression for the statement inside, whatever its kind.
macro_rules! each {
    ($any:expr, $statement:ident => $result:expr) => {
        match $any {
            AnyStatement::Possession($statement) => $result,
            AnyStatement::Knowledge($statement) => $result,
            AnyStatement::Equals($statement) => $result,
            AnyStatement::Same($statement) => $result,
            AnyStatement::Range($statement) => $result,
            AnyStatement::InSet($statement) => $result,
            AnyStatement::Proximity($statement) => $result,
            AnyStatement::Consent($statement) => $result,
        }
    };
}

impl AnyStatement {
    /// The kind of the statement.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Possession(_) => Kind::Possession,
            Self::Knowledge(_) => Kind::Knowledge,
            Self::Equals(_) => Kind::Equals,
            Self::Same(_) => Kind::Same,
            Self::Range(_) => Kind::Range,
            Self::InSet(_) => Kind::InSet,
            Self::Proximity(_) => Kind::Proximity,
            Self::Consent(_) => Kind::Consent,
        }
    }

    /// The instance bytes: what an evidence record keeps of a statement, beside context and proof.
    #[must_use]
    pub fn instance(&self) -> Vec<u8> {
        each!(self, statement => sealed::Sealed::instance(statement))
    }

    /// Whether `proof` has the length and the canonical elements of a proof of this statement.
    ///
    /// Says nothing of whether it holds: for turning malformed bytes away before they enter the
    /// log.
    ///
    /// # Errors
    /// As [`Proof::parse`].
    pub fn well_formed(&self, proof: &[u8]) -> Result<(), Reason> {
        each!(self, statement => sealed::Sealed::parse(statement, proof).map(drop))
    }

    /// Parses `proof` and states what must hold for it.
    ///
    /// # Errors
    /// [`Reason::PurposeMismatch`] or [`Reason::OrderMismatch`] where the context does not admit the
    /// statement, then as [`Proof::parse`].
    pub(crate) fn claim(&self, context: &Context, proof: &[u8]) -> Result<Claim, Reason> {
        each!(self, statement => {
            sealed::Sealed::admits(statement, context)?;
            let elements = sealed::Sealed::parse(statement, proof)?;
            Ok(claim(context, statement, &elements, proof))
        })
    }
}

macro_rules! from {
    ($($kind:ident)*) => {$(
        impl From<$kind> for AnyStatement {
            fn from(statement: $kind) -> Self {
                Self::$kind(statement)
            }
        }
    )*};
}

from!(Possession Knowledge Equals Same Range InSet Proximity Consent);
