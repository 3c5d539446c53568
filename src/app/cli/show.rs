//! `huntd show`: one run or one hit, whole.

use std::ops::ControlFlow;
use std::path::Path;

use crate::app::args::ShowArguments;
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::setup;
use crate::app::shapes::RunShape;
use crate::model::hit::Hit;
use crate::model::run::Run;
use crate::ports::store::{HitFilter, HitSearch, Store};
use crate::rules::render::terminal::terminal_safe;
use crate::rules::render::{life, record};

/// `huntd show`.
pub async fn run(path: &Path, arguments: &ShowArguments, output: Output) -> Result<Exit, AppError> {
    let (config, _) = setup::config(path, output)?;
    setup::history(&config, async |store| show(store, arguments.what.trim(), output).await).await
}

async fn show(store: &Store, what: &str, output: Output) -> Result<Exit, AppError> {
    if let Some(run) = store.run(what).await? {
        show_run(store, &run, output).await?;
        return Ok(Exit::Done);
    }
    match store.hit(what).await? {
        HitSearch::One(life) => {
            let text = if output.json { life::json(&life) } else { life::whole(&life, output.terminal) };
            output.line(text.trim_end())?;
            Ok(Exit::Done)
        }
        HitSearch::Several(hits) => {
            output.note(&format!("several hits begin with `{}`:", terminal_safe(what)))?;
            for hit in hits {
                output.note(&format!("  {hit}"))?;
            }
            Ok(Exit::Findings)
        }
        HitSearch::Nothing => {
            output.note(&format!("no run and no hit `{}`", terminal_safe(what)))?;
            output.note("`huntd runs` and `huntd hits` list them; the first eight digits of a hit are enough")?;
            Ok(Exit::Findings)
        }
    }
}

async fn show_run(store: &Store, run: &Run, output: Output) -> Result<(), AppError> {
    if output.json {
        let mut shape = serde_json::to_value(RunShape::from(run))
            .map_err(|error| AppError::plain(format!("can't print JSON: {error}")))?;
        if let Some(fields) = shape.as_object_mut() {
            fields.insert("query".to_owned(), run.query.clone().into());
        }
        return output.object(&shape);
    }
    output.line(&record::run_whole(run))?;
    let mut failed = None;
    let filter = HitFilter { run: Some(&run.run), ..HitFilter::default() };
    let print = |hit: Hit| {
        failed = output.line(&record::hit_line(&hit)).err();
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    store.hits(&filter, print).await?;
    failed.map_or(Ok(()), Err)
}
