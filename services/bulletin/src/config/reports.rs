//! What reports are told when the service starts.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::report::retention::Retention;

/// Configuration of reports.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportConfig {
    /// The keys that wrap the reports' own keys; created with mode 0600 when it does not exist.
    pub keys_file: PathBuf,
    /// Slug of the unit that takes what has no other place; empty: the root of the structure.
    pub desk_unit: String,
    /// Hours until a new report must be triaged.
    pub triage_hours: u32,
    /// Hours until a triaged report must have an outcome.
    pub due_hours: DueHours,
    /// Hours between one unit above and the next when nothing is done.
    pub escalate_every_hours: u32,
    /// Milliseconds between two looks at what is due.
    pub look_every_ms: u64,
    /// Bytes of a file at most.
    pub evidence_max_bytes: usize,
    /// Minutes within which messages of one sender are one report.
    pub thread_minutes: u32,
    /// Days that the content of a report is kept after it ended.
    pub retention_days: RetentionDays,
}

/// Hours by severity.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DueHours {
    /// ROUTINE.
    pub routine: u32,
    /// IMPORTANT.
    pub important: u32,
    /// URGENT.
    pub urgent: u32,
}

/// Days by what came of a report. Of several outcomes the one that keeps it longest decides.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionDays {
    /// Persons were found.
    pub person_found: u32,
    /// Suspects, arrests, seizures.
    pub case: u32,
    /// Money was saved.
    pub amount_saved: u32,
    /// It was not true.
    pub false_report: u32,
    /// Nothing came of it.
    pub nothing_found: u32,
}

impl Default for ReportConfig {
    fn default() -> Self {
        Self {
            keys_file: PathBuf::from("bulletin.keys"),
            desk_unit: String::new(),
            triage_hours: 24,
            due_hours: DueHours::default(),
            escalate_every_hours: 24,
            look_every_ms: 5_000,
            evidence_max_bytes: 10 * 1024 * 1024,
            thread_minutes: 30,
            retention_days: RetentionDays::default(),
        }
    }
}

impl Default for DueHours {
    fn default() -> Self {
        Self { routine: 168, important: 72, urgent: 24 }
    }
}

impl Default for RetentionDays {
    fn default() -> Self {
        Self { person_found: 90, case: 3_650, amount_saved: 1_095, false_report: 90, nothing_found: 365 }
    }
}

impl DueHours {
    /// Hours for a number of `senani.bulletin.v1.Severity`.
    pub(crate) fn of(self, severity: i32) -> u32 {
        match severity {
            3 => self.urgent,
            2 => self.important,
            _ => self.routine,
        }
    }
}

impl RetentionDays {
    pub(crate) fn rule(self) -> Retention {
        Retention {
            person_found: self.person_found,
            case: self.case,
            amount_saved: self.amount_saved,
            false_report: self.false_report,
            nothing_found: self.nothing_found,
        }
    }
}
