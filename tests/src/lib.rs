//! Whole cells: the real binary as processes, what officers do with it, and recounts by hand-written SQL.
//!
//! The tests are in `tests/cells`, the benchmarks in `src/bin/bench`.

pub mod binary;
pub mod cell;
pub mod desk;
pub mod dump;
pub mod material;
pub mod ports;
pub mod provider;
pub mod recount;
pub mod settings;

pub use cell::{Cell, PATIENCE, Start};
pub use desk::Desk;
pub use settings::{Pace, Service};
