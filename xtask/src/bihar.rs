//! `cargo xtask bihar`: the structure of Bihar Police as one file, `data/bihar/units.csv`, from the tables in `data/bihar/sources`.
//!
//! Deterministic: the same sources give the same bytes. What is carried over, what is completed and how sure each is stands in
//! `data/bihar/README.md`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use self::sources::{Words, allowed_parents, table};
use self::stations::{Subdivision, subdivisions};

mod sources;
mod stations;

/// No source gives the day a unit opened. All of them get the day on which Bihar got its present borders.
const OPENED_ON: &str = "2000-11-15";
const ROOT: &str = "bihar-hq";
const HEADER: [&str; 8] = ["slug", "parent", "kind", "name_en", "name_hi", "opened_on", "certainty", "codes"];

/// Writes `units.csv`, or with `check` compares it with what the sources give.
///
/// # Errors
/// A source that cannot be read or is contradictory; with `check`, a file that differs.
pub(crate) fn run(check: bool) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/bihar");
    let path = folder.join("units.csv");
    let structure = Structure::from_sources(&folder.join("sources"))?;
    structure.validate(&allowed_parents(&folder.join("kinds.toml"))?)?;
    let built = structure.to_csv()?;
    if check {
        let found = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        if let Some(line) = first_difference(&found, &built) {
            bail!("data/bihar/units.csv, line {line}: not what the sources give; run `cargo xtask bihar`");
        }
    } else {
        fs::write(&path, built).with_context(|| format!("writing {}", path.display()))?;
        for (kind, count) in structure.count_by_kind() {
            println!("{count:>6} {kind}");
        }
        println!("{:>6} units", structure.units.len());
    }
    Ok(())
}

/// A row of `units.csv`.
#[derive(Clone, Debug)]
struct Unit {
    slug: String,
    /// Slug of the unit above; empty for the root.
    parent: String,
    kind: &'static str,
    english: String,
    hindi: String,
    /// `sourced`, `background` or `synthetic`.
    certainty: &'static str,
}

/// All units, parents before their children.
#[derive(Debug, Default)]
struct Structure {
    units: Vec<Unit>,
}

impl Structure {
    fn from_sources(sources: &Path) -> Result<Self> {
        let mut structure = Self::default();
        let words = Words::read(&sources.join("words_hi.csv"))?;
        let totals = table(sources.join("totals.csv"), ["kind", "total", "certainty", "source"])?
            .into_iter()
            .map(|[kind, total, ..]| Ok((kind, total.parse().context("totals.csv: a total is not a number")?)))
            .collect::<Result<BTreeMap<String, usize>>>()?;
        let total = |kind: &str| totals.get(kind).copied().with_context(|| format!("totals.csv: no {kind}"));
        let ranges = table(sources.join("ranges.csv"), ["range", "name_en", "name_hi", "zone_2018", "headed_by"])?;

        structure.add(ROOT, "", "state_hq", "Bihar Police Headquarters", "बिहार पुलिस मुख्यालय", "background");
        structure.add_wings(sources, &ranges, total("battalion")?)?;

        let districts = table(sources.join("districts.csv"), ["district", "name_en", "name_hi", "range", "zone_2018"])?;
        let subdivisions = subdivisions(sources, &words, &districts, total("station")?)?;
        let outposts = total("outpost")?;
        for [zone, english, hindi] in table(sources.join("zones.csv"), ["zone", "name_en", "name_hi"])? {
            let above = format!("{zone}-zone");
            structure.add(&above, ROOT, "zone", format!("{english} Zone"), format!("{hindi} जोन"), "sourced");
            for [range, english, hindi, ..] in ranges.iter().filter(|range| range[3] == zone) {
                let (slug, english, hindi) =
                    (format!("{range}-range"), format!("{english} Range"), format!("{hindi} क्षेत्र"));
                structure.add(&slug, &above, "range", english, hindi, "sourced");
                for [district, english, hindi, ..] in districts.iter().filter(|district| district[3] == *range) {
                    structure.add_district(&slug, district, english, hindi);
                    for (index, subdivision) in subdivisions.iter().enumerate() {
                        if subdivision.district == *district {
                            // As even as whole numbers allow, and the sum is the total.
                            let before = |index: usize| index * outposts / subdivisions.len();
                            structure.add_subdivision(subdivision, before(index + 1) - before(index));
                        }
                    }
                }
            }
        }
        Ok(structure)
    }

    fn add(
        &mut self,
        slug: &str,
        parent: &str,
        kind: &'static str,
        english: impl Into<String>,
        hindi: impl Into<String>,
        certainty: &'static str,
    ) {
        self.units.push(Unit {
            slug: slug.to_owned(),
            parent: parent.to_owned(),
            kind,
            english: english.into(),
            hindi: hindi.into(),
            certainty,
        });
    }

    fn add_wings(&mut self, sources: &Path, ranges: &[[String; 5]], battalions: usize) -> Result<()> {
        for [wing, english, hindi, offices] in
            table(sources.join("wings.csv"), ["wing", "name_en", "name_hi", "regional_offices_by"])?
        {
            let above = wing.to_owned();
            self.add(&above, ROOT, "wing", &english, &hindi, "background");
            match offices.as_str() {
                "none" => {}
                // That a wing has an office in every range is a reading of the order, no record of one.
                "range" => {
                    for [range, place, place_hindi, ..] in ranges {
                        self.add(
                            &format!("{wing}-{range}-office"),
                            &above,
                            "wing_regional_office",
                            format!("{english}, {place} Regional Office"),
                            format!("{hindi}, {place_hindi} क्षेत्रीय कार्यालय"),
                            "synthetic",
                        );
                    }
                }
                "railway-district" => {
                    for [district, place, place_hindi] in
                        table(sources.join("railway_districts.csv"), ["district", "name_en", "name_hi"])?
                    {
                        self.add(
                            &format!("{district}-office"),
                            &above,
                            "wing_regional_office",
                            format!("{place} District Police"),
                            format!("{place_hindi} जिला पुलिस"),
                            "background",
                        );
                    }
                }
                "battalion" => {
                    for number in 1..=battalions {
                        self.add(
                            &format!("{wing}-{number}-battalion"),
                            &above,
                            "battalion",
                            format!("{english}, Battalion {number}"),
                            format!("{hindi}, वाहिनी {number}"),
                            "background",
                        );
                    }
                }
                other => bail!("wings.csv: {wing}: unknown regional offices by {other}"),
            }
        }
        Ok(())
    }

    fn add_district(&mut self, range: &str, district: &str, english: &str, hindi: &str) {
        let slug = format!("{district}-district");
        self.add(
            &slug,
            range,
            "district",
            format!("{english} District Police"),
            format!("{hindi} जिला पुलिस"),
            "background",
        );
        self.add(
            &format!("{district}-police-centre"),
            &slug,
            "district_police_centre",
            format!("District Police Centre, {english}"),
            format!("जिला पुलिस केंद्र, {hindi}"),
            "background",
        );
    }

    fn add_subdivision(&mut self, subdivision: &Subdivision, outposts: usize) {
        let Subdivision { stem, english, hindi, .. } = subdivision;
        let slug = format!("{stem}-subdivision");
        self.add(
            &slug,
            &format!("{}-district", subdivision.district),
            "subdivision",
            format!("{english} Subdivision"),
            format!("{hindi} अनुमंडल"),
            "background",
        );
        for (index, station) in subdivision.stations.iter().enumerate() {
            self.units.push(Unit { parent: slug.clone(), ..station.clone() });
            for number in (1..=outposts).filter(|number| (number - 1) % subdivision.stations.len() == index) {
                self.add(
                    &format!("{stem}-synthetic-{number}-op"),
                    &station.slug,
                    "outpost",
                    format!("Synthetic outpost {number}, {english}"),
                    format!("कृत्रिम ओ०पी० {number}, {hindi}"),
                    "synthetic",
                );
            }
        }
    }

    /// What must hold whatever the sources say.
    fn validate(&self, allowed: &HashMap<String, Vec<String>>) -> Result<()> {
        let mut kinds = HashMap::new();
        let mut names = HashSet::new();
        for unit in &self.units {
            let Unit { slug, parent, kind, english, hindi, .. } = unit;
            ensure!((3..=63).contains(&slug.len()), "{slug}: not 3 to 63 characters");
            let allowed = allowed.get(*kind).with_context(|| format!("kinds.toml: no {kind}"))?;
            if parent.is_empty() {
                ensure!(allowed.is_empty() && kinds.is_empty(), "{slug}: no parent, and not the root");
            } else {
                let above: &&str =
                    kinds.get(parent).with_context(|| format!("{slug}: {parent} does not come before"))?;
                ensure!(allowed.iter().any(|kind| kind == above), "{slug}: {kind} may not stand under {above}");
            }
            ensure!(kinds.insert(slug, *kind).is_none(), "{slug}: twice");
            for name in [english, hindi] {
                ensure!(names.insert(name), "{slug}: another unit is called {name}");
            }
        }
        Ok(())
    }

    fn count_by_kind(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for unit in &self.units {
            *counts.entry(unit.kind).or_default() += 1;
        }
        counts
    }

    fn to_csv(&self) -> Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(HEADER)?;
        for unit in &self.units {
            let Unit { slug, parent, kind, english, hindi, certainty } = unit;
            writer.write_record([slug, parent, *kind, english, hindi, OPENED_ON, *certainty, ""])?;
        }
        Ok(String::from_utf8(writer.into_inner()?)?)
    }
}

/// The number of the first line in which two texts differ.
fn first_difference(left: &str, right: &str) -> Option<usize> {
    if left == right {
        return None;
    }
    let same = left.lines().zip(right.lines()).take_while(|(left, right)| left == right).count();
    Some(same + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built() -> Structure {
        Structure::from_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/bihar/sources")).unwrap()
    }

    #[test]
    fn the_units_of_each_kind_add_up_to_the_published_totals() {
        let expected = [
            ("battalion", 16),
            ("district", 40),
            ("district_police_centre", 40),
            ("outpost", 225),
            ("range", 12),
            ("state_hq", 1),
            ("station", 1075),
            ("subdivision", 101),
            ("wing", 14),
            ("wing_regional_office", 4 * 12 + 4),
            ("zone", 4),
        ];
        assert_eq!(built().count_by_kind(), BTreeMap::from(expected));
    }

    #[test]
    fn every_sourced_station_is_there_once_and_the_rest_is_marked_synthetic() {
        let structure = built();
        let count = |certainty| {
            structure.units.iter().filter(|unit| unit.kind == "station" && unit.certainty == certainty).count()
        };
        assert_eq!((count("sourced"), count("background"), count("synthetic")), (624, 0, 451));
        let synthetic = structure.units.iter().filter(|unit| unit.slug.contains("synthetic"));
        assert!(synthetic.clone().all(|unit| unit.english.contains("Synthetic") && unit.hindi.contains("कृत्रिम")));
        assert_eq!(synthetic.count(), 451 + 225);
    }

    #[test]
    fn every_unit_stands_under_an_earlier_one_that_its_kind_allows() {
        let kinds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/bihar/kinds.toml");
        built().validate(&allowed_parents(&kinds).unwrap()).unwrap();
    }

    #[test]
    fn every_unit_has_a_certainty_and_a_hindi_name_in_devanagari() {
        for unit in built().units {
            assert!(["sourced", "background", "synthetic"].contains(&unit.certainty), "{}", unit.slug);
            let latin = unit.hindi.chars().find(char::is_ascii_alphabetic);
            assert_eq!(latin, None, "{}", unit.hindi);
            assert!(unit.hindi.chars().any(|character| ('\u{900}'..='\u{97f}').contains(&character)), "{}", unit.slug);
        }
    }

    #[test]
    fn a_station_stands_in_the_subdivision_that_it_is_named_after() {
        let structure = built();
        let parent = |slug: &str| structure.units.iter().find(|unit| unit.slug == slug).unwrap().parent.as_str();
        assert_eq!(parent("patna-kotwali-ps"), "patna-sadar-subdivision");
        assert_eq!(parent("patna-danapur-cantt-ps"), "patna-danapur-subdivision");
        assert_eq!(parent("bhojpur-ara-nagar-ps"), "bhojpur-arrah-sadar-subdivision");
    }

    #[test]
    fn the_file_in_the_tree_is_what_the_sources_give() {
        run(true).unwrap();
    }

    #[test]
    fn the_first_line_that_differs_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\n", "a\nb\n"), Some(2));
    }
}
