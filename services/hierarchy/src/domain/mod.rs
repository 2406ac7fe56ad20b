//! The rules of the structure, as plain types and pure functions.

mod import;
mod kind;
mod unit;

pub use import::{Change, Difference, Import, ImportRow, RowProblem, plan_import};
pub use kind::{Kind, KindRules, KindRulesError};
pub use unit::{Certainty, Draft, Problem, Unit, check_draft, is_date};
