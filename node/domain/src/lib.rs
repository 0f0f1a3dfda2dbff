//! The deterministic core.
pub mod kv;
