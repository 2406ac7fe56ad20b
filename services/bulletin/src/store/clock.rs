//! The clock of leases: the database's where there is a server, so that machines with different clocks agree on who holds what.

use sea_orm::DbBackend;

use super::sql;

/// An expression for the present in microseconds since the epoch.
pub(super) fn now(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint",
        _ => "CAST((julianday('now') - 2440587.5) * 86400000000.0 AS integer)",
    }
}

/// The present as the database sees it, in microseconds since the epoch.
pub(crate) async fn read(store: &senani_store::Store) -> Result<i64, sea_orm::DbErr> {
    let query = format!("SELECT {}", now(store.backend()));
    let row = sql::one(store.reader(), &query, []).await?;
    row.ok_or_else(|| sea_orm::DbErr::RecordNotFound("the clock".into()))?.try_get_by_index(0)
}
