//! What holds of any text: proptest asks it here, and libFuzzer in `tests/fuzz`.

use crate::model::time::{Timestamp, Window};
use crate::rules::kql::analyse::analyse;
use crate::rules::kql::asof::as_of;
use crate::rules::kql::bounds::{counted, part, within};
use crate::rules::kql::facts::Moment;
use crate::rules::kql::lexer::tokens;
use crate::rules::kql::schema::Schema;

/// What a text can do to the front end, all of it.
pub(crate) fn all(text: &str) {
    let schema = Schema::defender();
    let analysis = analyse(text, schema);
    for problem in &analysis.problems {
        let span = problem.span;
        assert!(
            span.start <= span.end && text.get(span.range()).is_some(),
            "{span:?} of {text:?}: {}",
            problem.message
        );
        if let Some(fix) = &problem.fix {
            assert!(text.get(fix.span.range()).is_some(), "{fix:?}");
        }
    }
    let later = as_of(text, &analysis.query, Timestamp::from_seconds(1_700_000_000));
    let again = analyse(&later, schema);
    assert!(!again.facts.reads_clock || !analysis.facts.reads_clock || analysis.is_refused(), "{later}");
    bounds_hold(text);
}

/// A query that is held to a window, counted or cut in parts is accepted, and means the same but for that.
pub(crate) fn bounds_hold(text: &str) {
    let schema = Schema::defender();
    let window = Window { from: Timestamp::from_seconds(1_700_000_000), to: Timestamp::from_seconds(1_700_003_600) };
    let analysis = analyse(text, schema);
    if analysis.is_refused() {
        return;
    }
    if let Some(held) = within(text, &analysis.query, schema, window) {
        let after = analyse(&held, schema);
        assert!(!after.is_refused(), "{held}: {:?}", after.problems);
        let (was, is) = (&analysis.facts, &after.facts);
        assert_eq!(
            (&was.tables, was.reads_clock, was.deterministic, was.row_wise),
            (&is.tables, is.reads_clock, is.deterministic, is.row_wise),
            "{held}"
        );
        assert_eq!(
            (&was.sets, &was.keys, was.cut.is_some(), &analysis.columns),
            (&is.sets, &is.keys, is.cut.is_some(), &after.columns),
            "{held}"
        );
        for leaf in is.leaves.iter().filter(|leaf| leaf.time.is_some()) {
            assert!(matches!(leaf.back, Some(Moment::At(_))), "{held}: {leaf:?}");
        }
    }
    if analysis.columns.is_none() {
        return;
    }
    if let Some(count) = counted(text, &analysis.query) {
        assert!(!analyse(&count, schema).is_refused(), "{count}");
    }
    if let Some(third) = part(text, &analysis.query, 1, 3) {
        let after = analyse(&third, schema);
        assert!(!after.is_refused(), "{third}: {:?}", after.problems);
        assert_eq!(analysis.columns, after.columns, "{third}");
        assert_eq!(
            (analysis.facts.reach, analysis.facts.row_wise),
            (after.facts.reach, after.facts.row_wise),
            "{third}"
        );
    }
}

/// The tokens of a text put together are the text.
pub(crate) fn whole(text: &str) {
    let mut at = 0;
    for token in tokens(text) {
        assert_eq!(token.span.start, at);
        assert!(text.get(token.span.range()).is_some_and(|part| !part.is_empty()), "{token:?}");
        at = token.span.end;
    }
    assert_eq!(at as usize, text.len());
}
