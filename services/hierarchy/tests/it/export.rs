//! Units as a file, and by their codes.

use senani_proto::hierarchy::v1::{
    CloseUnitRequest, CreateUnitRequest, ExportUnitsRequest, GetUnitByCodeRequest, ListUnitsRequest, Unit, UnitKind,
    UpdateUnitRequest,
};
use senani_testkit::engines;
use tonic::Code;

use crate::fixture::{Hierarchy, refusal, subdivision};

async fn export(hierarchy: &mut Hierarchy, as_of: &str) -> Vec<u8> {
    let request = ExportUnitsRequest { as_of: as_of.to_owned() };
    let mut stream = hierarchy.units.export_units(request).await.expect("exports").into_inner();
    let mut file = Vec::new();
    while let Some(piece) = stream.message().await.expect("a piece") {
        file.extend_from_slice(&piece.content);
    }
    file
}

async fn units(hierarchy: &mut Hierarchy) -> Vec<Unit> {
    let request = ListUnitsRequest { page_size: 500, ..ListUnitsRequest::default() };
    let mut units = hierarchy.units.list_units(request).await.expect("lists").into_inner().units;
    for unit in &mut units {
        // What the register adds itself.
        (unit.uid, unit.etag) = (String::new(), String::new());
        (unit.create_time, unit.update_time) = (None, None);
    }
    units
}

#[tokio::test]
async fn the_shipped_structure_exports_and_the_file_changes_nothing() {
    for engine in engines() {
        let mut hierarchy = Hierarchy::start(engine).await;
        let shipped = include_bytes!("../../../../data/bihar/units.csv");
        let added = hierarchy.import(shipped, false).await.expect("imports").added;
        let file = export(&mut hierarchy, "").await;
        let again = hierarchy.import(&file, false).await.expect("imports");
        assert_eq!((again.unchanged, again.gone), (added, 0), "{engine}");
        let mut other = Hierarchy::start(engine).await;
        other.import(&file, false).await.expect("imports");
        assert_eq!(export(&mut other, "").await, file, "{engine}");
    }
}

#[tokio::test]
async fn an_exported_file_imports_elsewhere_to_the_same_units() {
    for engine in engines() {
        let mut hierarchy = Hierarchy::with_state(engine).await;
        let CreateUnitRequest { mut unit, unit_id, .. } = subdivision("patna-sadar");
        let draft = unit.as_mut().expect("a unit");
        draft.display_names.insert("mai".into(), "पटना \"सदर\", पूब".into());
        draft.codes = [("cctns", "a:b"), ("lgd", "7, 8")].map(|(of, code)| (of.to_owned(), code.to_owned())).into();
        let request = CreateUnitRequest { unit, unit_id, ..CreateUnitRequest::default() };
        hierarchy.create(request).await.expect("creates");
        hierarchy.create(subdivision("patna-closed")).await.expect("creates");
        let closing = CloseUnitRequest { name: "units/patna-closed".into(), ..CloseUnitRequest::default() };
        hierarchy.units.close_unit(closing).await.expect("closes");

        let file = export(&mut hierarchy, "").await;
        let mut other = Hierarchy::start(engine).await;
        other.import(&file, false).await.expect("imports");
        assert_eq!(units(&mut other).await, units(&mut hierarchy).await, "{engine}");
        let before = String::from_utf8(export(&mut hierarchy, "2010-01-01").await).expect("text");
        assert_eq!(before.lines().count(), 5, "{engine}: the subdivision is of today");
    }
}

#[tokio::test]
async fn a_unit_is_found_by_its_code_now_and_as_of_a_day() {
    let request = |code: &str, as_of: &str| GetUnitByCodeRequest {
        system: "lgd".to_owned(),
        code: code.to_owned(),
        as_of: as_of.to_owned(),
    };
    for engine in engines() {
        let mut hierarchy = Hierarchy::with_state(engine).await;
        let unit = Unit {
            name: "units/patna-district".into(),
            codes: [("lgd".to_owned(), "999".to_owned())].into(),
            ..Unit::default()
        };
        let update =
            UpdateUnitRequest { unit: Some(unit), effective_date: "2020-01-01".into(), ..UpdateUnitRequest::default() };
        hierarchy.units.update_unit(update.clone()).await.expect("updates");
        for (code, as_of) in [("999", ""), ("999", "2020-01-01"), ("212", "2019-12-31")] {
            let unit = hierarchy.units.get_unit_by_code(request(code, as_of)).await.expect("finds").into_inner();
            assert_eq!((unit.name.as_str(), unit.codes["lgd"].as_str()), ("units/patna-district", code), "{engine}");
        }
        for (code, as_of) in [("212", ""), ("212", "2020-01-01"), ("999", "2019-12-31")] {
            let status = hierarchy.units.get_unit_by_code(request(code, as_of)).await.expect_err("nobody has it");
            assert_eq!((status.code(), refusal(&status).0.as_str()), (Code::NotFound, "CODE_NOT_FOUND"), "{engine}");
        }
        for (system, code) in [("lgd", ""), ("lgd", "1;2"), ("l:gd", "1"), ("lgd", " 1")] {
            let mut wrong = update.clone();
            let unit = wrong.unit.as_mut().expect("a unit");
            unit.set_kind(UnitKind::District);
            unit.codes = [(system.to_owned(), code.to_owned())].into();
            let status = hierarchy.units.update_unit(wrong).await.expect_err("no code");
            assert_eq!(refusal(&status), ("CODE_INVALID".into(), vec!["unit.codes".into()]), "{engine}");
        }
    }
}
