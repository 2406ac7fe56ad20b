//! The rules: plain types and pure functions. No transport, no tables, no clock, no I/O.

pub(crate) mod alert;
pub(crate) mod attempt;
pub(crate) mod audience;
pub(crate) mod bulletin;
pub(crate) mod code;
pub(crate) mod delivery;
pub(crate) mod draft;
pub(crate) mod number;
pub(crate) mod picture;
pub(crate) mod poster;
pub(crate) mod receipt;
pub(crate) mod report;
pub(crate) mod tally;
pub(crate) mod task;
pub(crate) mod text;
pub(crate) mod verification;

/// A moment in microseconds since 1970-01-01T00:00:00Z; 0 stands for "never".
pub(crate) type Micros = i64;
