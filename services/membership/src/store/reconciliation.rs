//! Comparisons of chat groups with the register, as they are kept.

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement};
use senani_proto::membership::v1 as pb;
use senani_proto::name::{GroupName, ReconciliationName};
use senani_store::{Rows, Timestamp, WriteTransaction};
use senani_vault::{Context, PhoneNumber};
use uuid::Uuid;

use super::roster::register;
use super::{InForce, Registry, Repeat, answered, groups, record};
use crate::domain::roster::{
    Comparison, Difference, DifferenceKind, Evidence, Format, KEPT_DAYS, Obstacle, Reconciliation, RecordedDifference,
    Upload, compare,
};
use crate::domain::{Group, GroupState, Role};
use crate::error::{Error, Resource, RosterRefusal};

const DAY_MICROSECONDS: i64 = 86_400_000_000;

/// Where the new number of a difference is kept, which is authenticated with it.
fn new_number_place(reconciliation: Uuid, place: i32) -> Context<'static> {
    Context::new("roster_difference", "new_sealed", reconciliation).part(i64::from(place))
}

impl Registry {
    /// Compares a file with the register and keeps what differs. A request that was done before gets what was kept then; who in the file
    /// is a stranger is looked up again.
    pub(crate) async fn reconcile(
        &self,
        slug: &str,
        upload: &Upload,
        in_force: &InForce,
        repeat: Option<&Repeat<'_>>,
    ) -> Result<Reconciliation, Error> {
        let txn = self.store.begin_write().await?;
        let done: Option<pb::Reconciliation> = answered(&txn, repeat).await?;
        let group = groups::find(&*txn, slug, groups::lock(txn.get_database_backend())).await?;
        let group = group.ok_or_else(|| Resource::Group.not_found(format!("groups/{slug}")))?;
        let comparison = compare(upload, &register(&*txn, &group, upload, in_force.ceiling(&group)).await?);
        if let Some(done) = done {
            let name = done.name.parse::<ReconciliationName>().map_err(|error| DbErr::Type(error.to_string()))?;
            let known = self.show_reconciliation(&*txn, &name, Timestamp::now()).await?;
            return Ok(Reconciliation { strangers: comparison.strangers, ..known });
        }
        if group.state != GroupState::Active {
            return Err(RosterRefusal::GroupClosed(group.slug).into());
        }
        let now = Timestamp::now();
        let name = name(&group, Uuid::now_v7())?;
        insert(&txn, name.uid, &group, upload, &comparison, now).await?;
        self.insert_differences(&txn, name.uid, &comparison.differences).await?;
        let shown = self.show_reconciliation(&*txn, &name, now).await?;
        // The answer shows persons; the log of requests only which it was.
        record(&txn, repeat, &pb::Reconciliation { name: name.to_string(), ..Default::default() }).await?;
        txn.commit().await?;
        Ok(Reconciliation { strangers: comparison.strangers, ..shown })
    }

    /// A comparison as it stands.
    pub(crate) async fn reconciliation(&self, name: &ReconciliationName) -> Result<Reconciliation, Error> {
        let txn = self.store.begin_read().await?;
        self.show_reconciliation(&*txn, name, Timestamp::now()).await
    }

    /// Removes comparisons whose days are over; how many these were.
    pub(crate) async fn forget_reconciliations(&self, now: Timestamp) -> Result<u64, Error> {
        let txn = self.store.begin_write().await?;
        let backend = txn.get_database_backend();
        let differences = "DELETE FROM roster_difference WHERE reconciliation_id IN \
                           (SELECT id FROM roster_reconciliation WHERE expires_at <= $1)";
        txn.execute_raw(Statement::from_sql_and_values(backend, differences, [now.0.into()])).await?;
        let delete = "DELETE FROM roster_reconciliation WHERE expires_at <= $1";
        let deleted = txn.execute_raw(Statement::from_sql_and_values(backend, delete, [now.0.into()])).await?;
        txn.commit().await?;
        Ok(deleted.rows_affected())
    }

    async fn insert_differences(
        &self,
        txn: &WriteTransaction,
        id: Uuid,
        differences: &[Difference],
    ) -> Result<(), Error> {
        let mut sealed = Vec::with_capacity(differences.len());
        for (place, difference) in (1..).zip(differences) {
            sealed.push(match &difference.number {
                None => Vec::new(),
                // Who has no key has no number by which they could be found.
                Some(change) => match self.data_key(&**txn, difference.member).await? {
                    Some(key) => key.seal(change.new_number.expose().as_bytes(), &new_number_place(id, place)),
                    None => Vec::new(),
                },
            });
        }
        let number = |role: Option<Role>| role.map_or(0, |role| role as i32);
        let each = || differences.iter();
        let change = |difference: &Difference| difference.number.as_ref().map(|change| (change.old, change.new));
        Rows::new()
            .int("place", (1..).take(differences.len()))
            .uuid("member_id", each().map(|difference| difference.member))
            .int("kind", each().map(|difference| difference.kind as i32))
            .int("role", each().map(|difference| number(difference.role)))
            .int("applied_role", each().map(|difference| number(difference.applied_role)))
            .int("evidence", each().map(|difference| difference.evidence.map_or(0, |evidence| evidence as i32)))
            .int("obstacle", each().map(|difference| difference.obstacle.map_or(0, |obstacle| obstacle as i32)))
            .bytes("old_index", each().map(|one| change(one).map_or_else(Vec::new, |(old, _)| old.to_vec())))
            .bytes("new_index", each().map(|one| change(one).map_or_else(Vec::new, |(_, new)| new.to_vec())))
            .bytes("new_sealed", sealed)
            .execute(
                &**txn,
                "INSERT INTO roster_difference (reconciliation_id, place, member_id, applied_at, kind, role, applied_role, \
                 evidence, obstacle, old_index, new_index, new_sealed) SELECT :1, v.place, v.member_id, 0, v.kind, v.role, \
                 v.applied_role, v.evidence, v.obstacle, v.old_index, v.new_index, v.new_sealed FROM v",
                &[id.into()],
            )
            .await?;
        Ok(())
    }

    /// A comparison as it stands; whose days are over is none.
    pub(super) async fn show_reconciliation(
        &self,
        db: &impl ConnectionTrait,
        name: &ReconciliationName,
        now: Timestamp,
    ) -> Result<Reconciliation, Error> {
        let statement = Statement::from_sql_and_values(
            db.get_database_backend(),
            "SELECT r.format, r.language, r.in_both_count, r.stranger_count, r.unnumbered_count, r.foreign_count, \
             r.complete, r.version, r.created_at, r.expires_at FROM roster_reconciliation r \
             JOIN member_group g ON g.id = r.group_id WHERE r.id = $1 AND g.slug = $2 AND r.expires_at > $3",
            [name.uid.into(), name.group.slug().into(), now.0.into()],
        );
        let row = db.query_one_raw(statement).await?.ok_or_else(|| RosterRefusal::NotFound(name.clone()))?;
        let format = Format::from_number(row.try_get_by_index(0)?);
        Ok(Reconciliation {
            id: name.uid,
            group_slug: name.group.slug().to_owned(),
            format: format.ok_or_else(|| unknown("format"))?,
            language: row.try_get_by_index(1)?,
            in_both_count: row.try_get_by_index(2)?,
            stranger_count: row.try_get_by_index(3)?,
            unnumbered_count: row.try_get_by_index(4)?,
            foreign_count: row.try_get_by_index(5)?,
            complete: row.try_get_by_index(6)?,
            version: row.try_get_by_index(7)?,
            created_at: row.try_get_by_index(8)?,
            expires_at: row.try_get_by_index(9)?,
            differences: self.differences(db, name.uid).await?,
            strangers: Vec::new(),
        })
    }

    async fn differences(&self, db: &impl ConnectionTrait, id: Uuid) -> Result<Vec<RecordedDifference>, Error> {
        let statement = Statement::from_sql_and_values(
            db.get_database_backend(),
            "SELECT place, kind, member_id, role, applied_role, evidence, obstacle, applied_at, new_sealed \
             FROM roster_difference WHERE reconciliation_id = $1 ORDER BY place",
            [id.into()],
        );
        let rows = db.query_all_raw(statement).await?;
        let mut differences = rows.iter().map(recorded).collect::<Result<Vec<_>, DbErr>>()?;
        let mut people = self.people(db, differences.iter().map(|difference| difference.member)).await?;
        for (difference, row) in differences.iter_mut().zip(&rows) {
            let sealed: Vec<u8> = row.try_get_by_index(8)?;
            if !sealed.is_empty() {
                difference.new_phone = self.new_number(db, id, difference.place, difference.member, &sealed).await?;
            }
            // A member may be in several differences.
            if let Some((names, phone)) = people.get_mut(&difference.member) {
                difference.names.clone_from(names);
                difference.phone.clone_from(phone);
            }
        }
        Ok(differences)
    }

    /// The new number of a difference; `None` when the member's key is destroyed.
    pub(super) async fn new_number(
        &self,
        db: &impl ConnectionTrait,
        reconciliation: Uuid,
        place: i32,
        member: Uuid,
        sealed: &[u8],
    ) -> Result<Option<PhoneNumber>, Error> {
        let Some(key) = self.data_key(db, member).await? else { return Ok(None) };
        let number = key.open(sealed, &new_number_place(reconciliation, place))?;
        let number = PhoneNumber::from_e164(&number);
        number.map(Some).ok_or_else(|| DbErr::Type("a sealed number is none".to_owned()).into())
    }
}

/// Removes what comparisons hold of a member, whose key is destroyed in the same transaction.
pub(super) async fn forget_member(txn: &WriteTransaction, member: Uuid) -> Result<(), DbErr> {
    let sql = "DELETE FROM roster_difference WHERE member_id = $1";
    txn.execute_raw(Statement::from_sql_and_values(txn.get_database_backend(), sql, [member.into()])).await.map(drop)
}

fn name(group: &Group, uid: Uuid) -> Result<ReconciliationName, DbErr> {
    let group = GroupName::from_slug(&group.slug).ok_or_else(|| DbErr::Type("a stored slug is none".into()))?;
    Ok(ReconciliationName { group, uid })
}

async fn insert(
    txn: &WriteTransaction,
    id: Uuid,
    group: &Group,
    upload: &Upload,
    comparison: &Comparison,
    now: Timestamp,
) -> Result<(), DbErr> {
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let statement = Statement::from_sql_and_values(
        txn.get_database_backend(),
        "INSERT INTO roster_reconciliation (id, group_id, group_version, version, created_at, expires_at, format, \
         in_both_count, stranger_count, unnumbered_count, foreign_count, complete, language) \
         VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        [
            id.into(),
            group.id.into(),
            group.version.into(),
            now.0.into(),
            (now.0 + KEPT_DAYS * DAY_MICROSECONDS).into(),
            (upload.format as i32).into(),
            count(comparison.in_both).into(),
            count(comparison.strangers.len()).into(),
            count(upload.unnumbered).into(),
            count(upload.foreign).into(),
            upload.is_complete().into(),
            upload.language.into(),
        ],
    );
    txn.execute_raw(statement).await.map(drop)
}

/// A difference without what is personal, from its first eight columns.
fn recorded(row: &QueryResult) -> Result<RecordedDifference, DbErr> {
    Ok(RecordedDifference {
        place: row.try_get_by_index(0)?,
        kind: DifferenceKind::from_number(row.try_get_by_index(1)?).ok_or_else(|| unknown("kind"))?,
        member: row.try_get_by_index(2)?,
        names: Default::default(),
        phone: None,
        new_phone: None,
        role: Role::from_number(row.try_get_by_index(3)?),
        applied_role: Role::from_number(row.try_get_by_index(4)?),
        evidence: Evidence::from_number(row.try_get_by_index(5)?),
        obstacle: Obstacle::from_number(row.try_get_by_index(6)?),
        applied_at: row.try_get_by_index(7)?,
    })
}

fn unknown(what: &str) -> DbErr {
    DbErr::Type(format!("a stored {what} of a reconciliation is unknown"))
}
