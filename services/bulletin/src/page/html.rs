//! The page that answers a code, in Hindi and English: no scripts, nothing from elsewhere, every text escaped.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use quick_xml::escape::escape;
use time::UtcOffset;

use super::written;
use crate::domain::Micros;
use crate::domain::alert::named;
use crate::domain::verification::{Signed, Standing};

/// The media type of a page.
pub(crate) const MEDIA_TYPE: &str = "text/html; charset=utf-8";

/// Plain on any telephone. The standing is said in words and by a sign, not by colour alone.
const STYLE: &str = "body{font:1.1rem/1.5 sans-serif;max-width:40rem;margin:0 auto;padding:1rem;color:#111;background:#fff}\
    h1{padding:.75rem 1rem;border:3px solid;border-radius:.5rem;font-size:1.4rem;line-height:1.4}h1 span{display:block}\
    .genuine h1{color:#0b5d1e}.corrected h1,.expired h1{color:#7a4a00}.withdrawn h1,.unknown h1{color:#9b1212}\
    dt{font-weight:bold;margin-top:.75rem}dd{margin:0}img{max-width:100%;height:auto;border:1px solid #777}";

/// The sign, and the sentences in Hindi and English.
fn words(standing: Standing) -> (&'static str, &'static str, &'static str) {
    match standing {
        Standing::Genuine => ("✓", "यह बुलेटिन असली है।", "This bulletin is genuine."),
        Standing::Corrected => (
            "!",
            "यह बुलेटिन असली है, पर इसमें सुधार हुआ है। नया बुलेटिन देखें।",
            "This bulletin is genuine but has been corrected. See the new one.",
        ),
        Standing::Withdrawn => {
            ("✗", "यह बुलेटिन वापस ले लिया गया है। इसे आगे न भेजें।", "This bulletin has been withdrawn. Do not forward it.")
        }
        Standing::Expired => {
            ("!", "यह बुलेटिन असली है, पर इसकी अवधि बीत चुकी है।", "This bulletin is genuine but its time is over.")
        }
        Standing::Unknown => (
            "✗",
            "यह कोड पुलिस के किसी बुलेटिन का नहीं है। कोड दोबारा मिलाएँ; पोस्टर पर भरोसा न करें।",
            "No police bulletin has this code. Compare the code again; do not trust the poster.",
        ),
    }
}

/// The page of a bulletin.
pub(crate) fn verification(
    signed: &Signed,
    names: &BTreeMap<String, String>,
    now: Micros,
    offset: UtcOffset,
) -> String {
    let bulletin = &signed.bulletin;
    let standing = Standing::of(&signed.fate, now);
    let mut body = String::new();
    if signed.fate.exercise {
        body.push_str(
            "<p><strong lang=\"hi\">यह अभ्यास है।</strong> <strong lang=\"en\">This is an exercise.</strong></p>",
        );
    }
    let row = |body: &mut String, hindi: &str, english: &str, value: &str| {
        let _ = write!(
            body,
            "<dt><span lang=\"hi\">{hindi}</span> · <span lang=\"en\">{english}</span></dt><dd>{value}</dd>"
        );
    };
    body.push_str("<dl>");
    for language in ["hi", "en"] {
        // Of what is withdrawn the headline is not repeated: it may name somebody.
        if let Some(headline) = bulletin.headlines.get(language).filter(|_| standing != Standing::Withdrawn) {
            let value = format!("<span lang=\"{language}\">{}</span>", escape(headline.as_str()));
            row(&mut body, "विषय", "Subject", &value);
        }
    }
    row(&mut body, "बुलेटिन संख्या", "Bulletin number", &escape(bulletin.number.as_str()));
    let issuer = |language| escape(named(names, language, &bulletin.issuing_unit.slug)).into_owned();
    let (hindi, english) = (issuer("hi"), issuer("en"));
    let issuer = if hindi == english { hindi } else { format!("{hindi} · {english}") };
    row(&mut body, "जारीकर्ता", "Issued by", &issuer);
    row(&mut body, "अनुमोदन", "Approved", &written(bulletin.approved_at, offset));
    if standing == Standing::Withdrawn {
        row(&mut body, "वापसी", "Withdrawn", &written(signed.fate.withdrawn_at, offset));
    }
    if let Some(by) = &signed.fate.corrected_by {
        let (number, code) = (escape(by.number.as_str()), by.code.plain());
        row(&mut body, "नया बुलेटिन", "New bulletin", &format!("<a href=\"/v/{code}\">{number}</a>"));
    }
    row(&mut body, "कोड", "Code", &signed.code.to_string());
    body.push_str("</dl>");
    if let Some(poster) = bulletin.poster.as_ref().filter(|_| standing != Standing::Withdrawn) {
        // A genuine code can be copied onto a false poster: only the picture tells.
        let _ = write!(
            body,
            "<p><span lang=\"hi\">असली पोस्टर यह है। अपने पोस्टर से मिलाएँ: कोड नकली पोस्टर पर भी छापा जा सकता है।</span> \
             <span lang=\"en\">This is the real poster. Compare it with yours: a code can be printed on a false one too.</span></p>\
             <img src=\"/v/{}/poster\" width=\"{}\" height=\"{}\" alt=\"पोस्टर · Poster {}\">",
            signed.code.plain(),
            poster.width,
            poster.height,
            escape(bulletin.number.as_str())
        );
    }
    document(standing, &body)
}

/// The page of a code that nobody has given out.
pub(crate) fn unknown() -> String {
    document(Standing::Unknown, "")
}

fn document(standing: Standing, body: &str) -> String {
    let (sign, hindi, english) = words(standing);
    format!(
        "<!doctype html><html lang=\"hi\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\">\
         <title>{hindi} · {english}</title><style>{STYLE}</style></head><body class=\"{}\"><main>\
         <h1><span lang=\"hi\">{sign} {hindi}</span><span lang=\"en\">{english}</span></h1>{body}</main></body></html>\n",
        standing.name()
    )
}

#[cfg(test)]
mod tests {
    use super::super::xml_check::{Element, read};
    use super::*;
    use crate::domain::alert::tests::{other, signed, surroundings};

    fn india() -> UtcOffset {
        UtcOffset::from_hms(5, 30, 0).unwrap()
    }

    fn page(signed: &Signed) -> String {
        verification(signed, &surroundings().issuer, 1_795_560_000_000_000, india())
    }

    /// Names of all elements: the tags that HTML leaves open are closed first, then it must be well formed.
    fn elements(page: &str) -> Vec<String> {
        let mut closed = page.replacen("<!doctype html>", "", 1);
        for open in ["<meta ", "<img "] {
            let parts: Vec<_> = closed.split(open).map(str::to_owned).collect();
            closed = parts[0].clone()
                + &parts[1..].iter().map(|part| format!("{open}{}", part.replacen('>', "/>", 1))).collect::<String>();
        }
        fn names(element: &Element, all: &mut Vec<String>) {
            all.push(element.name.clone());
            element.children.iter().for_each(|child| names(child, all));
        }
        let mut all = Vec::new();
        names(&read(closed.as_bytes()), &mut all);
        all
    }

    #[test]
    fn each_standing_is_said_in_both_languages() {
        let mut cases = vec![(Standing::Genuine, page(&signed())), (Standing::Unknown, unknown())];
        let mut case = signed();
        case.fate.expires_at = 5;
        cases.push((Standing::Expired, page(&case)));
        case.fate.corrected_by = Some(other(true, 5));
        let corrected = page(&case);
        assert!(corrected.contains(&format!("<a href=\"/v/{}\">EOU/2026/0141</a>", other(true, 5).code.plain())));
        cases.push((Standing::Corrected, corrected));
        case.fate.withdrawn_at = 1_795_560_000_000_000;
        let withdrawn = page(&case);
        assert!(!withdrawn.contains("<img") && !withdrawn.contains("False calls"));
        cases.push((Standing::Withdrawn, withdrawn));
        for (standing, page) in cases {
            let (_, hindi, english) = words(standing);
            assert!(page.contains(hindi) && page.contains(english) && page.contains(standing.name()));
            assert!(page.len() < 8 * 1024);
            elements(&page);
        }
    }

    #[test]
    fn no_text_becomes_markup() {
        let mut signed = signed();
        let attack = "</span><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&lt;";
        for text in signed.bulletin.headlines.values_mut() {
            attack.clone_into(text);
        }
        signed.bulletin.number = attack.to_owned();
        signed.bulletin.issuing_unit.slug = attack.to_owned();
        signed.fate.corrected_by =
            Some(super::super::super::domain::verification::Reference { number: attack.to_owned(), ..other(true, 5) });
        let page = verification(&signed, &BTreeMap::new(), 0, india());
        let found = elements(&page);
        assert!(!found.iter().any(|name| name == "script"));
        assert_eq!(found.iter().filter(|name| *name == "img").count(), 1);
        assert!(!page.contains("<script") && !page.contains("onerror=alert(1)>"));
    }
}
