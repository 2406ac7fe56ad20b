//! What a draft must have.

use std::collections::BTreeMap;

/// Characters of a headline at most.
pub(crate) const HEADLINE_CHARACTERS: usize = 200;
/// Characters of a text at most: the channels' limit for a caption.
pub(crate) const TEXT_CHARACTERS: usize = 1_024;

/// The language that every bulletin has.
pub(crate) const HINDI: &str = "hi";

/// Why a draft is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DraftFault {
    MissingInHindi,
    TooLong,
    CategoryMissing,
}

/// A field of a draft and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The path in the request.
    pub(crate) field: String,
    pub(crate) what: &'static str,
    pub(crate) kind: DraftFault,
}

/// Every fault of a draft; empty when it is good.
pub(crate) fn faults(
    category: i32,
    headlines: &BTreeMap<String, String>,
    texts: &BTreeMap<String, String>,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut add = |field: String, what, kind| faults.push(Fault { field, what, kind });
    for (name, entries, others, limit) in
        [("headlines", headlines, texts, HEADLINE_CHARACTERS), ("texts", texts, headlines, TEXT_CHARACTERS)]
    {
        let has = |language: &str| entries.get(language).is_some_and(|text| !text.trim().is_empty());
        if !has(HINDI) {
            add(format!("bulletin.{name}[hi]"), "is needed in Hindi", DraftFault::MissingInHindi);
        }
        for language in others.keys().filter(|language| *language != HINDI && !has(language)) {
            let field = format!("bulletin.{name}[{}]", printable(language));
            add(field, "is needed in the same languages", DraftFault::MissingInHindi);
        }
        for (language, text) in entries {
            if text.chars().count() > limit {
                let what = if name == "texts" { "is over 1,024 characters" } else { "is over 200 characters" };
                add(format!("bulletin.{name}[{}]", printable(language)), what, DraftFault::TooLong);
            }
        }
    }
    if !(1..=7).contains(&category) {
        add("bulletin.category".to_owned(), "is needed", DraftFault::CategoryMissing);
    }
    faults
}

/// A language tag as it may be printed: a key of a map is the caller's text.
fn printable(language: &str) -> &str {
    let is_tag = language.len() <= 12 && language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_tag && !language.is_empty() { language } else { "?" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(language, text)| ((*language).to_owned(), (*text).to_owned())).collect()
    }

    fn kinds(category: i32, headlines: &[(&str, &str)], texts: &[(&str, &str)]) -> Vec<(String, DraftFault)> {
        faults(category, &map(headlines), &map(texts)).into_iter().map(|fault| (fault.field, fault.kind)).collect()
    }

    #[test]
    fn a_draft_needs_hindi_and_the_same_languages_on_both_sides() {
        assert!(kinds(1, &[("hi", "शीर्षक"), ("en", "title")], &[("hi", "पाठ"), ("en", "text")]).is_empty());
        let missing = DraftFault::MissingInHindi;
        assert_eq!(
            kinds(1, &[("en", "title")], &[("hi", "पाठ")]),
            [("bulletin.headlines[hi]".to_owned(), missing), ("bulletin.texts[en]".to_owned(), missing)]
        );
        assert_eq!(kinds(1, &[("hi", " ")], &[("hi", "पाठ")]), [("bulletin.headlines[hi]".to_owned(), missing)]);
    }

    #[test]
    fn lengths_are_counted_in_characters_and_every_fault_is_named() {
        let fits = "क".repeat(200);
        assert!(kinds(7, &[("hi", &fits)], &[("hi", &"क".repeat(1_024))]).is_empty());
        assert_eq!(
            kinds(0, &[("hi", &"क".repeat(201))], &[("hi", &"क".repeat(1_025))]),
            [
                ("bulletin.headlines[hi]".to_owned(), DraftFault::TooLong),
                ("bulletin.texts[hi]".to_owned(), DraftFault::TooLong),
                ("bulletin.category".to_owned(), DraftFault::CategoryMissing),
            ]
        );
    }
}
