//! What waits for an officer.

use sea_orm::{ConnectionTrait, DbErr};
use senani_proto::name::TaskName;
use uuid::Uuid;

use super::sql::{self, Columns};

/// The open tasks of an officer, the oldest first, at most `limit` of them; and how many there are. They are found by an index of the
/// open ones (state 1, which stands in the text of the statement, or the index would not be used).
pub(crate) async fn open_tasks(
    db: &impl ConnectionTrait,
    officer: Uuid,
    limit: i64,
) -> Result<(Vec<TaskName>, i64), DbErr> {
    let rows = sql::all(
        db,
        "SELECT bulletin_id, id FROM task WHERE custodian_id = $1 AND state = 1 ORDER BY id LIMIT $2",
        [officer.into(), limit.into()],
    )
    .await?;
    let names = rows
        .iter()
        .map(|row| {
            let mut columns = Columns::of(row);
            Ok(TaskName { bulletin: columns.take()?, uid: columns.take()? })
        })
        .collect::<Result<Vec<_>, DbErr>>()?;
    let count = i64::try_from(names.len()).unwrap_or(i64::MAX);
    if count < limit {
        return Ok((names, count));
    }
    let count =
        sql::one(db, "SELECT COUNT(*) FROM task WHERE custodian_id = $1 AND state = 1", [officer.into()]).await?;
    let count = count.ok_or_else(|| DbErr::RecordNotFound("task".into()))?.try_get_by_index(0)?;
    Ok((names, count))
}
