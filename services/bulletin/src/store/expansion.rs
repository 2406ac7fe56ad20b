//! Writing the ledger of a publication: tasks first, then deliveries page by page, each page with its cursor.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr};
use senani_proto::eventlog::v1::event::Payload;
use senani_store::{Rows, Store, Timestamp, WriteTransaction};
use uuid::Uuid;

use super::claims::micros;
use super::publications::{self, COLUMNS, Publication};
use super::sql::{self, skip_locked};
use super::{clock, tally};
use crate::domain::delivery::DeliveryState;
use crate::domain::tally::Changes;

/// A publication that this worker alone expands.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) publication: Publication,
    pub(crate) token: i64,
    pub(crate) duration: Duration,
}

/// Takes the oldest publication that is to be expanded and that nobody else expands.
pub(crate) async fn claim(store: &Store, token: i64, duration: Duration) -> Result<Option<Lease>, DbErr> {
    let backend = store.backend();
    let now = clock::now(backend);
    let free = format!("FROM publication WHERE state = 1 AND lease_until < {now}");
    if sql::one(store.reader(), &format!("SELECT 1 {free} LIMIT 1"), []).await?.is_none() {
        return Ok(None);
    }
    let txn = store.begin_write().await?;
    let query = format!(
        "UPDATE publication SET lease_token = $1, lease_until = {now} + $2 \
         WHERE id = (SELECT id {free} ORDER BY id LIMIT 1{}) RETURNING {COLUMNS}",
        skip_locked(backend)
    );
    let row = sql::one(&*txn, &query, [token.into(), micros(duration).into()]).await?;
    let publication = row.as_ref().map(publications::read).transpose()?;
    txn.commit().await?;
    Ok(publication.map(|publication| Lease { publication, token, duration }))
}

/// Gives a publication back, to be taken again at once.
pub(crate) async fn release(store: &Store, lease: &Lease) -> Result<(), DbErr> {
    let txn = store.begin_write().await?;
    let sql = "UPDATE publication SET lease_until = 0 WHERE id = $1 AND lease_token = $2";
    sql::execute(&*txn, sql, [lease.publication.id.into(), lease.token.into()]).await?;
    txn.commit().await
}

/// Corrects the number of persons to what membership resolves.
pub(crate) async fn set_person_count(store: &Store, lease: &Lease, count: i64) -> Result<(), DbErr> {
    let txn = store.begin_write().await?;
    let sql = "UPDATE publication SET person_count = $3 WHERE id = $1 AND lease_token = $2";
    sql::execute(&*txn, sql, [lease.publication.id.into(), lease.token.into(), count.into()]).await?;
    txn.commit().await
}

/// A delivery to write.
#[derive(Debug, Clone)]
pub(crate) struct NewDelivery {
    pub(crate) id: Uuid,
    pub(crate) member: Uuid,
    pub(crate) unit: Uuid,
    pub(crate) district: Uuid,
    pub(crate) language: String,
}

/// Writes a page of deliveries, its cursor and its figures in one transaction. Persons who have the bulletin already are passed over.
/// False when the lease is lost: then nothing was written.
pub(crate) async fn write_page(
    store: &Store,
    lease: &mut Lease,
    channel: &str,
    page: &[NewDelivery],
) -> Result<bool, DbErr> {
    let Some(last) = page.last() else { return Ok(true) };
    let mut txn = store.begin_write().await?;
    let inserted = insert(&txn, lease.publication.bulletin, channel, page).await?;
    let mut changes = Changes::default();
    let bulletin = lease.publication.bulletin;
    if inserted == page.len() as u64 {
        page.iter().for_each(|new| changes.add(bulletin, new.district, DeliveryState::Queued, "", 1));
    } else {
        for (district, count) in districts_of(&txn, page).await? {
            changes.add(bulletin, district, DeliveryState::Queued, "", count);
        }
    }
    let query = format!(
        "UPDATE publication SET last_member_id = $3, resolved_count = resolved_count + $4, \
         delivery_count = delivery_count + $5, last_delivery_id = $6, \
         first_delivery_id = CASE WHEN first_delivery_id = $7 THEN $8 ELSE first_delivery_id END, lease_until = {} + $9 \
         WHERE id = $1 AND lease_token = $2 AND state = 1",
        clock::now(txn.get_database_backend())
    );
    let length = page.len() as i64;
    let kept = sql::execute(
        &*txn,
        &query,
        [
            lease.publication.id.into(),
            lease.token.into(),
            last.member.into(),
            length.into(),
            inserted.cast_signed().into(),
            last.id.into(),
            Uuid::nil().into(),
            page[0].id.into(),
            micros(lease.duration).into(),
        ],
    )
    .await?;
    if kept != 1 {
        return Ok(false);
    }
    let events = tally::apply(&txn, &changes).await?;
    txn.append(events).await?;
    txn.commit().await?;
    lease.publication.last_member = last.member;
    lease.publication.resolved_count += length;
    Ok(true)
}

async fn insert(txn: &WriteTransaction, bulletin: Uuid, channel: &str, page: &[NewDelivery]) -> Result<u64, DbErr> {
    Rows::new()
        .uuid("key", page.iter().map(|new| new.id))
        .uuid("member_id", page.iter().map(|new| new.member))
        .uuid("unit_id", page.iter().map(|new| new.unit))
        .uuid("district_id", page.iter().map(|new| new.district))
        .text("language", page.iter().map(|new| new.language.as_str()))
        .execute(
            &**txn,
            "INSERT INTO delivery (id, bulletin_id, member_id, unit_id, district_id, created_at, sent_at, delivered_at, read_at, \
             failed_at, next_attempt_at, unknown_at, lease_token, state, attempt_count, channel, language, \
             reason, provider_message_id) \
             SELECT v.key, :1, v.member_id, v.unit_id, v.district_id, :2, 0, 0, 0, 0, 0, 0, 0, 1, 0, :3, \
             v.language, '', '' FROM v WHERE true ON CONFLICT (bulletin_id, member_id, channel) DO NOTHING",
            &[bulletin.into(), Timestamp::now().0.into(), channel.into()],
        )
        .await
}

/// The districts of those of the page that were inserted, with their numbers.
async fn districts_of(txn: &WriteTransaction, page: &[NewDelivery]) -> Result<Vec<(Uuid, i64)>, DbErr> {
    let rows = Rows::new()
        .uuid("key", page.iter().map(|new| new.id))
        .query(
            &**txn,
            "SELECT d.district_id, COUNT(*) FROM v CROSS JOIN delivery d WHERE d.id = v.key GROUP BY d.district_id",
            &[],
        )
        .await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

/// The publication's ledger is complete. False when the lease is lost.
pub(crate) async fn finish(store: &Store, lease: &Lease) -> Result<bool, DbErr> {
    let txn = store.begin_write().await?;
    let sql = "UPDATE publication SET state = 2, expanded_at = $3, lease_until = 0, person_count = resolved_count \
               WHERE id = $1 AND lease_token = $2 AND state = 1";
    let values = [lease.publication.id.into(), lease.token.into(), Timestamp::now().0.into()];
    let kept = sql::execute(&*txn, sql, values).await? == 1;
    txn.commit().await?;
    Ok(kept)
}

/// Notes in the same transaction that a publication's tasks are in the ledger. False when the lease is lost.
pub(super) async fn tasks_written(txn: &WriteTransaction, lease: &Lease, count: u64) -> Result<bool, DbErr> {
    let query = format!(
        "UPDATE publication SET tasks_written = true, task_count = $3, lease_until = {} + $4 \
         WHERE id = $1 AND lease_token = $2 AND state = 1",
        clock::now(txn.get_database_backend())
    );
    let values =
        [lease.publication.id.into(), lease.token.into(), count.cast_signed().into(), micros(lease.duration).into()];
    Ok(sql::execute(&**txn, &query, values).await? == 1)
}

/// Appends, commits: the end of a transaction of the ledger.
pub(super) async fn commit(mut txn: WriteTransaction, events: Vec<Payload>) -> Result<(), DbErr> {
    txn.append(events).await?;
    txn.commit().await
}
