//! Starting a server, and ending it with its owner.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use nix::unistd::{User, geteuid};

use super::programs;

/// Long enough for `initdb` on a machine whose cores are all compiling.
const START_DEADLINE: Duration = Duration::from_secs(60);

/// A free port can be taken by someone else before the server binds it.
const ATTEMPTS: usize = 5;

/// Runs the server; ends it and removes its directory when its standard input ends.
const SUPERVISE: &str = include_str!("supervise.sh");

/// What a server keeps when the machine loses power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: for tests, several times as fast.
    Off,
    /// Every committed transaction: for benchmarks. Sized like a small production server.
    On,
}

impl Durability {
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Off => &[
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
                "wal_level=minimal",
                "max_wal_senders=0",
                "jit=off",
            ],
            Self::On => &["shared_buffers=512MB", "max_wal_size=4GB", "checkpoint_timeout=15min"],
        }
    }
}

/// A PostgreSQL server on a free loopback port, with its data in a temporary directory. It takes 200 connections, trusts
/// whoever reaches it, and is killed and removed when this value is dropped or the process ends, even by `kill -9`.
#[derive(Debug)]
pub struct PostgresServer {
    port: u16,
    directory: PathBuf,
    /// The shell that owns the server. It reads a pipe whose writing end lives in this process.
    supervisor: Child,
}

impl PostgresServer {
    /// Starts a server and waits until it accepts connections, about 1 s. As root it runs as user `postgres` or `nobody`,
    /// since PostgreSQL refuses root.
    ///
    /// # Errors
    /// Without PostgreSQL's programs, or when the server ends instead of starting (with the end of its log).
    pub fn start(durability: Durability) -> anyhow::Result<Self> {
        let programs = programs::find().context("neither `initdb` on PATH nor in /usr/lib/postgresql/*/bin")?;
        let mut last = None;
        for _ in 0..ATTEMPTS {
            match Self::attempt(&programs, durability) {
                Ok(server) => return Ok(server),
                Err(error) if format!("{error:#}").contains("Address already in use") => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.context("no attempt was made")?.context(format!("no free port in {ATTEMPTS} attempts")))
    }

    fn attempt(programs: &Path, durability: Durability) -> anyhow::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .context("no free port")?
            .port();
        // The supervisor removes the directory, not this process: it must outlive a killed one.
        let directory =
            tempfile::Builder::new().prefix("senani-pg-").tempdir().context("no temporary directory")?.keep();
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o700))?;

        let mut command = Command::new("sh");
        // Its own process group: Ctrl-C in the terminal reaches the tests, whose end then ends the server in good order.
        command.args(["-c", SUPERVISE, "senani-testkit-postgres"]).arg(&directory).arg(programs).process_group(0);
        command.args(["-p", &port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "max_connections=200", "timezone=UTC", "log_min_messages=warning"]
            .iter()
            .chain(durability.settings())
        {
            command.args(["-c", setting]);
        }
        command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        if geteuid().is_root() {
            let user = unprivileged_user()?;
            chown(&directory, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let supervisor = command.spawn().context("`sh` does not start")?;
        let mut server = Self { port, directory, supervisor };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let end = Instant::now() + START_DEADLINE;
        let status_file = self.directory.join("data/postmaster.pid");
        loop {
            // Line 8 of the file is the server's state (PostgreSQL's own `pg_ctl --wait` reads it).
            let status = std::fs::read_to_string(&status_file).unwrap_or_default();
            if status.lines().nth(7).is_some_and(|state| state.trim_end() == "ready") {
                return Ok(());
            }
            if self.supervisor.try_wait()?.is_some() {
                bail!("`initdb` failed: {}", self.log_end());
            }
            let log = std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
            ensure!(!log.contains("FATAL:"), "the server ended: {}", self.log_end());
            ensure!(Instant::now() < end, "not ready after {START_DEADLINE:?}: {}", self.log_end());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn log_end(&self) -> String {
        let log =
            std::fs::read_to_string(self.directory.join("log")).unwrap_or_else(|error| format!("no log: {error}"));
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join(" | ")
    }

    /// The server's URL without a database: `postgres://senani@127.0.0.1:PORT`. The user is its superuser.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("postgres://senani@127.0.0.1:{}", self.port)
    }

    /// The URL of a database on it, which need not exist.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.base_url())
    }

    /// The loopback port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its directory: the data, the log and the Unix socket. Gone when the server is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Creates an empty database, and returns its URL.
    ///
    /// # Errors
    /// When it exists, or the server is gone.
    pub fn create_database(&self, name: &str) -> anyhow::Result<String> {
        super::execute(&self.base_url(), &format!("CREATE DATABASE \"{name}\" TEMPLATE template0"))
            .with_context(|| format!("database `{name}` cannot be created"))?;
        Ok(self.url(name))
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // Closes the pipe; the supervisor then ends the server and removes the directory.
        drop(self.supervisor.stdin.take());
        _ = self.supervisor.wait();
        // The supervisor leaves the directory after a failed start, with the log that was shown.
        _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Whom the server runs as when this process is root.
fn unprivileged_user() -> anyhow::Result<User> {
    for name in ["postgres", "nobody"] {
        if let Some(user) = User::from_name(name).with_context(|| format!("user `{name}` cannot be looked up"))? {
            return Ok(user);
        }
    }
    bail!("PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody`")
}
