//! A bulletin as a channel sends it: everything but the recipient, made once for each language.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::json;
use uuid::Uuid;

use crate::domain::bulletin::Bulletin;
use crate::domain::text::{fitted, language_for, one_line};

/// Characters of the parameters of a template's body together: its 1,024 without the words of the template itself.
const PARAMETER_CHARACTERS: usize = 960;

/// A bulletin's messages on one channel.
#[derive(Debug)]
pub(crate) struct Content {
    /// W3C traceparent of the bulletin's approval; empty when it was not traced.
    pub(crate) trace_parent: String,
    /// The poster as the provider knows it.
    pub(crate) media_id: Option<String>,
    headlines: std::collections::BTreeMap<String, String>,
    messages: HashMap<String, Message>,
}

/// The rest of a message, after the recipient.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    rest: Bytes,
}

const HEAD: &[u8] = br#"{"messaging_product":"whatsapp","recipient_type":"individual","to":""#;
const CALLBACK: &[u8] = br#"","biz_opaque_callback_data":""#;

impl Content {
    /// The messages of a bulletin with this template, in each of its languages.
    pub(crate) fn of(bulletin: &Bulletin, template: &str, media_id: Option<String>) -> Self {
        let message = |language: &String| {
            let headline = bulletin.headlines.get(language).map_or("", String::as_str);
            let text = bulletin.texts.get(language).map_or("", String::as_str);
            (language.clone(), Message::new(&bulletin.number, headline, text, language, template, media_id.as_deref()))
        };
        Self {
            trace_parent: bulletin.trace_parent.clone(),
            messages: bulletin.headlines.keys().map(message).collect(),
            headlines: bulletin.headlines.clone(),
            media_id,
        }
    }

    /// The message for a member who reads this language.
    pub(crate) fn message(&self, language: &str) -> Option<&Message> {
        self.messages.get(language_for(language, &self.headlines))
    }
}

impl Message {
    fn new(number: &str, headline: &str, text: &str, language: &str, template: &str, media_id: Option<&str>) -> Self {
        let headline = one_line(headline);
        let taken = number.chars().count() + headline.chars().count();
        let text = fitted(&one_line(text), PARAMETER_CHARACTERS.saturating_sub(taken));
        let parameter = |name: &str, text: &str| json!({"type": "text", "parameter_name": name, "text": text});
        let body = json!({"type": "body", "parameters": [
            parameter("bulletin_no", number), parameter("headline", &headline), parameter("text", &text)]});
        let header =
            media_id.map(|id| json!({"type": "header", "parameters": [{"type": "image", "image": {"id": id}}]}));
        let components: Vec<_> = header.into_iter().chain([body]).collect();
        // Meta writes regions with an underscore.
        let code = language.replace('-', "_");
        let template = json!({"name": template, "language": {"code": code}, "components": components});
        Self { rest: format!(r#"","type":"template","template":{template}}}"#).into() }
    }

    /// The message to one person. `phone` is E.164; `delivery` comes back in every receipt.
    pub(crate) fn body(&self, phone: &str, delivery: Uuid) -> Bytes {
        let mut uid = Uuid::encode_buffer();
        let uid = delivery.hyphenated().encode_lower(&mut uid);
        let parts = [HEAD, phone.as_bytes(), CALLBACK, uid.as_bytes(), &self.rest];
        let mut body = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
        parts.iter().for_each(|part| body.extend_from_slice(part));
        body.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::bulletin::{IssuingUnit, State};

    fn bulletin(text: &str) -> Bulletin {
        let texts = |hindi: &str, english: &str| {
            [("hi", hindi), ("en", english)].map(|(tag, text)| (tag.to_owned(), text.to_owned())).into()
        };
        Bulletin {
            id: Uuid::nil(),
            number: "EOU/2026/0001".to_owned(),
            issuing_unit: IssuingUnit { id: Uuid::nil(), slug: "eou".to_owned() },
            state: State::Approved,
            category: 1,
            severity: 1,
            headlines: texts("\"सावधान\"", "beware"),
            texts: texts(text, "text"),
            poster: None,
            author: String::new(),
            approver: String::new(),
            version: 1,
            created_at: 0,
            approved_at: 0,
            published_at: 0,
            trace_parent: String::new(),
            visibility: crate::domain::bulletin::Visibility::Members,
            code: None,
        }
    }

    #[test]
    fn a_message_is_the_documented_template_with_recipient_and_callback() {
        let content = Content::of(&bulletin("पहली पंक्ति\nदूसरी"), "cyber_bulletin_v1", Some("77".to_owned()));
        let body = content.message("hi").unwrap().body("+911000000001", Uuid::nil());
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body,
            json!({
                "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+911000000001",
                "biz_opaque_callback_data": "00000000-0000-0000-0000-000000000000", "type": "template",
                "template": {"name": "cyber_bulletin_v1", "language": {"code": "hi"}, "components": [
                    {"type": "header", "parameters": [{"type": "image", "image": {"id": "77"}}]},
                    {"type": "body", "parameters": [
                        {"type": "text", "parameter_name": "bulletin_no", "text": "EOU/2026/0001"},
                        {"type": "text", "parameter_name": "headline", "text": "\"सावधान\""},
                        {"type": "text", "parameter_name": "text", "text": "पहली पंक्ति दूसरी"}]}]},
            })
        );
    }

    #[test]
    fn a_long_text_is_cut_to_what_a_template_holds() {
        let content = Content::of(&bulletin(&"क ".repeat(500)), "t", None);
        let body = content.message("mai").unwrap().body("+911000000001", Uuid::nil());
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let parameters = body["template"]["components"][0]["parameters"].as_array().unwrap();
        let characters: usize = parameters.iter().map(|one| one["text"].as_str().unwrap().chars().count()).sum();
        assert!((900..=PARAMETER_CHARACTERS).contains(&characters), "{characters}");
    }
}
