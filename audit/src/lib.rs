//! Part of akashi.
