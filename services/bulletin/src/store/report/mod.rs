//! Reports in their tables, sealed. The one place that has their keys.

mod change;
mod clock;
mod duplicates;
mod entries;
mod erasure;
mod files;
mod inbound;
pub(in crate::store) mod inbox;
mod keys;
mod media;
mod rows;
mod rumours;
mod schema;

use std::sync::Arc;

use senani_store::Store;
use senani_vault::Vault;

pub(crate) use change::{NewReport, Target};
pub(crate) use clock::Clock;
pub(crate) use entries::{Entry, Opened};
pub(crate) use files::{PIECE, SealedFile};
pub(crate) use inbound::{Became, Origin, Threads};
pub(crate) use inbox::SealedMessage;
pub(crate) use media::Awaited;
pub(crate) use rows::{ReportFilter, all};
pub(crate) use rumours::{Rumour, Verdict};
pub(crate) use schema::CreateReports;

/// The reports of this cell. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reports {
    store: Store,
    vault: Vault,
    /// Of the signatures of what was told.
    salt: Arc<[u8; 32]>,
}

impl std::fmt::Debug for Reports {
    /// Without the salt.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Reports").finish_non_exhaustive()
    }
}

impl Reports {
    pub(crate) fn new(store: Store, vault: Vault) -> Self {
        let salt = Arc::new(vault.fingerprint(b"salt of the signatures of reports"));
        Self { store, vault, salt }
    }

    /// By which a request is known again: it holds what must not be guessed from it.
    pub(crate) fn fingerprint(&self, request: &[u8]) -> Vec<u8> {
        self.vault.fingerprint(request).to_vec()
    }

    /// A subject under which the requests of somebody who is not to be known are told apart for a day.
    pub(crate) fn veiled(&self, subject: &str) -> String {
        hex::encode(&self.vault.fingerprint(&[b"veiled\0", subject.as_bytes()].concat())[..16])
    }

    /// The call-back token of a request that may come again: the same each time, and without the key file nobody's guess.
    pub(crate) fn token_of(&self, subject: &str, request_id: uuid::Uuid) -> [u8; 16] {
        let whole = self.vault.fingerprint(&[b"call-back token\0", subject.as_bytes(), request_id.as_bytes()].concat());
        let mut token = [0; 16];
        token.copy_from_slice(&whole[..16]);
        token
    }
}
