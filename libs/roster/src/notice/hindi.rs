//! Notices in Hindi.
//!
//! WhatsApp's wording in Hindi has changed more than once (समूह became ग्रुप, आमंत्रण इनवाइट), and no export was found published. So a
//! notice is read by its structure, which the language fixes: the one who acts stands before `ने`, the one to whom it happens before
//! `को`, and the verb is one of a few. Texts are folded first ([`crate::text::folded`]): no dots below letters.

use super::{Notice, persons};
use crate::number::NumberText;

const ANDS: &[&str] = &[" और ", " व ", " तथा ", " एवं "];

/// What can follow the name of the one who came or went, when it is not `ने`.
const AFTER_NAME: [&str; 14] = [
    " इस ",
    " ग्रुप",
    " समूह",
    " कम्युनिटी",
    " कम्यूनिटी",
    " समुदाय",
    " लिंक",
    " आमंत्रण",
    " इनवाइट",
    " बाहर",
    " एक ",
    " से ",
    " अब ",
    " शामिल",
];

pub(super) fn read(text: &str) -> Option<Notice> {
    let has = |word: &str| text.contains(word);
    // A name of the group may hold any words.
    let said = &text[..text.find(['"', '“']).unwrap_or(text.len())];
    if has("एन्क्रिप्ट") || has("एनक्रिप्ट") {
        return Some(Notice::Chat);
    }
    let changed = has("बदल");
    if changed && has("कोड") {
        return security_code(text);
    }
    if changed && (said.contains("नंबर") || numbers(said).len() == 2) {
        return number_changed(said);
    }
    if has("एडमिन") || has("व्यवस्थापक") {
        return Some(admin(text));
    }
    let group = has("ग्रुप") || has("समूह") || has("कम्युनिटी") || has("कम्यूनिटी");
    let came_by_link = has("लिंक") && (has("जुड") || has("शामिल") || has("जॉइन"));
    if came_by_link
        || (has(" ग्रुप से जुड") || has(" समूह में शामिल हु") || has(" ग्रुप में शामिल हु") || has(" जॉइन किया"))
    {
        return Some(Notice::Joined(persons(name_at_the_start(text), ANDS)));
    }
    if let Some(whom) = object(text) {
        if has("जोड") || has("शामिल कि") || has("शामिल कर") {
            return Some(Notice::Joined(persons(whom, ANDS)));
        }
        if has("हटा") || has("निकाल") {
            return Some(Notice::Left(persons(whom, ANDS)));
        }
    }
    if group && (has(" बनाया") || has(" बनाई")) && has(" ने ") {
        return Some(Notice::Joined(persons(name_at_the_start(text), ANDS)));
    }
    let went = group && has("छोड")
        || [" बाहर हो", " बाहर चल", " बाहर निकल", " निकल गए", " चले गए", " हट गए"].into_iter().any(has);
    if went {
        return Some(Notice::Left(persons(name_at_the_start(text), ANDS)));
    }
    // The subject, the picture, the description, the settings.
    (group && (changed || has("हटा"))).then_some(Notice::Chat)
}

/// Who stands at the beginning: before `ने`, or before the first word that cannot belong to a name there.
fn name_at_the_start(text: &str) -> &str {
    if let Some((who, _)) = text.split_once(" ने ") {
        return who;
    }
    let end = AFTER_NAME.into_iter().filter_map(|word| text.find(word)).min();
    &text[..end.unwrap_or(text.len())]
}

/// To whom it happened: before `को`, and behind `ने` when somebody did it.
fn object(text: &str) -> Option<&str> {
    // आपने and आपको are one word each.
    let behind = text.split_once(" ने ").map_or(text, |(_, behind)| behind);
    let behind = behind.strip_prefix("आपने ").unwrap_or(behind);
    behind.split_once(" को ").map(|(whom, _)| whom).or_else(|| behind.starts_with("आपको ").then_some("आप"))
}

fn security_code(text: &str) -> Option<Notice> {
    let text = text.strip_prefix("आपका ").unwrap_or(text);
    let end = [" के साथ", " का ", " की "].into_iter().filter_map(|word| text.find(word)).min()?;
    Some(Notice::Seen(text[..end].to_owned()))
}

fn number_changed(text: &str) -> Option<Notice> {
    let new = numbers(text).into_iter().rev().find(|number| !text.starts_with(number)).map(str::to_owned);
    let old = match text.split_once(" ने ") {
        Some((who, _)) => who,
        None => {
            let end = [" बदल", " का ", " अपना "].into_iter().filter_map(|word| text.find(word)).min()?;
            &text[..end]
        }
    };
    Some(Notice::NumberChanged { old: old.to_owned(), new })
}

fn admin(text: &str) -> Notice {
    let admin = !["नहीं", "हटा", "निकाल"].into_iter().any(|word| text.contains(word));
    let who = object(text).unwrap_or_else(|| name_at_the_start(text));
    Notice::Admin { who: persons(who, ANDS), admin }
}

/// The numbers in a text, as they stand there. Words end where spaces do, and so does a number; its own groups are kept together.
fn numbers(text: &str) -> Vec<&str> {
    let in_number = |character: char| {
        crate::number::digit(character).is_some()
            || matches!(character, '+' | ' ' | '-' | '(' | ')' | '\u{2010}'..='\u{2015}')
    };
    text.split(|character| !in_number(character))
        .map(str::trim)
        .filter(|part| NumberText::read(part).is_some())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_read_by_their_structure() {
        let all = |who: &[&str]| who.iter().map(|who| (*who).to_owned()).collect::<Vec<_>>();
        let a = "+91 10612 00042";
        let b = "+91 10612 00043";
        for (text, notice) in [
            (format!("{a} इस ग्रुप के इनवाइट लिंक के ज़रिए जुड़े"), Notice::Joined(all(&[a]))),
            (format!("{a} इस समूह के आमंत्रण लिंक का उपयोग करके शामिल हुए"), Notice::Joined(all(&[a]))),
            (format!("{a} ने ग्रुप लिंक से ग्रुप जॉइन किया"), Notice::Joined(all(&[a]))),
            (format!("रवि ने {a} को जोड़ा"), Notice::Joined(all(&[a]))),
            (format!("आपने {a} को जोड़ा"), Notice::Joined(all(&[a]))),
            (format!("रवि ने {a}, सीता देवी और {b} को शामिल किया"), Notice::Joined(all(&[a, "सीता देवी", b]))),
            (format!("{a} को जोड़ा गया"), Notice::Joined(all(&[a]))),
            ("रवि ने आपको जोड़ा".to_owned(), Notice::Joined(all(&["आप"]))),
            (format!("{a} ने ग्रुप \"कोतवाली\" बनाया"), Notice::Joined(all(&[a]))),
            (format!("{a} ने ग्रुप छोड़ दिया"), Notice::Left(all(&[a]))),
            (format!("{a} ग्रुप से बाहर हो गए"), Notice::Left(all(&[a]))),
            (format!("{a} बाहर निकल गए"), Notice::Left(all(&[a]))),
            (format!("रवि ने {a} को हटाया"), Notice::Left(all(&[a]))),
            (format!("रवि ने {a} को निकाल दिया"), Notice::Left(all(&[a]))),
            (
                format!("{a} ने अपना फ़ोन नंबर बदल लिया है। मैसेज भेजने या नया नंबर जोड़ने के लिए टैप करें।"),
                Notice::NumberChanged { old: a.to_owned(), new: None },
            ),
            (
                format!("{a} ने अपना फ़ोन नंबर बदलकर {b} कर लिया है"),
                Notice::NumberChanged { old: a.to_owned(), new: Some(b.to_owned()) },
            ),
            (format!("{a} बदलकर {b} हो गया"), Notice::NumberChanged { old: a.to_owned(), new: Some(b.to_owned()) }),
            (format!("{a} के साथ आपका सुरक्षा कोड बदल गया. ज़्यादा जानने के लिए टैप करें."), Notice::Seen(a.to_owned())),
            (format!("{a} अब एडमिन हैं"), Notice::Admin { who: all(&[a]), admin: true }),
            (format!("रवि ने {a} को एडमिन बनाया"), Notice::Admin { who: all(&[a]), admin: true }),
            (format!("{a} अब एडमिन नहीं हैं"), Notice::Admin { who: all(&[a]), admin: false }),
            (format!("{a} ने ग्रुप का नाम बदलकर \"नया\" कर दिया"), Notice::Chat),
            ("मैसेज और कॉल एंड-टू-एंड एन्क्रिप्टेड हैं".to_owned(), Notice::Chat),
        ] {
            assert_eq!(read(&crate::text::folded(&text)), Some(notice), "{text}");
        }
    }
}
