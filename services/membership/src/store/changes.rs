//! What changes of a member: what they are, where they are posted, in which groups they have a place.

use sea_orm::{ConnectionTrait, Statement, Value};
use senani_proto::membership::v1 as pb;
use senani_store::PageSize;
use uuid::Uuid;

use super::happenings::Entry;
use super::held::{Begun, Beside, Call, Held, HeldMember};
use super::listed::is_one_of;
use super::personal::{open_names, seal_names};
use super::{InForce, Registry};
use crate::convert;
use crate::domain::{Act, HappenedAct, Mark, MemberState, Moves, Names, NoEntry, Profile, ProfileFault, ProfileWords};
use crate::error::{Error, Refused, Resource};

/// Fields of a member to set; `None` leaves one as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Amendment {
    pub(crate) names: Option<Names>,
    pub(crate) category: Option<String>,
    /// A number of the contract, 0 for none.
    pub(crate) rank: Option<i32>,
    pub(crate) gender: Option<String>,
    pub(crate) language: Option<String>,
}

impl Amendment {
    fn fields(&self) -> Vec<String> {
        let given = [
            (ProfileFault::Names, self.names.is_some()),
            (ProfileFault::Category, self.category.is_some()),
            (ProfileFault::Rank, self.rank.is_some()),
            (ProfileFault::Gender, self.gender.is_some()),
            (ProfileFault::Language, self.language.is_some()),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(field, _)| field.field().to_owned()).collect()
    }
}

/// A past or present place, as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedStay {
    /// Under whom it is recorded.
    pub(crate) member: Uuid,
    pub(crate) group_id: Uuid,
    pub(crate) group_slug: String,
    /// Microseconds since the epoch.
    pub(crate) started_at: i64,
    /// Microseconds since the epoch; 0 while it lasts.
    pub(crate) ended_at: i64,
}

impl Registry {
    /// Sets fields of a member and lets the places follow. `judge` makes a refusal of what is wrong with the whole.
    pub(crate) async fn amend(
        &self,
        call: Call<'_>,
        amendment: &Amendment,
        in_force: &InForce,
        judge: impl Fn(Vec<ProfileFault>) -> Error,
    ) -> Result<(), Error> {
        let held = self.hold_one(call, Beside::OwnUnit, Some(in_force)).await?;
        let Some(mut held) = held else { return Ok(()) };
        let member = held.member().clone();
        member.after(Act::Amend)?;
        let key = self.data_key(&*held.txn, member.id).await?;
        let key = key.ok_or_else(|| Error::from(Refused::State { member: member.id, state: member.state }))?;
        let find = "SELECT names_sealed FROM member WHERE id = $1";
        let statement = Statement::from_sql_and_values(held.txn.get_database_backend(), find, [member.id.into()]);
        let row = held.txn.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| Resource::Member.not_found(convert::member_name(member.id)))?;
        let names = open_names(&key, member.id, &row.try_get_by_index::<Vec<u8>>(0)?)?;
        let words = ProfileWords {
            names: amendment.names.as_ref().unwrap_or(&names),
            category: amendment.category.as_deref().unwrap_or(&member.category),
            rank: amendment.rank.unwrap_or_else(|| convert::rank_number(member.rank)),
            gender: amendment.gender.as_deref().unwrap_or(&member.gender),
            language: amendment.language.as_deref().unwrap_or(&member.language),
        };
        let profile = Profile::read(&words).map_err(judge)?;
        let now = held.now;
        let moves = if member.state.has_places() {
            held.places.settle(member.id, &profile.person(), &member.stays, None, member.unit_id, |groups| {
                in_force.fill(groups, now)
            })
        } else {
            Moves::default()
        };
        let columns = ", names_sealed = $3, category = $4, rank = $5, gender = $6, language = $7";
        let values = vec![
            seal_names(&key, member.id, &profile.names).into(),
            profile.category.into(),
            convert::rank_number(profile.rank).into(),
            profile.gender.word().into(),
            profile.language.into(),
        ];
        held.set_member(&member, columns, values).await?;
        let mark = Mark { fields: amendment.fields(), ..moved(&held, &member, &moves).await? };
        let entry = Entry::new(member.id, HappenedAct::Updated, call.subject).marked(mark);
        self.happened(&held.txn, held.now, entry).await?;
        held.finish(call.repeat, &call.answer()).await
    }

    /// Moves a member to another unit; with `validate_only` only tells what would become of the places.
    pub(crate) async fn transfer(
        &self,
        call: Call<'_>,
        unit: Uuid,
        validate_only: bool,
        in_force: &InForce,
    ) -> Result<pb::PlacesChanged, Error> {
        let repeat = call.repeat.filter(|_| !validate_only);
        let begun = self.hold(&[(call.member, call.etag)], Beside::Unit(unit), Some(in_force), repeat).await?;
        let mut held = match begun {
            Begun::Done(answer) => return Ok(answer),
            Begun::Held(held) => held,
        };
        let member = held.member().clone();
        member.after(Act::Transfer)?;
        let left = (member.unit_id != unit).then_some(member.unit_id);
        let now = held.now;
        let moves = if member.state == MemberState::Active {
            held.places
                .settle(member.id, &member.person(), &member.stays, left, unit, |groups| in_force.fill(groups, now))
        } else {
            Moves::default()
        };
        let answer = places_changed(&held, &moves, validate_only);
        if validate_only {
            return Ok(answer);
        }
        let mark = Mark { from_unit: left, to_unit: Some(unit), ..moved(&held, &member, &moves).await? };
        // The household is one of the unit that the member leaves.
        let household = if left.is_some() { ", household = $4" } else { "" };
        let mut values: Vec<Value> = vec![unit.into()];
        values.extend(left.map(|_| Value::from(Vec::<u8>::new())));
        held.set_member(&member, &format!(", unit_id = $3{household}"), values).await?;
        let entry = Entry::new(member.id, HappenedAct::Transferred, call.subject).marked(mark);
        self.happened(&held.txn, held.now, entry).await?;
        held.finish(repeat, &answer).await?;
        Ok(answer)
    }

    /// Lets a member into a group that is for them.
    pub(crate) async fn enrol(&self, call: Call<'_>, group: &str, in_force: &InForce) -> Result<(), Error> {
        let held = self.hold_one(call, Beside::Group(group), Some(in_force)).await?;
        let Some(mut held) = held else { return Ok(()) };
        let member = held.member().clone();
        let found = held.places.by_slug(group).map(|group| group.id);
        let id = found.ok_or_else(|| Resource::Group.not_found(format!("groups/{group}")))?;
        member.after(Act::Enrol)?;
        if member.stays.iter().any(|stay| stay.group_id == id) {
            return held.finish(call.repeat, &call.answer()).await;
        }
        held.places.admit(id, &member.person()).map_err(|refusal| match refusal {
            NoEntry::NotForMember => Refused::GroupNotForMember { group: group.to_owned() },
            NoEntry::Full => Refused::GroupFull { group: group.to_owned() },
        })?;
        held.begin_stays(member.id, &[id]).await?;
        held.set_member(&member, "", Vec::new()).await?;
        let mark = Mark { joined: vec![group.to_owned()], ..Mark::default() };
        let entry = Entry::new(member.id, HappenedAct::Enrolled, call.subject).marked(mark);
        self.happened(&held.txn, held.now, entry).await?;
        held.finish(call.repeat, &call.answer()).await
    }

    /// Takes a member out of a group.
    pub(crate) async fn end_enrolment(&self, call: Call<'_>, group: &str) -> Result<(), Error> {
        let held = self.hold_one(call, Beside::Nothing, None).await?;
        let Some(mut held) = held else { return Ok(()) };
        let member = held.member().clone();
        member.after(Act::EndEnrolment)?;
        let found = held.places.by_slug(group).map(|group| group.id);
        let stay = found.filter(|id| member.stays.iter().any(|stay| stay.group_id == *id));
        let id = stay.ok_or_else(|| Refused::NotEnrolled { member: member.id, group: group.to_owned() })?;
        held.places.leave(id, member.id);
        held.end_stays(member.id, &[id]).await?;
        held.set_member(&member, "", Vec::new()).await?;
        let mark = Mark { left: vec![group.to_owned()], ..Mark::default() };
        let entry = Entry::new(member.id, HappenedAct::EnrolmentEnded, call.subject).marked(mark);
        self.happened(&held.txn, held.now, entry).await?;
        held.finish(call.repeat, &call.answer()).await
    }

    /// Past and present places of a member and of those merged into them, the latest first, before one by its start, member and group.
    pub(crate) async fn stays(
        &self,
        member: Uuid,
        before: Option<(i64, Uuid, Uuid)>,
        size: PageSize,
    ) -> Result<Vec<ListedStay>, Error> {
        let db = self.store.reader();
        let backend = db.get_database_backend();
        let ids = self.records_of(db, member).await?;
        let (at, id, group) = before.unwrap_or((i64::MAX, Uuid::max(), Uuid::max()));
        let limit = i64::try_from(size.limit()).unwrap_or(i64::MAX);
        let mut values: Vec<Value> = vec![at.into(), id.into(), group.into(), limit.into()];
        let listed = is_one_of(backend, "e.member_id", &ids, &mut values);
        let sql = format!(
            "SELECT e.member_id, e.group_id, g.slug, e.started_at, e.ended_at FROM enrolment e \
             JOIN member_group g ON g.id = e.group_id \
             WHERE {listed} AND (e.started_at, e.member_id, e.group_id) < ($1, $2, $3) \
             ORDER BY e.started_at DESC, e.member_id DESC, e.group_id DESC LIMIT $4"
        );
        let rows = db.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        rows.iter()
            .map(|row| {
                Ok(ListedStay {
                    member: row.try_get_by_index(0)?,
                    group_id: row.try_get_by_index(1)?,
                    group_slug: row.try_get_by_index(2)?,
                    started_at: row.try_get_by_index(3)?,
                    ended_at: row.try_get_by_index(4)?,
                })
            })
            .collect()
    }
}

/// Writes what became of a member's places, and how the history tells it.
async fn moved(held: &Held, member: &HeldMember, moves: &Moves) -> Result<Mark, Error> {
    held.end_stays(member.id, &moves.ended).await?;
    held.begin_stays(member.id, &moves.made).await?;
    let slugs = |groups: &[Uuid]| held.places.slugs(groups);
    Ok(Mark { left: slugs(&moves.ended), joined: slugs(&moves.made), ..Mark::default() })
}

/// What became of places, for the caller.
pub(super) fn places_changed(held: &Held, moves: &Moves, validate_only: bool) -> pb::PlacesChanged {
    let names = |slugs: Vec<String>| {
        let mut names: Vec<String> = slugs.iter().map(|slug| convert::group_name(slug)).collect();
        names.sort_unstable();
        names
    };
    let groups = |groups: &[Uuid]| names(held.places.slugs(groups));
    pb::PlacesChanged {
        ended: groups(&moves.ended),
        made: groups(&moves.made),
        kept: groups(&moves.kept),
        full: groups(&moves.full),
        unattended: if validate_only { names(held.places.unattended()) } else { Vec::new() },
    }
}
