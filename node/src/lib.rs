//! Part of akashi.

pub mod admin;
pub mod api;
pub mod clock;
pub mod config;
mod edge;
pub mod engine;
pub mod entropy;
mod fresh;
pub mod members;
pub mod net;
pub mod peers;
pub mod snapshot;
pub mod storage;
pub mod telemetry;
pub mod wire;
