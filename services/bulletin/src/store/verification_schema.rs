//! The table of codes on posters, and the columns of a bulletin that say who may read it and what became of it.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::SchemaManager;

use super::schema::{for_postgres, for_sqlite};

pub(super) async fn create(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let postgres = db.get_database_backend() == DbBackend::Postgres;
    for statement in STATEMENTS {
        let statement = if postgres {
            for_postgres(&statement.replace("NIL", "'00000000-0000-0000-0000-000000000000'"))
        } else {
            for_sqlite(&statement.replace("NIL", "x'00000000000000000000000000000000'"))
        };
        db.execute_unprepared(&statement).await?;
    }
    Ok(())
}

const STATEMENTS: &[&str] = &[
    // Visibility 1: members. What becomes of a bulletin is written by the desk when it corrects and withdraws.
    "ALTER TABLE bulletin ADD COLUMN visibility integer NOT NULL DEFAULT 1",
    "ALTER TABLE bulletin ADD COLUMN exercise boolean NOT NULL DEFAULT false",
    "ALTER TABLE bulletin ADD COLUMN expires_at bigint NOT NULL DEFAULT 0",
    "ALTER TABLE bulletin ADD COLUMN withdrawn_at bigint NOT NULL DEFAULT 0",
    "ALTER TABLE bulletin ADD COLUMN corrects_id UUID NOT NULL DEFAULT NIL",
    "CREATE INDEX bulletin_corrects_id ON bulletin (corrects_id) WHERE corrects_id <> NIL",
    "CREATE INDEX bulletin_public ON bulletin (published_at, id) WHERE visibility = 2 AND published_at > 0",
    "CREATE TABLE verification (code text PRIMARY KEY, bulletin_id UUID NOT NULL, signature BYTES NOT NULL, \
     key_id text NOT NULL, created_at bigint NOT NULL)",
    "CREATE UNIQUE INDEX verification_bulletin_id ON verification (bulletin_id)",
];
