//! The crate seen from outside: completeness, binding, malleability, batches, golden vectors,
//! layers.
//!
//! The sponge's and the group's published vectors are run beside their private code, in
//! `src/transcript.rs` and
//! `src/group.rs`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise, in its helpers too"
)]

mod batches;
mod binding;
mod completeness;
mod kinds;
mod layers;
mod malleability;
mod openings;
mod scene;
mod vectors;
mod vectors_of_attributes;
