//! Creating and reading units.

use senani_proto::eventlog::v1::SubscribeRequest;
use senani_proto::eventlog::v1::event_log_service_client::EventLogServiceClient;
use senani_proto::hierarchy::v1::{
    BatchGetUnitsRequest, CreateUnitRequest, GetUnitRequest, ListAncestorsRequest, ListUnitsRequest,
    StreamSubtreeRequest, Unit, UnitKind,
};
use senani_testkit::engines;
use tonic::Code;
use uuid::Uuid;

use crate::fixture::{Hierarchy, refusal, subdivision};

#[tokio::test]
async fn a_created_unit_is_read_back_and_its_event_is_on_the_log() {
    for engine in engines() {
        let mut hierarchy = Hierarchy::with_state(engine).await;
        let created = hierarchy.create(subdivision("patna-sadar")).await.expect("creates");
        assert_eq!(created.name, "units/patna-sadar", "{engine}");
        assert!(!created.open_date.is_empty(), "today, when no date is given");
        let read = hierarchy
            .units
            .get_unit(GetUnitRequest { name: created.name.clone(), ..GetUnitRequest::default() })
            .await
            .expect("reads");
        assert_eq!(read.into_inner(), created, "{engine}");

        let mut log = EventLogServiceClient::new(hierarchy.channel.clone());
        let mut feed = log.subscribe(SubscribeRequest::default()).await.expect("subscribes").into_inner();
        let events = feed.message().await.expect("a message").expect("not the end").events;
        assert_eq!(events.len(), 5, "{engine}: four imported, one created");
        assert!(events.iter().zip(1..).all(|(event, position)| event.position == position), "{engine}");
    }
}

#[tokio::test]
async fn a_repeated_create_answers_the_same_unit_and_another_request_with_its_id_is_refused() {
    for engine in engines() {
        let mut hierarchy = Hierarchy::with_state(engine).await;
        let request = CreateUnitRequest { request_id: Uuid::now_v7().to_string(), ..subdivision("patna-sadar") };
        let mut other = hierarchy.units.clone();
        let (first, second) = tokio::join!(hierarchy.create(request.clone()), other.create_unit(request.clone()));
        assert_eq!(first.expect("first"), second.expect("second").into_inner(), "{engine}");
        let reused = CreateUnitRequest { unit_id: "patna-city".to_owned(), ..request };
        let status = hierarchy.create(reused).await.expect_err("another request");
        assert_eq!(refusal(&status), ("REQUEST_ID_REUSED".to_owned(), vec!["request_id".to_owned()]), "{engine}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_unit_is_told_by_reason_and_field_and_changes_nothing() {
    let with = |change: &dyn Fn(&mut Unit)| {
        let mut request = subdivision("patna-sadar");
        change(request.unit.as_mut().expect("a unit"));
        request
    };
    let wrong = [
        (with(&|unit| unit.parent = "units/nowhere".into()), "PARENT_UNKNOWN", "unit.parent"),
        (with(&|unit| unit.parent = String::new()), "ROOT_EXISTS", "unit.parent"),
        (with(&|unit| unit.parent = "groups/nowhere".into()), "NAME_INVALID", "unit.parent"),
        (with(&|unit| unit.kind = UnitKind::Zone.into()), "KIND_FORBIDDEN_UNDER_PARENT", "unit.kind"),
        (with(&|unit| unit.kind = 0), "KIND_MISSING", "unit.kind"),
        (with(&|unit| drop(unit.display_names.remove("hi"))), "NAME_MISSING_IN_HINDI", "unit.display_names[hi]"),
        (
            with(&|unit| drop(unit.display_names.insert("en".into(), "x".repeat(201)))),
            "DISPLAY_NAME_INVALID",
            "unit.display_names",
        ),
        (with(&|unit| unit.open_date = "2026-02-30".into()), "DATE_INVALID", "unit.open_date"),
        (with(&|unit| drop(unit.codes.insert("lgd".into(), "212".into()))), "CODE_TAKEN", "unit.codes[lgd]"),
        (subdivision("patna-district"), "SLUG_TAKEN", "unit_id"),
        (subdivision("Patna Sadar"), "SLUG_INVALID", "unit_id"),
        (
            CreateUnitRequest { request_id: "7".into(), ..subdivision("patna-sadar") },
            "REQUEST_ID_INVALID",
            "request_id",
        ),
    ];
    for engine in engines() {
        let mut hierarchy = Hierarchy::with_state(engine).await;
        for (request, reason, field) in &wrong {
            let status = hierarchy.create(request.clone()).await.expect_err(reason);
            assert_eq!(refusal(&status), ((*reason).to_owned(), vec![(*field).to_owned()]), "{engine}");
        }
        let validated = CreateUnitRequest { validate_only: true, ..subdivision("patna-sadar") };
        hierarchy.create(validated).await.expect("is right");
        let listed = hierarchy.units.list_units(ListUnitsRequest::default()).await.expect("lists").into_inner();
        assert_eq!(listed.units.len(), 4, "{engine}: nothing was created");
    }
}

#[tokio::test]
async fn the_way_up_the_subtree_and_batches_come_in_their_order() {
    for engine in engines() {
        let mut hierarchy = Hierarchy::with_state(engine).await;
        let names = |units: &[Unit]| units.iter().map(|unit| unit.name.clone()).collect::<Vec<_>>();
        let request = ListAncestorsRequest { name: "units/patna-district".into(), ..ListAncestorsRequest::default() };
        let ancestors = hierarchy.units.list_ancestors(request).await.expect("ancestors").into_inner().units;
        assert_eq!(names(&ancestors), ["units/patna-range", "units/patna-zone", "units/bihar-hq"], "{engine}");

        let request = StreamSubtreeRequest { name: "units/patna-zone".into(), ..StreamSubtreeRequest::default() };
        let mut stream = hierarchy.units.stream_subtree(request).await.expect("a subtree").into_inner();
        let mut subtree = Vec::new();
        while let Some(response) = stream.message().await.expect("a message") {
            subtree.push((response.unit.expect("a unit").name, response.depth));
        }
        let expected = [("units/patna-zone", 0), ("units/patna-range", 1), ("units/patna-district", 2)];
        assert_eq!(subtree, expected.map(|(name, depth)| (name.to_owned(), depth)), "{engine}");

        let request = BatchGetUnitsRequest {
            names: vec!["units/patna-zone".into(), "units/bihar-hq".into()],
            ..BatchGetUnitsRequest::default()
        };
        let batch = hierarchy.units.batch_get_units(request).await.expect("a batch").into_inner().units;
        assert_eq!(names(&batch), ["units/patna-zone", "units/bihar-hq"], "{engine}");
        let request = BatchGetUnitsRequest {
            names: vec!["units/bihar-hq".into(), "units/nowhere".into()],
            ..BatchGetUnitsRequest::default()
        };
        let status = hierarchy.units.batch_get_units(request).await.expect_err("one is missing");
        assert_eq!((status.code(), refusal(&status).0.as_str()), (Code::NotFound, "UNIT_NOT_FOUND"), "{engine}");
    }
}

#[tokio::test]
async fn pages_hold_every_unit_once_and_their_tokens_belong_to_their_request() {
    for engine in engines() {
        let mut hierarchy = Hierarchy::with_state(engine).await;
        let mut request = ListUnitsRequest { page_size: 3, ..ListUnitsRequest::default() };
        let first = hierarchy.units.list_units(request.clone()).await.expect("a page").into_inner();
        assert_eq!(first.units.len(), 3, "{engine}");
        request.page_token.clone_from(&first.next_page_token);
        let last = hierarchy.units.list_units(request.clone()).await.expect("a page").into_inner();
        assert_eq!((last.units.len(), last.next_page_token.as_str()), (1, ""), "{engine}");

        let filtered = ListUnitsRequest { parent: "units/bihar-hq".into(), ..ListUnitsRequest::default() };
        let children = hierarchy.units.list_units(filtered.clone()).await.expect("children").into_inner().units;
        assert_eq!(children[0].name, "units/patna-zone", "{engine}");
        let foreign = ListUnitsRequest { page_token: first.next_page_token, ..filtered };
        let status = hierarchy.units.list_units(foreign).await.expect_err("a token of another request");
        assert_eq!(refusal(&status).0, "PAGE_TOKEN_INVALID", "{engine}");
        let negative = ListUnitsRequest { page_size: -1, ..ListUnitsRequest::default() };
        let status = hierarchy.units.list_units(negative).await.expect_err("a negative size");
        assert_eq!(refusal(&status).0, "PAGE_SIZE_INVALID", "{engine}");
    }
}
