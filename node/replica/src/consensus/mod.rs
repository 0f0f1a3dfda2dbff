//! Raft, behind our own types.
