//! Verification of one proof: a batch of one. Pure, variable time, no randomness, no state.
//!
//! The order of checks is part of the suite, because the reason is recorded by every replica:
//! place in the context (30, 8), length (14), elements from left to right (15, 16, 26), equation (17). This file must never
//! import the prover.

use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest, Sha256};

use crate::{AnyStatement, Context, Proof, Reason, Statement, check::verdict, encode};

/// A statement that was proved: exists only after [`verify`] accepted a proof of it.
#[derive(Clone)]
#[must_use]
pub struct Verified<S: Statement> {
    statement: S,
}

impl<S: Statement> Verified<S> {
    /// The statement that holds.
    pub const fn statement(&self) -> &S {
        &self.statement
    }
}

impl<S: Statement> fmt::Debug for Verified<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("kind", &S::KIND)
            .finish_non_exhaustive()
    }
}

/// Verifies a parsed proof.
///
/// # Errors
/// [`Reason::PurposeMismatch`] or [`Reason::OrderMismatch`] for a consent outside its context;
/// [`Reason::EquationFailed`].
///
/// # Determinism
/// The same bytes give the same answer on every machine, alone or in any [`Batch`](crate::Batch).
///
/// # Cost
/// One multiscalar multiplication: three elements for a key, about a thousand for a template.
pub fn verify<S: Statement>(
    context: &Context,
    statement: &S,
    proof: &Proof<S>,
) -> Result<Verified<S>, Reason> {
    verdict(&proof.claim(context, statement)?)?;
    Ok(Verified {
        statement: statement.clone(),
    })
}

/// Parses and verifies a proof of a statement of any kind.
///
/// # Errors
/// [`Reason::PurposeMismatch`] or [`Reason::OrderMismatch`] for a consent outside its context, then
/// as [`Proof::parse`], then as [`verify`].
pub fn check(context: &Context, statement: &AnyStatement, proof: &[u8]) -> Result<(), Reason> {
    verdict(&statement.claim(context, proof)?)
}

/// The key under which a replica may remember the result of [`check`] for these exact inputs.
///
/// SHA-256("akashi/v1/vkey" ‖ suite u8 ‖ sid ‖ lv(instance) ‖ lv(proof)). The session id covers
/// context and kind. A remembered result is a cache: on a miss the proof is checked again.
#[must_use]
pub fn memo_key(context: &Context, statement: &AnyStatement, proof: &[u8]) -> [u8; 32] {
    let mut bytes = Vec::from(b"akashi/v1/vkey".as_slice());
    bytes.push(context.suite().code());
    bytes.extend_from_slice(&context.session_id(statement.kind()));
    encode::put_lv(&mut bytes, &statement.instance());
    encode::put_lv(&mut bytes, proof);
    Sha256::digest(&bytes).into()
}
