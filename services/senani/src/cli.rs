//! What the command line offers.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::client::roster::Choice;

/// Senani runs the Cyber Senani organisation of a state police: chat groups at every level of the structure, cyber bulletins,
/// and what comes back.
#[derive(Debug, Parser)]
#[command(name = "senani", version, max_term_width = 110, after_help = EXAMPLES)]
pub(crate) struct Senani {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Settings: a TOML file with a table for each service. The environment goes before it, e.g. SENANI_GATEWAY__LISTEN
    #[arg(long, global = true, value_name = "FILE", help_heading = "For every command")]
    pub(crate) config: Option<PathBuf>,
    /// Send traces and metrics to this OTLP receiver, e.g. http://localhost:4317
    #[arg(long, global = true, value_name = "URL", help_heading = "For every command")]
    pub(crate) otlp: Option<String>,
    /// Form of the log lines on standard error
    #[arg(long, global = true, value_enum, default_value_t = LogForm::Human, help_heading = "For every command")]
    pub(crate) log_format: LogForm,
    /// What to log, e.g. info or warn,senani_store=debug
    #[arg(long, global = true, value_name = "FILTER", help_heading = "For every command")]
    pub(crate) log: Option<String>,
}

const EXAMPLES: &str = "\
Begin with:
  senani demo                            the whole main job, with 300,000 members
  senani demo --members 2000 --exit      the same in some seconds, and out
  senani up                              a cell on this machine, without the demo
Then, in another terminal:
  senani coverage units/bihar-hq --by district
  senani reach";

/// Form of log lines.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LogForm {
    /// For people
    Human,
    /// One JSON object a line
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a cell and do the main job through it: structure, orders, groups, members, a bulletin, the figures
    Demo(Demo),
    /// Start a whole cell in this process
    Up(Up),
    /// Start one service in this process
    Serve {
        /// Which
        service: Service,
    },
    /// Bring the databases to the present schema (`up` and `demo` do it by themselves)
    Migrate {
        /// Which service's; all of them when none is named
        service: Option<Service>,
    },
    /// Print a service's settings as they are in force, secrets hidden
    PrintConfig {
        /// Which
        service: Service,
    },
    /// Look after the key file, which protects the register of members
    Keys(Keys),
    /// Write material for exercises
    Generate(Generate),
    /// Show a unit and what is above and under it
    Unit {
        /// E.g. units/patna-kotwali-ps
        unit: String,
        /// As it was on this day, YYYY-MM-DD
        #[arg(long, default_value = "", hide_default_value = true)]
        as_of: String,
        #[command(flatten)]
        door: Door,
    },
    /// Show expected against actual groups and members
    Coverage {
        /// Of this unit and everything under it
        #[arg(default_value = "units/bihar-hq")]
        unit: String,
        /// A line for each unit of this kind; for each child when not given
        #[arg(long, value_enum)]
        by: Option<PartKind>,
        #[command(flatten)]
        door: Door,
    },
    /// Show whom a bulletin reached
    Reach {
        /// E.g. bulletins/0198…; the newest when not given
        bulletin: Option<String>,
        #[command(flatten)]
        door: Door,
    },
    /// Compare a chat group with the register, and bring the register in line
    Roster {
        #[command(subcommand)]
        what: RosterCommand,
    },
    /// Print the rejected rows of an import as CSV
    Rejected {
        /// E.g. memberImports/0198…
        import: String,
        #[command(flatten)]
        door: Door,
    },
}

impl Command {
    /// Whether the command only asks a running cell.
    pub(crate) fn is_client(&self) -> bool {
        matches!(
            self,
            Self::Unit { .. }
                | Self::Coverage { .. }
                | Self::Reach { .. }
                | Self::Rejected { .. }
                | Self::Roster { .. }
        )
    }
}

/// What to do with a roster.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum RosterCommand {
    /// Print who is enrolled in a group
    Show {
        /// E.g. groups/patna-kotwali-ps-community
        group: String,
        #[command(flatten)]
        door: Door,
    },
    /// Compare a group with what the chat application exports: a chat without media, a list of participants, or a CSV (docs/rosters.md)
    Reconcile {
        /// E.g. groups/patna-kotwali-ps-community
        #[arg(long)]
        group: String,
        /// The exported file
        file: PathBuf,
        /// Apply what was found: `all` that is sure, or these ids
        #[arg(long, value_name = "all|ID,…")]
        apply: Option<Choice>,
        #[command(flatten)]
        door: Door,
    },
    /// Apply differences of an earlier comparison
    Apply {
        /// E.g. groups/patna-kotwali-ps-community/reconciliations/0198…
        reconciliation: String,
        /// `all` that is sure, or ids
        #[arg(value_name = "all|ID,…")]
        choice: Choice,
        #[command(flatten)]
        door: Door,
    },
}

/// A service of the cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Service {
    /// Units of the police structure
    Hierarchy,
    /// Orders, groups, members
    Membership,
    /// Bulletins, tasks, deliveries
    Bulletin,
    /// Coverage and reach
    Analytics,
    /// The one door
    Gateway,
    /// A WhatsApp Cloud API that runs on this machine and reaches nobody
    Simulator,
}

/// A kind of unit by which figures are divided.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PartKind {
    /// Zones
    Zone,
    /// Ranges
    Range,
    /// Districts
    District,
    /// Subdivisions
    Subdivision,
    /// Stations
    Station,
    /// Wings
    Wing,
}

/// Where a cell lives.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// Folder for everything that the cell keeps
    #[arg(long, value_name = "DIR", default_value = "senani-data")]
    pub(crate) data: PathBuf,
    /// PostgreSQL instead of the embedded database, e.g. postgres://user@host/senani: each service makes a database of
    /// its own there, e.g. senani_bulletin
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Where the gateway listens; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7360")]
    pub(crate) listen: SocketAddr,
}

/// Start a whole cell.
#[derive(Debug, Clone, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) place: Place,
}

/// The demo.
#[derive(Debug, Clone, Args)]
pub(crate) struct Demo {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Members to enrol
    #[arg(long, value_name = "N", default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) members: u64,
    /// End after the figures; the exit code says whether they add up
    #[arg(long)]
    pub(crate) exit: bool,
}

/// The key file of a cell.
#[derive(Debug, Clone, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    pub(crate) what: KeysCommand,
}

/// What to do with the key file.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum KeysCommand {
    /// Add a version, which wraps the members' keys from then on; running services read it within ten seconds and wrap
    /// the other keys again
    Rotate {
        #[command(flatten)]
        file: KeyFile,
    },
    /// List the versions, and how many members' keys each wraps if the cell is running; never a key
    Show {
        #[command(flatten)]
        file: KeyFile,
        #[command(flatten)]
        door: Door,
    },
    /// Take a version out of the file; refused while the running cell has a member's key that it wraps
    Drop {
        /// Its number
        #[arg(long)]
        version: u16,
        #[command(flatten)]
        file: KeyFile,
        #[command(flatten)]
        door: Door,
    },
}

/// Where the key file is.
#[derive(Debug, Clone, Args)]
pub(crate) struct KeyFile {
    /// The key file, e.g. senani-data/phone-keys
    #[arg(long, value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Material for exercises.
#[derive(Debug, Clone, Args)]
pub(crate) struct Generate {
    #[command(subcommand)]
    pub(crate) what: Material,
}

/// What to generate.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Material {
    /// Members as CSV on standard output: plausible names on numbers that cannot be a subscriber's, about 1 % of the rows wrong on purpose
    Members {
        /// Rows
        #[arg(long, default_value_t = 300_000)]
        count: u64,
        /// Another seed gives other members, the same seed the same
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Another structure than Bihar's: a file as `import units` takes it
        #[arg(long, value_name = "FILE")]
        units: Option<PathBuf>,
    },
}

/// How to reach a running cell.
#[derive(Debug, Clone, Args)]
pub(crate) struct Door {
    /// Folder of a cell on this machine: its address and a token are read from there
    #[arg(long, value_name = "DIR", default_value = "senani-data")]
    pub(crate) data: PathBuf,
    /// Address of the gateway, e.g. http://127.0.0.1:7360
    #[arg(long, value_name = "URL")]
    pub(crate) address: Option<String>,
    /// Token to show there
    #[arg(long, value_name = "TOKEN", env = "SENANI_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Senani::command().debug_assert();
    }
}
