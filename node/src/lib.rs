//! Part of akashi.

pub mod storage;
