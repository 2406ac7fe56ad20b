//! A message that came to a sender of ours, as the provider tells it.

use crate::domain::Micros;

/// The payload of the button of a bulletin's message, before the bulletin's number.
const ACKNOWLEDGED: &str = "ACK:";

/// Who sent it, as far as it says.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct InboundSender {
    /// Digits; empty when the sender hides it.
    pub(crate) phone: String,
    /// The provider's id of the sender; may be empty.
    pub(crate) user_id: String,
}

impl std::fmt::Debug for InboundSender {
    /// Without the number.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("InboundSender").finish_non_exhaustive()
    }
}

/// A file that the provider keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct InboundFile {
    pub(crate) media_id: String,
    pub(crate) media_type: String,
    /// As the provider writes it.
    pub(crate) sha256: String,
}

/// A message.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Inbound {
    /// The channel that it came by.
    pub(crate) channel: String,
    /// The provider's id of it.
    pub(crate) id: String,
    pub(crate) sender: InboundSender,
    /// `text`, `image`, …
    pub(crate) kind: String,
    /// By the provider's clock.
    pub(crate) sent_at: Micros,
    pub(crate) text: String,
    /// Latitude and longitude.
    pub(crate) degrees: Option<(f64, f64)>,
    pub(crate) place_text: String,
    pub(crate) file: Option<InboundFile>,
    /// The provider's id of the message that it answers or reacts to; may be empty.
    pub(crate) answers: String,
    pub(crate) forwarded: bool,
    pub(crate) frequently_forwarded: bool,
    /// Of the button that was pressed.
    pub(crate) payload: String,
    /// Whether a reaction was left standing; `None` for any other message.
    pub(crate) reaction: Option<bool>,
}

/// What a message is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning<'a> {
    /// The button of the bulletin with this number was pressed.
    Acknowledged(&'a str),
    /// A reaction to a message of ours, or its end.
    Reacted { present: bool },
    /// Something is told.
    Told,
    /// The provider speaks, or it is of a kind that says nothing to us.
    Nothing,
}

impl Inbound {
    pub(crate) fn meaning(&self) -> Meaning<'_> {
        if let Some(present) = self.reaction {
            return Meaning::Reacted { present };
        }
        if let Some(number) = self.payload.strip_prefix(ACKNOWLEDGED) {
            return Meaning::Acknowledged(number);
        }
        match self.kind.as_str() {
            "system" | "unsupported" => Meaning::Nothing,
            _ => Meaning::Told,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_of_our_button_and_a_reaction_are_no_reports() {
        let message = |kind: &str, payload: &str| Inbound {
            kind: kind.to_owned(),
            payload: payload.to_owned(),
            ..Inbound::default()
        };
        assert_eq!(message("button", "ACK:EOU/2026/0001").meaning(), Meaning::Acknowledged("EOU/2026/0001"));
        assert_eq!(message("interactive", "TIP").meaning(), Meaning::Told);
        assert_eq!(message("image", "").meaning(), Meaning::Told);
        assert_eq!(message("system", "").meaning(), Meaning::Nothing);
        let reaction = Inbound { reaction: Some(false), ..message("reaction", "") };
        assert_eq!(reaction.meaning(), Meaning::Reacted { present: false });
    }
}
