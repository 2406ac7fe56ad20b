//! Members as CSV, for the import of members.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context as _, Result, ensure};

use super::demand::{Audience, Place, Region, places};
use super::names::Person;
use super::phone;
use super::random::Random;
use super::wrong::{Cells, WrongRow};

const HEADER: [&str; 10] =
    ["name_hi", "name_en", "phone", "unit", "category", "rank", "gender", "language", "role", "consent"];

const PURPOSE_ROW: u64 = 4;

/// Out of a thousand: members who consent to direct messages.
const CONSENT: u64 = 880;
/// Out of a thousand: people who are neither female nor male.
const OTHER_GENDER: u64 = 3;

/// What to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MembersOptions {
    /// Rows, the header not counted; at most 100,000,000, for there are no more exercise numbers.
    pub(crate) count: u64,
    /// The same seed gives the same file.
    pub(crate) seed: u64,
}

/// What was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MembersSummary {
    /// Rows, the header not counted.
    pub(crate) rows: u64,
    /// Rows of these that are wrong on purpose, by what is wrong.
    pub(crate) wrong: BTreeMap<WrongRow, u64>,
}

/// Writes members as CSV to `writer`: to each unit of `units` (the text of `units.csv`) the people that `orders` (the texts of the
/// orders, earliest first) demand, its two custodians first. Memory does not grow with the number of rows.
///
/// # Errors
/// Too many rows, an input that cannot be read, or a writer that fails.
pub(crate) fn members(
    writer: impl Write,
    options: &MembersOptions,
    units: &str,
    orders: &[&str],
) -> Result<MembersSummary> {
    ensure!(
        options.count <= phone::CAPACITY,
        "at most {} members: there are no more exercise numbers",
        phone::CAPACITY
    );
    let places = places(units, orders, options.count, options.seed)?;
    let mut rows =
        Rows { writer: csv::Writer::from_writer(writer), seed: options.seed, summary: MembersSummary::default() };
    rows.writer.write_record(HEADER)?;
    for place in &places {
        let unit = format!("units/{}", place.slug);
        for rank in &place.custodians {
            rows.write(place, &unit, Profile::custodian(rank))?;
        }
        for group in &place.groups {
            for _ in 0..group.people {
                rows.write(place, &unit, Profile::of(&group.audience))?;
            }
        }
    }
    rows.writer.flush().context("writing members")?;
    Ok(rows.summary)
}

/// Who a row is to be, as far as their group says it.
#[derive(Clone, Copy, Debug)]
enum Profile<'a> {
    Custodian { rank: &'a str },
    Police { ranks: &'a [(&'a str, u64)], women: u64 },
    OfRank { rank: &'a str },
    Public,
}

/// The police at a station: mostly constables.
const STATION: &[(&str, u64)] =
    &[("constable", 60), ("havildar", 8), ("assistant_sub_inspector", 18), ("sub_inspector", 12), ("inspector", 2)];
const LINES: &[(&str, u64)] =
    &[("constable", 75), ("havildar", 10), ("assistant_sub_inspector", 9), ("sub_inspector", 6)];
const HEADQUARTERS: &[(&str, u64)] = &[
    ("adg", 1),
    ("ig", 3),
    ("dig", 4),
    ("sp", 10),
    ("asp", 6),
    ("dsp", 20),
    ("inspector", 26),
    ("sub_inspector", 20),
    ("assistant_sub_inspector", 10),
];

/// What public members are, and how often.
const PUBLIC: &[(&str, u64)] = &[
    ("teacher", 13),
    ("student", 15),
    ("farmer", 15),
    ("shopkeeper", 13),
    ("social_worker", 10),
    ("homemaker", 9),
    ("retired_government_servant", 7),
    ("doctor", 4),
    ("lawyer", 4),
    ("mukhiya", 3),
    ("sarpanch", 3),
    ("womens_representative", 4),
];

impl<'a> Profile<'a> {
    fn custodian(rank: &'a str) -> Self {
        Self::Custodian { rank }
    }

    fn of(audience: &'a Audience) -> Self {
        match audience {
            Audience::Community => Self::Public,
            Audience::Rank(rank) => Self::OfRank { rank },
            Audience::WomenPolice => Self::Police { ranks: LINES, women: 1_000 },
            Audience::Officers => Self::Police { ranks: HEADQUARTERS, women: 150 },
            Audience::Regional => Self::Police { ranks: LINES, women: 150 },
        }
    }
}

struct Rows<W: Write> {
    writer: csv::Writer<W>,
    seed: u64,
    summary: MembersSummary,
}

impl<W: Write> Rows<W> {
    fn write(&mut self, place: &Place, unit: &str, profile: Profile<'_>) -> Result<()> {
        let row = self.summary.rows;
        let mut random = Random::new(self.seed, PURPOSE_ROW, row);
        // A tenth of a community group are police of the unit.
        let profile = match profile {
            Profile::Public if random.in_thousand(100) => Profile::Police { ranks: STATION, women: 200 },
            other => other,
        };
        let custodian = matches!(profile, Profile::Custodian { .. });
        let (category, rank, women) = match profile {
            Profile::Custodian { rank } => ("police", rank, 120),
            Profile::OfRank { rank } => ("police", rank, 0),
            Profile::Police { ranks, women } => ("police", random.weighted(ranks), women),
            Profile::Public => {
                let category = random.weighted(PUBLIC);
                let women = match category {
                    "homemaker" | "womens_representative" => 1_000,
                    "student" | "teacher" | "mukhiya" => 480,
                    _ => 250,
                };
                (category, "", women)
            }
        };
        let woman = random.in_thousand(women);
        let gender = match woman {
            _ if women < 1_000 && random.in_thousand(OTHER_GENDER) => "other",
            true => "female",
            false => "male",
        };
        let person = Person::at_random(&mut random, woman);
        let language = language(&mut random, place.region, person.may_prefer_urdu);
        let consent = if random.in_thousand(CONSENT) { "yes" } else { "no" };
        let role = if custodian { "custodian" } else { "member" };
        let phone = phone::of_row(self.seed, row);
        let mut cells = Cells { hindi: person.hindi, english: person.english, phone, unit: None, category, rank };

        if let Some(wrong) = WrongRow::of_row(self.seed, row).filter(|_| !custodian) {
            cells.spoil(wrong, self.seed, row, unit, &mut random);
            *self.summary.wrong.entry(wrong).or_default() += 1;
        }
        let Cells { hindi, english, phone, unit: other_unit, category, rank } = &cells;
        let unit = other_unit.as_deref().unwrap_or(unit);
        self.writer
            .write_record([hindi, english, phone, unit, category, rank, gender, language, role, consent])
            .context("writing members")?;
        self.summary.rows += 1;
        Ok(())
    }
}

fn language(random: &mut Random, region: Region, may_prefer_urdu: bool) -> &'static str {
    if may_prefer_urdu && random.in_thousand(150) {
        return "ur";
    }
    let regional = match region {
        Region::Bhojpuri => "bho",
        Region::Magahi => "mag",
        Region::Maithili => "mai",
        Region::Hindi => "hi",
    };
    random.weighted(&[("hi", 80), (regional, 17), ("en", 3)])
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    const UNITS: &str = include_str!("../../../../data/bihar/units.csv");
    const ORDERS: [&str; 2] = [
        include_str!("../../../../data/bihar/orders/2018.toml"),
        include_str!("../../../../data/bihar/orders/2020.toml"),
    ];

    fn made(count: u64, seed: u64) -> (Vec<u8>, MembersSummary) {
        let mut file = Vec::new();
        let summary = members(&mut file, &MembersOptions { count, seed }, UNITS, &ORDERS).unwrap();
        (file, summary)
    }

    fn records(file: &[u8]) -> Vec<csv::StringRecord> {
        csv::Reader::from_reader(file).into_records().map(Result::unwrap).collect()
    }

    /// The ten national digits of a right number, in whatever spelling.
    fn national(phone: &str) -> Option<String> {
        let devanagari = |character: char| u32::from(character).checked_sub(u32::from('०')).filter(|digit| *digit < 10);
        let digit = |character: char| character.to_digit(10).or_else(|| devanagari(character));
        if phone.chars().any(|character| digit(character).is_none() && !"+- ".contains(character)) {
            return None;
        }
        let digits: String = phone.chars().filter_map(digit).filter_map(|digit| char::from_digit(digit, 10)).collect();
        let national = match digits.len() {
            12 => digits.strip_prefix("91")?,
            11 => digits.strip_prefix('0')?,
            10 => &digits,
            _ => return None,
        };
        Some(national.to_owned())
    }

    #[test]
    fn the_same_seed_gives_the_same_file_and_another_seed_another() {
        assert_eq!(made(5_000, 1), made(5_000, 1));
        assert_ne!(made(5_000, 1).0, made(5_000, 2).0);
    }

    #[test]
    fn there_are_as_many_rows_as_asked_for() {
        for count in [0, 1, 2, 3, 7, 100, 2_999, 20_001] {
            let (file, summary) = made(count, 1);
            assert_eq!((summary.rows, records(&file).len() as u64), (count, count));
            assert!(file.starts_with(b"name_hi,name_en,phone,unit,category,rank,gender,language,role,consent\n"));
        }
    }

    #[test]
    fn every_number_is_an_exercise_number_or_wrong_on_purpose() {
        let (file, summary) = made(60_000, 1);
        let mut seen = HashSet::new();
        let (mut duplicates, mut bad) = (0, 0);
        for record in records(&file) {
            match national(&record[2]) {
                Some(number) => {
                    assert!(number.starts_with("10"), "{}", &record[2]);
                    duplicates += u64::from(!seen.insert(number));
                }
                None => bad += 1,
            }
        }
        assert_eq!(duplicates, summary.wrong[&WrongRow::DuplicatePhone]);
        let expected = [WrongRow::ForeignPhone, WrongRow::PhoneWithLetter, WrongRow::ShortPhone];
        assert_eq!(bad, expected.iter().map(|wrong| summary.wrong[wrong]).sum::<u64>());
    }

    #[test]
    fn about_one_row_in_a_hundred_is_wrong_and_every_way_occurs() {
        let (file, summary) = made(60_000, 1);
        let wrong: u64 = summary.wrong.values().sum();
        assert!((400..=800).contains(&wrong), "{wrong}");
        assert_eq!(summary.wrong.len(), WrongRow::ALL.len());
        let units: HashSet<String> =
            UNITS.lines().map(|line| format!("units/{}", line.split(',').next().unwrap())).collect();
        let records = records(&file);
        let count =
            |wrong: &dyn Fn(&csv::StringRecord) -> bool| records.iter().filter(|record| wrong(record)).count() as u64;
        let formula = |cell: &str| cell.starts_with(['=', '+', '-', '@']);
        assert_eq!(count(&|record| !units.contains(&record[3])), summary.wrong[&WrongRow::UnknownUnit]);
        assert_eq!(count(&|record| record[0].is_empty()), summary.wrong[&WrongRow::MissingHindiName]);
        assert_eq!(count(&|record| formula(&record[0]) || formula(&record[1])), summary.wrong[&WrongRow::FormulaCell]);
        let known = |category: &str| category == "police" || PUBLIC.iter().any(|(public, _)| *public == category);
        assert_eq!(count(&|record| !known(&record[4])), summary.wrong[&WrongRow::UnknownCategory]);
    }

    #[test]
    fn the_first_two_rows_of_a_unit_are_its_custodians_and_police() {
        let (file, _) = made(60_000, 1);
        let mut custodians = HashMap::<String, usize>::new();
        let mut rows = HashMap::<String, usize>::new();
        for record in records(&file) {
            let row = rows.entry(record[3].to_owned()).or_default();
            *row += 1;
            assert_eq!(&record[8] == "custodian", *row <= 2 && !record[3].ends_with("-closed"), "{record:?}");
            if &record[8] == "custodian" {
                assert_eq!(&record[4], "police");
                *custodians.entry(record[3].to_owned()).or_default() += 1;
            }
        }
        // Stations, outposts, subdivisions, districts and their police centres, wings, regional offices, battalions.
        assert_eq!(custodians.len(), 1_075 + 225 + 101 + 40 + 40 + 14 + 52 + 16);
        assert!(custodians.values().all(|count| *count == 2));
    }

    #[test]
    fn as_many_people_as_the_order_demands_fill_most_groups_and_leave_some_short() {
        let (file, _) = made(300_000, 1);
        let mut sizes = HashMap::<String, u64>::new();
        for record in records(&file) {
            *sizes.entry(record[3].to_owned()).or_default() += 1;
        }
        let stations: Vec<u64> =
            sizes.iter().filter(|(unit, _)| unit.ends_with("-ps")).map(|(_, size)| *size).collect();
        assert_eq!(stations.len(), 1_075);
        let short = stations.iter().filter(|size| **size < 200).count();
        assert!((250..450).contains(&short), "{short} short");
        assert!(stations.iter().any(|size| *size >= 900), "none to split");
        assert!(stations.iter().all(|size| *size <= 1_024), "one beyond the application's ceiling");
    }
}
