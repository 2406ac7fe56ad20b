//! From bytes to text, and from text to what can be compared.

use std::borrow::Cow;

use crate::roster::RosterError;

/// The text of a file.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, RosterError> {
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(RosterError::Archive);
    }
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, odd) = rest.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        if odd.is_empty() {
            String::from_utf16(&units).map_err(|_| RosterError::NotText)
        } else {
            Err(RosterError::NotText)
        }
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes).map(Cow::Owned),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes).map(Cow::Owned),
        _ => {
            let rest = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
            std::str::from_utf8(rest).map(Cow::Borrowed).map_err(|_| RosterError::NotText)
        }
    }
}

/// What prints nothing: marks of direction, joiners, byte order marks. Phones put them around numbers, times and notices.
pub(crate) fn is_mark(character: char) -> bool {
    matches!(character, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// Without marks, every space a plain one, none at the ends.
pub(crate) fn plain(text: &str) -> String {
    let kept = text.chars().filter(|character| !is_mark(*character));
    let plain: String = kept.map(|character| if character.is_whitespace() { ' ' } else { character }).collect();
    plain.trim().to_owned()
}

/// [`plain`], lower case, and Hindi in one spelling: letters with a dot below without it (फ़ and फ, ड़ and ड), one sign for a nasal
/// vowel (हाँ and हां).
pub(crate) fn folded(text: &str) -> String {
    plain(text)
        .chars()
        .filter_map(|character| {
            Some(match character {
                '\u{093C}' => return None,
                '\u{0958}' => 'क',
                '\u{0959}' => 'ख',
                '\u{095A}' => 'ग',
                '\u{095B}' => 'ज',
                '\u{095C}' => 'ड',
                '\u{095D}' => 'ढ',
                '\u{095E}' => 'फ',
                '\u{095F}' => 'य',
                '\u{0901}' => '\u{0902}',
                other => other,
            })
        })
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether a text is written in Devanagari, at least in part.
pub(crate) fn is_devanagari(text: &str) -> bool {
    text.chars().any(|character| matches!(character, '\u{0900}'..='\u{097F}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_each_encoding() {
        let text = "नाम,फ़ोन";
        let little: Vec<u8> = [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        let marked = format!("\u{feff}{text}");
        for bytes in [text.as_bytes(), marked.as_bytes(), &little, &big] {
            assert_eq!(decode(bytes).unwrap(), text);
        }
        assert_eq!(decode(b"\xff\xfea"), Err(RosterError::NotText));
        assert_eq!(decode(b"\xff\xfe\x00\xd8"), Err(RosterError::NotText));
        assert_eq!(decode(b"a\xff"), Err(RosterError::NotText));
        assert_eq!(decode(b"PK\x03\x04..."), Err(RosterError::Archive));
    }

    #[test]
    fn spellings_of_a_word_fold_into_one() {
        assert_eq!(folded("फ़ोन"), folded("\u{95e}ोन"));
        assert_eq!(folded("हाँ"), folded("हां"));
        assert_eq!(folded(" \u{200e}Phone\u{a0}No "), "phone no");
    }
}
