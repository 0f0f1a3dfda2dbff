//! Length-prefixed byte strings, the one variable-length encoding that enters a hash here.
//!
//! Everything else is fixed-width little endian and written where it is hashed. No protobuf byte is
//! ever hashed.

use alloc::vec::Vec;

/// Appends `lv(bytes)`: the length as u16 little endian, then the bytes.
///
/// Strings beyond 65,535 bytes write the prefix 65,535. Every caller either bounds its strings to
/// far less ([`NAME_BYTES_MAX`](crate::NAME_BYTES_MAX)) or hashes at most one string of free
/// length, whose length then follows from the total; two different inputs never give the same
/// bytes.
pub(crate) fn put_lv(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&lv_prefix(bytes));
    out.extend_from_slice(bytes);
}

/// The two bytes that [`put_lv`] writes before the string.
pub(crate) fn lv_prefix(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_le_bytes()
}
