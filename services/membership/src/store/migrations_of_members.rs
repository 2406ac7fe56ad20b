//! Migrations for what happens to a member: verification, merges, stays that follow each other, history, notices.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

pub(super) struct FollowMembers;

impl MigrationName for FollowMembers {
    fn name(&self) -> &'static str {
        "m0004_follow_members"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for FollowMembers {
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
    let mut statements = vec![
        // Always the record that stands for the person now: a merge of that one moves those that were merged into it.
        format!("ALTER TABLE member ADD COLUMN merged_into {uuid}"),
        "CREATE INDEX member_merged_into ON member (merged_into) WHERE merged_into IS NOT NULL".to_owned(),
        // state 3: applications that wait.
        "CREATE INDEX member_pending ON member (id) WHERE state = 3".to_owned(),
    ];
    statements.extend(stays(backend, uuid, clustered));
    statements.extend([
        // Only ever added to. `act` is a number of senani.membership.v1.MemberAct; `mark` is JSON of codes, ids and slugs, never of a
        // value; `note_sealed` is sealed with the member's key, empty for none.
        format!(
            "CREATE TABLE member_history (member_id {uuid} NOT NULL, recorded_at bigint NOT NULL, act integer NOT NULL, \
             subject text NOT NULL, mark text NOT NULL, note_sealed {bytes} NOT NULL, \
             PRIMARY KEY (member_id, recorded_at)){clustered}"
        ),
        // Published once and never changed. `purposes` are numbers of senani.membership.v1.Purpose, separated by commas.
        "CREATE TABLE notice (slug text PRIMARY KEY, titles text NOT NULL, texts text NOT NULL, purposes text NOT NULL, \
         effective_date text NOT NULL, publisher text NOT NULL, created_at bigint NOT NULL)"
            .to_owned(),
    ]);
    statements
}

/// A member may leave a group and come back: the end belongs to the key, and the one present stay of a member in a group has the end 0.
fn stays(backend: DbBackend, uuid: &str, clustered: &str) -> Vec<String> {
    if backend == DbBackend::Postgres {
        return vec![
            "ALTER TABLE enrolment DROP CONSTRAINT enrolment_pkey".to_owned(),
            "ALTER TABLE enrolment ADD PRIMARY KEY (member_id, group_id, ended_at)".to_owned(),
        ];
    }
    vec![
        "ALTER TABLE enrolment RENAME TO enrolment_before".to_owned(),
        "DROP INDEX enrolment_group_id_member_id".to_owned(),
        format!(
            "CREATE TABLE enrolment (member_id {uuid} NOT NULL, group_id {uuid} NOT NULL, role integer NOT NULL, \
             started_at bigint NOT NULL, ended_at bigint NOT NULL, PRIMARY KEY (member_id, group_id, ended_at)){clustered}"
        ),
        "INSERT INTO enrolment (member_id, group_id, role, started_at, ended_at) \
         SELECT member_id, group_id, role, started_at, ended_at FROM enrolment_before"
            .to_owned(),
        "DROP TABLE enrolment_before".to_owned(),
        "CREATE INDEX enrolment_group_id_member_id ON enrolment (group_id, member_id)".to_owned(),
    ]
}
