//! Who is in an audience.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, Value};
use senani_order::Audience;
use senani_store::{ReadTransaction, Timestamp};
use uuid::Uuid;

use super::Registry;
use super::import::phone_place;
use super::listed::is_one_of;
use super::members::sealed;
use crate::domain::{GroupState, MemberState};
use crate::error::Error;

/// Persons read from the database at once.
const PAGE: i64 = 5_000;

/// Groups that a statement lists at most; SQLite takes 32,766 parameters.
const LISTED: usize = 2_000;

/// The groups of an audience.
#[derive(Debug, Clone)]
pub(crate) struct AudienceGroups {
    ids: Vec<Uuid>,
    /// Enrolments in them.
    enrolled: i64,
    /// Whether there are no others.
    all: bool,
    /// Enrolments in all groups.
    total: i64,
}

impl AudienceGroups {
    pub(crate) fn count(&self) -> usize {
        self.ids.len()
    }
}

/// How many persons an audience has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AudienceCount {
    pub(crate) enrolments: i64,
    pub(crate) persons: i64,
    pub(crate) consenting: i64,
}

/// A person of an audience who consents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) member: Uuid,
    pub(crate) unit: Uuid,
    pub(crate) language: String,
}

/// The present number of a member, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OpenedAddress {
    Phone(senani_vault::PhoneNumber),
    MemberGone,
    ConsentWithdrawn,
}

impl Registry {
    /// The active groups of an audience: those of `audiences` (empty for all) at units that `within` names.
    pub(crate) async fn audience_groups(
        &self,
        audiences: &[Audience],
        within: impl Fn(Uuid) -> bool,
    ) -> Result<AudienceGroups, Error> {
        let db = self.store.reader();
        let statement = Statement::from_sql_and_values(
            db.get_database_backend(),
            "SELECT id, unit_id, audience, enrolled_count FROM member_group WHERE state = $1 ORDER BY id",
            [(GroupState::Active as i32).into()],
        );
        let mut groups = AudienceGroups { ids: Vec::new(), enrolled: 0, all: true, total: 0 };
        for row in db.query_all_raw(statement).await? {
            let (unit, audience): (Uuid, i32) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
            let enrolled = i64::from(row.try_get_by_index::<i32>(3)?);
            groups.total += enrolled;
            let asked = audiences.is_empty() || audiences.iter().any(|asked| asked.number() == audience);
            if asked && within(unit) {
                groups.ids.push(row.try_get_by_index(0)?);
                groups.enrolled += enrolled;
            } else {
                groups.all = false;
            }
        }
        Ok(groups)
    }

    /// Counts an audience as of a moment.
    pub(crate) async fn count_audience(
        &self,
        groups: &AudienceGroups,
        as_of: Timestamp,
    ) -> Result<AudienceCount, Error> {
        Ok(count(self.store.reader(), groups, as_of).await?)
    }

    /// Begins to read the persons of an audience as of a moment, after the member `after`. All that is read agrees.
    pub(crate) async fn read_audience(
        &self,
        groups: AudienceGroups,
        as_of: Timestamp,
        after: Uuid,
    ) -> Result<AudienceReader, Error> {
        let txn = self.store.begin_read().await?;
        let consenting = count(&*txn, &groups, as_of).await?.consenting;
        // Listing the groups reads their enrolments once for each page of persons; scanning reads everybody once.
        let pages = groups.enrolled / PAGE + 1;
        let plan = if groups.ids.len() <= LISTED && !groups.all && groups.enrolled.saturating_mul(pages) <= groups.total
        {
            Plan::ByGroups(groups.ids)
        } else {
            Plan::Scan((!groups.all).then(|| groups.ids.into_iter().collect()))
        };
        Ok(AudienceReader { txn, as_of, after, plan, consenting, done: false })
    }

    /// The numbers of some members, in their order, for the moment of sending; consent is looked up again.
    pub(crate) async fn open_addresses(&self, members: &[Uuid]) -> Result<Vec<OpenedAddress>, Error> {
        let db = self.store.reader();
        let mut parameters = Vec::new();
        let condition = is_one_of(db.get_database_backend(), "id", members, &mut parameters);
        let sql = format!("SELECT id, phone_sealed, consents, state FROM member WHERE {condition}");
        let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, parameters)).await?;
        let by_id = rows
            .iter()
            .map(|row| Ok((row.try_get_by_index(0)?, row)))
            .collect::<Result<std::collections::HashMap<Uuid, &QueryResult>, DbErr>>()?;
        members
            .iter()
            .map(|id| {
                let Some(row) = by_id.get(id) else { return Ok(OpenedAddress::MemberGone) };
                if row.try_get_by_index::<i32>(3)? != MemberState::Active as i32 {
                    return Ok(OpenedAddress::MemberGone);
                }
                if !row.try_get_by_index::<bool>(2)? {
                    return Ok(OpenedAddress::ConsentWithdrawn);
                }
                Ok(OpenedAddress::Phone(self.vault.open(&sealed(row, 1)?, &phone_place(*id))?))
            })
            .collect()
    }
}

/// What holds for an enrolment `e` as of `$1`.
const ENROLLED: &str = "e.started_at <= $1 AND (e.ended_at = 0 OR e.ended_at > $1)";

async fn count(db: &impl ConnectionTrait, groups: &AudienceGroups, as_of: Timestamp) -> Result<AudienceCount, DbErr> {
    let mut parameters: Vec<Value> = vec![as_of.0.into(), (MemberState::Active as i32).into()];
    let backend = db.get_database_backend();
    let listed = if groups.all {
        String::new()
    } else {
        format!(" AND {}", is_one_of(backend, "e.group_id", &groups.ids, &mut parameters))
    };
    // A person in several groups is one row of `p`.
    let consenting = if backend == DbBackend::Postgres { "m.consents::int" } else { "m.consents" };
    let sql = format!(
        "SELECT CAST(COALESCE(SUM(p.enrolments), 0) AS bigint), COUNT(*), CAST(COALESCE(SUM({consenting}), 0) AS bigint) FROM \
         (SELECT e.member_id, COUNT(*) AS enrolments FROM enrolment e WHERE {ENROLLED}{listed} GROUP BY e.member_id) AS p \
         JOIN member m ON m.id = p.member_id WHERE m.state = $2"
    );
    let row = db.query_one_raw(Statement::from_sql_and_values(backend, sql, parameters)).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("a count has no row".into()))?;
    Ok(AudienceCount {
        enrolments: row.try_get_by_index(0)?,
        persons: row.try_get_by_index(1)?,
        consenting: row.try_get_by_index(2)?,
    })
}

/// How the persons are found.
#[derive(Debug)]
enum Plan {
    /// Through the enrolments of these groups.
    ByGroups(Vec<Uuid>),
    /// Through everybody in the order of their ids, keeping those in these groups, `None` for any.
    Scan(Option<HashSet<Uuid>>),
}

/// Reads an audience page by page, in the order of the members' ids, each person once, with flat memory.
#[derive(Debug)]
pub(crate) struct AudienceReader {
    txn: ReadTransaction,
    as_of: Timestamp,
    after: Uuid,
    plan: Plan,
    consenting: i64,
    done: bool,
}

impl AudienceReader {
    /// Persons in the whole audience who consent.
    pub(crate) fn consenting(&self) -> i64 {
        self.consenting
    }

    /// The next persons; `None` after the last. A page may be empty.
    pub(crate) async fn next_page(&mut self) -> Result<Option<Vec<Reached>>, Error> {
        if self.done {
            return Ok(None);
        }
        let persons = match &self.plan {
            Plan::ByGroups(groups) => self.page_by_groups(groups).await?,
            Plan::Scan(groups) => self.page_by_scan(groups.as_ref()).await?,
        };
        self.done = (persons.read as i64) < PAGE;
        self.after = persons.last.unwrap_or(self.after);
        Ok(Some(persons.reached))
    }

    async fn page_by_groups(&self, groups: &[Uuid]) -> Result<Persons, DbErr> {
        let backend = self.txn.get_database_backend();
        let mut parameters: Vec<Value> =
            vec![self.as_of.0.into(), (MemberState::Active as i32).into(), self.after.into(), PAGE.into()];
        let listed = is_one_of(backend, "e.group_id", groups, &mut parameters);
        let sql = format!(
            "SELECT DISTINCT m.id, m.unit_id, m.language FROM enrolment e JOIN member m ON m.id = e.member_id \
             WHERE {listed} AND e.member_id > $3 AND {ENROLLED} AND m.consents AND m.state = $2 ORDER BY m.id LIMIT $4"
        );
        let rows = self.txn.query_all_raw(Statement::from_sql_and_values(backend, sql, parameters)).await?;
        let reached = rows.iter().map(reached).collect::<Result<Vec<_>, DbErr>>()?;
        Ok(Persons { read: rows.len(), last: reached.last().map(|person| person.member), reached })
    }

    /// Two ranges of two trees in the same order, merged here: no plan of the database can go wrong.
    async fn page_by_scan(&self, groups: Option<&HashSet<Uuid>>) -> Result<Persons, DbErr> {
        let backend = self.txn.get_database_backend();
        let members =
            "SELECT id, unit_id, language FROM member WHERE id > $1 AND consents AND state = $2 ORDER BY id LIMIT $3";
        let values = [self.after.into(), (MemberState::Active as i32).into(), PAGE.into()];
        let rows = self.txn.query_all_raw(Statement::from_sql_and_values(backend, members, values)).await?;
        let persons = rows.iter().map(reached).collect::<Result<Vec<_>, DbErr>>()?;
        let Some(last) = persons.last().map(|person| person.member) else {
            return Ok(Persons { read: 0, last: None, reached: Vec::new() });
        };
        let enrolments = format!(
            "SELECT e.member_id, e.group_id FROM enrolment e WHERE e.member_id > $2 AND e.member_id <= $3 AND {ENROLLED} \
             ORDER BY e.member_id"
        );
        let values = [self.as_of.0.into(), self.after.into(), last.into()];
        let mut enrolled = Vec::with_capacity(persons.len());
        for row in self.txn.query_all_raw(Statement::from_sql_and_values(backend, enrolments, values)).await? {
            let member: Uuid = row.try_get_by_index(0)?;
            let belongs = match groups {
                Some(groups) => groups.contains(&row.try_get_by_index(1)?),
                None => true,
            };
            if belongs && enrolled.last() != Some(&member) {
                enrolled.push(member);
            }
        }
        let read = persons.len();
        let mut enrolled = enrolled.into_iter().peekable();
        let reached = persons.into_iter().filter(|person| {
            while enrolled.next_if(|member| *member < person.member).is_some() {}
            enrolled.next_if_eq(&person.member).is_some()
        });
        Ok(Persons { read, last: Some(last), reached: reached.collect() })
    }
}

/// What one page brought.
struct Persons {
    /// Persons looked at.
    read: usize,
    /// The last of these.
    last: Option<Uuid>,
    reached: Vec<Reached>,
}

fn reached(row: &QueryResult) -> Result<Reached, DbErr> {
    Ok(Reached { member: row.try_get_by_index(0)?, unit: row.try_get_by_index(1)?, language: row.try_get_by_index(2)? })
}
