//! What is done with posts: one transaction, one event for each appointment that changes. The structure is held still meanwhile, so
//! that a unit does not close under an appointment, and so that two heads do not come into one post.

use prost::Message;
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::hierarchy::v1::{self as pb, ErrorReason};
use senani_proto::name::{AppointmentName, TransferName};
use senani_store::{Timestamp, WriteTransaction};
use uuid::Uuid;

use super::units::{Beginning, Repeat, find, finish};
use super::versions::{self, Scope};
use super::{Units, appointments, transfer_rows};
use crate::convert;
use crate::domain::{Act, Appointment, Day, FOREVER, Nature, OPEN_ENDED, Post, Posts, Unit};
use crate::error::{Error, Wrong};

/// What comes with every request about posts.
#[derive(Debug)]
pub(crate) struct Deed<'a> {
    /// Who asks.
    pub(crate) by: &'a str,
    /// The state of the resource that the caller has seen, or empty.
    pub(crate) etag: String,
    pub(crate) repeat: Option<Repeat<'a>>,
    pub(crate) validate_only: bool,
}

/// An appointment with exact times that is asked for.
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) officer: Uuid,
    /// `None` for now.
    pub(crate) start: Option<i64>,
    /// `None` for the latest that is allowed.
    pub(crate) end: Option<i64>,
}

/// Power in an emergency that is asked for.
#[derive(Debug)]
pub(crate) struct Emergency {
    /// Slug of the unit.
    pub(crate) unit: String,
    pub(crate) post: Post,
    pub(crate) reason: String,
    pub(crate) term: Term,
    /// Hours that it may last.
    pub(crate) longest_hours: i64,
}

impl Units {
    pub(crate) async fn appoint(
        &self,
        officer: Uuid,
        slug: &str,
        post: Post,
        from: &Day,
        deed: Deed<'_>,
    ) -> Result<pb::Appointment, Error> {
        let txn = match self.begin(deed.repeat.as_ref()).await? {
            Beginning::New(txn) => txn,
            Beginning::Done(answer) => return self.again(&answer).await,
        };
        let unit = open_unit(&txn, slug, &from.date).await?;
        let new = substantive(officer, &unit, post, from, deed.by);
        let mut posts = appointments::posts(&*txn, &[unit.id]).await?;
        posts.appoint(new.clone()).map_err(|objection| convert::objection(objection, slug))?;
        settle(txn, &posts, &new, deed).await
    }

    pub(crate) async fn relieve(&self, id: Uuid, from: &Day, deed: Deed<'_>) -> Result<pb::Appointment, Error> {
        let txn = match self.begin(deed.repeat.as_ref()).await? {
            Beginning::New(txn) => txn,
            Beginning::Done(answer) => return self.again(&answer).await,
        };
        let known = read(&txn, id, &deed.etag).await?;
        if let Some(transfer) = transfer_rows::pending_of(&*txn, id).await? {
            return Err(transfer_pending(id, transfer));
        }
        let mut posts = appointments::posts(&*txn, &[known.unit]).await?;
        let act = Act { by: deed.by, now: Timestamp::now().0 };
        posts.relieve(id, from, act).map_err(|objection| convert::objection(objection, &known.unit_slug))?;
        let relieved = posts.get(id).map_err(|objection| convert::objection(objection, &known.unit_slug))?.clone();
        settle(txn, &posts, &relieved, deed).await
    }

    pub(crate) async fn delegate(&self, id: Uuid, term: Term, deed: Deed<'_>) -> Result<pb::Appointment, Error> {
        let txn = match self.begin(deed.repeat.as_ref()).await? {
            Beginning::New(txn) => txn,
            Beginning::Done(answer) => return self.again(&answer).await,
        };
        let holder = read(&txn, id, &deed.etag).await?;
        let act = Act { by: deed.by, now: Timestamp::now().0 };
        let start = term.start.unwrap_or(act.now);
        let new = Appointment {
            officer: term.officer,
            nature: Nature::Delegation,
            delegated_from: Some(id),
            ..timed(holder.unit, &holder.unit_slug, holder.post, (start, term.end.unwrap_or(start)), act)
        };
        let mut posts = appointments::posts(&*txn, &[holder.unit]).await?;
        posts.delegate(new.clone(), act).map_err(|objection| convert::objection(objection, &holder.unit_slug))?;
        settle(txn, &posts, &new, deed).await
    }

    pub(crate) async fn break_glass(&self, emergency: Emergency, deed: Deed<'_>) -> Result<pb::Appointment, Error> {
        let txn = match self.begin(deed.repeat.as_ref()).await? {
            Beginning::New(txn) => txn,
            Beginning::Done(answer) => return self.again(&answer).await,
        };
        let Emergency { unit: slug, post, reason, term, longest_hours } = emergency;
        let unit = open_unit(&txn, &slug, "").await?;
        let act = Act { by: deed.by, now: Timestamp::now().0 };
        let end = term.end.unwrap_or_else(|| act.now.saturating_add(longest_hours.saturating_mul(3_600_000_000)));
        let new = Appointment {
            officer: term.officer,
            nature: Nature::BreakGlass,
            reason,
            ..timed(unit.id, &slug, post, (act.now, end), act)
        };
        let mut posts = Posts::default();
        posts.break_glass(new.clone(), act, longest_hours).map_err(|objection| convert::objection(objection, &slug))?;
        // In the log of the service too, without the reason: an emergency is for somebody to look at.
        tracing::warn!(
            appointment.id = %new.id, officer.id = %new.officer, unit.slug = %slug, post = post as i32, by = deed.by,
            "glass was broken"
        );
        settle(txn, &posts, &new, deed).await
    }

    pub(crate) async fn end(&self, id: Uuid, deed: Deed<'_>) -> Result<pb::Appointment, Error> {
        let txn = match self.begin(deed.repeat.as_ref()).await? {
            Beginning::New(txn) => txn,
            Beginning::Done(answer) => return self.again(&answer).await,
        };
        let known = read(&txn, id, &deed.etag).await?;
        let mut posts = Posts::new([known.clone()]);
        let act = Act { by: deed.by, now: Timestamp::now().0 };
        posts.end(id, act).map_err(|objection| convert::objection(objection, &known.unit_slug))?;
        let ended = posts.get(id).map_err(|objection| convert::objection(objection, &known.unit_slug))?.clone();
        settle(txn, &posts, &ended, deed).await
    }

    /// What becomes of the posts of a unit that closes from a day on; the caller writes them with the unit.
    pub(super) async fn close_posts(
        &self,
        txn: &WriteTransaction,
        unit: &Unit,
        from: &str,
        by: &str,
    ) -> Result<Posts, Error> {
        let mut posts = appointments::posts(&**txn, &[unit.id]).await?;
        let from = self.day(from)?;
        let act = Act { by, now: Timestamp::now().0 };
        posts.close(unit.id, &from, act).map_err(|objection| convert::objection(objection, &unit.draft.slug))?;
        Ok(posts)
    }

    /// The answer to a repeated request. The log of requests does not keep reasons.
    async fn again(&self, answer: &[u8]) -> Result<pb::Appointment, Error> {
        let mut answer = pb::Appointment::decode(answer)?;
        if answer.nature == Nature::BreakGlass as i32 {
            let id = convert::appointment_id(&answer.name, "name")?;
            answer.reason = self.appointment(id).await?.reason;
        }
        Ok(answer)
    }

    /// A day of the calendar in the cell's time zone.
    pub(crate) fn day(&self, date: &str) -> Result<Day, Error> {
        let day = Day::of(date, self.zone_seconds);
        day.ok_or_else(|| Error::invalid(ErrorReason::DateInvalid, "effective_date", "a date is a day as YYYY-MM-DD"))
    }

    /// The day of a moment in the cell's time zone.
    pub(crate) fn day_at(&self, moment: i64) -> Result<Day, Error> {
        let day = Day::at(moment, self.zone_seconds);
        day.ok_or_else(|| Error::invalid(ErrorReason::TimeInvalid, "time", "a time is within the calendar"))
    }
}

/// The events of what has changed.
pub(super) fn events(posts: &Posts) -> Vec<Payload> {
    posts.changed().map(convert::appointment_changed).collect()
}

/// A new substantive appointment.
pub(super) fn substantive(officer: Uuid, unit: &Unit, post: Post, from: &Day, by: &str) -> Appointment {
    let act = Act { by, now: Timestamp::now().0 };
    Appointment {
        officer,
        start_date: from.date.clone(),
        end_date: FOREVER.to_owned(),
        ..timed(unit.id, &unit.draft.slug, post, (from.begins, OPEN_ENDED), act)
    }
}

fn timed(unit: Uuid, slug: &str, post: Post, (start, end): (i64, i64), act: Act<'_>) -> Appointment {
    Appointment {
        id: Uuid::now_v7(),
        officer: Uuid::nil(),
        unit,
        unit_slug: slug.to_owned(),
        post,
        nature: Nature::Substantive,
        start_date: String::new(),
        end_date: String::new(),
        start,
        end,
        delegated_from: None,
        reason: String::new(),
        appointed_by: act.by.to_owned(),
        ended_by: String::new(),
        version: 1,
        created_at: act.now,
        updated_at: act.now,
    }
}

/// The unit with a slug, open from a day on without a break; any day when that is empty.
pub(super) async fn open_unit(txn: &WriteTransaction, slug: &str, from: &str) -> Result<Unit, Error> {
    let unit = find(&**txn, slug, None).await?.ok_or_else(|| Error::UnitNotFound(format!("units/{slug}")))?;
    let timeline = versions::timeline(&**txn, Scope::Unit(unit.id)).await?;
    let name = format!("units/{slug}");
    match timeline.open_since(unit.id) {
        None => {
            let wrong = Wrong::new(ErrorReason::UnitClosed, "unit", "the unit is closed");
            Err(Error::Refused(Box::new(wrong.with("unit", name))))
        }
        Some(since) if !from.is_empty() && from < since => Err(convert::too_early(&name, since)),
        Some(_) => Ok(unit),
    }
}

/// An appointment as the caller has seen it.
async fn read(txn: &WriteTransaction, id: Uuid, etag: &str) -> Result<Appointment, Error> {
    let known = appointments::find(&**txn, id).await?.ok_or_else(|| convert::appointment_not_found(id))?;
    if etag.is_empty() || etag == convert::etag(known.version) {
        return Ok(known);
    }
    let name = AppointmentName(id).to_string();
    let what = format!("{name} has changed since it was read");
    Err(Error::listed(senani_error::Kind::Aborted, ErrorReason::EtagMismatch, what, &[("appointment", &name)]))
}

pub(super) fn transfer_pending(appointment: Uuid, transfer: Uuid) -> Error {
    let (appointment, transfer) = (AppointmentName(appointment).to_string(), TransferName(transfer).to_string());
    let about = [("appointment", appointment.as_str()), ("transfer", transfer.as_str())];
    let what = "a transfer of the appointment is pending";
    Error::listed(senani_error::Kind::FailedPrecondition, ErrorReason::TransferPending, what, &about)
}

/// Writes what has changed and answers one of them; or, with `validate_only`, only answers.
async fn settle(
    mut txn: WriteTransaction,
    posts: &Posts,
    about: &Appointment,
    deed: Deed<'_>,
) -> Result<pb::Appointment, Error> {
    if deed.validate_only {
        let new = about.version == 1;
        return Ok(if new { convert::imagined(about) } else { convert::appointment(about) });
    }
    let answer = convert::appointment(about);
    appointments::write(&txn, posts).await?;
    finish(&txn, deed.repeat.as_ref(), &pb::Appointment { reason: String::new(), ..answer.clone() }).await?;
    txn.append(events(posts)).await?;
    txn.commit().await?;
    Ok(answer)
}
