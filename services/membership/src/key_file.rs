//! The key file of a cell, for whoever keeps it: the command line.

use std::path::Path;

use senani_vault::{Keys, KeysError};

/// Adds a version, which wraps from then on; answers its number. Services read it within ten seconds.
///
/// # Errors
/// The file cannot be read or replaced; it is then as it was.
pub fn rotate(file: &Path) -> Result<u16, KeysError> {
    Keys::rotate(file)
}

/// The versions in the file, ascending; the last one wraps.
///
/// # Errors
/// The file cannot be read.
pub fn versions(file: &Path) -> Result<Vec<u16>, KeysError> {
    Ok(Keys::open(file)?.versions().collect())
}

/// Takes a version out of the file. What it still wraps can never be read again: ask `PrivacyService.GetKeyStatus` first.
///
/// # Errors
/// The version is the newest or not there, or the file cannot be replaced; it is then as it was.
pub fn drop_version(file: &Path, version: u16) -> Result<(), KeysError> {
    Keys::drop_version(file, version)
}
