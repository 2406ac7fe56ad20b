//! A hierarchy that tells one small structure and nothing else: services never know each other's code.

use std::net::SocketAddr;
use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use senani_proto::eventlog::cursor::Cursor;
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::eventlog::v1::event_log_service_server::{EventLogService, EventLogServiceServer};
use senani_proto::eventlog::v1::{Event, SnapshotRequest, SnapshotResponse, SubscribeRequest, SubscribeResponse};
use senani_proto::hierarchy::v1::hierarchy_event::Kind;
use senani_proto::hierarchy::v1::{HierarchyEvent, Unit, UnitChanged, UnitKind};
use senani_server::Server;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// Slug, parent, kind, closing date.
const UNITS: [(&str, &str, UnitKind, &str); 13] = [
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

/// Serves the structure until `stop`; answers the URL.
pub(crate) fn serve(stop: CancellationToken) -> String {
    let listener = senani_server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("binds");
    let address = listener.local_addr().expect("has an address");
    let server = Server::new("hierarchy").add_service(EventLogServiceServer::new(Told));
    tokio::spawn(server.serve(listener, stop));
    format!("http://{address}")
}

struct Told;

fn events() -> Vec<Event> {
    UNITS
        .iter()
        .zip(1..)
        .map(|((slug, parent, kind, close_date), position)| {
            let unit = Unit {
                name: format!("units/{slug}"),
                uid: unit_id(slug).to_string(),
                kind: (*kind).into(),
                parent: if parent.is_empty() { String::new() } else { format!("units/{parent}") },
                display_names: [("hi".to_owned(), format!("इकाई {position}")), ("en".to_owned(), (*slug).to_owned())]
                    .into(),
                open_date: "2000-11-15".to_owned(),
                close_date: (*close_date).to_owned(),
                ..Unit::default()
            };
            let parent_uid = if parent.is_empty() { String::new() } else { unit_id(parent).to_string() };
            let changed = UnitChanged { unit: Some(unit), parent_uid };
            let event = HierarchyEvent { kind: Some(Kind::UnitChanged(changed)) };
            Event { position, payload: Some(Payload::Hierarchy(event)), ..Event::default() }
        })
        .collect()
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
        let events: Vec<Event> = events().into_iter().filter(|event| event.position > after).collect();
        let response = SubscribeResponse { events, cursor: cursor(UNITS.len() as i64), send_time: None };
        let all = futures::stream::iter([Ok(response)]).chain(futures::stream::pending());
        Ok(Response::new(Box::pin(all)))
    }

    async fn snapshot(&self, _: Request<SnapshotRequest>) -> Result<Response<Self::SnapshotStream>, Status> {
        let last = SnapshotResponse { events: events(), cursor: cursor(UNITS.len() as i64) };
        Ok(Response::new(Box::pin(futures::stream::iter([Ok(last)]))))
    }
}
