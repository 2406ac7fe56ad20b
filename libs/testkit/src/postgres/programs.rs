//! Where PostgreSQL's programs are.

use std::path::{Path, PathBuf};

/// Where Debian puts each version, off the search path.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The folder with `initdb` and `postgres`: the one on the search path, else Debian's newest.
pub(crate) fn find() -> Option<PathBuf> {
    on_search_path().or_else(|| newest_of(Path::new(DEBIAN)))
}

fn on_search_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // A link may lead elsewhere, and `initdb` looks for `postgres` beside its real self.
    std::env::split_paths(&path)
        .filter_map(|folder| folder.join("initdb").canonicalize().ok())
        .filter_map(|program| program.parent().map(Path::to_owned))
        .find(|folder| complete(folder))
}

fn newest_of(versions: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(versions).ok()?;
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            entry.file_name().to_str()?.parse::<u32>().ok().map(|version| (version, entry.path().join("bin")))
        })
        .filter(|(_, folder)| complete(folder))
        .max()
        .map(|(_, folder)| folder)
}

fn complete(folder: &Path) -> bool {
    folder.join("initdb").is_file() && folder.join("postgres").is_file()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::newest_of;

    #[test]
    fn the_newest_complete_version_is_taken_by_number_not_by_spelling() {
        let directory = tempfile::tempdir().unwrap();
        for (version, programs) in
            [("9", &["initdb", "postgres"][..]), ("15", &["initdb", "postgres"]), ("17", &["initdb"])]
        {
            let folder = directory.path().join(version).join("bin");
            fs::create_dir_all(&folder).unwrap();
            for program in programs {
                fs::write(folder.join(program), "").unwrap();
            }
        }
        assert_eq!(newest_of(directory.path()), Some(directory.path().join("15/bin")));
        assert_eq!(newest_of(&directory.path().join("none")), None);
    }
}
