//! An appointment: an officer in a post of a unit, from a moment until a moment.

use time::{Date, Month};
use uuid::Uuid;

/// The end of an appointment that is held: after every moment. Moments are microseconds since the epoch.
pub const OPEN_ENDED: i64 = i64::MAX;

/// 1970-01-01 as a Julian day.
const EPOCH: i64 = 2_440_588;
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// What an officer is in a unit; the numbers are those of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Post {
    /// Answers for the unit; one at a time.
    Head = 1,
    /// Stands next to the head.
    SecondInCommand = 2,
    /// Works at the unit's desk.
    DeskOfficer = 3,
    /// Posted to the unit without any of the others.
    Officer = 4,
}

impl Post {
    /// The post with this number of the contract.
    pub fn from_number(number: i32) -> Option<Self> {
        [Self::Head, Self::SecondInCommand, Self::DeskOfficer, Self::Officer]
            .into_iter()
            .find(|post| *post as i32 == number)
    }
}

/// Why an officer holds a post; the numbers are those of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Nature {
    /// Until relieved; by the day.
    Substantive = 1,
    /// In the place of another, for a time.
    Delegation = 2,
    /// In an emergency, for some hours.
    BreakGlass = 3,
}

impl Nature {
    /// The nature with this number of the contract.
    pub fn from_number(number: i32) -> Option<Self> {
        [Self::Substantive, Self::Delegation, Self::BreakGlass].into_iter().find(|nature| *nature as i32 == number)
    }

    /// The name in metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::Substantive => "substantive",
            Self::Delegation => "delegation",
            Self::BreakGlass => "break_glass",
        }
    }
}

/// A day of the calendar, and the moment at which it begins in the cell's time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// `YYYY-MM-DD`.
    pub date: String,
    /// In microseconds since the epoch.
    pub begins: i64,
}

impl Day {
    /// The day of a date, in the zone so many seconds east of UTC; `None` when the calendar does not have it.
    pub fn of(date: &str, zone_seconds: i32) -> Option<Self> {
        let mut parts = date.splitn(3, '-');
        let mut number = || parts.next()?.parse::<u16>().ok();
        let (year, month, day) = (number()?, number()?, number()?);
        let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
        let day = Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()?;
        let begins = (i64::from(day.to_julian_day()) - EPOCH) * DAY - i64::from(zone_seconds) * 1_000_000;
        Some(Self { date: date.to_owned(), begins })
    }

    /// The day of a moment; `None` when the calendar ends before.
    pub fn at(moment: i64, zone_seconds: i32) -> Option<Self> {
        let zone = i64::from(zone_seconds) * 1_000_000;
        let days = moment.checked_add(zone)?.div_euclid(DAY);
        let date = Date::from_julian_day(i32::try_from(days + EPOCH).ok()?).ok()?;
        if !(0..=9999).contains(&date.year()) {
            return None;
        }
        let text = format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day());
        Some(Self { date: text, begins: days * DAY - zone })
    }

    /// The last moment of the day.
    pub fn last(&self) -> i64 {
        self.begins + DAY - 1
    }
}

/// An officer in a post of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appointment {
    /// The key.
    pub id: Uuid,
    /// Who.
    pub officer: Uuid,
    /// Where.
    pub unit: Uuid,
    /// The readable key of the unit, which never changes.
    pub unit_slug: String,
    /// As what.
    pub post: Post,
    /// Why.
    pub nature: Nature,
    /// The first day; empty unless substantive.
    pub start_date: String,
    /// The first day after, [`super::FOREVER`] while it is held; empty unless substantive.
    pub end_date: String,
    /// The first moment.
    pub start: i64,
    /// The first moment after; [`OPEN_ENDED`] while a substantive one is held. Not after `start`: it never was.
    pub end: i64,
    /// What a delegation is in the place of.
    pub delegated_from: Option<Uuid>,
    /// Why the glass was broken.
    pub reason: String,
    /// The subject that put it on record.
    pub appointed_by: String,
    /// The subject that ended it.
    pub ended_by: String,
    /// Counts the changes of the record.
    pub version: i64,
    /// When it was put on record.
    pub created_at: i64,
    /// When the record last changed.
    pub updated_at: i64,
}

impl Appointment {
    /// Whether it is held at a moment.
    pub fn held_at(&self, moment: i64) -> bool {
        self.start <= moment && moment < self.end
    }

    /// Whether it is a substantive one that nobody has ended.
    pub fn is_open_ended(&self) -> bool {
        self.end == OPEN_ENDED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_of_its_zone() {
        let india = 330 * 60;
        let day = Day::of("1970-01-02", india).unwrap();
        assert_eq!(day.begins, DAY - 19_800_000_000);
        assert_eq!(Day::at(day.begins, india), Some(day.clone()));
        assert_eq!(Day::at(day.last(), india), Some(day.clone()));
        assert_eq!(Day::at(day.begins - 1, india).unwrap().date, "1970-01-01");
        assert_eq!(Day::of("2020-02-29", 0).unwrap().date, "2020-02-29");
        assert_eq!(Day::of("2019-02-29", 0), None);
        assert_eq!(Day::at(i64::MAX, 0), None);
    }
}
