//! The settings of a cell of processes.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use senani_testkit::TestDatabase;

use crate::ports;

/// A process of the cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Units.
    Hierarchy,
    /// Orders, groups, members.
    Membership,
    /// Bulletins and their ledger.
    Bulletin,
    /// Coverage and reach.
    Analytics,
    /// The one door.
    Gateway,
    /// The provider.
    Simulator,
}

impl Service {
    /// Every process, in the order in which they start.
    pub const ALL: [Self; 6] =
        [Self::Simulator, Self::Hierarchy, Self::Membership, Self::Bulletin, Self::Analytics, Self::Gateway];

    /// Its name on the command line, in the settings and in traces.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hierarchy => "hierarchy",
            Self::Membership => "membership",
            Self::Bulletin => "bulletin",
            Self::Analytics => "analytics",
            Self::Gateway => "gateway",
            Self::Simulator => "simulator",
        }
    }
}

/// How fast the work of a cell goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Deliveries that are written to the ledger in one transaction.
    pub expand_page: usize,
    /// Deliveries that are claimed and recorded together.
    pub claim_batch: usize,
    /// Requests to the provider at the same time.
    pub dispatch_concurrency: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { expand_page: 500, claim_batch: 100, dispatch_concurrency: 8 }
    }
}

impl Pace {
    /// So slow that a few hundred deliveries can be disturbed in the middle.
    #[must_use]
    pub fn slow() -> Self {
        Self { expand_page: 10, claim_batch: 10, dispatch_concurrency: 1 }
    }
}

/// Seconds after which work of a process that was killed is taken up, and after which what no receipt settles is sent again.
const LEASE_SECONDS: u64 = 3;

/// Token of the officer who writes.
pub const AUTHOR_TOKEN: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

/// Token of the officer who approves.
pub const APPROVER_TOKEN: &str = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";

/// Where each process listens.
#[derive(Debug, Clone, Copy)]
pub struct Addresses([SocketAddr; 6]);

impl Addresses {
    /// Free ports, the same at every start.
    pub(crate) fn choose() -> Self {
        Self(std::array::from_fn(|_| ports::free()))
    }

    /// Where a process listens.
    #[must_use]
    pub fn of(&self, service: Service) -> SocketAddr {
        self.0[service as usize]
    }
}

/// The settings file.
pub(crate) fn text(addresses: &Addresses, database: &TestDatabase, folder: &Path, pace: Pace) -> String {
    let url = |service: Service| format!("http://{}", addresses.of(service));
    let file = |name: &str| folder.join(name).display().to_string();
    let mut text = String::new();
    for service in Service::ALL {
        _ = writeln!(text, "[{}]\nlisten = \"{}\"", service.name(), addresses.of(service));
        if !matches!(service, Service::Gateway | Service::Simulator) {
            _ = writeln!(text, "database_url = \"{}\"", database.url(service.name()));
        }
        let upstreams: &[Service] = match service {
            Service::Simulator => &[],
            // Asked when an officer is transferred, not when hierarchy starts.
            Service::Hierarchy => &[Service::Membership, Service::Bulletin],
            Service::Membership => &[Service::Hierarchy],
            Service::Bulletin => &[Service::Hierarchy, Service::Membership],
            Service::Analytics => &[Service::Hierarchy, Service::Membership, Service::Bulletin],
            Service::Gateway => &[Service::Hierarchy, Service::Membership, Service::Bulletin, Service::Analytics],
        };
        for upstream in upstreams {
            _ = writeln!(text, "{}_url = \"{}\"", upstream.name(), url(*upstream));
        }
        _ = match service {
            Service::Hierarchy | Service::Analytics => Ok(()),
            Service::Membership => writeln!(text, "keys_file = \"{}\"", file("phone-keys")),
            Service::Bulletin => writeln!(
                text,
                "lease_seconds = {LEASE_SECONDS}\nunknown_grace_seconds = {LEASE_SECONDS}\nexpand_page = {}\n\
                 claim_batch = {}\ndispatch_concurrency = {}\nposter_store = {{ url = \"{}\" }}\n\
                 signing_keys_file = \"{}\"\n\
                 [[bulletin.channels]]\nname = \"simulator\"\nurl = \"{}\"\ntoken = \"provider-token\"\n\
                 phone_number_id = \"106540352242922\"\nretry_from_ms = 50\nretry_to_ms = 500\ntimeout_seconds = 2\n\
                 attempts = 100",
                pace.expand_page,
                pace.claim_batch,
                pace.dispatch_concurrency,
                file("posters"),
                file("signing-keys"),
                url(Service::Simulator)
            ),
            Service::Gateway => writeln!(
                text,
                "identities_file = \"{}\"\ndrain_seconds = 2\n\
                 [[gateway.webhooks]]\nchannel = \"simulator\"\napp_secret = \"provider-secret\"\n\
                 verify_token = \"provider-verifies\"",
                file("identities.toml")
            ),
            Service::Simulator => writeln!(
                text,
                "webhook_url = \"{}/webhooks/whatsapp/simulator\"\ntoken = \"provider-token\"\n\
                 app_secret = \"provider-secret\"\nphone_number_id = \"106540352242922\"\nrecord_path = \"{}\"\n\
                 [simulator.outcomes]\nfailed = [{{ code = 131026, share = 0.05 }}, {{ code = 131049, share = 0.02 }}]\n\
                 read = 0.6\nrepeated = 0.1\nout_of_order = 0.1\n\
                 [simulator.delays]\nsent = {{ from = 1, to = 20 }}\ndelivered = {{ from = 1, to = 50 }}\n\
                 read = {{ from = 1, to = 50 }}\nrepeated = {{ from = 1, to = 50 }}\n\
                 [simulator.webhook]\nlinger_ms = 10\nretry_from_ms = 50\nretry_to_ms = 400\ntimeout_ms = 2000",
                url(Service::Gateway),
                file("provider.record")
            ),
        };
        text.push('\n');
    }
    text
}

/// The file of identities: one officer who writes, one who approves.
pub(crate) fn identities() -> String {
    [("officers/desk-author", AUTHOR_TOKEN), ("officers/desk-approver", APPROVER_TOKEN)]
        .map(|(subject, token)| format!("[[identity]]\nsubject = \"{subject}\"\ntoken = \"{token}\"\n"))
        .concat()
}
