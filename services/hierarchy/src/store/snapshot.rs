//! The whole structure as events, for consumers whose cursor has expired.

use sea_orm::{ConnectionTrait, DbErr, Statement};
use senani_proto::eventlog::v1::event::Payload;
use senani_store::ReadTransaction;
use senani_store::event_log::Snapshot;

use super::row::{self, COLUMNS};
use super::{appointments, sets};
use crate::convert;

/// Units of a set in one event at most.
const MEMBERS: usize = 500;

/// Every unit, parents before their children, then every set, then every appointment.
#[derive(Debug)]
pub(crate) struct UnitSnapshot;

impl Snapshot for UnitSnapshot {
    async fn payloads(&self, txn: &ReadTransaction) -> Result<Vec<Payload>, DbErr> {
        let sql = format!(
            "WITH RECURSIVE down(id, depth) AS (\
                SELECT id, 0 FROM unit WHERE parent_id IS NULL \
                UNION ALL SELECT unit.id, down.depth + 1 FROM unit JOIN down ON unit.parent_id = down.id) \
             SELECT {COLUMNS} FROM down JOIN unit u ON u.id = down.id \
             LEFT JOIN unit p ON p.id = u.parent_id ORDER BY down.depth, u.slug"
        );
        let rows = txn.query_all_raw(Statement::from_string(txn.get_database_backend(), sql)).await?;
        let mut payloads =
            rows.iter().map(|row| Ok(convert::unit_changed(&row::unit(row)?))).collect::<Result<Vec<_>, DbErr>>()?;
        for (set, members) in sets::all(&**txn).await? {
            payloads.push(convert::unit_set_changed(&set, &[], &[]));
            payloads.extend(members.chunks(MEMBERS).map(|members| convert::unit_set_changed(&set, members, &[])));
        }
        payloads.extend(appointments::all(&**txn).await?.iter().map(convert::appointment_changed));
        Ok(payloads)
    }
}
