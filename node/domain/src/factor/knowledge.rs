//! Knowledge: the phone's owner knows the PIN (proof kind 2).
//!
//! Slot 0 proves the PIN that is enrolled. Slot 1 proves the PIN's next key K′, which travels with it and
//! takes the place of K if everything else holds: so that a proof once recorded tests no PIN later.

use akashi_proof::{AnyStatement, Knowledge, PinKey};

use super::{NEXT_PIN_SLOT, SubjectKeys, names_nothing};
use crate::command::FactorProof;

/// Whether slot and attachment go together.
pub(super) fn fits(part: &FactorProof) -> bool {
    let travels = match part.slot {
        0 => part.attachment.is_empty(),
        NEXT_PIN_SLOT => next_key(part).is_some(),
        _ => false,
    };
    travels && names_nothing(part)
}

/// The statement over the enrolled PIN key, or over the next one.
pub(super) fn statement(keys: &SubjectKeys, part: &FactorProof) -> Option<AnyStatement> {
    let pin = if part.slot == NEXT_PIN_SLOT {
        next_key(part)?
    } else {
        keys.pin
    };
    let device = keys.device;
    Some(Knowledge { device, pin }.into())
}

fn next_key(part: &FactorProof) -> Option<PinKey> {
    let bytes = part.attachment.as_slice().try_into().ok()?;
    PinKey::from_bytes(bytes).ok()
}
