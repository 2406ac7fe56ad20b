//! Following membership: orders, groups and their sizes.

use sea_orm::DbErr;
use senani_client::follower::{Sink, SinkError};
use senani_proto::eventlog::v1::{Event, event::Payload};
use senani_proto::membership::v1 as pb;
use senani_proto::membership::v1::group::State;
use senani_proto::membership::v1::membership_event::Kind;
use senani_store::{Store, WriteTransaction, cursor};
use uuid::Uuid;

use super::project::{self, Applied, Changes, MalformedEvent};
use crate::domain::{Group, Register};
use crate::projection::Projection;
use crate::store::register::{self, RegisterChanges};

/// Key of the cursor in membership's log.
const SOURCE: &str = "membership";

/// Applies membership's events: the tables and the cursor in one transaction, then the register in memory.
#[derive(Debug)]
pub(crate) struct RegisterSink {
    store: Store,
    projection: Projection,
}

impl RegisterSink {
    pub(crate) fn new(store: Store, projection: Projection) -> Self {
        Self { store, projection }
    }

    /// Reads the register again with its cursor: another replica of this service may have moved both.
    async fn reload(&self) -> Result<String, SinkError> {
        let txn = self.store.begin_read().await?;
        let cursor = cursor::load(&*txn, SOURCE).await?;
        let stored = register::load(&*txn).await?;
        drop(txn);
        self.projection.change_register(|register| *register = stored);
        Ok(cursor)
    }
}

impl Sink for RegisterSink {
    fn source(&self) -> &'static str {
        SOURCE
    }

    async fn cursor(&mut self) -> Result<String, SinkError> {
        self.reload().await
    }

    async fn apply(&mut self, events: &[Event], from: &str, cursor: &str) -> Result<(), SinkError> {
        match project::apply::<RegisterChanges>(&self.store, SOURCE, events, from, cursor).await? {
            Applied::Now(changes) if changes.is_empty() => {}
            Applied::Now(changes) => self.projection.change_register(|register| {
                changes.iter().for_each(|changes| changes.apply_to(register));
            }),
            Applied::Before => _ = self.reload().await?,
        }
        Ok(())
    }

    async fn replace(&mut self, events: &[Event], cursor: &str) -> Result<(), SinkError> {
        let changes: RegisterChanges = project::replace(&self.store, SOURCE, events, cursor).await?;
        self.projection.change_register(|register| {
            *register = Register::default();
            changes.apply_to(register);
        });
        Ok(())
    }
}

impl Changes for RegisterChanges {
    fn take(&mut self, event: &Event) -> Result<(), MalformedEvent> {
        let Some(Payload::Membership(pb::MembershipEvent { kind: Some(kind) })) = &event.payload else {
            // Of a later version of the contract, none of our business yet.
            return Ok(());
        };
        let malformed = |what| MalformedEvent::new(event, what);
        match kind {
            Kind::OrderIssued(issued) => {
                let order = issued.order.clone().ok_or_else(|| malformed("no order"))?;
                let slug = order.name.strip_prefix("orders/").ok_or_else(|| malformed("no order's name"))?.to_owned();
                self.orders.insert(slug, order);
            }
            Kind::GroupChanged(changed) => {
                let group = changed.group.as_ref().ok_or_else(|| malformed("no group"))?;
                let id: Uuid = group.uid.parse().map_err(|_| malformed("no group's uid"))?;
                let group = Group {
                    unit: group.unit_uid.parse().map_err(|_| malformed("no unit's uid"))?,
                    audience: group.audience,
                    rank: group.rank,
                    active: group.state() == State::Active,
                    enrolled: i64::from(group.enrolled_count),
                };
                self.sizes.remove(&id);
                self.groups.insert(id, group);
            }
            Kind::GroupSizesChanged(changed) => {
                for size in &changed.sizes {
                    let id = Uuid::from_slice(&size.group_uid).map_err(|_| malformed("no group's uid"))?;
                    let enrolled = i64::from(size.enrolled_count);
                    match self.groups.get_mut(&id) {
                        Some(group) => group.enrolled = enrolled,
                        None => _ = self.sizes.insert(id, enrolled),
                    }
                }
            }
            // Nothing that figures are made of.
            _ => {}
        }
        Ok(())
    }

    async fn write(&self, txn: &WriteTransaction) -> Result<(), DbErr> {
        register::write(txn, self).await
    }

    async fn clear(txn: &WriteTransaction) -> Result<(), DbErr> {
        register::clear(txn).await
    }
}
