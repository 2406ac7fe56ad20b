//! The register as events, for consumers whose cursor has expired.

use sea_orm::{ConnectionTrait, DbErr, Statement};
use senani_proto::eventlog::v1::event::Payload;
use senani_store::ReadTransaction;
use senani_store::event_log::Snapshot;

use super::groups::{self, COLUMNS};
use super::orders;
use crate::convert;

/// Every order, then every group with its size.
#[derive(Debug)]
pub(crate) struct MembershipSnapshot;

impl Snapshot for MembershipSnapshot {
    async fn payloads(&self, txn: &ReadTransaction) -> Result<Vec<Payload>, DbErr> {
        let orders = orders::load(&**txn, None).await?;
        let mut payloads: Vec<Payload> = orders.iter().map(convert::order_issued).collect();
        let sql = format!("SELECT {COLUMNS} FROM member_group g ORDER BY g.id");
        let rows = txn.query_all_raw(Statement::from_string(txn.get_database_backend(), sql)).await?;
        for row in &rows {
            payloads.push(convert::group_changed(&groups::group(row)?));
        }
        Ok(payloads)
    }
}
