//! The file of identities: TOML, for the eyes of its owner.
//!
//! ```toml
//! [[identity]]
//! subject = "officers/desk-author"
//! token = "…"
//! ```

use std::{
    collections::HashSet,
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rand::RngExt as _;
use senani_access::Principal;
use senani_config::Secret;
use serde::Deserialize;

use super::Identity;

/// Whom a new file is written for: a bulletin needs one officer to write it and another to approve it.
const FIRST: [&str; 2] = ["officers/desk-author", "officers/desk-approver"];
const OWNER_ONLY: u32 = 0o600;
/// Bytes of chance in a token that is made here.
const TOKEN_BYTES: usize = 32;
/// Shortest token that a file may name, in characters: 128 bits in hexadecimal.
const SHORTEST_TOKEN: usize = 32;
/// Largest file that is read, in bytes: thousands of identities.
const LARGEST_FILE: u64 = 1024 * 1024;

/// The file of identities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentitiesError {
    /// It cannot be opened or read.
    #[error("the file of identities {} cannot be read", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// There is none and none can be written.
    #[error("the file of identities {} cannot be written", .0.display())]
    Write(PathBuf, #[source] io::Error),
    /// Others than its owner may open it.
    #[error("the file of identities {} has mode {mode:04o}: others than its owner may open it; run `chmod 600` on it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Its content is of no use. The text holds no token.
    #[error("the file of identities {} cannot be used: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    #[serde(default)]
    identity: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    subject: String,
    token: Secret,
}

/// The identities in the file; writes the file first when there is none.
pub(super) fn open(path: &Path) -> Result<Vec<Identity>, IdentitiesError> {
    if let Some(identities) = read(path)? {
        return Ok(identities);
    }
    match create(path) {
        Ok(()) => {}
        // Another process was faster: its tokens are the ones.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(IdentitiesError::Write(path.to_owned(), error)),
    }
    read(path)?.ok_or_else(|| IdentitiesError::Read(path.to_owned(), io::ErrorKind::NotFound.into()))
}

/// None when there is no file.
fn read(path: &Path) -> Result<Option<Vec<Identity>>, IdentitiesError> {
    let unreadable = |error| IdentitiesError::Read(path.to_owned(), error);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    // Asked of the open file, so that nobody can exchange it between the question and the reading. A file of root's that a
    // group may read is how Kubernetes hands out secrets.
    let metadata = file.metadata().map_err(unreadable)?;
    let mode = metadata.mode() & 0o7777;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if mode & forbidden != 0 {
        return Err(IdentitiesError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(LARGEST_FILE).read_to_string(&mut text).map_err(unreadable)?;
    parse(&text).map(Some).map_err(|problem| IdentitiesError::Malformed { path: path.to_owned(), problem })
}

fn parse(text: &str) -> Result<Vec<Identity>, String> {
    let contents: Contents = toml::from_str(text).map_err(|error| {
        // Without the line itself, which may be that of a token.
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        format!("line {}: {}", before.matches('\n').count() + 1, error.message())
    })?;
    if contents.identity.is_empty() {
        return Err("it names no identity".to_owned());
    }
    let mut tokens = HashSet::new();
    let mut identities = Vec::new();
    for Entry { subject, token } in contents.identity {
        let subject: Principal = subject.parse().map_err(|error| format!("{subject}: {error}"))?;
        // Methods that are for services only believe the subject, so nobody may come in as a service.
        if subject.is_service() {
            return Err(format!("{subject}: only officers come in by the gateway"));
        }
        let text = token.expose();
        if text.len() < SHORTEST_TOKEN || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("{subject}: a token has {SHORTEST_TOKEN} visible ASCII characters or more"));
        }
        if !tokens.insert(text.to_owned()) {
            return Err(format!("{subject}: another identity has the same token"));
        }
        identities.push(Identity { subject, token });
    }
    Ok(identities)
}

/// Writes a new file, whole or not at all; fails with `AlreadyExists` when another process was faster.
fn create(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut name = OsString::from(".");
    name.push(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
    name.push(format!(".{:016x}.new", rand::rng().random::<u64>()));
    let draft = folder.join(name);

    let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&draft)?;
    let published = file.write_all(first_contents().as_bytes()).and_then(|()| file.sync_all()).and_then(|()| {
        // A link, not a rename: it fails when the name is taken, where a rename would replace another's tokens.
        fs::hard_link(&draft, path)
    });
    let removed = fs::remove_file(&draft);
    published.and(removed)?;
    File::open(folder)?.sync_all()
}

fn first_contents() -> String {
    let mut text =
        "# Who may call the gateway, as `authorization: Bearer TOKEN`. For development: keep it to yourself.\n"
            .to_owned();
    for subject in FIRST {
        let token = hex::encode(rand::rng().random::<[u8; TOKEN_BYTES]>());
        text.push_str(&format!("\n[[identity]]\nsubject = \"{subject}\"\ntoken = \"{token}\"\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn problem_of(text: &str) -> String {
        parse(text).expect_err("a problem")
    }

    #[test]
    fn the_first_start_writes_two_officers_with_tokens_of_chance_for_the_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identities.toml");
        let first = open(&path).unwrap();
        let subjects: Vec<&str> = first.iter().map(Identity::subject).collect();
        assert_eq!(subjects, FIRST);
        assert_ne!(first[0].token(), first[1].token());
        assert_eq!(hex::decode(first[0].token().expose()).unwrap().len(), TOKEN_BYTES);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, OWNER_ONLY);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");

        let second = open(&path).unwrap();
        assert_eq!(second[1].token(), first[1].token());
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identities.toml");
        open(&path).unwrap();
        for mode in [0o644, 0o604, 0o660, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let refused = open(&path);
            assert!(matches!(refused, Err(IdentitiesError::Exposed { .. })), "{mode:o}: {refused:?}");
        }
    }

    #[test]
    fn nobody_comes_in_as_a_service_or_with_a_weak_or_shared_token() {
        let entry =
            |subject: &str, token: &str| format!("[[identity]]\nsubject = \"{subject}\"\ntoken = \"{token}\"\n");
        let token = "0123456789abcdef0123456789abcdef";
        assert_eq!(parse(&entry("officers/a", token)).unwrap().len(), 1);
        let known = entry("members/0190f0c5-0000-7000-8000-000000000001", token);
        assert_eq!(parse(&known).unwrap().len(), 1);
        assert!(problem_of(&entry("services/bulletin", token)).contains("only officers"));
        assert!(problem_of(&entry("someone", token)).contains("someone"));
        assert!(problem_of(&entry("officers/a", "short")).contains("32"));
        let twice = entry("officers/a", token) + &entry("officers/b", token);
        assert!(problem_of(&twice).contains("same token"));
        assert!(problem_of("").contains("no identity"));
    }

    #[test]
    fn a_problem_names_its_line_and_no_token() {
        let problem = problem_of("[[identity]]\nsubject = \"officers/a\"\ntoken = [\"0123456789\"]\n");
        assert!(problem.contains("line") && !problem.contains("0123456789"), "{problem}");
        let problem = problem_of("[[identity]]\nsubject = \"officers/a\"\ntoken = 0123456789abc\n");
        assert!(problem.starts_with("line 3") && !problem.contains("0123456789"), "{problem}");
    }
}
