//! Part of akashi.

pub mod clock;
pub mod config;
pub mod entropy;
pub mod net;
pub mod storage;
pub mod telemetry;
