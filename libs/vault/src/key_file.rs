//! The key file: how it looks, who may read it, and how it comes into being in one step.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use zeroize::Zeroizing;

use crate::keys::{Key, Keys, KeysError, VERSION_LIMIT};
use crate::secret_file::{self, OWNER_ONLY, SecretFileError, beside, sync_folder};

/// Bytes beyond which a file is not a key file; ours has about 700, and 80 for each further version.
const LENGTH_LIMIT: u64 = 1024 * 1024;

const PREFACE: &str = "\
# Senani: the keys of this cell's register of members.
# Keep a copy in a safe place: without this file no name and no number in the database can be read again.
# Show it to nobody: whoever has it and the database has everybody. Mode 0600.

# Wrap the members' own keys: AES-256-GCM, 32 bytes in hexadecimal. The highest version wraps, each unwraps what it
# has wrapped. Add one with `senani keys rotate`.
";
const BEFORE_INDEX_KEY: &str =
    "\n# Finds a number without reading it: HMAC-SHA-256, 32 bytes in hexadecimal. It never changes.\n";

/// The keys in a file; `None` when there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<Keys>, KeysError> {
    let text = secret_file::read(path, LENGTH_LIMIT).map_err(|error| match error {
        SecretFileError::Read(source) => KeysError::Read { path: path.to_owned(), source },
        SecretFileError::Exposed { mode } => KeysError::Exposed { path: path.to_owned(), mode },
    })?;
    let Some(text) = text else { return Ok(None) };
    parse(&text).map(Some).map_err(|problem| KeysError::Malformed { path: path.to_owned(), problem })
}

/// Writes a new key file, whole or not at all; fails with `AlreadyExists` when another process was faster.
pub(crate) fn create(path: &Path, keys: &Keys) -> io::Result<()> {
    secret_file::create(path, &render(keys))
}

/// Changes the keys in a file, in one step: whoever reads it meanwhile reads the old ones or the new ones. Mode and owner stay.
pub(crate) fn change<T>(path: &Path, change: impl FnOnce(&mut Keys) -> Result<T, KeysError>) -> Result<T, KeysError> {
    let failed = |source| KeysError::Replace { path: path.to_owned(), source };
    // One name for all: it can be made by one at a time, which is the lock.
    let draft = beside(path, ".change").map_err(failed)?;
    let made = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&draft);
    let file = match made {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(KeysError::Busy { draft }),
        Err(error) => return Err(failed(error)),
    };
    let outcome = read(path).and_then(|keys| {
        let mut keys = keys.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        let answer = change(&mut keys)?;
        replace(path, &draft, file, &keys).map_err(failed)?;
        Ok(answer)
    });
    if outcome.is_err() {
        // What stopped the change says more than that its draft cannot be removed.
        let _ = fs::remove_file(&draft);
    }
    outcome
}

fn replace(path: &Path, draft: &Path, mut file: File, keys: &Keys) -> io::Result<()> {
    file.write_all(render(keys).as_bytes())?;
    let present = fs::metadata(path)?;
    let made = file.metadata()?;
    if (present.uid(), present.gid()) != (made.uid(), made.gid()) {
        fchown(&file, Some(present.uid()), Some(present.gid()))?;
    }
    // After the owner: a change of owner takes bits of the mode away.
    file.set_permissions(present.permissions())?;
    file.sync_all()?;
    fs::rename(draft, path)?;
    sync_folder(path)
}

fn render(keys: &Keys) -> Zeroizing<String> {
    let hex = |key: &Key| Zeroizing::new(hex::encode(key.as_ref()));
    // With its whole capacity at once: growing would leave unwiped copies behind.
    let length = PREFACE.len() + BEFORE_INDEX_KEY.len() + 100 * (keys.wrapping.len() + 1);
    let mut text = Zeroizing::new(String::with_capacity(length));
    text.push_str(PREFACE);
    for (version, key) in &keys.wrapping {
        for part in [WRAPPING_KEY, &version.to_string(), " = ", &hex(key), "\n"] {
            text.push_str(part);
        }
    }
    for part in [BEFORE_INDEX_KEY, INDEX_KEY, " = ", &hex(&keys.index), "\n"] {
        text.push_str(part);
    }
    text
}

/// Before the number of a version.
const WRAPPING_KEY: &str = "wrapping_key_";
const INDEX_KEY: &str = "index_key";

/// The keys in a text, or what is wrong with it, without any of its values.
fn parse(text: &str) -> Result<Keys, String> {
    let (mut wrapping, mut index) = (BTreeMap::new(), None);
    for (number, line) in text.lines().enumerate().map(|(number, line)| (number + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let at = |problem: &str| format!("line {number}: {problem}");
        let (name, value) = line.split_once('=').ok_or_else(|| at("not `name = value`"))?;
        let (name, value) = (name.trim(), value.trim());
        let repeated = if name == INDEX_KEY {
            index.replace(parse_key(value).map_err(at)?).is_some()
        } else if let Some(version) = name.strip_prefix(WRAPPING_KEY) {
            let version = parse_version(version).map_err(at)?;
            wrapping.insert(version, parse_key(value).map_err(at)?).is_some()
        } else {
            return Err(at("neither wrapping_key_VERSION nor index_key"));
        };
        if repeated {
            return Err(at(&format!("{name} is given twice")));
        }
    }
    if wrapping.is_empty() {
        return Err("wrapping_key_1 is missing".to_owned());
    }
    let keys = Keys { wrapping, index: index.ok_or("index_key is missing")? };
    if keys.repeat_themselves() { Err("two of the keys are the same".to_owned()) } else { Ok(keys) }
}

fn parse_version(text: &str) -> Result<u16, &'static str> {
    let version =
        text.parse().ok().filter(|version| (1..=VERSION_LIMIT).contains(version) && !text.starts_with(['0', '+']));
    version.ok_or("the version is not a number from 1 to 9999")
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
        let mut keys = Keys::generate().unwrap();
        keys.wrapping.insert(7, Key::new([7; 32]));
        let text = render(&keys);
        assert!(text.len() < 1000);
        let read = parse(&text).unwrap();
        assert_eq!((read.wrapping, *read.index), (keys.wrapping, *keys.index));
    }

    #[test]
    fn each_fault_is_named_with_its_line_and_without_a_value() {
        let [key, other] = ["ab".repeat(32), "cd".repeat(32)];
        for (text, problem) in [
            (String::new(), "wrapping_key_1 is missing"),
            (format!("wrapping_key_1 = {key}\n"), "index_key is missing"),
            (format!("index_key = {key}\n"), "wrapping_key_1 is missing"),
            (format!("wrapping_key_1 = {key}\nindex_key = {key}"), "two of the keys are the same"),
            (
                format!("wrapping_key_1 = {key}\nwrapping_key_2 = {key}\nindex_key = {other}"),
                "two of the keys are the same",
            ),
            (format!("# hello\n\nwrapping_key_0 = {key}"), "line 3: the version is not a number from 1 to 9999"),
            (format!("wrapping_key_01 = {key}"), "line 1: the version is not a number from 1 to 9999"),
            (format!("wrapping_key_10000 = {key}"), "line 1: the version is not a number from 1 to 9999"),
            (format!("wrapping_key_3 = {key}0"), "line 1: the key is not 64 hexadecimal digits"),
            (format!("wrapping_key_3 = {key}\nwrapping_key_3 = {other}"), "line 2: wrapping_key_3 is given twice"),
            (format!("index_key = {key}\nindex_key = {other}"), "line 2: index_key is given twice"),
            (format!("data_key = {key}"), "line 1: neither wrapping_key_VERSION nor index_key"),
            (key, "line 1: not `name = value`"),
        ] {
            assert_eq!(parse(&text).unwrap_err(), problem);
        }
    }
}
