//! From what somebody typed to a number: India's spellings, and why a text is none of them.

use thiserror::Error;
use zeroize::Zeroizing;

use crate::digits::{ascii_digit, is_plus, is_separator};
use crate::phone_number::{NATIONAL_DIGITS, PhoneNumber};

/// More digits than any spelling of a number has (`0091` and ten); those after it are counted, not kept.
const KEPT_DIGITS: usize = 4 + NATIONAL_DIGITS;

/// Which numbers an installation accepts.
///
/// National numbers that begin `10` can belong to nobody in India (no area code and no mobile series starts so): they
/// are the *exercise range*, for generated members and drills. A real installation refuses them.
///
/// A landline with its area code (`0612 2234567`) has ten national digits too; one whose area code begins 6 to 8 cannot
/// be told from a mobile number by its digits and is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NumberPlan {
    /// Whether numbers of the exercise range are accepted.
    pub exercise: bool,
}

/// Why a text is no number that the plan accepts. Neither the number nor any digit of it is part of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NumberError {
    /// Nothing, or only spaces and separators.
    #[error("no number given")]
    Empty,
    /// Scientific notation, `9.87654E+09`: a spreadsheet has rounded the number away.
    #[error("the number was rounded by a spreadsheet (scientific notation)")]
    Rounded,
    /// A letter of any script.
    #[error("the number contains letters")]
    Letter,
    /// A character that no spelling of one number has: `/`, `,`, `=`, `#`, a plus sign within the number …
    #[error("the number contains a character that no phone number has")]
    Symbol,
    /// An international number (`+` or `00`) of another country.
    #[error("the number is not of India (+91)")]
    Foreign,
    /// Fewer than ten national digits.
    #[error("the number is too short: {digits} digits after country code and leading zero, not 10")]
    TooShort {
        /// National digits found.
        digits: usize,
    },
    /// More than ten national digits.
    #[error("the number is too long: {digits} digits after country code and leading zero, not 10")]
    TooLong {
        /// National digits found.
        digits: usize,
    },
    /// Ten digits, but no Indian mobile number.
    #[error("the number is not a mobile number: those of India begin with 6 to 9")]
    NotMobile,
    /// A number of the exercise range, where only real numbers are accepted.
    #[error("the number is of the exercise range, which is not accepted here")]
    Exercise,
}

impl NumberPlan {
    /// The number that a text means.
    ///
    /// Understands `+91`, `0091`, `91`, a leading `0` (also both, `+91 (0) …`), decimal digits of any script, and spaces,
    /// dashes, dots, brackets and invisible direction marks between them.
    ///
    /// # Errors
    /// The first reason, in the order of [`NumberError`]'s variants, why the text is no such number.
    pub fn normalise(&self, text: &str) -> Result<PhoneNumber, NumberError> {
        let digits = Digits::read(text)?;
        let national = digits.national()?;
        let number: &[u8; NATIONAL_DIGITS] = national.try_into().map_err(|_| digits.wrong_length(national))?;
        match number {
            [b'6'..=b'9', ..] => {}
            [b'1', b'0', ..] if self.exercise => {}
            [b'1', b'0', ..] => return Err(NumberError::Exercise),
            _ => return Err(NumberError::NotMobile),
        }
        Ok(PhoneNumber::from_national(number))
    }
}

/// The digits of a text, folded to ASCII.
struct Digits {
    plus: bool,
    /// The first digits; wiped after use.
    kept: Zeroizing<[u8; KEPT_DIGITS]>,
    /// How many digits the text has; may exceed what is kept.
    count: usize,
}

impl Digits {
    fn read(text: &str) -> Result<Self, NumberError> {
        let mut digits = Self { plus: false, kept: Zeroizing::new([0; KEPT_DIGITS]), count: 0 };
        let mut problem = None;
        let mut previous = None;
        for character in text.chars() {
            if let Some(digit) = ascii_digit(character) {
                if let Some(place) = digits.kept.get_mut(digits.count) {
                    *place = digit;
                }
                digits.count += 1;
            } else if is_plus(character) && matches!(previous, Some('E' | 'e')) {
                return Err(NumberError::Rounded);
            } else if is_plus(character) && digits.count == 0 && !digits.plus {
                digits.plus = true;
            } else if character.is_alphabetic() {
                problem = Some(NumberError::Letter);
            } else if !is_separator(character) {
                problem = problem.or(Some(NumberError::Symbol));
            }
            previous = Some(character);
        }
        match problem {
            Some(problem) => Err(problem),
            None if digits.count == 0 => Err(NumberError::Empty),
            None => Ok(digits),
        }
    }

    fn kept(&self) -> &[u8] {
        &self.kept[..self.count.min(KEPT_DIGITS)]
    }

    /// The digits after country code and trunk zero.
    fn national(&self) -> Result<&[u8], NumberError> {
        let kept = self.kept();
        if self.plus {
            return kept.strip_prefix(b"91").map(without_trunk_zero).ok_or(NumberError::Foreign);
        }
        if let Some(international) = kept.strip_prefix(b"00") {
            return international.strip_prefix(b"91").map(without_trunk_zero).ok_or(NumberError::Foreign);
        }
        // Without a mark, `91` is the country code only where the digits are too many for a national number.
        let national = without_trunk_zero(kept);
        match national.strip_prefix(b"91") {
            Some(rest) if national.len() > NATIONAL_DIGITS => Ok(without_trunk_zero(rest)),
            _ => Ok(national),
        }
    }

    fn wrong_length(&self, national: &[u8]) -> NumberError {
        let digits = national.len() + self.count.saturating_sub(KEPT_DIGITS);
        if digits < NATIONAL_DIGITS { NumberError::TooShort { digits } } else { NumberError::TooLong { digits } }
    }
}

/// Without the `0` that is dialled before a national number.
fn without_trunk_zero(digits: &[u8]) -> &[u8] {
    digits.strip_prefix(b"0").unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: NumberPlan = NumberPlan { exercise: false };
    const DRILL: NumberPlan = NumberPlan { exercise: true };

    fn error(plan: NumberPlan, text: &str) -> NumberError {
        plan.normalise(text).expect_err(text)
    }

    #[test]
    fn every_indian_spelling_is_one_number() {
        for spelling in [
            "1061200042",
            "01061200042",
            "911061200042",
            "+911061200042",
            "00911061200042",
            "0911061200042",
            "+91 (0) 10612 00042",
            "+91-1061-200-042",
            "(+91) 10612.00042",
            "  10612 00042\t",
            "१०६१२०००४२",
            "+९१ १०६१२ ०००४२",
            "＋９１　１０６１２　０００４２",
            "\u{202A}+91\u{00A0}10612\u{2011}00042\u{202C}",
            "[0]10612–00042",
            "০১০৬১২০০০৪২",
            "+91 १०६१२ 00042",
        ] {
            assert_eq!(
                DRILL.normalise(spelling).map(|number| number.expose().to_owned()),
                Ok("+911061200042".to_owned()),
                "{spelling}"
            );
        }
    }

    #[test]
    fn mobiles_begin_with_six_to_nine() {
        for first in b'0'..=b'9' {
            let text = format!("+91{}061200042", char::from(first));
            assert_eq!(REAL.normalise(&text).is_ok(), (b'6'..=b'9').contains(&first), "{text}");
        }
        assert_eq!(error(REAL, "2061200042"), NumberError::NotMobile);
        assert_eq!(error(DRILL, "1161200042"), NumberError::NotMobile);
    }

    #[test]
    fn a_mobile_number_that_begins_91_is_not_taken_for_a_country_code() {
        for spelling in ["9161200042", "09161200042", "919161200042"] {
            assert_eq!(
                REAL.normalise(spelling).map(|number| number.expose().to_owned()),
                Ok("+919161200042".to_owned()),
                "{spelling}"
            );
        }
    }

    #[test]
    fn the_exercise_range_needs_an_exercise() {
        assert_eq!(error(REAL, "+91 10612 00042"), NumberError::Exercise);
        assert!(DRILL.normalise("+91 10612 00042").is_ok());
        assert!(DRILL.normalise("+91 60612 00042").is_ok());
    }

    #[test]
    fn each_wrong_text_has_its_reason() {
        for (text, reason) in [
            ("", NumberError::Empty),
            (" - ( ) . ", NumberError::Empty),
            ("+", NumberError::Empty),
            ("9.06120E+09", NumberError::Rounded),
            ("nil", NumberError::Letter),
            ("नहीं है", NumberError::Letter),
            ("90612 00042 ext 5", NumberError::Letter),
            ("9O612OOO42", NumberError::Letter),
            ("9061200042/9061200043", NumberError::Symbol),
            ("9061200042, 9061200043", NumberError::Symbol),
            ("=9061200042", NumberError::Symbol),
            ("90612+00042", NumberError::Symbol),
            ("++919061200042", NumberError::Symbol),
            ("+977 98061 200042", NumberError::Foreign),
            ("00977 98061 200042", NumberError::Foreign),
            ("+1 206 120 0042", NumberError::Foreign),
            ("+0 9061200042", NumberError::Foreign),
            ("906120004", NumberError::TooShort { digits: 9 }),
            ("0906120004", NumberError::TooShort { digits: 9 }),
            ("+91 906120004", NumberError::TooShort { digits: 9 }),
            ("100", NumberError::TooShort { digits: 3 }),
            ("+91", NumberError::TooShort { digits: 0 }),
            ("90612000421", NumberError::TooLong { digits: 11 }),
            ("9061200042.0", NumberError::TooLong { digits: 11 }),
            ("90612000429061200043", NumberError::TooLong { digits: 20 }),
            ("+91 9061200042 9061200043", NumberError::TooLong { digits: 20 }),
        ] {
            assert_eq!(error(DRILL, text), reason, "{text}");
        }
    }

    #[test]
    fn no_error_contains_a_part_of_the_number() {
        for text in ["90612000421", "9061200042x", "+9779061200042", "2061200042", "9061200042/1"] {
            let shown = error(REAL, text);
            let shown = format!("{shown} {shown:?}");
            assert!(!shown.contains("061") && !shown.contains("042"), "{shown}");
        }
    }
}
