//! Notices: published once, never changed.

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};
use senani_proto::membership::v1 as pb;
use senani_store::PageSize;

use super::json::{from_json, to_json};
use super::{Registry, Repeat, answered, record};
use crate::convert;
use crate::domain::{Notice, Purpose};
use crate::error::{Error, Resource};

const COLUMNS: &str = "slug, titles, texts, purposes, effective_date, publisher, created_at";

impl Registry {
    /// Publishes a notice; the slug must be free.
    pub(crate) async fn publish_notice(
        &self,
        notice: &Notice,
        repeat: Option<&Repeat<'_>>,
    ) -> Result<pb::Notice, Error> {
        let txn = self.store.begin_write().await?;
        if let Some(answer) = answered(&txn, repeat).await? {
            return Ok(answer);
        }
        let purposes: Vec<String> = notice.purposes.iter().map(|purpose| (*purpose as i32).to_string()).collect();
        let add = "INSERT INTO notice (slug, titles, texts, purposes, effective_date, publisher, created_at) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (slug) DO NOTHING";
        let values: [Value; 7] = [
            notice.slug.as_str().into(),
            to_json(&notice.titles).into(),
            to_json(&notice.texts).into(),
            purposes.join(",").into(),
            notice.effective_date.to_string().into(),
            notice.publisher.as_str().into(),
            notice.created_at.into(),
        ];
        let added = txn.execute_raw(Statement::from_sql_and_values(txn.get_database_backend(), add, values)).await?;
        if added.rows_affected() == 0 {
            return Err(Error::SlugTaken(convert::notice_name(&notice.slug)));
        }
        let answer = convert::notice(notice);
        record(&txn, repeat, &answer).await?;
        txn.commit().await?;
        Ok(answer)
    }

    pub(crate) async fn notice(&self, slug: &str) -> Result<Notice, Error> {
        let db = self.store.reader();
        let sql = format!("SELECT {COLUMNS} FROM notice WHERE slug = $1");
        let found =
            db.query_one_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, [slug.into()])).await?;
        let found = found.as_ref().map(notice).transpose()?;
        found.ok_or_else(|| Resource::Notice.not_found(convert::notice_name(slug)))
    }

    /// Whether a notice of this version is published; an empty one says that none is known.
    pub(crate) async fn knows_notice(&self, version: &str) -> Result<bool, Error> {
        if version.is_empty() {
            return Ok(true);
        }
        match self.notice(version).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Notices after one by its effective date and slug, the latest effective date first.
    pub(crate) async fn list_notices(
        &self,
        after: Option<(String, String)>,
        size: PageSize,
    ) -> Result<Vec<Notice>, Error> {
        let db = self.store.reader();
        // Every date is before this one.
        let (date, slug) = after.unwrap_or_else(|| ("99999".to_owned(), String::new()));
        let limit = i64::try_from(size.limit()).unwrap_or(i64::MAX);
        let sql = format!(
            "SELECT {COLUMNS} FROM notice WHERE effective_date < $1 OR (effective_date = $1 AND slug > $2) \
             ORDER BY effective_date DESC, slug LIMIT $3"
        );
        let values: [Value; 3] = [date.into(), slug.into(), limit.into()];
        let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
        Ok(rows.iter().map(notice).collect::<Result<Vec<_>, DbErr>>()?)
    }
}

fn notice(row: &QueryResult) -> Result<Notice, DbErr> {
    let date: String = row.try_get_by_index(4)?;
    let purposes: String = row.try_get_by_index(3)?;
    let purposes = purposes.split(',').filter_map(|number| Purpose::from_number(number.parse().ok()?)).collect();
    Ok(Notice {
        slug: row.try_get_by_index(0)?,
        titles: from_json(&row.try_get_by_index::<String>(1)?)?,
        texts: from_json(&row.try_get_by_index::<String>(2)?)?,
        purposes,
        effective_date: date.parse().map_err(|_| DbErr::Type(format!("a stored day is none: {date}")))?,
        publisher: row.try_get_by_index(5)?,
        created_at: row.try_get_by_index(6)?,
    })
}
