//! Between the contract and the domain.

mod appointment;

use senani_proto::eventlog::v1::event::Payload;
use senani_proto::hierarchy::v1::{self as pb, ErrorReason};
use senani_proto::name::{UnitName, UnitSetName};
use senani_store::Timestamp;
use uuid::Uuid;

use crate::domain::{Certainty, Change, Draft, Import, Kind, KindRules, Refusal, RowProblem, Unit, UnitSet};
use crate::error::{Error, Wrong};
use crate::store::Version;

pub(crate) use appointment::{
    answer, appointment, appointment_changed, appointment_id, appointment_not_found, imagined, objection, officer,
    transfer, transfer_id, transfer_not_found,
};

/// Differences that an answer lists at most.
const LISTED: usize = 500;

pub(crate) fn unit(unit: &Unit) -> pb::Unit {
    let draft = &unit.draft;
    pb::Unit {
        name: format!("units/{}", draft.slug),
        uid: unit.id.to_string(),
        kind: draft.kind as i32,
        parent: draft.parent.as_ref().map_or_else(String::new, |parent| format!("units/{parent}")),
        display_names: draft.names.clone().into_iter().collect(),
        codes: draft.codes.clone().into_iter().collect(),
        open_date: draft.opened_on.clone(),
        close_date: unit.closed_on.clone(),
        certainty: draft.certainty as i32,
        etag: etag(unit.version),
        create_time: Timestamp(unit.created_at).to_proto(),
        update_time: Timestamp(unit.updated_at).to_proto(),
        successor: if unit.successor.is_empty() { String::new() } else { format!("units/{}", unit.successor) },
    }
}

/// The names of units, in their order.
pub(crate) fn names(units: &[Unit]) -> Vec<String> {
    units.iter().map(|unit| format!("units/{}", unit.draft.slug)).collect()
}

/// The etag of a version of a unit.
pub(crate) fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

pub(crate) fn version(version: &Version) -> pb::UnitVersion {
    pb::UnitVersion {
        unit: Some(unit(&version.unit)),
        start_date: version.from.clone(),
        end_date: version.until.clone(),
    }
}

/// Where a field of a draft stands in a request that carries a unit.
pub(crate) fn path_in_unit(field: &str) -> String {
    match field {
        "slug" => "unit_id",
        "opened_on" => "unit.open_date",
        "name_hi" => "unit.display_names[hi]",
        "codes" => "unit.codes",
        _ => "unit.display_names",
    }
    .to_owned()
}

/// The error of a refused change of `unit`; `other` is the slug of the unit below that the refusal is about.
pub(crate) fn refusal(unit: &Unit, refusal: &Refusal, other: &str, rules: &KindRules) -> Error {
    let name = format!("units/{}", unit.draft.slug);
    let parent = unit.draft.parent.clone().unwrap_or_default();
    let wrong = match refusal {
        Refusal::TooEarly(earliest) => return too_early(&name, earliest),
        Refusal::Closed => Wrong::new(ErrorReason::UnitClosed, "name", "the unit is closed").with("unit", name),
        Refusal::Open => Wrong::new(ErrorReason::UnitOpen, "name", "the unit is not closed").with("unit", name),
        Refusal::ParentClosed(date) => return Error::parent_closed(&parent, date),
        Refusal::SuccessorClosed(date) => {
            let what = format!("the successor is closed or not on record on {date}");
            let wrong = Wrong::new(ErrorReason::SuccessorClosed, "successor", what);
            wrong.with("successor", format!("units/{}", unit.successor)).with("date", date)
        }
        Refusal::ChildrenOpen(count, _) => {
            let what = format!("{count} units under it are open, one of them units/{other}");
            let wrong = Wrong::new(ErrorReason::ChildrenOpen, "name", what).with("unit", name);
            wrong.with("children", count).with("child", format!("units/{other}"))
        }
        Refusal::Root => Wrong::new(ErrorReason::RootCannotMove, "name", "the root stands under no unit"),
        Refusal::Cycle => {
            Wrong::new(ErrorReason::Cycle, "parent", "the unit would stand under itself").with("unit", name)
        }
        Refusal::Kind { kind, parent, .. } => {
            let wrong = kind_forbidden(*kind, *parent, rules, if other.is_empty() { "parent" } else { "kind" });
            if other.is_empty() { wrong } else { wrong.with("unit", format!("units/{other}")) }
        }
    };
    match refusal {
        Refusal::Root | Refusal::Cycle | Refusal::Kind { .. } => Error::Invalid(vec![wrong]),
        _ => Error::Refused(Box::new(wrong)),
    }
}

pub(crate) fn unit_changed(changed: &Unit) -> Payload {
    Payload::Hierarchy(pb::HierarchyEvent {
        kind: Some(pb::hierarchy_event::Kind::UnitChanged(pb::UnitChanged {
            unit: Some(unit(changed)),
            parent_uid: changed.parent_id.map_or_else(String::new, |id| id.to_string()),
        })),
    })
}

pub(crate) fn unit_set(set: &UnitSet) -> pb::UnitSet {
    pb::UnitSet {
        name: format!("unitSets/{}", set.slug),
        display_names: set.names.clone(),
        unit_count: i32::try_from(set.units).unwrap_or(i32::MAX),
        create_time: Timestamp(set.created_at).to_proto(),
        close_date: set.closed_on.clone(),
        etag: etag(set.version),
    }
}

pub(crate) fn unit_set_changed(set: &UnitSet, added: &[Uuid], removed: &[Uuid]) -> Payload {
    let uids = |units: &[Uuid]| units.iter().map(Uuid::to_string).collect();
    Payload::Hierarchy(pb::HierarchyEvent {
        kind: Some(pb::hierarchy_event::Kind::UnitSetChanged(pb::UnitSetChanged {
            unit_set: Some(unit_set(set)),
            added_unit_uids: uids(added),
            removed_unit_uids: uids(removed),
        })),
    })
}

/// The slug in the name of a set.
pub(crate) fn set_slug(name: &str) -> Result<String, Error> {
    name.parse::<UnitSetName>()
        .map(|name| name.slug().to_owned())
        .map_err(|error| Error::invalid(ErrorReason::NameInvalid, "name", error.to_string()))
}

/// `unit` has changed on `earliest` already.
pub(crate) fn too_early(unit: &str, earliest: &str) -> Error {
    let what = format!("the unit can change from {earliest} on at the earliest");
    let wrong = Wrong::new(ErrorReason::EffectiveDateTooEarly, "effective_date", what);
    Error::Refused(Box::new(wrong.with("unit", unit).with("earliest", earliest)))
}

/// The slug in a unit's name; `field` is where the name stands in the request.
pub(crate) fn slug(name: &str, field: &str) -> Result<String, Error> {
    name.parse::<UnitName>()
        .map(|name| name.slug().to_owned())
        .map_err(|error| Error::invalid(ErrorReason::NameInvalid, field, error.to_string()))
}

/// A draft from the wire; `today` is the opening date when none is given.
pub(crate) fn draft(slug_of_unit: String, unit: pb::Unit, today: &str) -> Result<Draft, Error> {
    let kind = Kind::from_number(unit.kind)
        .ok_or_else(|| Error::invalid(ErrorReason::KindMissing, "unit.kind", "a unit needs a kind"))?;
    let parent = if unit.parent.is_empty() { None } else { Some(slug(&unit.parent, "unit.parent")?) };
    Ok(Draft {
        slug: slug_of_unit,
        parent,
        kind,
        names: unit.display_names.into_iter().collect(),
        codes: unit.codes.into_iter().collect(),
        opened_on: if unit.open_date.is_empty() { today.to_owned() } else { unit.open_date },
        certainty: Certainty::from_number(unit.certainty).unwrap_or_default(),
    })
}

pub(crate) fn kind_forbidden(kind: Kind, parent: Option<Kind>, rules: &KindRules, field: impl Into<String>) -> Wrong {
    let allowed = rules.allowed_parents(kind).iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
    let parent = parent.map_or("none", Kind::name);
    let description = if allowed.is_empty() {
        format!("a {} is the root and stands under no unit", kind.name())
    } else {
        format!("a {} may not stand under {parent}, only under {allowed}", kind.name())
    };
    Wrong::new(ErrorReason::KindForbiddenUnderParent, field, description)
        .with("kind", kind.name())
        .with("parent_kind", parent)
        .with("allowed", allowed)
}

pub(crate) fn row_problems(problems: &[(u64, RowProblem)], rules: &KindRules) -> Vec<Wrong> {
    problems.iter().map(|(line, problem)| row_problem(*line, problem, rules)).collect()
}

fn row_problem(line: u64, problem: &RowProblem, rules: &KindRules) -> Wrong {
    let path = |column: &str| format!("rows[{line}].{column}");
    match problem {
        RowProblem::Draft(problem) => Error::of_problem(*problem, &path),
        RowProblem::ParentUnknown(parent) => {
            Wrong::new(ErrorReason::ParentUnknown, path("parent"), "no such unit in the file or the register")
                .with("parent", format!("units/{parent}"))
        }
        RowProblem::KindForbidden { kind, parent } => kind_forbidden(*kind, *parent, rules, path("kind")),
        RowProblem::Cycle(slug) => {
            let wrong = Wrong::new(ErrorReason::Cycle, path("parent"), "the unit would stand under itself");
            wrong.with("unit", format!("units/{slug}"))
        }
        RowProblem::SlugTwice(slug) => {
            let wrong = Wrong::new(ErrorReason::SlugTaken, path("slug"), "the slug is in the file twice");
            wrong.with("unit", format!("units/{slug}"))
        }
        RowProblem::KindChanged(slug) => {
            let wrong = Wrong::new(ErrorReason::KindChanged, path("kind"), "the unit exists with another kind");
            wrong.with("unit", format!("units/{slug}"))
        }
        RowProblem::CodeTaken(system) => {
            Wrong::new(ErrorReason::CodeTaken, path("codes"), "another unit has this code").with("system", system)
        }
        RowProblem::ParentClosed(parent) => {
            Wrong::new(ErrorReason::ParentClosed, path("parent"), "the unit above is closed")
                .with("parent", format!("units/{parent}"))
        }
        RowProblem::RootExists => {
            Wrong::new(ErrorReason::RootExists, path("parent"), "there is one root; name a parent")
        }
    }
}

pub(crate) fn import(import: &Import) -> pb::ImportUnitsResponse {
    let count = |change| {
        let many = import.differences.iter().filter(|difference| difference.change == change).count();
        i32::try_from(many).unwrap_or(i32::MAX)
    };
    let differences = import.differences.iter().map(|difference| {
        let change = match difference.change {
            Change::Added => pb::unit_difference::Change::Added,
            Change::Changed => pb::unit_difference::Change::Changed,
            Change::Moved => pb::unit_difference::Change::Moved,
        };
        (&difference.draft.slug, change)
    });
    let gone = import.gone.iter().map(|slug| (slug, pb::unit_difference::Change::Gone));
    let differences = differences
        .chain(gone)
        .take(LISTED)
        .map(|(slug, change)| pb::UnitDifference { unit: format!("units/{slug}"), change: change as i32 });
    pb::ImportUnitsResponse {
        added: count(Change::Added),
        changed: count(Change::Changed),
        moved: count(Change::Moved),
        unchanged: i32::try_from(import.unchanged).unwrap_or(i32::MAX),
        differences: differences.collect(),
        gone: i32::try_from(import.gone.len()).unwrap_or(i32::MAX),
    }
}
