//! `huntd hits`: what the runs said of hits.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::Path;

use super::hits_printer::Printer;
use super::select;
use crate::app::args::{HitsArguments, HitsFormat};
use crate::app::exit::{AppError, Exit};
use crate::app::output::Output;
use crate::app::setup;
use crate::model::hit::{Hit, HitKind};
use crate::model::id::{HuntId, NameError, RunId, TenantName};
use crate::model::time::Timestamp;
use crate::ports::clock::{Clock, SystemClock};
use crate::ports::store::{HitFilter, Store};
use crate::rules::filter::{Column, Expr, Filter, Problem, Unmet, parse, parse_columns};
use crate::rules::render::pointed::pointed;
use crate::rules::render::terminal::terminal_safe;
use crate::rules::sieve::Probe;

/// `huntd hits`.
pub async fn run(path: &Path, arguments: &HitsArguments, output: Output) -> Result<Exit, AppError> {
    let expressions = expressions(arguments)?;
    let mut printer = Printer::new(format(arguments, output)?, columns(arguments)?, output);
    let (config, _) = setup::config(path, output)?;
    let since = arguments.since.as_deref().map(|text| select::duration("--since", text)).transpose()?;
    let matcher = arguments.hunt.as_deref().map(select::matcher).transpose()?;
    let wanted = |hunt: &HuntId| matcher.as_ref().is_none_or(|matcher| matcher(hunt.as_str()));
    let tenant = arguments.tenant.as_deref().map(TenantName::new).transpose().map_err(|error| name(&error))?;
    let run = arguments.run.as_deref().map(RunId::new).transpose().map_err(|error| name(&error))?;
    let probe = arguments.seen.as_deref().map(probe).transpose()?;
    let now = SystemClock::new().now();
    let filter = HitFilter {
        hunt: Some(&wanted),
        tenant: tenant.as_ref(),
        since: since.map(|length| now.minus(length)),
        run: run.as_ref(),
        kind: arguments.kind.as_deref().and_then(HitKind::parse),
        seen: probe.as_ref(),
        limit: None,
    };
    let mut question = Question::new(&expressions, filter, now);
    let limit = arguments.limit;
    setup::history(&config, async |store| match limit {
        Some(limit) => newest(store, &mut question, limit, &mut printer).await,
        None => all(store, &mut question, &mut printer).await,
    })
    .await?;
    let mut unmet = printer.end()?;
    for asked in question.expressions.unmet() {
        if !unmet.contains(&asked) {
            unmet.push(asked);
        }
    }
    for Unmet { column, near } in unmet {
        let near = near.map(|near| format!("; did you mean `{}`?", terminal_safe(&near))).unwrap_or_default();
        output.note(&format!("no hit has a column `{}`{near}", terminal_safe(&column)))?;
    }
    Ok(Exit::Done)
}

/// A text that is asked for.
fn probe(text: &str) -> Result<Probe, AppError> {
    let hint = "name a hash, an address, a host, an account: whatever may be the whole text of a column";
    Probe::new(text).ok_or_else(|| AppError::new("`--seen` needs a text", hint))
}

/// Which hits are meant.
struct Question<'a> {
    /// What the store knows of.
    filter: HitFilter<'a>,
    /// What is asked of the rows.
    expressions: Filter,
    is_open: bool,
}

impl<'a> Question<'a> {
    fn new(expressions: &[Expr], filter: HitFilter<'a>, now: Timestamp) -> Self {
        let is_open = expressions.is_empty() && filter.seen.is_none();
        Self { filter, expressions: Filter::new(expressions, now), is_open }
    }

    /// Does something with each hit that passes, until it breaks off.
    async fn each(
        &mut self,
        store: &Store,
        limit: Option<usize>,
        mut each: impl FnMut(Hit) -> ControlFlow<()> + Send,
    ) -> Result<(), AppError> {
        let filter = HitFilter { limit, ..self.filter };
        let expressions = &mut self.expressions;
        let pass = |hit: Hit| if expressions.passes(&hit) { each(hit) } else { ControlFlow::Continue(()) };
        Ok(store.hits(&filter, pass).await?)
    }
}

/// Prints the newest hits. The store counts hits before the expressions are asked, so these are held in
/// memory until it is known which are the last.
async fn newest(
    store: &Store,
    question: &mut Question<'_>,
    limit: usize,
    printer: &mut Printer,
) -> Result<(), AppError> {
    let mut last: VecDeque<Hit> = VecDeque::new();
    let keep = |hit: Hit| {
        last.push_back(hit);
        if last.len() > limit {
            last.pop_front();
        }
        ControlFlow::Continue(())
    };
    let known = question.is_open.then_some(limit);
    question.each(store, known, keep).await?;
    last.iter().try_for_each(|hit| printer.meet(hit))?;
    last.iter().try_for_each(|hit| printer.hit(hit))
}

/// Prints all hits, with one of them in memory at a time. CSV wants to know all columns first, so it looks
/// at the hits twice; those that a run adds in between are left for the next time.
async fn all(store: &Store, question: &mut Question<'_>, printer: &mut Printer) -> Result<(), AppError> {
    let mut done = Ok(());
    let mut left = u64::MAX;
    if printer.wants_columns() {
        left = 0;
        let meet = |hit: Hit| {
            left += 1;
            done = printer.meet(&hit);
            flow(&done)
        };
        question.each(store, None, meet).await?;
        done?;
    }
    let mut done = Ok(());
    let print = |hit: Hit| {
        if left == 0 {
            return ControlFlow::Break(());
        }
        left -= 1;
        done = printer.hit(&hit);
        flow(&done)
    };
    question.each(store, None, print).await?;
    done
}

fn flow(done: &Result<(), AppError>) -> ControlFlow<()> {
    if done.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

fn expressions(arguments: &HitsArguments) -> Result<Vec<Expr>, AppError> {
    arguments.expressions.iter().map(|text| parse(text).map_err(|problem| misread("--where", &problem))).collect()
}

fn columns(arguments: &HitsArguments) -> Result<Option<Vec<Column>>, AppError> {
    let read = |text: &String| parse_columns(text).map_err(|problem| misread("--columns", &problem));
    arguments.columns.as_ref().map(read).transpose()
}

/// `None` for a line a hit.
fn format(arguments: &HitsArguments, output: Output) -> Result<Option<HitsFormat>, AppError> {
    match (arguments.format, &arguments.columns) {
        (Some(HitsFormat::Json), Some(_)) => Err(AppError::new(
            "`--columns` goes with `--format table` and `--format csv`: a JSON line has the whole row",
            "take `--columns` away, and choose with a tool that reads JSON",
        )),
        (None, Some(_)) => Ok(Some(HitsFormat::Table)),
        (None, None) if output.json => Ok(Some(HitsFormat::Json)),
        (format, _) => Ok(format),
    }
}

fn misread(option: &str, problem: &Problem) -> AppError {
    AppError::new(pointed(option, problem), terminal_safe(&problem.hint))
}

fn name(error: &NameError) -> AppError {
    AppError::new(error.to_string(), "`huntd runs` and `huntd list` show what there is")
}
