//! Where a member stands: suspended, reinstated, gone, merged into another.

use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use senani_proto::membership::v1 as pb;
use uuid::Uuid;

use super::changes::places_changed;
use super::consents::{BY_MERGE, BY_WITHDRAWAL, LedgerEntry};
use super::happenings::Entry;
use super::held::{Begun, Beside, Call, Held, HeldMember};
use super::{Registry, Repeat};
use crate::convert;
use crate::domain::{Act, HappenedAct, Mark, MemberState, Purpose, Role};
use crate::error::Error;

/// Two records of one person.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Merging<'m> {
    pub(crate) survivor: Uuid,
    pub(crate) duplicate: Uuid,
    /// Empty, or what the caller last saw of the survivor.
    pub(crate) survivor_etag: &'m str,
    /// Empty, or what the caller last saw of the duplicate.
    pub(crate) duplicate_etag: &'m str,
    pub(crate) validate_only: bool,
    pub(crate) subject: &'m str,
    pub(crate) repeat: Option<&'m Repeat<'m>>,
}

impl Registry {
    /// Suspends a member: the places stay, the custody does not. `reason` is a number of the contract.
    pub(crate) async fn suspend(&self, call: Call<'_>, reason: i32, note: &str) -> Result<(), Error> {
        let held = self.hold_one(call, Beside::Nothing, None).await?;
        let Some(mut held) = held else { return Ok(()) };
        let member = held.member().clone();
        let state = member.after(Act::Suspend)?;
        for stay in member.stays.iter().filter(|stay| stay.role == Role::Custodian) {
            held.places.pass_custody(stay.group_id, member.id);
        }
        held.set_member(&member, ", state = $3", vec![(state as i32).into()]).await?;
        let mark = Mark { code: reason, ..Mark::default() };
        let entry = Entry { note, ..Entry::new(member.id, HappenedAct::Suspended, call.subject) };
        self.happened(&held.txn, held.now, entry.marked(mark)).await?;
        held.finish(call.repeat, &call.answer()).await
    }

    /// Ends a suspension.
    pub(crate) async fn reinstate(&self, call: Call<'_>) -> Result<(), Error> {
        let held = self.hold_one(call, Beside::NoGroups, None).await?;
        let Some(held) = held else { return Ok(()) };
        let member = held.member().clone();
        let state = member.after(Act::Reinstate)?;
        held.set_member(&member, ", state = $3", vec![(state as i32).into()]).await?;
        self.happened(&held.txn, held.now, Entry::new(member.id, HappenedAct::Reinstated, call.subject)).await?;
        held.finish(call.repeat, &call.answer()).await
    }

    /// Ends a membership: places, identifiers and consents.
    pub(crate) async fn withdraw(&self, call: Call<'_>) -> Result<(), Error> {
        let held = self.hold_one(call, Beside::Nothing, None).await?;
        let Some(mut held) = held else { return Ok(()) };
        let member = held.member().clone();
        let state = member.after(Act::Withdraw)?;
        let groups: Vec<Uuid> = member.stays.iter().map(|stay| stay.group_id).collect();
        for group in &groups {
            held.places.leave(*group, member.id);
        }
        held.end_stays(member.id, &groups).await?;
        self.leave(&held, &member, state).await?;
        for purpose in [Purpose::Membership, Purpose::DirectMessages] {
            let entry = LedgerEntry {
                member: member.id,
                purpose,
                given: false,
                channel: BY_WITHDRAWAL,
                notice_version: "",
                language: &member.language,
                recorded_by: call.subject,
            };
            entry.add(&held.txn, held.now).await?;
        }
        let mark = Mark { left: held.places.slugs(&groups), ..Mark::default() };
        let entry = Entry::new(member.id, HappenedAct::Withdrawn, call.subject).marked(mark);
        self.happened(&held.txn, held.now, entry).await?;
        held.finish(call.repeat, &call.answer()).await
    }

    /// Lets go of who has left: no consent holds, and the numbers are free, also those of records merged into this one.
    pub(super) async fn leave(&self, held: &Held, member: &HeldMember, state: MemberState) -> Result<(), DbErr> {
        let end = "UPDATE member_identifier SET valid_to = $2 WHERE valid_to = 0 \
                   AND member_id IN (SELECT id FROM member WHERE id = $1 OR merged_into = $1)";
        let values: [Value; 2] = [member.id.into(), held.now.0.into()];
        held.txn.execute_raw(Statement::from_sql_and_values(held.txn.get_database_backend(), end, values)).await?;
        held.set_member(member, ", state = $3, consents = $4", vec![(state as i32).into(), false.into()]).await
    }

    /// Makes two records of one person one; with `validate_only` only tells what would become of the places.
    pub(crate) async fn merge(&self, merging: Merging<'_>) -> Result<pb::PlacesChanged, Error> {
        let repeat = merging.repeat.filter(|_| !merging.validate_only);
        let wanted = [(merging.survivor, merging.survivor_etag), (merging.duplicate, merging.duplicate_etag)];
        let mut held = match self.hold(&wanted, Beside::Nothing, None, repeat).await? {
            Begun::Done(answer) => return Ok(answer),
            Begun::Held(held) => held,
        };
        let [survivor, duplicate] = [held.members[0].clone(), held.members[1].clone()];
        survivor.after(Act::Absorb)?;
        let state = duplicate.after(Act::MergeInto)?;
        let own = (survivor.id, &survivor.stays[..]);
        let (moves, taken) = held.places.merge(own, (duplicate.id, &duplicate.stays), &survivor.person());
        let answer = places_changed(&held, &moves, merging.validate_only);
        if merging.validate_only {
            return Ok(answer);
        }
        let all: Vec<Uuid> = duplicate.stays.iter().map(|stay| stay.group_id).collect();
        held.end_stays(duplicate.id, &all).await?;
        let begun: Vec<Uuid> = taken.iter().map(|stay| stay.group_id).collect();
        held.begin_stays(survivor.id, &begun).await?;
        let columns = ", state = $3, merged_into = $4, consents = $5";
        let values = vec![(state as i32).into(), survivor.id.into(), false.into()];
        held.set_member(&duplicate, columns, values).await?;
        let follow = "UPDATE member SET merged_into = $2 WHERE merged_into = $1";
        let values: [Value; 2] = [duplicate.id.into(), survivor.id.into()];
        held.txn.execute_raw(Statement::from_sql_and_values(held.txn.get_database_backend(), follow, values)).await?;
        let consents = self.consents_after(&held, &survivor, &duplicate, merging.subject).await?;
        held.set_member(&survivor, ", consents = $3", vec![consents.into()]).await?;
        let (left, joined) = (held.places.slugs(&all), held.places.slugs(&begun));
        let marks = [
            (survivor.id, HappenedAct::MergedWith, Mark { other: Some(duplicate.id), joined, ..Mark::default() }),
            (duplicate.id, HappenedAct::MergedInto, Mark { other: Some(survivor.id), left, ..Mark::default() }),
        ];
        for (member, act, mark) in marks {
            self.happened(&held.txn, held.now, Entry::new(member, act, merging.subject).marked(mark)).await?;
        }
        held.finish(repeat, &answer).await?;
        Ok(answer)
    }

    /// What holds of direct messages after a merge: what the person said last, in whichever record. Who said nothing in the duplicate is
    /// taken by the survivor's word.
    async fn consents_after(
        &self,
        held: &Held,
        survivor: &HeldMember,
        duplicate: &HeldMember,
        subject: &str,
    ) -> Result<bool, Error> {
        let find = "SELECT consents, notice_version FROM member_consent WHERE member_id IN ($1, $2) AND purpose = $3 \
                    ORDER BY recorded_at DESC LIMIT 1";
        let values: [Value; 3] = [survivor.id.into(), duplicate.id.into(), (Purpose::DirectMessages as i32).into()];
        let statement = Statement::from_sql_and_values(held.txn.get_database_backend(), find, values);
        let Some(row) = held.txn.query_one_raw(statement).await? else { return Ok(survivor.consents) };
        let (last, notice): (bool, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        if last != survivor.consents {
            let entry = LedgerEntry {
                member: survivor.id,
                purpose: Purpose::DirectMessages,
                given: last,
                channel: BY_MERGE,
                notice_version: &notice,
                language: &survivor.language,
                recorded_by: subject,
            };
            entry.add(&held.txn, held.now).await?;
        }
        Ok(last)
    }
}

impl Call<'_> {
    /// What is remembered of a call that answers a member: who, and nothing of what they are.
    pub(super) fn answer(&self) -> pb::GetMemberRequest {
        pb::GetMemberRequest { name: convert::member_name(self.member) }
    }
}
