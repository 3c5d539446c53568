//! `huntd demo`: the whole way of a hit, against a simulated tenant inside this process.
//!
//! Everything but the clock is real: HTTP on loopback, sign-in, SQLite on disk, the outbox, mails as
//! files. It goes through the same runner and dispatcher as the daemon.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::args::DemoArguments;
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::setup;
use crate::app::shapes::RunShape;
use crate::engine::dispatcher::Dispatcher;
use crate::engine::runner::{Finished, Order, Runner};
use crate::engine::tenant::Tenants;
use crate::model::config::Config;
use crate::model::hunt::Hunt;
use crate::model::place::Level;
use crate::model::run::{RunStatus, Trigger};
use crate::model::time::Timestamp;
use crate::model::told::Told;
use crate::ports::clock::{ManualClock, SharedClock};
use crate::rules::definition::HuntFile;
use crate::rules::render::tally::Tally;
use crate::rules::render::terminal::{Layout, listing};
use crate::rules::route::Verdict;
use crate::rules::{config, definition};
use crate::sim::scenario::{DEMO_RUNS, demo_scenario};
use crate::sim::simulator::Simulator;

/// The hunts that ship, as they stand; a test holds the list to the folder.
const HUNTS: [(&str, &str); 12] = [
    ("identity/_defaults.yaml", include_str!("../../../hunts/identity/_defaults.yaml")),
    ("identity/inbox-forwarding.yaml", include_str!("../../../hunts/identity/inbox-forwarding.yaml")),
    ("identity/password-spray.yaml", include_str!("../../../hunts/identity/password-spray.yaml")),
    ("inventory/_defaults.yaml", include_str!("../../../hunts/inventory/_defaults.yaml")),
    ("inventory/exploited-critical-cve.yaml", include_str!("../../../hunts/inventory/exploited-critical-cve.yaml")),
    ("mail/_defaults.yaml", include_str!("../../../hunts/mail/_defaults.yaml")),
    ("mail/html-smuggling.yaml", include_str!("../../../hunts/mail/html-smuggling.yaml")),
    ("mail/phish-click.yaml", include_str!("../../../hunts/mail/phish-click.yaml")),
    ("windows/_defaults.yaml", include_str!("../../../hunts/windows/_defaults.yaml")),
    ("windows/encoded-powershell.yaml", include_str!("../../../hunts/windows/encoded-powershell.yaml")),
    ("windows/lsass-dump.yaml", include_str!("../../../hunts/windows/lsass-dump.yaml")),
    ("windows/task-from-user-folder.yaml", include_str!("../../../hunts/windows/task-from-user-folder.yaml")),
];

/// When the demonstration takes place.
const START: &str = "2026-11-24T09:00:00Z";

/// What a run of the demonstration came to.
#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    rows: u64,
    new: u64,
    failed: usize,
    notices: usize,
}

/// `huntd demo`.
pub async fn run(arguments: &DemoArguments, output: Output) -> Result<Exit, AppError> {
    let start = Timestamp::parse(START).ok_or_else(|| AppError::plain("the demonstration's start is no time"))?;
    let out = out_folder(arguments)?;
    let manual = Arc::new(ManualClock::new(start));
    let clock: SharedClock = Arc::<ManualClock>::clone(&manual);
    let tell = Arc::clone(&clock);
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let simulator = Simulator::start(demo_scenario(), listen, Arc::new(move || tell.now()), 1)
        .await
        .map_err(|error| AppError::plain(format!("the simulated tenant can't listen on loopback: {error}")))?;
    let config = config(&out, &simulator.url())?;
    let hunts = hunts(&config)?;
    let store = setup::store(&config).await?;
    let tenants = setup::tenants(&config, &clock)?;
    let runner = setup::runner(&config, &store, &clock);
    let dispatcher = setup::dispatcher(&config, &store, &clock)?;
    say(
        output,
        &format!(
            "a simulated tenant listens on {}; {} hunts; the history is {}",
            simulator.url(),
            hunts.len(),
            config.database.display()
        ),
    )?;
    let mut sums = Vec::new();
    for (number, after) in DEMO_RUNS.into_iter().enumerate() {
        manual.set_wall(start.plus(after));
        say(output, &format!("\nRun {} of {}, {}", number + 1, DEMO_RUNS.len(), clock.now()))?;
        sums.push(one(&runner, &dispatcher, &hunts, &tenants, output).await?);
    }
    simulator.stop().await;
    store.close().await?;
    end(&sums, &out, output)?;
    Ok(if sums.iter().any(|sum| sum.failed > 0) { Exit::RunFailed } else { Exit::Done })
}

/// One simulated run of every hunt.
async fn one(
    runner: &Runner,
    dispatcher: &Dispatcher,
    hunts: &[Arc<Hunt>],
    tenants: &Tenants,
    output: Output,
) -> Result<Sum, AppError> {
    let mut sum = Sum::default();
    for hunt in hunts {
        for tenant in tenants.values() {
            let order = Order {
                hunt: Arc::clone(hunt),
                tenant: Arc::clone(tenant),
                due: runner.clock.now(),
                trigger: Trigger::Schedule,
                window: None,
                as_of: None,
                notify: true,
            };
            let finished = runner.run(&order).await?;
            sum.rows += finished.run.rows;
            sum.new += finished.run.new;
            sum.failed += usize::from(finished.run.status == RunStatus::Failed);
            sum.notices += finished.deliveries.iter().filter(|delivery| delivery.channel.as_str() == "soc").count();
            show(runner, &finished, output).await?;
        }
    }
    dispatcher.drain().await?;
    say(output, &format!("  {} rows came back: {} new, {} mails", sum.rows, sum.new, sum.notices))?;
    Ok(sum)
}

/// What a run says, and, where something isn't told, why.
async fn show(runner: &Runner, finished: &Finished, output: Output) -> Result<(), AppError> {
    let run = &finished.run;
    if output.json {
        return output.object(&RunShape::from(run));
    }
    if let Some(error) = &run.error {
        return output.line(&format!("  {} failed: {error}", run.hunt));
    }
    let layout = Layout { colour: output.terminal, most: 3, ..Layout::default() };
    let told: Option<Told> = match finished.deliveries.first() {
        Some(delivery) => Some(runner.store.notice(&delivery.delivery).await?.hits),
        None => None,
    };
    if let Some(hits) = told {
        output.line(listing(&finished.notice, &Tally::of(&hits), hits.first(), &layout).trim_end())?;
    } else if run.new > 0 {
        output.line(&format!(
            "{} new, and not told: {} ({})",
            run.new,
            finished.notice.name,
            finished.verdict.map_or("", Verdict::as_str)
        ))?;
    }
    Ok(())
}

fn end(sums: &[Sum], out: &Path, output: Output) -> Result<(), AppError> {
    let counts: Vec<String> = sums.iter().map(|sum| sum.new.to_string()).collect();
    say(output, &format!("\nNew hits in the three runs: {}", counts.join(", ")))?;
    say(
        output,
        &format!(
            "The mails that huntd would have sent are in {}: .eml for a mail program, .html for a browser",
            out.join("mails").display()
        ),
    )?;
    say(output, &format!("Ask the history yourself: huntd -c {} hits", out.join("huntd.yaml").display()))
}

fn say(output: Output, text: &str) -> Result<(), AppError> {
    if output.json { output.note(text) } else { output.line(text) }
}

fn out_folder(arguments: &DemoArguments) -> Result<PathBuf, AppError> {
    let cannot = |error: std::io::Error| {
        AppError::new(format!("can't make a folder for the demonstration: {error}"), "name one with `--out`")
    };
    let Some(folder) = &arguments.out else {
        let made = tempfile::Builder::new().prefix("huntd-demo-").tempdir();
        return made.map(tempfile::TempDir::keep).map_err(cannot);
    };
    std::fs::create_dir_all(folder).map_err(cannot)?;
    if folder.join("huntd.db").exists() {
        return Err(AppError::new(
            format!("{} holds an earlier demonstration, whose hits would not be new", folder.display()),
            "name another folder with `--out`, or remove that one",
        ));
    }
    folder.canonicalize().map_err(cannot)
}

/// The demonstration's config, through the same reader as any other.
fn config(out: &Path, url: &str) -> Result<Config, AppError> {
    let path = out.join("huntd.yaml");
    let text = serde_json::json!({
        "hunts": "hunts",
        "database": "huntd.db",
        "tenants": {"contoso": {
            "tenant_id": "contoso.example", "client_id": "22222222-2222-4222-a222-222222222222",
            "auth": {"client_secret": {"file": "secret"}}, "login_url": url, "api_url": url,
        }},
        "channels": {
            "soc": {"email": {"server": format!("file://{}", out.join("mails").display()), "from": "huntd <huntd@contoso.example>", "to": ["soc@contoso.example"]}},
            "hits": {"file": {"path": "hits.jsonl"}},
            "journal": {"log": {}},
        },
        "routes": [{"to": ["soc", "hits", "journal"]}],
    });
    let text = serde_json::to_string_pretty(&text).unwrap_or_default();
    let write = |name: &str, text: &str| {
        let path = out.join(name);
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        folder
            .and_then(|()| std::fs::write(&path, text))
            .map_err(|error| AppError::plain(format!("can't write {}: {error}", path.display())))
    };
    write("huntd.yaml", &text)?;
    write("secret", "demo-secret\n")?;
    for (name, hunt) in HUNTS {
        write(&format!("hunts/{name}"), hunt)?;
    }
    config::load(&path, text.as_bytes(), &setup::directories())
        .map(|(config, _)| config)
        .map_err(|findings| AppError::plain(format!("the demonstration's config: {findings:?}")))
}

fn hunts(config: &Config) -> Result<Vec<Arc<Hunt>>, AppError> {
    let file = |(name, text): (&str, &str)| HuntFile {
        shown: PathBuf::from("hunts").join(name),
        relative: PathBuf::from(name),
        bytes: text.as_bytes().to_vec(),
    };
    let files: Vec<HuntFile> = HUNTS.into_iter().map(file).collect();
    let loaded = definition::load(&files, &config.defaults, config.timezone);
    match loaded.findings.iter().find(|finding| finding.level == Level::Error) {
        Some(finding) => Err(AppError::plain(format!("a hunt of the demonstration: {}", finding.message))),
        None => Ok(loaded.hunts.into_iter().map(Arc::new).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hunt_that_ships_is_in_the_demonstration() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("hunts");
        let files = walkdir::WalkDir::new(&root).sort_by_file_name().into_iter().map(Result::unwrap);
        let files = files.filter(|file| file.file_type().is_file());
        let names: Vec<String> =
            files.map(|file| file.path().strip_prefix(&root).unwrap().display().to_string()).collect();
        assert_eq!(names, HUNTS.map(|(name, _)| name));
    }
}
