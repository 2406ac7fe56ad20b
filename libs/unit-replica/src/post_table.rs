//! The table of the appointments: each as hierarchy last told it.

use std::collections::BTreeMap;

use prost::Message;
use sea_orm::{ConnectionTrait, DbErr, Statement};
use senani_proto::eventlog::v1::{Event, event::Payload};
use senani_proto::hierarchy::v1::{AppointmentChanged, hierarchy_event::Kind};
use senani_store::{Rows, Timestamp, WriteTransaction};
use uuid::Uuid;

use crate::{Appointment, Posts};

/// What events change in the appointments, the last word on each.
#[derive(Debug, Default)]
pub(crate) struct PostChanges {
    changed: BTreeMap<Uuid, AppointmentChanged>,
}

impl PostChanges {
    /// Those without usable ids are left out.
    pub(crate) fn of(events: &[Event]) -> Self {
        let changed = events.iter().filter_map(|event| match &event.payload {
            Some(Payload::Hierarchy(event)) => match &event.kind {
                Some(Kind::AppointmentChanged(changed)) => Some((read(changed)?.id, changed.clone())),
                _ => None,
            },
            _ => None,
        });
        Self { changed: changed.collect() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// Makes the same changes in memory.
    pub(crate) fn apply_to(&self, posts: &mut Posts) {
        self.changed.values().filter_map(read).for_each(|appointment| posts.put(appointment));
    }

    pub(crate) async fn store(&self, txn: &WriteTransaction) -> Result<(), DbErr> {
        Rows::new()
            .uuid("id", self.changed.keys().copied())
            .bytes("appointment_changed", self.changed.values().map(Message::encode_to_vec))
            .execute(
                &**txn,
                "INSERT INTO appointment_replica (id, appointment_changed) SELECT v.id, v.appointment_changed FROM v \
                 WHERE true ON CONFLICT (id) DO UPDATE SET appointment_changed = excluded.appointment_changed",
                &[],
            )
            .await
            .map(drop)
    }
}

/// The appointment as it is asked about; `None` when it has no usable ids.
fn read(changed: &AppointmentChanged) -> Option<Appointment> {
    let appointment = changed.appointment.as_ref()?;
    let micros = |time: &prost_types::Timestamp| Timestamp::from_proto(time).0;
    Some(Appointment {
        id: appointment.name.strip_prefix("appointments/")?.parse().ok()?,
        officer: appointment.officer.strip_prefix("members/")?.parse().ok()?,
        unit: changed.unit_uid.parse().ok()?,
        post: appointment.post(),
        nature: appointment.nature(),
        start: appointment.start_time.as_ref().map(micros)?,
        end: appointment.end_time.as_ref().map(micros),
    })
}

/// Forgets every appointment.
pub(crate) async fn clear(txn: &WriteTransaction) -> Result<(), DbErr> {
    txn.execute_unprepared("DELETE FROM appointment_replica").await.map(drop)
}

/// Every stored appointment.
pub(crate) async fn load(db: &impl ConnectionTrait) -> Result<Posts, DbErr> {
    let sql = "SELECT appointment_changed FROM appointment_replica";
    let mut posts = Posts::default();
    for row in db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await? {
        let bytes: Vec<u8> = row.try_get_by_index(0)?;
        let changed = AppointmentChanged::decode(bytes.as_slice()).map_err(|error| DbErr::Type(error.to_string()))?;
        read(&changed).into_iter().for_each(|appointment| posts.put(appointment));
    }
    Ok(posts)
}
