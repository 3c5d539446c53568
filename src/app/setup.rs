//! From files to a working engine: config, hunts, store, tenants, channels. Builds without side
//! effects but the database file.

use std::path::Path;
use std::sync::Arc;

use super::exit::AppError;
use super::output::Output;
use crate::adapters::{api, channel, folder};
use crate::engine::dispatcher::{Channels, Dispatcher};
use crate::engine::runner::Runner;
use crate::engine::tenant::{Tenant, Tenants};
use crate::model::config::Config;
use crate::model::hunt::Hunt;
use crate::model::place::{Finding, Level};
use crate::ports::clock::SharedClock;
use crate::ports::store::Store;
use crate::rules::{check, config, definition};

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

/// Reads the config; a config with an error is refused, with every finding shown.
pub fn config(path: &Path, output: Output) -> Result<(Config, Vec<Finding>), AppError> {
    let bytes = std::fs::read(path).map_err(|error| {
        AppError::new(
            format!("can't read the config {}: {error}", path.display()),
            "name another with `-c FILE` or $HUNTD_CONFIG, or start from the example, deploy/huntd.example.yaml; `huntd demo` needs none",
        )
    })?;
    config::load(path, &bytes).or_else(|findings| {
        show(&findings, output)?;
        let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
        let many = if errors == 1 { "an error" } else { "errors" };
        Err(AppError::new(format!("the config {} has {many}", path.display()), "mend it as shown above, and see `huntd check`"))
    })
}

/// Reads the config and the hunts that it names. Broken hunts are findings and stop no other.
pub fn load(path: &Path, output: Output) -> Result<Loaded, AppError> {
    let (config, mut findings) = config(path, output)?;
    let files = folder::read_all(&config.hunts);
    findings.extend(files.findings);
    let loaded = definition::load(&files.files, &config.defaults, config.timezone);
    findings.extend(loaded.findings);
    findings.extend(definition::check_names(&loaded.hunts, &config));
    let hunts = loaded.hunts.into_iter().map(Arc::new).collect();
    Ok(Loaded { config, hunts, findings })
}

/// Shows findings on stderr, with the lines that they point at.
pub fn show(findings: &[Finding], output: Output) -> Result<(), AppError> {
    use std::io::IsTerminal;
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let text = check::human(findings, &|file| std::fs::read(file).ok(), colours);
    if text.is_empty() { Ok(()) } else { output.note(text.trim_end()) }
}

/// The tenants that are switched on.
pub fn tenants(config: &Config, clock: &SharedClock) -> Result<Tenants, AppError> {
    let mut tenants = Tenants::new();
    for tenant in config.tenants.values().filter(|tenant| tenant.enabled) {
        let api = api::client(tenant, Arc::clone(clock))
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

/// The store of the config, for a command that only reads: there must be one.
pub async fn history(config: &Config) -> Result<Store, AppError> {
    Ok(Store::open_existing(&config.database).await?)
}

/// The runner of a config.
#[must_use]
pub fn runner(config: &Config, store: &Store, clock: &SharedClock) -> Runner {
    Runner {
        store: store.clone(),
        clock: Arc::clone(clock),
        routes: config.routes.clone().into(),
        failures: Arc::new(config.failures.clone()),
    }
}

/// The dispatcher of a config.
pub fn dispatcher(config: &Config, store: &Store, clock: &SharedClock) -> Result<Dispatcher, AppError> {
    Ok(Dispatcher { store: store.clone(), clock: Arc::clone(clock), channels: Arc::new(channels(config)?) })
}
