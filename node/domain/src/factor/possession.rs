//! Possession: the phone holds the secret of the enrolled device key (proof kind 1).

use akashi_proof::{AnyStatement, Kind, Part, Possession};

use super::{SubjectKeys, decoded};
use crate::answer::{Field, Rejection};

/// The statement over the enrolled key, bound to every other part of the submission.
pub(super) fn statement(
    keys: &SubjectKeys,
    submission_digest: [u8; 32],
) -> Result<(AnyStatement, Vec<u8>), Rejection> {
    let key = decoded::device_key(&keys.device_key)
        .map_err(|_not_a_key| Rejection::Invalid(Field::Key))?;
    let instance = [keys.device_key, submission_digest].concat();
    Ok((
        Possession {
            key,
            submission_digest,
        }
        .into(),
        instance,
    ))
}

/// How the part counts in a submission digest.
pub(super) fn part(proof: &[u8]) -> Part<'_> {
    Part::plain(Kind::Possession, 0, proof)
}
