//! What becomes due: the next unit above is told.

use sea_orm::DbErr;
use senani_proto::bulletin::v1 as pb;
use senani_store::Timestamp;
use senani_unit_tree::UnitTree;
use uuid::Uuid;

use super::entries::Entry;
use super::{Reports, rows};
use crate::domain::Micros;
use crate::error::{Error, ReportError};
use crate::store::sql;
use crate::wire;

/// Reports that one look takes.
const ROUND: i64 = 100;

/// How escalation goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// Between one unit and the next above.
    pub(crate) every: Micros,
}

impl Reports {
    /// Tells the units above of what was due by `now`. Answers how many reports were escalated.
    pub(crate) async fn escalate(&self, clock: Clock, tree: &UnitTree, now: Micros) -> Result<u64, Error> {
        let sql = "SELECT id FROM report WHERE escalate_at > 0 AND escalate_at <= $1 ORDER BY escalate_at LIMIT $2";
        let mut count = 0;
        for row in sql::all(self.store.reader(), sql, [now.into(), ROUND.into()]).await? {
            count += u64::from(self.escalate_one(row.try_get_by_index(0)?, clock, tree, now).await?);
        }
        Ok(count)
    }

    async fn escalate_one(&self, id: Uuid, clock: Clock, tree: &UnitTree, now: Micros) -> Result<bool, Error> {
        let mut txn = self.store.begin_write().await?;
        let mut report = rows::lock(&txn, id).await?;
        if report.escalate_at == 0 || report.escalate_at > now {
            // Another process was here.
            return Ok(false);
        }
        let paused = self.paused_until(&*txn, report.unit, tree, now).await?;
        let told = report.escalated_unit.unwrap_or(report.unit);
        let above = tree.by_id(told).and_then(|unit| unit.parent());
        let (Some(above), None) = (above, paused) else {
            // On other duty: looked at again when that is over. At the top there is nobody to tell.
            report.escalate_at = paused.unwrap_or(0);
            rows::update(&txn, &report).await?;
            txn.commit().await?;
            return Ok(false);
        };
        report.escalate(above.id(), now.saturating_add(clock.every).max(1)).map_err(ReportError::from)?;
        let unit = format!("units/{}", above.slug());
        let body = pb::ReportEntryBody { unit, ..pb::ReportEntryBody::default() };
        let key = self.key(&*txn, report.id).await?;
        let entry = Entry::new(pb::report_entry::Kind::Escalated, "clock", Some(body));
        self.append(&txn, &mut report, key.as_ref(), entry, now).await?;
        rows::update(&txn, &report).await?;
        txn.append(vec![wire::report::report_changed(&report)]).await?;
        txn.commit().await?;
        Ok(true)
    }

    /// Until when a unit, or one above it, lets nothing escalate.
    async fn paused_until(
        &self,
        db: &impl sea_orm::ConnectionTrait,
        unit: Uuid,
        tree: &UnitTree,
        now: Micros,
    ) -> Result<Option<Micros>, DbErr> {
        let sql = "SELECT unit_id, until_at FROM report_escalation_pause WHERE until_at > $1";
        let mut until = None;
        for row in sql::all(db, sql, [now.into()]).await? {
            let (paused, at): (Uuid, Micros) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            if paused == unit || tree.is_within(paused, unit) {
                until = until.max(Some(at));
            }
        }
        Ok(until)
    }

    /// Lets nothing of a unit escalate until a time; 0 ends it.
    pub(crate) async fn pause_escalation(&self, unit: Uuid, until: Micros, actor: &str) -> Result<(), DbErr> {
        let txn = self.store.begin_write().await?;
        let before = sql::one(&*txn, "SELECT until_at FROM report_escalation_pause WHERE unit_id = $1", [unit.into()]);
        let before: Option<Micros> = before.await?.map(|row| row.try_get_by_index(0)).transpose()?;
        let sql = "INSERT INTO report_escalation_pause (unit_id, until_at, actor) VALUES ($1, $2, $3) \
             ON CONFLICT (unit_id) DO UPDATE SET until_at = excluded.until_at, actor = excluded.actor";
        sql::execute(&*txn, sql, [unit.into(), until.into(), actor.into()]).await?;
        if let Some(before) = before.filter(|before| *before > 0) {
            // Those that waited for the end are looked at now; the look sees how long they wait from now on.
            let sql = "UPDATE report SET escalate_at = $1 WHERE escalate_at = $2";
            sql::execute(&*txn, sql, [Timestamp::now().0.into(), before.into()]).await?;
        }
        txn.commit().await
    }
}
