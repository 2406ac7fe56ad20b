//! The history of members: only ever added to.

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};
use senani_store::{PageSize, Timestamp, WriteTransaction};
use senani_vault::{Context, DataKey};
use uuid::Uuid;

use super::Registry;
use super::listed::is_one_of;
use crate::convert;
use crate::domain::{HappenedAct, Happening, Mark, MemberState};
use crate::error::{Error, Resource};

/// Where a sealed note is kept, which is authenticated with it.
fn note_place(member: Uuid, recorded_at: i64) -> Context<'static> {
    Context::new("member_history", "note_sealed", member).part(recorded_at)
}

/// An entry to add.
#[derive(Debug)]
pub(super) struct Entry<'e> {
    pub(super) member: Uuid,
    pub(super) act: HappenedAct,
    pub(super) subject: &'e str,
    pub(super) mark: Mark,
    /// Empty for none.
    pub(super) note: &'e str,
}

impl<'e> Entry<'e> {
    pub(super) fn new(member: Uuid, act: HappenedAct, subject: &'e str) -> Self {
        Self { member, act, subject, mark: Mark::default(), note: "" }
    }

    #[must_use]
    pub(super) fn marked(mut self, mark: Mark) -> Self {
        self.mark = mark;
        self
    }
}

impl Registry {
    /// Adds an entry. The member is held, so that times of a member differ.
    pub(super) async fn happened(&self, txn: &WriteTransaction, now: Timestamp, entry: Entry<'_>) -> Result<(), Error> {
        let backend = txn.get_database_backend();
        let last = "SELECT CAST(COALESCE(MAX(recorded_at), 0) AS bigint) FROM member_history WHERE member_id = $1";
        let row = txn.query_one_raw(Statement::from_sql_and_values(backend, last, [entry.member.into()])).await?;
        let last: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        let at = now.0.max(last + 1);
        let note = match self.data_key(&**txn, entry.member).await? {
            Some(key) if !entry.note.is_empty() => key.seal(entry.note.as_bytes(), &note_place(entry.member, at)),
            _ => Vec::new(),
        };
        let mark = serde_json::to_string(&entry.mark).map_err(|error| DbErr::Json(error.to_string()))?;
        let add = "INSERT INTO member_history (member_id, recorded_at, act, subject, mark, note_sealed) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let values: [Value; 6] =
            [entry.member.into(), at.into(), (entry.act as i32).into(), entry.subject.into(), mark.into(), note.into()];
        txn.execute_raw(Statement::from_sql_and_values(backend, add, values)).await?;
        Ok(())
    }

    /// The record with this id and those that were merged into it.
    pub(super) async fn records_of(&self, db: &impl ConnectionTrait, member: Uuid) -> Result<Vec<Uuid>, Error> {
        let find = "SELECT id FROM member WHERE id = $1 OR merged_into = $1 ORDER BY id";
        let rows =
            db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), find, [member.into()])).await?;
        let ids = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<Uuid>, DbErr>>()?;
        if ids.contains(&member) { Ok(ids) } else { Err(Resource::Member.not_found(convert::member_name(member))) }
    }

    /// What happened to a member and to those merged into them, the newest first, before an entry by its time and member. Who came by
    /// an import has no entry of that: the record itself says it.
    pub(crate) async fn happenings(
        &self,
        member: Uuid,
        before: Option<(i64, Uuid)>,
        size: PageSize,
    ) -> Result<Vec<Happening>, Error> {
        let db = self.store.reader();
        let ids = self.records_of(db, member).await?;
        let limit = i64::try_from(size.limit()).unwrap_or(i64::MAX);
        self.happenings_in(db, &ids, before.unwrap_or((i64::MAX, Uuid::max())), limit).await
    }

    /// All that happened to some records, the oldest first.
    pub(super) async fn history_of(&self, txn: &WriteTransaction, ids: &[Uuid]) -> Result<Vec<Happening>, Error> {
        let mut history = self.happenings_in(&**txn, ids, (i64::MAX, Uuid::max()), i64::MAX).await?;
        history.reverse();
        Ok(history)
    }

    async fn happenings_in(
        &self,
        db: &impl ConnectionTrait,
        ids: &[Uuid],
        (at, id): (i64, Uuid),
        limit: i64,
    ) -> Result<Vec<Happening>, Error> {
        let backend = db.get_database_backend();
        let mut values: Vec<Value> = vec![
            at.into(),
            id.into(),
            limit.into(),
            (HappenedAct::Imported as i32).into(),
            Vec::<u8>::new().into(),
            (HappenedAct::Applied as i32).into(),
            (MemberState::Erased as i32).into(),
        ];
        let listed = is_one_of(backend, "member_id", ids, &mut values);
        let imported = is_one_of(backend, "m.id", ids, &mut values);
        let sql = format!(
            "SELECT member_id, recorded_at, act, subject, mark, note_sealed FROM (\
             SELECT member_id, recorded_at, act, subject, mark, note_sealed FROM member_history WHERE {listed} \
             UNION ALL SELECT m.id, m.created_at, CAST($4 AS integer), m.verified_by, '{{}}', $5 FROM member m \
             WHERE {imported} AND m.state <> $7 AND NOT EXISTS \
             (SELECT 1 FROM member_history a WHERE a.member_id = m.id AND a.act = $6)) AS h \
             WHERE (recorded_at, member_id) < ($1, $2) ORDER BY recorded_at DESC, member_id DESC LIMIT $3"
        );
        let rows = db.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        let mut happenings = Vec::with_capacity(rows.len());
        for row in &rows {
            happenings.push(self.read_happening(db, row).await?);
        }
        Ok(happenings)
    }

    async fn read_happening(&self, db: &impl ConnectionTrait, row: &QueryResult) -> Result<Happening, Error> {
        let (member, at): (Uuid, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let (mark, sealed): (String, Vec<u8>) = (row.try_get_by_index(4)?, row.try_get_by_index(5)?);
        let note = if sealed.is_empty() {
            String::new()
        } else {
            let key = self.data_key(db, member).await?;
            key.map(|key| open_note(&key, member, at, &sealed)).transpose()?.unwrap_or_default()
        };
        Ok(Happening {
            member,
            at,
            act: row.try_get_by_index(2)?,
            subject: row.try_get_by_index(3)?,
            mark: serde_json::from_str(&mark).map_err(|error| DbErr::Json(error.to_string()))?,
            note,
        })
    }
}

fn open_note(key: &DataKey, member: Uuid, at: i64, sealed: &[u8]) -> Result<String, Error> {
    let note = key.open(sealed, &note_place(member, at))?;
    Ok(String::from_utf8(note.to_vec()).map_err(|error| DbErr::Type(error.to_string()))?)
}
