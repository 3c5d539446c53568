//! What is planned: hunts, tenants and costs, from the config or from a folder alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::adapters::folder;
use crate::app::exit::AppError;
use crate::app::output::Output;
use crate::app::{queries, setup};
use crate::model::config::{Config, HuntDefaults, Quota, SchemaConfig};
use crate::model::hunt::Hunt;
use crate::model::id::TenantName;
use crate::model::place::{Finding, Level};
use crate::model::time::Zone;
use crate::ports::clock::{Clock, SystemClock};
use crate::rules::definition::{self, HuntFile};
use crate::rules::kql::schema::Schema;
use crate::rules::plan::{Costs, PlanHunt, PlanTenant};
use crate::rules::quota;

/// The one tenant where no config names any.
const NOBODY: &str = "default";

/// How far back the costs of runs count: a week has its weekends.
const REMEMBERED: Duration = Duration::from_hours(7 * 24);

/// What is planned.
pub(super) struct State {
    pub(super) hunts: Vec<PlanHunt>,
    pub(super) tenants: Vec<PlanTenant>,
    pub(super) costs: Costs,
    /// The hunts' files.
    pub(super) files: Vec<HuntFile>,
    /// The hunts folders.
    pub(super) folders: Vec<PathBuf>,
    schema: Schema,
    defaults: HuntDefaults,
    zone: Zone,
    /// Whether a config says which tenants there are: else no hunt is held to those that it names.
    has_config: bool,
}

impl State {
    /// Reads the config and its hunts, or those of `folders` in their place. Where folders are given, there need be
    /// no config.
    pub(super) async fn load(path: &Path, folders: &[PathBuf], output: Output) -> Result<Self, AppError> {
        if folders.is_empty() || path.exists() {
            let (mut config, findings) = setup::config(path, output)?;
            if !folders.is_empty() {
                config.hunts = folders.to_vec();
            }
            return Self::of_config(config, findings, output).await;
        }
        output.note(&format!("there is no config {}: one tenant with the API's quota is taken", path.display()))?;
        let tenant = TenantName::new(NOBODY).map_err(|error| AppError::plain(error.to_string()))?;
        let (world, findings) = queries::world_without(&SchemaConfig::default());
        let state = Self {
            hunts: Vec::new(),
            tenants: vec![PlanTenant { name: tenant, quota: Quota::DEFAULT }],
            costs: Costs::new(),
            files: Vec::new(),
            folders: folders.to_vec(),
            schema: world.schema,
            defaults: crate::rules::config::default_hunt_defaults(),
            zone: Zone::UTC,
            has_config: false,
        };
        state.with_hunts(findings, output)
    }

    async fn of_config(config: Config, mut findings: Vec<Finding>, output: Output) -> Result<Self, AppError> {
        let enabled = config.tenants.values().filter(|tenant| tenant.enabled);
        let tenants: Vec<PlanTenant> = enabled
            .map(|tenant| PlanTenant { name: tenant.name.clone(), quota: quota::spendable(&tenant.quota) })
            .collect();
        if tenants.is_empty() {
            let hint = "add one to `tenants:` in the config, or leave out the config: `huntd plan --hunts DIR`";
            return Err(AppError::new("no tenant is switched on, so there is no quota to plan with", hint));
        }
        let (world, of_tables) = queries::world(&config);
        findings.extend(of_tables);
        let state = Self {
            hunts: Vec::new(),
            tenants,
            costs: costs(&config).await?,
            files: Vec::new(),
            folders: config.hunts.clone(),
            schema: world.schema,
            defaults: config.defaults.clone(),
            zone: config.timezone,
            has_config: true,
        };
        state.with_hunts(findings, output)
    }

    /// Reads the hunts of the folders.
    fn with_hunts(mut self, mut findings: Vec<Finding>, output: Output) -> Result<Self, AppError> {
        setup::readable(&self.folders, "name the hunts folder with `--hunts DIR`, or with `hunts:` in the config")?;
        let found = folder::read_paths(&self.folders);
        let loaded = definition::load(&found.files, &self.defaults, self.zone);
        findings.extend(found.findings);
        findings.extend(loaded.findings);
        // A plan is no check: only what isn't planned is said.
        findings.retain(|finding| finding.level == Level::Error);
        setup::show(&findings, output)?;
        if !findings.is_empty() {
            output.note("what is broken isn't in the plan: see `huntd check`")?;
        }
        self.hunts = self.planned(loaded.hunts);
        self.files = found.files;
        Ok(self)
    }

    /// The hunts of other files, read as these were.
    pub(super) fn read(&self, files: &[HuntFile]) -> Vec<PlanHunt> {
        self.planned(definition::load(files, &self.defaults, self.zone).hunts)
    }

    fn planned(&self, hunts: Vec<Hunt>) -> Vec<PlanHunt> {
        let planned = |mut hunt: Hunt| {
            if !self.has_config {
                hunt.tenants = None;
            }
            PlanHunt::of(Arc::new(hunt), &self.schema)
        };
        hunts.into_iter().map(planned).collect()
    }
}

/// What the hunts' runs of the last days cost. A database that isn't there isn't made.
async fn costs(config: &Config) -> Result<Costs, AppError> {
    if !config.database.exists() {
        return Ok(Costs::new());
    }
    let since = SystemClock::new().now().minus(REMEMBERED);
    let costs = setup::history(config, async |store| Ok(store.costs(since).await?)).await?;
    Ok(costs.into_iter().map(|(hunt, tenant, cost)| ((hunt, tenant), cost)).collect())
}
