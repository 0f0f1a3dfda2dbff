//! Knowledge: the phone's owner knows the PIN (proof kind 2).

use akashi_proof::{AnyStatement, Kind, Knowledge, Part};

use super::{SubjectKeys, decoded};
use crate::answer::{Field, Rejection};

/// The statement over the enrolled PIN key.
pub(super) fn statement(keys: &SubjectKeys) -> Result<(AnyStatement, Vec<u8>), Rejection> {
    let device = decoded::device_key(&keys.device_key)
        .map_err(|_not_a_key| Rejection::Invalid(Field::Key))?;
    let pin =
        decoded::pin_key(&keys.pin_key).map_err(|_not_a_key| Rejection::Invalid(Field::Key))?;
    let instance = [keys.device_key, keys.pin_key].concat();
    Ok((Knowledge { device, pin }.into(), instance))
}

/// How the part counts in a submission digest.
pub(super) fn part(proof: &[u8]) -> Part<'_> {
    Part::plain(Kind::Knowledge, 0, proof)
}
