//! Rows that are wrong on purpose, so that an import has something to reject.

use std::fmt;

use super::phone;
use super::random::Random;

const PURPOSE_WRONG: u64 = 5;

/// Out of a thousand: rows that are wrong on purpose.
const WRONG: u64 = 10;

/// What is wrong with a row. Everything else in it is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WrongRow {
    /// The number of an earlier row, in another spelling.
    DuplicatePhone,
    /// A number of another country.
    ForeignPhone,
    /// A name that a spreadsheet would run.
    FormulaCell,
    /// No name in Hindi.
    MissingHindiName,
    /// A number with a letter in it.
    PhoneWithLetter,
    /// A number with too few digits.
    ShortPhone,
    /// A category that does not exist.
    UnknownCategory,
    /// A unit that does not exist.
    UnknownUnit,
}

impl WrongRow {
    pub(super) const ALL: [(Self, u64); 8] = [
        (Self::DuplicatePhone, 30),
        (Self::ForeignPhone, 8),
        (Self::FormulaCell, 8),
        (Self::MissingHindiName, 12),
        (Self::PhoneWithLetter, 8),
        (Self::ShortPhone, 14),
        (Self::UnknownCategory, 8),
        (Self::UnknownUnit, 12),
    ];

    /// What is wrong with a row, unless it is a custodian's: these are always right, so that every unit has its two.
    pub(super) fn of_row(seed: u64, row: u64) -> Option<Self> {
        let mut random = Random::new(seed, PURPOSE_WRONG, row);
        random.in_thousand(WRONG).then(|| random.weighted(&Self::ALL))
    }
}

impl fmt::Display for WrongRow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::DuplicatePhone => "number of an earlier row, spelled otherwise",
            Self::ForeignPhone => "foreign number",
            Self::FormulaCell => "formula in a cell",
            Self::MissingHindiName => "no name in hindi",
            Self::PhoneWithLetter => "letter in the number",
            Self::ShortPhone => "number too short",
            Self::UnknownCategory => "unknown category",
            Self::UnknownUnit => "unknown unit",
        })
    }
}

/// The cells of a row that may be spoiled.
#[derive(Debug)]
pub(super) struct Cells<'a> {
    pub(super) hindi: String,
    pub(super) english: String,
    pub(super) phone: String,
    /// `None`: the unit in which the row stands.
    pub(super) unit: Option<String>,
    pub(super) category: &'a str,
    pub(super) rank: &'a str,
}

impl Cells<'_> {
    /// Makes this row, number `row` of unit `unit`, wrong in the given way.
    pub(super) fn spoil(&mut self, wrong: WrongRow, seed: u64, row: u64, unit: &str, random: &mut Random) {
        match wrong {
            WrongRow::DuplicatePhone => {
                // The nearest right row at or before a random one. Row 0 is a custodian's, hence right.
                let start = random.below(row);
                let earlier = (1..=start).rev().find(|row| WrongRow::of_row(seed, *row).is_none()).unwrap_or(0);
                self.phone = phone::of_row_otherwise(seed, earlier, random);
            }
            WrongRow::ForeignPhone => self.phone = phone::foreign(random),
            WrongRow::PhoneWithLetter => self.phone = phone::with_letter(seed, row),
            WrongRow::ShortPhone => self.phone = phone::too_short(seed, row),
            WrongRow::FormulaCell => {
                let formula = random.of(&[
                    "=HYPERLINK(\"http://prize.invalid/claim\",\"इनाम यहां लें\")",
                    "=1+1",
                    "@SUM(A1:A9)",
                    "+cmd|' /C calc'!A0",
                    "-2+3",
                ]);
                *if random.of(&[true, false]) { &mut self.hindi } else { &mut self.english } = formula.to_owned();
            }
            WrongRow::MissingHindiName => self.hindi.clear(),
            WrongRow::UnknownCategory => {
                self.category = random.of(&["influencer", "vip", "शिक्षक", "member_of_public"]);
                self.rank = "";
            }
            WrongRow::UnknownUnit => self.unit = Some(format!("{unit}-closed")),
        }
    }
}
