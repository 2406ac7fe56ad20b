//! What officers do with bulletins: each one transaction with its event.

use prost::Message;
use sea_orm::DbErr;
use senani_store::request_log::{self, Claim, RequestKey};
use senani_store::{Store, Timestamp, WriteTransaction};
use time::UtcOffset;
use uuid::Uuid;

use super::publications::{self, Publication};
use super::{bulletins, posters, verifications};
use crate::domain::bulletin::{Bulletin, Refusal};
use crate::domain::code::Code;
use crate::domain::number;
use crate::domain::poster::Poster;
use crate::domain::verification::signed_text;
use crate::error::Error;
use crate::signing::SigningKeys;
use crate::wire;

/// A request that may come again.
#[derive(Debug)]
pub(crate) struct Repeatable<'a> {
    /// Who asks.
    pub(crate) subject: &'a str,
    /// `Service/Method`.
    pub(crate) method: &'a str,
    /// The caller's id; `None` when the caller gave none.
    pub(crate) request_id: Option<Uuid>,
    /// Of everything else in the request.
    pub(crate) fingerprint: Vec<u8>,
}

impl Repeatable<'_> {
    /// The answer that was given before; `None` when the request is new.
    pub(super) async fn claim<M: Message + Default>(&self, txn: &WriteTransaction) -> Result<Option<M>, Error> {
        let Some(key) = self.key() else { return Ok(None) };
        match request_log::claim(txn, key, &self.fingerprint).await? {
            Claim::New => Ok(None),
            Claim::Done(answer) => {
                let answer = M::decode(answer.as_slice());
                Ok(Some(answer.map_err(|error| DbErr::Type(format!("a stored answer: {error}")))?))
            }
            Claim::Reused => Err(Error::RequestIdReused),
        }
    }

    pub(super) async fn record(&self, txn: &WriteTransaction, answer: &impl Message) -> Result<(), Error> {
        match self.key() {
            Some(key) => Ok(request_log::record(txn, key, answer.encode_to_vec()).await?),
            None => Ok(()),
        }
    }

    fn key(&self) -> Option<RequestKey<'_>> {
        let request_id = self.request_id?;
        Some(RequestKey { subject: self.subject, method: self.method, request_id })
    }
}

/// Writes a draft.
pub(crate) async fn create(
    store: &Store,
    request: &Repeatable<'_>,
    bulletin: &Bulletin,
) -> Result<senani_proto::bulletin::v1::Bulletin, Error> {
    let mut txn = store.begin_write().await?;
    if let Some(answer) = request.claim(&txn).await? {
        return Ok(answer);
    }
    bulletins::insert(&txn, bulletin).await?;
    let answer = wire::bulletin(bulletin);
    request.record(&txn, &answer).await?;
    txn.append(vec![wire::bulletin_changed(bulletin)]).await?;
    txn.commit().await?;
    Ok(answer)
}

/// Attaches a poster, whose content is stored already, to a draft.
pub(crate) async fn attach(store: &Store, id: Uuid, poster: Poster) -> Result<Bulletin, Error> {
    let txn = store.begin_write().await?;
    let mut bulletin = find(&txn, id).await?;
    posters::insert(&txn, &poster).await?;
    allowed(id, bulletin.attach(poster))?;
    finish(txn, bulletin).await
}

/// Gives a draft to review.
pub(crate) async fn submit(store: &Store, id: Uuid) -> Result<Bulletin, Error> {
    let txn = store.begin_write().await?;
    let mut bulletin = find(&txn, id).await?;
    allowed(id, bulletin.submit())?;
    finish(txn, bulletin).await
}

/// Returns a bulletin in review to its author.
pub(crate) async fn give_back(store: &Store, id: Uuid) -> Result<Bulletin, Error> {
    let txn = store.begin_write().await?;
    let mut bulletin = find(&txn, id).await?;
    allowed(id, bulletin.give_back())?;
    finish(txn, bulletin).await
}

/// Approves a bulletin in review and gives it the next number of its unit and year, and a signed code.
pub(crate) async fn approve(
    store: &Store,
    id: Uuid,
    approver: &str,
    etag: &str,
    time_zone: UtcOffset,
    keys: &SigningKeys,
) -> Result<Bulletin, Error> {
    let txn = store.begin_write().await?;
    let mut bulletin = find(&txn, id).await?;
    if !etag.is_empty() && etag != bulletin.etag() {
        return Err(Error::EtagMismatch(bulletin.etag()));
    }
    allowed(id, bulletin.check_approve(approver))?;
    let now = Timestamp::now().0;
    let year = number::year_of(now, time_zone);
    let sequence = bulletins::next_number(&txn, bulletin.issuing_unit.id, year).await?;
    let number = number::format(&bulletin.issuing_unit.slug, year, sequence);
    let trace_parent = senani_telemetry::trace_parent().unwrap_or_default();
    let code = Code::of(rand::random());
    allowed(id, bulletin.approve(approver, number, code, now, trace_parent))?;
    let poster = bulletin.poster.as_ref().map_or("", |poster| poster.sha256.as_str());
    let (signature, key_id) = keys.sign(&signed_text(code, &bulletin.number, poster));
    verifications::insert(&txn, id, code, signature, key_id).await?;
    finish(txn, bulletin).await
}

/// Records a publication of an approved bulletin; the expander does the rest.
pub(crate) async fn publish(
    store: &Store,
    request: &Repeatable<'_>,
    publication: &Publication,
) -> Result<senani_proto::bulletin::v1::Publication, Error> {
    let mut txn = store.begin_write().await?;
    if let Some(answer) = request.claim(&txn).await? {
        return Ok(answer);
    }
    let id = publication.bulletin;
    let mut bulletin = find(&txn, id).await?;
    allowed(id, bulletin.publish(publication.created_at))?;
    publications::insert(&txn, publication).await?;
    bulletins::update(&txn, &bulletin).await?;
    let answer = wire::publication(publication);
    request.record(&txn, &answer).await?;
    txn.append(vec![wire::bulletin_changed(&bulletin)]).await?;
    txn.commit().await?;
    Ok(answer)
}

async fn find(txn: &WriteTransaction, id: Uuid) -> Result<Bulletin, Error> {
    bulletins::lock(txn, id).await?.ok_or(Error::BulletinNotFound(id))
}

fn allowed(id: Uuid, outcome: Result<(), Refusal>) -> Result<(), Error> {
    outcome.map_err(|refusal| Error::refused(id, refusal))
}

pub(super) async fn finish(mut txn: WriteTransaction, bulletin: Bulletin) -> Result<Bulletin, Error> {
    bulletins::update(&txn, &bulletin).await?;
    txn.append(vec![wire::bulletin_changed(&bulletin)]).await?;
    txn.commit().await?;
    Ok(bulletin)
}
