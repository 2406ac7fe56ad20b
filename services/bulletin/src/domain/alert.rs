//! Public bulletins as alerts of CAP 1.2 (OASIS Common Alerting Protocol): which message says what, and which refers to which.

use std::collections::BTreeMap;

use super::Micros;
use super::bulletin::{IssuingUnit, Visibility};
use super::text::fitted;
use super::verification::{Reference, Signed};

/// Characters of a headline that every receiver shows.
const HEADLINE_CHARACTERS: usize = 160;

/// What the identifier of a cancellation has behind that of what it cancels.
pub(crate) const CANCEL: &str = "-cancel";

/// A message of CAP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alert {
    pub(crate) identifier: String,
    pub(crate) sender: String,
    pub(crate) sent: Micros,
    /// `Actual` or `Exercise`.
    pub(crate) status: &'static str,
    /// `Alert`, `Update` or `Cancel`.
    pub(crate) message: &'static str,
    /// `Public`, or `Restricted` with the rule that restricts it.
    pub(crate) scope: &'static str,
    pub(crate) restriction: Option<&'static str>,
    /// Messages that it updates or cancels; empty for an `Alert` only.
    pub(crate) references: Vec<AlertReference>,
    /// One for each language; all but the texts is the same in each.
    pub(crate) infos: Vec<Info>,
}

/// Another message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AlertReference {
    pub(crate) sender: String,
    pub(crate) identifier: String,
    pub(crate) sent: Micros,
}

/// What a message says in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Info {
    pub(crate) language: String,
    pub(crate) category: &'static str,
    pub(crate) event: &'static str,
    pub(crate) response: &'static str,
    pub(crate) urgency: &'static str,
    pub(crate) severity: &'static str,
    pub(crate) certainty: &'static str,
    pub(crate) effective: Micros,
    /// 0 for none.
    pub(crate) expires: Micros,
    pub(crate) sender_name: String,
    pub(crate) headline: String,
    pub(crate) description: String,
    pub(crate) web: String,
    pub(crate) parameters: Vec<(&'static str, String)>,
    pub(crate) resource: Option<Resource>,
    pub(crate) areas: Vec<Area>,
}

/// The poster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) description: &'static str,
    pub(crate) media_type: String,
    pub(crate) size: i64,
    pub(crate) uri: String,
    /// SHA-1 in hexadecimal digits.
    pub(crate) digest: String,
}

/// Where a message holds, in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) description: String,
    /// Our code of the unit.
    pub(crate) unit: String,
}

/// What a message needs beside its bulletin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// Where everybody reaches us, `https://host`.
    pub(crate) public_url: String,
    /// Names of the issuing unit by language.
    pub(crate) issuer: BTreeMap<String, String>,
    /// The units that it was published to: slug, and names by language.
    pub(crate) areas: Vec<(String, BTreeMap<String, String>)>,
}

/// The message that holds of a public bulletin: it itself (an update when it corrects another), or its cancellation once it is withdrawn. The
/// message that is cancelled is given out no more, and its cancellation says nothing of what stood in it: it may name somebody.
pub(crate) fn message(signed: &Signed, around: &Surroundings) -> Alert {
    if signed.fate.withdrawn_at == 0 { issued(signed, around) } else { cancelled(signed, around) }
}

/// Identifier and time of the message that [`message`] gives: what an index needs.
pub(crate) fn identifier(signed: &Signed) -> (String, Micros) {
    let id = signed.bulletin.id.to_string();
    match signed.fate.withdrawn_at {
        0 => (id, signed.bulletin.published_at),
        at => (format!("{id}{CANCEL}"), at),
    }
}

fn issued(signed: &Signed, around: &Surroundings) -> Alert {
    // Whoever cannot have seen the other is told of nothing to replace.
    let corrected = signed.fate.corrects.as_ref().filter(|other| other.public && other.published_at != 0);
    let references = corrected.map(|other| reference(other, &signed.bulletin.issuing_unit, around));
    let message = if references.is_some() { "Update" } else { "Alert" };
    Alert {
        message,
        references: references.into_iter().collect(),
        infos: infos(signed, around, false),
        ..envelope(signed, around, signed.bulletin.id.to_string(), signed.bulletin.published_at)
    }
}

fn cancelled(signed: &Signed, around: &Surroundings) -> Alert {
    let id = signed.bulletin.id.to_string();
    let original = AlertReference {
        sender: sender(&signed.bulletin.issuing_unit, around),
        identifier: id.clone(),
        sent: signed.bulletin.published_at,
    };
    Alert {
        message: "Cancel",
        references: vec![original],
        infos: infos(signed, around, true),
        ..envelope(signed, around, format!("{id}{CANCEL}"), signed.fate.withdrawn_at)
    }
}

fn envelope(signed: &Signed, around: &Surroundings, identifier: String, sent: Micros) -> Alert {
    let public = signed.bulletin.visibility == Visibility::Public;
    Alert {
        identifier,
        sender: sender(&signed.bulletin.issuing_unit, around),
        sent,
        status: if signed.fate.exercise { "Exercise" } else { "Actual" },
        message: "Alert",
        scope: if public { "Public" } else { "Restricted" },
        restriction: (!public).then_some("for members of the bulletin's groups"),
        references: Vec::new(),
        infos: Vec::new(),
    }
}

/// A correction is issued by the unit that issued what it corrects.
fn reference(other: &Reference, unit: &IssuingUnit, around: &Surroundings) -> AlertReference {
    AlertReference { sender: sender(unit, around), identifier: other.id.to_string(), sent: other.published_at }
}

/// `eou@host`: unique, and without the characters that CAP forbids.
fn sender(unit: &IssuingUnit, around: &Surroundings) -> String {
    let host = around.public_url.split_once("://").map_or(around.public_url.as_str(), |(_, host)| host);
    let host = host.split('/').next().unwrap_or_default();
    format!("{}@{host}", unit.slug)
}

fn infos(signed: &Signed, around: &Surroundings, cancelled: bool) -> Vec<Info> {
    let bulletin = &signed.bulletin;
    let kind = Kind::of(bulletin.category);
    let web = format!("{}/v/{}", around.public_url, signed.code.plain());
    let severity = match bulletin.severity {
        3 => "Severe",
        2 => "Moderate",
        _ => "Minor",
    };
    let urgent = bulletin.severity == 3 || kind.event == MISSING;
    let mut parameters = vec![("senani:number", bulletin.number.clone()), ("senani:code", signed.code.to_string())];
    parameters.extend(bulletin.poster.as_ref().map(|poster| ("senani:poster-sha256", poster.sha256.clone())));
    let resource = bulletin.poster.as_ref().filter(|_| !cancelled).map(|poster| Resource {
        description: "poster",
        media_type: poster.media_type.clone(),
        size: poster.size,
        uri: format!("{web}/poster"),
        digest: poster.sha1.clone(),
    });
    let info = |(language, headline): (&String, &String)| Info {
        language: if language.contains('-') { language.clone() } else { format!("{language}-IN") },
        category: kind.category,
        event: kind.event,
        response: if cancelled { "AllClear" } else { kind.response },
        urgency: match (cancelled, urgent) {
            (true, _) => "Past",
            (false, true) => "Immediate",
            (false, false) => "Expected",
        },
        severity,
        certainty: kind.certainty,
        effective: if cancelled { signed.fate.withdrawn_at } else { bulletin.published_at },
        expires: signed.fate.expires_at,
        sender_name: named(&around.issuer, language, &bulletin.issuing_unit.slug),
        headline: if cancelled { bulletin.number.clone() } else { fitted(headline, HEADLINE_CHARACTERS) },
        description: match (cancelled, bulletin.texts.get(language)) {
            (true, _) => withdrawn(language).to_owned(),
            (false, text) => text.cloned().unwrap_or_default(),
        },
        web: web.clone(),
        parameters: parameters.clone(),
        resource: resource.clone(),
        areas: around
            .areas
            .iter()
            .map(|(slug, names)| Area { description: named(names, language, slug), unit: slug.clone() })
            .collect(),
    };
    bulletin.headlines.iter().map(info).collect()
}

/// What is said of a withdrawn bulletin.
fn withdrawn(language: &str) -> &'static str {
    if language == "en" {
        "This bulletin has been withdrawn."
    } else {
        "यह बुलेटिन वापस ले लिया गया है।"
    }
}

/// A unit's name in a language, else in any, else its slug.
pub(crate) fn named(names: &BTreeMap<String, String>, language: &str, slug: &str) -> String {
    let name = [language, "hi", "en"].into_iter().find_map(|language| names.get(language));
    name.cloned().unwrap_or_else(|| slug.to_owned())
}

const MISSING: &str = "Missing Person";

/// What CAP calls a category of ours. The event is in English in every language: it must be the same in each.
struct Kind {
    category: &'static str,
    event: &'static str,
    response: &'static str,
    certainty: &'static str,
}

impl Kind {
    /// By the number of `senani.bulletin.v1.Category`.
    fn of(category: i32) -> Self {
        let (category, event, response, certainty) = match category {
            1 => ("Security", "Cyber Crime", "Avoid", "Likely"),
            2 => ("Security", "Illegal Drugs", "Avoid", "Likely"),
            3 => ("Security", "Illegal Liquor", "Avoid", "Likely"),
            4 => ("Rescue", MISSING, "Monitor", "Observed"),
            5 => ("Security", "Wanted Person", "Monitor", "Observed"),
            6 => ("Safety", "Rumour", "Assess", "Observed"),
            _ => ("Other", "Police Bulletin", "Monitor", "Likely"),
        };
        Self { category, event, response, certainty }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::bulletin::{Bulletin, State};
    use crate::domain::code::Code;
    use crate::domain::poster::Poster;
    use crate::domain::verification::Fate;

    fn texts(hindi: &str, english: &str) -> BTreeMap<String, String> {
        [("hi", hindi), ("en", english)].map(|(language, text)| (language.to_owned(), text.to_owned())).into()
    }

    pub(crate) fn surroundings() -> Surroundings {
        Surroundings {
            public_url: "https://senani.example".to_owned(),
            issuer: texts("आर्थिक अपराध इकाई", "Economic Offences Unit"),
            areas: vec![("patna".to_owned(), texts("पटना", "Patna & around")), ("gaya".to_owned(), BTreeMap::new())],
        }
    }

    pub(crate) fn signed() -> Signed {
        let bulletin = Bulletin {
            id: Uuid::from_u128(7),
            number: "EOU/2026/0142".to_owned(),
            issuing_unit: IssuingUnit { id: Uuid::nil(), slug: "eou".to_owned() },
            state: State::Published,
            category: 1,
            severity: 2,
            headlines: texts("नकली कॉल <सावधान>", "False calls & \"codes\""),
            texts: texts("कोई बैंक ओटीपी नहीं माँगता।\u{1}", "No bank asks for <b>your</b> code."),
            poster: Some(Poster {
                media_type: "image/png".to_owned(),
                size: 123,
                width: 1,
                height: 1,
                sha256: "ab".repeat(32),
                sha1: "cd".repeat(20),
            }),
            author: "officers/a".to_owned(),
            approver: "officers/b".to_owned(),
            version: 5,
            created_at: 1,
            // 2026-11-24T21:30:00.5Z, which is the next day in India.
            approved_at: 1_795_555_800_500_000,
            published_at: 1_795_555_800_500_000,
            trace_parent: String::new(),
            visibility: Visibility::Public,
            code: Some(Code::of(7)),
        };
        Signed { bulletin, code: Code::of(7), signature: vec![7; 64], key_id: "k".to_owned(), fate: Fate::default() }
    }

    pub(crate) fn other(public: bool, published_at: Micros) -> Reference {
        Reference {
            id: Uuid::from_u128(6),
            number: "EOU/2026/0141".to_owned(),
            code: Code::of(6),
            published_at,
            public,
        }
    }

    #[test]
    fn a_bulletin_is_an_alert_with_the_same_facts_in_each_language() {
        let alert = message(&signed(), &surroundings());
        assert_eq!((alert.message, alert.status, alert.scope), ("Alert", "Actual", "Public"));
        assert_eq!((alert.sender.as_str(), alert.references.len()), ("eou@senani.example", 0));
        let [english, hindi] = &alert.infos[..] else { panic!("two languages") };
        assert_eq!((english.language.as_str(), hindi.language.as_str()), ("en-IN", "hi-IN"));
        assert_eq!((english.urgency, english.severity, english.response), ("Expected", "Moderate", "Avoid"));
        assert_eq!((hindi.sender_name.as_str(), hindi.areas[0].description.as_str()), ("आर्थिक अपराध इकाई", "पटना"));
        assert_eq!((hindi.areas[1].description.as_str(), hindi.areas[1].unit.as_str()), ("gaya", "gaya"));
        let same = |info: &Info| (info.category, info.event, info.urgency, info.severity, info.certainty);
        assert_eq!(same(english), same(hindi));
    }

    #[test]
    fn a_correction_updates_what_anybody_could_have_seen() {
        let mut signed = signed();
        for (public, published_at, kind) in [(true, 5, "Update"), (false, 5, "Alert"), (true, 0, "Alert")] {
            signed.fate.corrects = Some(other(public, published_at));
            let alert = message(&signed, &surroundings());
            assert_eq!((alert.message, alert.references.len()), (kind, usize::from(kind == "Update")));
        }
        signed.fate.corrects = Some(other(true, 5));
        let reference = message(&signed, &surroundings()).references.remove(0);
        assert_eq!((reference.identifier, reference.sent), (Uuid::from_u128(6).to_string(), 5));
    }

    #[test]
    fn a_withdrawal_cancels_and_an_exercise_says_so() {
        let mut signed = signed();
        signed.fate = Fate { exercise: true, ..Fate::default() };
        let alert = message(&signed, &surroundings());
        assert_eq!((alert.message, alert.status), ("Alert", "Exercise"));
        assert_eq!(identifier(&signed), (alert.identifier.clone(), alert.sent));
        signed.fate.withdrawn_at = 1_795_555_900_000_000;
        let cancel = message(&signed, &surroundings());
        assert_eq!(identifier(&signed), (cancel.identifier.clone(), cancel.sent));
        assert_eq!((cancel.message, cancel.status, cancel.sent), ("Cancel", "Exercise", 1_795_555_900_000_000));
        assert_eq!(cancel.references[0].identifier, alert.identifier);
        assert_eq!(cancel.references[0].sent, alert.sent);
        let info = &cancel.infos[0];
        assert_eq!((info.response, info.urgency, info.resource.is_none()), ("AllClear", "Past", true));
        let said = cancel.infos.iter().map(|info| format!("{}{}", info.headline, info.description)).collect::<String>();
        assert!(!said.contains("calls") && !said.contains("ओटीपी"), "{said}");
    }

    #[test]
    fn what_is_for_members_is_restricted() {
        let mut signed = signed();
        signed.bulletin.visibility = Visibility::Members;
        let alert = message(&signed, &surroundings());
        assert_eq!((alert.scope, alert.restriction.is_some()), ("Restricted", true));
    }

    #[test]
    fn a_missing_person_is_a_rescue_at_once() {
        let mut signed = signed();
        (signed.bulletin.category, signed.bulletin.severity) = (4, 1);
        let info = &message(&signed, &surroundings()).infos[0];
        assert_eq!((info.category, info.event, info.urgency), ("Rescue", "Missing Person", "Immediate"));
    }
}
