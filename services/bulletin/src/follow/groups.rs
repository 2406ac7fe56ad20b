//! Following membership: which groups there are and who looks after them.

use std::collections::BTreeMap;

use senani_client::follower::{Sink, SinkError};
use senani_proto::eventlog::v1::{Event, event::Payload};
use senani_proto::membership::v1::{Group as WireGroup, group, membership_event::Kind};
use senani_proto::name::{GroupName, MemberName};
use senani_store::{Store, cursor};
use uuid::Uuid;

use crate::store::groups::{self, Group};

/// Key of the cursor in membership's log.
const SOURCE: &str = "membership";

/// Applies membership's events.
#[derive(Debug)]
pub(crate) struct GroupSink {
    store: Store,
}

impl GroupSink {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }
}

impl Sink for GroupSink {
    fn source(&self) -> &'static str {
        SOURCE
    }

    async fn cursor(&mut self) -> Result<String, SinkError> {
        Ok(cursor::load(self.store.reader(), SOURCE).await?)
    }

    async fn apply(&mut self, events: &[Event], from: &str, cursor: &str) -> Result<(), SinkError> {
        let groups = groups_in(events)?;
        let mut txn = self.store.begin_write().await?;
        cursor::advance(&*txn, SOURCE, from, cursor).await?;
        let events = groups::store_all(&txn, &groups).await?;
        txn.append(events).await?;
        txn.commit().await?;
        Ok(())
    }

    async fn replace(&mut self, events: &[Event], cursor: &str) -> Result<(), SinkError> {
        let groups = groups_in(events)?;
        let mut txn = self.store.begin_write().await?;
        groups::clear(&txn).await?;
        let events = groups::store_all(&txn, &groups).await?;
        cursor::save(&*txn, SOURCE, cursor).await?;
        txn.append(events).await?;
        txn.commit().await?;
        Ok(())
    }
}

/// The groups in events, each as it last was.
fn groups_in(events: &[Event]) -> Result<BTreeMap<Uuid, Group>, SinkError> {
    let changed = events.iter().filter_map(|event| match &event.payload {
        Some(Payload::Membership(event)) => match &event.kind {
            Some(Kind::GroupChanged(changed)) => changed.group.as_ref(),
            _ => None,
        },
        _ => None,
    });
    changed.map(|wire| read(wire).map(|group| (group.id, group))).collect()
}

fn read(wire: &WireGroup) -> Result<Group, SinkError> {
    let name: GroupName = wire.name.parse()?;
    let primary = Some(&wire.primary_custodian).filter(|name| !name.is_empty());
    let custodian = primary.or(wire.backup_custodians.first()).map(|name| name.parse::<MemberName>()).transpose()?;
    Ok(Group {
        id: wire.uid.parse()?,
        slug: name.slug().to_owned(),
        unit: wire.unit_uid.parse()?,
        audience: wire.audience,
        active: wire.state() == group::State::Active,
        custodian: custodian.map(|name| name.0),
    })
}
