//! Recounts by hand-written SQL, straight from the services' tables, to judge what the services say.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait as _, DatabaseConnection, QueryResult, Statement};
use senani_proto::analytics::v1::CoverageFigures;
use uuid::Uuid;

use crate::cell::Cell;
use crate::settings::Service;

/// The rows of a query on a service's own database.
///
/// # Panics
/// When the query is wrong.
pub async fn rows(database: &DatabaseConnection, sql: &str) -> Vec<QueryResult> {
    let statement = Statement::from_string(database.get_database_backend(), sql);
    match database.query_all_raw(statement).await {
        Ok(rows) => rows,
        Err(error) => panic!("{sql}: {error}"),
    }
}

/// The one number that a query answers.
///
/// # Panics
/// When it answers something else.
pub async fn number(database: &DatabaseConnection, sql: &str) -> i64 {
    get(&rows(database, sql).await[0], 0)
}

/// A column of a row.
///
/// # Panics
/// When it is of another type.
pub fn get<T: sea_orm::TryGetable>(row: &QueryResult, column: usize) -> T {
    match row.try_get_by_index(column) {
        Ok(value) => value,
        Err(error) => panic!("column {column}: {error:?}"),
    }
}

/// A unit of hierarchy.
#[derive(Debug, Clone)]
pub struct Unit {
    /// `units/{slug}`.
    pub name: String,
    /// Number of its kind.
    pub kind: i32,
    /// The district over it or itself; `None` elsewhere.
    pub district: Option<Uuid>,
}

/// Number of the kind of districts.
const DISTRICT: i32 = senani_proto::hierarchy::v1::UnitKind::District as i32;

/// Every open unit of hierarchy, with its district.
pub async fn units(cell: &Cell) -> BTreeMap<Uuid, Unit> {
    let hierarchy = cell.database(Service::Hierarchy).await;
    let sql = format!(
        "WITH RECURSIVE part (id, slug, kind, district) AS ( \
           SELECT id, slug, kind, CASE WHEN kind = {DISTRICT} THEN id END FROM unit WHERE parent_id IS NULL \
           UNION ALL \
           SELECT u.id, u.slug, u.kind, CASE WHEN u.kind = {DISTRICT} THEN u.id ELSE p.district END \
           FROM unit u JOIN part p ON p.id = u.parent_id) \
         SELECT id, slug, kind, district FROM part"
    );
    let units = rows(&hierarchy, &sql).await;
    let unit = |row: &QueryResult| {
        (
            get(row, 0),
            Unit { name: format!("units/{}", get::<String>(row, 1)), kind: get(row, 2), district: get(row, 3) },
        )
    };
    units.iter().map(unit).collect()
}

/// Kind, audience and rank that a group is demanded for.
type Slot = (i32, i32, i32);

/// Coverage by district (`None` for what is under none), counted from hierarchy's units and membership's orders, groups and
/// enrolments.
pub async fn coverage(cell: &Cell) -> BTreeMap<Option<Uuid>, CoverageFigures> {
    let membership = cell.database(Service::Membership).await;
    let mut groups: BTreeMap<(Uuid, i32, i32), i64> = BTreeMap::new();
    let counted = "SELECT g.unit_id, g.audience, g.rank, count(e.member_id) FROM member_group g \
                   LEFT JOIN enrolment e ON e.group_id = g.id AND e.ended_at = 0 \
                   WHERE g.state = 1 GROUP BY g.unit_id, g.audience, g.rank";
    for row in rows(&membership, counted).await {
        *groups.entry((get(&row, 0), get(&row, 1), get(&row, 2))).or_default() += get::<i64>(&row, 3);
    }
    let demands = demands(&membership).await;
    let mut figures: BTreeMap<Option<Uuid>, CoverageFigures> = BTreeMap::new();
    for (id, unit) in units(cell).await {
        let part = figures.entry(unit.district).or_default();
        part.enrolled_members +=
            groups.range((id, i32::MIN, i32::MIN)..=(id, i32::MAX, i32::MAX)).map(|(_, count)| count).sum::<i64>();
        for (&(_, audience, rank), &min) in
            demands.range((unit.kind, i32::MIN, i32::MIN)..=(unit.kind, i32::MAX, i32::MAX))
        {
            let group = groups.get(&(id, audience, rank)).copied();
            part.expected_groups += 1;
            part.expected_members += min;
            part.missing_members += (min - group.unwrap_or(0)).max(0);
            part.formed_groups += i64::from(group.is_some());
            part.sufficient_groups += i64::from(group.is_some_and(|count| count >= min));
            part.short_groups += i64::from(group.is_some_and(|count| count < min));
        }
    }
    figures
}

/// The minimum of each group that the orders demand: of the rules for one kind and audience, those of the order issued last.
async fn demands(membership: &DatabaseConnection) -> BTreeMap<Slot, i64> {
    let in_force = "SELECT r.unit_kind, r.audience, r.ranks, r.min_size FROM order_rule r \
                    JOIN issued_order o ON o.slug = r.order_slug \
                    WHERE r.required AND NOT EXISTS (SELECT 1 FROM order_rule s \
                      JOIN issued_order p ON p.slug = s.order_slug \
                      WHERE s.unit_kind = r.unit_kind AND s.audience = r.audience AND p.issue_date > o.issue_date)";
    let mut demands = BTreeMap::new();
    for row in rows(membership, in_force).await {
        let (kind, audience, ranks, min) = (get(&row, 0), get(&row, 1), get::<String>(&row, 2), get::<i32>(&row, 3));
        let ranks: Vec<i32> = ranks.split(',').filter_map(|rank| rank.trim().parse().ok()).collect();
        for rank in if ranks.is_empty() { vec![0] } else { ranks } {
            demands.insert((kind, audience, rank), i64::from(min));
        }
    }
    demands
}

/// How many deliveries of the whole ledger are in each district, state and reason.
pub type Tally = BTreeMap<(Uuid, i32, String), i64>;

/// The tally, counted from the ledger itself.
pub async fn ledger(bulletin: &DatabaseConnection) -> Tally {
    tally(bulletin, "SELECT district_id, state, reason, count(*) FROM delivery GROUP BY district_id, state, reason")
        .await
}

/// A query that answers district, state, reason and count, without lines that count nothing.
pub async fn tally(database: &DatabaseConnection, sql: &str) -> Tally {
    let lines = rows(database, sql).await;
    let line = |row: &QueryResult| ((get(row, 0), get(row, 1), get(row, 2)), get::<i64>(row, 3));
    lines.iter().map(line).filter(|(_, count)| *count != 0).collect()
}

/// Who is in the ledger: the blind index of each member's number, and the channel. Two cells with the same keys agree about the
/// same persons.
pub async fn persons(cell: &Cell) -> BTreeSet<(Vec<u8>, String)> {
    let membership = cell.database(Service::Membership).await;
    let members = rows(&membership, "SELECT member_id, value_index FROM member_identifier WHERE kind = 1").await;
    let index: BTreeMap<Uuid, Vec<u8>> = members.iter().map(|row| (get(row, 0), get(row, 1))).collect();
    let bulletin = cell.database(Service::Bulletin).await;
    let deliveries = rows(&bulletin, "SELECT member_id, channel FROM delivery").await;
    let person = |row: &QueryResult| (index[&get::<Uuid>(row, 0)].clone(), get(row, 1));
    let persons: BTreeSet<_> = deliveries.iter().map(person).collect();
    assert_eq!(persons.len(), deliveries.len(), "a person has two deliveries over one channel");
    persons
}

/// The register: each member's blind index with the unit, and the rejected rows by line.
pub async fn register(cell: &Cell) -> (BTreeSet<(Vec<u8>, String)>, Vec<(i64, i32)>) {
    let units = units(cell).await;
    let membership = cell.database(Service::Membership).await;
    let members = rows(
        &membership,
        "SELECT i.value_index, m.unit_id FROM member m JOIN member_identifier i ON i.member_id = m.id AND i.kind = 1",
    )
    .await;
    let member = |row: &QueryResult| (get(row, 0), units[&get::<Uuid>(row, 1)].name.clone());
    let rejected = rows(&membership, "SELECT line, reason FROM rejected_row ORDER BY line").await;
    (members.iter().map(member).collect(), rejected.iter().map(|row| (get(row, 0), get(row, 1))).collect())
}
