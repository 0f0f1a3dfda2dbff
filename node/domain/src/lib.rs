//! The deterministic core of akashi: what a command means, what it changes, and nothing else.
//!
//! Every replica runs this code on the same entries in the same order and must get the same bytes.
//! It therefore has no clock, no randomness, no I/O, no floats, no unordered collections and no
//! panics: time and chance arrive inside the [`entry::Entry`], storage through [`kv::View`], and the
//! judgement over a proof through [`decide::Checker`].
//!
//! * [`command`]: what is asked. [`event`]: what became a fact. [`records`]: what is remembered.
//! * [`decide`] looks and never touches; [`evolve`] touches and never refuses; [`apply`] does both.
//! * [`leaf`] turns an event into its canonical leaf of the audit log.

#![warn(clippy::arithmetic_side_effects, clippy::integer_division)]

pub mod answer;
pub mod apply;
pub mod command;
pub mod decide;
pub mod entry;
pub mod event;
pub mod evolve;
pub mod factor;
pub mod ids;
pub mod keys;
pub mod kv;
pub mod leaf;
pub mod limits;
pub mod outcome;
pub mod policy;
pub mod records;
pub mod state;
