//! The consensus core under test: a small seeded world, hostile peers, and single cases.

mod cases;
mod churn;
mod frames;
mod group;
mod hostile;
mod inhabitants;
mod left_behind;
mod membership;
mod pitfalls;
mod restraint;
mod rng;
mod simulation;
mod sites;
mod world;
