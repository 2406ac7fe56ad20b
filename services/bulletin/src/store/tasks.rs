//! Posting tasks.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use senani_proto::bulletin::v1 as pb;
use senani_proto::eventlog::v1::event::Payload;
use senani_store::{Rows, Store, Timestamp, WriteTransaction};
use uuid::Uuid;

use super::expansion::{self, Lease};
use super::sql::{self, Columns, unreadable};
use crate::domain::task::{Task, TaskState};
use crate::wire;

/// A task to write.
#[derive(Debug, Clone)]
pub(crate) struct NewTask {
    pub(crate) id: Uuid,
    pub(crate) group: Uuid,
    pub(crate) group_slug: String,
    pub(crate) unit: Uuid,
    pub(crate) district: Uuid,
    pub(crate) custodian: Option<Uuid>,
}

/// Writes the tasks of a publication, with its note and the figures in one transaction. Groups that have the bulletin already are
/// passed over. False when the lease is lost: then nothing was written.
pub(crate) async fn write_all(store: &Store, lease: &mut Lease, tasks: &[NewTask]) -> Result<bool, DbErr> {
    let txn = store.begin_write().await?;
    let bulletin = lease.publication.bulletin;
    let rows = Rows::new()
        .uuid("key", tasks.iter().map(|task| task.id))
        .uuid("group_id", tasks.iter().map(|task| task.group))
        .text("group_slug", tasks.iter().map(|task| task.group_slug.as_str()))
        .uuid("unit_id", tasks.iter().map(|task| task.unit))
        .uuid("district_id", tasks.iter().map(|task| task.district))
        .uuid("custodian_id", tasks.iter().map(|task| task.custodian.unwrap_or_default()))
        .int("state", tasks.iter().map(|task| TaskState::with_custodian(task.custodian).code()))
        .query(
            &*txn,
            "INSERT INTO task (id, bulletin_id, group_id, group_slug, unit_id, district_id, custodian_id, state, created_at) \
             SELECT v.key, :1, v.group_id, v.group_slug, v.unit_id, v.district_id, v.custodian_id, v.state, :2 FROM v \
             WHERE true ON CONFLICT (bulletin_id, group_id) DO NOTHING RETURNING bulletin_id, district_id, state",
            &[bulletin.into(), Timestamp::now().0.into()],
        )
        .await?;
    if !expansion::tasks_written(&txn, lease, rows.len() as u64).await? {
        return Ok(false);
    }
    let mut changes = TaskChanges::default();
    for row in &rows {
        let mut columns = Columns::of(row);
        changes.add(columns.take()?, columns.take()?, state(columns.take()?)?, 1);
    }
    let events = changes.apply(&txn).await?;
    expansion::commit(txn, events).await?;
    lease.publication.tasks_written = true;
    Ok(true)
}

/// Follows groups whose custodian has changed: the tasks of an orphaned group open when somebody is named, and go with the group to
/// the next custodian.
pub(super) async fn follow_custodians(
    txn: &WriteTransaction,
    custodians: &BTreeMap<Uuid, Option<Uuid>>,
) -> Result<Vec<Payload>, DbErr> {
    let rows = Rows::new()
        .uuid("key", custodians.keys().copied())
        .uuid("custodian_id", custodians.values().map(|custodian| custodian.unwrap_or_default()))
        .query(
            &**txn,
            "SELECT t.id, t.bulletin_id, t.district_id, t.state, v.custodian_id FROM v CROSS JOIN task t \
             WHERE t.group_id = v.key AND t.custodian_id <> v.custodian_id ORDER BY t.id",
            &[],
        )
        .await?;
    let mut changes = TaskChanges::default();
    let (mut ids, mut news, mut states) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let mut columns = Columns::of(row);
        let (id, bulletin, district): (Uuid, Uuid, Uuid) = (columns.take()?, columns.take()?, columns.take()?);
        let (before, custodian): (i32, Uuid) = (columns.take()?, columns.take()?);
        let after = TaskState::with_custodian(Some(custodian).filter(|custodian| !custodian.is_nil()));
        changes.add(bulletin, district, state(before)?, -1);
        changes.add(bulletin, district, after, 1);
        ids.push(id);
        news.push(custodian);
        states.push(after.code());
    }
    Rows::new()
        .uuid("key", ids)
        .uuid("custodian_id", news)
        .int("state", states)
        .execute(
            &**txn,
            "UPDATE task SET custodian_id = v.custodian_id, state = v.state FROM v WHERE task.id = v.key",
            &[],
        )
        .await?;
    changes.apply(txn).await
}

/// By how much the tallies of tasks change, by bulletin and district: open, orphaned.
#[derive(Debug, Default)]
struct TaskChanges(BTreeMap<(Uuid, Uuid), (i64, i64)>);

impl TaskChanges {
    fn add(&mut self, bulletin: Uuid, district: Uuid, state: TaskState, count: i64) {
        let (open, orphaned) = self.0.entry((bulletin, district)).or_default();
        match state {
            TaskState::Open => *open += count,
            TaskState::Orphaned => *orphaned += count,
        }
    }

    async fn apply(self, txn: &WriteTransaction) -> Result<Vec<Payload>, DbErr> {
        let lines: Vec<_> = self.0.into_iter().filter(|(_, counts)| *counts != (0, 0)).collect();
        let rows = Rows::new()
            .uuid("bulletin_id", lines.iter().map(|((bulletin, _), _)| *bulletin))
            .uuid("unit_id", lines.iter().map(|((_, unit), _)| *unit))
            .big_int("open_count", lines.iter().map(|(_, (open, _))| *open))
            .big_int("orphaned_count", lines.iter().map(|(_, (_, orphaned))| *orphaned))
            .query(
                &**txn,
                "INSERT INTO task_tally (bulletin_id, unit_id, open_count, orphaned_count) \
                 SELECT v.bulletin_id, v.unit_id, v.open_count, v.orphaned_count FROM v WHERE true \
                 ON CONFLICT (bulletin_id, unit_id) DO UPDATE SET open_count = task_tally.open_count + excluded.open_count, \
                 orphaned_count = task_tally.orphaned_count + excluded.orphaned_count \
                 RETURNING bulletin_id, unit_id, open_count, orphaned_count",
                &[],
            )
            .await?;
        events(&rows)
    }
}

/// Every line of every bulletin, as events.
pub(super) async fn tallies(db: &impl ConnectionTrait) -> Result<Vec<Payload>, DbErr> {
    let rows = sql::all(
        db,
        "SELECT bulletin_id, unit_id, open_count, orphaned_count FROM task_tally ORDER BY bulletin_id, unit_id",
        [],
    )
    .await?;
    events(&rows)
}

fn events(rows: &[QueryResult]) -> Result<Vec<Payload>, DbErr> {
    let mut bulletins: BTreeMap<Uuid, Vec<pb::TaskLine>> = BTreeMap::new();
    for row in rows {
        let mut columns = Columns::of(row);
        let lines = bulletins.entry(columns.take()?).or_default();
        lines.push(pb::TaskLine {
            unit_uid: wire::uid_bytes(columns.take()?),
            open_count: columns.take()?,
            orphaned_count: columns.take()?,
        });
    }
    Ok(bulletins.into_iter().map(|(bulletin, lines)| wire::tasks_changed(bulletin, lines)).collect())
}

/// How many tasks a bulletin has.
pub(crate) async fn count(db: &impl ConnectionTrait, bulletin: Uuid) -> Result<i64, DbErr> {
    let sql =
        "SELECT CAST(COALESCE(SUM(open_count + orphaned_count), 0) AS bigint) FROM task_tally WHERE bulletin_id = $1";
    let row = sql::one(db, sql, [bulletin.into()]).await?;
    row.ok_or_else(|| DbErr::RecordNotFound("task_tally".into()))?.try_get_by_index(0)
}

const SELECT: &str = "SELECT id, bulletin_id, group_slug, unit_id, custodian_id, state, created_at FROM task";

/// One task of a bulletin.
pub(crate) async fn find(db: &impl ConnectionTrait, bulletin: Uuid, id: Uuid) -> Result<Option<Task>, DbErr> {
    let query = format!("{SELECT} WHERE id = $1 AND bulletin_id = $2");
    sql::one(db, &query, [id.into(), bulletin.into()]).await?.as_ref().map(read).transpose()
}

/// Which tasks to list.
#[derive(Debug, Clone, Copy, Hash)]
pub(crate) struct TaskFilter {
    pub(crate) bulletin: Uuid,
    pub(crate) custodian: Option<Uuid>,
    /// A number of the contract.
    pub(crate) state: Option<i32>,
}

/// Tasks in the order of their ids.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    filter: &TaskFilter,
    after: Uuid,
    limit: u64,
) -> Result<Vec<Task>, DbErr> {
    let query = format!(
        "{SELECT} WHERE bulletin_id = $1 AND id > $2 AND ($3 = $4 OR custodian_id = $3) AND ($5 = 0 OR state = $5) \
         ORDER BY id LIMIT $6"
    );
    let values = [
        filter.bulletin.into(),
        after.into(),
        filter.custodian.unwrap_or_default().into(),
        Uuid::nil().into(),
        filter.state.unwrap_or(0).into(),
        limit.cast_signed().into(),
    ];
    sql::all(db, &query, values).await?.iter().map(read).collect()
}

fn read(row: &QueryResult) -> Result<Task, DbErr> {
    let mut columns = Columns::of(row);
    Ok(Task {
        id: columns.take()?,
        bulletin: columns.take()?,
        group: columns.take()?,
        unit: columns.take()?,
        custodian: Some(columns.take::<Uuid>()?).filter(|custodian| !custodian.is_nil()),
        state: state(columns.take()?)?,
        created_at: columns.take()?,
    })
}

fn state(code: i32) -> Result<TaskState, DbErr> {
    TaskState::from_code(code).ok_or_else(|| unreadable("state of a task", code))
}
