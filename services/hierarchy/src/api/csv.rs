//! A file of units: CSV with a fixed header.

use std::collections::{BTreeMap, BTreeSet};

use senani_proto::hierarchy::v1::ErrorReason;

use crate::domain::{Certainty, Draft, ImportRow, Kind, Unit, is_language};
use crate::error::{Error, Wrong};

/// The header, exactly.
pub(crate) const HEADER: &str = "slug,parent,kind,name_en,name_hi,opened_on,certainty,codes";

/// Columns of the header; names in other languages may follow.
const FIXED: usize = 8;

/// Bytes in a piece of an exported file, about.
const PIECE: usize = 128 * 1024;

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
    let mut languages: Option<Vec<String>> = None;
    while reader
        .read_byte_record(&mut record)
        .map_err(|_| Error::invalid(ErrorReason::CsvRowUnreadable, "content", "the file cannot be read as CSV"))?
    {
        let Some(languages) = &languages else {
            languages = Some(header(&record)?);
            continue;
        };
        let line = record.position().map_or(0, csv::Position::line);
        match row(line, &record, languages) {
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

/// The languages of the names in the columns after the fixed ones.
fn header(record: &csv::ByteRecord) -> Result<Vec<String>, Error> {
    let columns: Vec<&[u8]> = record.iter().collect();
    let (fixed, more) = columns.split_at(FIXED.min(columns.len()));
    let language = |column: &&[u8]| {
        let language = std::str::from_utf8(column).ok()?.strip_prefix("name_")?;
        (is_language(language) && !["en", "hi"].contains(&language)).then(|| language.to_owned())
    };
    let languages: Option<Vec<String>> = more.iter().map(language).collect();
    if let Some(languages) = languages
        && fixed.join(&b","[..]) == HEADER.as_bytes()
    {
        return Ok(languages);
    }
    let wrong = Wrong::new(ErrorReason::CsvHeaderWrong, "content", format!("the first line must be {HEADER}"));
    Err(Error::Invalid(vec![wrong.with("expected", HEADER)]))
}

fn row(line: u64, record: &csv::ByteRecord, languages: &[String]) -> Result<ImportRow, Wrong> {
    let unreadable = |what: &str| Wrong::new(ErrorReason::CsvRowUnreadable, format!("rows[{line}]"), what);
    if record.as_slice().len() > ROW_BYTES {
        return Err(unreadable("a row has at most 64 KiB"));
    }
    let cells = record
        .iter()
        .map(|cell| std::str::from_utf8(cell).map(str::trim))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| unreadable("the row is not UTF-8"))?;
    let (fixed, more) = cells.split_at(FIXED.min(cells.len()));
    let &[slug, parent, kind, name_en, name_hi, opened_on, certainty, codes] = fixed else {
        return Err(unreadable("a row has 8 columns"));
    };
    if more.len() != languages.len() {
        return Err(unreadable("a row has as many columns as the header"));
    }
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
                .chain(languages.iter().map(String::as_str).zip(more.iter().copied()))
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

/// The file of units, in pieces.
pub(crate) fn write(units: &[Unit]) -> Result<Vec<Vec<u8>>, csv::Error> {
    let all = units.iter().flat_map(|unit| unit.draft.names.keys().map(String::as_str));
    let languages: BTreeSet<&str> = all.filter(|language| !["en", "hi"].contains(language)).collect();
    let columns = HEADER.split(',').map(str::to_owned);
    let header: Vec<String> = columns.chain(languages.iter().map(|language| format!("name_{language}"))).collect();

    let mut pieces = Vec::new();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header)?;
    for unit in units {
        let draft = &unit.draft;
        let name = |language: &str| draft.names.get(language).map_or("", String::as_str);
        let codes: Vec<String> = draft.codes.iter().map(|(system, code)| format!("{system}:{code}")).collect();
        let codes = codes.join(";");
        let fixed: [&str; FIXED] = [
            &draft.slug,
            draft.parent.as_deref().unwrap_or_default(),
            draft.kind.name(),
            name("en"),
            name("hi"),
            &draft.opened_on,
            draft.certainty.name(),
            &codes,
        ];
        writer.write_record(fixed.into_iter().chain(languages.iter().map(|language| name(language))))?;
        writer.flush()?;
        if writer.get_ref().len() >= PIECE {
            let piece = std::mem::replace(&mut writer, csv::Writer::from_writer(Vec::new()));
            pieces.push(piece.into_inner().map_err(|error| error.into_error())?);
        }
    }
    pieces.push(writer.into_inner().map_err(|error| error.into_error())?);
    Ok(pieces)
}
