//! The tables. Times are microseconds since the epoch, 0 for never; there are no NULLs (the nil UUID and the empty text stand for
//! nothing), so that rows go in by arrays.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::SchemaManager;

pub(super) async fn create_tables(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let postgres = db.get_database_backend() == DbBackend::Postgres;
    for statement in STATEMENTS {
        let statement = if postgres { for_postgres(statement) } else { for_sqlite(statement) };
        db.execute_unprepared(&statement).await?;
    }
    if postgres {
        // Webhook bodies are written, read once and deleted: compressing them is wasted.
        db.execute_unprepared("ALTER TABLE receipt_inbox ALTER COLUMN body SET STORAGE EXTERNAL").await?;
    }
    Ok(())
}

/// `selector` is senani.membership.v1.AudienceSelector, encoded; empty where `units` and `group_audiences` say it.
pub(super) async fn widen_audiences(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let (bytes, none) = match db.get_database_backend() {
        DbBackend::Postgres => ("bytea", "''"),
        _ => ("blob", "x''"),
    };
    let statement = format!("ALTER TABLE publication ADD COLUMN selector {bytes} NOT NULL DEFAULT {none}");
    db.execute_unprepared(&statement).await.map(drop)
}

pub(super) fn for_postgres(statement: &str) -> String {
    statement
        .replace("BYTES", "bytea")
        .replace("UUID", "uuid")
        .replace("SERIAL PRIMARY KEY", "bigserial PRIMARY KEY")
        // Room on each page for the next version of all its rows: a delivery changes some five times in its first hour, together with its
        // neighbours, and a version on the same page needs no new index entries.
        .replace("LEDGER", "WITH (fillfactor = 50)")
        // Compared byte by byte, not by the rules of a language.
        .replace("CODE", "text COLLATE \"C\"")
}

pub(super) fn for_sqlite(statement: &str) -> String {
    statement
        .replace("BYTES", "blob")
        .replace("UUID", "blob")
        .replace("SERIAL PRIMARY KEY", "integer PRIMARY KEY AUTOINCREMENT")
        // Clustered by the key, which grows: rows are appended, and other indexes lead to them directly.
        .replace("LEDGER", "WITHOUT ROWID")
        .replace("CODE", "text")
}

const STATEMENTS: &[&str] = &[
    "CREATE TABLE bulletin (id UUID PRIMARY KEY, number text NOT NULL, issuing_unit_id UUID NOT NULL, \
     issuing_unit_slug text NOT NULL, state integer NOT NULL, category integer NOT NULL, severity integer NOT NULL, \
     headlines text NOT NULL, texts text NOT NULL, poster_sha256 text NOT NULL, author text NOT NULL, \
     approver text NOT NULL, version bigint NOT NULL, created_at bigint NOT NULL, approved_at bigint NOT NULL, \
     published_at bigint NOT NULL, trace_parent text NOT NULL)",
    "CREATE UNIQUE INDEX bulletin_number ON bulletin (number) WHERE number <> ''",
    // State 4: publishing.
    "CREATE INDEX bulletin_publishing ON bulletin (id) WHERE state = 4",
    "CREATE TABLE bulletin_counter (unit_id UUID NOT NULL, year integer NOT NULL, last bigint NOT NULL, \
     PRIMARY KEY (unit_id, year))",
    "CREATE TABLE poster (sha256 text PRIMARY KEY, media_type text NOT NULL, size bigint NOT NULL, \
     width integer NOT NULL, height integer NOT NULL, content BYTES NOT NULL, created_at bigint NOT NULL)",
    "CREATE TABLE channel_media (channel text NOT NULL, sha256 text NOT NULL, media_id text NOT NULL, \
     uploaded_at bigint NOT NULL, PRIMARY KEY (channel, sha256))",
    // `resolved_count` and `last_member_id` are the cursor in membership's answer.
    "CREATE TABLE publication (id UUID PRIMARY KEY, bulletin_id UUID NOT NULL, units text NOT NULL, \
     group_audiences text NOT NULL, state integer NOT NULL, group_count bigint NOT NULL, task_count bigint NOT NULL, \
     tasks_written boolean NOT NULL, delivery_count bigint NOT NULL, person_count bigint NOT NULL, \
     resolved_count bigint NOT NULL, last_member_id UUID NOT NULL, first_delivery_id UUID NOT NULL, \
     last_delivery_id UUID NOT NULL, lease_token bigint NOT NULL, lease_until bigint NOT NULL, \
     created_at bigint NOT NULL, expanded_at bigint NOT NULL)",
    "CREATE INDEX publication_bulletin_id ON publication (bulletin_id)",
    // State 1: expanding.
    "CREATE INDEX publication_expanding ON publication (id) WHERE state = 1",
    "CREATE TABLE group_replica (id UUID PRIMARY KEY, slug text NOT NULL, unit_id UUID NOT NULL, \
     audience integer NOT NULL, active boolean NOT NULL, custodian_id UUID NOT NULL)",
    "CREATE TABLE task (id UUID PRIMARY KEY, bulletin_id UUID NOT NULL, group_id UUID NOT NULL, group_slug text NOT NULL, \
     unit_id UUID NOT NULL, district_id UUID NOT NULL, custodian_id UUID NOT NULL, state integer NOT NULL, \
     created_at bigint NOT NULL)",
    "CREATE UNIQUE INDEX task_bulletin_id_group_id ON task (bulletin_id, group_id)",
    "CREATE INDEX task_bulletin_id_id ON task (bulletin_id, id)",
    "CREATE INDEX task_group_id ON task (group_id)",
    "CREATE TABLE task_tally (bulletin_id UUID NOT NULL, unit_id UUID NOT NULL, open_count bigint NOT NULL, \
     orphaned_count bigint NOT NULL, PRIMARY KEY (bulletin_id, unit_id))",
    // The ledger. What is new is found by its key, within the stretches that publications wrote (see `claims`); what waits to be tried
    // again by `next_attempt_at`, what waits for a receipt by `unknown_at`. No index watches `state`: most changes of state need no new
    // index entry.
    // No foreign keys: hundreds of thousands of rows go in at once, by code that has just read what they point to.
    "CREATE TABLE delivery (id UUID PRIMARY KEY, bulletin_id UUID NOT NULL, member_id UUID NOT NULL, \
     unit_id UUID NOT NULL, district_id UUID NOT NULL, created_at bigint NOT NULL, sent_at bigint NOT NULL, \
     delivered_at bigint NOT NULL, read_at bigint NOT NULL, failed_at bigint NOT NULL, next_attempt_at bigint NOT NULL, \
     unknown_at bigint NOT NULL, lease_token bigint NOT NULL, state integer NOT NULL, \
     attempt_count integer NOT NULL, channel CODE NOT NULL, language CODE NOT NULL, \
     reason CODE NOT NULL, provider_message_id CODE NOT NULL) LEDGER",
    "CREATE UNIQUE INDEX delivery_bulletin_id_member_id_channel ON delivery (bulletin_id, member_id, channel)",
    "CREATE INDEX delivery_waiting ON delivery (channel, next_attempt_at) WHERE next_attempt_at > 0",
    "CREATE INDEX delivery_unknown ON delivery (unknown_at) WHERE unknown_at > 0",
    "CREATE TABLE delivery_tally (bulletin_id UUID NOT NULL, unit_id UUID NOT NULL, state integer NOT NULL, \
     reason CODE NOT NULL, delivery_count bigint NOT NULL, PRIMARY KEY (bulletin_id, unit_id, state, reason))",
    // A batch that a worker has claimed: its deliveries are SENDING under this token until it is recorded or the lease is over.
    "CREATE TABLE dispatch_lease (token bigint PRIMARY KEY, channel text NOT NULL, lease_until bigint NOT NULL, \
     delivery_ids BYTES NOT NULL)",
    "CREATE TABLE receipt_inbox (id SERIAL PRIMARY KEY, channel text NOT NULL, received_at bigint NOT NULL, \
     body BYTES NOT NULL)",
    // What could not be applied. Of a body that is not as documented only its digest: it may hold numbers.
    "CREATE TABLE receipt_parked (id SERIAL PRIMARY KEY, channel text NOT NULL, parked_at bigint NOT NULL, \
     why text NOT NULL, delivery_id UUID NOT NULL, status text NOT NULL, occurred_at bigint NOT NULL, \
     body_size bigint NOT NULL, body_sha256 text NOT NULL)",
];
