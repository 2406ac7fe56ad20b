//! Changing units from a day on.

use prost_types::FieldMask;
use senani_hierarchy::domain::FOREVER;
use senani_proto::hierarchy::v1::{
    ChangeUnitKindRequest, CloseUnitRequest, CreateUnitRequest, GetUnitRequest, ListAncestorsRequest,
    ListUnitHistoryRequest, ListUnitsRequest, MoveUnitRequest, ReopenUnitRequest, StreamSubtreeRequest, Unit, UnitKind,
    UpdateUnitRequest,
};
use senani_testkit::engines;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::fixture::{HEADER, Hierarchy, STATE, refusal};

/// Beside the state: a second range, and under the district a subdivision with a station and its outpost.
const MORE: &str = "\
shahabad-range,bihar-hq,range,Shahabad,शाहाबाद,2010-01-01,sourced,
sadar-sd,patna-district,subdivision,Sadar,सदर,2001-01-01,sourced,
kotwali-ps,sadar-sd,station,Kotwali,कोतवाली,2002-01-01,sourced,cctns:7
ghat-op,kotwali-ps,outpost,Ghat,घाट,2003-01-01,sourced,
";

pub(crate) async fn with_more(engine: senani_testkit::Engine) -> Hierarchy {
    let mut hierarchy = Hierarchy::start(engine).await;
    hierarchy.import(&format!("{HEADER}{STATE}{MORE}"), false).await.expect("imports");
    hierarchy
}

async fn get(hierarchy: &mut Hierarchy, name: &str, as_of: &str) -> Result<Unit, Status> {
    let request = GetUnitRequest { name: name.to_owned(), as_of: as_of.to_owned() };
    Ok(hierarchy.units.get_unit(request).await?.into_inner())
}

fn to(name: &str, parent: &str, date: &str) -> MoveUnitRequest {
    MoveUnitRequest {
        name: name.to_owned(),
        parent: parent.to_owned(),
        effective_date: date.to_owned(),
        ..MoveUnitRequest::default()
    }
}

fn closing(name: &str, date: &str) -> CloseUnitRequest {
    CloseUnitRequest { name: name.to_owned(), effective_date: date.to_owned(), ..CloseUnitRequest::default() }
}

fn reopening(name: &str, date: &str) -> ReopenUnitRequest {
    ReopenUnitRequest { name: name.to_owned(), effective_date: date.to_owned(), ..ReopenUnitRequest::default() }
}

fn names(units: &[Unit]) -> Vec<&str> {
    units.iter().map(|unit| unit.name.trim_start_matches("units/")).collect()
}

#[tokio::test]
async fn a_moved_unit_stands_where_it_stood_on_every_earlier_day() {
    for engine in engines() {
        let mut hierarchy = with_more(engine).await;
        let request = to("units/patna-district", "units/shahabad-range", "2015-04-01");
        let moved = hierarchy.units.move_unit(request).await.expect("moves").into_inner();
        assert_eq!(moved.parent, "units/shahabad-range", "{engine}");
        assert_eq!(get(&mut hierarchy, "units/patna-district", "").await.expect("reads"), moved, "{engine}");
        for (date, parent) in [("2015-03-31", "units/patna-range"), ("2015-04-01", "units/shahabad-range")] {
            let unit = get(&mut hierarchy, "units/patna-district", date).await.expect("reads");
            assert_eq!(unit.parent, parent, "{engine} on {date}");
        }

        let ancestors = async |hierarchy: &mut Hierarchy, as_of: &str| {
            let request = ListAncestorsRequest { name: "units/ghat-op".into(), as_of: as_of.into() };
            let units = hierarchy.units.list_ancestors(request).await.expect("ancestors").into_inner().units;
            names(&units).join(" ")
        };
        let below = "kotwali-ps sadar-sd patna-district";
        assert_eq!(ancestors(&mut hierarchy, "").await, format!("{below} shahabad-range bihar-hq"), "{engine}");
        let before = ancestors(&mut hierarchy, "2015-03-31").await;
        assert_eq!(before, format!("{below} patna-range patna-zone bihar-hq"), "{engine}");

        let subtree = async |hierarchy: &mut Hierarchy, name: &str, as_of: &str| {
            let request =
                StreamSubtreeRequest { name: name.into(), as_of: as_of.into(), ..StreamSubtreeRequest::default() };
            let mut stream = hierarchy.units.stream_subtree(request).await.expect("a subtree").into_inner();
            let mut units = Vec::new();
            while let Some(response) = stream.message().await.expect("a message") {
                units.push(response.unit.expect("a unit"));
            }
            names(&units).join(" ")
        };
        assert_eq!(subtree(&mut hierarchy, "units/patna-range", "").await, "patna-range", "{engine}");
        let before = subtree(&mut hierarchy, "units/patna-range", "2001-06-01").await;
        assert_eq!(before, "patna-range patna-district sadar-sd", "{engine}: the station was not there yet");
        let request = ListUnitsRequest { as_of: "2001-06-01".into(), ..ListUnitsRequest::default() };
        let listed = hierarchy.units.list_units(request).await.expect("lists").into_inner().units;
        assert_eq!(names(&listed), ["bihar-hq", "patna-district", "patna-range", "patna-zone", "sadar-sd"], "{engine}");
        let status = get(&mut hierarchy, "units/ghat-op", "2002-12-31").await.expect_err("not there yet");
        assert_eq!(refusal(&status).0, "UNIT_NOT_FOUND", "{engine}");
    }
}

#[tokio::test]
async fn an_outpost_becomes_a_station_beside_the_one_that_it_stood_under() {
    for engine in engines() {
        let mut hierarchy = with_more(engine).await;
        let request = ChangeUnitKindRequest {
            name: "units/ghat-op".into(),
            kind: UnitKind::Station.into(),
            ..ChangeUnitKindRequest::default()
        };
        let status = hierarchy.units.change_unit_kind(request.clone()).await.expect_err("a station under a station");
        assert_eq!(refusal(&status), ("KIND_FORBIDDEN_UNDER_PARENT".into(), vec!["parent".into()]), "{engine}");
        let request = ChangeUnitKindRequest { parent: "units/sadar-sd".into(), ..request };
        let upgraded = hierarchy.units.change_unit_kind(request).await.expect("upgrades").into_inner();
        assert_eq!((upgraded.kind(), upgraded.parent.as_str()), (UnitKind::Station, "units/sadar-sd"), "{engine}");
        let before = get(&mut hierarchy, "units/ghat-op", "2020-01-01").await.expect("reads");
        assert_eq!((before.kind(), before.parent.as_str()), (UnitKind::Outpost, "units/kotwali-ps"), "{engine}");
        let request = ChangeUnitKindRequest {
            name: "units/sadar-sd".into(),
            kind: UnitKind::DistrictPoliceCentre.into(),
            ..ChangeUnitKindRequest::default()
        };
        let status = hierarchy.units.change_unit_kind(request).await.expect_err("stations stand under it");
        assert_eq!(refusal(&status), ("KIND_FORBIDDEN_UNDER_PARENT".into(), vec!["kind".into()]), "{engine}");
    }
}

#[tokio::test]
async fn a_unit_closes_and_opens_again_and_its_history_tells_when() {
    for engine in engines() {
        let mut hierarchy = with_more(engine).await;
        let status = hierarchy.units.close_unit(closing("units/kotwali-ps", "2020-01-01")).await;
        let status = status.expect_err("the outpost is open");
        assert_eq!(status.code(), Code::FailedPrecondition, "{engine}");
        assert_eq!(refusal(&status).0, "CHILDREN_OPEN", "{engine}");

        let closed = hierarchy.units.close_unit(closing("units/ghat-op", "2020-01-01")).await.expect("closes");
        assert_eq!(closed.into_inner().close_date, "2020-01-01", "{engine}");
        hierarchy.units.close_unit(closing("units/kotwali-ps", "2021-01-01")).await.expect("closes");
        let children = async |hierarchy: &mut Hierarchy, as_of: &str, show_closed| {
            let parent = "units/kotwali-ps".to_owned();
            let request = ListUnitsRequest { parent, as_of: as_of.into(), show_closed, ..ListUnitsRequest::default() };
            hierarchy.units.list_units(request).await.expect("lists").into_inner().units.len()
        };
        assert_eq!(children(&mut hierarchy, "", false).await, 0, "{engine}");
        assert_eq!(children(&mut hierarchy, "", true).await, 1, "{engine}");
        assert_eq!(children(&mut hierarchy, "2019-12-31", false).await, 1, "{engine}");
        assert_eq!(children(&mut hierarchy, "2020-01-01", false).await, 0, "{engine}");
        assert_eq!(get(&mut hierarchy, "units/ghat-op", "2019-12-31").await.expect("reads").close_date, "", "{engine}");

        let status =
            hierarchy.units.reopen_unit(reopening("units/ghat-op", "")).await.expect_err("the station is closed");
        assert_eq!(refusal(&status), ("PARENT_CLOSED".into(), vec!["parent".into()]), "{engine}");
        hierarchy.units.reopen_unit(reopening("units/kotwali-ps", "2022-01-01")).await.expect("reopens");
        let status = hierarchy.units.reopen_unit(reopening("units/ghat-op", "2021-06-01")).await;
        assert_eq!(refusal(&status.expect_err("closed in 2021")).0, "PARENT_CLOSED", "{engine}");
        let open = hierarchy.units.reopen_unit(reopening("units/ghat-op", "2022-01-01")).await.expect("reopens");
        assert_eq!(open.into_inner().close_date, "", "{engine}");

        let request = ListUnitHistoryRequest { name: "units/ghat-op".into(), page_size: 2, ..Default::default() };
        let page = hierarchy.units.list_unit_history(request.clone()).await.expect("a history").into_inner();
        let request = ListUnitHistoryRequest { page_token: page.next_page_token, ..request };
        let rest = hierarchy.units.list_unit_history(request).await.expect("a history").into_inner();
        assert_eq!(rest.next_page_token, "", "{engine}");
        let told: Vec<(String, String, bool)> = page
            .versions
            .into_iter()
            .chain(rest.versions)
            .map(|version| {
                let closed = !version.unit.expect("a unit").close_date.is_empty();
                (version.start_date, version.end_date, closed)
            })
            .collect();
        let expected =
            [("2022-01-01", "", false), ("2020-01-01", "2022-01-01", true), ("2003-01-01", "2020-01-01", false)];
        let expected = expected.map(|(from, until, closed)| (from.to_owned(), until.to_owned(), closed));
        assert_eq!(told, expected, "{engine}");
    }
}

#[tokio::test]
async fn a_change_that_cannot_be_is_refused_by_its_reason_and_changes_nothing() {
    let moves = [
        (to("units/nowhere", "units/bihar-hq", ""), "UNIT_NOT_FOUND"),
        (to("units/patna-district", "units/nowhere", ""), "PARENT_UNKNOWN"),
        (to("units/patna-district", "units/patna-district", ""), "CYCLE"),
        (to("units/patna-zone", "units/patna-range", ""), "CYCLE"),
        (to("units/patna-district", "units/bihar-hq", ""), "KIND_FORBIDDEN_UNDER_PARENT"),
        (to("units/bihar-hq", "units/patna-zone", ""), "ROOT_CANNOT_MOVE"),
        (to("units/patna-district", "units/shahabad-range", "2009-12-31"), "PARENT_CLOSED"),
        (to("units/patna-district", "units/shahabad-range", "1999-12-31"), "EFFECTIVE_DATE_TOO_EARLY"),
        (to("units/patna-district", "units/shahabad-range", FOREVER), "EFFECTIVE_DATE_IN_FUTURE"),
        (to("units/patna-district", "units/shahabad-range", "1.4.2015"), "DATE_INVALID"),
        (
            MoveUnitRequest { etag: "\"9\"".into(), ..to("units/patna-district", "units/shahabad-range", "") },
            "ETAG_MISMATCH",
        ),
    ];
    for engine in engines() {
        let mut hierarchy = with_more(engine).await;
        for (request, reason) in &moves {
            let status = hierarchy.units.move_unit(request.clone()).await.expect_err(reason);
            assert_eq!(refusal(&status).0, *reason, "{engine}");
        }
        let status = hierarchy.units.reopen_unit(reopening("units/ghat-op", "")).await.expect_err("it is open");
        assert_eq!(refusal(&status).0, "UNIT_OPEN", "{engine}");
        let planned = MoveUnitRequest { validate_only: true, ..to("units/patna-district", "units/shahabad-range", "") };
        let planned = hierarchy.units.move_unit(planned).await.expect("is right").into_inner();
        assert_eq!(planned.parent, "units/shahabad-range", "{engine}");
        let district = get(&mut hierarchy, "units/patna-district", "").await.expect("reads");
        assert_eq!((district.parent.as_str(), district.etag.as_str()), ("units/patna-range", "\"1\""), "{engine}");

        hierarchy.units.close_unit(closing("units/ghat-op", "")).await.expect("closes");
        let status = hierarchy.units.close_unit(closing("units/ghat-op", "")).await.expect_err("it is closed");
        assert_eq!(refusal(&status).0, "UNIT_CLOSED", "{engine}");
        hierarchy.units.close_unit(closing("units/kotwali-ps", "")).await.expect("closes");
        let row = "new-op,kotwali-ps,outpost,New,नया,2020-01-01,,\n";
        let status = hierarchy.import(format!("{HEADER}{row}"), false).await.expect_err("the station is closed");
        assert_eq!(refusal(&status), ("PARENT_CLOSED".into(), vec!["rows[2].parent".into()]), "{engine}");
        let again = hierarchy.import(format!("{HEADER}{STATE}{MORE}"), false).await.expect("imports");
        assert_eq!((again.unchanged, again.gone), (8, 0), "{engine}: the file does not open what is closed");
    }
}

#[tokio::test]
async fn an_update_changes_the_fields_of_its_mask_and_a_repeated_one_nothing_more() {
    for engine in engines() {
        let mut hierarchy = with_more(engine).await;
        let station = get(&mut hierarchy, "units/kotwali-ps", "").await.expect("reads");
        let mut renamed = station.clone();
        renamed.display_names.insert("en".into(), "Kotwali Central".into());
        renamed.codes.clear();
        let request = UpdateUnitRequest {
            unit: Some(renamed),
            update_mask: Some(FieldMask { paths: vec!["display_names".into()] }),
            request_id: Uuid::now_v7().to_string(),
            ..UpdateUnitRequest::default()
        };
        let updated = hierarchy.units.update_unit(request.clone()).await.expect("updates").into_inner();
        assert_eq!((updated.display_names["en"].as_str(), updated.codes.len()), ("Kotwali Central", 1), "{engine}");
        assert_ne!(updated.etag, station.etag, "{engine}");
        let repeated = hierarchy.units.update_unit(request.clone()).await.expect("answers").into_inner();
        assert_eq!(repeated, updated, "{engine}");
        let fresh = UpdateUnitRequest { request_id: String::new(), ..request.clone() };
        let status = hierarchy.units.update_unit(fresh).await.expect_err("another has changed it");
        assert_eq!((status.code(), refusal(&status).0.as_str()), (Code::Aborted, "ETAG_MISMATCH"), "{engine}");
        let before = get(&mut hierarchy, "units/kotwali-ps", "2020-01-01").await.expect("reads");
        assert_eq!(before.display_names["en"], "Kotwali", "{engine}: it was called so then");

        let with = |change: &dyn Fn(&mut Unit), path: &str| {
            let mut unit = Unit { name: "units/ghat-op".into(), ..Unit::default() };
            change(&mut unit);
            let update_mask = Some(FieldMask { paths: vec![path.to_owned()] });
            UpdateUnitRequest { unit: Some(unit), update_mask, ..UpdateUnitRequest::default() }
        };
        let wrong = [
            (with(&|_| (), "parent"), "UPDATE_MASK_INVALID", "update_mask"),
            (with(&|_| (), "display_names"), "NAME_MISSING_IN_HINDI", "unit.display_names[hi]"),
            (with(&|unit| unit.open_date = "2020".into(), "open_date"), "DATE_INVALID", "unit.open_date"),
            (
                with(&|unit| drop(unit.codes.insert("cctns".into(), "7".into())), "codes"),
                "CODE_TAKEN",
                "unit.codes[cctns]",
            ),
        ];
        for (request, reason, field) in wrong {
            let status = hierarchy.units.update_unit(request).await.expect_err(reason);
            assert_eq!(refusal(&status), (reason.to_owned(), vec![field.to_owned()]), "{engine}");
        }
    }
}

#[tokio::test]
async fn of_a_closing_and_a_new_unit_under_it_at_once_one_is_refused() {
    for engine in engines() {
        let mut hierarchy = with_more(engine).await;
        hierarchy.units.close_unit(closing("units/ghat-op", "")).await.expect("closes");
        let unit = Unit {
            kind: UnitKind::Outpost.into(),
            parent: "units/kotwali-ps".into(),
            display_names: [("hi".to_owned(), "नया".to_owned())].into(),
            ..Unit::default()
        };
        let creating = CreateUnitRequest { unit: Some(unit), unit_id: "new-op".into(), ..CreateUnitRequest::default() };
        let mut other = hierarchy.units.clone();
        let (closed, created) =
            tokio::join!(hierarchy.units.close_unit(closing("units/kotwali-ps", "")), other.create_unit(creating));
        let refused: Vec<String> =
            closed.err().into_iter().chain(created.err()).map(|status| refusal(&status).0).collect();
        assert!(refused == ["CHILDREN_OPEN"] || refused == ["PARENT_CLOSED"], "{engine}: {refused:?}");
    }
}

#[tokio::test]
async fn units_recorded_before_there_were_versions_are_on_record_from_their_opening_day() {
    for engine in engines() {
        let mut hierarchy = Hierarchy::from_first_schema(engine).await;
        let start = async |hierarchy: &mut Hierarchy, name: &str| {
            let request = ListUnitHistoryRequest { name: name.into(), ..ListUnitHistoryRequest::default() };
            let versions = hierarchy.units.list_unit_history(request).await.expect("a history").into_inner().versions;
            assert_eq!(versions.len(), 1, "{engine}");
            versions[0].start_date.clone()
        };
        assert_eq!(start(&mut hierarchy, "units/bihar-hq").await, "2000-11-15", "{engine}");
        assert_eq!(start(&mut hierarchy, "units/patna-zone").await, "2000-11-15", "{engine}: not before its parent");
        assert_eq!(start(&mut hierarchy, "units/gaya-zone").await, "2011-01-01", "{engine}");
        assert!(start(&mut hierarchy, "units/future-zone").await.as_str() < "2199-01-01", "{engine}: today");
        hierarchy.units.close_unit(closing("units/gaya-zone", "2012-01-01")).await.expect("closes");
    }
}
