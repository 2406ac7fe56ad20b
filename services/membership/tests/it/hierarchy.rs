//! A hierarchy that tells one small structure, two sets of units, and what a test has it tell: services never know each other's code.

use std::net::SocketAddr;
use std::pin::Pin;

use futures::Stream;
use senani_proto::eventlog::cursor::Cursor;
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::eventlog::v1::event_log_service_server::{EventLogService, EventLogServiceServer};
use senani_proto::eventlog::v1::{Event, SnapshotRequest, SnapshotResponse, SubscribeRequest, SubscribeResponse};
use senani_proto::hierarchy::v1::hierarchy_event::Kind;
use senani_proto::hierarchy::v1::{Appointment, AppointmentChanged, AppointmentNature, Post};
use senani_proto::hierarchy::v1::{HierarchyEvent, Unit, UnitChanged, UnitKind, UnitSet, UnitSetChanged};
use senani_server::Server;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// Slug, parent, kind, closing date.
pub(crate) const UNITS: [(&str, &str, UnitKind, &str); 13] = [
    ("bihar-hq", "", UnitKind::StateHq, ""),
    ("eou-wing", "bihar-hq", UnitKind::Wing, ""),
    ("patna-zone", "bihar-hq", UnitKind::Zone, ""),
    ("patna-range", "patna-zone", UnitKind::Range, ""),
    ("patna-district", "patna-range", UnitKind::District, ""),
    ("patna-centre", "patna-district", UnitKind::DistrictPoliceCentre, ""),
    ("patna-sadar", "patna-district", UnitKind::Subdivision, ""),
    ("kotwali-ps", "patna-sadar", UnitKind::Station, ""),
    ("gandhi-maidan-ps", "patna-sadar", UnitKind::Station, ""),
    ("old-ps", "patna-sadar", UnitKind::Station, "2015-01-01"),
    ("kotwali-op", "kotwali-ps", UnitKind::Outpost, ""),
    ("gaya-district", "patna-zone", UnitKind::District, ""),
    ("gaya-ps", "gaya-district", UnitKind::Station, ""),
];

/// The id of a unit: always the same for a slug.
pub(crate) fn unit_id(slug: &str) -> Uuid {
    let position = UNITS.iter().position(|unit| unit.0 == slug).expect("a unit of the structure");
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + position as u128)
}

/// Serves the structure until `stop`; answers the URL and who tells more.
pub(crate) fn serve(stop: CancellationToken) -> (String, Teller) {
    let listener = senani_server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("binds");
    let address = listener.local_addr().expect("has an address");
    let (teller, told) = watch::channel(first_events());
    let server = Server::new("hierarchy").add_service(EventLogServiceServer::new(Told(told)));
    tokio::spawn(server.serve(listener, stop));
    (format!("http://{address}"), Teller(teller))
}

/// Has the hierarchy tell more.
pub(crate) struct Teller(watch::Sender<Vec<Event>>);

impl Teller {
    pub(crate) fn tell(&self, kind: Kind) {
        self.0.send_modify(|events| events.push(event(kind, events.len() as i64 + 1)));
    }
}

/// A unit of the structure as it is told, of another kind perhaps.
pub(crate) fn unit_changed(slug: &str, kind: UnitKind) -> Kind {
    let (_, parent, _, close_date) = UNITS.into_iter().find(|unit| unit.0 == slug).expect("a unit of the structure");
    let number = UNITS.iter().position(|unit| unit.0 == slug).unwrap_or_default() + 1;
    let unit = Unit {
        name: format!("units/{slug}"),
        uid: unit_id(slug).to_string(),
        kind: kind.into(),
        parent: if parent.is_empty() { String::new() } else { format!("units/{parent}") },
        display_names: [("hi".to_owned(), format!("इकाई {number}")), ("en".to_owned(), slug.to_owned())].into(),
        open_date: "2000-11-15".to_owned(),
        close_date: close_date.to_owned(),
        ..Unit::default()
    };
    let parent_uid = if parent.is_empty() { String::new() } else { unit_id(parent).to_string() };
    Kind::UnitChanged(UnitChanged { unit: Some(unit), parent_uid })
}

/// Units that are put into a set.
pub(crate) fn set_changed(set: &str, added: &[&str]) -> Kind {
    Kind::UnitSetChanged(UnitSetChanged {
        unit_set: Some(UnitSet { name: format!("unitSets/{set}"), ..UnitSet::default() }),
        added_unit_uids: added.iter().map(|slug| unit_id(slug).to_string()).collect(),
        removed_unit_uids: Vec::new(),
    })
}

/// An officer who heads a unit from the epoch on, by id.
pub(crate) fn heads(unit: &str, officer: Uuid) -> Kind {
    Kind::AppointmentChanged(AppointmentChanged {
        appointment: Some(Appointment {
            name: format!("appointments/{}", Uuid::new_v4()),
            officer: format!("members/{officer}"),
            unit: format!("units/{unit}"),
            post: Post::Head.into(),
            nature: AppointmentNature::Substantive.into(),
            start_time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
            ..Appointment::default()
        }),
        unit_uid: unit_id(unit).to_string(),
    })
}

struct Told(watch::Receiver<Vec<Event>>);

fn event(kind: Kind, position: i64) -> Event {
    let payload = Payload::Hierarchy(HierarchyEvent { kind: Some(kind) });
    Event { position, payload: Some(payload), ..Event::default() }
}

fn first_events() -> Vec<Event> {
    let units = UNITS.iter().map(|(slug, _, kind, _)| unit_changed(slug, *kind));
    let sets = [set_changed("railway", &["gandhi-maidan-ps"]), set_changed("riverine", &[])];
    units.chain(sets).zip(1..).map(|(kind, position)| event(kind, position)).collect()
}

fn cursor(position: i64) -> String {
    Cursor { epoch: "told".to_owned(), position }.to_string()
}

#[tonic::async_trait]
impl EventLogService for Told {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;
    type SnapshotStream = Pin<Box<dyn Stream<Item = Result<SnapshotResponse, Status>> + Send>>;

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<Self::SubscribeStream>, Status> {
        let after = request.into_inner().cursor.parse::<Cursor>().map_or(0, |cursor| cursor.position);
        let mut told = self.0.clone();
        told.mark_changed();
        let more = futures::stream::unfold((told, after), |(mut told, after)| async move {
            told.changed().await.ok()?;
            let events: Vec<Event> =
                told.borrow_and_update().iter().filter(|event| event.position > after).cloned().collect();
            let last = events.last().map_or(after, |event| event.position);
            let response = SubscribeResponse { events, cursor: cursor(last), send_time: None };
            Some((Ok(response), (told, last)))
        });
        Ok(Response::new(Box::pin(more)))
    }

    async fn snapshot(&self, _: Request<SnapshotRequest>) -> Result<Response<Self::SnapshotStream>, Status> {
        let events = self.0.borrow().clone();
        let cursor = cursor(events.len() as i64);
        let last = SnapshotResponse { events, cursor };
        Ok(Response::new(Box::pin(futures::stream::iter([Ok(last)]))))
    }
}
