//! Numbers as somebody or something wrote them.

use std::fmt;
use std::hash::{Hash, Hasher};

use zeroize::Zeroizing;

/// The zeros of the decimal digits that phones in India write: ASCII, Arabic, Urdu, Devanagari, Bengali, Gurmukhi, Gujarati, Oriya,
/// Tamil, Telugu, Kannada, Malayalam, full-width. In each, one to nine follow.
const ZEROS: [u32; 13] =
    [0x30, 0x0660, 0x06F0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0xFF10];

/// Digits of a number at least (a national number of ten may lack its first digits nowhere) and at most (E.164).
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// Characters of a number at most, with all that people put between the digits.
const CHARACTERS: usize = 48;

/// The value of a decimal digit.
pub(crate) fn digit(character: char) -> Option<u8> {
    let code = u32::from(character);
    let zero = ZEROS.into_iter().rev().find(|zero| *zero <= code)?;
    u8::try_from(code - zero).ok().filter(|value| *value <= 9)
}

/// A number as the file writes it, without invisible marks. Wiped when dropped; its `Debug` shows the last four digits.
#[derive(Clone)]
pub struct NumberText {
    text: Zeroizing<String>,
    key: Key,
}

impl NumberText {
    /// The number in an entry that holds nothing else, `None` when it holds no number. Takes what spreadsheets and tools add:
    /// a guarding `'`, `="…"`, and the suffix of WhatsApp's own ids (`@c.us`, `@s.whatsapp.net`).
    pub(crate) fn read(entry: &str) -> Option<Self> {
        let text = unguarded(entry.trim());
        // Marks of direction stand around numbers; nothing that prints is lost.
        let text: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|character| !crate::text::is_mark(*character)).collect());
        let text = Zeroizing::new(text.trim().to_owned());
        let key = Key::of(&text)?;
        Some(Self { text, key })
    }

    /// The number itself, for the number plan and nothing that is written down.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// By which two spellings of one number are told to be one.
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }
}

impl fmt::Debug for NumberText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = &self.key.0;
        write!(formatter, "NumberText(••••{})", &digits[digits.len() - 4..])
    }
}

/// Two texts are equal when they are spellings of one number.
impl PartialEq for NumberText {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for NumberText {}

/// The ASCII digits of a number with the country code of India where none is written.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(Zeroizing<String>);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

impl Key {
    fn of(text: &str) -> Option<Self> {
        if text.chars().count() > CHARACTERS {
            return None;
        }
        let mut digits = Zeroizing::new(String::with_capacity(CHARACTERS));
        for (place, character) in text.chars().enumerate() {
            if let Some(value) = digit(character) {
                digits.push(char::from(b'0' + value));
            } else if place == 0 && matches!(character, '+' | '＋') {
                // The country code follows; it shows by the count of digits too.
            } else if !is_separator(character) {
                return None;
            }
        }
        let international = digits.trim_start_matches('0');
        let international = match international.len() {
            10 => Zeroizing::new(format!("91{international}")),
            // `+91 (0) …`.
            13 if international.starts_with("910") => Zeroizing::new(format!("91{}", &international[3..])),
            _ => Zeroizing::new(international.to_owned()),
        };
        DIGITS.contains(&international.len()).then_some(Self(international))
    }
}

fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '-' | '.' | '(' | ')' | '\u{00AD}' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Without what keeps a spreadsheet from taking the number for a formula or a quantity, and without the suffix of an id.
fn unguarded(cell: &str) -> &str {
    let cell = cell.strip_prefix('\'').unwrap_or(cell);
    let cell = cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(cell);
    let cell = cell.strip_prefix('=').unwrap_or(cell);
    ["@c.us", "@s.whatsapp.net"].into_iter().find_map(|suffix| cell.strip_suffix(suffix)).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_number_is_one_number() {
        let one = NumberText::read("+91 10612 00042").unwrap();
        for spelling in [
            "1061200042",
            "01061200042",
            "911061200042",
            "00911061200042",
            "+91 (0) 10612-00042",
            "\u{202a}+91\u{a0}10612\u{a0}00042\u{202c}",
            "\u{2068}+९१ १०६१२ ०००४२\u{2069}",
            "'+911061200042",
            "=\"+911061200042\"",
            "911061200042@c.us",
            "＋９１１０６１２０００４２",
        ] {
            assert_eq!(NumberText::read(spelling).as_ref(), Some(&one), "{spelling}");
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in
            ["", "Ravi", "नीता दीदी", "Ravi 2", "100", "9.19877E+11", "98765x43210", "12345678901234567", "You", "~ 12"]
        {
            assert_eq!(NumberText::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_shows_four_digits() {
        let number = NumberText::read("+91 10612 00042").unwrap();
        assert_eq!(format!("{number:?}"), "NumberText(••••0042)");
    }
}
