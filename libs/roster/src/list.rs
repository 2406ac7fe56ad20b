//! Lists of participants, as copied from the head of a group.

use std::collections::HashMap;

use crate::chat::is_own;
use crate::number::NumberText;
use crate::roster::{Format, Locale, Participant, Roster, RosterError, Standing};
use crate::text::{folded, is_devanagari};
use crate::{MAX_PARTICIPANTS, MAX_ROW};

/// What stands beside an administrator when the list of participants is copied entry by entry.
const ADMIN: [&str; 6] = ["group admin", "admin", "ग्रुप एडमिन", "समूह एडमिन", "एडमिन", "समूह व्यवस्थापक"];

/// Reads a list. Entries are separated by commas, semicolons, tabs or line breaks.
pub(crate) fn read(text: &str) -> Result<Roster, RosterError> {
    let mut gathered = Gathered::new(Format::List);
    for (line, text) in (1..).zip(text.lines()) {
        for entry in text.split([',', ';', '\t', '،']) {
            if entry.len() > MAX_ROW {
                return Err(RosterError::RowTooLong { line });
            }
            gathered.take_entry(entry);
            if gathered.is_too_large() {
                return Err(RosterError::TooMany);
            }
        }
    }
    // A text without a single number is some other text, and not a list of saved names.
    if gathered.roster.participants.is_empty() {
        return Err(RosterError::NoParticipants);
    }
    Ok(gathered.roster)
}

/// A roster as it grows by entries that are all in the group.
pub(crate) struct Gathered {
    pub(crate) roster: Roster,
    known: HashMap<crate::number::Key, usize>,
}

impl Gathered {
    pub(crate) fn new(format: Format) -> Self {
        let locale = Locale::Undetermined;
        let roster = Roster { format, locale, participants: Vec::new(), without_number: 0, own: false };
        Self { roster, known: HashMap::new() }
    }

    pub(crate) fn is_too_large(&self) -> bool {
        self.roster.participants.len() > MAX_PARTICIPANTS || self.roster.without_number > MAX_PARTICIPANTS
    }

    /// Takes somebody with a number; what a later entry says of an administrator counts, if it says it.
    pub(crate) fn take(&mut self, number: NumberText, admin: Option<bool>) {
        let participants = &mut self.roster.participants;
        let at = *self.known.entry(number.key().clone()).or_insert_with(|| {
            participants.push(Participant { number, admin: None, standing: Standing::Present, formerly: Vec::new() });
            participants.len() - 1
        });
        let known = &mut participants[at].admin;
        *known = admin.or(*known);
    }

    fn take_entry(&mut self, entry: &str) {
        if let Some(number) = NumberText::read(entry) {
            self.take(number, None);
            return;
        }
        let word = folded(entry);
        if word.is_empty() {
            return;
        }
        let hindi = is_devanagari(&word);
        if is_own(&word) {
            self.roster.own = true;
        } else if ADMIN.contains(&word.as_str()) {
            if let Some(last) = self.roster.participants.last_mut() {
                last.admin = Some(true);
            }
        } else {
            // `~Ravi` is the name that the one with the number before has given to themselves.
            if !word.starts_with('~') {
                self.roster.without_number += 1;
            }
            return;
        }
        self.roster.locale = if hindi { Locale::Hindi } else { Locale::English };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_names_and_the_owner_are_told_apart() {
        let roster = read("Ravi SI, +91 10612 00001, +91 10612 00002, 010612 00001, आप").unwrap();
        assert_eq!((roster.participants.len(), roster.without_number, roster.own), (2, 1, true));
        assert_eq!((roster.locale, roster.participants[0].admin), (Locale::Hindi, None));
    }

    #[test]
    fn a_list_of_lines_tells_administrators() {
        let roster = read("You\n+91 10612 00001\n~Sita\nGroup admin\n+91 10612 00002\n~Ravi\n").unwrap();
        let admins: Vec<_> = roster.participants.iter().map(|participant| participant.admin).collect();
        assert_eq!(admins, [Some(true), None]);
        assert_eq!((roster.without_number, roster.own, roster.locale), (0, true, Locale::English));
    }

    #[test]
    fn other_texts_are_no_lists() {
        for text in ["", "hello, world", "a,b,c\n1,2,3"] {
            assert_eq!(read(text), Err(RosterError::NoParticipants), "{text}");
        }
        let long = format!("+91 10612 00001\n{}", "x".repeat(MAX_ROW + 1));
        assert_eq!(read(&long), Err(RosterError::RowTooLong { line: 2 }));
    }
}
