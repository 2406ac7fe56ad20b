//! TEMPORARY measurement.
use std::net::SocketAddr;
use std::time::Instant;

use senani_membership::{App, Config};
use senani_proto::eventlog::cursor::Cursor;
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::eventlog::v1::event_log_service_server::{EventLogService, EventLogServiceServer};
use senani_proto::eventlog::v1::*;
use senani_proto::hierarchy::v1::hierarchy_event::Kind;
use senani_proto::hierarchy::v1::*;
use senani_proto::membership::v1::*;
use senani_proto::membership::v1::group_service_client::GroupServiceClient;
use senani_proto::membership::v1::member_service_client::MemberServiceClient;
use senani_proto::membership::v1::order_service_client::OrderServiceClient;
use senani_proto::membership::v1::audience_service_client::AudienceServiceClient;
use senani_testkit::*;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use uuid::Uuid;
use futures::StreamExt as _;
use std::pin::Pin;
use futures::Stream;

struct Told(Vec<Event>);
#[tonic::async_trait]
impl EventLogService for Told {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;
    type SnapshotStream = Pin<Box<dyn Stream<Item = Result<SnapshotResponse, Status>> + Send>>;
    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<Self::SubscribeStream>, Status> {
        let after = request.into_inner().cursor.parse::<Cursor>().map_or(0, |cursor| cursor.position);
        let events: Vec<Event> = self.0.iter().filter(|event| event.position > after).cloned().collect();
        let response = SubscribeResponse { events, cursor: Cursor { epoch: "told".into(), position: self.0.len() as i64 }.to_string(), send_time: None };
        Ok(Response::new(Box::pin(futures::stream::iter([Ok(response)]).chain(futures::stream::pending()))))
    }
    async fn snapshot(&self, _: Request<SnapshotRequest>) -> Result<Response<Self::SnapshotStream>, Status> { unimplemented!() }
}

fn kind(word: &str) -> UnitKind {
    UnitKind::from_str_name(&format!("UNIT_KIND_{}", word.to_uppercase())).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn measure() {
    let folder = "/work/main/data/bihar";
    let text = std::fs::read_to_string(format!("{folder}/units.csv")).unwrap();
    let mut events = Vec::new();
    let ids: std::collections::HashMap<String, Uuid> = text.lines().skip(1).map(|l| (l.split(',').next().unwrap().to_owned(), Uuid::now_v7())).collect();
    for line in text.lines().skip(1) {
        let c: Vec<&str> = line.split(',').collect();
        let unit = Unit { name: format!("units/{}", c[0]), uid: ids[c[0]].to_string(), kind: kind(c[2]).into(), display_names: [("hi".to_owned(), c[0].to_owned())].into(), ..Unit::default() };
        let parent_uid = if c[1].is_empty() { String::new() } else { ids[c[1]].to_string() };
        events.push(Event { position: events.len() as i64 + 1, payload: Some(Payload::Hierarchy(HierarchyEvent { kind: Some(Kind::UnitChanged(UnitChanged { unit: Some(unit), parent_uid })) })), ..Event::default() });
    }
    let server = PostgresServer::start(Durability::On).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite://{}/m.sqlite?mode=rwc", directory.path().display());
    let which = std::env::var("ENGINE").unwrap_or_default();
    for url in [server.create_database("m").unwrap(), sqlite] {
        if !which.is_empty() && !url.starts_with(&which) { continue; }
        let stop = CancellationToken::new();
        let listener = senani_server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let hierarchy = listener.local_addr().unwrap();
        tokio::spawn(senani_server::Server::new("hierarchy").add_service(EventLogServiceServer::new(Told(events.clone())).max_encoding_message_size(64<<20)).serve(listener, stop.clone()));
        let config = Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), database_url: url.clone(), hierarchy_url: format!("http://{hierarchy}"), keys_file: directory.path().join("keys"), ..Config::default() };
        App::migrate(&config).await.unwrap();
        let app = App::build(config).await.unwrap();
        let address = app.address();
        tokio::spawn(app.run(stop.clone()));
        let channel = crate::fixture::connect(address, "officers/x");
        let mut groups = GroupServiceClient::new(channel.clone());
        let rule = |kind, audience, min| crate::fixture::rule(kind, audience, min);
        let mut order = crate::fixture::order("2020-05-20");
        order.rules = vec![
            rule(UnitKind::Station, GroupAudience::Community, 200), rule(UnitKind::Outpost, GroupAudience::Community, 100),
            rule(UnitKind::Subdivision, GroupAudience::Community, 200), rule(UnitKind::District, GroupAudience::Community, 100),
            rule(UnitKind::Wing, GroupAudience::Apex, 20), rule(UnitKind::WingRegionalOffice, GroupAudience::Regional, 50), rule(UnitKind::Battalion, GroupAudience::Regional, 50),
            rule(UnitKind::DistrictPoliceCentre, GroupAudience::WomenPolice, 100),
            OrderRule { ranks: vec![12, 11, 10, 9], ..rule(UnitKind::DistrictPoliceCentre, GroupAudience::PoliceRank, 200) },
        ];
        OrderServiceClient::new(channel.clone()).issue_order(crate::fixture::issue("order-2020", order)).await.unwrap();
        let form = FormGroupsRequest { unit: "units/bihar-hq".into(), ..Default::default() };
        eventually(std::time::Duration::from_secs(20), "structure", async || groups.clone().form_groups(FormGroupsRequest { validate_only: true, ..form.clone() }).await.is_ok()).await;
        let start = Instant::now();
        let formed = groups.form_groups(form).await.unwrap().into_inner();
        println!("{} formed {} in {:?}", &url[..8], formed.group_count, start.elapsed());
        let file = std::fs::read(std::env::var("MEMBERS").unwrap_or("/tmp/membership-measure/members.csv".into())).unwrap();
        let start = Instant::now();
        let done = crate::fixture::import(MemberServiceClient::new(channel.clone()), crate::fixture::pieces(&Uuid::new_v4().to_string(), &file)).await.unwrap();
        let took = start.elapsed();
        println!("{} imported {} rows in {took:?}: {:.0} rows/s; {:?}", &url[..8], done.row_count, done.row_count as f64 / took.as_secs_f64(), done);
        let start = Instant::now();
        let mut audience = AudienceServiceClient::new(crate::fixture::connect(address, "services/bulletin"));
        for unit in ["units/bihar-hq", "units/patna-range", "units/gaya-district"] {
            let selector = AudienceSelector { units: vec![unit.into()], ..Default::default() };
            let Ok(stream) = audience.resolve_audience(ResolveAudienceRequest { audience: Some(selector.clone()), ..Default::default() }).await else { println!("no {unit}"); continue };
            let first = start.elapsed();
            let mut stream = stream.into_inner();
            let mut count = 0;
            while let Some(r) = stream.message().await.unwrap() { if let Some(resolve_audience_response::Part::Page(p)) = r.part { count += p.persons.len(); } }
            println!("{unit} resolved {count} in {:?}", start.elapsed());
            let start = Instant::now();
            let c = MemberServiceClient::new(channel.clone()).count_audience(CountAudienceRequest { audience: Some(selector) }).await.unwrap();
            println!("counted in {:?} (first {first:?}): {:?}", start.elapsed(), c.into_inner());
        }
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        println!("{}", status.lines().find(|l| l.starts_with("VmHWM")).unwrap());
        stop.cancel();
    }
}
