//! Who is in a chat group, read from what the chat application exports.
//!
//! [`parse`] takes the bytes of a file and answers the numbers in it: who is there, who has left, whose number became
//! which. Nothing else of the file survives: no text of a message, no name of a person. Entries that the exporting phone
//! shows by a saved name have no number to match and are only counted.
//!
//! ```
//! use senani_roster::{Format, Locale, Standing, parse};
//!
//! let chat = "12/05/26, 9:41\u{202f}pm - +91 10612 00042 joined using this group's invite link\n\
//!             12/05/26, 9:44\u{202f}pm - +91 10612 00043: सबको नमस्ते\n\
//!             13/05/26, 7:02\u{202f}am - +91 10612 00042 left\n";
//! let roster = parse(chat.as_bytes())?;
//! assert_eq!((roster.format, roster.locale), (Format::ChatExport, Locale::English));
//! assert_eq!(roster.participants[0].standing, Standing::Left);
//! assert_eq!(roster.participants[1].number.expose(), "+91 10612 00043");
//! assert_eq!(format!("{:?}", roster.participants[1].number), "NumberText(••••0043)");
//! # Ok::<(), senani_roster::RosterError>(())
//! ```
//!
//! # What is read
//!
//! There is no specification of these files. What is read here follows exports that people have published with the
//! parsers that they wrote for them; no code was taken.
//!
//! - **Chat exports** ("Export chat → Without media"): the forms of lines of Android and iOS, dates of several orders, 12
//!   and 24 hours, the narrow space that newer phones put before am and pm
//!   (<https://github.com/mazen160/whatsapp-chat-parser/pull/3>,
//!   <https://github.com/sinky/whatsapp-chat-export-viewer/issues/2>). On iOS what the application says has a sender too,
//!   often the group's name, and begins with U+200E
//!   (<https://github.com/Pustur/whatsapp-chat-parser/issues/258>, <https://github.com/alignerg/lappers-posts/issues/133>).
//!   The English notices are those of WhatsApp's own clients. No published export in Hindi was found: its notices are read
//!   by their structure (who `ने` did what to whom `को`) and by several words for each act, see `notice/hindi.rs`.
//! - **Lists** as copied from the head of a group: numbers separated by commas, `You` or `आप` among them.
//! - **Tables** (CSV) as the tools write them that list the participants of a group in WhatsApp Web, and as spreadsheets
//!   save them again: `,` `;` or tab, UTF-8 or UTF-16, headers in English or Hindi.
//!
//! # What a chat export proves
//!
//! A list or a table names everybody. A chat export names only those who did something while the exporting phone was in the
//! group ([`Format::is_complete`]). And it is text: a participant can write a message whose second line looks like a line of
//! the export. It is evidence for an officer to judge, not proof.

mod chat;
mod list;
mod notice;
mod number;
mod roster;
mod stamp;
mod table;
mod text;

pub use number::NumberText;
pub use roster::{Format, Locale, Participant, Roster, RosterError, Standing};

/// Bytes of a file at most.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Characters of a row of a table, or of an entry of a list, at most. Lines of messages may be longer: nobody reads on.
pub const MAX_ROW: usize = 64 * 1024;
/// Participants at most, those who left included: a group holds about a thousand.
pub const MAX_PARTICIPANTS: usize = 50_000;

/// Reads a chat export, a list of participants or a table of participants.
///
/// # Errors
/// [`RosterError`]; none contains anything of the file.
pub fn parse(bytes: &[u8]) -> Result<Roster, RosterError> {
    if bytes.len() > MAX_BYTES {
        return Err(RosterError::TooLarge);
    }
    let text = text::decode(bytes)?;
    let roster = if chat::looks_like(&text) {
        chat::read(&text)?
    } else if let Some(roster) = table::read(&text)? {
        roster
    } else {
        list::read(&text)?
    };
    if roster.participants.is_empty() && roster.without_number == 0 {
        return Err(RosterError::NoParticipants);
    }
    Ok(roster)
}
