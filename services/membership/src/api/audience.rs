//! Selectors of audiences, for the services that take them.

use std::sync::Arc;

use senani_order::Audience;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_unit_tree::{Place, UnitTree};
use uuid::Uuid;

use super::{Cell, unit_referred};
use crate::error::Error;

/// Tops of subtrees in a selector at most.
const UNITS: usize = 100;

/// Whom a selector means.
#[derive(Debug)]
pub(super) struct Selection {
    tree: Arc<UnitTree>,
    tops: Vec<Place>,
    pub(super) audiences: Vec<Audience>,
}

impl Selection {
    /// Reads a selector; every wrong field of it is named.
    pub(super) fn read(cell: &Cell, selector: Option<pb::AudienceSelector>) -> Result<Self, Error> {
        let invalid = |field: &str, what: &str| Error::invalid(ErrorReason::AudienceInvalid, field, what);
        let selector = selector.ok_or_else(|| invalid("audience", "is required"))?;
        if selector.units.is_empty() || selector.units.len() > UNITS {
            return Err(invalid("audience.units", "must name 1 to 100 units"));
        }
        let tree = cell.structure()?;
        let (mut tops, mut audiences, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
        let mut note = |error| match error {
            Error::Invalid(more) => {
                wrong.extend(more);
                Ok(())
            }
            other => Err(other),
        };
        for (index, name) in selector.units.iter().enumerate() {
            match unit_referred(&tree, name, &format!("audience.units[{index}]")) {
                Ok(unit) => tops.push(unit.place()),
                Err(error) => note(error)?,
            }
        }
        for (index, number) in selector.group_audiences.iter().enumerate() {
            match Audience::from_number(*number) {
                Some(audience) => audiences.push(audience),
                None => note(invalid(&format!("audience.group_audiences[{index}]"), "names no audience of groups"))?,
            }
        }
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        Ok(Self { tree, tops, audiences })
    }

    /// Whether a unit stands in one of the subtrees.
    pub(super) fn contains(&self, unit: Uuid) -> bool {
        let place = self.tree.by_id(unit).map(|unit| unit.place());
        place.is_some_and(|place| self.tops.iter().any(|top| self.tree.contains(*top, place)))
    }
}
