//! Importing units.

use senani_proto::hierarchy::v1::unit_difference::Change;
use senani_proto::hierarchy::v1::{GetUnitRequest, ListUnitsRequest};
use senani_testkit::engines;

use crate::fixture::{HEADER, Hierarchy, STATE, metadata, refusal};

#[tokio::test]
async fn the_shipped_structure_imports_and_the_same_file_again_changes_nothing() {
    let file = include_str!("../../../../data/bihar/units.csv");
    let rows = i32::try_from(file.lines().count() - 1).expect("small");
    for engine in engines() {
        let mut hierarchy = Hierarchy::start(engine).await;
        let plan = hierarchy.import(file, true).await.expect("a plan");
        assert_eq!((plan.added, plan.unchanged), (rows, 0), "{engine}");
        let done = hierarchy.import(file, false).await.expect("imports");
        assert_eq!((done.added, done.unchanged), (rows, 0), "{engine}: the plan changed nothing");
        let again = hierarchy.import(file, false).await.expect("imports");
        assert_eq!((again.added, again.changed, again.moved, again.unchanged), (0, 0, 0, rows), "{engine}");
    }
}

#[tokio::test]
async fn a_row_that_differs_changes_or_moves_its_unit() {
    for engine in engines() {
        let mut hierarchy = Hierarchy::with_state(engine).await;
        let file = format!(
            "{HEADER}patna-district,patna-range,district,Patna,पटना ज़िला,2000-11-15,sourced,lgd:999\n\
             shahabad-range,patna-zone,range,Shahabad,शाहाबाद,2000-11-15,sourced,lgd:212\n\
             patna-range,bihar-hq,range,Patna Range,पटना परिक्षेत्र,2000-11-15,sourced,\n"
        );
        let done = hierarchy.import(&file, false).await.expect("imports");
        assert_eq!((done.added, done.changed, done.moved, done.unchanged), (1, 1, 1, 0), "{engine}");
        assert_eq!(done.gone, 2, "{engine}");
        let gone = done.differences.iter().filter(|difference| difference.change() == Change::Gone);
        let gone: Vec<&str> = gone.map(|difference| difference.unit.as_str()).collect();
        assert_eq!(gone, ["units/bihar-hq", "units/patna-zone"], "{engine}: told, and left as they are");
        let get = |name: &str| GetUnitRequest { name: name.to_owned(), ..GetUnitRequest::default() };
        let district = hierarchy.units.get_unit(get("units/patna-district")).await.expect("reads").into_inner();
        assert_eq!((district.display_names["hi"].as_str(), district.codes["lgd"].as_str()), ("पटना ज़िला", "999"));
        let range = hierarchy.units.get_unit(get("units/patna-range")).await.expect("reads").into_inner();
        assert_eq!(range.parent, "units/bihar-hq", "{engine}");
    }
}

#[tokio::test]
async fn every_wrong_row_is_told_with_its_line_and_nothing_is_imported() {
    let row = |row: &str| format!("{HEADER}{STATE}{row}\n").into_bytes();
    let wrong: Vec<(Vec<u8>, &str, &str)> = vec![
        (row("x-sd,nowhere,subdivision,X,एक्स,2020-01-01,,"), "PARENT_UNKNOWN", "rows[6].parent"),
        (row("x-ps,bihar-hq,station,X,एक्स,2020-01-01,,"), "KIND_FORBIDDEN_UNDER_PARENT", "rows[6].kind"),
        (row("x-sd,patna-district,subdivision,X,,2020-01-01,,"), "NAME_MISSING_IN_HINDI", "rows[6].name_hi"),
        (row("x-sd,patna-district,subdivision,X,एक्स,1.1.2020,,"), "DATE_INVALID", "rows[6].opened_on"),
        (row("patna-zone,bihar-hq,zone,P,पटना,2000-11-15,,"), "SLUG_TAKEN", "rows[6].slug"),
        (row("x-sd,patna-district,castle,X,एक्स,2020-01-01,,"), "KIND_MISSING", "rows[6].kind"),
        (row("x-sd,patna-district,subdivision,X,एक्स,2020-01-01,,lgd:212"), "CODE_TAKEN", "rows[6].codes"),
        (row("second-hq,,state_hq,X,एक्स,2020-01-01,,"), "ROOT_EXISTS", "rows[2].parent"),
        (row("x-sd,patna-district,subdivision"), "CSV_ROW_UNREADABLE", "rows[6]"),
        (
            [HEADER.as_bytes(), STATE.as_bytes(), b"x-sd,patna-district,subdivision,\xff\xfe,x,2020-01-01,,\n"]
                .concat(),
            "CSV_ROW_UNREADABLE",
            "rows[6]",
        ),
        (b"slug,parent\na,b\n".to_vec(), "CSV_HEADER_WRONG", "content"),
        (Vec::new(), "CSV_EMPTY", "content"),
        (HEADER.as_bytes().to_vec(), "CSV_EMPTY", "content"),
        (
            [
                HEADER.as_bytes(),
                STATE.as_bytes(),
                b"x-sd,patna-district,subdivision,",
                "x".repeat(10_000_000).as_bytes(),
                b",x,2020-01-01,,\n",
            ]
            .concat(),
            "CSV_ROW_UNREADABLE",
            "rows[6]",
        ),
    ];
    for engine in engines() {
        let mut hierarchy = Hierarchy::start(engine).await;
        for (file, reason, field) in &wrong {
            let status = hierarchy.import(file, false).await.expect_err(reason);
            let (told, fields) = refusal(&status);
            assert_eq!(told, *reason, "{engine}");
            assert!(fields.contains(&(*field).to_owned()), "{engine}: {reason} at {fields:?}, not {field}");
        }
        let listed = hierarchy.units.list_units(ListUnitsRequest::default()).await.expect("lists").into_inner();
        assert!(listed.units.is_empty(), "{engine}: nothing was imported");
    }
}

#[tokio::test]
async fn units_that_stand_under_each_other_are_a_cycle() {
    for engine in engines() {
        let mut hierarchy = Hierarchy::with_state(engine).await;
        let file = format!(
            "{HEADER}patna-zone,bihar-hq,zone,P,पटना,2000-11-15,,\n\
             one-op,two-op,outpost,X,एक,2020-01-01,,\ntwo-op,one-op,outpost,X,दो,2020-01-01,,\n"
        );
        let status = hierarchy.import(&file, false).await.expect_err("a cycle");
        let fields = ["rows[3].parent", "rows[4].parent"].map(str::to_owned).to_vec();
        assert_eq!(refusal(&status), ("CYCLE".to_owned(), fields), "{engine}");
        assert_eq!(metadata(&status, "unit"), "units/one-op", "{engine}");
    }
}
