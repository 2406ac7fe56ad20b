//! What a file says about a group.

use thiserror::Error;

use crate::number::NumberText;
use crate::{MAX_BYTES, MAX_PARTICIPANTS, MAX_ROW};

/// Who is in a group, as a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// What kind of file it was.
    pub format: Format,
    /// The language of the phone or tool that wrote it.
    pub locale: Locale,
    /// Those with a number, in the order in which the file first names them; each number once.
    pub participants: Vec<Participant>,
    /// Entries without a number: contacts that the phone shows by a saved name, and cells that hold no number. They cannot be
    /// matched. Nothing of them is kept but how many different ones are in the group.
    pub without_number: usize,
    /// Whether the file names the phone's owner as `You`, which has no number either and is not counted above.
    pub own: bool,
}

/// What kind of file it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A chat exported as text by Android or iOS.
    ChatExport,
    /// Numbers separated by commas or line breaks, as copied from the head of a group.
    List,
    /// A table with a header.
    Table,
}

impl Format {
    /// Whether such a file names everybody who is in the group.
    #[must_use]
    pub fn is_complete(self) -> bool {
        self != Self::ChatExport
    }
}

/// The language of what the application or the tool itself wrote; messages do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Locale {
    /// English.
    English,
    /// Hindi.
    Hindi,
    /// The file holds nothing by which to tell.
    Undetermined,
}

/// Somebody in the file with a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// As the file writes it; which number that is a number plan decides.
    pub number: NumberText,
    /// Whether the participant administers the group; `None` when the file does not say.
    pub admin: Option<bool>,
    /// Whether the participant is in the group.
    pub standing: Standing,
    /// The numbers that this participant had before, the last one first.
    pub formerly: Vec<NumberText>,
}

/// Whether a participant is in the group at the end of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// In the group.
    Present,
    /// Left, or was removed.
    Left,
    /// Has another number now, which the file does not tell.
    NumberChanged,
}

/// Why a file is no roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RosterError {
    /// Too many bytes.
    #[error("the file is larger than {} MiB", MAX_BYTES / 1024 / 1024)]
    TooLarge,
    /// An archive: iOS exports one, with `_chat.txt` in it.
    #[error("the file is an archive: unpack it and send the text file in it")]
    Archive,
    /// Neither UTF-8 nor UTF-16 with a byte order mark.
    #[error("the file is not text in UTF-8 or UTF-16")]
    NotText,
    /// A row of a table or an entry of a list that no tool writes.
    #[error("line {line} is longer than {} KiB", MAX_ROW / 1024)]
    RowTooLong {
        /// Counted from 1.
        line: u64,
    },
    /// More than a group can ever have had.
    #[error("the file names more than {MAX_PARTICIPANTS} participants")]
    TooMany,
    /// Nobody is named in it.
    #[error("the file names no participant: it is no chat export, list or table that this version reads")]
    NoParticipants,
}
