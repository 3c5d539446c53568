//! The command line.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

/// Runs YAML hunts on a schedule against Microsoft Defender XDR advanced hunting, within the
/// tenant's quota, and tells only what is new.
#[derive(Debug, Parser)]
#[command(
    name = "huntd",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "Examples:\n  huntd demo                        see it work, with nothing set up\n  huntd check hunts/                check hunts before they are merged\n  huntd run encoded-powershell      run a hunt now\n  huntd hits --since 1d --json      what was found since yesterday\n\nExit codes: 0 done, 1 findings or not found, 2 usage or configuration, 3 new hits (run --fail-on-new), 4 a run failed."
)]
pub struct Arguments {
    /// The config file
    #[arg(
        short,
        long,
        global = true,
        env = "HUNTD_CONFIG",
        value_name = "FILE",
        default_value = "/etc/huntd/huntd.yaml"
    )]
    pub config: PathBuf,
    /// Print JSON lines on stdout, one object a line
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more in the log; twice for everything
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Say only what failed
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show huntd at work against a simulated tenant: needs no network, config or rights
    Demo(DemoArguments),
    /// Run hunts on their schedules until stopped
    Daemon,
    /// Run hunts now, through the same quota, comparison and store as the daemon
    Run(RunArguments),
    /// Check hunts and config, offline
    Check(CheckArguments),
    /// Lay out the coming runs against each tenant's quota, offline
    Plan(PlanArguments),
    /// List the hunts: schedule, next run, last run, failures in a row
    List(ListArguments),
    /// List runs, newest first
    Runs(RunsArguments),
    /// List hits, oldest first
    Hits(HitsArguments),
    /// List event time that isn't covered, why, and what will be done
    Gaps(GapsArguments),
    /// Show what is used and left of each tenant's quota, its blocks, and its dearest hunts
    Quota(QuotaArguments),
    /// Show one run or one hit, whole
    Show(ShowArguments),
    /// Show what came and went between two runs of a hunt
    Diff(DiffArguments),
    /// Say what would have been told under other settings, over stored runs; calls nobody
    Replay(ReplayArguments),
    /// Say which key and ignores stored runs suggest; calls nobody
    Advise(AdviseArguments),
    /// List deliveries, or try failed ones again
    Deliveries(DeliveriesArguments),
    /// Check all that huntd stands on: files, secrets, database, network, sign-in, rights, mail
    Doctor(DoctorArguments),
    /// Check the database, copy it, or take away what is past its retention
    Db(DbArguments),
    /// Be a simulated tenant, as a server of its own
    Simulate(SimulateArguments),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

impl Verb {
    /// Whether it goes on until it is stopped, or does the work of one that does.
    #[must_use]
    pub const fn serves(&self) -> bool {
        matches!(self, Self::Demo(_) | Self::Daemon | Self::Simulate(_))
    }
}

/// `demo`.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Where the mails are written; a new folder under the system's temporary one by default
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// `list`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  huntd list               the hunts, and what is wrong with them\n  huntd list --check       for a monitor such as Nagios: one line in short, and one a problem\n\nWith --check, exit 0 when all is well, and 1 when something isn't: the first line says OK, WARNING or CRITICAL."
)]
pub struct ListArguments {
    /// Say in short whether all is well, for a monitor; exit 1 when something isn't
    #[arg(long)]
    pub check: bool,
}

/// `run`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  huntd run encoded-powershell\n  huntd run '*powershell*' --tenant contoso --last 7d\n  huntd run lsass-dump --from 2026-11-01T00:00:00Z --to 2026-11-02T00:00:00Z --no-notify\n  huntd run '*' --dry-run"
)]
pub struct RunArguments {
    /// Hunt ids or globs over ids, such as `*powershell*`
    #[arg(required = true, value_name = "HUNT")]
    pub hunts: Vec<String>,
    /// Only this tenant; may be repeated
    #[arg(long, value_name = "TENANT")]
    pub tenant: Vec<String>,
    /// Event time back from now, such as `7d`
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["from", "to"])]
    pub last: Option<String>,
    /// Event time from here (RFC 3339)
    #[arg(long, value_name = "TIME", requires = "to")]
    pub from: Option<String>,
    /// Event time up to here (RFC 3339)
    #[arg(long, value_name = "TIME", requires = "from")]
    pub to: Option<String>,
    /// The moment that the run stands at (RFC 3339); now by default
    #[arg(long, value_name = "TIME", conflicts_with_all = ["from", "to"])]
    pub as_of: Option<String>,
    /// Print what would be asked, and of whom, and call nobody
    #[arg(long)]
    pub dry_run: bool,
    /// Store the hits and tell nobody
    #[arg(long)]
    pub no_notify: bool,
    /// Exit 3 when there are new hits
    #[arg(long)]
    pub fail_on_new: bool,
}

/// How `check` prints its findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people
    Human,
    /// A JSON object a line
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// GitHub workflow commands
    Github,
}

/// `check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  huntd check                          the config and its hunts\n  huntd check hunts/ --format github   in a pull request, without a config\n  huntd check --explain L012           what a code means, and how to mend it"
)]
pub struct CheckArguments {
    /// Hunt files or folders; the config and its hunts by default
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How findings are printed
    #[arg(long, value_enum, default_value = "human")]
    pub format: CheckFormat,
    /// Exit 1 on warnings too
    #[arg(long)]
    pub strict: bool,
    /// A Sentinel workspace is connected: tables that can't be known are warnings, no errors
    #[arg(long)]
    pub workspace: bool,
    /// A file of tables of your own, a `table<TAB>column<TAB>type` a line; may be repeated
    #[arg(long, value_name = "FILE")]
    pub schema: Vec<PathBuf>,
    /// Say what a code means, such as `L012`; without a code, list them all
    #[arg(long, value_name = "CODE", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["paths", "format", "strict"])]
    pub explain: Option<String>,
}

/// `plan`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  huntd plan                                   the next day of the config's hunts\n  huntd plan --hunts hunts --against origin/main   what a pull request means for the quota\n  huntd plan --for 7d --html plan.html             a page with the load against the limits\n  huntd plan --patch | git apply                   take what it suggests\n\nExit 1 when it can't fit: a run would be overtaken by the next tick of its hunt."
)]
pub struct PlanArguments {
    /// How far to look ahead, up to 31d
    #[arg(long = "for", value_name = "DURATION", default_value = "24h")]
    pub length: String,
    /// The first moment (RFC 3339); the next full minute by default
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// A hunts folder in place of the config's; without a config, one tenant with the API's quota; may be repeated
    #[arg(long, value_name = "DIR")]
    pub hunts: Vec<PathBuf>,
    /// Compare with the hunts folder at a git revision, such as `origin/main`
    #[arg(long, value_name = "REV")]
    pub against: Option<String>,
    /// Of how long a downtime catching up is laid out
    #[arg(long, value_name = "DURATION", default_value = "72h")]
    pub downtime: String,
    /// Write a page with a picture of the load against the limits
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Print what is suggested as a patch of the hunts' files, and nothing else
    #[arg(long, conflicts_with = "json")]
    pub patch: bool,
}

/// `runs`.
#[derive(Debug, Args)]
pub struct RunsArguments {
    /// A hunt id or a glob
    #[arg(value_name = "HUNT")]
    pub hunt: Option<String>,
    /// Only runs of the last DURATION, such as `1d`
    #[arg(long, value_name = "DURATION")]
    pub since: Option<String>,
    /// Only runs that failed
    #[arg(long)]
    pub failed: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub limit: usize,
}

/// How `hits` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HitsFormat {
    /// A table, as wide as the terminal
    Table,
    /// CSV for spreadsheets, with all columns
    Csv,
    /// A JSON object a line, as `--json`
    Json,
}

/// `hits`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  huntd hits --since 1d --kind new\n  huntd hits --where 'DeviceName=srv-* AND AccountName!=svc'\n  huntd hits --where 'AdditionalFields.IsElevated=true' --where 'severity>=medium'\n  huntd hits --where 'FileName IN (cmd.exe, pwsh.exe) AND NOT FolderPath=\"C:\\Windows\\*\"'\n  huntd hits encoded-powershell --columns first_seen,DeviceName,ProcessCommandLine --limit 20\n  huntd hits --since 30d --format csv > hits.csv\n  huntd hits --seen 203.0.113.7          # have we ever seen this?\n\nOperators: = and != (in any case, * for any characters, ? for one), == and !== (letter by letter), < <= > >=, ~ and !~ (regular expression), IN (a, b), AND, OR, NOT and brackets. Names and values with blanks stand in quotes; \"\" is nothing; ago(7d) is a time. Beside the rows' columns there are hit, hunt, tenant, kind, run, first_seen, last_seen and severity."
)]
pub struct HitsArguments {
    /// A hunt id or a glob
    #[arg(value_name = "HUNT")]
    pub hunt: Option<String>,
    /// Only hits of the last DURATION, such as `1d`
    #[arg(long, value_name = "DURATION")]
    pub since: Option<String>,
    /// Only what this run said
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    /// Only this kind: new, changed, gone or returned
    #[arg(long, value_name = "KIND", value_parser = ["new", "changed", "gone", "returned"])]
    pub kind: Option<String>,
    /// Only this tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// Only hits of which this holds, such as `DeviceName=srv-*`; may be repeated: all must hold
    #[arg(long = "where", value_name = "EXPRESSION")]
    pub expressions: Vec<String>,
    /// Only hits with this text in a row: a hash, an address, a host, an account; found by an index, over all hunts
    #[arg(long, value_name = "TEXT")]
    pub seen: Option<String>,
    /// At most so many, the newest
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// How hits are printed; a line each by default
    #[arg(long, value_enum, conflicts_with = "json")]
    pub format: Option<HitsFormat>,
    /// The columns of a table or CSV, in this order, with commas between them; alone it makes a table
    #[arg(long, value_name = "COLUMN,…", conflicts_with = "json")]
    pub columns: Option<String>,
}

/// `gaps`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  huntd gaps                          all that isn't covered\n  huntd gaps 'identity/*' --json      for a script\n  huntd gaps --check                  exit 1 where something is lost"
)]
pub struct GapsArguments {
    /// A hunt id or a glob
    #[arg(value_name = "HUNT")]
    pub hunt: Option<String>,
    /// Covered time too, with the run that covered it last
    #[arg(long)]
    pub all: bool,
    /// Exit 1 where event time is lost: no run will cover it any more
    #[arg(long)]
    pub check: bool,
}

/// `quota`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  huntd quota                          every tenant, and its dearest hunts of a day\n  huntd quota --tenant contoso --since 7d --limit 30\n  huntd quota --json | jq 'select(.blocked)'   for a script"
)]
pub struct QuotaArguments {
    /// Only this tenant; may be repeated
    #[arg(long, value_name = "TENANT")]
    pub tenant: Vec<String>,
    /// The dearest hunts of the last DURATION, to the hour
    #[arg(long, value_name = "DURATION", default_value = "1d")]
    pub since: String,
    /// At most so many hunts a tenant
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: usize,
}

/// `show`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  huntd show 20261124T060000Z-5a6b7c8d     a run: its counts, its query, its hits\n  huntd show 3f2a9c01                      a hit's life: what was said of it, when, with its rows, and who was told\n  huntd show 3f2a9c01 --json | jq .deliveries"
)]
pub struct ShowArguments {
    /// A run's id, or a hit's (its first eight digits are enough)
    #[arg(value_name = "RUN|HIT")]
    pub what: String,
}

/// `diff`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  huntd diff exposed-smb                   the last two runs that have a result\n  huntd diff exposed-smb 20261101T060000Z-1c2d3e4f 20261124T060000Z-5a6b7c8d\n  huntd diff exposed-smb --tenant contoso --json | jq 'select(.kind == \"gone\")'"
)]
pub struct DiffArguments {
    /// The hunt's id
    #[arg(value_name = "HUNT")]
    pub hunt: String,
    /// The run to compare from; the last but one with a result by default
    #[arg(value_name = "RUN_A", requires = "run_b")]
    pub run_a: Option<String>,
    /// The run to compare to; the last with a result by default
    #[arg(value_name = "RUN_B")]
    pub run_b: Option<String>,
    /// On which tenant, where the hunt has a history on several
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
}

/// `replay`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  huntd replay exposed-smb                             the hunt as its file stands now\n  huntd replay exposed-smb --key DeviceId,Port --since 30d\n  huntd replay exposed-smb --key '' --ignore LastSeen  no key, and a column that doesn't count\n  huntd replay exposed-smb --key DeviceId --json | jq 'select(.run == null)'\n\nRows are stored when they are new or changed: a column that the hunt ignored when it ran has the value of when its row was last stored."
)]
pub struct ReplayArguments {
    /// The hunt's id
    #[arg(value_name = "HUNT")]
    pub hunt: String,
    /// The columns that make a row the same hit; the hunt's own by default, '' for none
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub key: Option<Vec<String>>,
    /// The columns that don't count; the hunt's own by default, '' for none
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub ignore: Option<Vec<String>>,
    /// Only runs of the last DURATION, such as `30d`; what was known before them is known
    #[arg(long, value_name = "DURATION")]
    pub since: Option<String>,
    /// Only this tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
}

/// `advise`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  huntd advise exposed-smb\n  huntd advise exposed-smb --since 30d --tenant contoso\n  huntd advise exposed-smb --json | jq -r '.yaml'"
)]
pub struct AdviseArguments {
    /// The hunt's id
    #[arg(value_name = "HUNT")]
    pub hunt: String,
    /// Only runs of the last DURATION, such as `30d`
    #[arg(long, value_name = "DURATION")]
    pub since: Option<String>,
    /// Only this tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
}

/// `deliveries`.
#[derive(Debug, Args)]
pub struct DeliveriesArguments {
    /// What to do with them; lists them by default
    #[command(subcommand)]
    pub action: Option<DeliveriesAction>,
    /// Only failed ones
    #[arg(long)]
    pub failed: bool,
}

/// What to do with deliveries.
#[derive(Debug, Subcommand)]
pub enum DeliveriesAction {
    /// Try a failed delivery again
    Retry {
        /// The delivery's id
        #[arg(required_unless_present = "all")]
        delivery: Option<String>,
        /// All failed ones
        #[arg(long, conflicts_with = "delivery")]
        all: bool,
    },
}

/// `doctor`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sudo huntd doctor               a line a check, each with what to do where it isn't well\n  huntd doctor --offline          nothing that needs the network\n  huntd -q doctor                 only what isn't well\n  huntd doctor --json | jq 'select(.state == \"failed\")'\n\nExit 1 when a check failed. It makes one call a tenant, which counts in the quota as any other, and sends no mail. Run it as root, who may look at all files, or as huntd's user; it asks with its own environment, which may name another proxy than the daemon's."
)]
pub struct DoctorArguments {
    /// Use no network: files, database and system alone
    #[arg(long)]
    pub offline: bool,
}

/// `db`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  huntd db check                            prove that all that is stored can be read and agrees\n  huntd db backup /backup/huntd-$(date +%F).db   a copy, while the daemon runs\n  huntd db prune                            retention now, and room back to the file system"
)]
pub struct DbArguments {
    /// What to do with it
    #[command(subcommand)]
    pub action: DbAction,
}

/// What to do with the database.
#[derive(Debug, Subcommand)]
pub enum DbAction {
    /// Check that all that is stored can be read and agrees; exit 1 where it doesn't
    #[command(
        after_help = "Examples:\n  huntd db check           a complaint a line, each with what to do\n  huntd db check --json    for a script: `complaint` and `mend`\n\nThe daemon may run meanwhile. It reads everything: some minutes where the database has gigabytes."
    )]
    Check,
    /// Copy the database to a new file, while it is in use
    #[command(
        after_help = "Examples:\n  huntd db backup /backup/huntd-$(date +%F).db\n\nThe file is there only when the copy is whole, on the disk, and was opened once. To go back to it: stop huntd, move it to the place of `database:`, and start huntd again."
    )]
    Backup {
        /// The file to make; one that is there isn't overwritten
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Take away what is past its retention now, and give its room back to the file system
    #[command(
        after_help = "Examples:\n  huntd db prune           what `retention:` in the config says\n  huntd db prune --json    for a script\n\nThe daemon does the same once an hour, and may run meanwhile. What was ever seen stays known: nothing is told again."
    )]
    Prune,
}

/// `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArguments {
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8800")]
    pub listen: std::net::SocketAddr,
    /// The scenario file; the demo's by default
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Decides all that is random
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}
