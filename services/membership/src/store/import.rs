//! The durable part of an import: one transaction for each chunk.

use std::collections::{BTreeMap, HashSet};

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use senani_proto::name::ImportName;
use senani_store::{PageSize, Rows, Timestamp, WriteTransaction};
use senani_vault::BlindIndex;
use uuid::Uuid;

use super::consents::{BY_IMPORT, DIRECT_MESSAGES};
use super::{InForce, Newcomer, Registry, groups};
use crate::convert;
use crate::domain::{COLUMNS, IdentifierKind, Import, MemberState, Placements, Refusal, RejectedRow, Rejection, Role};
use crate::error::Error;

/// Some rows of an import, prepared. What happens to it is durable as a whole or not at all.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// In the order of their blind indexes, which are all different, and of their ids. One order for all imports: two that hold the
    /// same numbers wait for each other and never in a ring; and inserts go to one place of each tree.
    pub(crate) newcomers: Vec<Newcomer>,
    /// Rows that are wrong by themselves.
    pub(crate) rejected: Vec<RejectedRow>,
    /// Checksum of the file up to the last row.
    pub(crate) digest: [u8; 32],
    /// Whether the file ends here.
    pub(crate) last: bool,
}

/// What is the same for all chunks of an import.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) notice_version: String,
    /// Who imports.
    pub(crate) recorded_by: String,
    pub(crate) in_force: InForce,
}

impl Registry {
    /// What of an import is durable; `None` when nothing is.
    pub(crate) async fn import(&self, id: Uuid) -> Result<Option<Import>, Error> {
        let txn = self.store.begin_read().await?;
        let backend = txn.get_database_backend();
        let find = "SELECT row_count, accepted_count, enrolment_count, digest, complete, created_at FROM member_import \
                    WHERE id = $1";
        let found = txn.query_one_raw(Statement::from_sql_and_values(backend, find, [id.into()])).await?;
        let Some(row) = found else { return Ok(None) };
        let count = "SELECT reason, COUNT(*) FROM rejected_row WHERE import_id = $1 GROUP BY reason";
        let mut rejected_by_reason = BTreeMap::new();
        for row in txn.query_all_raw(Statement::from_sql_and_values(backend, count, [id.into()])).await? {
            rejected_by_reason.insert(rejection(row.try_get_by_index(0)?)?, row.try_get_by_index(1)?);
        }
        let digest: Vec<u8> = row.try_get_by_index(3)?;
        Ok(Some(Import {
            id,
            row_count: row.try_get_by_index(0)?,
            accepted_count: row.try_get_by_index(1)?,
            enrolment_count: row.try_get_by_index(2)?,
            rejected_by_reason,
            digest: digest.try_into().map_err(|_| DbErr::Type("a stored checksum has another length".into()))?,
            complete: row.try_get_by_index(4)?,
            created_at: row.try_get_by_index(5)?,
        }))
    }

    /// Rejected rows after the line `after`.
    pub(crate) async fn rejected_rows(
        &self,
        import: Uuid,
        after: i64,
        size: PageSize,
    ) -> Result<Vec<RejectedRow>, Error> {
        let db = self.store.reader();
        let limit = i64::try_from(size.limit()).unwrap_or(i64::MAX);
        let statement = Statement::from_sql_and_values(
            db.get_database_backend(),
            "SELECT line, column_name, reason FROM rejected_row WHERE import_id = $1 AND line > $2 ORDER BY line LIMIT $3",
            [import.into(), after.into(), limit.into()],
        );
        let rows = db.query_all_raw(statement).await?;
        rows.iter()
            .map(|row| {
                let line: i64 = row.try_get_by_index(0)?;
                let column: String = row.try_get_by_index(1)?;
                Ok(RejectedRow {
                    line: u64::try_from(line).unwrap_or_default(),
                    column: COLUMNS.into_iter().find(|known| *known == column).unwrap_or_default(),
                    reason: rejection(row.try_get_by_index(2)?)?,
                })
            })
            .collect()
    }

    /// Which of these numbers have a present holder. The register may have another answer when a chunk comes to it: this spares keys
    /// and seals for rows that cannot become members, and decides nothing.
    pub(crate) async fn present_phones(&self, indexes: &[BlindIndex]) -> Result<HashSet<BlindIndex>, Error> {
        let rows = Rows::new()
            .bytes("value_index", indexes.iter().map(|index| index.to_vec()))
            .query(
                self.store.reader(),
                "SELECT i.value_index FROM v CROSS JOIN member_identifier i WHERE i.value_index = v.value_index \
                 AND i.valid_to = 0",
                &[],
            )
            .await?;
        rows.iter()
            .map(|row| {
                let index: Vec<u8> = row.try_get_by_index(0)?;
                index.try_into().map_err(|_| DbErr::Type("a stored index has another length".into()).into())
            })
            .collect()
    }

    /// Makes a chunk durable and answers the import as it is then. `import` is what the caller knows to be durable: when another
    /// stream was faster, nothing happens and the answer is IMPORT_OVERTAKEN.
    ///
    /// Locks, each kind in the order of its keys: numbers, groups, the import, the head of the event log.
    pub(crate) async fn store_chunk(&self, import: &Import, chunk: Chunk, terms: &Terms) -> Result<Import, Error> {
        let mut txn = self.store.begin_write().await?;
        let now = Timestamp::now();
        let mut work = ChunkWork { txn: &txn, now, terms, rejected: chunk.rejected, seats: Vec::new() };
        let admitted = work.admit(chunk.newcomers).await?;
        let placed = work.place(admitted).await?;
        work.register(&placed.newcomers).await?;
        work.enrol(&placed.newcomers).await?;
        let ChunkWork { mut rejected, seats, .. } = work;
        rejected.sort_unstable_by_key(|row| row.line);

        let mut after = Import {
            row_count: import.row_count + (placed.newcomers.len() + rejected.len()) as i64,
            accepted_count: import.accepted_count + placed.newcomers.len() as i64,
            enrolment_count: import.enrolment_count + seats.len() as i64,
            digest: chunk.digest,
            complete: chunk.last,
            ..import.clone()
        };
        for row in &rejected {
            *after.rejected_by_reason.entry(row.reason).or_default() += 1;
        }
        store_progress(&txn, import, &after, terms).await?;
        store_rejected(&txn, import.id, &rejected).await?;
        txn.append(placed.events).await?;
        txn.commit().await?;
        Ok(after)
    }

    /// After many new rows: tells the planner of PostgreSQL about them now, not when its daemon comes round.
    pub(crate) async fn refresh_statistics(&self) -> Result<(), Error> {
        let db = self.store.reader();
        let sql = match db.get_database_backend() {
            DbBackend::Postgres => {
                "ANALYZE member, member_key, member_identifier, enrolment, member_consent, member_group"
            }
            _ => "PRAGMA optimize",
        };
        db.execute_unprepared(sql).await?;
        Ok(())
    }
}

/// A chunk on its way through one transaction.
struct ChunkWork<'w> {
    txn: &'w WriteTransaction,
    now: Timestamp,
    terms: &'w Terms,
    rejected: Vec<RejectedRow>,
    /// Member, group and role.
    seats: Vec<(Uuid, Uuid, Role)>,
}

/// Newcomers who have their places, and what happened to the groups.
struct Placed {
    newcomers: Vec<Newcomer>,
    events: Vec<senani_proto::eventlog::v1::event::Payload>,
}

impl ChunkWork<'_> {
    /// Gives the newcomers their numbers, unless a number is taken, also by an import that runs at the same time: those are rejected.
    /// Nothing else of a newcomer is written before.
    async fn admit(&mut self, newcomers: Vec<Newcomer>) -> Result<Vec<Newcomer>, DbErr> {
        let inserted = Rows::new()
            .uuid("id", newcomers.iter().map(|newcomer| newcomer.id))
            .bytes("value_index", newcomers.iter().map(|newcomer| newcomer.phone_index.to_vec()))
            .bytes("value_sealed", newcomers.iter().map(|newcomer| newcomer.phone_sealed.clone()))
            .execute(
                &**self.txn,
                "INSERT INTO member_identifier (member_id, valid_from, valid_to, kind, value_index, value_sealed) \
                 SELECT v.id, :1, 0, :2, v.value_index, v.value_sealed FROM v WHERE true \
                 ON CONFLICT (value_index) WHERE valid_to = 0 DO NOTHING",
                &[self.now.0.into(), (IdentifierKind::Phone as i32).into()],
            )
            .await?;
        if inserted == newcomers.len() as u64 {
            return Ok(newcomers);
        }
        let rows = Rows::new()
            .uuid("id", newcomers.iter().map(|newcomer| newcomer.id))
            .query(
                &**self.txn,
                "SELECT i.member_id FROM v CROSS JOIN member_identifier i WHERE i.member_id = v.id AND i.kind = :1",
                &[(IdentifierKind::Phone as i32).into()],
            )
            .await?;
        let inserted = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<HashSet<Uuid>, DbErr>>()?;
        let (admitted, taken): (Vec<_>, Vec<_>) =
            newcomers.into_iter().partition(|newcomer| inserted.contains(&newcomer.id));
        self.rejected.extend(taken.iter().map(|newcomer| RejectedRow {
            line: newcomer.applicant.line,
            column: "phone",
            reason: Rejection::PhoneDuplicate,
        }));
        Ok(admitted)
    }

    /// Writes the members and their keys.
    async fn register(&self, newcomers: &[Newcomer]) -> Result<(), DbErr> {
        let each = || newcomers.iter().map(|newcomer| &newcomer.applicant);
        Rows::new()
            .uuid("id", newcomers.iter().map(|newcomer| newcomer.id))
            .uuid("unit_id", each().map(|applicant| applicant.unit_id))
            .int("rank", each().map(|applicant| convert::rank_number(applicant.rank)))
            .boolean("consents", each().map(|applicant| applicant.consents))
            .text("category", each().map(|applicant| applicant.category))
            .text("gender", each().map(|applicant| applicant.gender.word()))
            .text("language", each().map(|applicant| applicant.language))
            .bytes("household", newcomers.iter().map(|newcomer| newcomer.household.clone()))
            .bytes("names_sealed", newcomers.iter().map(|newcomer| newcomer.names_sealed.clone()))
            .execute(
                &**self.txn,
                "INSERT INTO member (id, unit_id, version, created_at, verified_at, rank, state, consents, category, gender, \
                 language, household, verified_by, names_sealed) SELECT v.id, v.unit_id, 1, :1, :1, v.rank, :2, v.consents, \
                 v.category, v.gender, v.language, v.household, :3, v.names_sealed FROM v",
                &[
                    self.now.0.into(),
                    (MemberState::Active as i32).into(),
                    self.terms.recorded_by.as_str().into(),
                ],
            )
            .await?;
        Rows::new()
            .uuid("member_id", newcomers.iter().map(|newcomer| newcomer.id))
            .int("kek_version", newcomers.iter().map(|newcomer| i32::from(newcomer.key.version)))
            .bytes("wrapped", newcomers.iter().map(|newcomer| newcomer.key.bytes.clone()))
            .execute(
                &**self.txn,
                "INSERT INTO member_key (member_id, kek_version, wrapped) SELECT v.member_id, v.kek_version, v.wrapped FROM v",
                &[],
            )
            .await
            .map(drop)
    }

    /// Gives each newcomer their places, in the order of the file; who gets none is taken out again and rejected.
    async fn place(&mut self, mut newcomers: Vec<Newcomer>) -> Result<Placed, DbErr> {
        if newcomers.is_empty() {
            return Ok(Placed { newcomers, events: Vec::new() });
        }
        let mut coming = BTreeMap::<Uuid, usize>::new();
        for newcomer in &newcomers {
            *coming.entry(newcomer.applicant.unit_id).or_default() += 1;
        }
        let units: Vec<Uuid> = coming.keys().copied().collect();
        let fill = |locked| self.terms.in_force.fill(locked, self.now);
        let mut groups = fill(groups::lock_of_units(self.txn, units.clone()).await?);
        if coming.iter().any(|(unit, coming)| groups.may_overflow(*unit, *coming)) {
            // While we waited for a lock its holder may have begun another part, which that statement does not see.
            groups = fill(groups::lock_of_units(self.txn, units).await?);
        }

        let mut by_line: Vec<&Newcomer> = newcomers.iter().collect();
        by_line.sort_unstable_by_key(|newcomer| newcomer.applicant.line);
        let mut refused = HashSet::new();
        for Newcomer { id, applicant, .. } in by_line {
            match groups.place(applicant.unit_id, *id, &applicant.person(), applicant.custodian) {
                Ok(seats) => self.seats.extend(seats.into_iter().map(|seat| (*id, seat.group_id, seat.role))),
                Err(refusal) => {
                    let reason = match refusal {
                        Refusal::NoGroup => Rejection::NoGroup,
                        Refusal::GroupFull => Rejection::GroupFull,
                    };
                    self.rejected.push(RejectedRow { line: applicant.line, column: "unit", reason });
                    refused.insert(*id);
                }
            }
        }
        if !refused.is_empty() {
            newcomers.retain(|newcomer| !refused.contains(&newcomer.id));
            Rows::new()
                .uuid("id", refused)
                .execute(&**self.txn, "DELETE FROM member_identifier WHERE member_id IN (SELECT v.id FROM v)", &[])
                .await?;
        }

        let Placements { changed, formed, custodian_seats } = groups.into_placements();
        self.seats.extend(custodian_seats.into_iter().map(|(officer, seat)| (officer, seat.group_id, seat.role)));
        let all: Vec<_> = changed.iter().map(|(group, _)| group).collect();
        groups::store_changes(self.txn, &all).await?;
        if groups::insert(self.txn, formed.iter()).await? != formed.len() as u64 {
            return Err(DbErr::RecordNotInserted);
        }
        let with_custodians = changed.iter().filter(|(_, custodians_changed)| *custodians_changed);
        let with_custodians = with_custodians.map(|(group, _)| group).chain(&formed);
        let mut events: Vec<_> = with_custodians.map(convert::group_changed).collect();
        let others = changed.iter().filter(|(_, custodians_changed)| !*custodians_changed);
        events.extend(convert::group_sizes_changed(others.map(|(group, _)| group)));
        Ok(Placed { newcomers, events })
    }

    /// Writes the enrolments, and the consents that were given.
    async fn enrol(&mut self, newcomers: &[Newcomer]) -> Result<(), DbErr> {
        self.seats.sort_unstable_by_key(|(member, group, _)| (*member, *group));
        Rows::new()
            .uuid("member_id", self.seats.iter().map(|seat| seat.0))
            .uuid("group_id", self.seats.iter().map(|seat| seat.1))
            .int("role", self.seats.iter().map(|seat| seat.2 as i32))
            .execute(
                &**self.txn,
                "INSERT INTO enrolment (member_id, group_id, role, started_at, ended_at) \
                 SELECT v.member_id, v.group_id, v.role, :1, 0 FROM v",
                &[self.now.0.into()],
            )
            .await?;
        let consenting = || newcomers.iter().filter(|newcomer| newcomer.applicant.consents);
        Rows::new()
            .uuid("member_id", consenting().map(|newcomer| newcomer.id))
            .text("language", consenting().map(|newcomer| newcomer.applicant.language))
            .execute(
                &**self.txn,
                "INSERT INTO member_consent (member_id, recorded_at, consents, purpose, channel, notice_version, language, \
                 recorded_by) SELECT v.member_id, :1, true, :2, :3, :4, v.language, :5 FROM v",
                &[
                    self.now.0.into(),
                    DIRECT_MESSAGES.into(),
                    BY_IMPORT.into(),
                    self.terms.notice_version.as_str().into(),
                    self.terms.recorded_by.as_str().into(),
                ],
            )
            .await
            .map(drop)
    }
}

async fn store_rejected(txn: &WriteTransaction, import: Uuid, rows: &[RejectedRow]) -> Result<(), DbErr> {
    Rows::new()
        .big_int("line", rows.iter().map(|row| i64::try_from(row.line).unwrap_or(i64::MAX)))
        .text("column_name", rows.iter().map(|row| row.column))
        .int("reason", rows.iter().map(|row| row.reason as i32))
        .execute(
            &**txn,
            "INSERT INTO rejected_row (import_id, line, column_name, reason) \
             SELECT :1, v.line, v.column_name, v.reason FROM v",
            &[import.into()],
        )
        .await
        .map(drop)
}

/// Moves the import from what was durable to what is; fails when it no longer stands there.
async fn store_progress(txn: &WriteTransaction, before: &Import, after: &Import, terms: &Terms) -> Result<(), Error> {
    let statement = Statement::from_sql_and_values(
        txn.get_database_backend(),
        "INSERT INTO member_import (id, notice_version, recorded_by, row_count, accepted_count, rejected_count, \
         enrolment_count, digest, complete, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (id) DO UPDATE SET row_count = excluded.row_count, accepted_count = excluded.accepted_count, \
         rejected_count = excluded.rejected_count, enrolment_count = excluded.enrolment_count, \
         digest = excluded.digest, complete = excluded.complete \
         WHERE member_import.row_count = $11 AND NOT member_import.complete",
        [
            after.id.into(),
            terms.notice_version.as_str().into(),
            terms.recorded_by.as_str().into(),
            after.row_count.into(),
            after.accepted_count.into(),
            after.rejected_count().into(),
            after.enrolment_count.into(),
            after.digest.to_vec().into(),
            after.complete.into(),
            after.created_at.into(),
            before.row_count.into(),
        ],
    );
    if txn.execute_raw(statement).await?.rows_affected() == 1 {
        Ok(())
    } else {
        Err(Error::ImportOvertaken(ImportName(after.id).to_string()))
    }
}

fn rejection(number: i32) -> Result<Rejection, DbErr> {
    Rejection::from_number(number)
        .ok_or_else(|| DbErr::Type(format!("a stored reason of a rejected row is unknown: {number}")))
}
