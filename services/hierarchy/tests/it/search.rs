//! Finding units by name.

use senani_hierarchy::domain::NameIndex;
use senani_proto::hierarchy::v1::{SearchUnitsRequest, UnitKind, UpdateUnitRequest};
use senani_testkit::engines;

use crate::fixture::{Hierarchy, refusal};

async fn found(hierarchy: &mut Hierarchy, query: &str, kind: UnitKind) -> Vec<String> {
    let request = SearchUnitsRequest { query: query.into(), kind: kind.into(), ..SearchUnitsRequest::default() };
    let matches = hierarchy.units.search_units(request).await.expect("finds").into_inner().matches;
    assert!(matches.windows(2).all(|pair| pair[0].score >= pair[1].score), "the best first");
    matches.into_iter().map(|found| found.unit.expect("a unit").name).collect()
}

#[tokio::test]
async fn units_are_found_in_hindi_and_english_and_with_slips_also_after_a_change() {
    for engine in engines() {
        let mut hierarchy = Hierarchy::start(engine).await;
        hierarchy.import(include_str!("../../../../data/bihar/units.csv"), false).await.expect("imports");
        let district = "units/muzaffarpur-district";
        for query in ["Muzaffarpur", "muzafarpur", "Mujaffarpur", "मुजफ्फरपुर", "मुज़फ़्फ़रपुर", "Muzaffar pur"]
        {
            let names = found(&mut hierarchy, query, UnitKind::District).await;
            assert_eq!(names.first().map(String::as_str), Some(district), "{engine}: {query} finds {names:?}");
        }
        let station = found(&mut hierarchy, "kotwali thana patna", UnitKind::Unspecified).await;
        assert_eq!(station[0], "units/patna-kotwali-ps", "{engine}");

        let mut unit = hierarchy.get(district).await;
        unit.display_names.insert("en".into(), "Tirhutnagar".into());
        unit.display_names.insert("hi".into(), "तिरहुतनगर".into());
        let request = UpdateUnitRequest { unit: Some(unit), ..UpdateUnitRequest::default() };
        hierarchy.units.update_unit(request).await.expect("renames");
        assert_eq!(found(&mut hierarchy, "tirhut nagar", UnitKind::District).await[0], district, "{engine}");

        for query in ["", " – ", &"x".repeat(201)] {
            let request = SearchUnitsRequest { query: query.into(), ..SearchUnitsRequest::default() };
            let status = hierarchy.units.search_units(request).await.expect_err("nothing to look for");
            assert_eq!(refusal(&status), ("QUERY_INVALID".into(), vec!["query".into()]), "{engine}");
        }
    }
}

#[test]
fn names_of_the_shipped_structure_are_found_by_their_other_script() {
    let mut rows = Vec::new();
    for line in include_str!("../../../../data/bihar/units.csv").lines().skip(1) {
        // Rows with quoted commas are left out: the names in them are descriptions.
        let cells: Vec<&str> = line.split(',').collect();
        if let [
            slug,
            _,
            "district" | "subdivision" | "circle" | "station",
            english,
            hindi,
            _,
            "sourced" | "background",
            _,
        ] = cells[..]
        {
            rows.push((slug, english, hindi));
        }
    }
    let mut index = NameIndex::default();
    for (slug, _, hindi) in &rows {
        index.enter(slug, 0, false, [*hindi]);
    }
    let mut missed = Vec::new();
    for (slug, english, hindi) in &rows {
        // Without the words for what it is: they are translated, not transliterated.
        let place = english
            .replace("Police Station", "")
            .replace("Subdivision", "")
            .replace("District", "")
            .replace("Police", "");
        let first = index.find(&place, None, false, 5);
        if !first.iter().any(|found| found.slug == *slug) {
            missed.push(format!("{place} for {hindi}"));
        }
    }
    // 97 of 100 when this was written; the rest is translated (East Champaran) or spelled by habit (Sheohar).
    assert!(missed.len() * 20 < rows.len(), "{} of {}: {missed:#?}", missed.len(), rows.len());
}
