//! Merging units and splitting them.

use senani_proto::hierarchy::v1::{
    BatchGetUnitsRequest, ListUnitsRequest, MergeUnitsRequest, SplitUnitRequest, Unit, UnitKind,
};
use senani_testkit::{Engine, engines};
use uuid::Uuid;

use crate::fixture::{HEADER, Hierarchy, STATE, refusal};

const MORE: &str = "\
sadar-sd,patna-district,subdivision,Sadar,सदर,2001-01-01,sourced,lgd:1;hrms:1
city-sd,patna-district,subdivision,City,सिटी,2001-01-01,sourced,lgd:2
kotwali-ps,sadar-sd,station,Kotwali,कोतवाली,2002-01-01,sourced,
ghat-ps,sadar-sd,station,Ghat,घाट,2002-01-01,sourced,
";

async fn with_more(engine: Engine) -> Hierarchy {
    let mut hierarchy = Hierarchy::start(engine).await;
    hierarchy.import(&format!("{HEADER}{STATE}{MORE}"), false).await.expect("imports");
    hierarchy
}

async fn children(hierarchy: &mut Hierarchy, parent: &str, as_of: &str) -> Vec<String> {
    let request = ListUnitsRequest { parent: parent.into(), as_of: as_of.into(), ..ListUnitsRequest::default() };
    let units = hierarchy.units.list_units(request).await.expect("lists").into_inner().units;
    units.into_iter().map(|unit| unit.name).collect()
}

fn merger(name: &str, successor: &str) -> MergeUnitsRequest {
    MergeUnitsRequest {
        name: name.into(),
        successor: successor.into(),
        effective_date: "2020-01-01".into(),
        ..MergeUnitsRequest::default()
    }
}

fn split(children: &[&str]) -> SplitUnitRequest {
    SplitUnitRequest {
        name: "units/sadar-sd".into(),
        unit: Some(Unit {
            display_names: [("hi".to_owned(), "पूर्वी".to_owned())].into(), ..Unit::default()
        }),
        unit_id: "east-sd".into(),
        children: children.iter().map(|name| (*name).to_owned()).collect(),
        effective_date: "2020-01-01".into(),
        ..SplitUnitRequest::default()
    }
}

#[tokio::test]
async fn a_merged_unit_gives_its_children_and_codes_and_names_its_successor() {
    let stations = ["units/ghat-ps", "units/kotwali-ps"];
    for engine in engines() {
        let mut hierarchy = with_more(engine).await;
        let request =
            MergeUnitsRequest { request_id: Uuid::now_v7().to_string(), ..merger("units/sadar-sd", "units/city-sd") };
        let planned = MergeUnitsRequest { validate_only: true, request_id: String::new(), ..request.clone() };
        hierarchy.units.merge_units(planned).await.expect("is right");
        assert_eq!(children(&mut hierarchy, "units/sadar-sd", "").await, stations, "{engine}: nothing changed");
        let answer = hierarchy.units.merge_units(request.clone()).await.expect("merges").into_inner();
        let again = hierarchy.units.merge_units(request).await.expect("answers").into_inner();
        assert_eq!(answer, again, "{engine}");
        assert_eq!(answer.moved, stations, "{engine}");

        let names = vec!["units/sadar-sd".to_owned(), "units/city-sd".to_owned()];
        let request = BatchGetUnitsRequest { names, ..BatchGetUnitsRequest::default() };
        let both = hierarchy.units.batch_get_units(request).await.expect("reads").into_inner().units;
        let (merged, survivor) = (&both[0], &both[1]);
        assert_eq!((answer.merged.as_ref(), answer.successor.as_ref()), (Some(merged), Some(survivor)), "{engine}");
        assert_eq!(
            (merged.close_date.as_str(), merged.successor.as_str()),
            ("2020-01-01", "units/city-sd"),
            "{engine}"
        );
        assert_eq!((merged.codes.len(), &merged.codes["lgd"][..]), (1, "1"), "{engine}: the successor has one in lgd");
        assert_eq!((&survivor.codes["lgd"][..], &survivor.codes["hrms"][..]), ("2", "1"), "{engine}");
        assert_eq!(children(&mut hierarchy, "units/city-sd", "").await, stations, "{engine}");
        assert_eq!(children(&mut hierarchy, "units/sadar-sd", "2019-12-31").await, stations, "{engine}");
    }
}

#[tokio::test]
async fn a_merger_or_split_that_cannot_be_is_refused_by_its_reason() {
    let mergers = [
        (merger("units/sadar-sd", "units/nowhere"), "SUCCESSOR_UNKNOWN"),
        (merger("units/sadar-sd", "units/sadar-sd"), "CYCLE"),
        (merger("units/city-sd", "units/city-sd"), "CYCLE"),
        (merger("units/patna-range", "units/patna-district"), "CYCLE"),
        (merger("units/sadar-sd", "units/patna-zone"), "KIND_FORBIDDEN_UNDER_PARENT"),
        (MergeUnitsRequest { etag: "\"7\"".into(), ..merger("units/sadar-sd", "units/city-sd") }, "ETAG_MISMATCH"),
    ];
    let splits = [
        (split(&[]), "BATCH_SIZE_INVALID"),
        (split(&["units/nowhere"]), "UNIT_NOT_FOUND"),
        (split(&["units/city-sd"]), "NOT_A_CHILD"),
        (SplitUnitRequest { unit_id: "city-sd".into(), ..split(&["units/ghat-ps"]) }, "SLUG_TAKEN"),
        (SplitUnitRequest { unit: Some(Unit::default()), ..split(&["units/ghat-ps"]) }, "NAME_MISSING_IN_HINDI"),
    ];
    for engine in engines() {
        let mut hierarchy = with_more(engine).await;
        for (request, reason) in &mergers {
            let status = hierarchy.units.merge_units(request.clone()).await.expect_err(reason);
            assert_eq!(refusal(&status).0, *reason, "{engine}");
        }
        for (request, reason) in &splits {
            let status = hierarchy.units.split_unit(request.clone()).await.expect_err(reason);
            assert_eq!(refusal(&status).0, *reason, "{engine}");
        }
        hierarchy.units.merge_units(merger("units/city-sd", "units/sadar-sd")).await.expect("merges");
        let late = hierarchy.units.merge_units(merger("units/sadar-sd", "units/city-sd")).await;
        let reason = refusal(&late.expect_err("city is closed")).0;
        assert_eq!(reason, "PARENT_CLOSED", "{engine}: no child may go there");
    }
}

#[tokio::test]
async fn a_split_makes_a_unit_of_the_same_kind_beside_it_with_the_named_children() {
    for engine in engines() {
        let mut hierarchy = with_more(engine).await;
        let answer = hierarchy.units.split_unit(split(&["units/ghat-ps"])).await.expect("splits").into_inner();
        let unit = answer.unit.expect("a unit");
        assert_eq!((unit.kind(), unit.parent.as_str()), (UnitKind::Subdivision, "units/patna-district"), "{engine}");
        assert_eq!(unit.open_date, "2020-01-01", "{engine}");
        assert_eq!(children(&mut hierarchy, "units/east-sd", "").await, ["units/ghat-ps"], "{engine}");
        assert_eq!(children(&mut hierarchy, "units/sadar-sd", "").await, ["units/kotwali-ps"], "{engine}");
        let before = children(&mut hierarchy, "units/sadar-sd", "2019-12-31").await;
        assert_eq!(before, ["units/ghat-ps", "units/kotwali-ps"], "{engine}");
    }
}
