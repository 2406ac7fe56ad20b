//! Bulletins of which nothing is under way any more.

use senani_store::Store;
use uuid::Uuid;

use super::{bulletins, desk, publications, tally};
use crate::domain::delivery::DeliveryState;
use crate::error::Error;

const OPEN: [DeliveryState; 3] = [DeliveryState::Queued, DeliveryState::Sending, DeliveryState::Unknown];

/// Closes a bulletin whose publications are expanded and whose deliveries have all left the house; whether it did.
pub(crate) async fn close_if_done(store: &Store, id: Uuid) -> Result<bool, Error> {
    if !is_done(store.reader(), id).await? {
        return Ok(false);
    }
    let txn = store.begin_write().await?;
    // Locked: a publication recorded now would open it again.
    let Some(mut bulletin) = bulletins::lock(&txn, id).await? else { return Ok(false) };
    if !is_done(&*txn, id).await? || bulletin.close().is_err() {
        return Ok(false);
    }
    desk::finish(txn, bulletin).await?;
    Ok(true)
}

async fn is_done(db: &impl sea_orm::ConnectionTrait, id: Uuid) -> Result<bool, Error> {
    let publications = publications::of(db, id).await?;
    let expanded = publications.iter().all(|publication| publication.state == publications::EXPANDED);
    Ok(expanded && tally::progress(db, id).await?.of(&OPEN) == 0)
}
