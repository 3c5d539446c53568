//! From notes to findings: places, levels, what is allowed.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::{At, Note, Subject, World, comment, compare, cron, cut, identity, joins, lets, names, regex, timing};
use crate::model::hunt::Hunt;
use crate::model::place::{Edit, Finding, Level, Place};
use crate::rules::definition::{HuntFile, HuntPlaces, LoadedHunts, Spot};
use crate::rules::kql::analyse::analyse;
use crate::rules::kql::problem::Problem;
use crate::rules::window::QueryNature;
use crate::rules::yaml::Origin;

/// What lints find of a query that the analyser takes.
const LINTS: [fn(&Subject<'_>, &mut Vec<Note>); 9] = [
    timing::lint,
    cut::lint,
    identity::lint,
    names::lint,
    compare::lint,
    joins::lint,
    lets::lint,
    regex::lint,
    comment::lint,
];

/// Checks the enabled hunts: their queries, and all that lints say.
#[must_use]
pub fn check(loaded: &LoadedHunts, files: &[HuntFile], world: &World) -> Vec<Finding> {
    let report = Report::new(loaded, files);
    let hunts = loaded.hunts.iter().filter(|hunt| hunt.enabled);
    hunts.flat_map(|hunt| report.hunt(hunt, world)).collect()
}

/// Only the errors that the analyser sees in the queries of the enabled hunts, as warnings: what the
/// service takes in the end, the service decides.
#[must_use]
pub fn problems(loaded: &LoadedHunts, files: &[HuntFile], world: &World) -> Vec<Finding> {
    let report = Report::new(loaded, files);
    let mut findings = Vec::new();
    for hunt in loaded.hunts.iter().filter(|hunt| hunt.enabled) {
        let problems = analyse(&hunt.query, &world.schema).problems;
        let errors = problems.into_iter().filter(|problem| problem.level == Level::Error);
        let notes: Vec<Note> = errors.map(|problem| Note { level: Level::Warning, ..note(problem) }).collect();
        findings.extend(report.findings(hunt, notes));
    }
    findings
}

fn note(problem: Problem) -> Note {
    Note {
        code: problem.code.text(),
        level: problem.level,
        at: At::Query(problem.span),
        message: problem.message,
        opened: problem.related,
        hint: problem.hint,
        fix: problem.fix,
    }
}

struct Report<'r> {
    loaded: &'r LoadedHunts,
    texts: HashMap<&'r Path, &'r [u8]>,
    nowhere: HuntPlaces,
}

impl<'r> Report<'r> {
    fn new(loaded: &'r LoadedHunts, files: &'r [HuntFile]) -> Self {
        let texts = files.iter().map(|file| (file.shown.as_path(), file.bytes.as_slice())).collect();
        Self { loaded, texts, nowhere: HuntPlaces::default() }
    }

    fn places(&self, hunt: &Hunt) -> &HuntPlaces {
        self.loaded.places.get(&hunt.id).unwrap_or(&self.nowhere)
    }

    fn hunt(&self, hunt: &Hunt, world: &World) -> Vec<Finding> {
        let mut analysis = analyse(&hunt.query, &world.schema);
        let mut notes: Vec<Note> = std::mem::take(&mut analysis.problems).into_iter().map(note).collect();
        let refused = notes.iter().any(|note| note.level == Level::Error);
        let places = self.places(hunt);
        // Of a lookback that comes with a folder nobody thought for this query.
        let own = places.values.get("lookback").is_some_and(|spot| spot.file == hunt.source.file);
        let kind = (own && !refused).then(|| QueryNature::of(&hunt.query, &analysis, &world.schema).kind);
        let facts = std::mem::take(&mut analysis.facts);
        let subject = Subject { hunt, places, analysis: &analysis, facts, kind, world };
        cron::lint(&subject, &mut notes);
        if refused {
            // It may well be why the query is refused, and is easier to understand.
            comment::lint(&subject, &mut notes);
        } else {
            for lint in LINTS {
                lint(&subject, &mut notes);
            }
        }
        let silenced = self.silence(hunt, &mut notes);
        if !refused {
            notes.extend(self.needless(hunt, &silenced));
        }
        self.findings(hunt, notes)
    }

    /// Takes out what the hunt allows, and says which codes there were: lints of any level, else what
    /// is no error.
    fn silence(&self, hunt: &Hunt, notes: &mut Vec<Note>) -> BTreeSet<&'static str> {
        let mut silenced = self.places(hunt).silenced.clone();
        if hunt.allow.is_empty() {
            return silenced;
        }
        notes.retain(|note| {
            let may = note.level != Level::Error || note.code.starts_with('L');
            let meant = may && hunt.allow.contains_key(note.code);
            if meant {
                silenced.insert(note.code);
            }
            !meant
        });
        silenced
    }

    /// What the hunt itself allows, and what isn't there. Of defaults for many nothing is said.
    fn needless(&self, hunt: &Hunt, silenced: &BTreeSet<&'static str>) -> Vec<Note> {
        let places = self.places(hunt);
        let own = places.values.get("allow").is_some_and(|spot| spot.file == hunt.source.file);
        let needless = hunt.allow.keys().filter(|code| own && !silenced.contains(code.as_str()));
        let note = |code: &String| {
            let at = At::Key(vec![format!("allow.{code}"), "allow".to_owned()]);
            Note::new("H030", at, format!("`allow` names {code}, and there is no such finding in this hunt"))
                .hint("take it out: it would hide the next one")
        };
        needless.map(note).collect()
    }

    fn findings(&self, hunt: &Hunt, notes: Vec<Note>) -> Vec<Finding> {
        if notes.is_empty() {
            return Vec::new();
        }
        let places = self.places(hunt);
        let origin = notes.iter().any(|note| matches!(note.at, At::Query(_))).then(|| self.origin(hunt)).flatten();
        let start = Spot { file: hunt.source.file.clone(), place: Place::in_line(hunt.source.line, 1, 1) };
        let finding = |note: Note| {
            let spot = match &note.at {
                At::Key(keys) => keys.iter().find_map(|key| places.values.get(key)),
                At::Query(_) => places.values.get("query"),
            };
            let Spot { file, mut place } = spot.unwrap_or(&start).clone();
            if let (At::Query(span), Some(origin)) = (&note.at, &origin) {
                place = origin.place(span.range());
            }
            let message = match note.opened.zip(origin.as_ref()) {
                Some((opened, origin)) => {
                    format!("{} (opened on line {})", note.message, origin.place(opened.range()).line)
                }
                None => note.message,
            };
            let fix = note.fix.zip(origin.as_ref()).and_then(|(fix, origin)| {
                Some(Edit { place: origin.place(fix.span.range()), text: origin.written(&fix.text)? })
            });
            Finding {
                file,
                place,
                level: note.level,
                code: note.code,
                message,
                hint: note.hint,
                hunt: Some(hunt.id.to_string()),
                fix,
            }
        };
        notes.into_iter().map(finding).collect()
    }

    /// Where the query's characters stand in its file.
    fn origin(&self, hunt: &Hunt) -> Option<Origin> {
        let places = self.places(hunt);
        let spot = places.values.get("query")?;
        let text = std::str::from_utf8(self.texts.get(spot.file.as_path())?).ok()?;
        Origin::lay(text, spot.place, places.query_style?, &hunt.query)
    }
}
