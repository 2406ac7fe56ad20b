//! The tables of the register: the only place that knows a column. Answers domain types.

mod audience;
mod consents;
mod custodians;
mod formation;
mod groups;
mod import;
mod json;
mod listed;
mod members;
pub(crate) mod migrations;
mod orders;
mod snapshot;

use senani_store::Store;
use senani_store::WriteTransaction;
use senani_store::request_log::{self, Claim, RequestKey};
use senani_vault::Vault;

use crate::error::Error;

pub(crate) use audience::{AudienceReader, OpenedAddress, Reached};
pub(crate) use formation::Formation;
pub(crate) use groups::GroupFilter;
pub(crate) use import::{Chunk, Newcomer, Terms, phone_place};
pub(crate) use snapshot::MembershipSnapshot;

/// The register in its database.
#[derive(Debug, Clone)]
pub(crate) struct Registry {
    store: Store,
    vault: Vault,
}

impl Registry {
    pub(crate) fn new(store: Store, vault: Vault) -> Self {
        Self { store, vault }
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }
}

/// Who asks for what, so that a repeated request is answered again.
#[derive(Debug, Clone)]
pub(crate) struct Repeat<'a> {
    pub(crate) key: RequestKey<'a>,
    /// The encoded request.
    pub(crate) fingerprint: Vec<u8>,
}

/// The answer of an earlier request with the same id, `None` when the work is to be done.
async fn answered<M>(txn: &WriteTransaction, repeat: Option<&Repeat<'_>>) -> Result<Option<M>, Error>
where
    M: prost::Message + Default,
{
    let Some(repeat) = repeat else { return Ok(None) };
    match request_log::claim(txn, repeat.key, &repeat.fingerprint).await? {
        Claim::New => Ok(None),
        Claim::Done(response) => Ok(Some(M::decode(response.as_slice())?)),
        Claim::Reused => Err(Error::RequestIdReused),
    }
}

async fn record(
    txn: &WriteTransaction,
    repeat: Option<&Repeat<'_>>,
    answer: &impl prost::Message,
) -> Result<(), Error> {
    if let Some(repeat) = repeat {
        request_log::record(txn, repeat.key, answer.encode_to_vec()).await?;
    }
    Ok(())
}
