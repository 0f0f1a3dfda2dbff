//! Everything that can go wrong in a call, one test for each row: `u01_…` to `u40_…`. Each ends in the
//! outcome or the event that is defined for it.

mod faults;
mod replays;
