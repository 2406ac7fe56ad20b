//! What a character means in a phone number: a decimal digit of any script, a separator, or neither.

/// The zero of every script's decimal digits (Unicode 14, general category Nd), ascending. In each, one to nine follow.
const ZEROS: [u32; 66] = [
    0x0030, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6,
    0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40,
    0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x11066, 0x110F0,
    0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50,
    0x11DA0, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950,
    0x1FBF0,
];

/// The value of a decimal digit of any script, as an ASCII digit.
pub(crate) fn ascii_digit(character: char) -> Option<u8> {
    if character.is_ascii() {
        return character.is_ascii_digit().then_some(character as u8);
    }
    let code = u32::from(character);
    let zero = ZEROS[ZEROS.partition_point(|zero| *zero <= code) - 1];
    u8::try_from(code - zero).ok().filter(|value| *value <= 9).map(|value| b'0' + value)
}

/// Whether people write this between the digits of a number: spaces, dashes, dots, brackets, and the invisible marks of
/// direction that chat applications put around a number when it is copied.
pub(crate) fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || matches!(character,
            '-' | '.' | '(' | ')' | '[' | ']' | '\u{00AD}' | '\u{00B7}' | '\u{2010}'..='\u{2015}' | '\u{2024}' | '\u{2212}'
            | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}' | '\u{FF0E}' | '\u{FF08}' | '\u{FF09}' | '\u{FF3B}' | '\u{FF3D}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// A plus sign, also the full-width one.
pub(crate) fn is_plus(character: char) -> bool {
    matches!(character, '+' | '\u{FF0B}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_ascend_and_their_blocks_do_not_overlap() {
        assert!(ZEROS.windows(2).all(|pair| pair[0] + 9 < pair[1]));
    }

    #[test]
    fn digits_of_many_scripts_have_their_value() {
        for (seven, script) in [
            ('7', "ASCII"),
            ('७', "Devanagari"),
            ('৭', "Bengali"),
            ('۷', "Urdu"),
            ('٧', "Arabic"),
            ('７', "full-width"),
            ('᱗', "Santali"),
        ] {
            assert_eq!(ascii_digit(seven), Some(b'7'), "{script}");
        }
        assert_eq!(ascii_digit('𝟘'), Some(b'0'));
        assert_eq!(ascii_digit('𝟿'), Some(b'9'));
    }

    #[test]
    fn other_characters_are_no_digits() {
        for character in ['/', ':', 'a', 'क', '½', '²', '①', '\u{0970}', '\u{0965}', '\u{10FFFF}', '\u{80}'] {
            assert_eq!(ascii_digit(character), None, "{character:?}");
        }
    }

    #[test]
    fn no_character_is_two_things() {
        for character in (0..=0x10_FFFF).filter_map(char::from_u32) {
            let meanings = [
                ascii_digit(character).is_some(),
                is_separator(character),
                is_plus(character),
                character.is_alphabetic(),
            ];
            assert!(meanings.iter().filter(|holds| **holds).count() <= 1, "{character:?}");
        }
    }
}
