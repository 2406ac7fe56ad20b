//! A file of units: CSV with a fixed header.

use std::collections::BTreeMap;

use senani_proto::hierarchy::v1::ErrorReason;

use crate::domain::{Certainty, Draft, ImportRow, Kind};
use crate::error::{Error, Wrong};

/// The header, exactly.
pub(crate) const HEADER: &str = "slug,parent,kind,name_en,name_hi,opened_on,certainty,codes";

/// A row's bytes at most.
const ROW_BYTES: usize = 64 * 1024;

/// Reads the rows; what is wrong with them one by one is reported together.
pub(crate) fn parse(file: &[u8]) -> Result<Vec<ImportRow>, Error> {
    let file = file.strip_prefix("\u{feff}".as_bytes()).unwrap_or(file);
    if file.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::invalid(ErrorReason::CsvEmpty, "content", "the file is empty"));
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
    let mut record = csv::ByteRecord::new();
    let mut rows = Vec::new();
    let mut wrong = Vec::new();
    let mut first = true;
    while reader
        .read_byte_record(&mut record)
        .map_err(|_| Error::invalid(ErrorReason::CsvRowUnreadable, "content", "the file cannot be read as CSV"))?
    {
        if std::mem::take(&mut first) {
            check_header(&record)?;
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        match row(line, &record) {
            Ok(row) => rows.push(row),
            Err(problem) => wrong.push(problem),
        }
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    if rows.is_empty() {
        return Err(Error::invalid(ErrorReason::CsvEmpty, "content", "the file has a header and no row"));
    }
    Ok(rows)
}

fn check_header(record: &csv::ByteRecord) -> Result<(), Error> {
    let columns: Vec<&[u8]> = record.iter().collect();
    if columns.join(&b","[..]) == HEADER.as_bytes() {
        return Ok(());
    }
    let wrong = Wrong::new(ErrorReason::CsvHeaderWrong, "content", format!("the first line must be {HEADER}"));
    Err(Error::Invalid(vec![wrong.with("expected", HEADER)]))
}

fn row(line: u64, record: &csv::ByteRecord) -> Result<ImportRow, Wrong> {
    let unreadable = |what: &str| Wrong::new(ErrorReason::CsvRowUnreadable, format!("rows[{line}]"), what);
    if record.as_slice().len() > ROW_BYTES {
        return Err(unreadable("a row has at most 64 KiB"));
    }
    let cells = record
        .iter()
        .map(|cell| std::str::from_utf8(cell).map(str::trim))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| unreadable("the row is not UTF-8"))?;
    let [slug, parent, kind, name_en, name_hi, opened_on, certainty, codes] = cells[..] else {
        return Err(unreadable("a row has 8 columns"));
    };
    let cell = |reason, column: &str, what: &str| Wrong::new(reason, format!("rows[{line}].{column}"), what);
    let names = [("en", name_en), ("hi", name_hi)];
    Ok(ImportRow {
        line,
        draft: Draft {
            slug: slug.to_owned(),
            parent: (!parent.is_empty()).then(|| parent.to_owned()),
            kind: Kind::from_name(kind).ok_or_else(|| cell(ErrorReason::KindMissing, "kind", "not a kind of unit"))?,
            names: names
                .into_iter()
                .filter(|(_, name)| !name.is_empty())
                .map(|(language, name)| (language.to_owned(), name.to_owned()))
                .collect(),
            codes: parse_codes(codes)
                .ok_or_else(|| cell(ErrorReason::CsvRowUnreadable, "codes", "codes are `system:code;system:code`"))?,
            opened_on: opened_on.to_owned(),
            certainty: Certainty::from_name(certainty).ok_or_else(|| {
                cell(ErrorReason::CsvRowUnreadable, "certainty", "sourced, background, synthetic or empty")
            })?,
        },
    })
}

fn parse_codes(text: &str) -> Option<BTreeMap<String, String>> {
    text.split(';')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (system, code) = pair.split_once(':')?;
            Some((system.trim().to_owned(), code.trim().to_owned()))
        })
        .collect()
}
