//! A hunt's rule of identity, and what it means for a result's columns.

use std::collections::{HashMap, HashSet};

use crate::model::row::Schema;

/// What makes a row the same hit, as the hunt says it. Names are columns: they match the schema's
/// exactly, else without regard to the case of ASCII letters where only one column fits so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdentityRule {
    /// The columns that make a row the same hit; `None`, or none at all, means every column that
    /// isn't ignored. The same goes for a row in which all of them are nothing.
    pub key: Option<Vec<String>>,
    /// Columns that don't count for identity or change. One that the result lacks is no fault; one
    /// that is in `key` counts all the same.
    pub ignore: Vec<String>,
    /// The columns whose values make a row the same for suppression; `None`, or none at all, means that
    /// rows have no group: nothing is suppressed, or the hunt as a whole is, for which no row counts.
    pub suppress_by: Option<Vec<String>>,
    /// Columns of arrays that have no order, such as `make_set` gives: they are equal when they hold
    /// the same elements, each as often. One that the result lacks is no fault; where a name fits
    /// several columns, none is meant.
    pub sets: Vec<String>,
    /// The columns that hold an event's own time and the time of its arrival. Where the result lacks one of
    /// them, or a name fits several, nothing is said of lateness.
    pub arrival: Option<(String, String)>,
}

impl IdentityRule {
    /// Whether a row that is the same mostly comes in the same bytes. Where it doesn't, as something that doesn't count
    /// is another in each result, it is in vain to note the bytes of the last one.
    #[must_use]
    pub fn keeps_bytes(&self) -> bool {
        self.ignore.is_empty() && self.sets.is_empty()
    }
}

/// Why a rule doesn't fit a result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The rule names a column that the result doesn't have.
    #[error("the result has no column `{column}`, which `{setting}` names{}", nearest(column, columns))]
    MissingKey {
        /// Where it is named: `key` or `suppress.by`.
        setting: &'static str,
        /// The column that is missing.
        column: String,
        /// The result's columns, in order.
        columns: Vec<String>,
    },
    /// Two columns of one name: no row could be read for certain.
    #[error("the result has two columns of the name `{}`", column.escape_debug())]
    DoubleColumn {
        /// The name.
        column: String,
    },
    /// The rule names a column without regard to case, and several fit.
    #[error(
        "`{setting}` names `{column}`, and the result has several such columns that differ in case: {}",
        listed(columns)
    )]
    Ambiguous {
        /// Where it is named: `key` or `suppress.by`.
        setting: &'static str,
        /// The name.
        column: String,
        /// The columns that fit.
        columns: Vec<String>,
    },
    /// Nothing is left by which rows could be told apart.
    #[error("`ignore` leaves no column of the result by which one row could be told from another")]
    NothingCounts,
}

impl IdentityError {
    /// How to mend it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::MissingKey { .. } => "name a column of the query's result, or let the query keep that column",
            Self::DoubleColumn { .. } => "give one of the two columns another name in the query",
            Self::Ambiguous { .. } => "spell the column exactly as the query's result does",
            Self::NothingCounts => "give the hunt a `key`, or ignore fewer columns",
        }
    }
}

/// `; the nearest is ...`, and the columns where there is none near.
fn nearest(column: &str, columns: &[String]) -> String {
    let wanted = column.to_lowercase();
    let distance = |name: &&String| strsim::damerau_levenshtein(&wanted, &name.to_lowercase());
    match columns.iter().min_by_key(distance) {
        Some(name) if distance(&name) <= wanted.chars().count().div_ceil(2) => {
            format!("; did you mean `{}`?", name.escape_debug())
        }
        Some(_) => {
            format!("; it has {}", listed(columns))
        }
        None => "; it has none at all".to_owned(),
    }
}

/// Names for a message: escaped, and not too many.
fn listed(columns: &[String]) -> String {
    let shown = columns.iter().take(20).map(|name| name.escape_debug().to_string());
    let more = if columns.len() > 20 { ", ..." } else { "" };
    format!("{}{more}", shown.collect::<Vec<_>>().join(", "))
}

/// A rule resolved against a schema: columns by their places in it.
#[derive(Debug)]
pub(super) struct Columns {
    /// Those that make a row the same hit, sorted by canonical name.
    pub(super) key: Vec<usize>,
    /// Those that count for change, the key's among them, sorted by canonical name.
    pub(super) counting: Vec<usize>,
    /// Those of suppression, sorted by canonical name; `None` where rows have no group.
    pub(super) group: Option<Vec<usize>>,
    /// The canonical name of each column of the schema: in small letters, as the API doesn't always
    /// spell names alike; as it stands where two columns differ in case alone.
    pub(super) names: Vec<String>,
    /// Those of arrays without order.
    pub(super) sets: Vec<usize>,
    /// Those of event time and arrival.
    pub(super) arrival: Option<(usize, usize)>,
}

impl Columns {
    pub(super) fn resolve(rule: &IdentityRule, schema: &Schema) -> Result<Self, IdentityError> {
        let names = canonical_names(schema)?;
        let by_name = |columns: &mut Vec<usize>| {
            columns.sort_by_key(|at| names.get(*at));
            columns.dedup();
        };
        let ignored: Vec<usize> = rule.ignore.iter().filter_map(|name| find(schema, name)).collect();
        let given = rule.key.as_ref().filter(|key| !key.is_empty());
        let mut key = match given {
            Some(columns) => find_all(schema, columns, "key")?,
            None => (0..schema.columns.len()).filter(|at| !ignored.contains(at)).collect(),
        };
        by_name(&mut key);
        if key.is_empty() && !schema.columns.is_empty() {
            return Err(IdentityError::NothingCounts);
        }
        let mut counting: Vec<usize> =
            (0..schema.columns.len()).filter(|at| !ignored.contains(at) || key.contains(at)).collect();
        by_name(&mut counting);
        let group = rule.suppress_by.as_ref().filter(|by| !by.is_empty());
        let mut group = group.map(|by| find_all(schema, by, "suppress.by")).transpose()?;
        if let Some(group) = &mut group {
            by_name(group);
        }
        let sets = rule.sets.iter().filter_map(|name| find_one(schema, name, "sets").ok()).collect();
        let arrival = rule.arrival.as_ref().and_then(|(event, arrived)| {
            Some((find_one(schema, event, "arrival").ok()?, find_one(schema, arrived, "arrival").ok()?))
        });
        Ok(Self { key, counting, group, names, sets, arrival })
    }
}

fn canonical_names(schema: &Schema) -> Result<Vec<String>, IdentityError> {
    let mut exact: HashSet<&str> = HashSet::new();
    let mut folded: HashMap<String, usize> = HashMap::new();
    for column in &schema.columns {
        if !exact.insert(&column.name) {
            return Err(IdentityError::DoubleColumn { column: column.name.clone() });
        }
        *folded.entry(column.name.to_ascii_lowercase()).or_default() += 1;
    }
    let canonical = |name: &String| {
        let small = name.to_ascii_lowercase();
        if folded.get(&small).is_some_and(|count| *count > 1) { name.clone() } else { small }
    };
    Ok(schema.columns.iter().map(|column| canonical(&column.name)).collect())
}

/// The column that a person means by `name`.
fn find(schema: &Schema, name: &str) -> Option<usize> {
    let exact = schema.columns.iter().position(|column| column.name == name);
    exact.or_else(|| schema.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)))
}

fn find_all(schema: &Schema, names: &[String], setting: &'static str) -> Result<Vec<usize>, IdentityError> {
    names.iter().map(|name| find_one(schema, name, setting)).collect()
}

/// As [`find`], where a guess would do harm: who writes rows may name columns, where a query unpacks
/// a bag, and must not become the key.
fn find_one(schema: &Schema, name: &str, setting: &'static str) -> Result<usize, IdentityError> {
    let named = |fits: &dyn Fn(&str) -> bool| {
        let names = schema.columns.iter().map(|column| &column.name);
        names.filter(|name| fits(name)).cloned().collect::<Vec<_>>()
    };
    let column = || name.to_owned();
    let Some(at) = find(schema, name) else {
        return Err(IdentityError::MissingKey { setting, column: column(), columns: named(&|_| true) });
    };
    let columns = named(&|of| of.eq_ignore_ascii_case(name));
    if columns.len() > 1 && !columns.iter().any(|of| of == name) {
        return Err(IdentityError::Ambiguous { setting, column: column(), columns });
    }
    Ok(at)
}
