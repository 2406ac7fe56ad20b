//! What is counted and how, as plain types and pure functions.

mod coverage;
mod reach;
mod register;

pub use coverage::{Coverage, CoverageTable, Figures};
pub use reach::{Reach, ReachFigures, ReachLine, TaskLine, reach};
pub use register::{Group, Register};

#[cfg(test)]
mod recount;
