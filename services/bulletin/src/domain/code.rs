//! Codes on posters: short enough to type, with a digit that finds a slip.

use std::fmt;

/// Crockford's base 32: no I, L, O and U.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Digits that are drawn by lot: 55 bits, so that guessing finds nothing.
const DRAWN: usize = 11;

/// A code: eleven digits by lot and one that checks them. Any single digit that is wrong, and any two neighbours that are exchanged, are
/// found: the check is the sum of αⁱ·digitᵢ over GF(32), in which α has order 31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Code([u8; DRAWN + 1]);

impl Code {
    /// The code of a lot; its upper nine bits are not used.
    pub(crate) fn of(lot: u64) -> Self {
        let mut digits = [0; DRAWN + 1];
        for (at, digit) in digits[..DRAWN].iter_mut().enumerate() {
            *digit = (lot >> (5 * at) & 31) as u8;
        }
        digits[DRAWN] = check(&digits[..DRAWN]);
        Self(digits)
    }

    /// A code as somebody typed it; `None` when it is none.
    pub(crate) fn parse(typed: &str) -> Option<Self> {
        let mut digits = [0; DRAWN + 1];
        let mut count = 0;
        for letter in typed.chars().filter(|letter| !matches!(letter, '-' | ' ')) {
            let letter = match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                letter => letter,
            };
            let value = DIGITS.iter().position(|digit| char::from(*digit) == letter)?;
            *digits.get_mut(count)? = value as u8;
            count += 1;
        }
        (count == digits.len() && digits[DRAWN] == check(&digits[..DRAWN])).then_some(Self(digits))
    }

    /// Twelve digits without hyphens: how it is stored, signed and put into addresses.
    pub(crate) fn plain(&self) -> String {
        self.0.iter().map(|digit| char::from(DIGITS[usize::from(*digit)])).collect()
    }
}

/// As it is written: `XXXX-XXXX-XXXX`.
impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.plain();
        write!(formatter, "{}-{}-{}", &plain[..4], &plain[4..8], &plain[8..])
    }
}

fn check(digits: &[u8]) -> u8 {
    // Horner's rule, the factor of the first digit the highest.
    times_alpha(digits.iter().fold(0, |sum, digit| times_alpha(sum) ^ digit))
}

/// In GF(32) by x⁵ + x² + 1.
fn times_alpha(value: u8) -> u8 {
    let doubled = value << 1;
    if doubled & 32 == 0 { doubled } else { doubled ^ 0b10_0101 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = Code::of(0x0012_3456_789a_bcde);
        let written = code.to_string();
        assert_eq!((written.len(), written.matches('-').count()), (14, 2));
        for typed in [written.clone(), written.to_lowercase(), written.replace('-', " "), code.plain()] {
            assert_eq!(Code::parse(&typed), Some(code));
        }
        let ones = Code::of(1 | 1 << 5);
        let confused = ones.plain().replacen('0', "O", 2).replacen('1', "l", 1).replacen('1', "i", 1);
        assert_eq!(Code::parse(&confused), Some(ones));
        for typed in ["", "0", "000000000000000", "UUUU-UUUU-UUUU", "कखगघ-कखगघ-कखगघ", "<script>"]
        {
            assert_eq!(Code::parse(typed), None, "{typed}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_digit_and_two_exchanged_neighbours_are_found(lot: u64, at in 0_usize..12, other in 1_u8..32) {
            let code = Code::of(lot);
            prop_assert_eq!(Code::parse(&code.to_string()), Some(code));
            let mut wrong = code;
            wrong.0[at] ^= other;
            prop_assert_eq!(Code::parse(&wrong.plain()), None);
            let mut exchanged = code;
            let next = (at + 1).min(11);
            exchanged.0.swap(next - 1, next);
            prop_assert_eq!(Code::parse(&exchanged.plain()).is_some(), exchanged == code);
        }
    }
}
