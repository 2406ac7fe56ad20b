//! Who answers for a unit.

use std::collections::BTreeSet;

use super::units::find;
use super::{Units, appointments};
use crate::domain::{Appointment, Day, Finding, Nature};
use crate::error::Error;

/// Who answers, and how that was found.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) moment: i64,
    /// A head, or who stands in.
    pub(crate) appointment: Option<Appointment>,
    /// The head who is stood in for.
    pub(crate) head: Option<Appointment>,
    /// Slugs of the units on the way, the one that was asked about first.
    pub(crate) steps: Vec<(String, Finding)>,
    /// Emergencies of that moment in the unit that was asked about.
    pub(crate) break_glass: Vec<Appointment>,
}

impl Units {
    /// Who answers for a unit at a moment, on the day of which the structure is read.
    pub(crate) async fn who_is_answerable(&self, slug: &str, day: &Day, moment: i64) -> Result<Answer, Error> {
        let txn = self.store.begin_read().await?;
        let mut answer = Answer { moment, appointment: None, head: None, steps: Vec::new(), break_glass: Vec::new() };
        let mut next = Some(slug.to_owned());
        let mut seen = BTreeSet::new();
        while let Some(slug) = next {
            let unit = find(&*txn, &slug, Some(&day.date)).await?;
            let unit = unit.ok_or_else(|| Error::UnitNotFound(format!("units/{slug}")))?;
            // Two units that were merged with each other at different times are still one way up.
            if !seen.insert(unit.id) {
                break;
            }
            let posts = appointments::posts(&*txn, &[unit.id]).await?;
            if answer.steps.is_empty() {
                let emergencies = posts.all().filter(|held| held.nature == Nature::BreakGlass && held.held_at(moment));
                answer.break_glass = emergencies.cloned().collect();
            }
            let closed = !unit.closed_on.is_empty();
            if let Some((holder, head)) = posts.answerable(unit.id, moment).filter(|_| !closed) {
                let finding = if head.is_some() { Finding::Delegate } else { Finding::Head };
                answer.steps.push((slug, finding));
                answer.appointment = Some(holder.clone());
                answer.head = head.cloned();
                break;
            }
            answer.steps.push((slug, if closed { Finding::Closed } else { Finding::Vacant }));
            let successor = (!unit.successor.is_empty()).then_some(unit.successor);
            next = successor.or(unit.draft.parent);
        }
        Ok(answer)
    }
}
