//! What fuzzing runs: one function per target from bytes to nothing, which panics if and only if a
//! law of the code it calls is broken.
//!
//! The functions are plain Rust, so that the same ones run under libFuzzer (`targets/`) and replay
//! the corpus in `make test`. They must never depend on anything but their input: no clock, no
//! chance, no state that one input leaves to the next.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::too_many_lines,
    clippy::missing_panics_doc,
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants,
    reason = "a broken law stops at once; numbers are cut to fit what the input has chosen"
)]

mod batch;
mod context;
mod credential;
mod gate;
mod input;
mod parse;
mod raft_bytes;
mod receipt;
mod request;
mod scene;
mod sensor;
mod spoil;
mod verify;

// The domain's own test world and phones: their state is where decoded commands are applied.
#[path = "../../../node/domain/tests/it/phone.rs"]
#[allow(
    dead_code,
    reason = "only a part of the domain's test world is used here"
)]
mod phone;
#[path = "../../../node/domain/tests/it/world.rs"]
#[allow(
    dead_code,
    reason = "only a part of the domain's test world is used here"
)]
mod world;

pub use batch::batch;
pub use context::context;
pub use credential::credential;
pub use gate::gate;
pub use parse::parse;
pub use receipt::receipt;
pub use request::request;
pub use sensor::sensor;
pub use verify::verify;

/// A target: its name, which is also its folder under `corpus/`, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 9] = [
    ("batch", batch),
    ("context", context),
    ("credential", credential),
    ("gate", gate),
    ("parse", parse),
    ("receipt", receipt),
    ("request", request),
    ("sensor", sensor),
    ("verify", verify),
];
