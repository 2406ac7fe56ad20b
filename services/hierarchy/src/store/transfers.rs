//! Transfers: from one post to another, complete when nothing is left behind.

use prost::Message;
use senani_error::Kind;
use senani_proto::hierarchy::v1::{self as pb, ErrorReason};
use senani_proto::name::TransferName;
use senani_store::{Timestamp, WriteTransaction};
use uuid::Uuid;

use super::posts::{Deed, events, open_unit, substantive, transfer_pending};
use super::transfer_rows::{find, pending_of, write};
use super::units::{Beginning, finish};
use super::{Units, appointments};
use crate::convert;
use crate::domain::{Act, Day, LeftBehind, Nature, Objection, Post, Posts, Transfer, TransferState};
use crate::error::Error;

/// How a transfer stands as to what is left behind.
#[derive(Debug)]
pub(crate) struct Handover {
    /// What the services that know have answered.
    pub(crate) left: Result<LeftBehind, Error>,
    /// Why that does not matter; empty when it does.
    pub(crate) force_reason: String,
}

impl Handover {
    /// What is known to be left behind; the error when that must be known and is not.
    fn judge(self) -> Result<(Option<LeftBehind>, String), Error> {
        match self.left {
            Ok(left) => Ok((Some(left), self.force_reason)),
            Err(Error::LeftBehindUnknown(service, _)) if !self.force_reason.is_empty() => {
                tracing::warn!(service, "a transfer is forced without knowing what is left behind");
                Ok((None, self.force_reason))
            }
            Err(error) => Err(error),
        }
    }
}

/// A transfer that is asked for.
#[derive(Debug)]
pub(crate) struct NewTransfer {
    pub(crate) appointment: Uuid,
    /// Slug of the unit to which.
    pub(crate) unit: String,
    pub(crate) post: Post,
    /// The day from which, and today.
    pub(crate) from: Day,
    pub(crate) today: Day,
}

impl Units {
    /// Begins a transfer, and completes it when nothing is in the way.
    pub(crate) async fn begin_transfer(
        &self,
        new: NewTransfer,
        handover: Handover,
        deed: Deed<'_>,
    ) -> Result<pb::Transfer, Error> {
        let txn = match self.begin(deed.repeat.as_ref()).await? {
            Beginning::New(txn) => txn,
            Beginning::Done(answer) => return self.transfer_again(&answer).await,
        };
        let known = appointments::find(&*txn, new.appointment).await?;
        let known = known.ok_or_else(|| convert::appointment_not_found(new.appointment))?;
        let objection = |objection| convert::objection(objection, &known.unit_slug);
        if known.nature != Nature::Substantive {
            return Err(objection(Objection::NatureWrong(known.id, known.nature)));
        }
        if !known.is_open_ended() {
            return Err(objection(Objection::Ended(known.id)));
        }
        if new.from.begins < known.start {
            return Err(objection(Objection::TooEarly(known.start_date.clone())));
        }
        if known.unit_slug == new.unit && known.post == new.post {
            let what = "the officer holds this post of the unit";
            return Err(Error::invalid(ErrorReason::TransferToSamePost, "post", what));
        }
        if let Some(pending) = pending_of(&*txn, known.id).await? {
            return Err(transfer_pending(known.id, pending));
        }
        let due = new.from.begins <= new.today.begins;
        let unit = open_unit(&txn, &new.unit, if due { &new.from.date } else { "" }).await?;
        let (left_behind, force_reason) = handover.judge()?;
        let forced = !force_reason.is_empty();
        let now = Timestamp::now().0;
        let mut transfer = Transfer {
            id: Uuid::now_v7(),
            appointment: known.id,
            officer: known.officer,
            unit: unit.id,
            unit_slug: new.unit,
            post: new.post,
            effective_date: new.from.date.clone(),
            state: TransferState::Pending,
            left_behind,
            new_appointment: None,
            force_reason: String::new(),
            forced_by: String::new(),
            begun_by: deed.by.to_owned(),
            version: 1,
            created_at: now,
            updated_at: now,
            ended_at: 0,
        };
        let mut posts = Posts::default();
        if due && (forced || transfer.left_behind.as_ref().is_some_and(LeftBehind::is_nothing)) {
            match complete(&txn, &mut transfer, &new.from, force_reason, deed.by).await {
                Ok(completed) => posts = completed,
                // It waits for the post: the officer who is there may have to go first.
                Err(Refused::Rule(Objection::HeadTaken(_))) if !forced => {}
                Err(refused) => return Err(refused.into_error(&transfer.unit_slug)),
            }
        }
        if deed.validate_only {
            let answer = convert::transfer(&transfer);
            return Ok(pb::Transfer {
                name: String::new(),
                new_appointment: String::new(),
                etag: String::new(),
                create_time: None,
                update_time: None,
                ..answer
            });
        }
        settle(txn, &posts, &transfer, deed).await
    }

    /// Completes a transfer.
    pub(crate) async fn complete_transfer(
        &self,
        id: Uuid,
        handover: Handover,
        today: &Day,
        deed: Deed<'_>,
    ) -> Result<pb::Transfer, Error> {
        let txn = match self.begin(deed.repeat.as_ref()).await? {
            Beginning::New(txn) => txn,
            Beginning::Done(answer) => return self.transfer_again(&answer).await,
        };
        let mut transfer = pending(&txn, id, &deed.etag).await?;
        if transfer.effective_date.as_str() > today.date.as_str() {
            let (name, date) = (TransferName(id).to_string(), transfer.effective_date.clone());
            let about = [("transfer", name.as_str()), ("effective_date", date.as_str())];
            let what = format!("the transfer holds from {date} on");
            return Err(Error::listed(Kind::FailedPrecondition, ErrorReason::TransferNotDue, what, &about));
        }
        let (left_behind, force_reason) = handover.judge()?;
        if let Some(left) = left_behind.as_ref().filter(|left| force_reason.is_empty() && !left.is_nothing()) {
            let incomplete = incomplete(id, left);
            drop(txn);
            if !deed.validate_only {
                self.note_left_behind(id, left).await?;
            }
            return Err(incomplete);
        }
        transfer.left_behind = left_behind;
        transfer.version += 1;
        let completed = complete(&txn, &mut transfer, today, force_reason, deed.by).await;
        let posts = completed.map_err(|refused| refused.into_error(&transfer.unit_slug))?;
        if deed.validate_only {
            return Ok(pb::Transfer { new_appointment: String::new(), ..convert::transfer(&transfer) });
        }
        settle(txn, &posts, &transfer, deed).await
    }

    /// Gives a transfer up.
    pub(crate) async fn cancel_transfer(&self, id: Uuid, deed: Deed<'_>) -> Result<pb::Transfer, Error> {
        let txn = match self.begin(deed.repeat.as_ref()).await? {
            Beginning::New(txn) => txn,
            Beginning::Done(answer) => return self.transfer_again(&answer).await,
        };
        let mut transfer = pending(&txn, id, &deed.etag).await?;
        transfer.state = TransferState::Cancelled;
        transfer.version += 1;
        transfer.ended_at = Timestamp::now().0;
        transfer.updated_at = transfer.ended_at;
        settle(txn, &Posts::default(), &transfer, deed).await
    }

    /// The answer to a repeated request. The log of requests does not keep reasons.
    async fn transfer_again(&self, answer: &[u8]) -> Result<pb::Transfer, Error> {
        let mut answer = pb::Transfer::decode(answer)?;
        if !answer.forced_by.is_empty() {
            answer.force_reason = self.transfer(convert::transfer_id(&answer.name)?).await?.force_reason;
        }
        Ok(answer)
    }
}

/// Why a transfer cannot be completed.
enum Refused {
    Rule(Objection),
    Other(Error),
}

impl Refused {
    fn into_error(self, slug: &str) -> Error {
        match self {
            Self::Rule(objection) => convert::objection(objection, slug),
            Self::Other(error) => error,
        }
    }
}

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// Ends the one appointment and starts the other from a day on; the caller writes both.
async fn complete(
    txn: &WriteTransaction,
    transfer: &mut Transfer,
    from: &Day,
    force_reason: String,
    by: &str,
) -> Result<Posts, Refused> {
    let known = appointments::find(&**txn, transfer.appointment).await?;
    let known = known.ok_or_else(|| convert::appointment_not_found(transfer.appointment))?;
    let unit = open_unit(txn, &transfer.unit_slug, &from.date).await?;
    let mut units = vec![known.unit, unit.id];
    units.dedup();
    let mut posts = appointments::posts(&**txn, &units).await?;
    let new = substantive(transfer.officer, &unit, transfer.post, from, by);
    let (new_id, act) = (new.id, Act { by, now: Timestamp::now().0 });
    posts.transfer(known.id, from, new, act).map_err(Refused::Rule)?;
    transfer.state = TransferState::Completed;
    from.date.clone_into(&mut transfer.effective_date);
    transfer.new_appointment = Some(new_id);
    if !force_reason.is_empty() {
        transfer.force_reason = force_reason;
        by.clone_into(&mut transfer.forced_by);
    }
    transfer.updated_at = act.now;
    transfer.ended_at = act.now;
    Ok(posts)
}

/// Writes a transfer and what has changed by it.
async fn settle(
    mut txn: WriteTransaction,
    posts: &Posts,
    transfer: &Transfer,
    deed: Deed<'_>,
) -> Result<pb::Transfer, Error> {
    let answer = convert::transfer(transfer);
    appointments::write(&txn, posts).await?;
    write(&txn, transfer).await?;
    finish(&txn, deed.repeat.as_ref(), &pb::Transfer { force_reason: String::new(), ..answer.clone() }).await?;
    let events = events(posts);
    if !events.is_empty() {
        txn.append(events).await?;
    }
    txn.commit().await?;
    Ok(answer)
}

/// A pending transfer as the caller has seen it.
async fn pending(txn: &WriteTransaction, id: Uuid, etag: &str) -> Result<Transfer, Error> {
    let transfer = find(&**txn, id).await?.ok_or_else(|| convert::transfer_not_found(id))?;
    let name = TransferName(id).to_string();
    let about = [("transfer", name.as_str())];
    if !etag.is_empty() && etag != convert::etag(transfer.version) {
        let what = format!("{name} has changed since it was read");
        return Err(Error::listed(Kind::Aborted, ErrorReason::EtagMismatch, what, &about));
    }
    if transfer.state != TransferState::Pending {
        let what = "the transfer is completed or cancelled";
        return Err(Error::listed(Kind::FailedPrecondition, ErrorReason::TransferOver, what, &about));
    }
    Ok(transfer)
}

fn incomplete(id: Uuid, left: &LeftBehind) -> Error {
    let counts = [&left.groups, &left.tasks, &left.reports].map(|held| held.count.to_string());
    let name = TransferName(id).to_string();
    let about = [
        ("transfer", name.as_str()),
        ("groups", counts[0].as_str()),
        ("tasks", counts[1].as_str()),
        ("reports", counts[2].as_str()),
    ];
    let what = "something is left behind that nobody else has";
    Error::listed(Kind::FailedPrecondition, ErrorReason::HandoverIncomplete, what, &about)
}
