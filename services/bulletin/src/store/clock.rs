//! The clock of leases: the database's where there is a server, so that machines with different clocks agree on who holds what.

use sea_orm::DbBackend;

/// An expression for the present in microseconds since the epoch.
pub(super) fn now(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint",
        _ => "CAST((julianday('now') - 2440587.5) * 86400000000.0 AS integer)",
    }
}
