//! The date and time before each entry of a chat export.
//!
//! Android: `12/05/26, 9:41 pm - …`; iOS: `[12/05/26, 9:41:07 PM] …`. The order of day, month and year, their separators, seconds and
//! the clock of 12 or 24 hours follow the phone's settings. When it was is not needed: entries stand in their order.

use crate::number::digit;
use crate::text::{is_devanagari, is_mark};

/// Characters in which a stamp must end.
const LIMIT: usize = 64;

/// Words for the halves of a day, folded: of English phones, of Hindi ones (older, short, newer) and of those that name the time of day.
const HALVES: [&str; 14] =
    ["a.m.", "p.m.", "am", "pm", "a. m.", "p. m.", "पूर्वाह्न", "अपराह्न", "पूर्व", "अपर", "सुबह", "दोपहर", "शाम", "रात"];

/// What stands behind a stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry<'t> {
    /// Behind the stamp, with its marks.
    pub(crate) body: &'t str,
    /// Whether the stamp is in brackets, as iOS writes it.
    pub(crate) bracketed: bool,
    /// Whether the stamp was written by a phone in Hindi.
    pub(crate) hindi: bool,
}

/// The entry that begins with this line; `None` when the line goes on with a message.
pub(crate) fn entry(line: &str) -> Option<Entry<'_>> {
    let start = line.find(|character| !is_mark(character) && character != ' ')?;
    let line = &line[start..];
    let limit = line.char_indices().nth(LIMIT).map_or(line.len(), |(at, _)| at);
    let (stamp, body, bracketed) = match line.strip_prefix('[') {
        Some(rest) => {
            let end = rest[..limit - 1].find(']')?;
            (&rest[..end], &rest[end + 1..], true)
        }
        None => {
            // The date may be written with hyphens too; the one that ends the stamp stands between spaces.
            let hyphen = line[..limit].match_indices(['-', '–']).find(|(at, sign)| {
                line[..*at].ends_with(char::is_whitespace) && line[at + sign.len()..].starts_with(char::is_whitespace)
            });
            let (at, sign) = hyphen?;
            (&line[..at], &line[at + sign.len()..], false)
        }
    };
    is_stamp(stamp).then(|| Entry { body: body.trim_start_matches(' '), bracketed, hindi: is_devanagari(stamp) })
}

/// A date, a time, and which half of the day.
fn is_stamp(text: &str) -> bool {
    let text = crate::text::folded(text);
    let mut rest = text.as_str();
    let dated = number(&mut rest, 4)
        && one_of(&mut rest, &['/', '.', '-'])
        && number(&mut rest, 2)
        && one_of(&mut rest, &['/', '.', '-'])
        && number(&mut rest, 4);
    if !dated {
        return false;
    }
    one_of(&mut rest, &[',', '،']);
    rest = rest.trim_start();
    let before = half(&mut rest);
    let timed = number(&mut rest, 2) && one_of(&mut rest, &[':', '.']) && number(&mut rest, 2);
    if !timed {
        return false;
    }
    if one_of(&mut rest, &[':', '.']) && !number(&mut rest, 2) {
        return false;
    }
    rest = rest.trim_start();
    if !before {
        half(&mut rest);
    }
    rest.is_empty()
}

/// Takes one to `most` digits.
fn number(rest: &mut &str, most: usize) -> bool {
    let count = rest.chars().take(most).take_while(|character| digit(*character).is_some()).count();
    let end = rest.char_indices().nth(count).map_or(rest.len(), |(at, _)| at);
    *rest = &rest[end..];
    count > 0
}

fn one_of(rest: &mut &str, signs: &[char]) -> bool {
    let stripped = rest.strip_prefix(signs);
    *rest = stripped.unwrap_or(rest);
    stripped.is_some()
}

fn half(rest: &mut &str) -> bool {
    let stripped = HALVES.into_iter().find_map(|word| rest.strip_prefix(word));
    *rest = stripped.unwrap_or(rest).trim_start();
    stripped.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_of_many_phones_are_seen() {
        for stamp in [
            "12/05/26, 9:41 pm - ",
            "12/05/26, 9:41\u{202f}pm - ",
            "5/12/26, 9:41 PM - ",
            "12/05/2026, 21:41 - ",
            "12.05.26, 21:41 - ",
            "2026-05-12, 21:41 - ",
            "12-05-2026, 21:41 - ",
            "12/05/26, 9:41 p.m. - ",
            "12/05/26, 9:41 अपराह्न - ",
            "12/05/26, अपराह्न 9:41 - ",
            "१२/०५/२६, ९:४१ am - ",
            "\u{200e}12/05/26, 21:41 – ",
            "[12/05/26, 9:41:07 PM] ",
            "[12/05/26, 9:41:07\u{202f}PM] ",
            "\u{200e}[12/05/2026, 21:41:07] ",
            "[12.05.26, 21:41:07] ",
            "[12/05/26, 9:41:07 अपराह्न] ",
            "[१२/०५/२६, २१:४१:०७] ",
        ] {
            let line = format!("{stamp}X: 1 - 2 [3]");
            let entry = entry(&line).unwrap_or_else(|| panic!("{stamp}"));
            assert_eq!(entry.body, "X: 1 - 2 [3]", "{stamp}");
            assert_eq!(entry.bracketed, stamp.contains('['));
        }
    }

    #[test]
    fn other_lines_are_no_entries() {
        for line in [
            "",
            "-",
            "[",
            "[]",
            "नमस्ते",
            "12/05/26",
            "12/05/26, 9:41 pm",
            "12/05/26, 9:41 - ",
            "12/05/26, 9:41 xm - a",
            "12/05/26 - a",
            "+91 10612 00042, +91 10612 00043 - a",
            "[12/05/26] a",
            "12:05, 9:41 - a",
        ] {
            assert_eq!(entry(line).filter(|entry| !entry.body.is_empty()), None, "{line}");
        }
    }

    #[test]
    fn a_mark_before_the_body_is_kept() {
        assert_eq!(entry("[12/05/26, 21:41:07] G: \u{200e}x").unwrap().body, "G: \u{200e}x");
    }
}
