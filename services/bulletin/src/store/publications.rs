//! Acts of publishing.

use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use senani_store::WriteTransaction;
use uuid::Uuid;

use super::sql::{self, Columns};
use crate::domain::Micros;
use crate::domain::audience::Audience;
use crate::selector;

/// State of a publication whose ledger is being written; the number of the contract.
pub(crate) const EXPANDING: i32 = 1;
/// State of a publication whose ledger is complete; the number of the contract.
pub(crate) const EXPANDED: i32 = 2;

/// One act of publishing a bulletin to an audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Publication {
    pub(crate) id: Uuid,
    pub(crate) bulletin: Uuid,
    pub(crate) audience: Audience,
    /// [`EXPANDING`] or [`EXPANDED`].
    pub(crate) state: i32,
    /// Groups that membership counted when it was recorded.
    pub(crate) group_count: i64,
    /// Posting tasks added.
    pub(crate) task_count: i64,
    /// Whether the tasks are in the ledger.
    pub(crate) tasks_written: bool,
    /// Deliveries added.
    pub(crate) delivery_count: i64,
    /// Consenting persons of the audience.
    pub(crate) person_count: i64,
    /// Persons of these that are in the ledger.
    pub(crate) resolved_count: i64,
    /// The last of them; nil for none.
    pub(crate) last_member: Uuid,
    /// The first delivery added; nil for none.
    pub(crate) first_delivery: Uuid,
    /// The last delivery added; nil for none.
    pub(crate) last_delivery: Uuid,
    pub(crate) created_at: Micros,
}

pub(super) const COLUMNS: &str = "id, bulletin_id, selector, units, group_audiences, state, group_count, task_count, tasks_written, \
     delivery_count, person_count, resolved_count, last_member_id, first_delivery_id, last_delivery_id, created_at";

/// Records a publication, to be expanded.
pub(crate) async fn insert(txn: &WriteTransaction, publication: &Publication) -> Result<(), DbErr> {
    let sql = "INSERT INTO publication (id, bulletin_id, units, group_audiences, state, group_count, task_count, tasks_written, \
               delivery_count, person_count, resolved_count, last_member_id, first_delivery_id, last_delivery_id, \
               lease_token, lease_until, created_at, expanded_at, selector) \
               VALUES ($1, $2, $3, $4, 1, $5, 0, false, 0, $6, 0, $7, $7, $7, 0, 0, $8, 0, $9)";
    let values = [
        publication.id.into(),
        publication.bulletin.into(),
        // What was kept before there was `selector`.
        "".into(),
        "".into(),
        publication.group_count.into(),
        publication.person_count.into(),
        Uuid::nil().into(),
        publication.created_at.into(),
        selector::encode(&publication.audience).into(),
    ];
    sql::execute(&**txn, sql, values).await.map(drop)
}

/// The publications of a bulletin, the first first.
pub(crate) async fn of(db: &impl ConnectionTrait, bulletin: Uuid) -> Result<Vec<Publication>, DbErr> {
    let query = format!("SELECT {COLUMNS} FROM publication WHERE bulletin_id = $1 ORDER BY id");
    sql::all(db, &query, [bulletin.into()]).await?.iter().map(read).collect()
}

pub(super) fn read(row: &QueryResult) -> Result<Publication, DbErr> {
    let mut columns = Columns::of(row);
    Ok(Publication {
        id: columns.take()?,
        bulletin: columns.take()?,
        audience: audience(&columns.take::<Vec<u8>>()?, &columns.take::<String>()?, &columns.take::<String>()?)?,
        state: columns.take()?,
        group_count: columns.take()?,
        task_count: columns.take()?,
        tasks_written: columns.take()?,
        delivery_count: columns.take()?,
        person_count: columns.take()?,
        resolved_count: columns.take()?,
        last_member: columns.take()?,
        first_delivery: columns.take()?,
        last_delivery: columns.take()?,
        created_at: columns.take()?,
    })
}

/// An audience as it is kept; before there was `selector` in two lists of their own.
fn audience(selector: &[u8], units: &str, group_audiences: &str) -> Result<Audience, DbErr> {
    if selector.is_empty() {
        let (units, group_audiences) = (list(units), list(group_audiences));
        return Ok(Audience { units, group_audiences, ..Audience::default() });
    }
    selector::decode(selector).ok_or_else(|| DbErr::Type("a stored audience cannot be read".into()))
}

fn list<T: std::str::FromStr>(text: &str) -> Vec<T> {
    text.split(',').filter_map(|item| item.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_that_was_kept_in_two_lists_is_still_read() {
        let kept = Audience {
            units: vec!["patna".to_owned(), "gaya".to_owned()],
            group_audiences: vec![1, 3],
            ..Audience::default()
        };
        assert_eq!(audience(&[], "patna,gaya", "1,3").unwrap(), kept);
        assert_eq!(audience(&selector::encode(&kept), "", "").unwrap(), kept);
        assert!(audience(b"\xff", "patna", "").is_err());
    }
}
