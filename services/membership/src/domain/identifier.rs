//! By what a person is found: numbers and addresses, each with the time for which it is theirs.

use senani_vault::IndexKind;

/// What an identifier is. The numbers are kept in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub(crate) enum IdentifierKind {
    /// A phone number in E.164.
    Phone = 1,
    /// A user id of WhatsApp.
    WhatsappUser = 2,
    /// An e-mail address.
    Email = 3,
}

impl IdentifierKind {
    pub(crate) const ALL: [Self; 3] = [Self::Phone, Self::WhatsappUser, Self::Email];

    pub(crate) fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as i32 == number)
    }

    /// The blind index by which it is found.
    pub(crate) fn index_kind(self) -> IndexKind {
        match self {
            Self::Phone => IndexKind::Phone,
            Self::WhatsappUser => IndexKind::WhatsappUser,
            Self::Email => IndexKind::Email,
        }
    }
}

/// What makes two spellings of a house the same: small letters, and one space where spaces and marks of ASCII are.
pub(crate) fn household_spelling(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|character: char| character.is_whitespace() || character.is_ascii_punctuation());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_house_is_the_same_however_it_is_spelt() {
        for text in ["H.No. 12/B, Boring Road", " h no 12 b  boring road ", "H-No-12-B (Boring Road)"] {
            assert_eq!(household_spelling(text), "h no 12 b boring road");
        }
        assert_eq!(household_spelling("मकान सं० १२"), "मकान सं० १२");
        assert_eq!(household_spelling(" -- "), "");
    }
}
