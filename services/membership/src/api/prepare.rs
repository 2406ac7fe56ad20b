//! From the bytes of an import to chunks that are ready for the database: parsed, normalised, indexed, sealed.

use std::collections::HashSet;
use std::sync::Arc;

use senani_proto::membership::v1::ErrorReason;
use senani_proto::name::ImportName;
use senani_unit_tree::UnitTree;
use senani_vault::BlindIndex;

use super::Cell;
use crate::domain::{
    Applicant, COLUMNS, Import, REQUIRED_COLUMNS, Register, RejectedRow, Rejection, Row, RowReader, read_applicant,
};
use crate::error::{Error, Wrong};
use crate::store::{Chunk, Registry};

/// Rows of a chunk: enough to make the cost of a transaction small, few enough to hold its locks for a tenth of a second.
const ROWS: usize = 2_000;

/// Turns pieces of a file into chunks. Skips what is durable already.
pub(super) struct Preparation {
    reader: RowReader,
    intake: Intake,
}

/// What becomes of rows.
struct Intake {
    registry: Registry,
    cell: Cell,
    today: String,
    durable: Import,
    header_seen: bool,
    /// Rows seen so far, the header not counted.
    rows: i64,
    gathered: Gathered,
}

/// What a row was.
#[derive(PartialEq, Eq)]
enum Taken {
    Header,
    /// A row that is durable already.
    Durable,
    /// A row of the chunk.
    Gathered,
}

/// The chunk that is being gathered.
struct Gathered {
    tree: Arc<UnitTree>,
    /// With their blind indexes.
    applicants: Vec<(BlindIndex, Applicant)>,
    numbers: HashSet<BlindIndex>,
    rejected: Vec<RejectedRow>,
}

impl Gathered {
    fn new(tree: Arc<UnitTree>) -> Self {
        Self { tree, applicants: Vec::with_capacity(ROWS), numbers: HashSet::with_capacity(ROWS), rejected: Vec::new() }
    }

    fn rows(&self) -> usize {
        self.applicants.len() + self.rejected.len()
    }
}

impl Preparation {
    pub(super) fn new(registry: Registry, cell: Cell, durable: Import) -> Self {
        let gathered = Gathered::new(cell.replica.tree());
        let today = cell.today().to_string();
        let intake = Intake { registry, cell, today, durable, header_seen: false, rows: 0, gathered };
        Self { reader: RowReader::new(), intake }
    }

    /// Takes in bytes up to the end of the next chunk; `None` when all of `input` is taken in before.
    pub(super) async fn take(&mut self, input: &mut &[u8]) -> Result<Option<Chunk>, Error> {
        while let Some(row) = self.reader.next(input) {
            let taken = self.intake.take(&row)?;
            self.check_durable(taken)?;
            if self.intake.gathered.rows() >= ROWS {
                return self.intake.chunk(self.reader.digest(), false).await.map(Some);
            }
        }
        Ok(None)
    }

    /// At the end of the file: the last chunk; `None` when everything was durable already.
    pub(super) async fn finish(&mut self) -> Result<Option<Chunk>, Error> {
        if let Some(row) = self.reader.finish() {
            let taken = self.intake.take(&row)?;
            self.check_durable(taken)?;
        }
        let intake = &mut self.intake;
        if intake.rows == 0 {
            return Err(Error::invalid(ErrorReason::CsvEmpty, "content", "the file has no row"));
        }
        if intake.rows < intake.durable.row_count {
            return Err(reused(&intake.durable));
        }
        if intake.durable.complete { Ok(None) } else { intake.chunk(self.reader.digest(), true).await.map(Some) }
    }

    /// Behind the last durable row the file must be the one that they came from.
    fn check_durable(&self, taken: Taken) -> Result<(), Error> {
        let Intake { rows, durable, .. } = &self.intake;
        let differs = || self.reader.digest() != durable.digest;
        if taken == Taken::Durable && *rows == durable.row_count && differs() { Err(reused(durable)) } else { Ok(()) }
    }
}

impl Intake {
    fn take(&mut self, row: &Row<'_>) -> Result<Taken, Error> {
        if !self.header_seen {
            self.header_seen = true;
            check_header(row)?;
            return Ok(Taken::Header);
        }
        self.rows += 1;
        if self.rows <= self.durable.row_count {
            return Ok(Taken::Durable);
        }
        if self.durable.complete {
            return Err(reused(&self.durable));
        }
        let gathered = &mut self.gathered;
        let register = Register { tree: &gathered.tree, numbers: self.cell.numbers, today: &self.today };
        match read_applicant(row, &register) {
            Ok(applicant) => {
                let index = self.registry.vault().phone_index(&applicant.phone);
                if gathered.numbers.insert(index) {
                    gathered.applicants.push((index, applicant));
                } else {
                    let reason = Rejection::PhoneDuplicate;
                    gathered.rejected.push(RejectedRow { line: row.line, column: "phone", reason });
                }
            }
            Err(rejected) => gathered.rejected.push(rejected),
        }
        Ok(Taken::Gathered)
    }

    /// What was gathered, sealed. `digest` is the checksum of the file up to the last row. Rows whose number has a holder get
    /// neither key nor seal: a file that comes a second time costs little.
    async fn chunk(&mut self, digest: [u8; 32], last: bool) -> Result<Chunk, Error> {
        let Gathered { mut applicants, mut rejected, .. } =
            std::mem::replace(&mut self.gathered, Gathered::new(self.cell.replica.tree()));
        applicants.sort_unstable_by_key(|(index, _)| *index);
        let indexes: Vec<BlindIndex> = applicants.iter().map(|(index, _)| *index).collect();
        let taken = self.registry.present_phones(&indexes).await?;
        let mut newcomers = Vec::with_capacity(applicants.len() - taken.len());
        for (index, applicant) in applicants {
            if taken.contains(&index) {
                let reason = Rejection::PhoneDuplicate;
                rejected.push(RejectedRow { line: applicant.line, column: "phone", reason });
            } else {
                newcomers.push(self.registry.seal(index, applicant));
            }
        }
        Ok(Chunk { newcomers, rejected, digest, last })
    }
}

fn check_header(row: &Row<'_>) -> Result<(), Error> {
    if row.cells.is_ok_and(|cells| cells[..row.width] == COLUMNS[..row.width]) {
        return Ok(());
    }
    let expected = COLUMNS[..REQUIRED_COLUMNS].join(",");
    let what = format!("the header must be {expected}, which may be followed by household");
    Err(Wrong::new(ErrorReason::CsvHeaderWrong, "content", what).with("expected", expected).into())
}

fn reused(import: &Import) -> Error {
    Error::ImportIdReused(ImportName(import.id).to_string())
}
