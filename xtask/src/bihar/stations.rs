//! Which station stands in which subdivision, and the slugs of places: the sources give neither.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::Unit;
use super::sources::{Words, table};

/// A police subdivision with the stations that were given to it.
#[derive(Debug)]
pub(super) struct Subdivision {
    pub(super) district: String,
    /// Slug without the kind, such as `patna-sadar`.
    pub(super) stem: String,
    pub(super) english: String,
    pub(super) hindi: String,
    pub(super) stations: Vec<Unit>,
}

/// The subdivisions with all their stations: the sourced ones where [`placed`] puts them, then synthetic ones up to `total`, each in
/// the emptiest subdivision of the state (of equals, the first of the file).
pub(super) fn subdivisions(
    sources: &Path,
    words: &Words,
    districts: &[[String; 5]],
    total: usize,
) -> Result<Vec<Subdivision>> {
    let mut subdivisions = Vec::new();
    for [district, english] in table(sources.join("subdivisions.csv"), ["district", "name_en"])? {
        let (stem, hindi) = (stem(&district, &english), words.hindi(&english)?);
        subdivisions.push(Subdivision { district, stem, english, hindi, stations: Vec::new() });
    }
    let given = table(sources.join("stations.csv"), ["district", "name_en"])?;
    let missing = total.checked_sub(given.len()).context("more stations than the published total")?;
    let mut names = HashMap::<&str, usize>::new();
    for [_, name] in &given {
        *names.entry(name).or_default() += 1;
    }
    for [district, place, place_hindi, ..] in districts {
        let stations: Vec<&str> =
            given.iter().filter(|[of, _]| of == district).map(|[_, name]| name.as_str()).collect();
        let mut own: Vec<_> = subdivisions.iter_mut().filter(|subdivision| subdivision.district == *district).collect();
        let places: Vec<&str> = own.iter().map(|subdivision| subdivision.english.as_str()).collect();
        ensure!(!places.is_empty(), "{district}: no subdivision");
        for (name, index) in stations.iter().zip(placed(&stations, &places)) {
            let (mut english, mut hindi) = (format!("{name} Police Station"), format!("{} थाना", words.hindi(name)?));
            if names[name] > 1 {
                (english, hindi) = (format!("{english}, {place}"), format!("{hindi}, {place_hindi}"));
            }
            own[index].stations.push(Unit {
                slug: format!("{}-ps", stem(district, name)),
                parent: String::new(),
                kind: "station",
                english,
                hindi,
                certainty: "sourced",
            });
        }
    }
    ensure!(
        subdivisions.iter().map(|subdivision| subdivision.stations.len()).sum::<usize>() == given.len(),
        "stations.csv: a station of an unknown district"
    );
    let mut made = HashMap::<String, usize>::new();
    for _ in 0..missing {
        let subdivision =
            subdivisions.iter_mut().min_by_key(|subdivision| subdivision.stations.len()).context("no subdivision")?;
        let number = made.entry(subdivision.stem.clone()).or_default();
        *number += 1;
        subdivision.stations.push(Unit {
            slug: format!("{}-synthetic-{number}-ps", subdivision.stem),
            parent: String::new(),
            kind: "station",
            english: format!("Synthetic station {number}, {}", subdivision.english),
            hindi: format!("कृत्रिम थाना {number}, {}", subdivision.hindi),
            certainty: "synthetic",
        });
    }
    Ok(subdivisions)
}

/// The subdivision of each station of a district, by index. A station named after one ("Danapur Cantt": Danapur) stands in it; any
/// other stands where the nearest such station of the list does, for the lists go about by neighbourhood. A subdivision left empty
/// gets the later half of the others in the one before it ("Patna City" from "Patna Sadar").
fn placed(stations: &[&str], subdivisions: &[&str]) -> Vec<usize> {
    let named: Vec<Option<usize>> = stations.iter().map(|station| named_after(subdivisions, station)).collect();
    let anchors: Vec<(usize, usize)> =
        named.iter().enumerate().filter_map(|(position, index)| Some((position, (*index)?))).collect();
    let mut placed: Vec<usize> = (0..stations.len())
        .map(|position| {
            anchors.iter().min_by_key(|(anchor, _)| anchor.abs_diff(position)).map_or(0, |(_, index)| *index)
        })
        .collect();
    for empty in 0..subdivisions.len() {
        if placed.contains(&empty) {
            continue;
        }
        let neighbour = if empty == 0 { 1 } else { empty - 1 };
        let others: Vec<usize> = (0..stations.len())
            .filter(|&position| placed[position] == neighbour && named[position].is_none())
            .collect();
        for &position in &others[others.len() / 2..] {
            placed[position] = empty;
        }
    }
    placed
}

/// The subdivision whose place the station's name contains; the longest place wins, of equals the first.
fn named_after(subdivisions: &[&str], station: &str) -> Option<usize> {
    // The town of Arrah is written both ways in the sources.
    let station = format!("-{}-", slugified(station)).replace("-ara-", "-arrah-");
    let place = |subdivision: &str| {
        let name = slugified(subdivision);
        let place = ["-sadar", "-east", "-west", "-city"].iter().find_map(|suffix| name.strip_suffix(suffix));
        format!("-{}-", place.unwrap_or(&name))
    };
    (0..subdivisions.len())
        .rev() // `max_by_key` takes the last of equals
        .filter(|&index| station.contains(&place(subdivisions[index])))
        .max_by_key(|&index| place(subdivisions[index]).len())
}

/// A slug for a place in a district, which names the district once: Patna and "Kotwali Patna" give `patna-kotwali`.
fn stem(district: &str, name: &str) -> String {
    let rest = format!("-{}-", slugified(name)).replacen(&format!("-{district}-"), "-", 1);
    match rest.trim_matches('-') {
        "" => district.to_owned(),
        rest => format!("{district}-{rest}"),
    }
}

fn slugified(name: &str) -> String {
    let mut slug = String::new();
    for character in name.chars() {
        match character.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9') => slug.push(letter),
            ' ' | '-' => slug.push('-'),
            _ => {}
        }
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_station_without_a_subdivision_in_its_name_stands_with_its_neighbour() {
        let stations = ["Kotwali Patna", "Chowk", "Beur", "Danapur Cantt", "Khagaul"];
        assert_eq!(placed(&stations, &["Patna Sadar", "Danapur"]), [0, 0, 1, 1, 1]);
    }

    #[test]
    fn a_subdivision_without_a_station_takes_some_from_the_one_before() {
        let stations = ["Kotwali Patna", "Chowk", "Digha", "Danapur Cantt"];
        assert_eq!(placed(&stations, &["Patna Sadar", "Patna City", "Danapur"]), [0, 1, 2, 2]);
    }

    #[test]
    fn a_slug_names_the_district_once() {
        assert_eq!(stem("patna", "Kotwali Patna"), "patna-kotwali");
        assert_eq!(stem("purnia", "K. Hat"), "purnia-k-hat");
        assert_eq!(stem("bagaha", "Bagaha"), "bagaha");
    }
}
