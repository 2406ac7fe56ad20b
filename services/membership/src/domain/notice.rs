//! What persons are told before they consent.

use std::collections::BTreeMap;

use senani_order::Date;

use super::vocabulary::LANGUAGES;

/// What a consent is for. The numbers are those of `senani.membership.v1.Purpose` and of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub(crate) enum Purpose {
    DirectMessages = 1,
    Membership = 2,
}

impl Purpose {
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        [Self::DirectMessages, Self::Membership].into_iter().find(|purpose| *purpose as i32 == number)
    }
}

/// A version of a notice; never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) slug: String,
    pub(crate) titles: BTreeMap<String, String>,
    pub(crate) texts: BTreeMap<String, String>,
    pub(crate) purposes: Vec<Purpose>,
    pub(crate) effective_date: Date,
    pub(crate) publisher: String,
    /// Microseconds since the epoch.
    pub(crate) created_at: i64,
}

/// What is wrong with a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoticeFault {
    TitleMissingInHindi,
    TextMissing,
    Titles,
    Texts,
    Purposes,
}

/// Characters of a title at most.
const TITLE_LENGTH: usize = 500;
/// Characters of a text at most.
const TEXT_LENGTH: usize = 20_000;

impl Notice {
    /// Everything that is wrong.
    pub(crate) fn faults(&self) -> Vec<NoticeFault> {
        let blank = |texts: &BTreeMap<String, String>, language| {
            texts.get(language).is_none_or(|text: &String| text.trim().is_empty())
        };
        let fits = |texts: &BTreeMap<String, String>, length| {
            texts.iter().all(|(language, text)| {
                LANGUAGES.contains(&language.as_str()) && !text.trim().is_empty() && text.chars().count() <= length
            })
        };
        let mut faults = Vec::new();
        if blank(&self.titles, "hi") {
            faults.push(NoticeFault::TitleMissingInHindi);
        } else if !fits(&self.titles, TITLE_LENGTH) {
            faults.push(NoticeFault::Titles);
        }
        if blank(&self.texts, "hi") || blank(&self.texts, "en") {
            faults.push(NoticeFault::TextMissing);
        } else if !fits(&self.texts, TEXT_LENGTH) {
            faults.push(NoticeFault::Texts);
        }
        if self.purposes.is_empty() {
            faults.push(NoticeFault::Purposes);
        }
        faults
    }

    /// What the fingerprint is of: one byte sequence for each content.
    pub(crate) fn content(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut push = |text: &str| {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        };
        for texts in [&self.titles, &self.texts] {
            push(&texts.len().to_string());
            for (language, text) in texts {
                push(language);
                push(text);
            }
        }
        for purpose in &self.purposes {
            push(&(*purpose as i32).to_string());
        }
        push(&self.effective_date.to_string());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice() -> Notice {
        let texts =
            |hi: &str, en: &str| BTreeMap::from([("hi".to_owned(), hi.to_owned()), ("en".to_owned(), en.to_owned())]);
        Notice {
            slug: "notice-2026-1".into(),
            titles: texts("सूचना", "Notice"),
            texts: texts("हम यह रखते हैं", "We keep this"),
            purposes: vec![Purpose::DirectMessages],
            effective_date: "2026-01-01".parse().unwrap(),
            publisher: String::new(),
            created_at: 0,
        }
    }

    #[test]
    fn a_notice_speaks_hindi_and_english_and_says_what_for() {
        assert!(notice().faults().is_empty());
        let mut wrong = notice();
        wrong.titles.remove("hi");
        wrong.texts.insert("en".into(), " ".into());
        wrong.purposes.clear();
        assert_eq!(wrong.faults(), [NoticeFault::TitleMissingInHindi, NoticeFault::TextMissing, NoticeFault::Purposes]);
        let mut long = notice();
        long.titles.insert("hi".into(), "अ".repeat(501));
        long.texts.insert("fr".into(), "texte".into());
        assert_eq!(long.faults(), [NoticeFault::Titles, NoticeFault::Texts]);
    }

    #[test]
    fn another_text_is_another_content() {
        let mut other = notice();
        other.texts.insert("hi".into(), "हम यह रखते हैं।".into());
        assert_ne!(notice().content(), other.content());
        assert_eq!(notice().content(), Notice { publisher: "officers/x".into(), ..notice() }.content());
    }
}
