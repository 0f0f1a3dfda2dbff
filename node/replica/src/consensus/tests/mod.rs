//! The consensus core under test: a small seeded world, hostile peers, and single cases.

mod cases;
mod frames;
mod hostile;
mod inhabitants;
mod rng;
mod simulation;
mod world;
