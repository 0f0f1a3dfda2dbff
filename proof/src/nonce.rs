//! The challenge nonce: the same on every replica, predictable by nobody but the leader that made
//! the entry.
//!
//! It depends on the last sealed head, so whoever learns a nonce knows that the challenge was made
//! after that head; it depends on the entry's place, so two challenges never share one. It claims
//! no more than that.

use shake::{ExtendableOutput, Shake128, Update, XofReader};

use crate::{Suite, encode};

/// What a nonce is made from, all of it known when the entry is applied.
#[derive(Clone, Copy, Debug)]
pub struct NonceInputs<'a> {
    /// The suite of the challenge.
    pub suite: Suite,
    /// The log's origin.
    pub origin: &'a [u8],
    /// Leaves in the last sealed head known to applied state; 0 before the first.
    pub sealed_size: u64,
    /// Root of that head; zeros before the first.
    pub sealed_root: [u8; 32],
    /// Raft index of the entry that makes the challenge.
    pub log_index: u64,
    /// Place of the command within that entry.
    pub ordinal: u32,
    /// The challenge's id.
    pub challenge_id: [u8; 16],
    /// 32 random bytes that the leader put into the entry.
    pub leader_random: [u8; 32],
}

/// SHAKE128("akashi/v1/nonce" ‖ suite u8 ‖ lv(origin) ‖ sealed size u64 ‖ sealed root \[32\] ‖ log
/// index u64 ‖ ordinal u32 ‖ challenge id \[16\] ‖ leader random \[32\], 32 bytes).
#[must_use]
pub fn challenge_nonce(inputs: &NonceInputs<'_>) -> [u8; 32] {
    let NonceInputs {
        suite,
        origin,
        sealed_size,
        sealed_root,
        log_index,
        ordinal,
        challenge_id,
        leader_random,
    } = inputs;
    let mut shake = Shake128::default();
    shake.update(b"akashi/v1/nonce");
    shake.update(&[suite.code()]);
    shake.update(&encode::lv_prefix(origin));
    shake.update(origin);
    shake.update(&sealed_size.to_le_bytes());
    shake.update(sealed_root);
    shake.update(&log_index.to_le_bytes());
    shake.update(&ordinal.to_le_bytes());
    shake.update(challenge_id);
    shake.update(leader_random);
    let mut nonce = [0; 32];
    shake.finalize_xof().read(&mut nonce);
    nonce
}
