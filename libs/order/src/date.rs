//! A calendar day.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A day of the Gregorian calendar, from 0001-01-01 to 9999-12-31, written `YYYY-MM-DD`. Earlier days are smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A text that is no day written `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a date as YYYY-MM-DD")]
pub struct DateError;

impl Date {
    /// The day, if the calendar has it.
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let exists =
            (1..=9999).contains(&year) && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        exists.then_some(Self { year, month, day })
    }
}

fn days_in(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return Err(DateError) };
        let number = |digits: &[&u8]| {
            digits.iter().try_fold(0, |number: u16, digit| {
                if digit.is_ascii_digit() { Ok(number * 10 + u16::from(**digit - b'0')) } else { Err(DateError) }
            })
        };
        let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
        Self::new(year, month as u8, day as u8).ok_or(DateError)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_that_the_calendar_does_not_have_are_refused() {
        for day in ["2021-02-29", "1900-02-29", "2020-00-10", "2020-13-01", "2020-04-31", "2020-01-00", "0000-01-01"] {
            assert_eq!(day.parse::<Date>(), Err(DateError), "{day}");
        }
        for day in ["2020-02-29", "2000-02-29", "2020-12-31", "0001-01-01", "9999-12-31"] {
            assert_eq!(day.parse::<Date>().map(|date| date.to_string()), Ok(day.to_owned()));
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in
            ["", "2020-5-20", "20200520", "2020/05/20", " 2020-05-20", "2020-05-20T00:00", "+020-05-20", "२०२०-०५-२०"]
        {
            assert_eq!(text.parse::<Date>(), Err(DateError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn days_are_ordered_as_their_texts(a in "20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])", b in "[0-2][0-9]{2}[1-9]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])") {
            prop_assert_eq!(a.parse::<Date>().unwrap().cmp(&b.parse().unwrap()), a.cmp(&b));
        }
    }
}
