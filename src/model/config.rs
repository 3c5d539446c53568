//! A whole, valid configuration, with every default filled in.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::hunt::Severity;
use super::id::{ChannelName, TenantName};
use super::limits;
use super::schedule::Schedule;
use super::secret::SecretSource;
use super::time::{Timestamp, Zone};
use super::upstream::{Upstream, checkout_beside};

/// `huntd.yaml`.
#[derive(Debug, Clone)]
pub struct Config {
    /// The hunts folders; absolute, or relative to the working folder.
    pub hunts: Vec<PathBuf>,
    /// The repository that they come from; none where the folders are kept by somebody else.
    pub git: Option<Upstream>,
    /// The database file.
    pub database: PathBuf,
    /// The zone of schedules that name none.
    pub timezone: Zone,
    /// The weakest layer of every hunt.
    pub defaults: HuntDefaults,
    /// The tenants, by name.
    pub tenants: BTreeMap<TenantName, Tenant>,
    /// The channels, by name.
    pub channels: BTreeMap<ChannelName, ChannelKind>,
    /// First match wins unless it says `continue`.
    pub routes: Vec<Route>,
    /// Who is told of a hunt that keeps failing.
    pub failures: Failures,
    /// Dead man's switch.
    pub heartbeat: Option<Heartbeat>,
    /// How long history is kept.
    pub retention: Retention,
    /// Where metrics and health are served; `None` for nowhere.
    pub listen: Option<Listen>,
    /// What hunts may name beside the tables that Defender itself has.
    pub schema: SchemaConfig,
}

impl Config {
    /// Puts another database in the place of the config's own, and the checkout beside it.
    pub fn keep_database(&mut self, database: PathBuf) {
        if let Some(git) = &mut self.git {
            git.checkout = checkout_beside(&database);
            self.hunts = vec![git.hunts()];
        }
        self.database = database;
    }
}

/// What hunts may name beside the tables that Defender itself has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaConfig {
    /// A Sentinel workspace is connected: hundreds of tables more, of which huntd knows some.
    pub workspace: bool,
    /// Files of tables: `table<TAB>column<TAB>type` a line.
    pub files: Vec<PathBuf>,
    /// Tables, each with its columns and their types as KQL names them, in the order of the file.
    pub tables: BTreeMap<String, Vec<(String, String)>>,
}

/// The defaults of every hunt that `huntd.yaml` may set.
#[derive(Debug, Clone)]
pub struct HuntDefaults {
    /// When it runs.
    pub schedule: Schedule,
    /// How much event time a run covers.
    pub lookback: Duration,
    /// How late events may arrive.
    pub late: Duration,
}

/// Which of the two APIs a tenant is asked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ApiKind {
    /// Microsoft Graph, `security/runHuntingQuery`.
    #[default]
    Graph,
    /// The older Defender XDR endpoint, `api/advancedhunting/run`.
    Defender,
}

impl ApiKind {
    /// The name, as the reference spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::Defender => "defender",
        }
    }
}

/// Which cloud a tenant lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cloud {
    /// The public one.
    #[default]
    Public,
    /// US government, community.
    Gcc,
    /// US government, high.
    GccHigh,
    /// US Department of Defense.
    Dod,
    /// China, run by 21Vianet.
    China,
}

/// How huntd signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// An app's client secret.
    ClientSecret(SecretSource),
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its name in the config.
    pub name: TenantName,
    /// The API that it is asked by.
    pub api: ApiKind,
    /// Its cloud.
    pub cloud: Cloud,
    /// Its GUID or domain.
    pub tenant_id: String,
    /// The app's id.
    pub client_id: String,
    /// How to sign in.
    pub auth: Auth,
    /// When the secret expires, as far as the config says it: neither the secret nor the service does.
    pub secret_expires: Option<Timestamp>,
    /// Overrides the sign-in host.
    pub login_url: Option<url::Url>,
    /// Overrides the API host.
    pub api_url: Option<url::Url>,
    /// What huntd may spend.
    pub quota: Quota,
    /// Whether the canary hunt runs on it.
    pub canary: bool,
    /// Whether it is asked at all.
    pub enabled: bool,
}

/// What huntd may spend of a tenant's quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Calls in any rolling minute.
    pub calls_per_minute: u32,
    /// Calls in any rolling hour.
    pub calls_per_hour: u32,
    /// Calls at a time.
    pub concurrent: u32,
    /// Rows at which a result counts as cut.
    pub row_limit: u64,
    /// What of all this is left to people and other tools, in hundredths.
    pub reserve: u32,
    /// Time that calls may be under way, in any rolling hour.
    pub running_per_hour: Option<Duration>,
    /// As before, in any rolling day.
    pub running_per_day: Option<Duration>,
    /// CPU in each quarter hour of the clock, as the older API tells it; elsewhere the time that calls take.
    pub cpu_per_cycle: Option<Duration>,
    /// Which of the numbers of calls the config names.
    pub named: Named,
}

/// Which numbers of calls the config names: those bind, whatever the API says of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// Those in a minute.
    pub per_minute: bool,
    /// Those in an hour.
    pub per_hour: bool,
}

impl Quota {
    /// The API's published limits, as if the config named them.
    pub const DEFAULT: Self = Self {
        calls_per_minute: limits::CALLS_PER_MINUTE,
        calls_per_hour: limits::CALLS_PER_HOUR,
        concurrent: limits::CONCURRENT,
        row_limit: limits::ROW_LIMIT,
        reserve: 0,
        running_per_hour: None,
        running_per_day: None,
        cpu_per_cycle: None,
        named: Named { per_minute: true, per_hour: true },
    };
}

/// A channel's kind and settings.
#[derive(Debug, Clone)]
pub enum ChannelKind {
    /// Mail.
    Email(Box<EmailChannel>),
    /// JSON lines in a file.
    File(FileChannel),
    /// The log.
    Log,
}

/// How a mail server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailTransport {
    /// SMTP.
    Smtp {
        /// The server's name.
        host: String,
        /// Its port.
        port: u16,
        /// How the connection is protected.
        tls: MailTls,
    },
    /// `file:///folder`: an .eml and an .html file a mail, for demonstrations and tests.
    Folder(PathBuf),
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// TLS from the first byte (`smtps://`).
    Implicit,
    /// STARTTLS, and no mail without it (the default).
    Required,
    /// None: only where the config says `tls=none`.
    None,
}

/// Mail settings.
#[derive(Debug, Clone)]
pub struct EmailChannel {
    /// How the server is reached.
    pub transport: MailTransport,
    /// The user, where the server wants one.
    pub user: Option<String>,
    /// The password, where the server wants one.
    pub password: Option<SecretSource>,
    /// A file of PEM certificates that are trusted besides the system's.
    pub ca: Option<PathBuf>,
    /// The sender, as `Name <address>` or an address; checked.
    pub from: String,
    /// The recipients; checked; never empty.
    pub to: Vec<String>,
    /// Where answers go.
    pub reply_to: Option<String>,
}

/// File settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChannel {
    /// The file.
    pub path: PathBuf,
}

/// A route.
#[derive(Debug, Clone, Default)]
pub struct Route {
    /// What it matches; an empty list matches all.
    pub severity: Vec<Severity>,
    /// Any of these tags.
    pub tags: Vec<String>,
    /// Any of these tenants.
    pub tenant: Vec<TenantName>,
    /// A glob over the hunt's id.
    pub hunt: Option<globset::GlobMatcher>,
    /// The channels told.
    pub to: Vec<ChannelName>,
    /// Whether later routes are looked at too.
    pub go_on: bool,
}

/// Who is told of a hunt that keeps failing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failures {
    /// The channels told.
    pub to: Vec<ChannelName>,
    /// Failures in a row before the first notice.
    pub after: u32,
    /// Time between reminders.
    pub every: Duration,
}

/// Dead man's switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// The address called.
    pub url: url::Url,
    /// How often.
    pub every: Duration,
}

/// Where metrics and health are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An address and its port.
    Address(SocketAddr),
    /// A unix socket.
    Unix(PathBuf),
}

impl Listen {
    /// Whether who asks is on this machine, whatever it names it: then a name that isn't this machine's was made to lead
    /// here.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        matches!(self, Self::Address(address) if address.ip().to_canonical().is_loopback())
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "http://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// How long history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Row contents.
    pub rows: Duration,
    /// Runs.
    pub runs: Duration,
    /// The bytes that the database is meant to have at most: told when it nears them.
    pub size: Option<u64>,
}
