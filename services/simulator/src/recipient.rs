//! Numbers that the simulator is willing to "send" to.

use std::fmt;

use crate::refusal::Refusal;

/// Country code and the first two digits of an exercise number. No area code and no mobile series of India begins with
/// 10, so nobody can own such a number.
const EXERCISE_PREFIX: &str = "9110";
/// Digits after the prefix.
const DIGITS: usize = 8;

/// An exercise number (91 10xxxxxxxx) by its last eight digits, or a number that was not kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recipient(u32);

impl Recipient {
    /// The recipient of a send that is known from the record file, which holds no numbers.
    pub(crate) const NOT_KEPT: Self = Self(u32::MAX);

    /// Reads `to`: digits with or without `+`, blanks, hyphens and parentheses.
    ///
    /// # Errors
    /// 131009 when it is not a number, 131030 when it is not an exercise number.
    pub(crate) fn parse(input: &str) -> Result<Self, Refusal> {
        let mut digits = [0_u8; 15];
        let mut length = 0;
        for (position, byte) in input.bytes().enumerate() {
            match byte {
                b'0'..=b'9' if length < digits.len() => {
                    digits[length] = byte;
                    length += 1;
                }
                b'+' if position == 0 => {}
                b' ' | b'-' | b'(' | b')' => {}
                _ => return Err(Refusal::bad_value("to must be a phone number with its country code")),
            }
        }
        if length < 7 {
            return Err(Refusal::bad_value("to must be a phone number with its country code"));
        }
        let digits = &digits[..length];
        match digits.strip_prefix(EXERCISE_PREFIX.as_bytes()) {
            Some(rest) if rest.len() == DIGITS => {
                Ok(Self(rest.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))))
            }
            _ => Err(Refusal::not_an_exercise_number()),
        }
    }

    /// Whether the number is known.
    pub(crate) fn is_kept(self) -> bool {
        self != Self::NOT_KEPT
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{EXERCISE_PREFIX}{:08}", self.0)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Recipient(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exercise_numbers_are_read_in_every_spelling() {
        for spelling in ["911000000042", "+911000000042", "+91 10000-00042", "+91 (10) 00000042"] {
            assert_eq!(Recipient::parse(spelling).unwrap().to_string(), "911000000042", "{spelling}");
        }
    }

    #[test]
    fn numbers_that_somebody_could_own_are_refused() {
        for number in ["919876543210", "916123456789", "+14155550100", "1000000042", "9110000000421", "91100000004"] {
            assert_eq!(Recipient::parse(number).unwrap_err().code(), 131_030, "{number}");
        }
        for number in ["", "abc", "12345", "91100000000x", "1234567890123456", "91+1000000042"] {
            assert_eq!(Recipient::parse(number).unwrap_err().code(), 131_009, "{number}");
        }
    }

    #[test]
    fn a_recipient_is_not_debug_printed() {
        assert_eq!(format!("{:?}", Recipient::parse("911000000042").unwrap()), "Recipient(..)");
    }
}
