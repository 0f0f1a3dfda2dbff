//! The crate seen from outside: completeness, binding, malleability, batches, forgeries,
//! credentials, sensors, golden vectors, layers.
//!
//! The sponge's and the group's published vectors are run beside their private code, in
//! `src/transcript.rs` and
//! `src/group.rs`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    clippy::unwrap_in_result,
    reason = "a test may stop at the first surprise, in its helpers too; lists of vectors are long"
)]

mod batches;
mod binding;
mod challenges;
mod codes;
mod completeness;
mod credentials;
mod forgeries;
mod kinds;
mod layers;
mod malleability;
mod match_words;
mod openings;
mod scene;
mod sensors;
mod statements_in_json;
mod sums;
mod vectors;
mod vectors_of_attributes;
mod vectors_of_bodies;
mod vectors_of_captures;
mod vectors_of_decisions;
mod vectors_of_messages;
mod vectors_of_statements;
mod vectors_of_submissions;
mod vectors_of_sums;
