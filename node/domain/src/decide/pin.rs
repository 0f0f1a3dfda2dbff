//! The PIN counter: wrong PINs with valid possession, in a row.

use crate::ids::Stamp;
use crate::limits::SECOND_US;
use crate::records::{PinCounter, Settings};

/// Until when the PIN is locked: zero if it is not, all ones until re-proofing.
pub(super) const fn locked_until(pin: &PinCounter) -> Stamp {
    if pin.locked_for_good {
        Stamp(u64::MAX)
    } else {
        pin.locked_until
    }
}

pub(super) fn is_locked(pin: &PinCounter, now: Stamp) -> bool {
    pin.locked_for_good || pin.locked_until > now
}

/// One more wrong PIN in a row: from the soft limit on each one locks, twice as long as the one
/// before; at the hard limit only re-proofing helps.
#[must_use]
pub(super) fn count_wrong_pin(pin: PinCounter, settings: &Settings, now: Stamp) -> PinCounter {
    let failures = pin.failures.saturating_add(1);
    let over = failures.checked_sub(settings.pin_failures_soft);
    let first_us = u64::from(settings.pin_lock_first_s).saturating_mul(SECOND_US);
    let locked_until = over.map_or(Stamp::default(), |over| {
        now.after_us(first_us.saturating_mul(1_u64.checked_shl(over).unwrap_or(u64::MAX)))
    });
    PinCounter {
        failures,
        locked_until,
        locked_for_good: failures >= settings.pin_failures_hard,
    }
}
