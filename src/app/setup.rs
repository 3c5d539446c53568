//! From files to a working engine: config, hunts, store, tenants, channels. Builds without side
//! effects but the database file.

use std::collections::BTreeSet;
use std::io::{ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use super::excerpt;
use super::exit::AppError;
use super::output::Output;
use super::queries;
use crate::adapters::checkout::Checkout;
use crate::adapters::{api, channel, folder};
use crate::engine::dispatcher::{Channels, Dispatcher, fixed};
use crate::engine::gate::Gates;
use crate::engine::runner::Runner;
use crate::engine::tenant::{Tenant, Tenants};
use crate::engine::turns::Turns;
use crate::engine::vitals::Vitals;
use crate::model::config::Config;
use crate::model::hunt::Hunt;
use crate::model::place::{Finding, Level};
use crate::model::upstream::Upstream;
use crate::ports::clock::SharedClock;
use crate::ports::store::{Store, owner_is_alive};
use crate::rules::config::Directories;
use crate::rules::definition::{HuntFile, LoadedHunts};
use crate::rules::metrics::HuntCounts;
use crate::rules::schedule::ClockMove;
use crate::rules::{canary, check, config, definition, lint, quota};

/// The config and its hunts, as they were loaded.
#[derive(Debug)]
pub struct Loaded {
    /// The config.
    pub config: Config,
    /// The hunts that load.
    pub hunts: Vec<Arc<Hunt>>,
    /// All that was found wrong or odd, in the config and in the hunts.
    pub findings: Vec<Finding>,
}

/// How many hunts there are, of which files have errors.
#[must_use]
pub fn counts(hunts: &[Arc<Hunt>], findings: &[Finding]) -> HuntCounts {
    let enabled = hunts.iter().filter(|hunt| hunt.enabled).count();
    let errors = findings.iter().filter(|finding| finding.level == Level::Error);
    let broken: BTreeSet<&Path> = errors.map(|finding| finding.file.as_path()).collect();
    HuntCounts { enabled, disabled: hunts.len() - enabled, broken: broken.len() }
}

/// The bytes of the config file.
pub fn config_bytes(path: &Path) -> Result<Vec<u8>, AppError> {
    std::fs::read(path).map_err(|error| {
        AppError::new(
            format!("can't read the config {}: {error}", path.display()),
            "name another with `-c FILE` or $HUNTD_CONFIG, or start from the example, deploy/huntd.example.yaml; `huntd demo` needs none",
        )
    })
}

/// The folders of the service, where systemd names them.
#[must_use]
pub fn directories() -> Directories {
    Directories::of(|name| std::env::var_os(name))
}

/// Reads the config; a config with an error is refused, with every finding shown.
pub fn config(path: &Path, output: Output) -> Result<(Config, Vec<Finding>), AppError> {
    config::load(path, &config_bytes(path)?, &directories()).or_else(|findings| {
        show(&findings, output)?;
        let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
        let many = if errors == 1 { "an error" } else { "errors" };
        Err(AppError::new(
            format!("the config {} has {many}", path.display()),
            "mend what is shown above; `huntd check` shows it again, and the warnings too",
        ))
    })
}

/// Reads the config and the hunts that it names. Broken hunts are findings and stop no other; a hunts
/// folder that can't be read does.
pub fn load(path: &Path, output: Output) -> Result<Loaded, AppError> {
    load_reading(path, output, |_| false)
}

/// The same, with a warning for each error that huntd sees in the query of a hunt that `reads` names. The hunt runs
/// all the same: what the service takes, the service decides.
pub fn load_reading(path: &Path, output: Output, reads: impl Fn(&Hunt) -> bool) -> Result<Loaded, AppError> {
    let (config, mut findings) = config(path, output)?;
    let tree = tree(&config, reads)?;
    findings.extend(tree.findings);
    Ok(Loaded { config, hunts: tree.hunts, findings })
}

/// The hunts of a config, and what was found in them.
#[derive(Debug)]
pub struct Tree {
    /// The hunts that load.
    pub hunts: Vec<Arc<Hunt>>,
    /// All that was found wrong or odd.
    pub findings: Vec<Finding>,
}

/// From so many files on, one thread reads them, and another looks into what was read.
const MANY: usize = 200;
/// So many files may be read that weren't looked into yet.
const AHEAD: usize = 32;

/// Reads the hunts that a config names, as [`load_reading`] does.
pub fn tree(config: &Config, reads: impl Fn(&Hunt) -> bool) -> Result<Tree, AppError> {
    let hint = match &config.git {
        Some(_) => {
            "the daemon takes them from the repository of `git:` when it starts; see `folder` of `git:` if they lie in another"
        }
        None => "name the folder with `hunts:` in the config, and let huntd's user read it",
    };
    readable(&config.hunts, hint)?;
    let checkouts: Vec<Checkout> = config.hunts.iter().filter_map(|folder| Checkout::of(folder)).collect();
    let files = folder::read_paths(&config.hunts);
    let (mut hunts, mut world) = (Vec::<Arc<Hunt>>::new(), None);
    let (mut of_files, mut of_names, mut of_queries) = (Vec::new(), Vec::new(), Vec::new());
    let many = files.files.len() >= MANY;
    let mut take = |(file, part): (HuntFile, LoadedHunts)| {
        of_names.extend(definition::check_names(&part, config));
        if part.hunts.iter().any(&reads) {
            let (world, of_tables) = world.get_or_insert_with(|| queries::world(config));
            of_queries.append(of_tables);
            of_queries.extend(lint::problems(&part, std::slice::from_ref(&file), world));
        }
        of_files.extend(part.findings);
        hunts.extend(part.hunts.into_iter().map(|mut hunt| {
            hunt.source.commit = checkouts.iter().find_map(|checkout| checkout.commit_of(&hunt.source.file));
            Arc::new(hunt)
        }));
    };
    // One file at a time: of ten thousand hunts all places and texts at once are larger than the hunts.
    let loading = definition::load_each(files.files, &config.defaults, config.timezone);
    if many {
        // To read a file takes about as long as to look into its queries.
        std::thread::scope(|scope| {
            let (send, parts) = mpsc::sync_channel(AHEAD);
            scope.spawn(move || {
                for part in loading {
                    // Who takes them takes them all, unless it panics.
                    if send.send(part).is_err() {
                        return;
                    }
                }
            });
            parts.into_iter().for_each(&mut take);
        });
    } else {
        loading.for_each(&mut take);
    }
    if let Some(canary) = canary::hunt(config).filter(|canary| hunts.iter().all(|hunt| hunt.id != canary.id)) {
        hunts.push(Arc::new(canary));
    }
    of_files.sort_by(|a: &Finding, b: &Finding| (&a.file, a.place).cmp(&(&b.file, b.place)));
    for finding in &mut of_queries {
        finding.level = finding.level.min(Level::Warning);
    }
    let findings = [files.findings, of_files, of_names, of_queries].concat();
    Ok(Tree { hunts, findings })
}

/// The repository of the hunts, where nothing was fetched from it yet.
#[must_use]
pub fn unfetched(config: &Config) -> Option<&Upstream> {
    let is_absent = |path: &Path| path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound);
    config.git.as_ref().filter(|git| is_absent(&git.current()))
}

/// That hunts folders can be read; the hint says where they were named.
pub fn readable(folders: &[PathBuf], hint: &str) -> Result<(), AppError> {
    for folder in folders {
        std::fs::read_dir(folder).map_err(|error| {
            AppError::new(format!("can't read the hunts folder {}: {error}", folder.display()), hint)
        })?;
    }
    Ok(())
}

/// The hunts that a config names, with the files that they stand in.
#[derive(Debug)]
pub struct Found {
    /// The hunts.
    pub hunts: LoadedHunts,
    /// Their files.
    pub files: Vec<HuntFile>,
    /// All that was found in them on loading.
    pub findings: Vec<Finding>,
}

/// The hunts that a config names, with the files that they stand in.
#[must_use]
pub fn found(config: &Config) -> Found {
    let files = folder::read_paths(&config.hunts);
    let mut hunts = definition::load(&files.files, &config.defaults, config.timezone);
    let mut findings = files.findings;
    findings.append(&mut hunts.findings);
    findings.extend(definition::check_names(&hunts, config));
    Found { hunts, files: files.files, findings }
}

/// The hunts that a config names, and all that was found in them on loading.
#[must_use]
pub fn hunts(config: &Config) -> (LoadedHunts, Vec<Finding>) {
    let found = found(config);
    (found.hunts, found.findings)
}

/// Shows findings on stderr, with the lines that they point at.
pub fn show(findings: &[Finding], output: Output) -> Result<(), AppError> {
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let text = check::human::render(findings, &excerpt::source(findings), colours);
    if text.is_empty() { Ok(()) } else { output.note(text.trim_end()) }
}

/// The tenants that are switched on.
pub fn tenants(config: &Config, clock: &SharedClock) -> Result<Tenants, AppError> {
    let (mut tenants, options) = (Tenants::new(), api::ClientOptions::default());
    for tenant in config.tenants.values().filter(|tenant| tenant.enabled) {
        let api = api::client_with(tenant, Arc::clone(clock), options.clone())
            .map_err(|error| AppError::plain(format!("tenant `{}`: {error}", tenant.name)))?;
        let entry = Tenant { name: tenant.name.clone(), quota: tenant.quota, api };
        tenants.insert(tenant.name.clone(), Arc::new(entry));
    }
    Ok(tenants)
}

/// The channels.
pub fn channels(config: &Config) -> Result<Channels, AppError> {
    let build = |(name, kind)| {
        let built = channel::build(Clone::clone(name), kind)
            .map_err(|error| AppError::plain(format!("channel `{name}`: {error}")))?;
        Ok((Clone::clone(name), built))
    };
    config.channels.iter().map(build).collect()
}

/// The store of the config.
pub async fn store(config: &Config) -> Result<Store, AppError> {
    Ok(Store::open(&config.database).await?)
}

/// Looks at the store of the config, for a command that makes no runs: there must be one. It is closed
/// after, else SQLite's two files may stay beside it, without which a disk that is made read-only later
/// can't be read.
pub async fn history<T>(config: &Config, look: impl AsyncFnOnce(&Store) -> Result<T, AppError>) -> Result<T, AppError> {
    if !config.database.exists() {
        return Err(AppError::new(
            format!("there is no history yet: the database {} doesn't exist", config.database.display()),
            "`huntd run` and the daemon make it; if it should be there, see `database:` in the config",
        ));
    }
    let store = Store::open_existing(&config.database).await?;
    let seen = look(&store).await;
    if let Err(error) = store.close().await {
        tracing::warn!(%error, "the database wasn't closed");
    }
    seen
}

/// The runner of a config.
#[must_use]
pub fn runner(config: &Config, store: &Store, clock: &SharedClock) -> Runner {
    Runner {
        store: store.clone(),
        clock: Arc::clone(clock),
        routes: config.routes.clone().into(),
        failures: Arc::new(config.failures.clone()),
        turns: Turns::default(),
        gates: Gates::default(),
        vitals: Vitals::default(),
        schema: Arc::new(queries::world(config).0.schema),
    }
}

/// The dispatcher of a config.
pub fn dispatcher(config: &Config, store: &Store, clock: &SharedClock) -> Result<Dispatcher, AppError> {
    Ok(Dispatcher {
        store: store.clone(),
        clock: Arc::clone(clock),
        channels: fixed(channels(config)?),
        vitals: Vitals::default(),
    })
}

/// Ends, in the quota's ledger, the calls of processes that died, and brings back calls that lie in the
/// future, as the clock was set while huntd was down.
pub async fn tidy(store: &Store, clock: &SharedClock) -> Result<(), AppError> {
    let now = clock.now();
    store.settle_orphans(now, owner_is_alive).await?;
    Ok(store.move_ledgers(now, |ledger| quota::carry(ledger, ClockMove::Steady, now)).await?)
}
