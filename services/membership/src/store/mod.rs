//! The tables of the register: the only place that knows a column. Answers domain types.

mod applications;
mod audience;
mod audience_query;
mod audience_reader;
mod audit;
mod changes;
mod consents;
mod custodians;
mod custody;
mod disclosure;
mod erasure;
mod formation;
mod group_changes;
mod groups;
mod happenings;
mod held;
mod held_slots;
mod identifiers;
mod import;
mod in_force;
mod incident_rows;
mod incidents;
mod json;
mod keys;
mod listed;
mod members;
pub(crate) mod migrations;
mod migrations_of_members;
mod migrations_of_orders;
mod migrations_of_rosters;
mod notices;
mod orders;
mod orphans;
mod person;
mod personal;
mod reconciliation;
mod reconciliation_apply;
mod roster;
mod roster_history;
mod senders;
mod snapshot;
mod splits;
mod standing;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use senani_store::Store;
use senani_store::WriteTransaction;
use senani_store::request_log::{self, Claim, RequestKey};
use senani_vault::Vault;
use uuid::Uuid;

use crate::convert;
use crate::domain::MemberState;
use crate::error::{Error, Resource};

pub(crate) use applications::{Application, Rejecting};
pub(crate) use audience::{OpenedAddress, Reached};
pub(crate) use audience_reader::AudienceReader;
pub(crate) use audit::{Audited, Disclosure};
pub(crate) use changes::{Amendment, ListedStay};
pub(crate) use custody::HeldGroup;
pub(crate) use erasure::ErasureRequest;
pub(crate) use formation::Formation;
pub(crate) use group_changes::{GroupCall, NewGroup};
pub(crate) use groups::GroupFilter;
pub(crate) use held::Call;
pub(crate) use identifiers::NewIdentifier;
pub(crate) use import::{Chunk, Terms};
pub(crate) use in_force::InForce;
pub(crate) use incidents::{IncidentCall, IncidentFilter, IncidentStep, Subject};
pub(crate) use personal::Newcomer;
pub(crate) use reconciliation_apply::Selection;
pub(crate) use snapshot::MembershipSnapshot;
pub(crate) use splits::{SplitPlan, SplitWish};
pub(crate) use standing::Merging;

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

/// Whether this request was done before. For requests whose answer holds something personal: nothing is recorded of it, the caller
/// reads it again from the register. A concurrent request with the same id waits until this transaction ends.
async fn was_done(txn: &WriteTransaction, repeat: Option<&Repeat<'_>>) -> Result<bool, Error> {
    let Some(repeat) = repeat else { return Ok(false) };
    match request_log::claim(txn, repeat.key, &repeat.fingerprint).await? {
        Claim::New => Ok(false),
        Claim::Done(_) => Ok(true),
        Claim::Reused => Err(Error::RequestIdReused),
    }
}

/// Holds a member until the transaction ends; answers their state. Whoever changes a member, their identifiers, key, consents or
/// enrolments does this first: what is read afterwards stays as it is.
async fn lock_member(txn: &WriteTransaction, member: Uuid) -> Result<MemberState, Error> {
    let backend = txn.get_database_backend();
    let lock = if backend == DbBackend::Postgres { " FOR UPDATE" } else { "" };
    let sql = format!("SELECT state FROM member WHERE id = $1{lock}");
    let found = txn.query_one_raw(Statement::from_sql_and_values(backend, sql, [member.into()])).await?;
    let found = found.ok_or_else(|| Resource::Member.not_found(convert::member_name(member)))?;
    let state: i32 = found.try_get_by_index(0)?;
    let unknown = || DbErr::Type(format!("a stored state of a member is unknown: {state}"));
    Ok(MemberState::from_number(state).ok_or_else(unknown)?)
}
