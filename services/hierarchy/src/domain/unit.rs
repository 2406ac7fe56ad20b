//! A unit and what makes one right.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Kind;

/// Characters that a name may have.
const NAME_LENGTH: usize = 200;

/// How sure a record is; the numbers are those of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(i32)]
pub enum Certainty {
    /// Not said.
    #[default]
    Unspecified = 0,
    /// From a published source.
    Sourced = 1,
    /// Background knowledge.
    Background = 2,
    /// Made up to complete the published totals.
    Synthetic = 3,
}

impl Certainty {
    /// The name in files; empty for not said.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "",
            Self::Sourced => "sourced",
            Self::Background => "background",
            Self::Synthetic => "synthetic",
        }
    }

    /// The certainty with this number of the contract.
    pub fn from_number(number: i32) -> Option<Self> {
        [Self::Unspecified, Self::Sourced, Self::Background, Self::Synthetic]
            .into_iter()
            .find(|certainty| *certainty as i32 == number)
    }

    /// The certainty with this name in files; empty for not said.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "" => Self::Unspecified,
            "sourced" => Self::Sourced,
            "background" => Self::Background,
            "synthetic" => Self::Synthetic,
            _ => return None,
        })
    }
}

/// What a caller says of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The readable key.
    pub slug: String,
    /// The slug of the unit above; `None` for the root.
    pub parent: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// Names by language.
    pub names: BTreeMap<String, String>,
    /// Codes by system.
    pub codes: BTreeMap<String, String>,
    /// The day it opened, `YYYY-MM-DD`.
    pub opened_on: String,
    /// How sure the record is.
    pub certainty: Certainty,
}

/// A unit in the register. Times in microseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The key that other services use.
    pub id: Uuid,
    /// The key of the unit above.
    pub parent_id: Option<Uuid>,
    /// What was said of it.
    pub draft: Draft,
    /// The day from which it is closed, or empty.
    pub closed_on: String,
    /// The slug of the unit with which it was merged when it closed, or empty.
    pub successor: String,
    /// Grows with every change.
    pub version: i64,
    /// When it was first recorded.
    pub created_at: i64,
    /// When it last changed.
    pub updated_at: i64,
}

/// A set of units. Times in microseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitSet {
    /// The readable key.
    pub slug: String,
    /// Names by language.
    pub names: BTreeMap<String, String>,
    /// How many units are in it now.
    pub units: i64,
    /// The first day on which nothing is in it any more; empty while it is open.
    pub closed_on: String,
    /// Counts the changes.
    pub version: i64,
    /// When it was first recorded.
    pub created_at: i64,
}

/// What is wrong with a draft by itself, without regard to other units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// Not 3 to 63 characters of a–z, 0–9 and single hyphens.
    Slug,
    /// No name in Hindi.
    NameMissingInHindi,
    /// A name over 200 characters, empty or with space at an end, or a language that is not a code.
    DisplayName,
    /// Not a date.
    Date,
    /// A code, or the system that it is of, cannot be.
    Code,
}

/// Everything that is wrong with a draft by itself.
pub fn check_draft(draft: &Draft, is_slug: impl Fn(&str) -> bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !is_slug(&draft.slug) {
        problems.push(Problem::Slug);
    }
    problems.extend(check_names(&draft.names));
    problems.extend(check_codes(&draft.codes));
    if !is_date(&draft.opened_on) {
        problems.push(Problem::Date);
    }
    problems
}

/// What is wrong with a unit's codes: a file writes them as `system:code;system:code`.
pub fn check_codes(codes: &BTreeMap<String, String>) -> Option<Problem> {
    let wrong =
        |text: &str| text.is_empty() || text.trim() != text || text.contains(|c: char| c == ';' || c.is_control());
    let any = codes.iter().any(|(system, code)| wrong(system) || wrong(code) || system.contains(':'));
    any.then_some(Problem::Code)
}

/// Everything that is wrong with a unit's names.
pub fn check_names(names: &BTreeMap<String, String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if names.get("hi").is_none_or(|name| name.trim().is_empty()) {
        problems.push(Problem::NameMissingInHindi);
    }
    let wrong_name = |(language, name): (&String, &String)| {
        !is_language(language)
            || name.chars().count() > NAME_LENGTH
            || name.chars().any(char::is_control)
            || name.trim() != name
            || (language != "hi" && name.trim().is_empty())
    };
    if names.iter().any(wrong_name) {
        problems.push(Problem::DisplayName);
    }
    problems
}

/// A language code as BCP 47 has them, thinly: `hi`, `mai`, `hi-Latn`.
pub fn is_language(code: &str) -> bool {
    let mut parts = code.split('-');
    parts.next().is_some_and(|first| (2..=3).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_lowercase()))
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Whether a text is a day of the calendar as `YYYY-MM-DD`.
pub fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return false;
    }
    if !bytes.iter().enumerate().all(|(at, byte)| byte.is_ascii_digit() || at == 4 || at == 7) {
        return false;
    }
    let number = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<u32>().ok());
    let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else { return false };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_of_the_calendar() {
        for date in ["2018-08-01", "2020-02-29", "2000-02-29"] {
            assert!(is_date(date), "{date}");
        }
        for text in ["", "2018-8-1", "2019-02-29", "1900-02-29", "2018-13-01", "2018-00-10", "2018-04-31", "+018-01-01"]
        {
            assert!(!is_date(text), "{text}");
        }
    }
}
