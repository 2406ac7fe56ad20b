//! The rules of the structure, as plain types and pure functions.

mod appointment;
mod import;
mod kind;
mod posts;
mod search;
mod sound;
mod timeline;
mod transfer;
mod unit;

pub use appointment::{Appointment, Day, Nature, OPEN_ENDED, Post};
pub use import::{Change, Difference, Import, ImportRow, RowProblem, plan_import};
pub use kind::{Kind, KindRules, KindRulesError};
pub use posts::{Act, DELEGATION_HOURS, Finding, Objection, Posts};
pub use search::{Match, NameIndex};
pub use timeline::{FOREVER, Refusal, Span, Step, Timeline};
pub use transfer::{Held, LeftBehind, Transfer, TransferState};
pub use unit::{Certainty, Draft, Problem, Unit, UnitSet, check_codes, check_draft, check_names, is_date, is_language};
