//! Reports that may tell the same.

use sea_orm::DbErr;
use senani_proto::bulletin::v1 as pb;
use uuid::Uuid;

use super::Reports;
use crate::domain::Micros;
use crate::domain::report::Report;
use crate::domain::report::content::Position;
use crate::domain::report::sight::Sight;
use crate::domain::report::similarity::{Account, Likeness, compare, estimate};
use crate::error::Error;
use crate::store::sql::{self, Columns};
use crate::wire;

/// How far back reports are compared.
const WINDOW: Micros = 30 * 86_400_000_000;
/// The newest signatures that are compared; 256 bytes each.
const SIGNATURES: i64 = 20_000;
/// Signatures in one round.
const ROUND: i64 = 2_000;
/// The likeliest by their signature, which are opened and compared exactly; and the newest that have a place.
const OPENED: usize = 40;
/// Entries of a report that are read for what was told.
const ENTRIES: u64 = 100;
/// Suggestions at most.
const MOST: usize = 10;
/// Scores from here on are worth a look.
const ENOUGH: f64 = 0.35;

/// A report that may tell the same.
#[derive(Debug, Clone)]
pub(crate) struct Duplicate {
    pub(crate) report: Uuid,
    pub(crate) likeness: Likeness,
}

/// What was told of one report, opened.
struct Statement {
    text: String,
    position: Option<Position>,
    at: Micros,
}

impl Statement {
    fn account(&self) -> Account<'_> {
        Account { text: &self.text, position: self.position, at: self.at }
    }
}

impl Reports {
    /// The likeliest first.
    pub(crate) async fn duplicates(&self, report: &Report, sight: &Sight) -> Result<Vec<Duplicate>, Error> {
        let Some(own) = self.statement(report.id, report.received_at).await? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for (id, received_at) in self.candidates(report, sight).await? {
            let Some(other) = self.statement(id, received_at).await? else { continue };
            let likeness = compare(&own.account(), &other.account());
            if likeness.score >= ENOUGH {
                found.push(Duplicate { report: id, likeness });
            }
        }
        found.sort_by(|one, other| other.likeness.score.total_cmp(&one.likeness.score));
        found.truncate(MOST);
        Ok(found)
    }

    /// The likeliest by their signatures among the newest that are seen, and the newest of the same unit, whose words may be few.
    async fn candidates(&self, report: &Report, sight: &Sight) -> Result<Vec<(Uuid, Micros)>, DbErr> {
        let db = self.store.reader();
        let signature = sql::one(db, "SELECT similarity FROM report WHERE id = $1", [report.id.into()]).await?;
        let own: Vec<u8> = signature.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
        let mut likely: Vec<(f64, Uuid, Micros)> = Vec::new();
        let mut near = Vec::new();
        let mut before = Uuid::max();
        for _ in 0..SIGNATURES / ROUND {
            // Open ones: with what ended nothing can be merged.
            let sql = "SELECT id, unit_id, received_at, similarity FROM report WHERE id < $1 AND state <= 3 \
                 AND received_at >= $2 ORDER BY id DESC LIMIT $3";
            let rows = sql::all(db, sql, [before.into(), (report.received_at - WINDOW).into(), ROUND.into()]).await?;
            for row in &rows {
                let mut columns = Columns::of(row);
                let (id, unit, at): (Uuid, Uuid, Micros) = (columns.take()?, columns.take()?, columns.take()?);
                before = id;
                if id == report.id || !sight.covers(unit) {
                    continue;
                }
                let likeness = estimate(&own, &columns.take::<Vec<u8>>()?);
                if likeness > 0.0 {
                    likely.push((likeness, id, at));
                } else if unit == report.unit && near.len() < OPENED {
                    near.push((id, at));
                }
            }
            likely.sort_by(|one, other| other.0.total_cmp(&one.0));
            likely.truncate(OPENED);
            if rows.len() < usize::try_from(ROUND).unwrap_or(usize::MAX) {
                break;
            }
        }
        Ok(likely.into_iter().map(|(_, id, at)| (id, at)).chain(near).collect())
    }

    /// What was told of a report; `None` when it is destroyed.
    async fn statement(&self, id: Uuid, received_at: Micros) -> Result<Option<Statement>, Error> {
        let mut statement = Statement { text: String::new(), position: None, at: received_at };
        let mut occurred = false;
        for entry in self.history(id, 0, ENTRIES).await? {
            let told = [pb::report_entry::Kind::Received, pb::report_entry::Kind::Added];
            if !told.iter().any(|kind| *kind as i32 == entry.kind) {
                continue;
            }
            let Some(body) = entry.body else { return Ok(None) };
            statement.text.push_str(&body.text);
            statement.text.push('\n');
            statement.position = statement.position.or_else(|| wire::report::position(body.place.as_ref()));
            if let Some(time) = &body.occur_time
                && !occurred
            {
                statement.at = senani_store::Timestamp::from_proto(time).0;
                occurred = true;
            }
        }
        Ok(Some(statement))
    }
}
