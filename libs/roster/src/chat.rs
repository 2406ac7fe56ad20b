//! Chat exports.

use std::collections::HashMap;

use crate::MAX_PARTICIPANTS;
use crate::notice::{self, Notice};
use crate::number::{Key, NumberText};
use crate::roster::{Format, Locale, Participant, Roster, RosterError, Standing};
use crate::stamp::{self, Entry};
use crate::text::{folded, plain};

/// Lines in which an entry must begin: what comes before the first one is no chat.
const FIRST_LINES: usize = 20;
/// Characters of a name at most. What stands before a colon and is longer is a message.
const NAME: usize = 100;
/// The mark with which iOS begins what the application says.
const SAID_BY_APPLICATION: char = '\u{200E}';

/// Whether a text is a chat export.
pub(crate) fn looks_like(text: &str) -> bool {
    text.lines().filter(|line| !line.trim().is_empty()).take(FIRST_LINES).any(|line| stamp::entry(line).is_some())
}

/// Reads a chat export. Of a message only its sender is looked at.
pub(crate) fn read(text: &str) -> Result<Roster, RosterError> {
    let mut chat = Chat::default();
    for line in text.lines() {
        if let Some(entry) = stamp::entry(line) {
            chat.hindi |= entry.hindi;
            chat.take(entry);
            if chat.people.len() > MAX_PARTICIPANTS {
                return Err(RosterError::TooMany);
            }
        }
    }
    Ok(chat.finish())
}

/// By what somebody is known.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Who {
    Number(Key),
    Name(String),
}

struct Person {
    /// `None` for a saved name.
    number: Option<NumberText>,
    admin: Option<bool>,
    place: Place,
    formerly: Vec<NumberText>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Present,
    Left,
    /// Goes on under a number that is not known.
    NumberChanged,
    /// Goes on as another of the people.
    Moved,
}

#[derive(Default)]
struct Chat {
    people: Vec<Person>,
    known: HashMap<Who, usize>,
    hindi: bool,
    english: bool,
}

impl Chat {
    fn take(&mut self, entry: Entry<'_>) {
        let Some((sender, said)) = sender(entry.body) else {
            self.hear(entry.body);
            return;
        };
        if entry.bracketed && said.starts_with(SAID_BY_APPLICATION) {
            // An attachment begins with the mark too; then the sender is one, and not the name of the group, if it is a number.
            if !self.hear(said) && NumberText::read(sender).is_some() {
                self.sent(sender);
            }
            return;
        }
        self.sent(sender);
    }

    /// Takes in a notice, if the text is one.
    fn hear(&mut self, text: &str) -> bool {
        let Some(read) = notice::read(text) else { return false };
        if read.hindi {
            self.hindi = true;
        } else {
            self.english = true;
        }
        match read.notice {
            Notice::Joined(who) => self.each(&who, |person| person.place = Place::Present),
            Notice::Left(who) => self.each(&who, |person| person.place = Place::Left),
            Notice::Admin { who, admin } => self.each(&who, |person| person.admin = Some(admin)),
            Notice::Seen(who) => self.each(&[who], |_| {}),
            Notice::NumberChanged { old, new } => self.change_number(&old, new.as_deref()),
            Notice::Chat => {}
        }
        true
    }

    fn each(&mut self, who: &[String], mut apply: impl FnMut(&mut Person)) {
        for who in who {
            if let Some(at) = self.find(who) {
                apply(&mut self.people[at]);
            }
        }
    }

    /// Who sends is in the group, also after leaving: the coming back may be older than what the phone kept.
    fn sent(&mut self, sender: &str) {
        self.each(&[sender.to_owned()], |person| person.place = Place::Present);
    }

    fn change_number(&mut self, old: &str, new: Option<&str>) {
        let Some(from) = self.find(old) else { return };
        let to = new.and_then(|new| self.find(new));
        let Some(to) = to else {
            self.people[from].place = Place::NumberChanged;
            return;
        };
        if to == from {
            return;
        }
        let before = &mut self.people[from];
        before.place = Place::Moved;
        let admin = before.admin.take();
        let formerly: Vec<NumberText> = before.number.clone().into_iter().chain(before.formerly.drain(..)).collect();
        let after = &mut self.people[to];
        after.place = Place::Present;
        after.admin = admin.or(after.admin);
        for number in formerly {
            if after.number.as_ref() != Some(&number) && !after.formerly.contains(&number) {
                after.formerly.push(number);
            }
        }
    }

    /// The place among the people of somebody as an entry names them; `None` for the owner of the phone.
    fn find(&mut self, who: &str) -> Option<usize> {
        let number = NumberText::read(who);
        let who = match &number {
            Some(number) => Who::Number(number.key().clone()),
            None => {
                let name = folded(who);
                if name.is_empty() || name.chars().count() > NAME || is_own(&name) {
                    return None;
                }
                Who::Name(name)
            }
        };
        let people = &mut self.people;
        Some(*self.known.entry(who).or_insert_with(|| {
            people.push(Person { number, admin: None, place: Place::Present, formerly: Vec::new() });
            people.len() - 1
        }))
    }

    fn finish(self) -> Roster {
        let present = |person: &&Person| person.number.is_none() && person.place == Place::Present;
        let without_number = self.people.iter().filter(present).count();
        let participants = self.people.into_iter().filter_map(|person| {
            let standing = match person.place {
                Place::Present => Standing::Present,
                Place::Left => Standing::Left,
                Place::NumberChanged => Standing::NumberChanged,
                Place::Moved => return None,
            };
            let Person { number, admin, formerly, .. } = person;
            Some(Participant { number: number?, admin, standing, formerly })
        });
        let locale = match (self.hindi, self.english) {
            (true, _) => Locale::Hindi,
            (false, true) => Locale::English,
            (false, false) => Locale::Undetermined,
        };
        Roster { format: Format::ChatExport, locale, participants: participants.collect(), without_number, own: false }
    }
}

/// Whether a folded name is what the application calls the owner of the phone.
pub(crate) fn is_own(name: &str) -> bool {
    matches!(name, "you" | "आप" | "आपने" | "आपको")
}

/// The sender of a message and what is behind the colon; `None` for what has no sender.
///
/// A notice has none, but may hold a colon in a quoted name of the group. A name has no quotation mark before its colon.
fn sender(body: &str) -> Option<(&str, &str)> {
    let colon = body.find(": ").or_else(|| body.strip_suffix(':').map(str::len))?;
    let sender = &body[..colon];
    if sender.contains(['"', '“']) && notice::read(body).is_some() {
        return None;
    }
    let short = sender.chars().take(NAME + 1).count() <= NAME && !plain(sender).is_empty();
    short.then(|| (sender, body[colon + 1..].trim_start_matches(' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Roster {
        read(&lines.join("\n")).unwrap()
    }

    fn standing(roster: &Roster) -> Vec<(String, Standing)> {
        let digits = |number: &NumberText| number.expose().chars().filter(char::is_ascii_digit).skip(8).collect();
        roster.participants.iter().map(|participant| (digits(&participant.number), participant.standing)).collect()
    }

    #[test]
    fn a_message_that_tells_of_leaving_is_a_message() {
        let roster = of(&[
            "12/05/26, 9:41 pm - +91 10612 00001: +91 10612 00002 left",
            "12/05/26, 9:41 pm - Ravi: I added +91 10612 00003",
            "and +91 10612 00004 left",
            "[12/05/26, 9:41:00 PM] +91 10612 00005: Ravi removed +91 10612 00001",
        ]);
        assert_eq!(standing(&roster), [("0001".to_owned(), Standing::Present), ("0005".to_owned(), Standing::Present)]);
        assert_eq!(roster.without_number, 1);
    }

    #[test]
    fn on_ios_the_group_speaks_with_a_mark() {
        let roster = of(&[
            "[12/05/26, 9:41:00 PM] Kotwali: \u{200e}Messages and calls are end-to-end encrypted.",
            "[12/05/26, 9:41:01 PM] Kotwali: \u{200e}Ravi added \u{202a}+91 10612 00001\u{202c}",
            "[12/05/26, 9:41:02 PM] \u{202a}+91 10612 00002\u{202c}: \u{200e}\u{202a}+91 10612 00002\u{202c} left",
            "\u{200e}[12/05/26, 9:41:03 PM] +91 10612 00003: \u{200e}image omitted",
        ]);
        assert_eq!(
            standing(&roster),
            [
                ("0001".to_owned(), Standing::Present),
                ("0002".to_owned(), Standing::Left),
                ("0003".to_owned(), Standing::Present)
            ]
        );
        assert_eq!((roster.without_number, roster.locale), (0, Locale::English));
    }

    #[test]
    fn numbers_are_followed_through_changes() {
        let roster = of(&[
            "12/05/26, 21:41 - +91 10612 00001 is now an admin",
            "12/05/26, 21:42 - +91 10612 00001 changed to +91 10612 00002",
            "12/05/26, 21:43 - +91 10612 00002 changed to +91 10612 00003",
            "12/05/26, 21:44 - +91 10612 00004 changed their phone number to a new number. Tap to message or add the new number.",
        ]);
        assert_eq!(
            standing(&roster),
            [("0003".to_owned(), Standing::Present), ("0004".to_owned(), Standing::NumberChanged)]
        );
        let first = &roster.participants[0];
        assert_eq!(first.admin, Some(true));
        let formerly: Vec<&str> = first.formerly.iter().map(NumberText::expose).collect();
        assert_eq!(formerly, ["+91 10612 00002", "+91 10612 00001"]);
    }

    #[test]
    fn who_comes_back_is_there_and_a_quoted_colon_makes_no_sender() {
        let roster = of(&[
            "12/05/26, 21:41 - +91 10612 00001 created group \"Alert: Kotwali\"",
            "12/05/26, 21:42 - +91 10612 00002 left",
            "12/05/26, 21:43 - +91 10612 00002 joined using this group's invite link",
            "12/05/26, 21:44 - +91 10612 00003 left",
            "12/05/26, 21:45 - +91 10612 00003: back again",
        ]);
        assert!(standing(&roster).iter().all(|(_, standing)| *standing == Standing::Present));
        assert_eq!((roster.participants.len(), roster.without_number), (3, 0));
    }
}
