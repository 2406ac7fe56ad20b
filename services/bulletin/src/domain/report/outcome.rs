//! What came of a report.

/// Outcomes of one report at most.
const MOST: usize = 10;
/// Persons in an outcome at most.
const MOST_PERSONS: i32 = 10_000;

/// One thing that came of a report.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    PersonFound {
        count: i32,
    },
    SuspectIdentified {
        count: i32,
    },
    Arrest {
        count: i32,
    },
    /// Item and measure are numbers of `senani.bulletin.v1.Seizure`.
    Seizure {
        item: i32,
        quantity_millis: i64,
        measure: i32,
    },
    AmountSaved {
        paise: i64,
    },
    FalseReport,
    NothingFound,
}

/// What is wrong with the outcomes of a report; the index is of the one that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutcomeFault {
    /// None, or more than ten.
    Count,
    /// A number that no outcome has.
    Quantity(usize),
    /// What says that nothing came of it stands beside something.
    NotAlone(usize),
}

/// Whether these may be what came of one report.
pub(crate) fn check(outcomes: &[Outcome]) -> Result<(), OutcomeFault> {
    if outcomes.is_empty() || outcomes.len() > MOST {
        return Err(OutcomeFault::Count);
    }
    for (at, outcome) in outcomes.iter().enumerate() {
        let sound = match outcome {
            Outcome::PersonFound { count } | Outcome::SuspectIdentified { count } | Outcome::Arrest { count } => {
                (1..=MOST_PERSONS).contains(count)
            }
            Outcome::Seizure { item, quantity_millis, measure } => *item > 0 && *measure > 0 && *quantity_millis > 0,
            Outcome::AmountSaved { paise } => *paise > 0,
            Outcome::FalseReport | Outcome::NothingFound if outcomes.len() > 1 => {
                return Err(OutcomeFault::NotAlone(at));
            }
            Outcome::FalseReport | Outcome::NothingFound => true,
        };
        if !sound {
            return Err(OutcomeFault::Quantity(at));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_have_quantities_and_nothing_stands_alone() {
        let arrest = Outcome::Arrest { count: 2 };
        let seizure = Outcome::Seizure { item: 1, quantity_millis: 2_500, measure: 3 };
        assert_eq!(check(&[arrest.clone(), seizure.clone()]), Ok(()));
        assert_eq!(check(&[Outcome::NothingFound]), Ok(()));
        assert_eq!(check(&[]), Err(OutcomeFault::Count));
        assert_eq!(check(&vec![arrest.clone(); 11]), Err(OutcomeFault::Count));
        assert_eq!(check(&[arrest.clone(), Outcome::FalseReport]), Err(OutcomeFault::NotAlone(1)));
        assert_eq!(check(&[arrest, Outcome::AmountSaved { paise: 0 }]), Err(OutcomeFault::Quantity(1)));
        assert_eq!(check(&[Outcome::PersonFound { count: 10_001 }]), Err(OutcomeFault::Quantity(0)));
        let unmeasured = Outcome::Seizure { item: 1, quantity_millis: 2_500, measure: 0 };
        assert_eq!(check(&[unmeasured]), Err(OutcomeFault::Quantity(0)));
    }
}
