//! `routes` and `failures`: who is told.

use std::time::Duration;

use globset::{Glob, GlobMatcher};

use super::section::{Context, Section};
use crate::model::config::{Failures, Route};
use crate::model::hunt::Severity;
use crate::model::id::{ChannelName, TenantName};
use crate::rules::check::nearest::did_you_mean;
use crate::rules::yaml::{self, Node, Problem, Value};

/// The names that a route may use.
pub(super) struct Known {
    pub(super) channels: Vec<String>,
    pub(super) tenants: Vec<String>,
}

/// Reads the list of routes.
pub(super) fn routes(context: &mut Context, node: &Node, known: &Known) -> Vec<Route> {
    let Value::List(nodes) = &node.value else {
        let message = format!("`routes` must be a list, and here is {}", node.kind());
        context.notes.error("C004", Problem::new(node.place, message));
        return Vec::new();
    };
    let routes = nodes.iter().enumerate();
    routes.filter_map(|(index, node)| route(context, node, &format!("routes[{index}]"), known)).collect()
}

fn route(context: &mut Context, node: &Node, what: &str, known: &Known) -> Option<Route> {
    let section = Section::open(context, node, what, &["match", "to", "group", "continue"])?;
    let mut route = Route::default();
    if let Some(node) = section.get("match") {
        route = matching(context, node, &section.name("match"), known)?;
    }
    if let Some(entry) = section.entry("group") {
        context.not_yet(entry.key_place, &section.name("group"));
    }
    let go_on = section.read(context, "continue", |context, node, what| context.keep(yaml::boolean(node, what)));
    route.go_on = go_on.unwrap_or(false);
    let to = section.need(context, "to")?;
    route.to = channels(context, to, &section.name("to"), known)?;
    if to.is_empty_list() {
        context.notes.error("C004", Problem::new(to.place, format!("`{}` names no channel", section.name("to"))));
    }
    Some(route)
}

fn matching(context: &mut Context, node: &Node, what: &str, known: &Known) -> Option<Route> {
    let section = Section::open(context, node, what, &["severity", "tags", "tenant", "hunt"])?;
    let severity = section.read(context, "severity", |context, node, what| {
        let choices = Severity::ALL.map(|severity| (severity.as_str(), severity));
        let words = context.words(node, what)?;
        Some(words.iter().filter_map(|(node, _)| context.choice(node, what, &choices)).collect())
    });
    let tags = section.read(context, "tags", Context::words);
    let tenant = section.read(context, "tenant", |context, node, what| {
        let words = context.words(node, what)?;
        let known = Names { code: "C009", word: "tenant", known: &known.tenants };
        Some(words.iter().filter_map(|(node, word)| known.check(context, node, word, TenantName::new)).collect())
    });
    let hunt = section.read(context, "hunt", glob);
    Some(Route {
        severity: severity.unwrap_or_default(),
        tags: tags.unwrap_or_default().into_iter().map(|(_, tag)| tag).collect(),
        tenant: tenant.unwrap_or_default(),
        hunt,
        ..Route::default()
    })
}

fn glob(context: &mut Context, node: &Node, what: &str) -> Option<GlobMatcher> {
    let text = context.text(node, what)?;
    let glob = Glob::new(&text).map(|glob| glob.compile_matcher());
    context.keep(glob.map_err(|error| Problem::new(node.place, format!("`{what}` is no glob: {}", error.kind()))))
}

/// Names of channels, each with an error where there is no such channel.
fn channels(context: &mut Context, node: &Node, what: &str, known: &Known) -> Option<Vec<ChannelName>> {
    let words = context.words(node, what)?;
    let known = Names { code: "C007", word: "channel", known: &known.channels };
    Some(words.iter().filter_map(|(node, word)| known.check(context, node, word, ChannelName::new)).collect())
}

struct Names<'a> {
    code: &'static str,
    word: &'static str,
    known: &'a [String],
}

impl Names<'_> {
    fn check<T, E: std::fmt::Display>(
        &self,
        context: &mut Context,
        node: &Node,
        name: &str,
        make: impl Fn(String) -> Result<T, E>,
    ) -> Option<T> {
        if self.known.iter().any(|known| known == name) {
            let name = make(name.to_owned());
            return context.keep(name.map_err(|error| Problem::new(node.place, error.to_string())));
        }
        let all = match self.known {
            [] => format!("the config has no {} at all", self.word),
            known => format!("known are {}", known.join(", ")),
        };
        let hint = did_you_mean(name, self.known.iter().map(String::as_str)).unwrap_or(all);
        let message = format!("no {} is named `{}`", self.word, name.escape_debug());
        context.notes.error(self.code, Problem::new(node.place, message).hint(hint));
        None
    }
}

/// Who is told of failures when the config says nothing: nobody, but the log.
pub(super) const NO_FAILURES: Failures = Failures { to: Vec::new(), after: 3, every: Duration::from_hours(24) };

/// Reads `failures`.
pub(super) fn failures(context: &mut Context, node: &Node, known: &Known) -> Option<Failures> {
    let section = Section::open(context, node, "failures", &["to", "after", "every"])?;
    let to = section.read(context, "to", |context, node, what| channels(context, node, what, known));
    let after = section.read(context, "after", |context, node, what| context.keep(yaml::count(node, what)));
    let every = section.read(context, "every", |context, node, what| context.keep(yaml::duration(node, what)));
    Some(Failures {
        to: to.unwrap_or_default(),
        after: after.map_or(NO_FAILURES.after, |count| u32::try_from(count).unwrap_or(u32::MAX)),
        every: every.unwrap_or(NO_FAILURES.every),
    })
}
