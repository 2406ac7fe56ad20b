//! What the calls on persons share: words of a caller become a profile, a number, a note.

use senani_proto::membership::v1::ErrorReason;
use senani_store::Timestamp;

use super::Cell;
use crate::domain::{IdentifierKind, ProfileFault, normalised};
use crate::error::{Error, Wrong};
use crate::store::Registry;

/// Characters of a note at most.
const NOTE_LENGTH: usize = 1_000;

/// A fault of a profile as the contract names it; `prefix` stands before the field.
pub(super) fn wrong_profile(fault: ProfileFault, prefix: &str) -> Wrong {
    let reason = match fault {
        ProfileFault::Names => ErrorReason::NamesInvalid,
        ProfileFault::Category => ErrorReason::CategoryUnknown,
        ProfileFault::Rank => ErrorReason::RankInvalid,
        ProfileFault::Gender => ErrorReason::GenderInvalid,
        ProfileFault::Language => ErrorReason::LanguageInvalid,
    };
    Wrong::new(reason, format!("{prefix}{}", fault.field()), fault.description())
}

/// A value in its one spelling.
pub(super) fn value(cell: &Cell, kind: IdentifierKind, text: &str, field: &str) -> Result<String, Wrong> {
    let (reason, what) = match kind {
        IdentifierKind::Phone => (ErrorReason::PhoneInvalid, "is not a mobile number of India"),
        IdentifierKind::WhatsappUser => (ErrorReason::IdentifierInvalid, "is not a user id of WhatsApp"),
        IdentifierKind::Email => (ErrorReason::IdentifierInvalid, "is not an e-mail address"),
    };
    normalised(kind, text, cell.numbers).ok_or_else(|| Wrong::new(reason, field, what))
}

pub(super) fn kind(number: i32) -> Result<IdentifierKind, Error> {
    IdentifierKind::from_number(number)
        .ok_or_else(|| Error::invalid(ErrorReason::IdentifierInvalid, "kind", "names no kind of identifier"))
}

/// What an officer notes.
pub(super) fn note(text: &str) -> Result<&str, Error> {
    let text = text.trim();
    if text.chars().count() > NOTE_LENGTH {
        return Err(Error::invalid(ErrorReason::NoteInvalid, "note", "must have at most 1,000 characters"));
    }
    Ok(text)
}

/// The present, or a moment before it.
pub(super) fn moment(time: Option<&prost_types::Timestamp>, field: &str) -> Result<i64, Error> {
    let now = Timestamp::now();
    let Some(time) = time else { return Ok(now.0) };
    let time = Timestamp::from_proto(time);
    if time > now || time.0 <= 0 {
        return Err(Error::invalid(ErrorReason::TimeInvalid, field, "must not be later than now"));
    }
    Ok(time.0)
}

/// A reason that the contract lists; `known` says whether it does.
pub(super) fn reason(number: i32, known: bool) -> Result<i32, Error> {
    if known && number != 0 {
        return Ok(number);
    }
    Err(Error::invalid(ErrorReason::ReasonInvalid, "reason", "names no reason"))
}

/// The notice of a call: published, or, where it may be, empty.
pub(super) async fn check_notice(registry: &Registry, version: &str, field: &str) -> Result<(), Error> {
    if registry.knows_notice(version).await? { Ok(()) } else { Err(notice_unknown(field).into()) }
}

pub(super) fn notice_unknown(field: &str) -> Wrong {
    Wrong::new(ErrorReason::NoticeUnknown, field, "is no published notice")
}

/// A position in a list: a time and ids, written as one text.
pub(super) fn position<const N: usize>(token: Option<String>) -> Result<Option<(i64, [uuid::Uuid; N])>, Error> {
    let Some(token) = token else { return Ok(None) };
    let read = |token: &str| {
        let mut parts = token.split('/');
        let time = parts.next()?.parse().ok()?;
        let mut ids = [uuid::Uuid::nil(); N];
        for id in &mut ids {
            *id = parts.next()?.parse().ok()?;
        }
        Some((time, ids))
    };
    read(&token).map(Some).ok_or_else(|| Error::from(senani_store::PageError::Token))
}
