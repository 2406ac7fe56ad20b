//! An audience, counted and read in one state of the database.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};
use senani_store::{ReadTransaction, Timestamp};
use uuid::Uuid;

use super::audience::{Channels, Reached};
use super::audience_query::{AudienceQuery, Way};
use crate::domain::{AudienceCount, AudienceGroups, PersonFilter};
use crate::error::Error;

/// Persons read from the database at once.
const PAGE: i64 = 5_000;

/// How the members of these groups are best found.
fn way(backend: DbBackend, groups: &AudienceGroups) -> Way {
    // SQLite lists the groups again for each page; for PostgreSQL it is the cost of jumping about beside going straight through.
    let times = if backend == DbBackend::Postgres { 4 } else { groups.enrolled / PAGE + 1 };
    let few = !groups.all && groups.enrolled.saturating_mul(times) <= groups.total;
    if few { Way::Groups } else { Way::Members }
}

/// Sets up a transaction for questions that read much once. On PostgreSQL: plans for the groups at hand, no machine code, which
/// takes longer to make than it saves, and room in memory. Both tables lie in the order of the members: going through them side by
/// side takes half the time of the hash tables and sorts that the planner, which expects a disk, would take.
async fn prepare(txn: &ReadTransaction, way: Way) -> Result<(), DbErr> {
    if txn.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let mut settings =
        "SET LOCAL plan_cache_mode = 'force_custom_plan'; SET LOCAL jit = off; SET LOCAL work_mem = '64MB'; \
                        SET LOCAL cursor_tuple_fraction = 1"
            .to_owned();
    if way == Way::Members {
        for plan in ["hashagg", "hashjoin", "seqscan", "sort"] {
            settings.push_str(&format!("; SET LOCAL enable_{plan} = off"));
        }
    }
    txn.execute_unprepared(&settings).await.map(drop)
}

/// Counts an audience.
pub(super) async fn count(txn: &ReadTransaction, query: &AudienceQuery<'_>) -> Result<AudienceCount, DbErr> {
    let backend = txn.get_database_backend();
    let way = way(backend, query.groups);
    prepare(txn, way).await?;
    let row = txn.query_one_raw(query.count(backend, way)).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("a count has no row".into()))?;
    Ok(AudienceCount {
        enrolments: row.try_get_by_index(0)?,
        persons: row.try_get_by_index(1)?,
        consenting: row.try_get_by_index(2)?,
    })
}

/// Where the reading stands.
#[derive(Debug)]
enum Progress {
    /// A cursor of PostgreSQL goes through the one query.
    Cursor,
    /// The query is asked again after the last member: the table lies in the order of its key.
    After(Uuid, Way),
    Done,
}

/// Reads an audience page by page, in the order of the members' ids, each person once, with flat memory.
#[derive(Debug)]
pub(crate) struct AudienceReader {
    txn: ReadTransaction,
    groups: AudienceGroups,
    persons: PersonFilter,
    as_of: Timestamp,
    count: AudienceCount,
    progress: Progress,
}

impl AudienceReader {
    pub(super) async fn begin(
        txn: ReadTransaction,
        groups: AudienceGroups,
        persons: PersonFilter,
        as_of: Timestamp,
        after: Uuid,
    ) -> Result<Self, DbErr> {
        let query = AudienceQuery { groups: &groups, persons: &persons, as_of };
        let count = count(&txn, &query).await?;
        let backend = txn.get_database_backend();
        let way = way(backend, &groups);
        let progress = if backend == DbBackend::Postgres {
            let mut select = query.reached(backend, way, after, None);
            select.sql.insert_str(0, "DECLARE audience NO SCROLL CURSOR FOR ");
            txn.execute_raw(select).await?;
            Progress::Cursor
        } else {
            Progress::After(after, way)
        };
        Ok(Self { txn, groups, persons, as_of, count, progress })
    }

    /// How many there are in the whole audience.
    pub(crate) fn count(&self) -> AudienceCount {
        self.count
    }

    /// The next persons; `None` after the last. A page may be empty.
    pub(crate) async fn next_page(&mut self) -> Result<Option<Vec<Reached>>, Error> {
        let backend = self.txn.get_database_backend();
        let statement = match &self.progress {
            Progress::Done => return Ok(None),
            Progress::Cursor => Statement::from_string(backend, format!("FETCH FORWARD {PAGE} FROM audience")),
            Progress::After(after, way) => {
                let query = AudienceQuery { groups: &self.groups, persons: &self.persons, as_of: self.as_of };
                query.reached(backend, *way, *after, Some(PAGE))
            }
        };
        let rows = self.txn.query_all_raw(statement).await?;
        let persons = rows.iter().map(reached).collect::<Result<Vec<_>, DbErr>>()?;
        if (persons.len() as i64) < PAGE {
            self.progress = Progress::Done;
        } else if let (Progress::After(after, _), Some(last)) = (&mut self.progress, persons.last()) {
            *after = last.member;
        }
        Ok(Some(persons))
    }
}

fn reached(row: &QueryResult) -> Result<Reached, DbErr> {
    Ok(Reached {
        member: row.try_get_by_index(0)?,
        unit: row.try_get_by_index(1)?,
        language: row.try_get_by_index(2)?,
        channels: Channels(row.try_get_by_index(3)?),
    })
}
