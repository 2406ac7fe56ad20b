//! Migrations for comparisons of chat groups with the register.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

pub(super) struct ReconcileRosters;

impl MigrationName for ReconcileRosters {
    fn name(&self) -> &'static str {
        "m0005_reconcile_rosters"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for ReconcileRosters {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in statements(db.get_database_backend()) {
            db.execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}

fn statements(backend: DbBackend) -> Vec<String> {
    let (uuid, bytes, clustered) = match backend {
        DbBackend::Postgres => ("uuid", "bytea", ""),
        _ => ("blob", "blob", " WITHOUT ROWID"),
    };
    vec![
        // `group_version` is that of the group when it was compared, or last changed by applying. Of those who are no members is
        // kept only how many they are.
        format!(
            "CREATE TABLE roster_reconciliation (id {uuid} PRIMARY KEY, group_id {uuid} NOT NULL, \
             group_version bigint NOT NULL, version bigint NOT NULL, created_at bigint NOT NULL, expires_at bigint NOT NULL, \
             format integer NOT NULL, in_both_count integer NOT NULL, stranger_count integer NOT NULL, \
             unnumbered_count integer NOT NULL, foreign_count integer NOT NULL, complete boolean NOT NULL, \
             language text NOT NULL){clustered}"
        ),
        "CREATE INDEX roster_reconciliation_expires_at ON roster_reconciliation (expires_at)".to_owned(),
        // `kind`, `evidence`, `obstacle` and both roles are numbers of senani.membership.v1.RosterDifference and Enrolment.Role, 0 for
        // none. The indexes are blind indexes of phones, empty for none; `new_sealed` is the new number, sealed with the member's key.
        // applied_at 0: not applied.
        format!(
            "CREATE TABLE roster_difference (reconciliation_id {uuid} NOT NULL, place integer NOT NULL, \
             member_id {uuid} NOT NULL, applied_at bigint NOT NULL, kind integer NOT NULL, role integer NOT NULL, \
             applied_role integer NOT NULL, evidence integer NOT NULL, obstacle integer NOT NULL, \
             old_index {bytes} NOT NULL, new_index {bytes} NOT NULL, new_sealed {bytes} NOT NULL, \
             PRIMARY KEY (reconciliation_id, place)){clustered}"
        ),
        // What an erasure removes.
        "CREATE INDEX roster_difference_member_id ON roster_difference (member_id)".to_owned(),
    ]
}
