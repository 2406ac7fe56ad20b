//! Texts as a channel takes them.

use std::collections::BTreeMap;

use super::draft::HINDI;

/// The text cut to `limit` characters, at a space where there is one near, with an ellipsis.
pub(crate) fn fitted(text: &str, limit: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(limit) else { return text.to_owned() };
    let room = text[..end].char_indices().next_back().map_or(0, |(at, _)| at);
    let cut = &text[..room];
    let at = cut.rfind(char::is_whitespace).filter(|at| *at > room / 2).unwrap_or(room);
    format!("{}…", cut[..at].trim_end())
}

/// A text in one line: providers refuse line breaks, tabs and runs of spaces in a parameter of a template.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The language in which a member gets a bulletin: their own if the bulletin has it, else Hindi, which it always has.
pub(crate) fn language_for<'a>(wanted: &str, available: &'a BTreeMap<String, String>) -> &'a str {
    let primary = wanted.split(['-', '_']).next().unwrap_or_default();
    [wanted, primary].into_iter().find_map(|tag| available.get_key_value(tag)).map_or(HINDI, |(tag, _)| tag.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_fits_stays_and_a_longer_one_ends_at_a_word() {
        assert_eq!(fitted("abc def", 7), "abc def");
        assert_eq!(fitted("abcd efgh", 8), "abcd…");
        assert_eq!(fitted("abcdefghij", 4), "abc…");
        let hindi = "क".repeat(50);
        assert_eq!(fitted(&hindi, 10).chars().count(), 10);
    }

    #[test]
    fn a_member_reads_their_language_or_hindi() {
        let texts: BTreeMap<String, String> =
            ["hi", "en"].into_iter().map(|tag| (tag.to_owned(), String::new())).collect();
        assert_eq!(
            ["en", "en-IN", "hi", "mai", ""].map(|tag| language_for(tag, &texts)),
            ["en", "en", "hi", "hi", "hi"]
        );
    }

    #[test]
    fn a_parameter_has_one_line() {
        assert_eq!(one_line(" a\n\n b\t c "), "a b c");
    }
}
