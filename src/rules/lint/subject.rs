//! What lints look at, and what they say.

use crate::model::config::{ApiKind, Config, SchemaConfig};
use crate::model::hunt::{Dialect, Hunt};
use crate::model::id::TenantName;
use crate::model::place::Level;
use crate::rules::check::codes;
use crate::rules::config::Tables;
use crate::rules::definition::HuntPlaces;
use crate::rules::kql::analyse::Analysis;
use crate::rules::kql::facts::Facts;
use crate::rules::kql::problem::Fix;
use crate::rules::kql::schema::Schema;
use crate::rules::kql::span::Span;
use crate::rules::window::QueryKind;
use crate::rules::yaml::Style;

/// What hunts are checked against.
#[derive(Debug, Clone)]
pub struct World {
    /// The tables and columns that there are.
    pub schema: Schema,
    /// The tenants that are asked by the older API, which takes no time span beside the query.
    pub older: Vec<TenantName>,
}

impl World {
    /// A tenant alone, of which nothing more is known.
    #[must_use]
    pub fn plain() -> Self {
        Self { schema: Schema::defender().clone(), older: Vec::new() }
    }

    /// The world of a config. `files` are its files of tables, read.
    #[must_use]
    pub fn of(config: &Config, files: &[Tables]) -> Self {
        let asked = config.tenants.values().filter(|tenant| tenant.enabled && tenant.api == ApiKind::Defender);
        let older = asked.map(|tenant| tenant.name.clone()).collect();
        Self { older, ..Self::with(&config.schema, files) }
    }

    /// The world of a schema alone.
    #[must_use]
    pub fn with(config: &SchemaConfig, files: &[Tables]) -> Self {
        let mut lines = String::new();
        for (table, columns) in files.iter().chain([&config.tables]).flatten() {
            for (column, ty) in columns {
                lines.extend([table, "\t", column, "\t", ty, "\n"]);
            }
        }
        let schema = Schema::defender().extend_tsv(&lines);
        // Names and types were checked on loading.
        let schema = schema.unwrap_or_else(|_| Schema::defender().clone());
        Self { schema: schema.with_workspace(config.workspace), older: Vec::new() }
    }
}

/// A hunt that is looked at.
pub(super) struct Subject<'s> {
    pub(super) hunt: &'s Hunt,
    pub(super) places: &'s HuntPlaces,
    pub(super) analysis: &'s Analysis<'s>,
    pub(super) facts: Facts<'s>,
    /// Which event time the query is given, where the hunt's own file says a lookback.
    pub(super) kind: Option<QueryKind>,
    pub(super) world: &'s World,
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// In the query.
    Query(Span),
    /// At the first of these keys that the hunt has; else at its beginning.
    Key(Vec<String>),
}

/// What a lint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) code: &'static str,
    pub(super) level: Level,
    pub(super) at: At,
    pub(super) message: String,
    /// Where in the query the bracket was opened that the message is about.
    pub(super) opened: Option<Span>,
    pub(super) hint: Option<String>,
    pub(super) fix: Option<Fix>,
}

impl Note {
    /// A note of the level that its code usually has.
    pub(super) fn new(code: &'static str, at: At, message: impl Into<String>) -> Self {
        let level = codes::find(code).map_or(Level::Warning, |rule| rule.level);
        Self { code, level, at, message: message.into(), opened: None, hint: None, fix: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(super) fn fix(self, span: Span, text: impl Into<String>) -> Self {
        Self { fix: Some(Fix { span, text: text.into() }), ..self }
    }
}

impl At {
    /// The first of these keys that the hunt has.
    pub(super) fn key(keys: &[&str]) -> Self {
        Self::Key(keys.iter().map(|key| (*key).to_owned()).collect())
    }
}

impl Subject<'_> {
    /// Whether a text of a foreign format can't say what huntd's own keys say: then advice on these is
    /// worth less.
    pub(super) fn is_foreign(&self) -> bool {
        self.hunt.dialect != Dialect::Huntd
    }

    /// Whether the query's lines stand in the file as they are.
    pub(super) fn keeps_lines(&self) -> bool {
        self.places.query_style == Some(Style::Literal)
    }

    /// Whether a name is a column that comes out; `None` where that isn't known.
    pub(super) fn returns(&self, column: &str) -> Option<bool> {
        let columns = self.analysis.columns.as_deref()?;
        Some(columns.iter().any(|known| known.name == column))
    }
}
