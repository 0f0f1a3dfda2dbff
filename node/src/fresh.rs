//! Request ids of the node's own commands.

use akashi_domain::ids::RequestId;

use crate::clock;
use crate::entropy::{self, NoEntropy};

/// A `UUIDv7` (RFC 9562, section 5.7) of now.
///
/// # Errors
///
/// [`NoEntropy`]; nothing is sent then.
pub(crate) fn request_id() -> Result<RequestId, NoEntropy> {
    let mut id = entropy::bytes::<16>()?;
    let now_ms = clock::unix_us().checked_div(1_000).unwrap_or_default();
    let [_, _, time @ ..] = now_ms.to_be_bytes();
    for (to, from) in id.iter_mut().zip(time) {
        *to = from;
    }
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut id;
    *version = (*version & 0x0f) | 0x70;
    *variant = (*variant & 0x3f) | 0x80;
    Ok(RequestId(id))
}
