//! The unhappy paths u01 to u40: one test each, named after its row, one file per subject.
//!
//! Where the decision is the subject, the deterministic core is driven (`world`); where nodes matter,
//! real processes are.

mod world;
