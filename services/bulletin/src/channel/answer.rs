//! What a provider answers.

use std::borrow::Cow;

use serde::Deserialize;

use crate::domain::attempt::Answer;

#[derive(Deserialize)]
struct Taken<'a> {
    #[serde(borrow)]
    messages: Vec<MessageId<'a>>,
}

#[derive(Deserialize)]
struct MessageId<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Refused {
    error: Fault,
}

#[derive(Deserialize)]
struct Fault {
    code: u32,
}

/// Reads the answer to a message. Meta's rule: branch on the code, never on the HTTP status alone.
pub(super) fn read(status: u16, body: &[u8]) -> Answer {
    if (200..300).contains(&status) {
        let taken = serde_json::from_slice::<Taken<'_>>(body).ok();
        let id = taken.and_then(|taken| taken.messages.into_iter().next()).map(|message| message.id.into_owned());
        // Taken, says the status; without an id only its receipt can tell.
        return id.map_or(Answer::Unanswered, Answer::Accepted);
    }
    Answer::Refused { status, code: code_of(body) }
}

/// The provider's code in an error; 0 when there is none.
pub(super) fn code_of(body: &[u8]) -> u32 {
    serde_json::from_slice::<Refused>(body).map_or(0, |refused| refused.error.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_answers_are_read() {
        let taken = br#"{"messaging_product":"whatsapp","contacts":[{"input":"+911000000001","wa_id":"911000000001"}],
            "messages":[{"id":"wamid.HBgL","message_status":"accepted"}]}"#;
        assert_eq!(read(200, taken), Answer::Accepted("wamid.HBgL".to_owned()));
        let refused = br#"{"error":{"message":"(#130429) Rate limit hit","type":"OAuthException","code":130429,
            "error_data":{"messaging_product":"whatsapp","details":"x"},"fbtrace_id":"A"}}"#;
        assert_eq!(read(400, refused), Answer::Refused { status: 400, code: 130_429 });
        assert_eq!(read(502, b"<html>"), Answer::Refused { status: 502, code: 0 });
        assert_eq!(read(200, b"{}"), Answer::Unanswered);
    }
}
