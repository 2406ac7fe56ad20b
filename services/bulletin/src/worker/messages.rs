//! Messages in the body of a webhook: taken out of it before the rest is kept, and read.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::report::inbound::{Inbound, InboundFile, InboundSender};

/// Characters of a text that are kept; the provider's own limit is 4,096.
const TEXT: usize = 4_096;

/// The body without its messages, `None` when nothing else is in it; and each message with what says who sent it.
pub(super) fn split(channel: &str, body: Bytes) -> (Option<Bytes>, Vec<Vec<u8>>) {
    if !mentions_messages(&body) {
        return (Some(body), Vec::new());
    }
    // What is no JSON is judged where bodies are read.
    let Ok(mut webhook) = serde_json::from_slice::<Value>(&body) else { return (Some(body), Vec::new()) };
    let mut messages = Vec::new();
    let mut others = false;
    let entries = webhook.get_mut("entry").and_then(Value::as_array_mut).into_iter().flatten();
    for change in entries.flat_map(|entry| entry.get_mut("changes").and_then(Value::as_array_mut).into_iter().flatten())
    {
        let Some(value) = change.get_mut("value").and_then(Value::as_object_mut) else { continue };
        let contacts = value.remove("contacts").unwrap_or(Value::Null);
        if let Some(Value::Array(found)) = value.remove("messages") {
            for message in found {
                let whole = serde_json::json!({
                    "channel": channel,
                    "contacts": contacts_of(&message, &contacts),
                    "message": message,
                });
                messages.push(whole.to_string().into_bytes());
            }
        }
        others |= value.contains_key("statuses");
    }
    if messages.is_empty() {
        return (Some(body), messages);
    }
    (others.then(|| Bytes::from(webhook.to_string())), messages)
}

/// Whether a member named `messages` is in it. The text stands in each body as the name of a field; a colon follows only the member.
fn mentions_messages(body: &[u8]) -> bool {
    const NAME: &[u8] = b"\"messages\"";
    let mut rest = body;
    while let Some(at) = rest.windows(NAME.len()).position(|window| window == NAME) {
        rest = &rest[at + NAME.len()..];
        if rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':') {
            return true;
        }
    }
    false
}

/// Of all contacts the one who sent the message: by the number, else the only one.
fn contacts_of(message: &Value, contacts: &Value) -> Value {
    let Some(all) = contacts.as_array() else { return Value::Null };
    let from = message.get("from");
    let by_number = all.iter().find(|contact| from.is_some() && contact.get("wa_id") == from);
    match (by_number, all.as_slice()) {
        (Some(contact), _) => contact.clone(),
        (None, [only]) if from.is_none() => only.clone(),
        _ => Value::Null,
    }
}

#[derive(Deserialize)]
struct Whole {
    #[serde(default)]
    channel: String,
    #[serde(default)]
    contacts: Option<Contact>,
    message: Message,
}

#[derive(Deserialize)]
struct Contact {
    #[serde(default)]
    wa_id: String,
    #[serde(default)]
    user_id: String,
}

#[derive(Deserialize)]
struct Message {
    id: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    from_user_id: String,
    #[serde(default)]
    timestamp: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    text: Option<Text>,
    #[serde(default)]
    image: Option<Media>,
    #[serde(default)]
    document: Option<Media>,
    #[serde(default)]
    audio: Option<Media>,
    #[serde(default)]
    video: Option<Media>,
    #[serde(default)]
    sticker: Option<Media>,
    #[serde(default)]
    location: Option<Location>,
    #[serde(default)]
    button: Option<Button>,
    #[serde(default)]
    interactive: Option<Interactive>,
    #[serde(default)]
    reaction: Option<Reaction>,
    #[serde(default)]
    context: Context,
}

#[derive(Deserialize)]
struct Text {
    #[serde(default)]
    body: String,
}

#[derive(Deserialize)]
struct Media {
    #[serde(default)]
    id: String,
    #[serde(default)]
    mime_type: String,
    #[serde(default)]
    sha256: String,
    #[serde(default)]
    caption: String,
}

#[derive(Deserialize)]
struct Location {
    latitude: f64,
    longitude: f64,
    #[serde(default)]
    name: String,
    #[serde(default)]
    address: String,
}

#[derive(Deserialize)]
struct Button {
    #[serde(default)]
    payload: String,
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct Interactive {
    #[serde(default)]
    button_reply: Option<Reply>,
    #[serde(default)]
    list_reply: Option<Reply>,
    #[serde(default)]
    nfm_reply: Option<Form>,
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    id: String,
    #[serde(default)]
    title: String,
}

#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    response_json: String,
}

#[derive(Deserialize)]
struct Reaction {
    #[serde(default)]
    message_id: String,
    /// Left out when the reaction was taken back.
    #[serde(default)]
    emoji: String,
}

#[derive(Deserialize, Default)]
struct Context {
    #[serde(default)]
    id: String,
    #[serde(default)]
    forwarded: bool,
    #[serde(default)]
    frequently_forwarded: bool,
}

/// Reads what [`split`] took out.
///
/// # Errors
/// It is not as documented.
pub(super) fn read(message: &[u8]) -> Result<Inbound, serde_json::Error> {
    let Whole { channel, contacts, message } = serde_json::from_slice(message)?;
    let contact = contacts.unwrap_or(Contact { wa_id: String::new(), user_id: String::new() });
    let first = |one: String, other: String| if one.is_empty() { other } else { one };
    let seconds = message.timestamp.parse::<i64>().unwrap_or(0);
    let mut inbound = Inbound {
        channel,
        id: message.id,
        sender: InboundSender {
            phone: first(message.from, contact.wa_id),
            user_id: first(message.from_user_id, contact.user_id),
        },
        kind: message.kind,
        sent_at: seconds.saturating_mul(1_000_000),
        answers: message.context.id,
        forwarded: message.context.forwarded || message.context.frequently_forwarded,
        frequently_forwarded: message.context.frequently_forwarded,
        ..Inbound::default()
    };
    inbound.text = message.text.map_or(String::new(), |text| text.body);
    let media = [message.image, message.document, message.audio, message.video, message.sticker];
    if let Some(media) = media.into_iter().flatten().next() {
        inbound.text = media.caption;
        let (media_id, media_type, sha256) = (media.id, media.mime_type, media.sha256);
        inbound.file = Some(InboundFile { media_id, media_type, sha256 });
    }
    if let Some(location) = message.location {
        inbound.degrees = Some((location.latitude, location.longitude));
        let parts = [location.name, location.address];
        inbound.place_text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
    }
    if let Some(button) = message.button {
        (inbound.payload, inbound.text) = (button.payload, button.text);
    }
    if let Some(interactive) = message.interactive {
        if let Some(reply) = interactive.button_reply.or(interactive.list_reply) {
            (inbound.payload, inbound.text) = (reply.id, reply.title);
        } else if let Some(form) = interactive.nfm_reply {
            inbound.text = form.response_json;
        }
    }
    if let Some(reaction) = message.reaction {
        inbound.answers = reaction.message_id;
        inbound.reaction = Some(!reaction.emoji.is_empty());
    }
    if let Some((end, _)) = inbound.text.char_indices().nth(TEXT) {
        inbound.text.truncate(end);
    }
    Ok(inbound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(value: &str) -> Bytes {
        let text = format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{{{value}}}}}]}}]}}"#
        );
        Bytes::from(text)
    }

    #[test]
    fn messages_and_who_sent_them_are_taken_out_and_receipts_stay() {
        let receipts = body(r#""statuses":[{"id":"wamid.1","status":"sent"}]"#);
        assert_eq!(split("simulator", receipts.clone()), (Some(receipts), Vec::new()));
        let (rest, messages) = split(
            "simulator",
            body(
                r#""contacts":[{"profile":{"name":"Asha Devi"},"wa_id":"919900000001"}],
            "messages" : [{"from":"919900000001","id":"wamid.2","timestamp":"1749854575","type":"text","text":{"body":"x"}}],
            "statuses":[{"id":"wamid.1","status":"sent"}]"#,
            ),
        );
        let rest = String::from_utf8(rest.unwrap().to_vec()).unwrap();
        assert!(rest.contains("wamid.1") && !rest.contains("Asha") && !rest.contains("9199") && messages.len() == 1);
        let (rest, messages) = split("simulator", body(r#""messages":[{"id":"wamid.2"},{"id":"wamid.3"}]"#));
        assert_eq!((rest, messages.len()), (None, 2));
        let broken = Bytes::from_static(b"{\"messages\":");
        assert_eq!(split("simulator", broken.clone()), (Some(broken), Vec::new()));
    }

    fn read_one(message: &str) -> Inbound {
        let (_, messages) = split(
            "simulator",
            body(&format!(r#""contacts":[{{"wa_id":"919900000001","user_id":"IN.77"}}],"messages":[{message}]"#)),
        );
        read(&messages[0]).unwrap()
    }

    #[test]
    fn every_documented_kind_is_read() {
        let with = |rest: &str| {
            read_one(&format!(r#"{{"from":"919900000001","id":"wamid.2","timestamp":"1749854575",{rest}}}"#))
        };
        let text = with(r#""type":"text","text":{"body":"नमस्ते"},"context":{"frequently_forwarded":true}"#);
        assert_eq!((text.text.as_str(), text.forwarded, text.frequently_forwarded), ("नमस्ते", true, true));
        assert_eq!((text.sender.phone.as_str(), text.sender.user_id.as_str()), ("919900000001", "IN.77"));
        assert_eq!(text.sent_at, 1_749_854_575_000_000);
        let image = with(r#""type":"image","image":{"id":"9","mime_type":"image/jpeg","sha256":"a","caption":"here"}"#);
        assert_eq!((image.text.as_str(), image.file.unwrap().media_id.as_str()), ("here", "9"));
        let location = with(r#""type":"location","location":{"latitude":25.6,"longitude":85.1,"name":"Gate 10"}"#);
        assert_eq!((location.degrees, location.place_text.as_str()), (Some((25.6, 85.1)), "Gate 10"));
        let button = with(
            r#""type":"button","button":{"payload":"ACK:EOU/2026/0001","text":"Got it"},"context":{"from":"91","id":"wamid.1"}"#,
        );
        assert_eq!((button.payload.as_str(), button.answers.as_str()), ("ACK:EOU/2026/0001", "wamid.1"));
        let reply = with(
            r#""type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"TIP","title":"Tip"}}"#,
        );
        assert_eq!((reply.payload.as_str(), reply.text.as_str()), ("TIP", "Tip"));
        let reaction = with(r#""type":"reaction","reaction":{"message_id":"wamid.1","emoji":"👍"}"#);
        assert_eq!((reaction.reaction, reaction.answers.as_str()), (Some(true), "wamid.1"));
        let gone = with(r#""type":"reaction","reaction":{"message_id":"wamid.1"}"#);
        assert_eq!(gone.reaction, Some(false));
        let hidden = read_one(r#"{"from_user_id":"IN.88","id":"wamid.3","type":"text","text":{"body":"x"}}"#);
        assert_eq!(hidden.sender.user_id, "IN.88");
    }
}
