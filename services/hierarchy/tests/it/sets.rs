//! Sets of units.

use senani_proto::eventlog::v1::event::Payload;
use senani_proto::eventlog::v1::event_log_service_client::EventLogServiceClient;
use senani_proto::eventlog::v1::{Event, SnapshotRequest, SubscribeRequest};
use senani_proto::hierarchy::v1::hierarchy_event::Kind;
use senani_proto::hierarchy::v1::unit_set_service_client::UnitSetServiceClient;
use senani_proto::hierarchy::v1::{
    AddUnitsToSetRequest, CreateUnitSetRequest, GetUnitSetRequest, ListUnitSetsRequest, ListUnitsOfSetRequest,
    RemoveUnitsFromSetRequest, UnitSet, UnitSetChanged,
};
use senani_testkit::engines;
use uuid::Uuid;

use crate::fixture::{Hierarchy, refusal};

const SET: &str = "unitSets/riverine";

fn creating(slug: &str) -> CreateUnitSetRequest {
    let display_names = [("hi".to_owned(), "नदी".to_owned())].into();
    CreateUnitSetRequest {
        unit_set: Some(UnitSet { display_names, ..UnitSet::default() }),
        unit_set_id: slug.to_owned(),
        request_id: Uuid::now_v7().to_string(),
    }
}

fn adding(units: &[&str], date: &str) -> AddUnitsToSetRequest {
    AddUnitsToSetRequest {
        name: SET.to_owned(),
        units: units.iter().map(|unit| (*unit).to_owned()).collect(),
        effective_date: date.to_owned(),
        request_id: String::new(),
    }
}

fn removing(units: &[&str], date: &str) -> RemoveUnitsFromSetRequest {
    let AddUnitsToSetRequest { name, units, effective_date, request_id } = adding(units, date);
    RemoveUnitsFromSetRequest { name, units, effective_date, request_id }
}

fn changes(events: &[Event]) -> Vec<&UnitSetChanged> {
    let kinds = events.iter().filter_map(|event| match &event.payload {
        Some(Payload::Hierarchy(event)) => event.kind.as_ref(),
        _ => None,
    });
    kinds
        .filter_map(|kind| match kind {
            Kind::UnitSetChanged(changed) => Some(changed),
            Kind::UnitChanged(_) => None,
        })
        .collect()
}

#[tokio::test]
async fn a_set_has_its_units_from_a_day_until_a_day() {
    for engine in engines() {
        let hierarchy = Hierarchy::with_state(engine).await;
        let mut sets = UnitSetServiceClient::new(hierarchy.channel.clone());
        let request = creating("riverine");
        let created = sets.create_unit_set(request.clone()).await.expect("creates").into_inner();
        assert_eq!(sets.create_unit_set(request).await.expect("answers").into_inner(), created, "{engine}");
        let both = ["units/patna-zone", "units/patna-district"];
        let set = sets.add_units_to_set(adding(&both, "2015-01-01")).await.expect("adds").into_inner();
        assert_eq!(set.unit_count, 2, "{engine}");
        let again = sets.add_units_to_set(adding(&both[..1], "2014-01-01")).await.expect("adds").into_inner();
        assert_eq!(again, set, "{engine}: it is in already");
        let set = sets.remove_units_from_set(removing(&both[..1], "2018-01-01")).await.expect("removes").into_inner();
        assert_eq!(set.unit_count, 1, "{engine}");
        assert_eq!(sets.get_unit_set(GetUnitSetRequest { name: SET.into() }).await.expect("reads").into_inner(), set);
        let status = sets.add_units_to_set(adding(&both[..1], "2017-01-01")).await.expect_err("it left in 2018");
        assert_eq!(refusal(&status).0, "EFFECTIVE_DATE_TOO_EARLY", "{engine}");

        for (as_of, count) in [("2014-12-31", 0), ("2015-01-01", 2), ("2017-12-31", 2), ("2018-01-01", 1), ("", 1)] {
            let request =
                ListUnitsOfSetRequest { name: SET.into(), as_of: as_of.into(), ..ListUnitsOfSetRequest::default() };
            let units = sets.list_units_of_set(request).await.expect("lists").into_inner().units;
            assert_eq!(units.len(), count, "{engine} as of {as_of}");
        }

        // What is heard from the log is what a snapshot tells.
        let mut log = EventLogServiceClient::new(hierarchy.channel.clone());
        let mut feed = log.subscribe(SubscribeRequest::default()).await.expect("subscribes").into_inner();
        let mut heard = Vec::new();
        while heard.len() < 7 {
            heard.extend(feed.message().await.expect("a message").expect("not the end").events);
        }
        let heard = changes(&heard);
        assert_eq!(heard.len(), 3, "{engine}: created, two in, one out");
        let mut within: Vec<&String> = heard.iter().flat_map(|changed| &changed.added_unit_uids).collect();
        within.retain(|unit| !heard[2].removed_unit_uids.contains(unit));
        let mut snapshot = log.snapshot(SnapshotRequest::default()).await.expect("a snapshot").into_inner();
        let mut events = Vec::new();
        while let Some(message) = snapshot.message().await.expect("a message") {
            events.extend(message.events);
        }
        let told: Vec<&String> = changes(&events).iter().flat_map(|changed| &changed.added_unit_uids).collect();
        assert_eq!((told.len(), &told), (1, &within), "{engine}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_set_is_told_by_its_reason() {
    for engine in engines() {
        let hierarchy = Hierarchy::with_state(engine).await;
        let mut sets = UnitSetServiceClient::new(hierarchy.channel.clone());
        sets.create_unit_set(creating("riverine")).await.expect("creates");
        sets.create_unit_set(creating("border")).await.expect("creates");
        let nameless = CreateUnitSetRequest { unit_set: None, ..creating("railway") };
        for (request, reason) in [
            (creating("riverine"), "UNIT_SET_EXISTS"),
            (creating("Railway"), "SLUG_INVALID"),
            (nameless, "NAME_MISSING_IN_HINDI"),
        ] {
            let status = sets.create_unit_set(request).await.expect_err(reason);
            assert_eq!(refusal(&status).0, reason, "{engine}");
        }
        let nowhere = AddUnitsToSetRequest { name: "unitSets/nowhere".into(), ..adding(&["units/bihar-hq"], "") };
        for (request, reason) in [
            (adding(&["units/bihar-hq", "units/nowhere"], ""), "UNIT_NOT_FOUND"),
            (adding(&["units/bihar-hq"], "9999-01-01"), "EFFECTIVE_DATE_IN_FUTURE"),
            (adding(&[], ""), "BATCH_SIZE_INVALID"),
            (nowhere, "UNIT_SET_NOT_FOUND"),
        ] {
            let status = sets.add_units_to_set(request).await.expect_err(reason);
            assert_eq!(refusal(&status).0, reason, "{engine}");
        }
        let page = ListUnitSetsRequest { page_size: 1, ..ListUnitSetsRequest::default() };
        let first = sets.list_unit_sets(page).await.expect("lists").into_inner();
        assert_eq!(
            (first.unit_sets[0].name.as_str(), first.unit_sets[0].unit_count),
            ("unitSets/border", 0),
            "{engine}"
        );
        let page = ListUnitSetsRequest { page_size: 1, page_token: first.next_page_token };
        let last = sets.list_unit_sets(page).await.expect("lists").into_inner();
        assert_eq!((last.unit_sets[0].name.as_str(), last.next_page_token.as_str()), (SET, ""), "{engine}");
    }
}
