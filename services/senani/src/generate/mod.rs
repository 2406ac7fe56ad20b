//! Material for exercises: members who do not exist, on numbers that cannot be a subscriber's, and a poster.
//!
//! The same options give the same bytes on every machine, so that two runs of a demo or a benchmark can be compared.

pub(crate) use self::members::{MembersOptions, members};
pub(crate) use self::poster::poster;

mod demand;
mod members;
mod names;
mod phone;
mod poster;
mod random;
mod wrong;

use std::borrow::Cow;
use std::io::BufWriter;

use anyhow::Context as _;

use crate::bihar;
use crate::cli::{Generate, Material};

/// Writes the material that was asked for to standard output.
pub(crate) fn run(generate: &Generate) -> anyhow::Result<()> {
    let Material::Members { count, seed, units } = &generate.what;
    let options = MembersOptions { count: *count, seed: *seed };
    let units = match units {
        Some(file) => {
            let read = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
            Cow::Owned(read)
        }
        None => Cow::Borrowed(bihar::UNITS),
    };
    let output = BufWriter::with_capacity(1 << 18, std::io::stdout().lock());
    let written = members(output, &options, &units, &bihar::ORDERS);
    match written {
        Ok(summary) => {
            let wrong: u64 = summary.wrong.values().sum();
            eprintln!("{} rows, {wrong} of them wrong on purpose", summary.rows);
            Ok(())
        }
        // The reader had enough (`| head`).
        Err(error) if is_broken_pipe(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
            || cause.to_string().contains("Broken pipe")
    })
}
