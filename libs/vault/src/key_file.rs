//! The key file: how it looks, who may read it, and how it comes into being in one step.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rand::RngExt;
use zeroize::Zeroizing;

use crate::keys::{Key, Keys, KeysError};

/// Readable and writable by the owner alone.
const OWNER_ONLY: u32 = 0o600;
/// Bytes beyond which a file is not a key file; ours has about 700.
const LENGTH_LIMIT: u64 = 16 * 1024;

const PREFACE: &str = "\
# Senani: the keys of this cell's phone numbers.
# Keep a copy in a safe place: without this file no phone number in the database can be read again.
# Show it to nobody: whoever has it and the database has every number. Mode 0600.

# Which data key this is; every sealed number begins with this byte (1 to 255).
";
const BEFORE_DATA_KEY: &str = "\n# Seals phone numbers: AES-256-GCM, 32 bytes in hexadecimal.\n";
const BEFORE_INDEX_KEY: &str = "\n# Finds a phone number without reading it: HMAC-SHA-256, 32 bytes in hexadecimal.\n";

/// The keys in a file; `None` when there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<Keys>, KeysError> {
    let unreadable = |source| KeysError::Read { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    // Asked of the open file, so that nobody can exchange it between the question and the reading.
    let metadata = file.metadata().map_err(unreadable)?;
    let mode = metadata.mode() & 0o7777;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if mode & forbidden != 0 {
        return Err(KeysError::Exposed { path: path.to_owned(), mode });
    }
    // With its whole capacity at once: growing would leave unwiped copies behind.
    let mut text = Zeroizing::new(String::with_capacity(LENGTH_LIMIT as usize));
    file.take(LENGTH_LIMIT).read_to_string(&mut text).map_err(unreadable)?;
    parse(&text).map(Some).map_err(|problem| KeysError::Malformed { path: path.to_owned(), problem })
}

/// Writes a new key file, whole or not at all; fails with `AlreadyExists` when another process was faster.
pub(crate) fn create(path: &Path, keys: &Keys) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut name = OsString::from(".");
    name.push(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
    name.push(format!(".{:016x}.new", rand::rng().random::<u64>()));
    let draft = folder.join(name);

    let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&draft)?;
    let published = file.write_all(render(keys).as_bytes()).and_then(|()| file.sync_all()).and_then(|()| {
        // A link, not a rename: it fails when the name is taken, where a rename would replace another's keys.
        fs::hard_link(&draft, path)
    });
    let removed = fs::remove_file(&draft);
    published.and(removed)?;
    File::open(folder)?.sync_all()
}

fn render(keys: &Keys) -> Zeroizing<String> {
    let hex = |key: &Key| Zeroizing::new(hex::encode(key.as_ref()));
    let mut text = Zeroizing::new(String::with_capacity(LENGTH_LIMIT as usize));
    for part in [
        PREFACE,
        &format!("version = {}\n", keys.version),
        BEFORE_DATA_KEY,
        "data_key = ",
        &hex(&keys.data),
        "\n",
        BEFORE_INDEX_KEY,
        "index_key = ",
        &hex(&keys.index),
        "\n",
    ] {
        text.push_str(part);
    }
    text
}

/// The keys in a text, or what is wrong with it, without any of its values.
fn parse(text: &str) -> Result<Keys, String> {
    let (mut version, mut data, mut index) = (None, None, None);
    for (number, line) in text.lines().enumerate().map(|(number, line)| (number + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once('=').ok_or_else(|| format!("line {number}: not `name = value`"))?;
        let (name, value) = (name.trim(), value.trim());
        let repeated = match name {
            "version" => {
                version.replace(parse_version(value).map_err(|problem| format!("line {number}: {problem}"))?).is_some()
            }
            "data_key" => {
                data.replace(parse_key(value).map_err(|problem| format!("line {number}: {problem}"))?).is_some()
            }
            "index_key" => {
                index.replace(parse_key(value).map_err(|problem| format!("line {number}: {problem}"))?).is_some()
            }
            _ => return Err(format!("line {number}: neither version, data_key nor index_key")),
        };
        if repeated {
            return Err(format!("line {number}: {name} is given twice"));
        }
    }
    let keys = Keys {
        version: version.ok_or("version is missing")?,
        data: data.ok_or("data_key is missing")?,
        index: index.ok_or("index_key is missing")?,
    };
    if keys.are_one() { Err("data_key and index_key are the same".to_owned()) } else { Ok(keys) }
}

fn parse_version(value: &str) -> Result<u8, &'static str> {
    value.parse().ok().filter(|version| *version > 0).ok_or("the version is not a number from 1 to 255")
}

fn parse_key(value: &str) -> Result<Key, &'static str> {
    let mut key = Key::default();
    hex::decode_to_slice(value, key.as_mut()).map_err(|_| "the key is not 64 hexadecimal digits")?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let keys = Keys::generate().unwrap();
        let text = render(&keys);
        assert!(text.len() < 1000);
        let read = parse(&text).unwrap();
        assert_eq!((read.version, *read.data, *read.index), (1, *keys.data, *keys.index));
    }

    #[test]
    fn each_fault_is_named_with_its_line_and_without_a_value() {
        let [key, other] = ["ab".repeat(32), "cd".repeat(32)];
        for (text, problem) in [
            (String::new(), "version is missing"),
            ("version = 1\n".to_owned(), "data_key is missing"),
            (format!("version = 1\ndata_key = {key}\n"), "index_key is missing"),
            (format!("version = 1\ndata_key = {key}\nindex_key = {key}"), "data_key and index_key are the same"),
            ("# hello\n\nversion = 0".to_owned(), "line 3: the version is not a number from 1 to 255"),
            ("version = 256".to_owned(), "line 1: the version is not a number from 1 to 255"),
            (format!("data_key = {key}0"), "line 1: the key is not 64 hexadecimal digits"),
            (format!("data_key = {key}\ndata_key = {other}"), "line 2: data_key is given twice"),
            (format!("datakey = {key}"), "line 1: neither version, data_key nor index_key"),
            (key, "line 1: not `name = value`"),
        ] {
            assert_eq!(parse(&text).unwrap_err(), problem);
        }
    }
}
