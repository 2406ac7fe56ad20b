//! Finding units by name, in any script and with slips.

use super::sound::{keys, likeness};

/// Below this a name is not what was asked for.
const LEAST: f64 = 0.6;

/// Words of a question that count.
const WORDS: usize = 8;

/// A unit to be found.
#[derive(Debug)]
struct Listed {
    slug: String,
    kind: i32,
    closed: bool,
    /// The words of each name, as keys.
    names: Vec<Vec<String>>,
}

/// The names of all units, by sound.
#[derive(Debug, Default)]
pub struct NameIndex {
    units: Vec<Listed>,
}

/// A unit that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Which.
    pub slug: String,
    /// How well its name fits, above 0 and at most 1.
    pub score: f64,
}

impl NameIndex {
    /// Enters a unit with its names in any languages.
    pub fn enter<'n>(&mut self, slug: &str, kind: i32, closed: bool, names: impl IntoIterator<Item = &'n str>) {
        let names = names.into_iter().map(keys).collect();
        self.units.push(Listed { slug: slug.to_owned(), kind, closed, names });
    }

    /// The units whose names fit best, the best first, at most `limit`; of `kind` if one is given, and closed ones if asked for.
    pub fn find(&self, question: &str, kind: Option<i32>, closed: bool, limit: usize) -> Vec<Match> {
        let mut asked = keys(question);
        asked.truncate(WORDS);
        if asked.is_empty() {
            return Vec::new();
        }
        let together = asked.concat();
        let wanted = |unit: &&Listed| kind.is_none_or(|kind| unit.kind == kind) && (closed || !unit.closed);
        let mut found: Vec<Match> = self
            .units
            .iter()
            .filter(wanted)
            .filter_map(|unit| {
                let scores = unit.names.iter().map(|name| score(&asked, &together, name));
                let score = scores.fold(0.0, f64::max);
                (score >= LEAST).then(|| Match { slug: unit.slug.clone(), score })
            })
            .collect();
        found.sort_by(|one, other| other.score.total_cmp(&one.score).then_with(|| one.slug.cmp(&other.slug)));
        found.truncate(limit);
        found
    }
}

/// How well a name answers: how alike its words are to those asked for, and how much of it was asked for.
fn score(asked: &[String], together: &str, name: &[String]) -> f64 {
    let best = |word: &String| name.iter().map(|known| likeness(word, known)).fold(0.0, f64::max);
    let apart = asked.iter().map(best).sum::<f64>() / asked.len() as f64;
    // Words are written in one or in two: Muzaffar Pur, Patnacity.
    let joined = if asked.len() > 1 || name.len() > 1 {
        let words = name.iter().map(|known| likeness(together, known)).fold(0.0, f64::max);
        words.max(likeness(together, &name.concat()))
    } else {
        0.0
    };
    let letters: usize = name.iter().map(String::len).sum();
    let share = (together.len() as f64 / letters.max(1) as f64).min(1.0);
    apart.max(joined) * (0.85 + 0.15 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> NameIndex {
        let mut index = NameIndex::default();
        for (slug, kind, closed, hindi, english) in [
            ("muzaffarpur-district", 6, false, "मुजफ्फरपुर", "Muzaffarpur"),
            ("rail-muzaffarpur", 3, false, "रेल मुजफ्फरपुर", "Railway Muzaffarpur"),
            ("patna-district", 6, false, "पटना", "Patna"),
            ("patna-city", 8, false, "पटना सिटी", "Patna City"),
            ("patna-kotwali-ps", 10, false, "कोतवाली पटना थाना", "Kotwali Patna Police Station"),
            ("gaya-kotwali-ps", 10, false, "कोतवाली गया थाना", "Kotwali Gaya Police Station"),
            ("old-patna", 8, true, "पुराना पटना", "Old Patna"),
        ] {
            index.enter(slug, kind, closed, [hindi, english]);
        }
        index
    }

    fn found(question: &str) -> Vec<String> {
        index().find(question, None, false, 10).into_iter().map(|found| found.slug).collect()
    }

    #[test]
    fn a_name_is_found_in_both_scripts_and_with_slips_the_closest_first() {
        for question in ["Muzaffarpur", "मुजफ्फरपुर", "muzafarpur", "Mujaffarpur", "Muzaffar Pur", "मुज़फ़्फ़रपुर", "Muzaff"]
        {
            assert_eq!(found(question), ["muzaffarpur-district", "rail-muzaffarpur"], "{question}");
        }
        assert_eq!(found("patna")[..2], ["patna-district", "patna-city"]);
        assert_eq!(found("Kotwali thana Gaya")[0], "gaya-kotwali-ps");
        assert_eq!(found("पटना कोतवाली")[0], "patna-kotwali-ps");
        assert_eq!(found("Patnacity")[0], "patna-city");
        assert!(found("Chennai").is_empty());
        assert!(found("  – ").is_empty());
    }

    #[test]
    fn kind_and_state_and_limit_narrow_what_is_found() {
        let slugs = |found: Vec<Match>| found.into_iter().map(|found| found.slug).collect::<Vec<_>>();
        assert_eq!(slugs(index().find("patna", Some(6), false, 10)), ["patna-district"]);
        assert!(slugs(index().find("patna", Some(8), true, 10)).contains(&"old-patna".to_owned()));
        assert_eq!(index().find("patna", None, false, 1).len(), 1);
    }
}
