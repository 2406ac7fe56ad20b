//! What others make of the events.

use senani_proto::eventlog::v1::event::Payload;
use senani_proto::eventlog::v1::event_log_service_client::EventLogServiceClient;
use senani_proto::eventlog::v1::{Event, SubscribeRequest};
use senani_proto::hierarchy::v1::hierarchy_event::Kind;
use senani_proto::hierarchy::v1::{
    ChangeUnitKindRequest, CloseUnitRequest, ListUnitsRequest, MoveUnitRequest, ReopenUnitRequest,
    StreamSubtreeRequest, Unit, UnitKind,
};
use senani_testkit::engines;
use senani_unit_tree::{Replica, UnitEntry, UnitTree};
use uuid::Uuid;

use crate::changes::with_more;
use crate::fixture::{HEADER, Hierarchy};

fn entry(unit: &Unit, parent: Option<Uuid>) -> UnitEntry {
    let day = |date: &String| (!date.is_empty()).then(|| date.clone());
    UnitEntry {
        id: unit.uid.parse().expect("a UUID"),
        parent,
        kind: unit.kind,
        slug: unit.name.trim_start_matches("units/").to_owned(),
        names: unit.display_names.clone().into_iter().collect(),
        open_date: day(&unit.open_date),
        close_date: day(&unit.close_date),
    }
}

/// The tree of hierarchy's own answer, which names parents and not their ids.
async fn answered(hierarchy: &mut Hierarchy) -> UnitTree {
    let request = ListUnitsRequest { page_size: 500, show_closed: true, ..ListUnitsRequest::default() };
    let units = hierarchy.units.list_units(request).await.expect("lists").into_inner().units;
    let id = |name: &str| units.iter().find(|unit| unit.name == name).map(|unit| unit.uid.parse().expect("a UUID"));
    UnitTree::build(units.iter().map(|unit| entry(unit, id(&unit.parent)))).expect("a tree")
}

/// Enters the units of events.
fn hear(replica: &mut Replica, events: &[Event]) {
    for event in events {
        let Some(Payload::Hierarchy(event)) = &event.payload else { continue };
        let Some(Kind::UnitChanged(changed)) = &event.kind else { continue };
        let parent = (!changed.parent_uid.is_empty()).then(|| changed.parent_uid.parse().expect("a UUID"));
        replica.upsert(&entry(changed.unit.as_ref().expect("a unit"), parent));
    }
}

#[tokio::test]
async fn the_tree_built_from_the_events_is_hierarchys_own_answer_at_every_position() {
    for engine in engines() {
        let mut hierarchy = with_more(engine).await;
        let mut log = EventLogServiceClient::new(hierarchy.channel.clone());
        let mut feed = log.subscribe(SubscribeRequest::default()).await.expect("subscribes").into_inner();
        let mut replica = Replica::new();
        let mut heard = 0;
        // A fixed sequence of pseudo-random wishes, most of them refused: the same on both engines and in every run.
        let mut state = 20_260_101_u64;
        let mut draw = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).expect("31 bits") % below
        };
        let mut done = 0;
        for _ in 0..80 {
            let own = answered(&mut hierarchy).await;
            while heard < 8 + done {
                let events = feed.message().await.expect("a message").expect("not the end").events;
                heard += events.len();
                hear(&mut replica, &events);
            }
            assert_eq!(*replica.tree().expect("a tree"), own, "{engine} after {done} changes");

            let names: Vec<String> = own.units().map(|unit| format!("units/{}", unit.slug())).collect();
            let (name, parent) = (names[draw(names.len())].clone(), names[draw(names.len())].clone());
            let kind = [UnitKind::Station, UnitKind::Outpost, UnitKind::AssistantStation, UnitKind::Circle][draw(4)];
            let units = &mut hierarchy.units;
            let outcome = match draw(4) {
                0 => units.move_unit(MoveUnitRequest { name, parent, ..Default::default() }).await,
                1 => {
                    let kind = kind.into();
                    units.change_unit_kind(ChangeUnitKindRequest { name, kind, parent, ..Default::default() }).await
                }
                2 => units.close_unit(CloseUnitRequest { name, ..Default::default() }).await,
                _ => units.reopen_unit(ReopenUnitRequest { name, ..Default::default() }).await,
            };
            // A change to what it is already has no event.
            if let Ok(unit) = outcome {
                let before = own.by_slug(unit.get_ref().name.trim_start_matches("units/")).expect("known").to_entry();
                let parent = own.by_slug(unit.get_ref().parent.trim_start_matches("units/")).map(|unit| unit.id());
                done += usize::from(before != entry(unit.get_ref(), parent));
            }
        }
        assert!(done > 10, "{engine}: enough was done, {done}");
    }
}

#[tokio::test]
async fn moving_a_subtree_of_a_thousand_units_is_one_event_and_the_tree_has_all_of_it_there() {
    for engine in engines() {
        let mut hierarchy = with_more(engine).await;
        let rows: String =
            (0..1000).map(|number| format!("many-{number}-ps,sadar-sd,station,Many,अनेक,2005-01-01,,\n")).collect();
        hierarchy.import(format!("{HEADER}{rows}"), false).await.expect("imports");
        let (name, parent) = ("units/patna-district".to_owned(), "units/shahabad-range".to_owned());
        let request = MoveUnitRequest { name, parent, effective_date: "2020-01-01".into(), ..Default::default() };
        hierarchy.units.move_unit(request).await.expect("moves");

        let mut log = EventLogServiceClient::new(hierarchy.channel.clone());
        let mut feed = log.subscribe(SubscribeRequest::default()).await.expect("subscribes").into_inner();
        let mut replica = Replica::new();
        let mut heard = 0;
        while heard < 8 + 1000 + 1 {
            let events = feed.message().await.expect("a message").expect("not the end").events;
            heard += events.len();
            hear(&mut replica, &events);
        }
        assert_eq!(heard, 1009, "{engine}: eight, a thousand, and one for the move");
        let tree = replica.tree().expect("a tree");
        let under = |slug: &str| tree.by_slug(slug).expect("known").subtree().count();
        assert_eq!((under("shahabad-range"), under("patna-range")), (1005, 1), "{engine}");

        for (range, as_of, count) in [("shahabad", "", 1005), ("patna", "2019-12-31", 1005), ("patna", "2020-01-01", 1)]
        {
            let (name, as_of) = (format!("units/{range}-range"), as_of.to_owned());
            let request = StreamSubtreeRequest { name, as_of, ..Default::default() };
            let mut stream = hierarchy.units.stream_subtree(request).await.expect("a subtree").into_inner();
            let mut units = 0;
            while stream.message().await.expect("a message").is_some() {
                units += 1;
            }
            assert_eq!(units, count, "{engine}: {range}");
        }
    }
}
