//! Possession: the phone holds the secret of the enrolled device key (proof kind 1).

use akashi_proof::{AnyStatement, DeviceKey, Possession};

/// The statement over the enrolled key, bound to every other part of the submission.
pub(super) fn statement(key: DeviceKey, submission_digest: [u8; 32]) -> AnyStatement {
    Possession {
        key,
        submission_digest,
    }
    .into()
}
