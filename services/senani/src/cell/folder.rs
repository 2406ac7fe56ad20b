//! The folder of a cell on this machine.

use std::fs::File;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// A cell's folder, held by this process alone.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

/// What a running cell leaves for the client commands.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Running {
    /// Address of the gateway.
    pub(crate) address: String,
}

impl Folder {
    /// Opens the folder, made when missing, and locks it against a second cell.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        // Names of persons are in the databases: nobody else on the machine looks in.
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("the folder {} cannot be made", path.display()))?;
        let path = path.canonicalize().with_context(|| format!("the folder {} cannot be used", path.display()))?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .with_context(|| format!("the folder {} cannot be written to", path.display()))?;
        if lock.try_lock().is_err() {
            anyhow::bail!(
                "another cell runs in {}; stop it, or name another folder with --data and another address with --listen",
                path.display()
            );
        }
        Ok(Self { path, _lock: lock })
    }

    /// A file in the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes where the cell can be reached.
    pub(crate) fn announce(&self, running: &Running) -> anyhow::Result<()> {
        let text = toml::to_string(running).context("the address cannot be written")?;
        std::fs::write(self.file(RUNNING), text).context("the address cannot be written")
    }
}

/// Name of the file with the address.
const RUNNING: &str = "running.toml";

impl Running {
    /// What the cell of a folder has announced.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(RUNNING);
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("no cell has run in {}; name its folder with --data, or --address and --token", folder.display())
        })?;
        toml::from_str(&text).with_context(|| format!("{} cannot be read", path.display()))
    }
}
