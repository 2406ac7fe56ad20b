//! Counts of the ledger, kept by every transaction that changes it.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::delivery::DeliveryState;

/// What is counted together. Ordered as the table's key, so that every transaction locks lines in one order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    pub(crate) bulletin: Uuid,
    /// District, see [`super::audience::district_of`].
    pub(crate) unit: Uuid,
    pub(crate) state: DeliveryState,
    /// Why it failed; empty otherwise.
    pub(crate) reason: String,
}

/// By how much lines change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Changes(BTreeMap<Line, i64>);

impl Changes {
    /// `count` more in a line.
    pub(crate) fn add(&mut self, bulletin: Uuid, unit: Uuid, state: DeliveryState, reason: &str, count: i64) {
        *self.0.entry(Line { bulletin, unit, state, reason: reason.to_owned() }).or_default() += count;
    }

    /// One delivery leaves a line for another.
    pub(crate) fn move_one(
        &mut self,
        (bulletin, unit): (Uuid, Uuid),
        (from, old_reason): (DeliveryState, &str),
        (to, new_reason): (DeliveryState, &str),
    ) {
        if (from, old_reason) != (to, new_reason) {
            self.add(bulletin, unit, from, old_reason, -1);
            self.add(bulletin, unit, to, new_reason, 1);
        }
    }

    /// The lines that change, in the order of their keys.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&Line, i64)> {
        self.0.iter().map(|(line, change)| (line, *change)).filter(|(_, change)| *change != 0)
    }
}

/// A bulletin's deliveries by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    counts: [i64; DeliveryState::ALL.len()],
}

impl Progress {
    /// Adds a line.
    pub(crate) fn add(&mut self, state: DeliveryState, count: i64) {
        self.counts[state as usize - 1] += count;
    }

    /// Deliveries in any of these states.
    pub(crate) fn of(&self, states: &[DeliveryState]) -> i64 {
        states.iter().map(|state| self.counts[*state as usize - 1]).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_that_cancel_each_other_leave_no_line() {
        let place = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut changes = Changes::default();
        changes.move_one(place, (DeliveryState::Queued, ""), (DeliveryState::Sending, ""));
        changes.move_one(place, (DeliveryState::Sending, ""), (DeliveryState::Queued, ""));
        changes.move_one(place, (DeliveryState::Read, ""), (DeliveryState::Read, ""));
        assert_eq!(changes.lines().count(), 0);
        changes.move_one(place, (DeliveryState::Sending, ""), (DeliveryState::Failed, "131026"));
        let lines: Vec<_> = changes.lines().map(|(line, change)| (line.state, line.reason.as_str(), change)).collect();
        assert_eq!(lines, [(DeliveryState::Sending, "", -1), (DeliveryState::Failed, "131026", 1)]);
    }
}
