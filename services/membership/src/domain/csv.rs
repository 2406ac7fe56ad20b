//! Rows out of a stream of bytes, with bounded memory.

use sha2::{Digest, Sha256};

/// The header of an import, in its order; the last one may be absent.
pub(crate) const COLUMNS: [&str; 11] =
    ["name_hi", "name_en", "phone", "unit", "category", "rank", "gender", "language", "role", "consent", "household"];

/// Columns that every file has.
pub(crate) const REQUIRED_COLUMNS: usize = COLUMNS.len() - 1;

/// Bytes of a row at most, its cells together: some hundred times what a person needs.
const ROW_BYTES: usize = 64 * 1024;

/// Cells that are looked at: one more than there may be, to see that there are too many.
const CELLS: usize = COLUMNS.len() + 1;

/// The byte order mark, which spreadsheets write before the first row. csv-core would take it for the end when it comes alone.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// What is wrong with a row as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowFault {
    /// Over 64 KiB; nothing of it was kept.
    TooLong,
    /// Too few or too many columns.
    Columns,
    /// Broken UTF-8.
    Text,
}

/// A row, readable until the next one is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row<'r> {
    /// Its first line in the file; the first line of the file is 1.
    pub(crate) line: u64,
    /// In the order of [`COLUMNS`]; a cell that the file has no column for is empty.
    pub(crate) cells: Result<[&'r str; COLUMNS.len()], RowFault>,
    /// How many of the cells the file has.
    pub(crate) width: usize,
}

/// Splits a stream into rows. Holds one row at a time, whatever comes: of a row that is too long it keeps nothing.
pub(crate) struct RowReader {
    core: csv_core::Reader,
    /// What may still come of the byte order mark.
    mark: &'static [u8],
    cells: Box<[u8]>,
    length: usize,
    ends: [usize; CELLS],
    count: usize,
    /// Cells of every row, as the first row says.
    width: Option<usize>,
    too_long: bool,
    too_many: bool,
    /// Whether bytes of a row were seen since the last row ended.
    in_row: bool,
    /// The line of the next byte.
    line: u64,
    first_line: u64,
    digest: Sha256,
    /// The same, where the last row ended: blank lines behind it belong to no row.
    at_row_end: Sha256,
}

impl RowReader {
    pub(crate) fn new() -> Self {
        Self {
            core: csv_core::Reader::new(),
            mark: MARK,
            cells: vec![0; ROW_BYTES].into_boxed_slice(),
            length: 0,
            ends: [0; CELLS],
            count: 0,
            width: None,
            too_long: false,
            too_many: false,
            in_row: false,
            line: 1,
            first_line: 1,
            digest: Sha256::new(),
            at_row_end: Sha256::new(),
        }
    }

    /// The next row that ends in `input`, which moves behind it; `None` when all of `input` is taken in and no row has ended.
    pub(crate) fn next<'r>(&'r mut self, input: &mut &[u8]) -> Option<Row<'r>> {
        while !input.is_empty() {
            if let Some(expected) = self.mark.first() {
                if input[0] == *expected {
                    self.mark = &self.mark[1..];
                    self.take(input, 1);
                    continue;
                }
                // A part of a mark is no text: nothing that the first row holds can be right.
                self.too_many = self.mark.len() < MARK.len();
                self.mark = &[];
            }
            if !self.in_row {
                // csv-core skips blank lines too, but then nobody knows on which line the row begins.
                let blank = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                self.take(input, blank);
                self.first_line = self.line;
                self.in_row = !input.is_empty();
                continue;
            }
            if self.step(input) {
                return Some(self.end_row());
            }
        }
        None
    }

    /// At the end of the stream: the last row, when no line break ended it.
    pub(crate) fn finish(&mut self) -> Option<Row<'_>> {
        if !self.in_row {
            return None;
        }
        // Each call makes room where there was none, so this ends.
        while !self.step(&mut &[][..]) {}
        Some(self.end_row())
    }

    /// The checksum of the stream up to the end of the last row.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.at_row_end.clone().finalize().into()
    }

    /// One call of csv-core; whether a row has ended.
    fn step(&mut self, input: &mut &[u8]) -> bool {
        use csv_core::ReadRecordResult as Outcome;
        let (outcome, read, written, ended) =
            self.core.read_record(input, &mut self.cells[self.length..], &mut self.ends[self.count..]);
        self.take(input, read);
        self.length += written;
        self.count += ended;
        match outcome {
            Outcome::Record | Outcome::End => return true,
            Outcome::InputEmpty => {}
            Outcome::OutputFull => {
                self.too_long = true;
                self.length = 0;
            }
            Outcome::OutputEndsFull => {
                self.too_many = true;
                self.count = 0;
            }
        }
        false
    }

    fn take(&mut self, input: &mut &[u8], count: usize) {
        let (taken, rest) = input.split_at(count);
        self.digest.update(taken);
        self.line += taken.iter().filter(|byte| **byte == b'\n').count() as u64;
        *input = rest;
    }

    fn end_row(&mut self) -> Row<'_> {
        self.at_row_end.clone_from(&self.digest);
        let (length, count) = (self.length, self.count);
        let width = *self.width.get_or_insert(if count == COLUMNS.len() { count } else { REQUIRED_COLUMNS });
        let fault = if self.too_long {
            Some(RowFault::TooLong)
        } else if self.too_many || count != width {
            Some(RowFault::Columns)
        } else {
            None
        };
        self.length = 0;
        self.count = 0;
        self.too_long = false;
        self.too_many = false;
        self.in_row = false;
        let cells = match fault {
            Some(fault) => Err(fault),
            None => self.split(length, count),
        };
        Row { line: self.first_line, cells, width }
    }

    fn split(&self, length: usize, count: usize) -> Result<[&str; COLUMNS.len()], RowFault> {
        let text = std::str::from_utf8(&self.cells[..length]).map_err(|_| RowFault::Text)?;
        let mut cells = [""; COLUMNS.len()];
        let mut start = 0;
        for (cell, end) in cells.iter_mut().zip(&self.ends[..count]) {
            // A cell may end within a character only where the row as a whole is text by chance.
            *cell = text.get(start..*end).ok_or(RowFault::Text)?;
            start = *end;
        }
        Ok(cells)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Seen = (u64, Result<Vec<String>, RowFault>);

    /// All rows of a file that comes in pieces of `piece` bytes, and the checksum at its last row.
    fn read(file: &[u8], piece: usize) -> (Vec<Seen>, [u8; 32]) {
        let mut reader = RowReader::new();
        let mut rows = Vec::new();
        let own = |row: Row<'_>| (row.line, row.cells.map(|cells| cells.map(str::to_owned).to_vec()));
        for mut input in file.chunks(piece) {
            while let Some(row) = reader.next(&mut input) {
                rows.push(own(row));
            }
        }
        rows.extend(reader.finish().map(own));
        (rows, reader.digest())
    }

    #[test]
    fn a_row_knows_its_first_line_also_after_blank_and_broken_lines() {
        let file = "\u{feff}a,b,c,d,e,f,g,h,i,j\r\n\r\n\"1\n2\",b,c,d,e,f,g,h,i,j\n\nx,y\n1,2,3,4,5,6,7,8,9,0,1,2,3,4,5\nz,b,c,d,e,f,g,h,i,j";
        for piece in [1, 2, 3, 7, 1000] {
            let (rows, _) = read(file.as_bytes(), piece);
            let lines: Vec<u64> = rows.iter().map(|row| row.0).collect();
            assert_eq!(lines, [1, 3, 6, 7, 8], "pieces of {piece}");
            assert_eq!(rows[0].1.as_ref().unwrap()[0], "a");
            assert_eq!(rows[1].1.as_ref().unwrap()[0], "1\n2");
            assert_eq!((rows[2].1.clone(), rows[3].1.clone()), (Err(RowFault::Columns), Err(RowFault::Columns)));
            assert_eq!(rows[4].1.as_ref().unwrap()[0], "z");
        }
    }

    #[test]
    fn a_row_of_ten_megabytes_is_refused_and_the_next_one_is_read() {
        let mut file = vec![b'x'; 10 * 1024 * 1024];
        file.extend_from_slice(b"\na,b,c,d,e,f,g,h,i,j\n");
        let (rows, _) = read(&file, 64 * 1024);
        assert_eq!(rows[0], (1, Err(RowFault::TooLong)));
        assert_eq!((rows.len(), rows[1].0), (2, 2));
        assert!(rows[1].1.is_ok());
    }

    #[test]
    fn a_row_of_a_million_cells_is_refused() {
        let mut file = vec![b','; 1_000_000];
        file.extend_from_slice(b"\na,b,c,d,e,f,g,h,i,j\n");
        let (rows, _) = read(&file, 1000);
        assert_eq!(rows[0], (1, Err(RowFault::Columns)));
        assert!(rows[1].1.is_ok());
    }

    #[test]
    fn broken_text_breaks_its_row_only() {
        let mut file = b"a,b,c,d,e,f,g,h,i,\xff\n".to_vec();
        // Half a character on each side of a comma.
        file.extend_from_slice(b"\xc3,\xa9,c,d,e,f,g,h,i,j\na,b,c,d,e,f,g,h,i,j\n");
        let (rows, _) = read(&file, 5);
        let outcomes: Vec<bool> = rows.iter().map(|row| row.1.is_ok()).collect();
        assert_eq!(outcomes, [false, false, true]);
    }

    #[test]
    fn the_first_row_says_whether_there_is_a_household() {
        let file = "a,b,c,d,e,f,g,h,i,j,k\na,b,c,d,e,f,g,h,i,j,k\na,b,c,d,e,f,g,h,i,j\na,b,c,d,e,f,g,h,i,j,\n";
        let (rows, _) = read(file.as_bytes(), 3);
        assert_eq!(rows[1].1.as_ref().unwrap()[10], "k");
        assert_eq!(rows[2].1, Err(RowFault::Columns));
        assert_eq!(rows[3].1.as_ref().unwrap()[10], "");
        let (rows, _) = read(b"a,b,c,d,e,f,g,h,i,j\na,b,c,d,e,f,g,h,i,j\na,b,c,d,e,f,g,h,i,j,k\n", 3);
        assert_eq!(rows[1].1.as_ref().unwrap()[10], "");
        assert_eq!(rows[2].1, Err(RowFault::Columns));
    }

    #[test]
    fn an_empty_file_has_no_rows() {
        assert!(read(b"", 1).0.is_empty());
        assert!(read(b"\r\n\n", 1).0.is_empty());
    }

    proptest! {
        #[test]
        fn how_the_stream_is_cut_changes_nothing(file in "([ab,\"\r\n]|\u{e9}|x,b,c,d,e,f,g,h,i,j\n){0,60}", piece in 1usize..9) {
            prop_assert_eq!(read(file.as_bytes(), piece), read(file.as_bytes(), 10_000));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(file in proptest::collection::vec(any::<u8>(), 0..500)) {
            read(&file, 16);
        }
    }
}
