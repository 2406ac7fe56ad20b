//! Sets of units.

use senani_proto::eventlog::v1::event::Payload;
use senani_proto::eventlog::v1::event_log_service_client::EventLogServiceClient;
use senani_proto::eventlog::v1::{Event, SnapshotRequest, SubscribeRequest};
use senani_proto::hierarchy::v1::hierarchy_event::Kind;
use senani_proto::hierarchy::v1::unit_set_service_client::UnitSetServiceClient;
use senani_proto::hierarchy::v1::{
    AddUnitsToSetRequest, CloseUnitSetRequest, CreateUnitSetRequest, GetUnitSetRequest, ListUnitSetsRequest,
    ListUnitsOfSetRequest, RemoveUnitsFromSetRequest, UnitSet, UnitSetChanged, UpdateUnitSetRequest,
};
use senani_testkit::engines;
use uuid::Uuid;

use crate::fixture::{Hierarchy, metadata, refusal};

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
            Kind::UnitChanged(_) | Kind::AppointmentChanged(_) => None,
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
async fn a_set_is_renamed_and_closed_and_answers_for_the_days_before() {
    for engine in engines() {
        let hierarchy = Hierarchy::with_state(engine).await;
        let mut sets = UnitSetServiceClient::new(hierarchy.channel.clone());
        let created = sets.create_unit_set(creating("riverine")).await.expect("creates").into_inner();
        let both = ["units/patna-zone", "units/patna-district"];
        let filled = sets.add_units_to_set(adding(&both, "2015-01-01")).await.expect("adds").into_inner();
        assert_ne!(filled.etag, created.etag, "{engine}");

        let display_names = [("hi".to_owned(), "नदी किनारे".to_owned())].into();
        let renaming = |etag: &str, paths: &[&str]| UpdateUnitSetRequest {
            unit_set: Some(UnitSet { name: SET.into(), display_names, etag: etag.into(), ..UnitSet::default() }),
            update_mask: Some(prost_types::FieldMask { paths: paths.iter().map(|path| (*path).into()).collect() }),
            request_id: Uuid::now_v7().to_string(),
        };
        let right = renaming(&filled.etag, &["display_names"]);
        let stale = UpdateUnitSetRequest { request_id: String::new(), ..right.clone() };
        let renamed = sets.update_unit_set(right.clone()).await.expect("renames").into_inner();
        assert_eq!((renamed.display_names["hi"].as_str(), renamed.unit_count), ("नदी किनारे", 2), "{engine}");
        assert_eq!(sets.update_unit_set(right).await.expect("answers").into_inner(), renamed, "{engine}: once");
        let status = sets.update_unit_set(stale.clone()).await.expect_err("is stale");
        assert_eq!(
            (refusal(&status).0, metadata(&status, "unit_set")),
            ("ETAG_MISMATCH".into(), SET.into()),
            "{engine}"
        );
        let mask = prost_types::FieldMask { paths: vec!["unit_count".into()] };
        let status = sets.update_unit_set(UpdateUnitSetRequest { update_mask: Some(mask), ..stale }).await;
        assert_eq!(refusal(&status.expect_err("cannot be set")).0, "UPDATE_MASK_INVALID", "{engine}");

        let closing = |date: &str| CloseUnitSetRequest {
            name: SET.into(),
            effective_date: date.into(),
            ..CloseUnitSetRequest::default()
        };
        let status = sets.close_unit_set(closing("2014-12-31")).await.expect_err("units came in 2015");
        assert_eq!(refusal(&status).0, "EFFECTIVE_DATE_TOO_EARLY", "{engine}");
        let imagined = CloseUnitSetRequest { validate_only: true, ..closing("2018-01-01") };
        sets.close_unit_set(imagined).await.expect("answers");
        let closed = sets.close_unit_set(closing("2018-01-01")).await.expect("closes").into_inner();
        assert_eq!((closed.close_date.as_str(), closed.unit_count), ("2018-01-01", 0), "{engine}");
        for (as_of, count) in [("2014-12-31", 0), ("2017-12-31", 2), ("2018-01-01", 0), ("", 0)] {
            let request =
                ListUnitsOfSetRequest { name: SET.into(), as_of: as_of.into(), ..ListUnitsOfSetRequest::default() };
            let units = sets.list_units_of_set(request).await.expect("lists").into_inner().units;
            assert_eq!(units.len(), count, "{engine} as of {as_of}");
        }
        let status = sets.close_unit_set(closing("")).await.expect_err("is closed");
        assert_eq!(refusal(&status).0, "UNIT_SET_CLOSED", "{engine}");
        let status = sets.add_units_to_set(adding(&both, "")).await.expect_err("is closed");
        assert_eq!((refusal(&status).0, metadata(&status, "unit_set")), ("UNIT_SET_CLOSED".into(), SET.into()));
        for (show_closed, count) in [(false, 0), (true, 1)] {
            let request = ListUnitSetsRequest { show_closed, ..ListUnitSetsRequest::default() };
            let listed = sets.list_unit_sets(request).await.expect("lists").into_inner().unit_sets;
            assert_eq!(listed.len(), count, "{engine}");
        }
        // Four units; the set created, filled, renamed, closed.
        let (heard, _) = hierarchy.events(8).await;
        let heard = changes(&heard);
        assert_eq!((heard.len(), heard[3].removed_unit_uids.len()), (4, 2), "{engine}");
        assert_eq!(heard[3].unit_set, Some(closed), "{engine}");
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
        let first = sets.list_unit_sets(page.clone()).await.expect("lists").into_inner();
        assert_eq!(
            (first.unit_sets[0].name.as_str(), first.unit_sets[0].unit_count),
            ("unitSets/border", 0),
            "{engine}"
        );
        let page = ListUnitSetsRequest { page_token: first.next_page_token, ..page };
        let last = sets.list_unit_sets(page).await.expect("lists").into_inner();
        assert_eq!((last.unit_sets[0].name.as_str(), last.next_page_token.as_str()), (SET, ""), "{engine}");
    }
}
