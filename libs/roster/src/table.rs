//! Tables of participants, as the tools write them that list a group in WhatsApp Web and as spreadsheets save them again.

use crate::MAX_ROW;
use crate::chat::is_own;
use crate::list::Gathered;
use crate::number::NumberText;
use crate::roster::{Format, Locale, Roster, RosterError};
use crate::text::{folded, is_devanagari};

const SEPARATORS: [u8; 3] = *b",;\t";

/// Headers of the column with the number, without spaces and signs; the surer ones first. `id` and `jid` hold WhatsApp's own ids.
const PHONE: [&str; 25] = [
    "phone",
    "phonenumber",
    "phoneno",
    "mobile",
    "mobilenumber",
    "mobileno",
    "whatsappnumber",
    "whatsapp",
    "formattedphone",
    "formattedphonenumber",
    "number",
    "contactnumber",
    "contactno",
    "tel",
    "telephone",
    "phone1value",
    "id",
    "jid",
    "फोन",
    "फोननंबर",
    "मोबाइल",
    "मोबाइलनंबर",
    "व्हाट्सऐपनंबर",
    "नंबर",
    "संपर्कनंबर",
];
/// Headers of a column that shows the number where no name is saved.
const NAME: [&str; 12] = [
    "name",
    "displayname",
    "savedname",
    "publicdisplayname",
    "publicname",
    "pushname",
    "contact",
    "contactname",
    "participant",
    "member",
    "नाम",
    "सदस्य",
];
/// Headers of the column that tells administrators.
const ADMIN: [&str; 14] = [
    "admin",
    "isadmin",
    "groupadmin",
    "adminstatus",
    "role",
    "type",
    "membertype",
    "status",
    "एडमिन",
    "ग्रुपएडमिन",
    "भूमिका",
    "रोल",
    "प्रकार",
    "व्यवस्थापक",
];
const YES: [&str; 16] = [
    "yes",
    "y",
    "true",
    "1",
    "admin",
    "groupadmin",
    "superadmin",
    "owner",
    "creator",
    "हां",
    "हा",
    "जीहां",
    "सही",
    "एडमिन",
    "ग्रुपएडमिन",
    "व्यवस्थापक",
];
const NO: [&str; 12] = ["", "no", "n", "false", "0", "member", "participant", "user", "नहीं", "गलत", "सदस्य", "प्रतिभागी"];

/// The columns that matter.
struct Columns {
    phone: Option<usize>,
    names: Vec<usize>,
    admin: Option<usize>,
    hindi: bool,
}

/// Reads a table; `None` when the text does not begin with a header that names a column with numbers.
pub(crate) fn read(text: &str) -> Result<Option<Roster>, RosterError> {
    let Some((separator, columns)) = SEPARATORS.into_iter().find_map(|separator| {
        let header = rows(text, separator).records().next()?.ok()?;
        Some((separator, columns(&header)?))
    }) else {
        return Ok(None);
    };
    let mut gathered = Gathered::new(Format::Table);
    gathered.roster.locale = if columns.hindi { Locale::Hindi } else { Locale::English };
    for row in rows(text, separator).records().skip(1) {
        let row = row.map_err(|_| RosterError::NotText)?;
        if row.as_slice().len() > MAX_ROW {
            return Err(RosterError::RowTooLong { line: row.position().map_or(0, csv::Position::line) });
        }
        take(&mut gathered, &columns, &row);
        if gathered.is_too_large() {
            return Err(RosterError::TooMany);
        }
    }
    Ok(Some(gathered.roster))
}

fn rows(text: &str, separator: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().delimiter(separator).has_headers(false).flexible(true).from_reader(text.as_bytes())
}

fn columns(header: &csv::StringRecord) -> Option<Columns> {
    if header.as_slice().len() > MAX_ROW {
        return None;
    }
    let words: Vec<String> = header.iter().map(word).collect();
    let place = |known: &[&str]| known.iter().find_map(|known| words.iter().position(|word| word == known));
    let phone = place(&PHONE);
    let admin = place(&ADMIN);
    let is_name = |(_, word): &(usize, &String)| NAME.contains(&word.as_str());
    let names: Vec<usize> = words.iter().enumerate().filter(is_name).map(|(at, _)| at).collect();
    // A table whose numbers stand under the names has another column that says what it is.
    if phone.is_none() && (names.is_empty() || admin.is_none()) {
        return None;
    }
    let read = phone.into_iter().chain(admin).chain(names.iter().copied());
    let hindi = read.into_iter().any(|at| is_devanagari(&words[at]));
    Some(Columns { phone, names, admin, hindi })
}

fn take(gathered: &mut Gathered, columns: &Columns, row: &csv::StringRecord) {
    if row.iter().all(|cell| cell.trim().is_empty()) {
        return;
    }
    let candidates = columns.phone.iter().chain(&columns.names);
    let cells = || candidates.clone().filter_map(|at| row.get(*at));
    let admin = columns.admin.and_then(|at| row.get(at)).and_then(|cell| {
        let word = word(cell);
        match (YES.contains(&word.as_str()), NO.contains(&word.as_str())) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    });
    if let Some(number) = cells().find_map(NumberText::read) {
        gathered.take(number, admin);
    } else if cells().any(|cell| is_own(&folded(cell))) {
        gathered.roster.own = true;
    } else {
        gathered.roster.without_number += 1;
    }
}

/// A header or a yes and no, without case, spaces and signs.
fn word(cell: &str) -> String {
    let sign = |character: char| character.is_ascii() && !character.is_ascii_alphanumeric();
    folded(cell).chars().filter(|character| !sign(*character)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(text: &str) -> Vec<(String, Option<bool>)> {
        let roster = read(text).unwrap().expect("a table");
        roster.participants.iter().map(|one| (one.number.expose().to_owned(), one.admin)).collect()
    }

    #[test]
    fn headers_of_many_tools_are_known() {
        let one = |number: &str, admin| vec![(number.to_owned(), admin)];
        for (text, expected) in [
            ("Name,Phone Number,Admin Status\nRavi,+91 10612 00001,Admin\n", one("+91 10612 00001", Some(true))),
            ("नाम;मोबाइल नंबर;एडमिन\nरवि;+91 10612 00001;हाँ\n", one("+91 10612 00001", Some(true))),
            ("नाम\tफ़ोन\tभूमिका\nरवि\t'+91 10612 00001\tसदस्य\n", one("+91 10612 00001", Some(false))),
            ("Name,Is Admin\n+91 10612 00001,false\n", one("+91 10612 00001", Some(false))),
            ("\"Saved Name\",\"Phone\"\n\"Devi, Sita\",\"=\"\"+911061200001\"\"\"\n", one("+911061200001", None)),
            ("id,pushname,isAdmin\n911061200001@c.us,Ravi,TRUE\n", one("911061200001", Some(true))),
            ("Phone;Role\r\n+911061200001;owner\r\n\r\n", one("+911061200001", Some(true))),
        ] {
            assert_eq!(summary(text), expected, "{text}");
        }
    }

    #[test]
    fn rows_without_a_number_are_counted_and_the_owner_is_known() {
        let roster = read("Name,Phone,Admin\nRavi,,no\nSita,9.10612E+11,no\nYou,,yes\n+91 10612 00001,,no\n").unwrap();
        let roster = roster.expect("a table");
        assert_eq!((roster.participants.len(), roster.without_number, roster.own), (1, 2, true));
    }

    #[test]
    fn other_texts_are_no_tables() {
        for text in ["", "+91 10612 00001, +91 10612 00002", "Ravi, Sita", "name\nRavi"] {
            assert!(read(text).unwrap().is_none(), "{text}");
        }
        let long = format!("Name,Phone\n{},1\n", "x".repeat(MAX_ROW + 1));
        assert!(matches!(read(&long), Err(RosterError::RowTooLong { line: 2 })));
    }
}
