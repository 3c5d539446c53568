//! `huntd advise`: which key and ignores a hunt's past suggests.

use std::ops::ControlFlow;
use std::path::Path;

use serde::Serialize;

use super::replay::{hunt, replayer};
use super::{past, select};
use crate::app::args::AdviseArguments;
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::{queries, setup};
use crate::engine::past::Past;
use crate::model::hunt::Hunt;
use crate::model::time::Timestamp;
use crate::ports::clock::{Clock, SystemClock};
use crate::rules::advise::{Advice, Fault, KeyAdvice, Sample, advise};
use crate::rules::kql::analyse::analyse;
use crate::rules::render::counted::counted;
use crate::rules::render::terminal::terminal_safe;
use crate::rules::replay::Replay;
use crate::rules::yaml::word;

/// What is suggested for a hunt on a tenant, as `advise --json` prints it.
#[derive(Debug, Serialize)]
struct Advised {
    hunt: String,
    tenant: String,
    /// Runs with a result.
    runs: u64,
    /// Rows that the API returned in them.
    rows: u64,
    /// Hits told then.
    told: u64,
    /// Hits that the hunt as it stands would tell.
    as_is: u64,
    /// Hits that it would tell with what is suggested.
    suggested: u64,
    /// What is wrong with its key.
    faults: Vec<Faulty>,
    /// A better key; none where the hunt's own does.
    key: Option<Vec<String>>,
    /// Columns of that key that somebody outside chooses.
    chosen: Vec<String>,
    /// Columns to ignore too, with how often each changed, of how many rows that came again.
    ignore: Vec<Ignored>,
    /// What to write into the hunt; none where nothing is suggested.
    yaml: Option<String>,
    /// Rows that aren't stored any more.
    missing: u64,
    /// Runs that were too many to be looked at for a key.
    left_out: u64,
    /// Whether there were too few results to suggest anything.
    too_little: bool,
    #[serde(skip)]
    is_known: bool,
}

#[derive(Debug, Serialize)]
struct Faulty {
    fault: &'static str,
    column: Option<String>,
    rows: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Ignored {
    column: String,
    changed: u64,
    of: u64,
}

/// `huntd advise`.
pub async fn run(path: &Path, arguments: &AdviseArguments, output: Output) -> Result<Exit, AppError> {
    let loaded = setup::load(path, output)?;
    let since = arguments.since.as_deref().map(|text| select::duration("--since", text)).transpose()?;
    let since = since.map(|length| SystemClock::new().now().minus(length));
    let schema = queries::world(&loaded.config).0.schema;
    let defaults = &loaded.config.defaults;
    setup::history(&loaded.config, async |store| {
        for track in past::tracks(store, &arguments.hunt, arguments.tenant.as_deref()).await? {
            let of = Past { store, hunt: &track.hunt, tenant: &track.tenant, schema: &schema, defaults };
            let hunt = hunt(&loaded, store, &track.hunt, &track.tenant).await?;
            let advised = advised(&of, &hunt, since).await?;
            if output.json { output.object(&advised)? } else { show(&advised, output)? }
        }
        Ok(())
    })
    .await?;
    Ok(Exit::Done)
}

/// Looks at the past once to find what to suggest, and once more to see what it would have told.
async fn advised(of: &Past<'_>, hunt: &Hunt, since: Option<Timestamp>) -> Result<Advised, AppError> {
    let sets = analyse(&hunt.query, of.schema).facts.sets.clone();
    let (mut sample, mut failed) = (Sample::default(), None);
    of.walk(|past, result| {
        if since.is_none_or(|since| past.run.started >= since) {
            failed = sample.take(&result.schema, &sets, &result.rows).err();
        }
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .await?;
    if let Some(error) = failed {
        return Err(AppError::plain(format!("a stored row can't be read: {error}")));
    }
    let advice = advise(&sample, hunt.key.as_deref().filter(|key| !key.is_empty()), &hunt.ignore);
    let better = with(hunt, &advice);
    let left_out = sample.left_out();
    drop(sample);
    let mut advised = Advised::of(of, &advice, yaml(&better, &advice), left_out);
    let mut replays = [replayer(of, hunt.clone()), replayer(of, better)];
    of.walk(|past, result| {
        let told = replays.each_mut().map(|replay: &mut Replay| replay.take(result).map_or(0, |retold| retold.told));
        if since.is_none_or(|since| past.run.started >= since) {
            let [as_is, suggested] = told;
            advised.runs += 1;
            advised.rows += past.run.rows;
            advised.told += past.told.unwrap_or(0);
            advised.missing += past.missing;
            advised.as_is += as_is;
            advised.suggested += suggested;
        }
        ControlFlow::Continue(())
    })
    .await?;
    Ok(advised)
}

/// The hunt with what is suggested.
fn with(hunt: &Hunt, advice: &Advice) -> Hunt {
    let mut better = hunt.clone();
    if let Some(key) = &advice.key {
        better.key = Some(key.columns.clone());
    }
    let in_key = |name: &String| better.key.iter().flatten().any(|column| column == name);
    let ignore = hunt.ignore.iter().chain(advice.ignore.iter().map(|(name, ..)| name));
    better.ignore = ignore.filter(|name| !in_key(name)).cloned().collect();
    better
}

/// The lines to paste into the hunt's file.
fn yaml(better: &Hunt, advice: &Advice) -> Option<String> {
    let list = |names: &[String]| names.iter().map(|name| word(name)).collect::<Vec<_>>().join(", ");
    let mut lines = Vec::new();
    if let Some(key) = &advice.key {
        lines.push(format!("key: [{}]", list(&key.columns)));
    }
    if !advice.ignore.is_empty() {
        lines.push(format!("ignore: [{}]", list(&better.ignore)));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

impl Advised {
    fn of(of: &Past<'_>, advice: &Advice, yaml: Option<String>, left_out: u64) -> Self {
        let key = advice.key.as_ref();
        let ignored =
            |(column, changed, of): &(String, u64, u64)| Ignored { column: column.clone(), changed: *changed, of: *of };
        Self {
            hunt: of.hunt.to_string(),
            tenant: of.tenant.to_string(),
            runs: 0,
            rows: 0,
            told: 0,
            as_is: 0,
            suggested: 0,
            faults: advice.faults.iter().map(Faulty::of).collect(),
            key: key.map(|key| key.columns.clone()),
            chosen: key.map(|key| key.chosen.clone()).unwrap_or_default(),
            ignore: advice.ignore.iter().map(ignored).collect(),
            yaml,
            missing: 0,
            left_out,
            too_little: advice.is_too_little(),
            is_known: key.is_some_and(|key: &KeyAdvice| key.is_known),
        }
    }
}

impl Faulty {
    fn of(fault: &Fault) -> Self {
        let (fault, column, rows) = match fault {
            Fault::NotUnique(rows) => ("not_unique", None, Some(*rows)),
            Fault::Empty(rows) => ("empty", None, Some(*rows)),
            Fault::AlwaysEmpty(column) => ("always_empty", Some(column.clone()), None),
            Fault::Missing(column) => ("missing", Some(column.clone()), None),
            Fault::Changes(column) => ("changes", Some(column.clone()), None),
        };
        Self { fault, column, rows }
    }

    /// For a person.
    fn text(&self) -> String {
        let column = terminal_safe(self.column.as_deref().unwrap_or(""));
        let rows = counted(self.rows.unwrap_or(0), "row");
        match self.fault {
            "not_unique" => {
                format!("the key isn't unique: {rows} came into a result that held another of the same key")
            }
            "empty" => format!("the key holds nothing in {rows}, which are known by all their columns"),
            "always_empty" => format!("the key column `{column}` holds nothing in any row"),
            "missing" => format!("the key column `{column}` is in no result"),
            _ => format!("the key column `{column}` is another each time that the rest of a row comes again"),
        }
    }
}

fn show(advised: &Advised, output: Output) -> Result<(), AppError> {
    let (hunt, tenant) = (terminal_safe(&advised.hunt), &advised.tenant);
    let runs = counted(advised.runs, "run");
    output.line(&format!(
        "{hunt} on {tenant}: {runs} with {}, {} told then",
        counted(advised.rows, "row"),
        advised.told
    ))?;
    if advised.too_little {
        return output.line("  too little history: it takes three results with rows to suggest anything");
    }
    for fault in &advised.faults {
        output.line(&format!("  {}", fault.text()))?;
    }
    for Ignored { column, changed, of } in &advised.ignore {
        let column = terminal_safe(column);
        output.line(&format!("  `{column}` was another in {changed} of {} that came again", counted(*of, "row")))?;
    }
    if let Some(key) = &advised.key {
        let key = terminal_safe(&key.join(", "));
        let why = if advised.is_known {
            "as Microsoft's own detections have it"
        } else {
            "the smallest that was unique and stable"
        };
        output.line(&format!("  key [{key}]: {why}"))?;
    }
    match &advised.yaml {
        Some(yaml) => {
            let (as_is, suggested) = (advised.as_is, advised.suggested);
            output.line(&format!(
                "  the hunt as it stands tells {as_is} of them; with this it would have been {suggested}:"
            ))?;
            output.line("")?;
            for line in yaml.lines() {
                output.line(&format!("    {}", terminal_safe(line)))?;
            }
            output.line("")?;
        }
        None if advised.faults.is_empty() => {
            output.line("  nothing to suggest: its hits are told once as it stands")?;
        }
        None => output.line("  no key of the result's columns was unique and stable: see docs/identity.md")?,
    }
    warn(advised, output)
}

/// What to mind before it is pasted.
fn warn(advised: &Advised, output: Output) -> Result<(), AppError> {
    let chosen = advised.chosen.len();
    if chosen > 0 && Some(chosen) == advised.key.as_ref().map(Vec::len) {
        output
            .line("  careful: who writes rows chooses all columns of this key, and so can hide behind a known one;")?;
        output.line("  add a column that they don't choose, such as the device or the account (docs/identity.md)")?;
    } else if chosen > 0 {
        let names = terminal_safe(&advised.chosen.join(", "));
        output
            .line(&format!("  careful: who writes rows chooses {names}; the rest of the key must tell things apart"))?;
    }
    if advised.yaml.is_some() {
        output.line(
            "  rows say what was unique so far, not what always will be: look at `huntd replay` before you paste it",
        )?;
    }
    if advised.missing > 0 {
        output.note(&format!("{} past their retention were left out", counted(advised.missing, "row")))?;
    }
    if advised.left_out > 0 {
        output.note(&format!(
            "the last {} runs were too much to look for a key in: try a shorter `--since`",
            advised.left_out
        ))?;
    }
    Ok(())
}
