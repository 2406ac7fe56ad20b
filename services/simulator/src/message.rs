//! The body of `POST /{phone_number_id}/messages`: its documented shapes, checked without copying.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};

use crate::{recipient::Recipient, refusal::Refusal};

/// Longest `biz_opaque_callback_data`, in bytes.
pub(crate) const MAX_CALLBACK_BYTES: usize = 512;
/// Longest text of a text message, in characters.
const MAX_TEXT: usize = 4_096;
/// Longest caption of an image, in characters.
const MAX_CAPTION: usize = 1_024;
/// Longest body of a template, in characters; here: of its parameters together.
const MAX_TEMPLATE_BODY: usize = 1_024;
/// Longest name of a template, in characters.
const MAX_TEMPLATE_NAME: usize = 512;

/// A message that has a documented shape.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    /// `to`, as it was written.
    pub(crate) input: Cow<'a, str>,
    pub(crate) recipient: Recipient,
    /// `biz_opaque_callback_data`; empty when absent.
    pub(crate) callback: Cow<'a, str>,
    /// Whether it is a template (else a free-form session message).
    pub(crate) template: bool,
    /// The uploaded image that it shows.
    pub(crate) media_id: Option<Cow<'a, str>>,
}

/// A string that borrows from the body unless it holds escapes. (`Option<Cow<str>>` would always copy.)
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    messaging_product: Option<Text<'a>>,
    #[serde(borrow)]
    recipient_type: Option<Text<'a>>,
    #[serde(borrow)]
    to: Option<Text<'a>>,
    #[serde(borrow)]
    r#type: Option<Text<'a>>,
    #[serde(borrow)]
    text: Option<TextBody<'a>>,
    #[serde(borrow)]
    image: Option<Image<'a>>,
    #[serde(borrow)]
    template: Option<Template<'a>>,
    #[serde(borrow)]
    biz_opaque_callback_data: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct TextBody<'a> {
    #[serde(borrow)]
    body: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Image<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    link: Option<Text<'a>>,
    #[serde(borrow)]
    caption: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Template<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    language: Option<Language<'a>>,
    #[serde(borrow, default)]
    components: Vec<Component<'a>>,
}

#[derive(Deserialize)]
struct Language<'a> {
    #[serde(borrow)]
    code: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Component<'a> {
    #[serde(borrow)]
    r#type: Option<Text<'a>>,
    #[serde(borrow)]
    sub_type: Option<Text<'a>>,
    index: Option<IgnoredAny>,
    #[serde(borrow, default)]
    parameters: Vec<Parameter<'a>>,
}

#[derive(Deserialize)]
struct Parameter<'a> {
    #[serde(borrow)]
    r#type: Option<Text<'a>>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    payload: Option<Text<'a>>,
    #[serde(borrow)]
    image: Option<Image<'a>>,
}

/// Reads and checks a request.
///
/// # Errors
/// The first documented error that applies, in the order: shape, sender's choice of product, recipient, content.
pub(crate) fn parse(body: &[u8]) -> Result<Message<'_>, Refusal> {
    let request: Request<'_> = serde_json::from_slice(body).map_err(|error| {
        // serde's own text quotes values, and a value may be a number or a text of a person.
        Refusal::invalid(format!("not the documented JSON (line {}, column {})", error.line(), error.column()))
    })?;
    if request.messaging_product.is_none_or(|product| product.0 != "whatsapp") {
        return Err(Refusal::invalid("messaging_product must be \"whatsapp\""));
    }
    if request.recipient_type.is_some_and(|kind| kind.0 != "individual") {
        return Err(Refusal::invalid("recipient_type must be \"individual\""));
    }
    let input = request.to.ok_or_else(|| Refusal::missing("to"))?.0;
    let recipient = Recipient::parse(&input)?;
    let callback = request.biz_opaque_callback_data.map_or(Cow::Borrowed(""), |text| text.0);
    if callback.len() > MAX_CALLBACK_BYTES {
        return Err(Refusal::bad_value("biz_opaque_callback_data is longer than 512 bytes"));
    }
    let kind = request.r#type.map_or(Cow::Borrowed("text"), |kind| kind.0);
    let (template, media_id) = match kind.as_ref() {
        "text" => {
            let text = request.text.ok_or_else(|| Refusal::missing("text"))?;
            let body = text.body.ok_or_else(|| Refusal::missing("text.body"))?.0;
            if body.is_empty() || longer(&body, MAX_TEXT) {
                return Err(Refusal::invalid("text.body must have 1 to 4096 characters"));
            }
            (false, None)
        }
        "image" => (false, check_image(request.image.ok_or_else(|| Refusal::missing("image"))?)?),
        "template" => (true, check_template(request.template.ok_or_else(|| Refusal::missing("template"))?)?),
        _ => return Err(Refusal::unsupported_type()),
    };
    Ok(Message { input, recipient, callback, template, media_id })
}

fn longer(text: &str, limit: usize) -> bool {
    text.len() > limit && text.chars().count() > limit
}

fn check_image(image: Image<'_>) -> Result<Option<Cow<'_, str>>, Refusal> {
    if image.caption.is_some_and(|caption| longer(&caption.0, MAX_CAPTION)) {
        return Err(Refusal::invalid("image.caption must have at most 1024 characters"));
    }
    match (image.id, image.link) {
        (Some(id), None) => Ok(Some(id.0)),
        (None, Some(link)) if link.0.starts_with("https://") || link.0.starts_with("http://") => Ok(None),
        (None, Some(_)) => Err(Refusal::bad_value("image.link must be an http or https address")),
        (None, None) => Err(Refusal::missing("image.id or image.link")),
        (Some(_), Some(_)) => Err(Refusal::invalid("image must have either id or link, not both")),
    }
}

fn check_template(template: Template<'_>) -> Result<Option<Cow<'_, str>>, Refusal> {
    let name = template.name.ok_or_else(|| Refusal::missing("template.name"))?.0;
    let plausible = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || name.len() > MAX_TEMPLATE_NAME || !name.bytes().all(plausible) {
        return Err(Refusal::no_such_template("names of templates are 1 to 512 of a-z, 0-9 and _"));
    }
    let language = template.language.ok_or_else(|| Refusal::missing("template.language"))?;
    let code = language.code.ok_or_else(|| Refusal::missing("template.language.code"))?.0;
    if !is_language_code(&code) {
        return Err(Refusal::no_such_template("languages are written like hi, en or en_US"));
    }
    let mut media_id = None;
    let mut header_seen = false;
    for component in template.components {
        let kind = component.r#type.ok_or_else(|| Refusal::missing("template.components.type"))?.0;
        match kind.as_ref() {
            "header" if header_seen => return Err(Refusal::invalid("a template has at most one header")),
            "header" => {
                header_seen = true;
                for parameter in component.parameters {
                    media_id = check_header(parameter)?.or(media_id);
                }
            }
            "body" => check_body(&component.parameters)?,
            "button" => {
                let sub_type = component.sub_type.ok_or_else(|| Refusal::missing("button.sub_type"))?.0;
                if component.index.is_none() {
                    return Err(Refusal::missing("button.index"));
                }
                check_button(&sub_type, &component.parameters)?;
            }
            _ => return Err(Refusal::invalid("components are header, body or button")),
        }
    }
    Ok(media_id)
}

fn check_header(parameter: Parameter<'_>) -> Result<Option<Cow<'_, str>>, Refusal> {
    match parameter.r#type.ok_or_else(|| Refusal::missing("header.parameters.type"))?.0.as_ref() {
        "image" => check_image(parameter.image.ok_or_else(|| Refusal::missing("header.parameters.image"))?),
        "text" if parameter.text.is_none() => Err(Refusal::missing("header.parameters.text")),
        "text" => Ok(None),
        _ => Err(Refusal::invalid("header parameters are image or text")),
    }
}

fn check_body(parameters: &[Parameter<'_>]) -> Result<(), Refusal> {
    let mut characters = 0;
    for parameter in parameters {
        match parameter.r#type.as_ref().map(|kind| kind.0.as_ref()) {
            Some("text") => match &parameter.text {
                Some(text) if !text.0.is_empty() => characters += text.0.chars().count(),
                _ => return Err(Refusal::missing("body.parameters.text")),
            },
            Some(_) => return Err(Refusal::invalid("body parameters are text")),
            None => return Err(Refusal::missing("body.parameters.type")),
        }
    }
    if characters > MAX_TEMPLATE_BODY { Err(Refusal::template_too_long()) } else { Ok(()) }
}

fn check_button(sub_type: &str, parameters: &[Parameter<'_>]) -> Result<(), Refusal> {
    let complete = |parameter: &Parameter<'_>| match parameter.r#type.as_ref().map(|kind| kind.0.as_ref()) {
        Some("payload") => sub_type == "quick_reply" && parameter.payload.is_some(),
        Some("text") => sub_type == "url" && parameter.text.is_some(),
        _ => false,
    };
    match sub_type {
        "quick_reply" | "url" if parameters.iter().all(complete) => Ok(()),
        "quick_reply" | "url" => Err(Refusal::bad_value("quick_reply takes a payload, url takes a text")),
        _ => Err(Refusal::bad_value("button.sub_type is quick_reply or url")),
    }
}

/// Two or three lower-case letters, then perhaps `_` and two upper-case letters.
fn is_language_code(code: &str) -> bool {
    let (language, region) = code.split_once('_').map_or((code, None), |(language, region)| (language, Some(region)));
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && region.is_none_or(|region| region.len() == 2 && region.bytes().all(|byte| byte.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_message_is_read_without_copying() {
        let body = br#"{"messaging_product":"whatsapp","to":"+911000000001","type":"text","text":{"body":"x"},
            "biz_opaque_callback_data":"run=1;rcpt=2"}"#;
        let message = parse(body).unwrap();
        assert!(matches!(message.input, Cow::Borrowed("+911000000001")));
        assert!(matches!(message.callback, Cow::Borrowed("run=1;rcpt=2")));
        assert!(!message.template);
    }

    #[test]
    fn the_shape_error_never_quotes_what_was_sent() {
        let refusal = parse(br#"{"messaging_product":"whatsapp","to":{"number":"911000000001"}}"#).unwrap_err();
        let (_, body) = refusal.write(1);
        assert!(!String::from_utf8(body.to_vec()).unwrap().contains("911000000001"));
    }

    #[test]
    fn language_codes_are_two_or_three_letters_and_perhaps_a_region() {
        assert!(["hi", "en", "en_US", "bho"].into_iter().all(is_language_code));
        assert!(!["", "h", "HI", "en-US", "en_us", "en_USA", "hindi"].into_iter().any(is_language_code));
    }
}
