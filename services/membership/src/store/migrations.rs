//! The schema. Fix forward: a migration that was released is never edited.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait};

use super::migrations_of_members::FollowMembers;
use super::migrations_of_orders::{FollowSetsAndPosts, Incidents, OrdersForUnitSets};
use super::migrations_of_rosters::ReconcileRosters;

/// The migrations of membership, in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(CreateRegister),
            Box::new(FollowSetsAndPosts),
            Box::new(OrdersForUnitSets),
            Box::new(FollowMembers),
            Box::new(ReconcileRosters),
            Box::new(Incidents),
        ]
    }
}

struct CreateRegister;

impl MigrationName for CreateRegister {
    fn name(&self) -> &'static str {
        // Under another name than its first form, which was never released: a database that knows that one is refused instead of
        // being taken for up to date (docs/adr/0009).
        "m0001_create_register_with_keys"
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
        // Several groups of one slot of a unit (split, or begun when the one before was full) are its parts, the first is 1.
        format!(
            "CREATE TABLE member_group (id {uuid} PRIMARY KEY, slug text NOT NULL CONSTRAINT member_group_slug_key UNIQUE, \
             unit_id {uuid} NOT NULL, unit_slug text NOT NULL, audience integer NOT NULL, rank integer NOT NULL, \
             state integer NOT NULL, names text NOT NULL, order_slug text REFERENCES issued_order (slug), \
             primary_custodian {uuid}, backup_custodians {bytes} NOT NULL, enrolled_count integer NOT NULL, \
             version bigint NOT NULL, created_at bigint NOT NULL, part integer NOT NULL, \
             CONSTRAINT member_group_unit_id_key UNIQUE (unit_id, audience, rank, part)){roomy}"
        ),
        // What is personal is sealed with the member's own key: `names_sealed` (JSON by language), and the values of identifiers.
        // `household` is a keyed index of unit and house, empty for none: equal for those who live together, and never the
        // house itself. `version` makes the etag. Columns of fixed width come first, which spares padding.
        format!(
            "CREATE TABLE member (id {uuid} PRIMARY KEY, unit_id {uuid} NOT NULL, version bigint NOT NULL, \
             created_at bigint NOT NULL, verified_at bigint NOT NULL, rank integer NOT NULL, state integer NOT NULL, \
             consents boolean NOT NULL, category text NOT NULL, gender text NOT NULL, language text NOT NULL, \
             household {bytes} NOT NULL, verified_by text NOT NULL, names_sealed {bytes} NOT NULL){clustered}"
        ),
        "CREATE INDEX member_unit_id_id ON member (unit_id, id)".to_owned(),
        // The members' keys, wrapped by version `kek_version` of the key in the key file. A table of its own, so that back-ups that
        // are kept for long can leave it out: an erasure deletes the row, and nothing that the key sealed can be read again.
        format!(
            "CREATE TABLE member_key (member_id {uuid} PRIMARY KEY, kek_version integer NOT NULL, \
             wrapped {bytes} NOT NULL){clustered}"
        ),
        // kind 1: phone, 2: user id of WhatsApp, 3: e-mail. `value_index` is of that kind alone: equal texts of two kinds have
        // different ones. valid_to 0: present. A member may have several of a kind, and one value has one present holder.
        format!(
            "CREATE TABLE member_identifier (member_id {uuid} NOT NULL, valid_from bigint NOT NULL, \
             valid_to bigint NOT NULL, kind integer NOT NULL, value_index {bytes} NOT NULL, \
             value_sealed {bytes} NOT NULL, PRIMARY KEY (member_id, kind, valid_from)){clustered}"
        ),
        "CREATE UNIQUE INDEX member_identifier_present ON member_identifier (value_index) WHERE valid_to = 0".to_owned(),
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
        // Who saw what of a member in clear, and who erased them; only ever added to. `reason_sealed` with the member's key, empty for
        // erasures, whose reason is the code `erasure_reason`.
        format!(
            "CREATE TABLE audit_entry (id {uuid} PRIMARY KEY, member_id {uuid} NOT NULL, recorded_at bigint NOT NULL, \
             action integer NOT NULL, erasure_reason integer NOT NULL, subject text NOT NULL, reference text NOT NULL, \
             reason_sealed {bytes} NOT NULL){clustered}"
        ),
        "CREATE INDEX audit_entry_member_id_id ON audit_entry (member_id, id)".to_owned(),
        // The receipts of erasures: counts and codes. Slugs of groups are separated by commas.
        format!(
            "CREATE TABLE erasure (member_id {uuid} PRIMARY KEY, erased_at bigint NOT NULL, reason integer NOT NULL, \
             reference text NOT NULL, identifier_count bigint NOT NULL, disclosure_count bigint NOT NULL, \
             history_count bigint NOT NULL, consent_count bigint NOT NULL, enrolment_count bigint NOT NULL, audit_count bigint NOT NULL, \
             group_slugs text NOT NULL){clustered}"
        ),
        // `reason` is a number of senani.membership.v1.RowRejection. Nothing of a row's content is kept.
        format!(
            "CREATE TABLE rejected_row (import_id {uuid} NOT NULL, line bigint NOT NULL, column_name text NOT NULL, \
             reason integer NOT NULL, PRIMARY KEY (import_id, line)){clustered}"
        ),
    ]
}
