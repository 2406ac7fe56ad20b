//! The tables of reports, apart from everything else: they rest on another law than the register. As in the other tables, 0, the nil UUID
//! and the empty text stand for nothing.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use crate::store::schema::{for_postgres, for_sqlite};

/// Creates them.
pub(crate) struct CreateReports;

impl MigrationName for CreateReports {
    fn name(&self) -> &str {
        "m0300_create_reports"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for CreateReports {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let postgres = db.get_database_backend() == DbBackend::Postgres;
        for statement in STATEMENTS {
            let statement = if postgres { for_postgres(statement) } else { for_sqlite(statement) };
            db.execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}

const STATEMENTS: &[&str] = &[
    // `outcomes` is an encoded ReportEntryBody with nothing else in it. `sender_index` is a keyed hash of who sent a message and is not in
    // the register. `token_hash`: SHA-256 of the call-back token. `similarity`: a keyed signature of what was told.
    "CREATE TABLE report (id UUID PRIMARY KEY, unit_id UUID NOT NULL, escalated_unit_id UUID NOT NULL, \
     bulletin_id UUID NOT NULL, member_id UUID NOT NULL, assignee_id UUID NOT NULL, merged_into UUID NOT NULL, \
     due_at bigint NOT NULL, escalate_at bigint NOT NULL, received_at bigint NOT NULL, triaged_at bigint NOT NULL, \
     resolved_at bigint NOT NULL, retain_until bigint NOT NULL, erased_at bigint NOT NULL, last_message_at bigint NOT NULL, \
     version bigint NOT NULL, entry_count bigint NOT NULL, state integer NOT NULL, kind integer NOT NULL, \
     category integer NOT NULL, severity integer NOT NULL, source integer NOT NULL, escalation_count integer NOT NULL, \
     anonymous boolean NOT NULL, frequently_forwarded boolean NOT NULL, chain_head BYTES NOT NULL, \
     outcomes BYTES NOT NULL, similarity BYTES NOT NULL, sender_index text NOT NULL, token_hash text NOT NULL)",
    "CREATE INDEX report_unit_id_id ON report (unit_id, id)",
    // State 3: assigned.
    "CREATE INDEX report_assignee_id ON report (assignee_id, id) WHERE state = 3",
    "CREATE INDEX report_bulletin_id ON report (bulletin_id, id)",
    "CREATE INDEX report_merged_into ON report (merged_into)",
    "CREATE INDEX report_escalate_at ON report (escalate_at) WHERE escalate_at > 0",
    "CREATE INDEX report_retain_until ON report (retain_until) WHERE retain_until > 0 AND erased_at = 0",
    "CREATE UNIQUE INDEX report_token_hash ON report (token_hash) WHERE token_hash <> ''",
    "CREATE INDEX report_rumour ON report (id) WHERE frequently_forwarded",
    // Who sends messages: the report that the next one may belong to.
    "CREATE INDEX report_last_message ON report (member_id, last_message_at) WHERE last_message_at > 0",
    "CREATE INDEX report_last_message_of_unknown ON report (sender_index, last_message_at) WHERE sender_index <> ''",
    // The key of each report, wrapped by version `kek_version` of the key in the key file. A table of its own, so that back-ups that are
    // kept for long can leave it out.
    "CREATE TABLE report_key (report_id UUID PRIMARY KEY, kek_version integer NOT NULL, wrapped BYTES NOT NULL)",
    "CREATE INDEX report_key_kek_version ON report_key (kek_version)",
    // The history, only ever added to; when the content is destroyed `body_sealed` becomes empty, everything else stays.
    "CREATE TABLE report_entry (report_id UUID NOT NULL, sequence bigint NOT NULL, kind integer NOT NULL, \
     at bigint NOT NULL, file_id UUID NOT NULL, actor text NOT NULL, body_sealed BYTES NOT NULL, \
     body_digest BYTES NOT NULL, hash BYTES NOT NULL, PRIMARY KEY (report_id, sequence))",
    "CREATE TABLE report_file (file_id UUID NOT NULL, piece bigint NOT NULL, report_id UUID NOT NULL, \
     content_sealed BYTES NOT NULL, PRIMARY KEY (file_id, piece))",
    "CREATE INDEX report_file_report_id ON report_file (report_id)",
    // Files of messages that are still at the provider.
    "CREATE TABLE report_media (report_id UUID NOT NULL, sequence bigint NOT NULL, channel text NOT NULL, \
     media_id text NOT NULL, attempt_count integer NOT NULL, next_attempt_at bigint NOT NULL, \
     PRIMARY KEY (report_id, sequence))",
    // Messages that were taken, by a keyed hash: the provider's ids hold the sender's number.
    "CREATE TABLE report_message (fingerprint text PRIMARY KEY, report_id UUID NOT NULL, received_at bigint NOT NULL)",
    // Messages that nobody has looked at yet, sealed as they came, the sender's number with them.
    "CREATE TABLE report_inbox (id UUID PRIMARY KEY, received_at bigint NOT NULL, next_attempt_at bigint NOT NULL, \
     kek_version integer NOT NULL, wrapped BYTES NOT NULL, message_sealed BYTES NOT NULL)",
    // Whom a bulletin made press its button or react: no reports, nobody must do anything. `sender` is a member's UUID, or the keyed hash
    // of somebody who is not in the register. `kind` 1: acknowledged, 2: reacted. Not `present`: a reaction that was taken back.
    "CREATE TABLE report_response (bulletin_id UUID NOT NULL, sender text NOT NULL, kind integer NOT NULL, \
     at bigint NOT NULL, present boolean NOT NULL, PRIMARY KEY (bulletin_id, sender, kind))",
    "CREATE TABLE report_escalation_pause (unit_id UUID PRIMARY KEY, until_at bigint NOT NULL, actor text NOT NULL)",
];
