//! Applications: taken in, verified, rejected, listed.

use sea_orm::{ConnectionTrait, Statement, Value};
use senani_proto::membership::v1 as pb;
use senani_store::{PageSize, Timestamp, WriteTransaction};
use senani_vault::PhoneNumber;
use uuid::Uuid;

use super::consents::{BY_APPLICATION, LedgerEntry};
use super::happenings::Entry;
use super::held::{Beside, Call};
use super::identifiers::NewIdentifier;
use super::personal::seal_names;
use super::{InForce, Registry, Repeat, answered, record};
use crate::convert;
use crate::domain::{Act, HappenedAct, IdentifierKind, Mark, Member, MemberState, Profile, Purpose};
use crate::error::{Error, Refused};

/// A person who asks for membership: everything about them is as documented.
#[derive(Debug)]
pub(crate) struct Application<'a> {
    pub(crate) profile: Profile,
    pub(crate) phone: PhoneNumber,
    /// In its one spelling.
    pub(crate) email: Option<String>,
    pub(crate) unit_id: Uuid,
    pub(crate) consents: bool,
    pub(crate) notice_version: &'a str,
    /// Who applies, or for whom somebody does.
    pub(crate) subject: &'a str,
}

/// What an officer decides on an application.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rejecting<'r> {
    /// A number of senani.membership.v1.RejectionReason.
    pub(crate) reason: i32,
    /// May be empty.
    pub(crate) note: &'r str,
}

impl Registry {
    /// Records an application; answers the new member's id.
    pub(crate) async fn apply(
        &self,
        application: &Application<'_>,
        repeat: Option<&Repeat<'_>>,
    ) -> Result<Uuid, Error> {
        let txn = self.store.begin_write().await?;
        if let Some(answer) = answered::<pb::GetMemberRequest>(&txn, repeat).await? {
            return Ok(convert::name::<senani_proto::name::MemberName>(&answer.name, "name")?.0);
        }
        let now = Timestamp::now();
        let id = Uuid::now_v7();
        let (key, wrapped) = self.vault.new_key(id);
        // Numbers before everything else, in the order of their kinds: nothing is written of who is refused.
        let phone = NewIdentifier { kind: IdentifierKind::Phone, value: application.phone.expose(), valid_from: now.0 };
        if !self.add_identifier_row(&txn, id, &key, &phone).await? {
            return Err(Refused::PhoneDuplicate.into());
        }
        if let Some(email) = &application.email {
            let email = NewIdentifier { kind: IdentifierKind::Email, value: email, valid_from: now.0 };
            if !self.add_identifier_row(&txn, id, &key, &email).await? {
                return Err(Refused::IdentifierTaken.into());
            }
        }
        let profile = &application.profile;
        let backend = txn.get_database_backend();
        let member = "INSERT INTO member (id, unit_id, version, created_at, verified_at, rank, state, consents, category, \
                      gender, language, household, verified_by, names_sealed) \
                      VALUES ($1, $2, 1, $3, 0, $4, $5, $6, $7, $8, $9, $10, '', $11)";
        let values: [Value; 11] = [
            id.into(),
            application.unit_id.into(),
            now.0.into(),
            convert::rank_number(profile.rank).into(),
            (MemberState::Pending as i32).into(),
            application.consents.into(),
            profile.category.into(),
            profile.gender.word().into(),
            profile.language.into(),
            Vec::<u8>::new().into(),
            seal_names(&key, id, &profile.names).into(),
        ];
        txn.execute_raw(Statement::from_sql_and_values(backend, member, values)).await?;
        let keep = "INSERT INTO member_key (member_id, kek_version, wrapped) VALUES ($1, $2, $3)";
        let values: [Value; 3] = [id.into(), i32::from(wrapped.version).into(), wrapped.bytes.into()];
        txn.execute_raw(Statement::from_sql_and_values(backend, keep, values)).await?;
        self.record_consents(&txn, application, id, now).await?;
        self.happened(&txn, now, Entry::new(id, HappenedAct::Applied, application.subject)).await?;
        record(&txn, repeat, &pb::GetMemberRequest { name: convert::member_name(id) }).await?;
        txn.commit().await?;
        Ok(id)
    }

    async fn record_consents(
        &self,
        txn: &WriteTransaction,
        application: &Application<'_>,
        id: Uuid,
        now: Timestamp,
    ) -> Result<(), Error> {
        let purposes = [Some(Purpose::Membership), application.consents.then_some(Purpose::DirectMessages)];
        for purpose in purposes.into_iter().flatten() {
            let entry = LedgerEntry {
                member: id,
                purpose,
                given: true,
                channel: BY_APPLICATION,
                notice_version: application.notice_version,
                language: application.profile.language,
                recorded_by: application.subject,
            };
            entry.add(txn, now).await?;
        }
        Ok(())
    }

    /// Accepts an application, when `allowed` says of the applicant's unit that the caller may.
    pub(crate) async fn verify_application(
        &self,
        call: Call<'_>,
        in_force: &InForce,
        allowed: impl Fn(Uuid) -> Result<(), Refused>,
    ) -> Result<(), Error> {
        let held = self.hold_one(call, Beside::OwnUnit, Some(in_force)).await?;
        let Some(mut held) = held else { return Ok(()) };
        let member = held.member().clone();
        allowed(member.unit_id)?;
        let state = member.after(Act::Verify)?;
        let now = held.now;
        let moves = held.places.settle(member.id, &member.person(), &member.stays, None, member.unit_id, |groups| {
            in_force.fill(groups, now)
        });
        let columns = ", state = $3, verified_by = $4, verified_at = $5";
        let values = vec![(state as i32).into(), call.subject.into(), held.now.0.into()];
        held.set_member(&member, columns, values).await?;
        held.begin_stays(member.id, &moves.made).await?;
        let mark = Mark { joined: held.places.slugs(&moves.made), ..Mark::default() };
        let entry = Entry::new(member.id, HappenedAct::Verified, call.subject).marked(mark);
        self.happened(&held.txn, held.now, entry).await?;
        held.finish(call.repeat, &call.answer()).await
    }

    /// Turns an application down, when `allowed` says of the applicant's unit that the caller may.
    pub(crate) async fn reject_application(
        &self,
        call: Call<'_>,
        rejecting: Rejecting<'_>,
        allowed: impl Fn(Uuid) -> Result<(), Refused>,
    ) -> Result<(), Error> {
        let held = self.hold_one(call, Beside::NoGroups, None).await?;
        let Some(held) = held else { return Ok(()) };
        let member = held.member().clone();
        allowed(member.unit_id)?;
        let state = member.after(Act::Reject)?;
        self.leave(&held, &member, state).await?;
        let mark = Mark { code: rejecting.reason, ..Mark::default() };
        let entry = Entry { note: rejecting.note, ..Entry::new(member.id, HappenedAct::Rejected, call.subject) };
        self.happened(&held.txn, held.now, entry.marked(mark)).await?;
        held.finish(call.repeat, &call.answer()).await
    }

    /// Applications after `after` in the order of their ids, at units that `within` names.
    pub(crate) async fn list_applications(
        &self,
        within: impl Fn(Uuid) -> bool,
        after: Uuid,
        size: PageSize,
    ) -> Result<Vec<Member>, Error> {
        /// Applications looked at in one statement.
        const BATCH: i64 = 1_000;
        let db = self.store.reader();
        let limit = usize::try_from(size.limit()).unwrap_or(usize::MAX);
        let sql = format!(
            "SELECT id, unit_id FROM member WHERE state = {} AND id > $1 ORDER BY id LIMIT $2",
            MemberState::Pending as i32
        );
        let (mut after, mut ids) = (after, Vec::new());
        while ids.len() < limit {
            let values: [Value; 2] = [after.into(), BATCH.into()];
            let rows =
                db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), &sql, values)).await?;
            for row in &rows {
                after = row.try_get_by_index(0)?;
                if within(row.try_get_by_index(1)?) && ids.len() < limit {
                    ids.push(after);
                }
            }
            if (rows.len() as i64) < BATCH {
                break;
            }
        }
        self.members(&ids).await
    }
}
