//! Factors: what a submission is made of. One file per factor; a new one is a variant here and a file
//! beside it, and the compiler lists the rest.

mod decoded;
mod knowledge;
mod possession;

use akashi_proof::{AnyStatement, Context, Part, Reason, Suite, submission_digest};

use crate::answer::{Field, Rejection};
use crate::command::FactorProof;
use crate::ids::Digest;
use crate::limits::{PROOF_BYTES_MAX, SUBMISSION_PARTS_MAX};
use crate::outcome::factors;

/// A kind of proof that a submission can carry, in the order in which they are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Factor {
    /// The enrolled phone's key.
    Possession,
    /// The PIN.
    Knowledge,
}

impl Factor {
    /// The proof kind (suite 0x01).
    #[must_use]
    pub const fn kind(self) -> u8 {
        match self {
            Self::Possession => 1,
            Self::Knowledge => 2,
        }
    }

    /// The factor of a proof kind.
    #[must_use]
    pub const fn from_kind(kind: u8) -> Option<Self> {
        match kind {
            1 => Some(Self::Possession),
            2 => Some(Self::Knowledge),
            _ => None,
        }
    }

    /// The factor type as a bit of a verdict.
    #[must_use]
    pub const fn bit(self) -> u32 {
        match self {
            Self::Possession => factors::HAVE,
            Self::Knowledge => factors::KNOW,
        }
    }
}

/// The public keys a subject's proofs are judged by. Always taken from state, never from a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubjectKeys {
    /// `P`.
    pub device_key: [u8; 32],
    /// `K`.
    pub pin_key: [u8; 32],
}

/// One proof with everything it is judged by.
#[derive(Clone, Debug)]
pub struct Job {
    /// Which factor.
    pub factor: Factor,
    /// What the proof must be bound to.
    pub context: Context,
    /// What it claims.
    pub statement: AnyStatement,
    /// The statement's instance bytes, for evidence.
    pub instance: Vec<u8>,
    /// The proof.
    pub proof: Vec<u8>,
}

/// Builds what has to be judged, possession first.
///
/// # Errors
///
/// [`Rejection::Invalid`] if the parts are not one per kind in ascending order beginning with
/// possession; [`Rejection::MalformedProof`] at the first proof that does not parse. Neither is
/// recorded: such bytes are turned away at the door.
pub fn jobs(
    context: &Context,
    keys: &SubjectKeys,
    proofs: &[FactorProof],
) -> Result<Vec<Job>, Rejection> {
    let mut named: Vec<(Factor, &[u8])> = Vec::with_capacity(proofs.len());
    for part in proofs {
        let factor = Factor::from_kind(part.kind).ok_or(Rejection::Invalid(Field::Proofs))?;
        let ascending = named.last().is_none_or(|(last, _)| *last < factor);
        if !ascending || part.proof.len() > PROOF_BYTES_MAX {
            return Err(Rejection::Invalid(Field::Proofs));
        }
        named.push((factor, &part.proof));
    }
    if named.len() > SUBMISSION_PARTS_MAX
        || named
            .first()
            .is_none_or(|(first, _)| *first != Factor::Possession)
    {
        return Err(Rejection::Invalid(Field::Proofs));
    }
    let others: Vec<Part<'_>> = named
        .iter()
        .filter(|(factor, _)| *factor != Factor::Possession)
        .map(|(factor, proof)| part(*factor, proof))
        .collect();
    let bound = submission_digest(&others);
    let mut jobs = Vec::with_capacity(named.len());
    for (factor, proof) in named {
        let (statement, instance) = match factor {
            Factor::Possession => possession::statement(keys, bound)?,
            Factor::Knowledge => knowledge::statement(keys)?,
        };
        parse(&statement, proof).map_err(|reason| Rejection::MalformedProof(reason.code()))?;
        jobs.push(Job {
            factor,
            context: context.clone(),
            statement,
            instance,
            proof: proof.to_vec(),
        });
    }
    Ok(jobs)
}

/// What names a submission: SHA-256 over the suite and every part.
#[must_use]
pub fn fingerprint(suite: Suite, proofs: &[FactorProof]) -> Digest {
    Digest::of(&crate::entry::encode(&(suite.code(), proofs)))
}

fn part(factor: Factor, proof: &[u8]) -> Part<'_> {
    match factor {
        Factor::Possession => possession::part(proof),
        Factor::Knowledge => knowledge::part(proof),
    }
}

fn parse(statement: &AnyStatement, proof: &[u8]) -> Result<(), Reason> {
    statement.well_formed(proof)
}
