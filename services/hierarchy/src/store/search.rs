//! Finding units by name: the names are kept in memory, as of a position of the event log.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbErr, Statement};
use senani_store::{PageSize, event_log};
use tokio::sync::Mutex;

use super::{Units, row};
use crate::domain::{Match, NameIndex, Unit};
use crate::error::Error;

/// The names as they were last read, with the position of the event log at which that was.
#[derive(Debug, Default)]
pub(super) struct NameCache(Mutex<Option<(i64, Arc<NameIndex>)>>);

impl Units {
    /// The units whose names fit best, with how well.
    pub(crate) async fn search(
        &self,
        query: &str,
        kind: Option<i32>,
        closed: bool,
        size: PageSize,
    ) -> Result<Vec<(Unit, f64)>, Error> {
        let names = self.names().await?;
        let limit = usize::try_from(size.limit()).unwrap_or(usize::MAX) - 1;
        let found = names.find(query, kind, closed, limit);
        let slugs: Vec<String> = found.iter().map(|found| found.slug.clone()).collect();
        // Units are never deleted, so that whoever was found is there.
        let units = self.batch_get(&slugs, None).await?;
        Ok(units.into_iter().zip(found).map(|(unit, Match { score, .. })| (unit, score)).collect())
    }

    /// The names as they are now: read again when anything has happened since, here or in another process.
    async fn names(&self) -> Result<Arc<NameIndex>, DbErr> {
        let mut cache = self.names.0.lock().await;
        let position = event_log::bounds(self.store.reader()).await?.position;
        if let Some((of, names)) = &*cache
            && *of == position
        {
            return Ok(Arc::clone(names));
        }
        let db = self.store.reader();
        let sql = "SELECT slug, kind, closed_on, names FROM unit ORDER BY slug";
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
        let mut names = NameIndex::default();
        for row in rows {
            let (slug, closed_on): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(2)?);
            let of_unit = row::from_json(&row.try_get_by_index::<String>(3)?)?;
            let texts = of_unit.values().map(String::as_str);
            names.enter(&slug, row.try_get_by_index(1)?, !closed_on.is_empty(), texts);
        }
        let names = Arc::new(names);
        *cache = Some((position, Arc::clone(&names)));
        Ok(names)
    }
}
