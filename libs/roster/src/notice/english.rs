//! Notices in English, as WhatsApp's clients word them.

use super::{Notice, persons};
use crate::number::NumberText;

const ANDS: &[&str] = &[" and ", " & "];

/// What ends the name of somebody who came, the longer ones first.
const CAME: [&str; 11] = [
    " joined using ",
    " joined via ",
    " joined from ",
    " joined with ",
    " joined the group",
    " joined the community",
    " was added",
    " were added",
    " created group ",
    " created this group",
    " created the group",
];

/// What ends the name of somebody who went.
const WENT: [&str; 5] = [" left the group", " left the community", " was removed", " were removed", " was kicked"];

/// What begins that which is added or removed and is no person.
const THINGS: [&str; 6] = ["a ", "an ", "the ", "this ", "their ", "message"];

/// What the chat tells of itself.
const CHAT: [&str; 14] = [
    "end-to-end encrypted",
    " changed the subject",
    " changed the group",
    " changed this group",
    " changed group ",
    " changed the settings",
    " changed the description",
    " deleted this group",
    " deleted the group",
    " deleted group ",
    " pinned a message",
    " turned on ",
    " turned off ",
    " reset this group",
];

pub(super) fn read(text: &str) -> Option<Notice> {
    if let Some((old, rest)) = text.split_once(" changed their phone number") {
        let new = rest.strip_prefix(" to ").and_then(number_at_the_start);
        return Some(Notice::NumberChanged { old: old.to_owned(), new });
    }
    if let Some((old, new)) = text.split_once(" changed to ")
        && let Some(new) = number_at_the_start(new)
    {
        return Some(Notice::NumberChanged { old: old.to_owned(), new: Some(new) });
    }
    if let Some(who) = security_code(text) {
        return Some(Notice::Seen(who.to_owned()));
    }
    if let Some(notice) = admin(text) {
        return Some(notice);
    }
    // What is said of the chat comes before what is said of persons: subjects and descriptions may hold any words.
    let quoted = text.find(['"', '“']).unwrap_or(text.len());
    let said = &text[..quoted];
    if CHAT.into_iter().any(|words| said.contains(words)) || text.starts_with("Messages and calls") {
        return Some(Notice::Chat);
    }
    if let Some((who, _)) = CAME.into_iter().find_map(|words| text.split_once(words)) {
        return Some(Notice::Joined(persons(who, ANDS)));
    }
    if let Some(who) = text.strip_suffix(" joined").or_else(|| text.strip_suffix(" joined.")) {
        return Some(Notice::Joined(persons(who, ANDS)));
    }
    if let Some((who, _)) = WENT.into_iter().find_map(|words| text.split_once(words)) {
        return Some(Notice::Left(persons(who, ANDS)));
    }
    if let Some(who) = text.strip_suffix(" left").or_else(|| text.strip_suffix(" left.")) {
        return Some(Notice::Left(persons(who, ANDS)));
    }
    let whom = |verb| {
        let (_, whom) = text.split_once(verb)?;
        let whom = [" to the group", " from the group", " to this group", " from this group"]
            .into_iter()
            .find_map(|end| whom.trim_end_matches('.').strip_suffix(end))
            .unwrap_or(whom);
        (!THINGS.into_iter().any(|thing| whom.starts_with(thing))).then(|| persons(whom, ANDS))
    };
    whom(" added ").map(Notice::Joined).or_else(|| whom(" removed ").map(Notice::Left))
}

/// Whose security code changed.
fn security_code(text: &str) -> Option<&str> {
    if let Some((_, rest)) = text.split_once("security code with ") {
        return rest.split_once(" changed").map(|(who, _)| who);
    }
    text.split_once("'s security code changed")
        .or_else(|| text.split_once("’s security code changed"))
        .map(|(who, _)| who)
}

fn admin(text: &str) -> Option<Notice> {
    let (who, admin) = if let Some(who) = text.trim_end_matches('.').strip_suffix(" now an admin") {
        (who, true)
    } else {
        (text.trim_end_matches('.').strip_suffix(" no longer an admin")?, false)
    };
    let who = [" is", " are", "'re", "’re"].into_iter().find_map(|verb| who.strip_suffix(verb)).unwrap_or(who);
    Some(Notice::Admin { who: persons(who, ANDS), admin })
}

/// The number with which a text begins, up to a full stop that ends a sentence.
fn number_at_the_start(text: &str) -> Option<String> {
    let end = text.find(". ").unwrap_or(text.len());
    let number = text[..end].trim_end_matches('.');
    NumberText::read(number).map(|_| number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_read() {
        let all = |who: &[&str]| who.iter().map(|who| (*who).to_owned()).collect::<Vec<_>>();
        let a = "+91 10612 00042";
        let b = "+91 10612 00043";
        for (text, notice) in [
            (format!("{a} joined using this group's invite link"), Notice::Joined(all(&[a]))),
            (format!("{a} joined using a group link."), Notice::Joined(all(&[a]))),
            (format!("{a} joined from the community"), Notice::Joined(all(&[a]))),
            (format!("{a} joined"), Notice::Joined(all(&[a]))),
            (format!("{a} was added"), Notice::Joined(all(&[a]))),
            (format!("Ravi added {a}"), Notice::Joined(all(&[a]))),
            (format!("You added {a}, Sita Devi and {b}"), Notice::Joined(all(&[a, "Sita Devi", b]))),
            ("Ravi added you".to_owned(), Notice::Joined(all(&["you"]))),
            (format!("{a} created group \"Kotwali left\""), Notice::Joined(all(&[a]))),
            (format!("{a} left"), Notice::Left(all(&[a]))),
            (format!("Ravi removed {a}"), Notice::Left(all(&[a]))),
            (format!("{a} was removed"), Notice::Left(all(&[a]))),
            (
                format!("{a} changed their phone number to a new number. Tap to message or add the new number."),
                Notice::NumberChanged { old: a.to_owned(), new: None },
            ),
            (format!("{a} changed to {b}"), Notice::NumberChanged { old: a.to_owned(), new: Some(b.to_owned()) }),
            (
                format!("{a} changed their phone number to {b}."),
                Notice::NumberChanged { old: a.to_owned(), new: Some(b.to_owned()) },
            ),
            (format!("Your security code with {a} changed. Tap to learn more."), Notice::Seen(a.to_owned())),
            (format!("{a}'s security code changed."), Notice::Seen(a.to_owned())),
            (format!("{a} is now an admin"), Notice::Admin { who: all(&[a]), admin: true }),
            ("You're no longer an admin".to_owned(), Notice::Admin { who: all(&["You"]), admin: false }),
            (format!("{a} changed the subject from \"X removed Y\" to \"Z left\""), Notice::Chat),
            ("Messages and calls are end-to-end encrypted. No one outside can read them.".to_owned(), Notice::Chat),
        ] {
            assert_eq!(read(&text), Some(notice), "{text}");
        }
    }

    #[test]
    fn other_texts_are_none() {
        for text in ["hello", "", "we changed to plan B", "He added a poll", "removed this message", "left"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
