//! How far a bulletin got, in all and by district.

use std::collections::BTreeMap;

use senani_unit_tree::{Place, UnitTree};
use uuid::Uuid;

/// Kind of the units by which reach is broken down: `DISTRICT` of `senani.hierarchy.v1.UnitKind`.
const DISTRICT: i32 = 6;

/// Deliveries of a bulletin at one unit in one state for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachLine {
    /// The district, or the member's own unit under no district.
    pub unit: Uuid,
    /// A number of `senani.bulletin.v1.Delivery.State`.
    pub state: i32,
    /// Why they failed; empty otherwise.
    pub reason: String,
    /// How many.
    pub count: i64,
}

/// Posting tasks of a bulletin at one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskLine {
    /// As in [`ReachLine`].
    pub unit: Uuid,
    /// Tasks with a custodian.
    pub open: i64,
    /// Tasks without one.
    pub orphaned: i64,
}

/// How far a bulletin got: `pending` + `accepted` + `delivered` + `failed` = `persons`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReachFigures {
    /// Posting tasks given.
    pub tasks: i64,
    /// Of these, tasks for groups without a custodian.
    pub orphaned_tasks: i64,
    /// Persons with a delivery.
    pub persons: i64,
    /// Queued, being sent or of unknown outcome.
    pub pending: i64,
    /// Accepted or sent by the provider.
    pub accepted: i64,
    /// Delivered, read ones included.
    pub delivered: i64,
    /// Read.
    pub read: i64,
    /// Failed.
    pub failed: i64,
    /// Failed by reason; no reason with none.
    pub failed_by_reason: BTreeMap<String, i64>,
}

impl ReachFigures {
    fn add_deliveries(&mut self, line: &ReachLine) {
        self.persons += line.count;
        // The numbers of senani.bulletin.v1.Delivery.State.
        match line.state {
            4 | 5 => self.accepted += line.count,
            6 => {
                self.failed += line.count;
                if line.count != 0 {
                    *self.failed_by_reason.entry(line.reason.clone()).or_default() += line.count;
                }
            }
            7 => self.delivered += line.count,
            8 => {
                self.delivered += line.count;
                self.read += line.count;
            }
            // Queued, sending, unknown, and what a later version may add before an outcome is known.
            _ => self.pending += line.count,
        }
    }

    fn add_tasks(&mut self, line: &TaskLine) {
        self.tasks += line.open + line.orphaned;
        self.orphaned_tasks += line.orphaned;
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The reach of a bulletin: `parts` add up to `figures`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// In all.
    pub figures: ReachFigures,
    /// By district, and by unit for what is under no district, in the order of the tree.
    pub parts: Vec<(Place, ReachFigures)>,
}

/// Sums the lines of a bulletin. Lines of a unit that is not in the tree (yet) are shown at the root, so that the parts add up.
pub fn reach(tree: &UnitTree, deliveries: &[ReachLine], tasks: &[TaskLine]) -> Reach {
    let place = |unit: Uuid| {
        let unit = tree.by_id(unit).or(tree.root())?;
        Some(unit.ancestor_of_kind(DISTRICT).unwrap_or(unit).place())
    };
    let mut figures = ReachFigures::default();
    let mut parts: BTreeMap<Place, ReachFigures> = BTreeMap::new();
    for line in deliveries {
        figures.add_deliveries(line);
        if let Some(place) = place(line.unit) {
            parts.entry(place).or_default().add_deliveries(line);
        }
    }
    for line in tasks {
        figures.add_tasks(line);
        if let Some(place) = place(line.unit) {
            parts.entry(place).or_default().add_tasks(line);
        }
    }
    Reach { figures, parts: parts.into_iter().filter(|(_, part)| !part.is_empty()).collect() }
}
