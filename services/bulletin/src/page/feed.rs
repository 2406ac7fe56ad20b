//! Public bulletins as Atom (RFC 4287): one feed for readers, one that is an index of alerts.

use std::collections::BTreeMap;

use time::UtcOffset;

use super::moment;
use super::xml::Xml;
use crate::domain::Micros;
use crate::domain::alert::{identifier, named};
use crate::domain::draft::HINDI;
use crate::domain::verification::{Signed, Standing};

/// The media type of a feed.
pub(crate) const MEDIA_TYPE: &str = "application/atom+xml; charset=utf-8";

/// A bulletin with the names of the unit that issued it.
pub(crate) type Issued = (Signed, BTreeMap<String, String>);

/// The feed for readers, the newest bulletin first.
pub(crate) fn bulletins(issued: &[Issued], public_url: &str, now: Micros, offset: UtcOffset) -> Vec<u8> {
    let updated = issued.iter().map(|(signed, _)| updated(signed)).max().unwrap_or_default();
    feed(public_url, "feed.atom", "पुलिस बुलेटिन · Police bulletins", updated, offset, |xml| {
        for (signed, names) in issued {
            let page = format!("{public_url}/v/{}", signed.code.plain());
            let standing = Standing::of(&signed.fate, now);
            xml.within("entry", &[], |xml| {
                xml.text("id", &format!("urn:uuid:{}", signed.bulletin.id));
                xml.text("title", &title(signed, standing));
                xml.text("updated", &moment(self::updated(signed), offset));
                xml.text("published", &moment(signed.bulletin.published_at, offset));
                author(xml, signed, names);
                xml.empty("link", &[("rel", "alternate"), ("type", "text/html"), ("href", &page)]);
                let address = alert_address(public_url, &identifier(signed).0);
                xml.empty("link", &[("rel", "related"), ("type", super::alert::MEDIA_TYPE), ("href", &address)]);
                if let Some(poster) = signed.bulletin.poster.as_ref().filter(|_| standing != Standing::Withdrawn) {
                    let (address, size) = (format!("{page}/poster"), poster.size.to_string());
                    let attributes =
                        [("rel", "enclosure"), ("type", &poster.media_type), ("length", &size), ("href", &address)];
                    xml.empty("link", &attributes);
                }
                xml.empty("category", &[("term", standing.name()), ("scheme", &format!("{public_url}/standing"))]);
                xml.text_with("content", &[("type", "text")], &texts(signed, standing));
            });
        }
    })
}

/// The index of alerts, the newest first: the message that holds of each bulletin, with the address where it is.
pub(crate) fn alerts(issued: &[Issued], public_url: &str, offset: UtcOffset) -> Vec<u8> {
    let mut messages: Vec<_> = issued
        .iter()
        .map(|(signed, names)| {
            let (identifier, sent) = identifier(signed);
            (sent, identifier, signed, names)
        })
        .collect();
    messages.sort_by(|one, other| (other.0, &other.1).cmp(&(one.0, &one.1)));
    let updated = messages.first().map_or(0, |message| message.0);
    feed(public_url, "feed.cap", "CAP 1.2 · पुलिस · Police", updated, offset, |xml| {
        for (sent, identifier, signed, names) in &messages {
            let address = alert_address(public_url, identifier);
            let withdrawn = signed.fate.withdrawn_at != 0;
            let standing = if withdrawn { Standing::Withdrawn } else { Standing::Genuine };
            xml.within("entry", &[], |xml| {
                xml.text("id", &address);
                xml.text("title", &title(signed, standing));
                xml.text("updated", &moment(*sent, offset));
                xml.text("published", &moment(*sent, offset));
                author(xml, signed, names);
                let media_type = super::alert::MEDIA_TYPE;
                xml.empty("link", &[("rel", "alternate"), ("type", media_type), ("href", &address)]);
                xml.text_with("summary", &[("type", "text")], &signed.bulletin.number);
            });
        }
    })
}

fn feed(
    public_url: &str,
    path: &str,
    title: &str,
    updated: Micros,
    offset: UtcOffset,
    entries: impl FnOnce(&mut Xml),
) -> Vec<u8> {
    let address = format!("{public_url}/{path}");
    let mut xml = Xml::new();
    xml.within("feed", &[("xmlns", "http://www.w3.org/2005/Atom"), ("xml:lang", HINDI)], |xml| {
        xml.text("id", &address);
        xml.text("title", title);
        xml.text("updated", &moment(updated, offset));
        let media_type = "application/atom+xml";
        xml.empty("link", &[("rel", "self"), ("type", media_type), ("href", &address)]);
        entries(xml);
    });
    xml.finish()
}

/// Where a message is.
fn alert_address(public_url: &str, identifier: &str) -> String {
    format!("{public_url}/cap/{identifier}.xml")
}

fn author(xml: &mut Xml, signed: &Signed, names: &BTreeMap<String, String>) {
    let name = named(names, HINDI, &signed.bulletin.issuing_unit.slug);
    xml.within("author", &[], |xml| xml.text("name", &name));
}

fn title(signed: &Signed, standing: Standing) -> String {
    let headline = match standing {
        Standing::Withdrawn => signed.bulletin.number.as_str(),
        _ => signed.bulletin.headlines.get(HINDI).map_or("", String::as_str),
    };
    let exercise = if signed.fate.exercise { "अभ्यास · " } else { "" };
    let before = match standing {
        Standing::Withdrawn => "वापस लिया गया · ",
        Standing::Corrected => "सुधारा गया · ",
        Standing::Unknown | Standing::Genuine | Standing::Expired => "",
    };
    format!("{exercise}{before}{headline}")
}

/// Headline and text in each language; of what is withdrawn no text, so that no reader keeps it.
fn texts(signed: &Signed, standing: Standing) -> String {
    if standing == Standing::Withdrawn {
        return format!("{}: वापस लिया गया · withdrawn", signed.bulletin.number);
    }
    let bulletin = &signed.bulletin;
    let part = |(language, headline): (&String, &String)| {
        format!("{headline}\n{}", bulletin.texts.get(language).map_or("", String::as_str))
    };
    let hindi = bulletin.headlines.get_key_value(HINDI).into_iter();
    let others = bulletin.headlines.iter().filter(|(language, _)| *language != HINDI);
    hindi.chain(others).map(part).collect::<Vec<_>>().join("\n\n")
}

/// When a reader should look again.
fn updated(signed: &Signed) -> Micros {
    let corrected = signed.fate.corrected_by.as_ref().map_or(0, |by| by.published_at);
    signed.bulletin.published_at.max(signed.fate.withdrawn_at).max(corrected)
}

#[cfg(test)]
mod tests {
    use super::super::xml_check::{Element, read};
    use super::*;
    use crate::domain::alert::tests::{other, signed, surroundings};

    const URL: &str = "https://senani.example";
    const LATER: Micros = 1_795_560_000_000_000;

    fn issued() -> Vec<Issued> {
        let names = surroundings().issuer;
        let mut withdrawn = signed();
        (withdrawn.bulletin.id, withdrawn.fate.withdrawn_at) = (uuid::Uuid::from_u128(6), LATER);
        let mut corrected = signed();
        (corrected.bulletin.id, corrected.fate.corrected_by) = (uuid::Uuid::from_u128(5), Some(other(true, LATER - 1)));
        [signed(), withdrawn, corrected].map(|signed| (signed, names.clone())).into()
    }

    fn entries(feed: &Element) -> Vec<&Element> {
        feed.children.iter().filter(|child| child.name == "entry").collect()
    }

    /// What RFC 4287 asks of every feed.
    fn check(feed: &Element) {
        assert_eq!((feed.name.as_str(), feed.attribute("xmlns")), ("feed", Some("http://www.w3.org/2005/Atom")));
        let mut ids = std::collections::BTreeSet::new();
        for element in [feed].into_iter().chain(entries(feed)) {
            for name in ["id", "title", "updated"] {
                let count = element.children.iter().filter(|child| child.name == name).count();
                assert_eq!((count, element.text(name).is_empty()), (1, false), "{name}");
            }
            assert!(ids.insert(element.text("id").to_owned()), "an id twice");
            assert!(element.text("updated").ends_with("+05:30"));
        }
        for entry in entries(feed) {
            let author = entry.children.iter().find(|child| child.name == "author").expect("an author");
            assert!(!author.text("name").is_empty());
            let links = entry.children.iter().filter(|child| child.name == "link");
            let alternates = links.clone().filter(|link| link.attribute("rel") == Some("alternate")).count();
            assert_eq!(alternates, 1, "one alternate of a type");
            assert!(links.clone().all(|link| link.attribute("href").is_some_and(|href| href.starts_with(URL))));
            assert!(entry.text("updated") >= entry.text("published"));
        }
    }

    #[test]
    fn both_feeds_are_atom_and_say_what_became_of_each() {
        let offset = UtcOffset::from_hms(5, 30, 0).unwrap();
        let readers = read(&bulletins(&issued(), URL, LATER, offset));
        check(&readers);
        let titles: Vec<_> = entries(&readers).iter().map(|entry| entry.text("title").to_owned()).collect();
        let headline = "नकली कॉल <सावधान>";
        let expected =
            [headline.to_owned(), "वापस लिया गया · EOU/2026/0142".to_owned(), format!("सुधारा गया · {headline}")];
        assert_eq!(titles, expected);
        assert_eq!(readers.text("updated"), moment(LATER, offset));
        let withdrawn = entries(&readers)[1];
        assert!(!withdrawn.text("content").contains("ओटीपी"));
        assert!(withdrawn.children.iter().all(|child| child.attribute("rel") != Some("enclosure")));

        let index = read(&alerts(&issued(), URL, offset));
        check(&index);
        let ids: Vec<_> = entries(&index).iter().map(|entry| entry.text("id").to_owned()).collect();
        assert_eq!(ids.len(), 3);
        assert_eq!(ids[0], format!("{URL}/cap/{}-cancel.xml", uuid::Uuid::from_u128(6)), "the newest first");
    }

    #[test]
    fn an_empty_feed_is_a_feed() {
        let offset = UtcOffset::from_hms(5, 30, 0).unwrap();
        check(&read(&bulletins(&[], URL, 0, offset)));
        check(&read(&alerts(&[], URL, offset)));
    }
}
