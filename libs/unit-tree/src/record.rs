//! The texts of a unit as bytes in an arena: each text after its length.

use crate::UnitEntry;

/// Appends the texts of a unit: slug, opening and closing date (empty for none), and the names by language.
pub(crate) fn write(arena: &mut Vec<u8>, entry: &UnitEntry) {
    write_text(arena, &entry.slug);
    write_text(arena, entry.open_date.as_deref().unwrap_or_default());
    write_text(arena, entry.close_date.as_deref().unwrap_or_default());
    write_number(arena, entry.names.len());
    for (language, name) in &entry.names {
        write_text(arena, language);
        write_text(arena, name);
    }
}

fn write_text(arena: &mut Vec<u8>, text: &str) {
    write_number(arena, text.len());
    arena.extend_from_slice(text.as_bytes());
}

/// Seven bits a byte, the lowest first; the high bit says that more follow.
fn write_number(arena: &mut Vec<u8>, mut number: usize) {
    while number > 0x7F {
        arena.push(number as u8 | 0x80);
        number >>= 7;
    }
    arena.push(number as u8);
}

/// Reads what [`write`] wrote, from its first byte on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'t> {
    rest: &'t [u8],
}

impl<'t> Record<'t> {
    /// The record that begins with these bytes.
    pub(crate) fn at(bytes: &'t [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn slug(mut self) -> &'t str {
        self.text()
    }

    pub(crate) fn open_date(self) -> Option<&'t str> {
        Some(self.after(1).text()).filter(|date| !date.is_empty())
    }

    pub(crate) fn close_date(self) -> Option<&'t str> {
        Some(self.after(2).text()).filter(|date| !date.is_empty())
    }

    /// Languages and names, by language.
    pub(crate) fn names(self) -> impl Iterator<Item = (&'t str, &'t str)> {
        let mut names = self.after(3);
        let count = names.number();
        (0..count).map(move |_| (names.text(), names.text()))
    }

    /// Exactly the bytes of this record.
    pub(crate) fn bytes(self) -> &'t [u8] {
        let mut end = self.after(3);
        let count = end.number();
        let end = end.after(2 * count);
        &self.rest[..self.rest.len() - end.rest.len()]
    }

    fn after(mut self, texts: usize) -> Self {
        for _ in 0..texts {
            let length = self.number();
            self.rest = &self.rest[length..];
        }
        self
    }

    fn text(&mut self) -> &'t str {
        let length = self.number();
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        std::str::from_utf8(text).expect("records are written from texts")
    }

    fn number(&mut self) -> usize {
        let mut number = 0;
        for (position, byte) in self.rest.iter().enumerate() {
            number |= usize::from(byte & 0x7F) << (7 * position);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[position + 1..];
                break;
            }
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_any_length_come_back() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 100_000] {
            let entry = UnitEntry {
                slug: "s".repeat(length),
                names: [("hi".to_owned(), "थाना".repeat(length)), ("en".to_owned(), String::new())].into(),
                close_date: Some("2026-01-31".to_owned()),
                ..UnitEntry::default()
            };
            let mut arena = Vec::new();
            write(&mut arena, &entry);
            let written = arena.len();
            arena.extend_from_slice(b"next");

            let record = Record::at(&arena);
            assert_eq!(record.slug(), entry.slug);
            assert_eq!((record.open_date(), record.close_date()), (None, Some("2026-01-31")));
            assert!(record.names().eq(entry.names.iter().map(|(language, name)| (language.as_str(), name.as_str()))));
            assert_eq!(record.bytes().len(), written);
        }
    }
}
