//! What the application itself says in a chat: who came, who went, whose number changed.

mod english;
mod hindi;

/// A notice. Persons are given as the export writes them: a number, a saved name, `You`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Came: by a link, added by somebody, or as the one who made the group.
    Joined(Vec<String>),
    /// Left or was removed.
    Left(Vec<String>),
    /// Has another number.
    NumberChanged {
        /// The number or name before.
        old: String,
        /// The number or name now, when the notice tells it.
        new: Option<String>,
    },
    /// Became an administrator of the group, or is one no more.
    Admin {
        /// Who.
        who: Vec<String>,
        /// Whether they are one now.
        admin: bool,
    },
    /// Is in the group: their security code changed.
    Seen(String),
    /// About the chat and nobody's place in it.
    Chat,
}

/// A notice with its language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) notice: Notice,
    pub(crate) hindi: bool,
}

/// The notice that a text is, as far as the words tell; `None` when it is none that is known.
pub(crate) fn read(text: &str) -> Option<Read> {
    let text = crate::text::plain(text);
    let in_hindi = || hindi::read(&crate::text::folded(&text)).map(|notice| Read { notice, hindi: true });
    english::read(&text).map(|notice| Read { notice, hindi: false }).or_else(in_hindi)
}

/// The persons of an enumeration, whose last is joined by one of `ands`.
fn persons(text: &str, ands: &[&str]) -> Vec<String> {
    let mut parts = vec![text];
    for separator in [", ", "، "].iter().chain(ands) {
        parts = parts.into_iter().flat_map(|part| part.split(separator)).collect();
    }
    let named = parts.into_iter().map(|part| part.trim_matches([' ', ',', '.', '।']));
    named.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
