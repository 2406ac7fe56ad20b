//! The schema. Fix forward: a migration that was released is never edited.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait};

/// The migrations of membership, in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateRegister)]
    }
}

struct CreateRegister;

impl MigrationName for CreateRegister {
    fn name(&self) -> &'static str {
        "m0001_create_register"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateRegister {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        senani_store::event_log::create_tables(manager).await?;
        senani_unit_replica::create_table(manager).await?;
        let db = manager.get_connection();
        for statement in statements(db.get_database_backend()) {
            db.execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}

/// Orders and groups are few and described with constraints. Members, consents and enrolments are written by the hundred thousand:
/// they have the indexes that a question needs and no foreign keys, each of which would be one more look-up a row; the one
/// writer of each table keeps them right, and a test recounts. On SQLite their tables lie in the order of the primary key.
fn statements(backend: DbBackend) -> Vec<String> {
    let (uuid, bytes, clustered) = match backend {
        DbBackend::Postgres => ("uuid", "bytea", ""),
        _ => ("blob", "blob", " WITHOUT ROWID"),
    };
    // Group rows change with every chunk of an import: room in their pages keeps the new version beside the old one.
    let roomy = if backend == DbBackend::Postgres { " WITH (fillfactor = 50)" } else { "" };
    vec![
        "CREATE TABLE issued_order (slug text PRIMARY KEY, number text NOT NULL, titles text NOT NULL, \
         issue_date text NOT NULL, effective_date text NOT NULL, created_at bigint NOT NULL)"
            .to_owned(),
        "CREATE TABLE order_supersession (order_slug text NOT NULL REFERENCES issued_order (slug), \
         position integer NOT NULL, superseded_slug text NOT NULL, PRIMARY KEY (order_slug, position))"
            .to_owned(),
        // Ranks are numbers of senani.membership.v1.Rank, separated by commas; an empty due_date stands for none.
        "CREATE TABLE order_rule (order_slug text NOT NULL REFERENCES issued_order (slug), position integer NOT NULL, \
         unit_kind integer NOT NULL, audience integer NOT NULL, ranks text NOT NULL, required boolean NOT NULL, \
         min_size integer NOT NULL, target_size integer NOT NULL, split_at integer NOT NULL, max_size integer NOT NULL, \
         due_date text NOT NULL, custodian_ranks text NOT NULL, PRIMARY KEY (order_slug, position))"
            .to_owned(),
        // `group` is a word of SQL. `rank` 0 stands for none; `backup_custodians` are ids of 16 bytes, one after the other.
        format!(
            "CREATE TABLE member_group (id {uuid} PRIMARY KEY, slug text NOT NULL CONSTRAINT member_group_slug_key UNIQUE, \
             unit_id {uuid} NOT NULL, unit_slug text NOT NULL, audience integer NOT NULL, rank integer NOT NULL, \
             state integer NOT NULL, names text NOT NULL, order_slug text NOT NULL REFERENCES issued_order (slug), \
             primary_custodian {uuid}, backup_custodians {bytes} NOT NULL, enrolled_count integer NOT NULL, \
             version bigint NOT NULL, created_at bigint NOT NULL, \
             CONSTRAINT member_group_unit_id_key UNIQUE (unit_id, audience, rank)){roomy}"
        ),
        // Names stay readable: they are shown to officers everywhere and searched; the number is what reaches a person, and it is
        // encrypted, with a keyed index to find it. Encryption of names is a matter of the disk until a search over them is settled.
        format!(
            "CREATE TABLE member (id {uuid} PRIMARY KEY, phone_sealed {bytes} NOT NULL, phone_index {bytes} NOT NULL, \
             name_hi text NOT NULL, name_en text NOT NULL, unit_id {uuid} NOT NULL, category text NOT NULL, \
             rank integer NOT NULL, gender text NOT NULL, language text NOT NULL, state integer NOT NULL, \
             consents boolean NOT NULL, created_at bigint NOT NULL){clustered}"
        ),
        "CREATE UNIQUE INDEX member_phone_index ON member (phone_index)".to_owned(),
        "CREATE INDEX member_unit_id_id ON member (unit_id, id)".to_owned(),
        // The ledger of consents, only ever added to. purpose 1: direct messages. channel 1: by an import, 2: by a call.
        format!(
            "CREATE TABLE member_consent (member_id {uuid} NOT NULL, recorded_at bigint NOT NULL, consents boolean NOT NULL, \
             purpose integer NOT NULL, channel integer NOT NULL, notice_version text NOT NULL, language text NOT NULL, \
             recorded_by text NOT NULL, PRIMARY KEY (member_id, recorded_at)){clustered}"
        ),
        // ended_at 0: present. The members of a chunk have growing ids, so that both trees grow at few places.
        format!(
            "CREATE TABLE enrolment (member_id {uuid} NOT NULL, group_id {uuid} NOT NULL, role integer NOT NULL, \
             started_at bigint NOT NULL, ended_at bigint NOT NULL, PRIMARY KEY (member_id, group_id)){clustered}"
        ),
        "CREATE INDEX enrolment_group_id_member_id ON enrolment (group_id, member_id)".to_owned(),
        format!(
            "CREATE TABLE member_import (id {uuid} PRIMARY KEY, notice_version text NOT NULL, recorded_by text NOT NULL, \
             row_count bigint NOT NULL, accepted_count bigint NOT NULL, rejected_count bigint NOT NULL, \
             enrolment_count bigint NOT NULL, digest {bytes} NOT NULL, complete boolean NOT NULL, \
             created_at bigint NOT NULL)"
        ),
        // `reason` is a number of senani.membership.v1.RowRejection. Nothing of a row's content is kept.
        format!(
            "CREATE TABLE rejected_row (import_id {uuid} NOT NULL, line bigint NOT NULL, column_name text NOT NULL, \
             reason integer NOT NULL, PRIMARY KEY (import_id, line)){clustered}"
        ),
    ]
}
