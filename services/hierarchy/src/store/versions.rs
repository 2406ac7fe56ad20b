//! What units were when.

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};
use senani_store::PageSize;
use uuid::Uuid;

use super::Units;
use super::row::{self, COLUMNS};
use crate::domain::{FOREVER, Kind, Span, Timeline, Unit};
use crate::error::Error;

/// What to read of the structure over time.
#[derive(Debug)]
pub(super) enum Scope<'a> {
    /// Everyone, on and after a day.
    Since(&'a str),
    /// One unit.
    Unit(Uuid),
}

/// What a unit was from a day on, and until when; empty for what still holds.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) unit: Unit,
    pub(crate) from: String,
    pub(crate) until: String,
}

/// The structure over time.
pub(super) async fn timeline(db: &impl ConnectionTrait, scope: Scope<'_>) -> Result<Timeline, DbErr> {
    let (condition, parameter): (_, Value) = match scope {
        Scope::Since(day) => ("valid_until > $1", day.into()),
        Scope::Unit(unit) => ("unit_id = $1", unit.into()),
    };
    let sql = format!(
        "SELECT unit_id, valid_from, valid_until, parent_id, kind, closed_on FROM unit_version \
         WHERE {condition} ORDER BY unit_id, valid_from"
    );
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [parameter]);
    let mut timeline = Timeline::new();
    for row in db.query_all_raw(statement).await? {
        let (unit, span) = span(&row)?;
        timeline.enter(unit, span);
    }
    Ok(timeline)
}

fn span(row: &QueryResult) -> Result<(Uuid, Span), DbErr> {
    let kind: i32 = row.try_get_by_index(4)?;
    let span = Span {
        from: row.try_get_by_index(1)?,
        until: row.try_get_by_index(2)?,
        parent: row.try_get_by_index(3)?,
        kind: Kind::from_number(kind).ok_or_else(|| DbErr::Type(format!("unknown unit kind {kind}")))?,
        closed: !row.try_get_by_index::<String>(5)?.is_empty(),
    };
    Ok((row.try_get_by_index(0)?, span))
}

impl Units {
    /// What a unit was, the latest first, before the version that begins on `before`.
    pub(crate) async fn history(
        &self,
        slug: &str,
        before: Option<&str>,
        size: PageSize,
    ) -> Result<Vec<Version>, Error> {
        let unit = self.get(slug, None).await?;
        let sql = format!(
            "SELECT {COLUMNS}, u.valid_from, u.valid_until FROM (SELECT n.id, n.slug, w.parent_id, w.kind, w.names, \
             w.codes, n.opened_on, w.closed_on, w.certainty, w.version, n.created_at, w.recorded_at AS updated_at, \
             w.successor, w.valid_from, w.valid_until FROM unit_version w JOIN unit n ON n.id = w.unit_id WHERE w.unit_id = $1) u \
             LEFT JOIN unit p ON p.id = u.parent_id WHERE u.valid_from < $2 ORDER BY u.valid_from DESC LIMIT $3"
        );
        let limit = i64::try_from(size.limit()).unwrap_or(i64::MAX);
        let parameters: [Value; 3] = [unit.id.into(), before.unwrap_or(FOREVER).into(), limit.into()];
        let db = self.store.reader();
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, parameters);
        let rows = db.query_all_raw(statement).await?;
        rows.iter()
            .map(|row| {
                let until: String = row.try_get_by_index(row::WIDTH + 1)?;
                Ok(Version {
                    unit: row::unit(row)?,
                    from: row.try_get_by_index(row::WIDTH)?,
                    until: if until == FOREVER { String::new() } else { until },
                })
            })
            .collect::<Result<_, DbErr>>()
            .map_err(Error::from)
    }
}
