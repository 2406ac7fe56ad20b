//! An alert of CAP 1.2 as XML: elements in the order of the schema.

use time::UtcOffset;

use super::moment;
use super::xml::Xml;
use crate::domain::alert::{Alert, Info};

/// The namespace of CAP 1.2.
const NAMESPACE: &str = "urn:oasis:names:tc:emergency:cap:1.2";

/// The media type of an alert.
pub(crate) const MEDIA_TYPE: &str = "application/cap+xml";

/// The document of an alert.
pub(crate) fn document(alert: &Alert, offset: UtcOffset) -> Vec<u8> {
    let mut xml = Xml::new();
    xml.within("alert", &[("xmlns", NAMESPACE)], |xml| {
        xml.text("identifier", &alert.identifier);
        xml.text("sender", &alert.sender);
        xml.text("sent", &moment(alert.sent, offset));
        xml.text("status", alert.status);
        xml.text("msgType", alert.message);
        xml.text("scope", alert.scope);
        if let Some(restriction) = alert.restriction {
            xml.text("restriction", restriction);
        }
        if !alert.references.is_empty() {
            let references = alert
                .references
                .iter()
                .map(|other| format!("{},{},{}", other.sender, other.identifier, moment(other.sent, offset)));
            xml.text("references", &references.collect::<Vec<_>>().join(" "));
        }
        for info in &alert.infos {
            xml.within("info", &[], |xml| write_info(xml, info, offset));
        }
    });
    xml.finish()
}

fn write_info(xml: &mut Xml, info: &Info, offset: UtcOffset) {
    xml.text("language", &info.language);
    xml.text("category", info.category);
    xml.text("event", info.event);
    xml.text("responseType", info.response);
    xml.text("urgency", info.urgency);
    xml.text("severity", info.severity);
    xml.text("certainty", info.certainty);
    xml.text("effective", &moment(info.effective, offset));
    if info.expires != 0 {
        xml.text("expires", &moment(info.expires, offset));
    }
    xml.text("senderName", &info.sender_name);
    xml.text("headline", &info.headline);
    xml.text("description", &info.description);
    xml.text("web", &info.web);
    for (name, value) in &info.parameters {
        xml.within("parameter", &[], |xml| {
            xml.text("valueName", name);
            xml.text("value", value);
        });
    }
    if let Some(resource) = &info.resource {
        xml.within("resource", &[], |xml| {
            xml.text("resourceDesc", resource.description);
            xml.text("mimeType", &resource.media_type);
            xml.text("size", &resource.size.to_string());
            xml.text("uri", &resource.uri);
            xml.text("digest", &resource.digest);
        });
    }
    for area in &info.areas {
        xml.within("area", &[], |xml| {
            xml.text("areaDesc", &area.description);
            xml.within("geocode", &[], |xml| {
                xml.text("valueName", "senani:unit");
                xml.text("value", &area.unit);
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::xml_check::{Element, read};
    use super::*;
    use crate::domain::alert::message;
    use crate::domain::alert::tests::{other, signed, surroundings};
    use crate::domain::verification::Fate;

    /// Children in the order of the schema: name, least, most.
    type Order = &'static [(&'static str, usize, usize)];
    const MANY: usize = usize::MAX;
    const ALERT: Order = &[
        ("identifier", 1, 1),
        ("sender", 1, 1),
        ("sent", 1, 1),
        ("status", 1, 1),
        ("msgType", 1, 1),
        ("source", 0, 1),
        ("scope", 1, 1),
        ("restriction", 0, 1),
        ("addresses", 0, 1),
        ("code", 0, MANY),
        ("note", 0, 1),
        ("references", 0, 1),
        ("incidents", 0, 1),
        ("info", 0, MANY),
    ];
    const INFO: Order = &[
        ("language", 0, 1),
        ("category", 1, MANY),
        ("event", 1, 1),
        ("responseType", 0, MANY),
        ("urgency", 1, 1),
        ("severity", 1, 1),
        ("certainty", 1, 1),
        ("audience", 0, 1),
        ("eventCode", 0, MANY),
        ("effective", 0, 1),
        ("onset", 0, 1),
        ("expires", 0, 1),
        ("senderName", 0, 1),
        ("headline", 0, 1),
        ("description", 0, 1),
        ("instruction", 0, 1),
        ("web", 0, 1),
        ("contact", 0, 1),
        ("parameter", 0, MANY),
        ("resource", 0, MANY),
        ("area", 0, MANY),
    ];
    const RESOURCE: Order = &[
        ("resourceDesc", 1, 1),
        ("mimeType", 1, 1),
        ("size", 0, 1),
        ("uri", 0, 1),
        ("derefUri", 0, 1),
        ("digest", 0, 1),
    ];
    const AREA: Order = &[
        ("areaDesc", 1, 1),
        ("polygon", 0, MANY),
        ("circle", 0, MANY),
        ("geocode", 0, MANY),
        ("altitude", 0, 1),
        ("ceiling", 0, 1),
    ];
    const PAIR: Order = &[("valueName", 1, 1), ("value", 1, 1)];

    /// What the schema of CAP 1.2 says of an alert, as far as ours goes: every fault.
    pub(super) fn faults(alert: &Element) -> Vec<String> {
        let mut faults = Vec::new();
        if alert.name != "alert" || alert.attribute("xmlns") != Some(NAMESPACE) {
            faults.push("not an alert".to_owned());
        }
        check_order(alert, ALERT, &mut faults);
        let one_of = |name: &str, values: &[&str]| values.contains(&alert.text(name));
        let mut must = |holds: bool, what: &str| {
            if !holds {
                faults.push(what.to_owned());
            }
        };
        must(one_of("status", &["Actual", "Exercise", "System", "Test", "Draft"]), "status");
        must(one_of("msgType", &["Alert", "Update", "Cancel", "Ack", "Error"]), "msgType");
        must(one_of("scope", &["Public", "Restricted", "Private"]), "scope");
        must((alert.text("scope") == "Public") == alert.text("restriction").is_empty(), "restriction");
        must(is_moment(alert.text("sent")), "sent");
        for name in ["identifier", "sender"] {
            let text = alert.text(name);
            must(!text.is_empty() && !text.contains([' ', ',', '<', '&']), name);
        }
        let references: Vec<_> = alert.text("references").split_whitespace().collect();
        must((alert.text("msgType") == "Alert") == references.is_empty(), "references");
        for reference in references {
            let parts: Vec<_> = reference.split(',').collect();
            must(parts.len() == 3 && is_moment(parts[2]), "a reference");
        }
        let infos: Vec<_> = alert.children.iter().filter(|child| child.name == "info").collect();
        for info in &infos {
            for name in ["category", "event", "responseType", "urgency", "severity", "certainty"] {
                if info.text(name) != infos[0].text(name) {
                    faults.push(format!("{name} differs by language"));
                }
            }
            check_info(info, &mut faults);
        }
        faults
    }

    fn check_info(info: &Element, faults: &mut Vec<String>) {
        check_order(info, INFO, faults);
        let categories = "Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other";
        let responses = "Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None";
        for (name, values) in [
            ("category", categories),
            ("responseType", responses),
            ("urgency", "Immediate Expected Future Past Unknown"),
            ("severity", "Extreme Severe Moderate Minor Unknown"),
            ("certainty", "Observed Likely Possible Unlikely Unknown"),
        ] {
            if !values.split(' ').any(|value| value == info.text(name)) {
                faults.push(format!("{name} {:?}", info.text(name)));
            }
        }
        for name in ["effective", "expires"] {
            if !info.text(name).is_empty() && !is_moment(info.text(name)) {
                faults.push(name.to_owned());
            }
        }
        if info.text("headline").chars().count() > 160 {
            faults.push("headline".to_owned());
        }
        for child in &info.children {
            match child.name.as_str() {
                "parameter" => check_order(child, PAIR, faults),
                "resource" => check_order(child, RESOURCE, faults),
                "area" => {
                    check_order(child, AREA, faults);
                    let geocodes = child.children.iter().filter(|child| child.name == "geocode");
                    geocodes.for_each(|geocode| check_order(geocode, PAIR, faults));
                }
                _ => {}
            }
        }
    }

    fn check_order(element: &Element, order: Order, faults: &mut Vec<String>) {
        let mut children = element.children.iter().map(|child| child.name.as_str()).peekable();
        for (name, least, most) in order {
            let mut count = 0;
            while children.next_if_eq(name).is_some() {
                count += 1;
            }
            if count < *least || count > *most {
                faults.push(format!("{count} {name} in {}", element.name));
            }
        }
        faults.extend(children.map(|name| format!("{name} out of order in {}", element.name)));
    }

    /// `\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[-,+]\d\d:\d\d`
    fn is_moment(text: &str) -> bool {
        let form: String = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
        form == "9999-99-99T99:99:99+99:99" || form == "9999-99-99T99:99:99-99:99"
    }

    fn india() -> UtcOffset {
        UtcOffset::from_hms(5, 30, 0).expect("an offset")
    }

    #[test]
    fn every_message_keeps_to_the_schema_and_is_read_back_as_it_was() {
        let mut updated = signed();
        updated.fate.corrects = Some(other(true, 5_000_000));
        let mut withdrawn = signed();
        withdrawn.fate =
            Fate { withdrawn_at: 1_795_560_000_000_000, exercise: true, expires_at: 9_000_000, ..Fate::default() };
        let mut restricted = signed();
        restricted.bulletin.visibility = crate::domain::bulletin::Visibility::Members;
        restricted.bulletin.poster = None;
        for category in 1..=8 {
            for severity in 0..=3 {
                for mut case in [signed(), updated.clone(), withdrawn.clone(), restricted.clone()] {
                    (case.bulletin.category, case.bulletin.severity) = (category, severity);
                    let alert = message(&case, &surroundings());
                    let document = document(&alert, india());
                    let read = read(&document);
                    assert_eq!(faults(&read), Vec::<String>::new(), "{}", String::from_utf8_lossy(&document));
                    assert_eq!(read.text("identifier"), alert.identifier);
                    let infos: Vec<_> = read.children.iter().filter(|child| child.name == "info").collect();
                    assert_eq!(infos.len(), 2);
                    assert!(document.len() < 100 * 1024);
                    if case.fate.withdrawn_at == 0 {
                        assert_eq!(infos[0].text("headline"), "False calls & \"codes\"");
                        assert_eq!(infos[0].text("description"), "No bank asks for <b>your</b> code.");
                        // Without the control character that stands in it.
                        assert_eq!(infos[1].text("description"), "कोई बैंक ओटीपी नहीं माँगता।");
                    }
                }
            }
        }
    }

    #[test]
    fn a_cancellation_refers_to_what_was_sent_word_for_word() {
        let mut signed = signed();
        let alert = read(&document(&message(&signed, &surroundings()), india()));
        signed.fate.withdrawn_at = 1_795_560_000_000_000;
        let cancel = read(&document(&message(&signed, &surroundings()), india()));
        let expected = [alert.text("sender"), alert.text("identifier"), alert.text("sent")].join(",");
        assert_eq!(cancel.text("references"), expected);
        assert_eq!(alert.text("sent"), "2026-11-25T03:00:00+05:30");
    }

    #[test]
    fn the_check_itself_finds_faults() {
        let document = document(&message(&signed(), &surroundings()), india());
        let text = String::from_utf8(document).unwrap();
        for (from, to) in [
            ("+05:30</sent>", "Z</sent>"),
            ("<status>Actual", "<status>Real"),
            ("<msgType>Alert", "<msgType>Cancel"),
            ("<category>Security", "<category>Crime"),
            ("<scope>Public</scope>", ""),
            ("<headline>", "<note>x</note><headline>"),
            ("identifier>0", "identifier>0,"),
        ] {
            assert!(text.contains(from), "{from}");
            let broken = text.replacen(from, to, 1);
            assert_ne!(faults(&read(broken.as_bytes())), Vec::<String>::new(), "{from}");
        }
    }
}
