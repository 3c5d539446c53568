//! `huntd doctor`: all that huntd stands on, a line a check, each with what to do where it isn't well.

use std::path::Path;
use std::sync::Arc;

use crate::app::args::DoctorArguments;
use crate::app::doctor::database::{self, Opened};
use crate::app::doctor::files;
use crate::app::doctor::network::Network;
use crate::app::doctor::report::Report;
use crate::app::doctor::system::{self, Units};
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::setup;
use crate::ports::clock::{SharedClock, SystemClock};

/// `huntd doctor`.
pub async fn run(path: &Path, arguments: &DoctorArguments, quiet: bool, output: Output) -> Result<Exit, AppError> {
    let (config, findings) = setup::config(path, output)?;
    let clock: SharedClock = Arc::new(SystemClock::new());
    let (mut report, units) = (Report::new(output, quiet), Units::installed());
    files::loaded(path, &config, findings.len(), &mut report)?;
    files::modes(path, &config, &mut report)?;
    let secrets = files::secrets(&config, &units, &mut report)?;
    let opened = database::checks(&config, &units, &mut report).await?;
    files::channels(&config, &units, &mut report)?;
    let network = Network::new(&config, &secrets, clock);
    if !arguments.offline {
        network.checks(&secrets, &opened, &mut report).await?;
    }
    system::checks(&config, &units, &mut report).await?;
    if let Opened::Store(store) = opened
        && let Err(error) = store.close().await
    {
        tracing::warn!(%error, "the database wasn't closed");
    }
    report.end(if arguments.offline { network.count() } else { 0 })
}
