//! What holds of any text: proptest asks it here, and libFuzzer in `tests/fuzz`.

use crate::model::time::Timestamp;
use crate::rules::kql::analyse::analyse;
use crate::rules::kql::asof::as_of;
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
