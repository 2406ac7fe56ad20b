//! Reading the tables in `data/bihar`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// Hindi for the words of which place names consist.
#[derive(Debug)]
pub(super) struct Words(HashMap<String, String>);

impl Words {
    pub(super) fn read(path: &Path) -> Result<Self> {
        Ok(Self(table(path.to_owned(), ["word", "hindi"])?.into_iter().map(|[word, hindi]| (word, hindi)).collect()))
    }

    pub(super) fn hindi(&self, name: &str) -> Result<String> {
        let words = name.split(' ').map(|word| {
            self.0.get(word).map(String::as_str).with_context(|| format!("words_hi.csv: no Hindi for {word} ({name})"))
        });
        Ok(words.collect::<Result<Vec<_>>>()?.join(" "))
    }
}

/// The kinds under which each kind may stand.
pub(super) fn allowed_parents(path: &Path) -> Result<HashMap<String, Vec<String>>> {
    let document: toml::Table =
        fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?.parse()?;
    let kinds = document.get("kind").and_then(toml::Value::as_array).context("kinds.toml: no kind")?;
    kinds
        .iter()
        .map(|entry| {
            let kind =
                entry.get("kind").and_then(toml::Value::as_str).context("kinds.toml: a kind without its name")?;
            let under =
                entry.get("under").and_then(toml::Value::as_array).context("kinds.toml: a kind without `under`")?;
            Ok((kind.to_owned(), under.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect()))
        })
        .collect()
}

/// The rows of a CSV file that has exactly these columns.
pub(super) fn table<const COLUMNS: usize>(path: PathBuf, header: [&str; COLUMNS]) -> Result<Vec<[String; COLUMNS]>> {
    let mut reader = csv::Reader::from_path(&path).with_context(|| format!("reading {}", path.display()))?;
    ensure!(reader.headers()? == header.as_slice(), "{}: the header is not {}", path.display(), header.join(","));
    reader
        .into_records()
        .map(|record| {
            let record = record?;
            Ok(std::array::from_fn(|column| record[column].to_owned()))
        })
        .collect()
}
