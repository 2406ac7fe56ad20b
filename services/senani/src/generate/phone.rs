//! Exercise numbers: national numbers of ten digits that begin with 10. No area code of India and no series of mobile numbers does,
//! so that nobody can be reached under one.

use super::random::Random;

/// How many exercise numbers there are: the eight digits after `10`.
pub(super) const CAPACITY: u64 = 100_000_000;

/// How many ways to write a number [`spelled`] knows.
const SPELLINGS: u64 = 9;

/// How many of these, the first ones, have Latin digits.
const LATIN_SPELLINGS: u64 = 7;

const PURPOSE_START: u64 = 1;
const PURPOSE_SPELLING: u64 = 2;

/// The ten national digits of the number of row `row`, below [`CAPACITY`]. Different rows have different numbers.
fn national(seed: u64, row: u64) -> String {
    let start = Random::new(seed, PURPOSE_START, 0).below(CAPACITY);
    // A multiplier without a factor of 2 or 5 permutes the numbers modulo a power of ten.
    let subscriber = (row * 61_680_437 + start) % CAPACITY;
    format!("10{subscriber:08}")
}

/// The number of a row, as this row writes it.
pub(super) fn of_row(seed: u64, row: u64) -> String {
    spelled(&national(seed, row), own_spelling(seed, row))
}

/// The number of a row, written in another way than this row writes it.
pub(super) fn of_row_otherwise(seed: u64, row: u64, random: &mut Random) -> String {
    spelled(&national(seed, row), (own_spelling(seed, row) + random.between(1, SPELLINGS)) % SPELLINGS)
}

/// Devanagari digits are the exception.
fn own_spelling(seed: u64, row: u64) -> u64 {
    let mut random = Random::new(seed, PURPOSE_SPELLING, row);
    if random.in_thousand(60) { random.between(LATIN_SPELLINGS, SPELLINGS) } else { random.below(LATIN_SPELLINGS) }
}

fn spelled(national: &str, spelling: u64) -> String {
    let (area, line) = national.split_at(5);
    match spelling {
        0 => format!("+91{national}"),
        1 => format!("+91 {area} {line}"),
        2 => format!("+91-{}-{}-{}", &national[..4], &national[4..7], &national[7..]),
        3 => format!("0{national}"),
        4 => format!("91-{area}-{line}"),
        5 => national.to_owned(),
        6 => format!("{area} {line}"),
        7 => in_devanagari(&format!("+91 {area} {line}")),
        _ => in_devanagari(&format!("0{area}-{line}")),
    }
}

fn in_devanagari(text: &str) -> String {
    text.chars()
        .map(|character| match character.to_digit(10) {
            Some(digit) => char::from_u32(u32::from('०') + digit).unwrap_or(character),
            None => character,
        })
        .collect()
}

/// Digits are missing.
pub(super) fn too_short(seed: u64, row: u64) -> String {
    format!("+91 {}", &national(seed, row)[..7])
}

/// A letter O where a zero should be.
pub(super) fn with_letter(seed: u64, row: u64) -> String {
    national(seed, row).replacen('0', "O", 1)
}

/// Not of India: a number that the British regulator keeps for drama.
pub(super) fn foreign(random: &mut Random) -> String {
    format!("+44 7700 900{:03}", random.below(1000))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_row_has_a_number_of_its_own_in_the_exercise_range() {
        let numbers: HashSet<String> = (0..50_000).chain(CAPACITY - 10..CAPACITY).map(|row| national(7, row)).collect();
        assert_eq!(numbers.len(), 50_010);
        assert!(numbers.iter().all(|number| number.len() == 10 && number.starts_with("10")));
    }

    #[test]
    fn another_spelling_is_never_the_rows_own() {
        let mut random = Random::new(1, 0, 0);
        for row in 0..500 {
            assert_ne!(of_row(1, row), of_row_otherwise(1, row, &mut random));
        }
    }

    #[test]
    fn digits_can_be_devanagari() {
        assert_eq!(spelled("1012345678", 7), "+९१ १०१२३ ४५६७८");
    }
}
