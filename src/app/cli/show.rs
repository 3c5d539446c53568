//! `huntd show`: one run or one hit, whole.

use std::path::Path;

use crate::app::args::ShowArguments;
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::setup;
use crate::app::shapes::RunShape;
use crate::model::hit::Hit;
use crate::model::run::Run;
use crate::ports::store::{HitFilter, Store};
use crate::rules::render::{jsonl, terminal};

/// `huntd show`.
pub async fn run(path: &Path, arguments: &ShowArguments, output: Output) -> Result<Exit, AppError> {
    let (config, _) = setup::config(path, output)?;
    let store = setup::history(&config).await?;
    let what = arguments.what.trim();
    if let Some(run) = store.run(what).await? {
        show_run(&store, &run, output).await?;
        return Ok(Exit::Done);
    }
    let life = store.hit(what).await?;
    if life.is_empty() {
        output.note(&format!("no run and no hit `{}`", terminal::safe(what)))?;
        output.note("`huntd runs` and `huntd hits` list them; a hit's first eight digits are enough")?;
        return Ok(Exit::Findings);
    }
    for hit in &life {
        output.line(if output.json { jsonl::hit(hit) } else { terminal::hit_whole(hit, output.terminal) }.trim_end())?;
    }
    Ok(Exit::Done)
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
    let mut hits: Vec<Hit> = Vec::new();
    let filter = HitFilter { run: Some(run.run.as_str().to_owned()), ..HitFilter::default() };
    store.hits(&filter, |hit| hits.push(hit)).await?;
    output.line(&terminal::run_whole(run, &hits.iter().collect::<Vec<_>>(), output.terminal))
}
