//! How long the content of a report is kept after it ended.

use super::outcome::Outcome;
use crate::domain::Micros;

const DAY: Micros = 86_400_000_000;

/// Days by what came of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention {
    pub(crate) person_found: u32,
    /// A suspect, an arrest, a seizure: there is, or will be, a case.
    pub(crate) case: u32,
    pub(crate) amount_saved: u32,
    pub(crate) false_report: u32,
    pub(crate) nothing_found: u32,
}

impl Retention {
    /// Until when a report that ended now is kept: as long as the outcome that keeps it longest.
    pub(crate) fn until(&self, outcomes: &[Outcome], now: Micros) -> Micros {
        let days = outcomes.iter().map(|outcome| match outcome {
            Outcome::PersonFound { .. } => self.person_found,
            Outcome::SuspectIdentified { .. } | Outcome::Arrest { .. } | Outcome::Seizure { .. } => self.case,
            Outcome::AmountSaved { .. } => self.amount_saved,
            Outcome::FalseReport => self.false_report,
            Outcome::NothingFound => self.nothing_found,
        });
        now.saturating_add(Micros::from(days.max().unwrap_or(0)).saturating_mul(DAY)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_that_keeps_it_longest_decides() {
        let retention =
            Retention { person_found: 90, case: 3_650, amount_saved: 1_095, false_report: 30, nothing_found: 365 };
        let found = Outcome::PersonFound { count: 1 };
        assert_eq!(retention.until(std::slice::from_ref(&found), 5), 5 + 90 * DAY);
        assert_eq!(retention.until(&[found, Outcome::Arrest { count: 1 }], 5), 5 + 3_650 * DAY);
        assert_eq!(retention.until(&[Outcome::FalseReport], 5), 5 + 30 * DAY);
    }
}
