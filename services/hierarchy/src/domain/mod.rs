//! The rules of the structure, as plain types and pure functions.

mod import;
mod kind;
mod search;
mod sound;
mod timeline;
mod unit;

pub use import::{Change, Difference, Import, ImportRow, RowProblem, plan_import};
pub use kind::{Kind, KindRules, KindRulesError};
pub use search::{Match, NameIndex};
pub use timeline::{FOREVER, Refusal, Span, Step, Timeline};
pub use unit::{Certainty, Draft, Problem, Unit, UnitSet, check_codes, check_draft, check_names, is_date, is_language};
